// SPDX-License-Identifier: BSD-3-Clause
#include "guest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

uint64_t counter(void) {
    uint64_t value;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value)::"memory");
    return value;
}

void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

void usage(const char *text) {
    fprintf(stderr, "usage: %s\n", text);
    exit(2);
}

unsigned long number(const char *text, unsigned long least, unsigned long most) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > most) {
        fprintf(stderr, "%s is no number from %lu to %lu\n", text, least, most);
        exit(2);
    }
    return value;
}

void leave(int command) {
    printf("leaving %" PRIu64 "\n", counter());
    fflush(stdout);
    (void)tcdrain(STDOUT_FILENO);
    (void)reboot(command);
    fail("reboot");
}
