// SPDX-License-Identifier: BSD-3-Clause
// Encrypted files in memory: written and read in pieces of all kinds, and everything that can be done to one is
// noticed.
#include "crypto/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"

enum { SHIFT = STREAM_CHUNK_SHIFT_MIN, CHUNK = 1 << SHIFT, STEP = CHUNK + AEAD_TAG_SIZE, FILE_MAX = 6 * STEP };

struct file {
    uint8_t bytes[FILE_MAX];
    size_t size;
    size_t fail_after; /* bytes put, or offset got, from which on it fails */
};

static struct random_stream random_numbers;
static uint8_t plain[5 * CHUNK], output[5 * CHUNK], chunk[CHUNK];
static struct file file, other;
static const uint8_t content_key[STREAM_KEY_SIZE] = {7};
static const struct stream_key key = {content_key, "work\0kernel", 11};

static bool put(void *context, const void *data, size_t size) {
    struct file *to = context;
    if (to->size + size > to->fail_after)
        return false;
    memcpy(to->bytes + to->size, data, size);
    to->size += size;
    return true;
}

static bool get(void *context, uint64_t offset, void *data, size_t size) {
    const struct file *from = context;
    if (offset + size > from->size || offset + size > from->fail_after)
        return false;
    memcpy(data, from->bytes + offset, size);
    return true;
}

static int start(void **state) {
    (void)state;
    random_numbers = known_random(4);
    return random_bytes(&random_numbers, plain, sizeof(plain)) != RANDOM_OK;
}

static enum stream_error write_file(struct file *to, const struct stream_key *with, size_t size, size_t piece) {
    struct stream_writer writer;
    to->size = 0;
    enum stream_error error = stream_write_open(&writer, with, SHIFT, chunk, &random_numbers, put, to);
    for (size_t done = 0; done < size && error == STREAM_OK; done += piece)
        error = stream_write(&writer, plain + done, size - done < piece ? size - done : piece);
    if (error == STREAM_OK)
        error = stream_write_end(&writer);
    stream_write_close(&writer);
    return error;
}

static void make(struct file *to, size_t size) {
    to->fail_after = FILE_MAX;
    assert_int_equal(write_file(to, &key, size, 1000), STREAM_OK);
    assert_int_equal(to->size, stream_encrypted_size(size, SHIFT));
}

/* All of it, by one call or many. */
static enum stream_error read_file(struct file *from, const struct stream_key *with, size_t piece) {
    struct stream_reader reader;
    enum stream_error error = stream_read_open(&reader, with, from->size, chunk, sizeof(chunk), get, from);
    memset(output, 0, sizeof(output));
    for (size_t done = 0; error == STREAM_OK && done < reader.size; done += piece) {
        size_t left = reader.size - done;
        error = stream_read(&reader, done, output + done, left < piece ? left : piece);
    }
    stream_read_close(&reader);
    return error;
}

static void test_all_lengths(void **state) {
    static const size_t sizes[] = {0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7, 5 * CHUNK};
    static const size_t pieces[] = {1000, CHUNK, CHUNK + 1, 5 * CHUNK};
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++) {
            file.fail_after = FILE_MAX;
            assert_int_equal(write_file(&file, &key, sizes[i], pieces[j]), STREAM_OK);
            assert_int_equal(file.size, stream_encrypted_size(sizes[i], SHIFT));
            assert_int_equal(read_file(&file, &key, pieces[j]), STREAM_OK);
            assert_memory_equal(output, plain, sizes[i]);
        }
    }
}

static void test_read_anywhere(void **state) {
    struct stream_reader reader;
    (void)state;
    make(&file, 5 * CHUNK - 3);
    assert_int_equal(stream_read_open(&reader, &key, file.size, chunk, sizeof(chunk), get, &file), STREAM_OK);
    assert_int_equal(reader.size, 5 * CHUNK - 3);
    for (unsigned i = 0; i < 500; i++) {
        uint32_t at[2];
        assert_int_equal(random_bytes(&random_numbers, at, sizeof(at)), RANDOM_OK);
        size_t offset = at[0] % (reader.size + 1);
        size_t size = at[1] % (reader.size - offset + 1);
        assert_int_equal(stream_read(&reader, offset, output, size), STREAM_OK);
        assert_memory_equal(output, plain + offset, size);
    }
    assert_int_equal(stream_read(&reader, reader.size, output, 1), STREAM_OUT_OF_RANGE);
    assert_int_equal(stream_read(&reader, UINT64_MAX, output, 1), STREAM_OUT_OF_RANGE);
    assert_int_equal(stream_read(&reader, 1, output, sizeof(output)), STREAM_OUT_OF_RANGE);
    stream_read_close(&reader);
    assert_memory_equal(chunk, (uint8_t[CHUNK]){0}, CHUNK);
}

