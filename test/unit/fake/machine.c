// SPDX-License-Identifier: BSD-3-Clause
#include "machine.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct range {
    uint64_t base, size;
    fake_read_fn read;
    fake_write_fn write;
    void *context;
};

struct fake_machine fake;
static struct range ranges[FAKE_RANGES_MAX];
static size_t range_count;

void fake_reset(void) {
    /* Not the events themselves, which are many: fuzzers start a machine for each input. */
    memset(&fake, 0, offsetof(struct fake_machine, events));
    fake.event_count = 0;
    fake.counter_step = 1;
    fake.frequency = 1000000;
    range_count = 0;
}

void fake_map(uint64_t base, uint64_t size, fake_read_fn read, fake_write_fn write, void *context) {
    assert_true(range_count < FAKE_RANGES_MAX);
    ranges[range_count++] = (struct range){base, size, read, write, context};
}

static uint64_t memory_read(void *context, uint64_t offset, unsigned size) {
    uint64_t value = 0;
    memcpy(&value, (uint8_t *)context + offset, size);
    return value;
}

static void memory_write(void *context, uint64_t offset, unsigned size, uint64_t value) {
    memcpy((uint8_t *)context + offset, &value, size);
}

void fake_map_memory(uint64_t base, uint64_t size, void *memory) {
    fake_map(base, size, memory_read, memory_write, memory);
}

void fake_smc_result(int64_t result) {
    assert_true(fake.smc_result_count < FAKE_SMC_RESULTS_MAX);
    fake.smc_results[fake.smc_result_count++] = result;
}

static size_t kept_events(void) { return fake.event_count < FAKE_EVENTS_MAX ? fake.event_count : FAKE_EVENTS_MAX; }

size_t fake_events_of(enum fake_event_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < kept_events(); i++)
        count += fake.events[i].kind == kind;
    return count;
}

const struct fake_event *fake_last_event(enum fake_event_kind kind) {
    for (size_t i = kept_events(); i > 0; i--)
        if (fake.events[i - 1].kind == kind)
            return &fake.events[i - 1];
    return NULL;
}

void fake_forget_events(void) { fake.event_count = 0; }

static void record(enum fake_event_kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    if (fake.event_count < FAKE_EVENTS_MAX)
        fake.events[fake.event_count] = (struct fake_event){kind, a, b, c, d};
    fake.event_count++;
}

static const struct range *find_range(uint64_t address, unsigned size) {
    for (size_t i = 0; i < range_count; i++)
        if (address >= ranges[i].base && address - ranges[i].base <= ranges[i].size - size)
            return &ranges[i];
    fail_msg("access to 0x%" PRIx64 ", where no device is", address);
    return NULL;
}

static uint64_t device_read(uint64_t address, unsigned size) {
    const struct range *range = find_range(address, size);
    if (address % size != 0 || !range->read)
        fail_msg("bad read of %u bytes at 0x%" PRIx64, size, address);
    return range->read(range->context, address - range->base, size);
}

static void device_write(uint64_t address, unsigned size, uint64_t value) {
    const struct range *range = find_range(address, size);
    if (address % size != 0 || !range->write)
        fail_msg("bad write of %u bytes at 0x%" PRIx64, size, address);
    record(FAKE_WRITE, address, value, size, 0);
    range->write(range->context, address - range->base, size, value);
}

uint8_t arch_read8(uint64_t address) { return (uint8_t)device_read(address, 1); }
uint16_t arch_read16(uint64_t address) { return (uint16_t)device_read(address, 2); }
uint32_t arch_read32(uint64_t address) { return (uint32_t)device_read(address, 4); }
uint64_t arch_read64(uint64_t address) { return device_read(address, 8); }
void arch_write8(uint64_t address, uint8_t value) { device_write(address, 1, value); }
void arch_write32(uint64_t address, uint32_t value) { device_write(address, 4, value); }
void arch_write64(uint64_t address, uint64_t value) { device_write(address, 8, value); }

void arch_barrier(void) { record(FAKE_BARRIER, 0, 0, 0, 0); }

uint64_t arch_counter(void) {
    uint64_t now = fake.counter;
    fake.counter += fake.counter_step;
    return now;
}

uint64_t arch_counter_frequency(void) { return fake.frequency; }

void arch_timer_set(uint64_t deadline) {
    record(FAKE_TIMER_SET, deadline, 0, 0, 0);
    fake.timer_on = true;
    fake.timer_deadline = deadline;
}

void arch_timer_stop(void) {
    record(FAKE_TIMER_STOP, 0, 0, 0, 0);
    fake.timer_on = false;
}

