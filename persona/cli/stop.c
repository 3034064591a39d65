// SPDX-License-Identifier: BSD-3-Clause
// Long work that ends well when it is asked to end.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "cli.h"

static const int requests[] = {SIGINT, SIGTERM, SIGHUP};

enum { REQUESTS = sizeof(requests) / sizeof(requests[0]) };

static volatile sig_atomic_t asked;

static void ask(int signal_number) { asked = signal_number; }

/* Without SA_RESTART: what waits is interrupted. A program that nohup started goes on when its terminal is closed; what
 * can't be shown any more, since nobody reads it, is told in the end. */
void stop_when_asked(void) {
    const struct sigaction action = {.sa_handler = ask};
    struct sigaction before;
    for (size_t i = 0; i < REQUESTS; i++)
        if (sigaction(requests[i], &action, &before) == 0 && requests[i] == SIGHUP && before.sa_handler == SIG_IGN)
            (void)sigaction(requests[i], &before, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool stop_is_asked(void) { return asked != 0; }

/* A signal comes while it waits, or is seen before; not in between. */
bool stop_or_ready(int file, short events) {
    struct pollfd poll = {.fd = file, .events = events};
    sigset_t blocked, before;
    int ready = -1;
    (void)sigemptyset(&blocked);
    for (size_t i = 0; i < REQUESTS; i++)
        (void)sigaddset(&blocked, requests[i]);
    (void)sigprocmask(SIG_BLOCK, &blocked, &before);
    while (asked == 0 && ready < 0) {
        ready = ppoll(&poll, 1, NULL, &before);
        if (ready < 0 && errno != EINTR)
            break; /* whoever uses the descriptor is told why */
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return asked == 0;
}
