// SPDX-License-Identifier: BSD-3-Clause
/*
 * A persona's writes to the interrupt controller, read from the input: 14 bytes each, of kind, size, offset and value.
 * Whatever it writes, and whenever flips come, the switcher's interrupts stay as they are and no access leaves the
 * frames.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"
#include "fake/gicv3.h"
#include "gic.h"

enum { CPUS = 2, TIMER = 26, POWER_KEY = 39, KEYBOARD = 79, RECORD_SIZE = 14 };

static struct handover handover;
static struct gic_state states[2];

void console_print(const char *format, ...) { (void)format; }

static void start(void) {
    fake_reset();
    fake_gic_init(CPUS, 9);
    handover = (struct handover){
        .cpu_count = CPUS,
        .gic = {.distributor = FAKE_GICD_BASE,
                .redistributor_region_count = 1,
                .redistributor_regions = {{FAKE_GICR_BASE, CPUS * FAKE_GICR_STRIDE}}},
        .hypervisor_timer_intid = TIMER,
        .flip_button_intid = 142,
        .power_key = {.base = 0x9030000, .intid = POWER_KEY},
        .keyboard = {.base = 0xa003e00, .intid = KEYBOARD},
    };
    handover.cpus[1].mpidr = 1;
    memset(handover.personas[0].spi_allowed, 0xff, sizeof handover.personas[0].spi_allowed);
    memset(handover.personas[1].spi_allowed, 0x5f, sizeof handover.personas[1].spi_allowed);
    gic_init(&handover);
    for (unsigned i = 0; i < 2; i++)
        gic_state_reset(&states[i], &handover.personas[i], 0);
    for (fake.cpu = CPUS; fake.cpu-- > 0;)
        gic_cpu_init(&states[0], true);
    fake.cpu = 0;
    gic_switch(NULL, &states[0]);
}

static void check(const struct fake_interrupt *interrupt) {
    if (!interrupt->enable || interrupt->group1 || interrupt->active || interrupt->priority != GIC_PRIORITY_SWITCHER)
        abort();
}

static void check_all(void) {
    if ((fake_gic.ctlr & 0x51) != 0x51)
        abort();
    check(&fake_gic.spi[POWER_KEY]);
    check(&fake_gic.spi[KEYBOARD]);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        check(&fake_gic.local[cpu][GIC_SGI_STOP]);
        check(&fake_gic.local[cpu][TIMER]);
        if (fake_gic.lpis_on[cpu] || fake_gic.waker[cpu] != 0)
            abort();
    }
}

/** @return index of the persona that runs afterwards */
static unsigned carry_out(unsigned running, uint8_t kind, unsigned size, uint32_t offset, uint64_t value) {
    switch (kind % 4) {
    case 0:
        gic_distributor_write(&states[running], offset & 0xffff, size, value);
        return running;
    case 1:
        gic_redistributor_write(&states[running], kind / 4 % (CPUS + 1), offset & 0x1ffff, size, value);
        return running;
    case 2:
        gic_send_sgi(value);
        return running;
    default:
        gic_switch(&states[running], &states[1 - running]);
        return 1 - running;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned running = 0;
    start();
    for (; size >= RECORD_SIZE; data += RECORD_SIZE, size -= RECORD_SIZE) {
        uint32_t offset;
        uint64_t value;
        memcpy(&offset, data + 2, sizeof offset);
        memcpy(&value, data + 6, sizeof value);
        running = carry_out(running, data[0], data[1] & 0xf, offset, value);
        check_all();
    }
    return 0;
}
