// SPDX-License-Identifier: BSD-3-Clause
/*
 * Talks to the virtual USIM over its port, without a reader driver between: sends frames and prints the answers, sends
 * hostile ones, or tells how long exchanges and authentications take.
 */

#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAME_MAX = 1200, TIMEOUT_MS = 5000, EXCHANGES = 100, HOSTILE_MAX = 1000000 };

/* Sends bytes as they are, and waits for one answer. @return its bytes, with the prefix; 0: none came */
static size_t exchange(int port, const uint8_t *bytes, size_t size, uint8_t *answer) {
    struct pollfd polled = {.fd = port, .events = POLLIN};
    if (write(port, bytes, size) != (ssize_t)size)
        fail("write");
    if (poll(&polled, 1, TIMEOUT_MS) != 1)
        return 0;
    ssize_t count = read(port, answer, FRAME_MAX);
    return count < 0 ? 0 : (size_t)count;
}

static size_t parse(const char *text, uint8_t *bytes, size_t room) {
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size && i < room; i++)
        (void)sscanf(text + 2 * i, "%2hhx", &bytes[i]);
    return size < room ? size : room;
}

static void send_frame(int port, const char *text) {
    uint8_t frame[FRAME_MAX], answer[FRAME_MAX];
    size_t size = parse(text, frame + 2, sizeof frame - 2);
    frame[0] = (uint8_t)(size >> 8);
    frame[1] = (uint8_t)size;
    size_t count = exchange(port, frame, size + 2, answer);
    printf("answer ");
    for (size_t i = 2; i < count; i++)
        printf("%02x", answer[i]);
    printf("%s\n", count == 0 ? "none" : "");
}

static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Commands that mean something in part, then anything; and frames that are not as long as they say. */
static void attack(int port, unsigned long rounds) {
    static const uint8_t instructions[] = {0xa4, 0xf2, 0xb0, 0xd6, 0xb2, 0xdc, 0xa2, 0x32, 0x24, 0x70,
                                           0xc0, 0x88, 0x78, 0x10, 0x12, 0x14, 0xaa, 0x00, 0x01, 0x04};
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    unsigned long statuses[5] = {0};
    for (unsigned long i = 0; i < rounds; i++) {
        uint8_t frame[FRAME_MAX] = {0, 1, 1}, answer[FRAME_MAX];
        if (i % 64 == 0 && exchange(port, frame, 3, answer) < 4) /* some of what comes turns the card off */
            fail("the card does not go on");
        size_t size = next(&state) % 32 == 0 ? next(&state) % 1100 : next(&state) % 40;
        for (size_t j = 0; j < sizeof frame; j++)
            frame[j] = (uint8_t)next(&state);
        frame[0] = (uint8_t)(size >> 8);
        frame[1] = (uint8_t)(size + (next(&state) % 16 == 0));
        if (size >= 5 && next(&state) % 8 != 0) {
            frame[2] &= 0x83;
            frame[3] = instructions[next(&state) % sizeof instructions];
            frame[6] = (uint8_t)(size - 5 - (next(&state) % 2));
        }
        size_t count = exchange(port, frame, size + 2, answer);
        if (count < 3 || (size_t)(answer[0] << 8 | answer[1]) != count - 2 || answer[2] > 4) {
            printf("round %lu: %zu bytes came\n", i, count);
            exit(1);
        }
        statuses[answer[2]]++;
    }
    printf("statuses %lu %lu %lu %lu %lu\n", statuses[0], statuses[1], statuses[2], statuses[3], statuses[4]);
}

/* STATUS without data, the shortest command that there is. */
static void measure(int port, unsigned long rounds) {
    static const uint8_t on[] = {0, 1, 1}, status[] = {0, 5, 0x80, 0xf2, 0x00, 0x0c, 0x00};
    uint8_t answer[FRAME_MAX];
    if (exchange(port, on, sizeof on, answer) < 4)
        fail("the card is not there");
    for (unsigned long i = 0; i < rounds; i++) {
        uint64_t start = counter();
        for (unsigned count = 0; count < EXCHANGES; count++)
            if (exchange(port, status, sizeof status, answer) < 5)
                fail("answer");
        printf("exchanged %u %" PRIu64 "\n", EXCHANGES, counter() - start);
    }
}

/* Sends a command, with its prefix, that the card must answer with a status word that begins so, or data that do.
 * @return the counter's ticks from before write(2) to after read(2) */
static uint64_t timed(int port, const uint8_t *frame, size_t size, uint8_t begins) {
    uint8_t answer[FRAME_MAX];
    uint64_t start = counter();
    size_t count = exchange(port, frame, size, answer);
    uint64_t taken = counter() - start;
    if (count < 4 || answer[2] != 0 || answer[3] != begins)
        fail("the card answers otherwise");
    return taken;
}

