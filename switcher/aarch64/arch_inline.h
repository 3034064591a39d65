// SPDX-License-Identifier: BSD-3-Clause
// The hardware interface on the machine; contracts are in switcher/arch.h, which includes this file.

#include "offsets.h"

#define ARCH_READ_SYSREG(name)                                                                                         \
    ({                                                                                                                 \
        uint64_t value_;                                                                                               \
        __asm__ volatile("mrs %0, " name : "=r"(value_)::"memory");                                                    \
        value_;                                                                                                        \
    })
#define ARCH_WRITE_SYSREG(name, value) __asm__ volatile("msr " name ", %x0" ::"rZ"((uint64_t)(value)) : "memory")

/* Fixed instruction forms: a trapped or emulated device access must never be a pair or a post-indexed one. */
static inline uint8_t arch_read8(uint64_t address) {
    uint32_t value;
    __asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return (uint8_t)value;
}

static inline uint16_t arch_read16(uint64_t address) {
    uint32_t value;
    __asm__ volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return (uint16_t)value;
}

static inline uint32_t arch_read32(uint64_t address) {
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline uint64_t arch_read64(uint64_t address) {
    uint64_t value;
    __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void arch_write8(uint64_t address, uint8_t value) {
    __asm__ volatile("strb %w0, [%1]" ::"rZ"(value), "r"(address) : "memory");
}

static inline void arch_write32(uint64_t address, uint32_t value) {
    __asm__ volatile("str %w0, [%1]" ::"rZ"(value), "r"(address) : "memory");
}

static inline void arch_write64(uint64_t address, uint64_t value) {
    __asm__ volatile("str %x0, [%1]" ::"rZ"(value), "r"(address) : "memory");
}

static inline void arch_barrier(void) { __asm__ volatile("dsb sy" ::: "memory"); }

extern uint32_t arch_features; /* FEATURE_ bits */
extern uint8_t arch_vectors[];
void arch_vectors_store(uint8_t *area);
void arch_vectors_load(const uint8_t *area);

static inline bool arch_vectors_save(void) {
    if ((arch_features >> FEATURE_SME & 1) != 0 && (ARCH_READ_SYSREG("S3_3_C4_C2_2") & 1) != 0) /* SVCR.SM */
        return false;
    arch_vectors_store(arch_vectors);
    return true;
}

static inline void arch_vectors_restore(void) { arch_vectors_load(arch_vectors); }

static inline uint64_t arch_counter(void) {
    __asm__ volatile("isb" ::: "memory");
    return ARCH_READ_SYSREG("cntpct_el0");
}

static inline uint64_t arch_counter_frequency(void) { return ARCH_READ_SYSREG("cntfrq_el0"); }

static inline void arch_timer_set(uint64_t deadline) {
    ARCH_WRITE_SYSREG("cnthp_cval_el2", deadline);
    ARCH_WRITE_SYSREG("cnthp_ctl_el2", 1);
    __asm__ volatile("isb" ::: "memory");
}

static inline void arch_timer_stop(void) {
    ARCH_WRITE_SYSREG("cnthp_ctl_el2", 0);
    __asm__ volatile("isb" ::: "memory");
}

static inline int64_t arch_smc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3) {
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;
    /* SMCCC 1.0 lets the firmware change x4 to x17. */
    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
                       "x13", "x14", "x15", "x16", "x17", "memory");
    return (int64_t)x0;
}

static inline unsigned arch_cpu_index(void) { return (unsigned)ARCH_READ_SYSREG("tpidr_el2"); }

static inline void arch_wait_for_interrupt(void) { __asm__ volatile("dsb sy\n\twfi" ::: "memory"); }

static inline void arch_relax(void) { __asm__ volatile("yield" ::: "memory"); }

static inline void arch_wfi_routing(bool to_el2) {
    uint64_t hcr = ARCH_READ_SYSREG("hcr_el2");
    const uint64_t imo = UINT64_C(1) << 4;
    ARCH_WRITE_SYSREG("hcr_el2", to_el2 ? hcr | imo : hcr & ~imo);
    __asm__ volatile("isb" ::: "memory");
}

