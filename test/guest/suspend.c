// SPDX-License-Identifier: BSD-3-Clause
/*
 * Suspends the system again and again, and tells when each suspend began and when it was back.
 *
 * `flip` says "ready" and waits for the flip button before each round: what passes until the program in the other
 * persona is back is a flip. `sleep` sets an alarm of the real-time clock instead: the system sleeps, and wakes as
 * itself. `both` does the one and then the other in each round, so that both find the same system.
 *
 * Drivers wait for ticks of the scheduler's clock as they stop and start, so a suspend's time depends on where within
 * such a tick it begins. The rounds' beginnings are spread over it evenly. File systems are not written back at a
 * suspend, for that takes as long as the disk.
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

struct suspend {
    const char *kind;
    uint64_t before, after;
};

/** What is open while rounds go on. */
struct devices {
    int state, button, clock;
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

static struct suspend suspend(const struct devices *devices, const char *kind, long phase) {
    await_phase(phase);
    struct suspend suspend = {.kind = kind, .before = counter()};
    ssize_t written = pwrite(devices->state, "mem", 3, 0);
    suspend.after = counter();
    if (written != 3)
        fail("/sys/power/state");
    return suspend;
}

static struct suspend sleep_until_alarm(const struct devices *devices, long phase) {
    set_alarm(devices->clock);
    return suspend(devices, "sleep", phase);
}

static struct suspend flip(const struct devices *devices, long phase) {
    printf("ready\n");
    await_press(devices->button);
    return suspend(devices, "flip", phase);
}

static int open_or_fail(const char *path, int flags) {
    int file = open(path, flags | O_CLOEXEC);
    if (file < 0)
        fail(path);
    return file;
}

static void write_no_files_back(void) {
    int setting = open_or_fail("/sys/power/sync_on_suspend", O_WRONLY);
    if (write(setting, "0", 1) != 1)
        fail("/sys/power/sync_on_suspend");
    close(setting);
}

/** @return how many suspends were carried out */
static unsigned long measure(bool sleeps, bool flips, struct suspend *suspends, unsigned long rounds) {
    struct devices devices = {.state = open_or_fail("/sys/power/state", O_WRONLY),
                              .button = open_button(),
                              .clock = open_or_fail("/dev/rtc0", O_RDWR)};
    unsigned long count = 0;
    write_no_files_back();
    for (unsigned long i = 0; i < rounds; i++) {
        long phase = (long)((2 * i + 1) * TICK / (2 * rounds));
        if (sleeps)
            suspends[count++] = sleep_until_alarm(&devices, phase);
        if (flips)
            suspends[count++] = flip(&devices, phase);
    }
    return count;
}

int main(int argument_count, char **arguments) {
    static struct suspend suspends[2 * ROUNDS_MAX];
    bool both = argument_count == 3 && strcmp(arguments[1], "both") == 0;
    bool flips = both || (argument_count == 3 && strcmp(arguments[1], "flip") == 0);
    bool sleeps = both || (argument_count == 3 && strcmp(arguments[1], "sleep") == 0);
    if (!flips && !sleeps)
        usage("suspend flip|sleep|both ROUNDS");
    setvbuf(stdout, NULL, _IOLBF, 0);
    unsigned long count = measure(sleeps, flips, suspends, number(arguments[2], 1, ROUNDS_MAX));
    for (unsigned long i = 0; i < count; i++)
        printf("%s %" PRIu64 " %" PRIu64 "\n", suspends[i].kind, suspends[i].before, suspends[i].after);
    return 0;
}
