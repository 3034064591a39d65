// SPDX-License-Identifier: BSD-3-Clause
// The hardware interface of the unit tests, carried out by machine.c; contracts are in switcher/arch.h, which includes
// this file.

uint8_t arch_read8(uint64_t address);
uint16_t arch_read16(uint64_t address);
uint32_t arch_read32(uint64_t address);
uint64_t arch_read64(uint64_t address);
void arch_write8(uint64_t address, uint8_t value);
void arch_write32(uint64_t address, uint32_t value);
void arch_write64(uint64_t address, uint64_t value);
void arch_barrier(void);
uint64_t arch_counter(void);
uint64_t arch_counter_frequency(void);
void arch_timer_set(uint64_t deadline);
void arch_timer_stop(void);
int64_t arch_smc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);
unsigned arch_cpu_index(void);
void arch_wait_for_interrupt(void);
void arch_relax(void);
void arch_wfi_routing(bool to_el2);
uint32_t arch_icc_iar0(void);
void arch_icc_eoir0(uint32_t intid);
void arch_icc_sgi1r(uint64_t value);
void arch_icc_sgi0r(uint64_t value);
uint32_t arch_icc_hppir1(void);
void arch_set_stage2(uint64_t vttbr);
void arch_flush_stage2(void);
bool arch_vectors_save(void);
void arch_vectors_restore(void);
bool arch_translate(uint64_t va, bool write, uint64_t *ipa);
void arch_icc_init(void);
void arch_icc_drop_active(void);
uint64_t arch_icc_group1_register(unsigned number, bool read, uint64_t value);
void arch_cpu_init(uint64_t vtcr);
void arch_clean_invalidate(uint64_t base, uint64_t size);
void arch_copy(uint64_t destination, uint64_t source, uint64_t size);
void arch_clear_registers(void);
uint64_t arch_read_vbar_el1(void);
uint64_t arch_read_sctlr_el1(void);
void arch_write_exception_el1(uint64_t elr, uint64_t spsr, uint64_t esr);
void arch_write_far_el1(uint64_t far);
struct trap_syndrome arch_syndrome(void);
void arch_icc_group1(bool enable);