static inline uint32_t arch_icc_iar0(void) { return (uint32_t)ARCH_READ_SYSREG("S3_0_C12_C8_0"); }

static inline void arch_icc_eoir0(uint32_t intid) {
    ARCH_WRITE_SYSREG("S3_0_C12_C8_1", intid);
    __asm__ volatile("isb" ::: "memory");
}

static inline void arch_icc_sgi1r(uint64_t value) {
    /* The stores that the receiver is to see come first. */
    __asm__ volatile("dsb ish" ::: "memory");
    ARCH_WRITE_SYSREG("S3_0_C12_C11_5", value);
    __asm__ volatile("isb" ::: "memory");
}

static inline void arch_icc_sgi0r(uint64_t value) {
    __asm__ volatile("dsb ish" ::: "memory");
    ARCH_WRITE_SYSREG("S3_0_C12_C11_7", value);
    __asm__ volatile("isb" ::: "memory");
}

static inline uint32_t arch_icc_hppir1(void) { return (uint32_t)ARCH_READ_SYSREG("S3_0_C12_C12_2"); }

static inline void arch_set_stage2(uint64_t vttbr) {
    ARCH_WRITE_SYSREG("vttbr_el2", vttbr);
    __asm__ volatile("isb" ::: "memory");
}

static inline void arch_flush_stage2(void) {
    __asm__ volatile("dsb ishst\n\ttlbi vmalls12e1is\n\tdsb ish\n\tic ialluis\n\tdsb ish\n\tisb" ::: "memory");
}

static inline bool arch_translate(uint64_t va, bool write, uint64_t *ipa) {
    uint64_t saved = ARCH_READ_SYSREG("par_el1");
    if (write)
        __asm__ volatile("at s1e1w, %0\n\tisb" ::"r"(va) : "memory");
    else
        __asm__ volatile("at s1e1r, %0\n\tisb" ::"r"(va) : "memory");
    uint64_t par = ARCH_READ_SYSREG("par_el1");
    ARCH_WRITE_SYSREG("par_el1", saved);
    *ipa = (par & UINT64_C(0x000ffffffffff000)) | (va & 0xfff);
    return (par & 1) == 0;
}

static inline struct trap_syndrome arch_syndrome(void) {
    struct trap_syndrome syndrome = {
        .esr = ARCH_READ_SYSREG("esr_el2"),
        .far = ARCH_READ_SYSREG("far_el2"),
        .hpfar = ARCH_READ_SYSREG("hpfar_el2"),
    };
    return syndrome;
}

static inline void arch_icc_group1(bool enable) {
    ARCH_WRITE_SYSREG("S3_0_C12_C12_7", enable ? 1 : 0);
    __asm__ volatile("isb" ::: "memory");
}

/* In arch.c and registers.S. */
void arch_icc_init(void);
void arch_icc_drop_active(void);
uint64_t arch_icc_group1_register(unsigned number, bool read, uint64_t value);
void arch_cpu_init(uint64_t vtcr);
void arch_clean_invalidate(uint64_t base, uint64_t size);
void arch_copy(uint64_t destination, uint64_t source, uint64_t size);
void arch_clear_registers(void);

/* EL1 registers of the persona that EL2 reads or writes when it injects an exception. */
static inline uint64_t arch_read_vbar_el1(void) { return ARCH_READ_SYSREG("vbar_el1"); }
static inline uint64_t arch_read_sctlr_el1(void) { return ARCH_READ_SYSREG("sctlr_el1"); }
static inline void arch_write_exception_el1(uint64_t elr, uint64_t spsr, uint64_t esr) {
    ARCH_WRITE_SYSREG("elr_el1", elr);
    ARCH_WRITE_SYSREG("spsr_el1", spsr);
    ARCH_WRITE_SYSREG("esr_el1", esr);
}
static inline void arch_write_far_el1(uint64_t far) { ARCH_WRITE_SYSREG("far_el1", far); }
