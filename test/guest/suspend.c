// SPDX-License-Identifier: BSD-3-Clause
/*
 * Suspends the system again and again, and tells when each suspend began and when it was back.
 *
 * `key` waits for the flip button before each round: what passes until the other persona's program is back is a flip.
 * `alarm` sets an alarm of the real-time clock: the system sleeps, and wakes as itself.
 *
 * Drivers wait for ticks of the scheduler's clock as they stop and start, so a suspend's time depends on where within
 * such a tick it begins. The rounds' beginnings are spread over it evenly.
 */

#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/input.h>
#include <linux/rtc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS_MAX = 1000,
    EVENT_DEVICES = 32,
    TICK = 4000000,     /* ns: CONFIG_HZ is 250 */
    SETTLE = 100000000, /* ns: what the last round left to do is done */
    ALARM = 2,          /* s: longer than any suspend takes */
};

struct round {
    uint64_t before, after;
};

static bool has_key(int device, unsigned key) {
    unsigned char keys[KEY_MAX / 8 + 1] = {0};
    return ioctl(device, EVIOCGBIT(EV_KEY, sizeof keys), keys) >= 0 && (keys[key / 8] >> (key % 8) & 1) != 0;
}

static int open_button(void) {
    for (int i = 0; i < EVENT_DEVICES; i++) {
        char path[32];
        snprintf(path, sizeof path, "/dev/input/event%d", i);
        int device = open(path, O_RDONLY | O_CLOEXEC);
        if (device < 0)
            continue;
        if (has_key(device, KEY_SLEEP))
            return device;
        close(device);
    }
    errno = ENODEV;
    fail("flip button");
}

static void await_press(int button) {
    struct input_event event;
    do {
        if (read(button, &event, sizeof event) != sizeof event)
            fail("flip button");
    } while (event.type != EV_KEY || event.code != KEY_SLEEP || event.value != 1);
}

static void set_alarm(int clock) {
    struct rtc_time now;
    if (ioctl(clock, RTC_RD_TIME, &now) < 0)
        fail("RTC_RD_TIME");
    struct tm time = {.tm_year = now.tm_year,
                      .tm_mon = now.tm_mon,
                      .tm_mday = now.tm_mday,
                      .tm_hour = now.tm_hour,
                      .tm_min = now.tm_min,
                      .tm_sec = now.tm_sec + ALARM};
    (void)timegm(&time);
    struct rtc_wkalrm alarm = {.enabled = 1,
                               .time = {.tm_year = time.tm_year,
                                        .tm_mon = time.tm_mon,
                                        .tm_mday = time.tm_mday,
                                        .tm_hour = time.tm_hour,
                                        .tm_min = time.tm_min,
                                        .tm_sec = time.tm_sec}};
    if (ioctl(clock, RTC_WKALM_SET, &alarm) < 0)
        fail("RTC_WKALM_SET");
}

/** Sleeps SETTLE or a little more, until so much of a tick has passed. @param phase ns, below TICK */
static void await_phase(long phase) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
        fail("clock_gettime");
    int64_t then = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + SETTLE;
    then += TICK - then % TICK + phase;
    struct timespec until = {.tv_sec = then / 1000000000, .tv_nsec = then % 1000000000};
    if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
        fail("clock_nanosleep");
}

static struct round suspend(int state) {
    struct round round = {.before = counter()};
    ssize_t written = pwrite(state, "mem", 3, 0);
    round.after = counter();
    if (written != 3)
        fail("/sys/power/state");
    return round;
}

static void measure(bool key, struct round *rounds, unsigned long count) {
    int state = open("/sys/power/state", O_WRONLY | O_CLOEXEC);
    int source = key ? open_button() : open("/dev/rtc0", O_RDWR | O_CLOEXEC);
    if (state < 0 || source < 0)
        fail(state < 0 ? "/sys/power/state" : "/dev/rtc0");
    printf("ready\n");
    for (unsigned long i = 0; i < count; i++) {
        if (key)
            await_press(source);
        else
            set_alarm(source);
        await_phase((long)((2 * i + 1) * TICK / (2 * count)));
        rounds[i] = suspend(state);
        printf("back\n");
    }
}

int main(int argument_count, char **arguments) {
    static struct round rounds[ROUNDS_MAX];
    if (argument_count != 3 || (strcmp(arguments[1], "key") != 0 && strcmp(arguments[1], "alarm") != 0))
        usage("suspend key|alarm ROUNDS");
    unsigned long count = number(arguments[2], 1, ROUNDS_MAX);
    setvbuf(stdout, NULL, _IOLBF, 0);
    measure(arguments[1][0] == 'k', rounds, count);
    for (unsigned long i = 0; i < count; i++)
        printf("round %" PRIu64 " %" PRIu64 "\n", rounds[i].before, rounds[i].after);
    return 0;
}
