// SPDX-License-Identifier: BSD-3-Clause
#ifndef UNLOCKER_MACHINE_H
#define UNLOCKER_MACHINE_H

/** The processor and the devices that the unlocker meets: a PL011, and the interrupt controller's pending bits. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The memory of the persona: what the unlocker may map, and where it and the bundle end. */
struct machine_memory {
    uint64_t base; /* bytes, physical, a multiple of 2 MiB */
    uint64_t end;
    uint64_t taken; /* from here on nothing is in use */
};

/**
 * Builds the translation tables, with the MMU off; start.S turns it on.
 * @param tree the device tree that this program was started with
 * @return false: there is no such tree, or no bundle
 */
__attribute__((warn_unused_result)) bool machine_prepare(const void *tree);

/** Makes memory ready for those who have their caches off: cleans and invalidates it. */
void machine_clean(const void *from, const void *to);

/** Suspends by PSCI. @return 0 after the resume, or PSCI's error (DEN0022 5.20) */
int64_t machine_suspend(void);

/** Gives up the TPM until the persona is started again (SMCCC_GIVE_UP of the switcher's). */
void machine_give_up_tpm(void);

/** Turns the persona off by PSCI. */
_Noreturn void machine_off(void);

/** Wipes what is left of this program and starts the kernel. @param kernel, tree physical addresses */
_Noreturn void machine_leave(uint64_t kernel, uint64_t tree);

/** @return milliseconds since some time in the past */
uint64_t machine_milliseconds(void);

/** Waits for a moment: some milliseconds at most. */
void machine_relax(void);

/** Sets the serial line up, as another system may have left it in any state, and empties it. @param base of the PL011
 */
void serial_open(uint64_t base);

/** @return the next byte that came; -1 at once when there is none */
int serial_read(void);

/** Prints. What is longer than 255 bytes is cut. */
__attribute__((format(printf, 1, 2))) void serial_print(const char *format, ...);

/** Where the flip button is seen. @param distributor base of the GIC's @param intid of the button */
void button_open(uint64_t distributor, uint32_t intid);

/** @return whether the button was pressed; it counts as handled from then on */
bool button_pressed(void);

/**
 * Takes memory for what this program keeps no longer than for one attempt.
 * @param memory what large pieces are taken from, one at a time
 */
void heap_open(void *memory, size_t size);

/** Gives all of it back. */
void heap_reset(void);

#endif
