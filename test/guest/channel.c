// SPDX-License-Identifier: BSD-3-Clause
/*
 * Greets the switcher over its channel again and again, and tells how long the answers took: for each round the counter
 * ticks of EXCHANGES messages with their answers.
 */

#include "guest.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXCHANGES = 100, ROUNDS_MAX = 1000 };

/* switcher/control.cddl: hello-agent and hello, each behind its length. */
static const uint8_t greeting[] = {0, 4, 0x83, 0x00, 0x01, 0x60};
static const uint8_t answer[] = {0, 3, 0x82, 0x00, 0x01};

static void exchange(int port) {
    uint8_t got[sizeof answer + 1];
    if (write(port, greeting, sizeof greeting) != (ssize_t)sizeof greeting)
        fail("write");
    if (read(port, got, sizeof got) != (ssize_t)sizeof answer || memcmp(got, answer, sizeof answer) != 0)
        fail("answer");
}

int main(int argument_count, char **arguments) {
    if (argument_count != 3)
        usage("channel ROUNDS PORT");
    unsigned long rounds = number(arguments[1], 1, ROUNDS_MAX);
    int port = open(arguments[2], O_RDWR | O_CLOEXEC);
    if (port < 0)
        fail(arguments[2]);
    for (unsigned long i = 0; i < rounds; i++) {
        uint64_t start = counter();
        for (unsigned count = 0; count < EXCHANGES; count++)
            exchange(port);
        printf("exchanged %u %" PRIu64 "\n", EXCHANGES, counter() - start);
    }
    return 0;
}
