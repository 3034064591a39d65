// SPDX-License-Identifier: BSD-3-Clause
#include "pl031.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fake_clock fake_clock;

static void update_line(void) { fake_gic_line(0, FAKE_CLOCK_INTID, fake_clock.raw && fake_clock.unmasked); }

void fake_clock_advance(uint32_t seconds) {
    if (fake_clock.match - fake_clock.counter - 1 < seconds)
        fake_clock.raw = true;
    fake_clock.counter += seconds;
    update_line();
}

static uint64_t read_counter(void) {
    if (fake_clock.ticks_at > 0 && --fake_clock.ticks_at == 0)
        fake_clock_advance(1);
    return fake_clock.counter;
}

static uint64_t clock_read(void *context, uint64_t offset, unsigned size) {
    (void)context;
    assert_int_equal(size, 4);
    assert_int_equal(offset, 0x00);
    fake_clock.accesses++;
    return read_counter();
}

static void clock_write(void *context, uint64_t offset, unsigned size, uint64_t value) {
    (void)context;
    assert_int_equal(size, 4);
    fake_clock.accesses++;
    switch (offset) {
    case 0x04:
        fake_clock.match = (uint32_t)value;
        fake_clock.raw |= fake_clock.match == fake_clock.counter;
        break;
    case 0x0c:
        fake_clock.enabled |= (value & 1) != 0;
        break;
    case 0x10:
        fake_clock.unmasked = (value & 1) != 0;
        break;
    case 0x1c:
        fake_clock.raw &= (value & 1) == 0;
        break;
    default:
        fail_msg("a write to the clock's register 0x%llx", (unsigned long long)offset);
    }
    update_line();
}

void fake_clock_init(void) {
    fake_clock = (struct fake_clock){.counter = 1000000, .match = 5, .unmasked = true, .raw = true};
    fake_map(FAKE_CLOCK_BASE, 0x1000, clock_read, clock_write, NULL);
}
