// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_ARCH_H
#define SWITCHER_ARCH_H

/**
 * The hardware interface of the switcher: every access to the machine goes through these functions.
 *
 * On the machine they are inline (aarch64/arch_inline.h); unit tests on the host compile the same sources with
 * test/unit/fake/arch_inline.h, found first on the include path, which declares them to be filled in by a fake machine.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** General registers of a persona at an exception to EL2; written back at the return. */
struct trap_frame {
    uint64_t x[31];
    uint64_t elr;  /* ELR_EL2 */
    uint64_t spsr; /* SPSR_EL2 */
    uint64_t reserved;
};

/** What the processor says about an exception that a persona took to EL2. */
struct trap_syndrome {
    uint64_t esr;   /* ESR_EL2 */
    uint64_t far;   /* FAR_EL2 */
    uint64_t hpfar; /* HPFAR_EL2 */
};

#include "arch_inline.h"

// clang-format off
/*
 * Provided by arch_inline.h:
 *
 * uint8_t/16/32/64 arch_read8/16/32/64(uint64_t address) device memory, one access of that size
 * void arch_write8/32/64(uint64_t address, value)        the same
 * void arch_barrier(void)                                DSB SY: device and memory writes before are done
 * uint64_t arch_counter(void)                            CNTPCT_EL0, not before what precedes it
 * uint64_t arch_counter_frequency(void)                  CNTFRQ_EL0, Hz
 * void arch_timer_set(uint64_t deadline)                 CNTHP: interrupt when the counter reaches the deadline
 * void arch_timer_stop(void)
 * int64_t arch_smc(uint64_t function, a1, a2, a3)        SMCCC 1.0 call of the firmware; returns x0
 * unsigned arch_cpu_index(void)                          index into handover.cpus of this CPU (TPIDR_EL2)
 * void arch_wait_for_interrupt(void)                     WFI
 * void arch_relax(void)                                  YIELD, in a spin loop
 * void arch_wfi_routing(bool to_el2)                     HCR_EL2.IMO, so that an IRQ is sure to wake WFI at EL2
 * uint32_t arch_icc_iar0(void)                           acknowledges an interrupt of Group 0; >= 1020: none
 * void arch_icc_eoir0(uint32_t intid)                    ends it
 * void arch_icc_sgi0r(uint64_t value), arch_icc_sgi1r    ICC_SGI0R_EL1, ICC_SGI1R_EL1
 * uint32_t arch_icc_hppir1(void)                         ICC_HPPIR1_EL1: highest pending INTID of Group 1, >= 1020 none
 * void arch_icc_group1(bool enable)                      ICC_IGRPEN1_EL1
 * uint64_t arch_icc_group1_register(number, read, value) an access of EL1's to a register of Group 1, by its Op2 (CRm 12): returns
 *                                                        what is read. Only of those that there are, and that way
 * void arch_icc_drop_active(void)                        no interrupt is active in the CPU interface any more
 * void arch_icc_init(void)                               SRE, PMR, BPR, IGRPEN0 for EL2; Group 1 off, nothing active, its
 *                                                        registers trap (ICH_HCR_EL2.TALL1)
 * void arch_set_stage2(uint64_t vttbr)                   VTTBR_EL2 and ISB
 * void arch_flush_stage2(void)                           all TLB entries of the current VMID, instruction caches
 * void arch_clean_invalidate(uint64_t base, size)        data cache to the point of coherency
 * void arch_copy(uint64_t destination, source, size)     memory, cached, 8-byte aligned addresses
 * void arch_clear_registers(void)                        every register that a persona could have left something in
 * bool arch_vectors_save(void)                           the vector registers, for code that uses them, one CPU at a time;
 *                                                        false: the CPU is in streaming mode, nothing was done
 * void arch_vectors_restore(void)
 * bool arch_translate(uint64_t va, bool write, *ipa)     AT S1E1R/W; false: stage 1 does not translate it
 * struct trap_syndrome arch_syndrome(void)               ESR_EL2, FAR_EL2, HPFAR_EL2
 * arch_cpu_init(uint64_t vtcr)                           EL2's own registers: what traps, what is a persona's
 * arch_read_vbar_el1, arch_read_sctlr_el1,               EL1's, to inject an exception
 * arch_write_exception_el1(elr, spsr, esr),
 * arch_write_far_el1(far)
 */
// clang-format on

#endif