int64_t arch_smc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3) {
    record(FAKE_SMC, function, a1, a2, a3);
    if (fake.smc)
        return fake.smc(function, a1, a2, a3);
    return fake.smc_result_next < fake.smc_result_count ? fake.smc_results[fake.smc_result_next++] : 0;
}

unsigned arch_cpu_index(void) { return fake.cpu; }

void arch_wait_for_interrupt(void) {
    record(FAKE_WAIT, 0, 0, 0, 0);
    if (fake.wait)
        fake.wait();
    else if (fake.timer_on && fake.timer_deadline > fake.counter)
        fake.counter = fake.timer_deadline;
    else
        fake.counter += fake.frequency / 1000;
}

void arch_relax(void) {
    fake.counter += fake.counter_step;
    if (fake.relax)
        fake.relax();
}

void arch_wfi_routing(bool to_el2) {
    record(FAKE_WFI_ROUTING, to_el2, 0, 0, 0);
    fake.wfi_to_el2 = to_el2;
}

uint32_t arch_icc_iar0(void) { return fake.iar0 ? fake.iar0() : 1023; }

void arch_icc_eoir0(uint32_t intid) {
    record(FAKE_EOIR0, intid, 0, 0, 0);
    if (fake.eoir0)
        fake.eoir0(intid);
}

void arch_icc_sgi1r(uint64_t value) {
    record(FAKE_SGI1R, value, 0, 0, 0);
    if (fake.sgi)
        fake.sgi(true, value);
}

void arch_icc_sgi0r(uint64_t value) {
    record(FAKE_SGI0R, value, 0, 0, 0);
    if (fake.sgi)
        fake.sgi(false, value);
}

uint32_t arch_icc_hppir1(void) { return fake.hppir1 ? fake.hppir1() : 1023; }

void arch_icc_init(void) {
    record(FAKE_ICC_INIT, 0, 0, 0, 0);
    fake.icc_group1 = false;
    if (fake.icc_init)
        fake.icc_init();
}

void arch_icc_group1(bool enable) {
    record(FAKE_ICC_GROUP1, enable, 0, 0, 0);
    fake.icc_group1 = enable;
}

void arch_icc_drop_active(void) { record(FAKE_ICC_DROP_ACTIVE, 0, 0, 0, 0); }

uint64_t arch_icc_group1_register(unsigned number, bool read, uint64_t value) {
    record(FAKE_ICC_GROUP1_REGISTER, number, read, value, 0);
    return fake.group1_register ? fake.group1_register(number, read, value) : value;
}

struct trap_syndrome arch_syndrome(void) {
    return fake.syndrome;
}

void arch_cpu_init(uint64_t vtcr) {
    record(FAKE_CPU_INIT, vtcr, 0, 0, 0);
    fake.vtcr = vtcr;
}

void arch_set_stage2(uint64_t vttbr) {
    record(FAKE_SET_STAGE2, vttbr, 0, 0, 0);
    fake.vttbr = vttbr;
}

void arch_flush_stage2(void) { record(FAKE_FLUSH_STAGE2, 0, 0, 0, 0); }

bool arch_translate(uint64_t va, bool write, uint64_t *ipa) {
    if (fake.translate)
        return fake.translate(va, write, ipa);
    *ipa = va;
    return true;
}

void arch_clean_invalidate(uint64_t base, uint64_t size) { record(FAKE_CLEAN_INVALIDATE, base, size, 0, 0); }

void arch_copy(uint64_t destination, uint64_t source, uint64_t size) {
    record(FAKE_COPY, destination, source, size, 0);
    if (fake.copy)
        fake.copy(destination, source, size);
}

bool arch_vectors_save(void) {
    record(FAKE_VECTORS_SAVE, !fake.streaming, 0, 0, 0);
    return !fake.streaming;
}

void arch_vectors_restore(void) { record(FAKE_VECTORS_RESTORE, 0, 0, 0, 0); }

void arch_clear_registers(void) { record(FAKE_CLEAR_REGISTERS, 0, 0, 0, 0); }

uint64_t arch_read_vbar_el1(void) { return fake.vbar_el1; }
uint64_t arch_read_sctlr_el1(void) { return fake.sctlr_el1; }

void arch_write_exception_el1(uint64_t elr, uint64_t spsr, uint64_t esr) {
    record(FAKE_EXCEPTION_EL1, elr, spsr, esr, 0);
}

void arch_write_far_el1(uint64_t far) { record(FAKE_FAR_EL1, far, 0, 0, 0); }
