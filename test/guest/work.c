// SPDX-License-Identifier: BSD-3-Clause
/*
 * Work whose time is compared with and without the switcher: a loop of arithmetic, reads of a disk past the page
 * cache, or none, to learn what the timer's ticks cost. Each round prints the counter ticks that passed and how often
 * an idler went round meanwhile.
 *
 * The idler takes the CPU whenever there is nothing else to do: a machine that counts instructions has no time of its
 * own for how long a disk takes, but with the idler every instruction is somebody's, and those that the work cost are
 * all but the idler's.
 */

#include "guest.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOPS = 50000000,
    REST = 200000000, /* ns */
    PIECE = 1 << 16,  /* bytes a read */
    PIECES = 1024,    /* a round, from the disk's beginning */
    BLOCK = 2 << 20,  /* bytes: the huge page of 4 KiB granules */
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

static void rest(void) {
    const struct timespec time = {.tv_nsec = REST};
    if (nanosleep(&time, NULL) < 0)
        fail("sleep");
}

/** A system with little memory starts without. */
static void allow_huge_pages(void) {
    int setting = open("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY | O_CLOEXEC);
    if (setting < 0 || write(setting, "madvise", 7) != 7)
        fail("/sys/kernel/mm/transparent_hugepage/enabled");
    close(setting);
}

/** A block of memory that is physically contiguous, so that a read is one piece for the device after every start. */
static void *allocate(void) {
    allow_huge_pages();
    void *block = aligned_alloc(BLOCK, BLOCK);
    if (block == NULL || madvise(block, BLOCK, MADV_HUGEPAGE) < 0)
        fail("memory");
    memset(block, 0, BLOCK);
    return block;
}

static volatile uint64_t idler_rounds;

/** Four instructions a round, with the branch; who evaluates the figures counts on it. */
static void *idle(void *unused) {
    (void)unused;
    struct sched_param parameters = {.sched_priority = 0};
    if (sched_setscheduler(0, SCHED_IDLE, &parameters) < 0)
        fail("SCHED_IDLE");
    for (;;)
        __asm__ volatile("ldr x9, [%0]\n\tadd x9, x9, #1\n\tstr x9, [%0]" ::"r"(&idler_rounds) : "x9", "memory");
}

static void start_idler(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, idle, NULL) != 0)
        fail("thread");
}

int main(int argument_count, char **arguments) {
    if (argument_count < 3 || argument_count > 4)
        usage("work ROUNDS cpu | work ROUNDS rest | work ROUNDS disk DEVICE");
    unsigned long rounds = number(arguments[1], 1, ROUNDS_MAX);
    int disk = argument_count == 4 ? open(arguments[3], O_RDONLY | O_DIRECT | O_CLOEXEC) : -1;
    if (argument_count == 4 && disk < 0)
        fail(arguments[3]);
    void *buffer = allocate();
    start_idler();
    for (unsigned long i = 0; i < rounds; i++) {
        uint64_t idled = idler_rounds;
        uint64_t start = counter();
        if (disk >= 0)
            read_disk(disk, buffer);
        else if (strcmp(arguments[2], "rest") == 0)
            rest();
        else
            spin();
        uint64_t ticks = counter() - start;
        printf("work %" PRIu64 " %" PRIu64 "\n", ticks, idler_rounds - idled);
    }
    return 0;
}