/* A challenge is RAND and AUTN, as AUTHENTICATE has them (TS 31.102 7.1.2). Before each, as many bytes of an
 * instruction that the card does not have: what else a command costs is the same. */
static void authenticate(int port, char **challenges, int count) {
    static const uint8_t on[] = {0, 1, 1};
    static const uint8_t select[] = {0, 12, 0x00, 0xa4, 0x04, 0x0c, 7, 0xa0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02};
    static const uint8_t more[] = {0, 5, 0x00, 0xc0, 0x00, 0x00, 0x2c};
    uint8_t frame[] = {0, 39, 0x00, 0xfe, 0x00, 0x81, 34, [40] = 0};
    (void)timed(port, on, sizeof on, 0x3b);
    (void)timed(port, select, sizeof select, 0x90);
    for (int i = 0; i < count; i++) {
        if (parse(challenges[i], frame + 7, sizeof frame - 7) != sizeof frame - 7)
            fail(challenges[i]);
        frame[3] = 0xfe;
        uint64_t without = timed(port, frame, sizeof frame, 0x6d);
        frame[3] = 0x88;
        uint64_t with = timed(port, frame, sizeof frame, 0x61);
        (void)timed(port, more, sizeof more, 0xdb);
        printf("authenticated %" PRIu64 " %" PRIu64 "\n", with, without);
    }
}

/* write(2) with all vector registers full, and what is in them afterwards. */
static long write_with_vectors(int port, const uint8_t *bytes, size_t size, const uint8_t *before, uint8_t *after) {
    register long x0 __asm__("x0") = port;
    register const uint8_t *x1 __asm__("x1") = bytes;
    register size_t x2 __asm__("x2") = size;
    register long x8 __asm__("x8") = 64; /* write */
    __asm__ volatile(".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n\t"
                     "ldr q\\n, [%4, #16 * \\n]\n\t.endr\n\tsvc #0\n\t"
                     ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n\t"
                     "str q\\n, [%5, #16 * \\n]\n\t.endr"
                     : "+r"(x0)
                     : "r"(x1), "r"(x2), "r"(x8), "r"(before), "r"(after)
                     : "memory", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
                       "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
                       "v28", "v29", "v30", "v31");
    return x0;
}

/* The card computes between both looks. */
static void look_at_vectors(int port, unsigned long rounds, const char *text) {
    uint8_t frame[FRAME_MAX], answer[FRAME_MAX], before[512], after[512];
    uint64_t state = 88172645463325252;
    size_t size = parse(text, frame + 2, sizeof frame - 2);
    frame[0] = (uint8_t)(size >> 8);
    frame[1] = (uint8_t)size;
    for (unsigned long i = 0; i < rounds; i++) {
        struct pollfd polled = {.fd = port, .events = POLLIN};
        for (size_t j = 0; j < sizeof before; j++)
            before[j] = (uint8_t)next(&state);
        if (write_with_vectors(port, frame, size + 2, before, after) != (long)size + 2)
            fail("write");
        if (memcmp(before, after, sizeof before) != 0) {
            printf("round %lu: vector registers changed\n", i);
            exit(1);
        }
        if (poll(&polled, 1, TIMEOUT_MS) != 1 || read(port, answer, sizeof answer) < 3)
            fail("answer");
    }
    printf("vectors kept\n");
}

int main(int argument_count, char **arguments) {
    if (argument_count < 3)
        usage("usim PORT (HEX... [--vectors ROUNDS HEX] | --attack ROUNDS | --measure ROUNDS | --authenticate HEX...)");
    int port = open(arguments[1], O_RDWR | O_CLOEXEC);
    if (port < 0)
        fail(arguments[1]);
    if (strcmp(arguments[2], "--attack") == 0 && argument_count == 4)
        attack(port, number(arguments[3], 1, HOSTILE_MAX));
    else if (strcmp(arguments[2], "--measure") == 0 && argument_count == 4)
        measure(port, number(arguments[3], 1, HOSTILE_MAX));
    else if (strcmp(arguments[2], "--authenticate") == 0)
        authenticate(port, arguments + 3, argument_count - 3);
    else
        for (int i = 2; i < argument_count; i++) {
            if (strcmp(arguments[i], "--vectors") == 0 && i == argument_count - 3) {
                look_at_vectors(port, number(arguments[i + 1], 1, HOSTILE_MAX), arguments[i + 2]);
                break;
            }
            send_frame(port, arguments[i]);
        }
    return 0;
}
