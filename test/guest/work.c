// SPDX-License-Identifier: BSD-3-Clause
/*
 * Work whose time is compared with and without the switcher: a loop of arithmetic, or reads of a disk past the page
 * cache. Each round prints the counter ticks that passed and those of them in which the CPU was not idle.
 */

#include "guest.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LOOPS = 50000000,
    PIECE = 1 << 16, /* bytes a read */
    PIECES = 4096,   /* a round, from the disk's beginning */
    ROUNDS_MAX = 1000,
};

static void spin(void) {
    uint64_t value = 1;
    for (unsigned long i = 0; i < LOOPS; i++)
        __asm__ volatile("madd %0, %0, %0, %1" : "+r"(value) : "r"((uint64_t)i));
}

static void read_disk(int disk, void *buffer) {
    for (int i = 0; i < PIECES; i++)
        if (pread(disk, buffer, PIECE, (off_t)i * PIECE) != PIECE)
            fail("read");
}

/** @return ns that CPU 0 was idle since it started, waiting for a disk or not, from the kernel's list of timers */
static uint64_t idle_time(void) {
    FILE *list = fopen("/proc/timer_list", "re");
    char line[256];
    uint64_t idle = 0, waiting = 0;
    if (list == NULL)
        fail("/proc/timer_list");
    while (waiting == 0 && fgets(line, sizeof line, list) != NULL) {
        (void)sscanf(line, " .idle_sleeptime : %" SCNu64 " nsecs", &idle);
        (void)sscanf(line, " .iowait_sleeptime: %" SCNu64 " nsecs", &waiting);
    }
    fclose(list);
    return idle + waiting;
}

static uint64_t frequency(void) {
    uint64_t value;
    __asm__("mrs %0, cntfrq_el0" : "=r"(value));
    return value;
}

int main(int argument_count, char **arguments) {
    if (argument_count < 3 || argument_count > 4)
        usage("work ROUNDS cpu | work ROUNDS disk DEVICE");
    unsigned long rounds = number(arguments[1], 1, ROUNDS_MAX);
    int disk = argument_count == 4 ? open(arguments[3], O_RDONLY | O_DIRECT | O_CLOEXEC) : -1;
    if (argument_count == 4 && disk < 0)
        fail(arguments[3]);
    void *buffer = aligned_alloc(4096, PIECE);
    if (buffer == NULL)
        fail("memory");
    memset(buffer, 0, PIECE);
    for (unsigned long i = 0; i < rounds; i++) {
        uint64_t idle = idle_time();
        uint64_t start = counter();
        if (disk >= 0)
            read_disk(disk, buffer);
        else
            spin();
        uint64_t ticks = counter() - start;
        idle = idle_time() - idle;
        printf("work %" PRIu64 " %" PRIu64 "\n", ticks, ticks - idle * (frequency() / 1000) / 1000000);
    }
    return 0;
}
