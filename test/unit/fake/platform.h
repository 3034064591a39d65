// SPDX-License-Identifier: BSD-3-Clause
#ifndef FAKE_PLATFORM_H
#define FAKE_PLATFORM_H

/**
 * A whole machine around the switcher for unit tests: CPUs, the firmware that turns them on and off, a GICv3, a power
 * key, a clock and one shared device.
 *
 * Each CPU is a coroutine while it is at EL2: it gives way to the others where the switcher waits (arch_relax,
 * arch_wait_for_interrupt) and at every firmware call, so that CPUs meet there in all orders. At EL1 a CPU is nothing
 * but its frame: tests play the persona.
 */

#include "gicv3.h"
#include "pl031.h"
#include "psci.h"
#include "smmuv3.h"
#include "switcher.h"

enum {
    PLATFORM_TIMER = 26,
    PLATFORM_POWER_KEY = 39,
    PLATFORM_BUTTON = 142,
    PLATFORM_CHANNEL_INTID = 143,
    PLATFORM_CLOCK_INTID = 141, /* of the personas' clocks */
    PLATFORM_WAKE = 40,         /* an SPI that every persona may use */
    PLATFORM_SMMU_EVENT = 106,
    PLATFORM_SMMU_ERROR = 109,
    PLATFORM_TIMEOUT_MS = 20000,
    PLATFORM_LONG_MS = 2000,
    PLATFORM_TICKS_PER_MS = 1000,
};

#define PLATFORM_STATUS UINT64_C(0x0a000070) /* Status of a virtio-mmio device that the quiet check looks at */
#define PLATFORM_CHANNEL UINT64_C(0x0b000000)
#define PLATFORM_PARTITION(i) (UINT64_C(0x50000000) + (i)*UINT64_C(0x10000000))
#define PLATFORM_PARTITION_SIZE UINT64_C(0x8000000)
#define PLATFORM_ENTRY(i) (PLATFORM_PARTITION(i) + 0x80000)
#define PLATFORM_DEVICETREE(i) (PLATFORM_PARTITION(i) + 0x4000000)
#define PLATFORM_STREAM_TABLE(i) (platform.handover.smmu.stream_tables[i])
#define PLATFORM_VTTBR(i) (platform.handover.personas[i].vttbr)

enum platform_power { PLATFORM_OFF, PLATFORM_STARTING, PLATFORM_ON };

struct platform_cpu {
    enum platform_power power; /* as the firmware knows it */
    bool el2;                  /* somewhere in the switcher; else, when ON, in the persona */
    bool waits;                /* in WFI */
    bool held;                 /* does not run for now: as if it were slow */
    struct trap_frame frame;
    uint64_t vttbr;
    bool timer_on;
    uint64_t timer_deadline;
    struct trap_syndrome syndrome;
};

struct platform {
    struct handover handover;
    struct platform_cpu cpus[HANDOVER_CPUS_MAX];
    bool machine_off;
    bool refuses_on, refuses_off; /* the firmware's CPU_ON, CPU_OFF, SYSTEM_OFF fail */
    uint32_t device_status;       /* not 0: the shared device is at work */
    uint64_t order;               /* state of the generator that chooses which CPU goes on; 0: each in turn */
    int64_t (*errata)(uint64_t function, uint64_t argument); /* other firmware calls; NULL: NOT_SUPPORTED */
};

extern struct platform platform;

/** Describes a machine, starts it on its boot CPU through switcher_main and lets it settle in the first persona. */
void platform_start(unsigned cpus, unsigned personas, unsigned boot_cpu);

/** The same on a machine whose devices are behind an SMMU: while one CPU is in a persona, DMA goes there and nowhere
 * else. */
void platform_start_with_smmu(unsigned cpus, unsigned personas, unsigned boot_cpu);

/**
 * The same with personas to be prepared before the first one starts.
 * @param prewarm_ms of each persona, in order
 * @param first      index of the persona that starts last
 */
void platform_start_prewarming(unsigned cpus, const uint32_t *prewarm_ms, unsigned personas, unsigned first);

/** @return affinity of a CPU as PSCI calls have it */
uint64_t platform_mpidr(unsigned cpu);

/** Begins a trap of a CPU at EL1; platform_settle() brings it to its end. */
void platform_trap(unsigned cpu, uint64_t esr, uint64_t far, uint64_t hpfar);

/** Begins an HVC with a PSCI call. */
void platform_begin_call(unsigned cpu, uint32_t function, uint64_t a1, uint64_t a2, uint64_t a3);

/** The same, and lets the machine settle. @return x0 of the CPU's frame afterwards */
int64_t platform_call(unsigned cpu, uint32_t function, uint64_t a1, uint64_t a2, uint64_t a3);

/** Has a CPU at EL1 begin a part of the switcher, as if it had trapped; platform_settle() brings it to its end. */
void platform_begin(unsigned cpu, void (*body)(struct trap_frame *frame));

/**
 * Runs every CPU until each is at EL1 with no interrupt of the switcher's pending, off, or in WFI. CPUs that start come
 * up. Fails the test when that does not happen, or a CPU ever is at EL1 in another persona than the running one.
 */
void platform_settle(void);

/** As platform_settle, but leaves CPUs that start where they are. */
void platform_settle_started(void);

/** Runs one CPU up to where it next gives way. @return false: there is nothing for it to do */
bool platform_step(unsigned cpu);

/** The power key goes down or up; nothing runs yet. */
void platform_key_edge(bool pressed);

/** Presses the power key for so long, letting the machine settle after each edge. */
void platform_press(unsigned milliseconds);

/** Lets time go on, timers fire and the machine settle. */
void platform_pass(unsigned milliseconds);

/** @return whether the flip button is pending for the running persona; forgets it */
bool platform_take_button(void);

/** Enables an SPI for the running persona, level triggered, routed to a CPU. */
void platform_enable(uint32_t intid, unsigned cpu);

/** @return how many CPUs the firmware has on, those that start counted */
unsigned platform_cpus_on(void);

#endif
