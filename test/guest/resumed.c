// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tells, each time that the system comes back from a suspend, when a program of its user was running again. The kernel
 * wakes it, since to the clock of the day a suspend is a jump.
 */

#include "guest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void wait_for_jump(int timer) {
    static const struct itimerspec never = {.it_value = {.tv_sec = INT32_MAX}};
    uint64_t expirations;
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0)
        fail("timer");
    if (read(timer, &expirations, sizeof expirations) >= 0 || errno != ECANCELED)
        fail("wait");
}

int main(void) {
    int timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC);
    if (timer < 0)
        fail("timer");
    for (;;) {
        wait_for_jump(timer);
        printf("resumed %" PRIu64 "\n", counter());
        fflush(stdout);
    }
}