static void test_each_altered_byte_of_the_header_is_noticed(void **state) {
    (void)state;
    make(&file, CHUNK + 5);
    for (size_t i = 0; i < STREAM_HEADER_SIZE; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            file.bytes[i] ^= (uint8_t)(1u << bit);
            enum stream_error error = read_file(&file, &key, CHUNK);
            assert_true(error == STREAM_MALFORMED || error == STREAM_WRONG_KEY || error == STREAM_OUT_OF_RANGE);
            file.bytes[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_int_equal(read_file(&file, &key, CHUNK), STREAM_OK);
}

static void test_altered_chunks_are_noticed(void **state) {
    (void)state;
    make(&file, 2 * CHUNK + 5);
    for (size_t i = STREAM_HEADER_SIZE; i < file.size; i += i < file.size - 40 ? 61 : 1) {
        file.bytes[i] ^= 0x10;
        bool in_last = i >= STREAM_HEADER_SIZE + 2 * STEP;
        assert_int_equal(read_file(&file, &key, CHUNK), in_last ? STREAM_CUT : STREAM_NOT_AUTHENTIC);
        file.bytes[i] ^= 0x10;
    }
}

/* Nothing is given of a chunk that is not authentic, and the others can still be read. */
static void test_what_is_not_authentic_is_not_given(void **state) {
    struct stream_reader reader;
    (void)state;
    make(&file, 3 * CHUNK);
    file.bytes[STREAM_HEADER_SIZE + STEP + 9] ^= 1;
    assert_int_equal(stream_read_open(&reader, &key, file.size, chunk, sizeof(chunk), get, &file), STREAM_OK);
    assert_int_equal(stream_read(&reader, 0, output, CHUNK), STREAM_OK);
    memset(output, 1, sizeof(output));
    assert_int_equal(stream_read(&reader, 0, output, 3 * CHUNK), STREAM_NOT_AUTHENTIC);
    assert_memory_equal(output, (uint8_t[3 * CHUNK]){0}, 3 * CHUNK);
    assert_int_equal(stream_read(&reader, CHUNK + 1, output, 3), STREAM_NOT_AUTHENTIC);
    assert_memory_equal(output, "\0\0\0", 3);
    assert_int_equal(stream_read(&reader, 2 * CHUNK + 1, output, 3), STREAM_OK);
    assert_memory_equal(output, plain + 2 * CHUNK + 1, 3);
    stream_read_close(&reader);
}

static void test_each_cut_is_noticed(void **state) {
    (void)state;
    make(&file, 2 * CHUNK + 100);
    for (size_t size = file.size; size-- > 0;) {
        size_t near = size % STEP;
        if (near > 140 && near < STEP - 40 && near % 97 != 0)
            continue;
        struct stream_reader reader;
        enum stream_error error = stream_read_open(&reader, &key, size, chunk, sizeof(chunk), get, &file);
        assert_true(error == STREAM_CUT || error == STREAM_BAD_LENGTH || error == STREAM_MALFORMED);
        stream_read_close(&reader);
    }
    assert_int_equal(read_file(&file, &key, CHUNK), STREAM_OK);
}

static void test_longer_files_are_noticed(void **state) {
    size_t size;
    (void)state;
    make(&file, 2 * CHUNK);
    size = file.size;
    for (size_t more = 1; more <= STEP; more += more < 40 ? 1 : 129) {
        memcpy(file.bytes + size, file.bytes + STREAM_HEADER_SIZE, more);
        file.size = size + more;
        enum stream_error error = read_file(&file, &key, CHUNK);
        assert_true(error == STREAM_CUT || error == STREAM_BAD_LENGTH);
    }
}

static void swap_chunks(struct file *a, size_t first, struct file *b, size_t second) {
    uint8_t kept[STEP];
    uint8_t *one = a->bytes + STREAM_HEADER_SIZE + first * STEP;
    uint8_t *two = b->bytes + STREAM_HEADER_SIZE + second * STEP;
    memcpy(kept, one, STEP);
    memcpy(one, two, STEP);
    memcpy(two, kept, STEP);
}

static void test_reordered_doubled_and_mixed_chunks_are_noticed(void **state) {
    (void)state;
    make(&file, 4 * CHUNK);
    swap_chunks(&file, 0, &file, 1);
    assert_int_equal(read_file(&file, &key, CHUNK), STREAM_NOT_AUTHENTIC);
    swap_chunks(&file, 0, &file, 1);
    swap_chunks(&file, 1, &file, 3);
    assert_int_equal(read_file(&file, &key, CHUNK), STREAM_CUT);
    swap_chunks(&file, 1, &file, 3);
    make(&other, 4 * CHUNK);
    swap_chunks(&file, 2, &other, 2);
    assert_int_equal(read_file(&file, &key, CHUNK), STREAM_NOT_AUTHENTIC);
    swap_chunks(&file, 2, &other, 2);
    assert_int_equal(read_file(&file, &key, CHUNK), STREAM_OK);
    memcpy(file.bytes + STREAM_HEADER_SIZE + STEP, file.bytes + STREAM_HEADER_SIZE, STEP);
    assert_int_equal(read_file(&file, &key, CHUNK), STREAM_NOT_AUTHENTIC);
}

/* One file's header before another's chunks, under the same key and name. */
static void test_mixed_files_are_noticed(void **state) {
    (void)state;
    make(&file, CHUNK);
    make(&other, CHUNK);
    memcpy(file.bytes, other.bytes, STREAM_HEADER_SIZE);
    assert_int_equal(read_file(&file, &key, CHUNK), STREAM_CUT);
}

static void test_another_persona_or_name(void **state) {
    static const uint8_t wrong_key[STREAM_KEY_SIZE] = {8};
    const struct stream_key wrong[] = {{wrong_key, key.name, key.name_size},
                                       {content_key, "work\0initrd", 11},
                                       {content_key, key.name, key.name_size - 1}};
    const struct stream_key long_name = {content_key, plain, STREAM_NAME_MAX + 1};
    (void)state;
    make(&file, CHUNK);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(read_file(&file, &wrong[i], CHUNK), STREAM_WRONG_KEY);
    assert_int_equal(read_file(&file, &long_name, CHUNK), STREAM_BAD_NAME);
    assert_int_equal(write_file(&other, &long_name, 1, 1), STREAM_BAD_NAME);
}

static void test_failing_input_and_output(void **state) {
    struct stream_reader reader;
    struct stream_writer writer;
    (void)state;
    for (size_t room = 0; room < stream_encrypted_size(2 * CHUNK, SHIFT); room += 29) {
        file.fail_after = room;
        assert_int_equal(write_file(&file, &key, 2 * CHUNK, 777), STREAM_IO);
    }
    make(&file, 2 * CHUNK);
    file.fail_after = 10;
    assert_int_equal(read_file(&file, &key, CHUNK), STREAM_IO);
    file.fail_after = file.size - 1;
    assert_int_equal(read_file(&file, &key, CHUNK), STREAM_IO);
    file.fail_after = FILE_MAX;
    assert_int_equal(stream_read_open(&reader, &key, file.size, chunk, CHUNK - 1, get, &file), STREAM_OUT_OF_RANGE);
    assert_int_equal(stream_write_open(&writer, &key, SHIFT - 1, chunk, &random_numbers, put, &file),
                     STREAM_OUT_OF_RANGE);
    assert_int_equal(stream_write_open(&writer, &key, STREAM_CHUNK_SHIFT_MAX + 1, chunk, &random_numbers, put, &file),
                     STREAM_OUT_OF_RANGE);
}

static void test_chunk_shift_of_a_header(void **state) {
    unsigned shift = 0;
    (void)state;
    make(&file, 1);
    assert_int_equal(stream_chunk_shift(file.bytes, &shift), STREAM_OK);
    assert_int_equal(shift, SHIFT);
    file.bytes[0] ^= 1;
    assert_int_equal(stream_chunk_shift(file.bytes, &shift), STREAM_MALFORMED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_lengths),
        cmocka_unit_test(test_read_anywhere),
        cmocka_unit_test(test_each_altered_byte_of_the_header_is_noticed),
        cmocka_unit_test(test_altered_chunks_are_noticed),
        cmocka_unit_test(test_what_is_not_authentic_is_not_given),
        cmocka_unit_test(test_each_cut_is_noticed),
        cmocka_unit_test(test_longer_files_are_noticed),
        cmocka_unit_test(test_reordered_doubled_and_mixed_chunks_are_noticed),
        cmocka_unit_test(test_mixed_files_are_noticed),
        cmocka_unit_test(test_another_persona_or_name),
        cmocka_unit_test(test_failing_input_and_output),
        cmocka_unit_test(test_chunk_shift_of_a_header),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
