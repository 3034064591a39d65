// SPDX-License-Identifier: BSD-3-Clause
#include "unlz4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lz4_frame.h"
#include "pseudorandom.h"

enum {
    SIZE = 200000, /* bytes: three blocks of 64 KiB and one that is not full */
    ROOM = SIZE + 4096,
    BEHIND = 64,
    HEADER = 15,
    MARK = 4, /* bytes behind the last block */
};

static uint8_t content[SIZE], frame[ROOM], buffer[ROOM];
static size_t frame_size;

/* Text that compresses, but for what is random at its end: a whole block and more. */
static int make(void **state) {
    struct pseudorandom random = {7};
    LZ4F_preferences_t preferences = lz4_frame_preferences(SIZE);
    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i < SIZE / 2 ? i / 100 % 7 : pseudorandom_next(&random));
    frame_size = lz4_frame(&preferences, content, SIZE, frame, sizeof(frame));
    memset(buffer, 0xee, sizeof(buffer));
    return 0;
}

/* @return what unlz4() says of a copy that ends where the frame does, so that a read beyond is noticed */
static enum unlz4_error try_sizes(size_t size, size_t wanted) {
    uint8_t *copy = malloc(size + 1), *to = malloc(wanted + BEHIND);
    assert_non_null(copy);
    assert_non_null(to);
    memcpy(copy + 1, frame, size);
    memset(to, 0xee, wanted + BEHIND);
    enum unlz4_error error = unlz4(copy + 1, size, to, wanted);
    for (size_t i = 0; i < BEHIND; i++)
        assert_int_equal(to[wanted + i], 0xee);
    if (error == UNLZ4_OK)
        assert_memory_equal(to, content, wanted);
    free(copy);
    free(to);
    return error;
}

static void test_all_of_it_comes_back(void **state) {
    (void)state;
    assert_true(frame_size < SIZE);
    assert_int_equal(try_sizes(frame_size, SIZE), UNLZ4_OK);
}

static void test_any_size_and_block(void **state) {
    static const size_t sizes[] = {1, 13, 65535, 65536, 65537, 131072, SIZE};
    static const LZ4F_blockSizeID_t blocks[] = {LZ4F_max64KB, LZ4F_max256KB, LZ4F_max1MB, LZ4F_max4MB};
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (size_t j = 0; j < sizeof(blocks) / sizeof(blocks[0]); j++) {
            LZ4F_preferences_t preferences = lz4_frame_preferences(sizes[i]);
            preferences.frameInfo.blockSizeID = blocks[j];
            preferences.compressionLevel = (int)j * 4;
            frame_size = lz4_frame(&preferences, content, sizes[i], frame, sizeof(frame));
            assert_int_equal(try_sizes(frame_size, sizes[i]), UNLZ4_OK);
        }
}

static void test_another_size_than_was_said(void **state) {
    (void)state;
    assert_int_equal(try_sizes(frame_size, SIZE - 1), UNLZ4_WRONG_SIZE);
    assert_int_equal(try_sizes(frame_size, SIZE + 1), UNLZ4_WRONG_SIZE);
    assert_int_equal(try_sizes(frame_size, 0), UNLZ4_WRONG_SIZE);
}

static void test_cut_anywhere(void **state) {
    (void)state;
    for (size_t size = 0; size < frame_size; size += size < 100 || size + 100 > frame_size ? 1 : 997)
        assert_int_equal(try_sizes(size, SIZE), UNLZ4_TRUNCATED);
    frame[frame_size] = 0;
    assert_int_equal(try_sizes(frame_size + 1, SIZE), UNLZ4_DAMAGED);
}

static void test_the_header_flipped(void **state) {
    (void)state;
    for (unsigned bit = 0; bit < HEADER * 8; bit++) {
        frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(try_sizes(frame_size, SIZE), UNLZ4_UNKNOWN);
        frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* What is altered may still decompress to as many bytes, but never to more, nor from elsewhere. */
static void test_blocks_flipped(void **state) {
    struct pseudorandom random = {3};
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        const size_t at = HEADER + (size_t)pseudorandom_below(&random, i < 1500 ? 400 : frame_size - HEADER);
        const uint8_t bit = (uint8_t)(1 << pseudorandom_below(&random, 8));
        frame[at] ^= bit;
        assert_true(unlz4(frame, frame_size, buffer, SIZE) <= UNLZ4_DAMAGED);
        for (size_t j = SIZE; j < ROOM; j++)
            assert_int_equal(buffer[j], 0xee);
        frame[at] ^= bit;
    }
}

static void test_a_block_too_few_or_too_many(void **state) {
    LZ4F_preferences_t preferences = lz4_frame_preferences(65536);
    (void)state;
    frame_size = lz4_frame(&preferences, content, 65536, frame, sizeof(frame));
    memset(frame + frame_size - MARK, 0, MARK);
    assert_int_equal(try_sizes(frame_size, 65536), UNLZ4_OK);
    /* The block once more, before the mark. */
    const size_t block = frame_size - HEADER - MARK;
    memcpy(frame + frame_size - MARK, frame + HEADER, block);
    memset(frame + frame_size - MARK + block, 0, MARK);
    assert_int_equal(try_sizes(frame_size + block, 65536), UNLZ4_DAMAGED);
    /* The mark at once. */
    memset(frame + HEADER, 0, MARK);
    assert_int_equal(try_sizes(HEADER + MARK, 65536), UNLZ4_DAMAGED);
}

static void test_frames_of_other_kinds(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        LZ4F_preferences_t preferences = lz4_frame_preferences(SIZE);
        preferences.frameInfo.blockMode = kind == 0 ? LZ4F_blockLinked : LZ4F_blockIndependent;
        preferences.frameInfo.contentChecksumFlag = kind == 1 ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
        preferences.frameInfo.blockChecksumFlag = kind == 2 ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum;
        preferences.frameInfo.contentSize = kind == 3 ? 0 : SIZE;
        frame_size = lz4_frame(&preferences, content, SIZE, frame, sizeof(frame));
        assert_int_equal(try_sizes(frame_size, SIZE), UNLZ4_UNKNOWN);
    }
}

static void test_errors_have_texts(void **state) {
    (void)state;
    for (int error = UNLZ4_OK; error <= UNLZ4_DAMAGED; error++)
        assert_string_not_equal(unlz4_error_text((enum unlz4_error)error), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_of_it_comes_back, make),
        cmocka_unit_test_setup(test_any_size_and_block, make),
        cmocka_unit_test_setup(test_another_size_than_was_said, make),
        cmocka_unit_test_setup(test_cut_anywhere, make),
        cmocka_unit_test_setup(test_the_header_flipped, make),
        cmocka_unit_test_setup(test_blocks_flipped, make),
        cmocka_unit_test_setup(test_a_block_too_few_or_too_many, make),
        cmocka_unit_test_setup(test_frames_of_other_kinds, make),
        cmocka_unit_test(test_errors_have_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
