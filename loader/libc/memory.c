// SPDX-License-Identifier: BSD-3-Clause
// memcpy and its kin, which the compiler calls of its own accord. Compiled with general registers only, so that the
// switcher can use them, and with aligned accesses only, since the MMU may be off.
#include <stdint.h>
#include <string.h>

enum { WORD = sizeof(uint64_t) };

/* Words may alias anything. */
typedef uint64_t __attribute__((may_alias)) word_t;

static int both_aligned(const void *a, const void *b) { return (((uintptr_t)a | (uintptr_t)b) % WORD) == 0; }

void *memcpy(void *restrict destination, const void *restrict source, size_t size) {
    return memmove(destination, source, size);
}

static void copy_up(unsigned char *to, const unsigned char *from, size_t size) {
    for (; size > 0 && (uintptr_t)to % WORD != 0; size--)
        *to++ = *from++;
    if (both_aligned(to, from)) {
        for (; size >= 4 * WORD; size -= 4 * WORD, to += 4 * WORD, from += 4 * WORD) {
            const word_t *source = (const word_t *)(const void *)from;
            word_t *words = (word_t *)(void *)to;
            word_t a = source[0], b = source[1], c = source[2], d = source[3];
            words[0] = a, words[1] = b, words[2] = c, words[3] = d;
        }
        for (; size >= WORD; size -= WORD, to += WORD, from += WORD)
            *(word_t *)(void *)to = *(const word_t *)(const void *)from;
    }
    while (size-- > 0)
        *to++ = *from++;
}

static void copy_down(unsigned char *to, const unsigned char *from, size_t size) {
    for (; size > 0 && !both_aligned(to + size, from + size); size--)
        to[size - 1] = from[size - 1];
    for (; size >= WORD; size -= WORD)
        *(word_t *)(void *)(to + size - WORD) = *(const word_t *)(const void *)(from + size - WORD);
    for (; size > 0; size--)
        to[size - 1] = from[size - 1];
}

void *memmove(void *destination, const void *source, size_t size) {
    if ((uintptr_t)destination - (uintptr_t)source >= size)
        copy_up(destination, source, size);
    else
        copy_down(destination, source, size);
    return destination;
}

void *memset(void *destination, int value, size_t size) {
    unsigned char *to = destination;
    for (; size > 0 && (uintptr_t)to % WORD != 0; size--)
        *to++ = (unsigned char)value;
    word_t word = UINT64_C(0x0101010101010101) * (unsigned char)value;
    for (; size >= 4 * WORD; size -= 4 * WORD, to += 4 * WORD) {
        word_t *words = (word_t *)(void *)to;
        words[0] = word, words[1] = word, words[2] = word, words[3] = word;
    }
    for (; size >= WORD; size -= WORD, to += WORD)
        *(word_t *)(void *)to = word;
    while (size-- > 0)
        *to++ = (unsigned char)value;
    return destination;
}

int memcmp(const void *a, const void *b, size_t size) {
    const unsigned char *left = a;
    const unsigned char *right = b;
    for (size_t i = 0; i < size; i++)
        if (left[i] != right[i])
            return left[i] - right[i];
    return 0;
}
