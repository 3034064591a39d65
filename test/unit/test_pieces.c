// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libc/pieces.h"
#include "pseudorandom.h"

enum { ROOM = 4096, HEADER = 16 };

static _Alignas(PIECES_ALIGNMENT) uint8_t memory[ROOM];
static struct pieces pieces;

static int open_pieces(void **state) {
    (void)state;
    pieces_open(&pieces, memory, sizeof(memory));
    return 0;
}

static void gives_aligned_pieces_of_the_block(void **state) {
    (void)state;
    for (size_t size = 0; size < 100; size++) {
        uint8_t *piece = pieces_take(&pieces, size);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % PIECES_ALIGNMENT, 0);
        assert_true(pieces_hold(&pieces, piece));
        assert_true(piece + size <= memory + sizeof(memory));
        pieces_give(piece);
    }
    assert_false(pieces_hold(&pieces, memory + sizeof(memory)));
    assert_false(pieces_hold(&pieces, &pieces));
}

static void ends_where_the_block_does(void **state) {
    (void)state;
    assert_null(pieces_take(&pieces, ROOM - HEADER + 1));
    assert_null(pieces_take(&pieces, SIZE_MAX));
    assert_non_null(pieces_take(&pieces, ROOM - HEADER));
    assert_null(pieces_take(&pieces, 0));
}

static void joins_what_was_given_back(void **state) {
    void *taken[8];
    (void)state;
    for (size_t i = 0; i < 8; i++)
        taken[i] = pieces_take(&pieces, ROOM / 8 - HEADER);
    assert_non_null(taken[7]);
    assert_null(pieces_take(&pieces, 1));
    for (size_t i = 8; i > 0; i--)
        pieces_give(taken[i - 1]);
    assert_non_null(pieces_take(&pieces, ROOM - HEADER));
}

/* Each piece keeps what is written to all of it while others come and go. */
static void keeps_pieces_apart(void **state) {
    enum { MOST = 32 };
    struct {
        uint8_t *bytes;
        size_t size;
    } held[MOST] = {0};
    struct pseudorandom random = {1};
    (void)state;
    for (unsigned step = 0; step < 20000; step++) {
        size_t i = (size_t)pseudorandom_below(&random, MOST);
        if (held[i].bytes != NULL) {
            for (size_t at = 0; at < held[i].size; at++)
                assert_int_equal(held[i].bytes[at], i);
            pieces_give(held[i].bytes);
        }
        held[i].size = (size_t)pseudorandom_below(&random, 300);
        held[i].bytes = pieces_take(&pieces, held[i].size);
        if (held[i].bytes != NULL)
            memset(held[i].bytes, (int)i, held[i].size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(gives_aligned_pieces_of_the_block, open_pieces),
        cmocka_unit_test_setup(ends_where_the_block_does, open_pieces),
        cmocka_unit_test_setup(joins_what_was_given_back, open_pieces),
        cmocka_unit_test_setup(keeps_pieces_apart, open_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
