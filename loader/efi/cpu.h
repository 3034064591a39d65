// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_CPU_H
#define LOADER_CPU_H

/** The CPU that the loader runs on (Arm ARM DDI 0487). */

#include <stdbool.h>
#include <stdint.h>

/** @return the exception level, 1 to 3 */
static inline unsigned cpu_exception_level(void) {
    uint64_t value;
    __asm__("mrs %0, currentel" : "=r"(value));
    return (unsigned)(value >> 2) & 3;
}

/** @return ID_AA64MMFR0_EL1.PARange */
static inline unsigned cpu_parange(void) {
    uint64_t value;
    __asm__("mrs %0, id_aa64mmfr0_el1" : "=r"(value));
    return (unsigned)value & 0xf;
}

/** @return the affinity fields of MPIDR_EL1, other bits 0 */
static inline uint64_t cpu_affinity(void) {
    uint64_t value;
    __asm__("mrs %0, mpidr_el1" : "=r"(value));
    return value & UINT64_C(0xff00ffffff);
}

/** @return the physical counter */
static inline uint64_t cpu_counter(void) {
    uint64_t value;
    __asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(value)::"memory");
    return value;
}

/** @return the counter's frequency, Hz */
static inline uint64_t cpu_counter_frequency(void) {
    uint64_t value;
    __asm__("mrs %0, cntfrq_el0" : "=r"(value));
    return value;
}

/** @return milliseconds since some time in the past */
static inline uint64_t cpu_milliseconds(void) {
    uint64_t frequency = cpu_counter_frequency() / 1000;
    return cpu_counter() / (frequency == 0 ? 1 : frequency);
}

/** A moment in a loop that waits. */
static inline void cpu_relax(void) { __asm__ volatile("yield" ::: "memory"); }

/** @return whether the translation in use lets EL2 write to this address as to a device's, and leads to itself */
static inline bool cpu_reaches_device(uint64_t address) {
    const uint64_t output = UINT64_C(0x000ffffffffff000);
    uint64_t par;
    __asm__ volatile("at s1e2w, %1\n\tisb\n\tmrs %0, par_el1" : "=r"(par) : "r"(address) : "memory");
    bool fault = (par & 1) != 0, device = par >> 60 == 0; /* PAR_EL1.F, ATTR */
    return !fault && device && (par & output) == (address & output);
}

/** Writes memory back to the point of coherency, so that it is there once the MMU is off. @param size bytes */
static inline void cpu_clean(const void *memory, uint64_t size) {
    uint64_t ctr;
    __asm__("mrs %0, ctr_el0" : "=r"(ctr));
    uint64_t line = UINT64_C(4) << ((ctr >> 16) & 0xf);
    uint64_t end = (uint64_t)(uintptr_t)memory + size;
    for (uint64_t at = (uint64_t)(uintptr_t)memory & ~(line - 1); at < end; at += line)
        __asm__ volatile("dc cvac, %0" ::"r"(at) : "memory");
    __asm__ volatile("dsb sy" ::: "memory");
}

/** Copies memory that need not be aligned to anything. @param size bytes */
static inline void cpu_copy(void *to, const void *from, uint64_t size) {
    uint8_t *at = to;
    const uint8_t *source = from;
    for (; size >= 64; size -= 64)
        __asm__ volatile("ld1 {v0.16b-v3.16b}, [%0], #64\n\tst1 {v0.16b-v3.16b}, [%1], #64"
                         : "+r"(source), "+r"(at)::"v0", "v1", "v2", "v3", "memory");
    for (; size > 0; size--)
        *at++ = *source++;
}

/** Writes zeros, by whole cache lines where the CPU can. @param memory aligned to 4096 bytes, as is its end */
static inline void cpu_zero(void *memory, uint64_t size) {
    uint64_t dczid;
    __asm__("mrs %0, dczid_el0" : "=r"(dczid));
    uint64_t block = UINT64_C(4) << (dczid & 0xf);
    uint64_t at = (uint64_t)(uintptr_t)memory, end = at + size;
    if ((dczid & 0x10) == 0 && block <= 4096)
        for (; at < end; at += block)
            __asm__ volatile("dc zva, %0" ::"r"(at) : "memory");
    for (; at < end; at += 16)
        __asm__ volatile("stp xzr, xzr, [%0]" ::"r"(at) : "memory");
}

/**
 * Leaves for the switcher for good (trampoline.S). Boot services must have ended, and all that the switcher reads
 * before its MMU is on must have been cleaned.
 * @param handover physical address of the hand-over @param entry physical address of the switcher's entry
 * @param clear physical address of a copy of cpu_clear() with its list, which goes on to the entry
 */
_Noreturn void cpu_hand_over(uint64_t handover, uint64_t entry, uint64_t clear);

/**
 * Clears what was in use until the hand-over: the loader, its stack, the firmware (trampoline.S). It is not called but
 * copied to where nothing of that is, with the list of ranges (clear.h) right behind it, and entered with the MMU off.
 */
void cpu_clear(void);

/** The end of cpu_clear()'s code. */
extern const uint8_t cpu_clear_end[];

/** The end of cpu_hand_over()'s code, which itself runs without the MMU. */
extern const uint8_t cpu_hand_over_end[];

#endif
