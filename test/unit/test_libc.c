// SPDX-License-Identifier: BSD-3-Clause
// The freestanding libc against the host's: the same calls must do the same.
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Ours under names of their own; the headers' names are the host's. */
#define memcpy our_memcpy
#define memmove our_memmove
#define memset our_memset
#define memcmp our_memcmp
#define memchr our_memchr
#define strlen our_strlen
#define strnlen our_strnlen
#define strcmp our_strcmp
#define strncmp our_strncmp
#define strcpy our_strcpy
#define strncpy our_strncpy
#define strchr our_strchr
#define strrchr our_strrchr
#define strstr our_strstr
#define strtoul our_strtoul
#define snprintf our_snprintf
#define vsnprintf our_vsnprintf
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int value, size_t size);
void *memcpy(void *restrict destination, const void *restrict source, size_t size);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strncmp(const char *a, const char *b, size_t limit);
char *strchr(const char *text, int c);
int vsnprintf(char *restrict text, size_t size, const char *restrict format, va_list arguments);
#include "libc/format.c"
#include "libc/memory.c"
#include "libc/number.c"
#include "libc/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strcpy
#undef strncpy
#undef strchr
#undef strrchr
#undef strstr
#undef strtoul
#undef snprintf
#undef vsnprintf

enum { SPAN = 96 };

static void fill(uint8_t *bytes) {
    for (size_t i = 0; i < SPAN; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
}

static void moves_like_the_hosts_at_any_offset_and_overlap(void **state) {
    (void)state;
    for (size_t to = 0; to < 20; to++) {
        for (size_t from = 0; from < 20; from++) {
            for (size_t size = 0; size <= SPAN - 20; size += 1 + size / 8) {
                _Alignas(8) uint8_t expected[SPAN], actual[SPAN];
                fill(expected);
                fill(actual);
                memmove(expected + to, expected + from, size);
                assert_ptr_equal(our_memmove(actual + to, actual + from, size), actual + to);
                assert_memory_equal(actual, expected, SPAN);
            }
        }
    }
}

static void sets_like_the_hosts(void **state) {
    (void)state;
    for (size_t to = 0; to < 9; to++) {
        for (size_t size = 0; size <= SPAN - 9; size++) {
            _Alignas(8) uint8_t expected[SPAN], actual[SPAN];
            fill(expected);
            fill(actual);
            memset(expected + to, 0x1a5, size);
            our_memset(actual + to, 0x1a5, size);
            assert_memory_equal(actual, expected, SPAN);
        }
    }
}

static void finds_and_compares(void **state) {
    (void)state;
    static const char text[] = "/chosen/module@40000000";
    assert_int_equal(our_strlen(text), strlen(text));
    assert_int_equal(our_strnlen(text, 7), 7);
    assert_ptr_equal(our_strchr(text, '@'), strchr(text, '@'));
    assert_ptr_equal(our_strchr(text, '\0'), text + strlen(text));
    assert_null(our_strchr(text, 'z'));
    assert_ptr_equal(our_strrchr(text, '/'), strrchr(text, '/'));
    assert_ptr_equal(our_memchr(text, 'd', sizeof(text)), memchr(text, 'd', sizeof(text)));
    assert_null(our_memchr(text, 'd', 4));
    assert_ptr_equal(our_strstr(text, "module"), strstr(text, "module"));
    assert_ptr_equal(our_strstr(text, ""), text);
    assert_null(our_strstr(text, "modules"));
    assert_true(our_strcmp("a", "b") < 0 && our_strcmp("b", "a") > 0 && our_strcmp("\xff", "a") > 0);
    assert_int_equal(our_strcmp(text, text), 0);
    assert_int_equal(our_strncmp("abc", "abd", 2), 0);
    assert_true(our_memcmp("a\0b", "a\0c", 3) < 0);
    assert_int_equal(our_memcmp("ab", "ac", 1), 0);
}

static void copies_text(void **state) {
    (void)state;
    char text[8];
    memset(text, 'x', sizeof(text));
    assert_string_equal(our_strcpy(text, "abc"), "abc");
    our_strncpy(text, "de", sizeof(text));
    assert_memory_equal(text, "de\0\0\0\0\0", sizeof(text));
}

static void reads_numbers(void **state) {
    (void)state;
    static const char *const texts[] = {"0", "12x", "0x1F", "0x", "077", "18446744073709551615", "", "x"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *ours = NULL, *hosts = NULL;
        assert_true(our_strtoul(texts[i], &ours, 0) == strtoul(texts[i], &hosts, 0));
        assert_ptr_equal(ours, hosts);
    }
    assert_true(our_strtoul("18446744073709551616", NULL, 10) == ULONG_MAX);
}

#define SAME(...)                                                                                                      \
    do {                                                                                                               \
        char ours[128], hosts[128];                                                                                    \
        int length = snprintf(hosts, sizeof(hosts), __VA_ARGS__);                                                      \
        assert_int_equal(our_snprintf(ours, sizeof(ours), __VA_ARGS__), length);                                       \
        assert_string_equal(ours, hosts);                                                                              \
    } while (0)

static void formats_like_the_hosts(void **state) {
    (void)state;
    SAME("plain %% %c", 'c');
    SAME("%s|%10s|%-10s|%.2s|%*s", "abc", "abc", "abc", "abc", 5, "abc");
    SAME("%d %i %u", -12, INT_MIN, UINT_MAX);
    SAME("%ld %lu %llu %zu", LONG_MIN, ULONG_MAX, ULLONG_MAX, (size_t)7);
    SAME("%x %X %08x %-6x| 0x%010lx", 0xbeefu, 0xbeefu, 0x12u, 0xau, 0x40000000ul);
    SAME("%6d|%-6d|%06u", 42, 42, 42u);
}

static void cuts_what_is_too_long(void **state) {
    (void)state;
    char text[4];
    assert_int_equal(our_snprintf(text, sizeof(text), "%s", "abcdef"), 6);
    assert_string_equal(text, "abc");
    assert_int_equal(our_snprintf(NULL, 0, "%s", "abcdef"), 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_like_the_hosts_at_any_offset_and_overlap),
        cmocka_unit_test(sets_like_the_hosts),
        cmocka_unit_test(finds_and_compares),
        cmocka_unit_test(copies_text),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(formats_like_the_hosts),
        cmocka_unit_test(cuts_what_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
