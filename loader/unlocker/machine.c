// SPDX-License-Identifier: BSD-3-Clause
#include "machine.h"

#include <stdarg.h>
#include <stdio.h>

#include "bundle.h"
#include "tables.h"
#include "tree.h"

enum {
    POOL_PAGES = 32,

    /* DDI 0183 */
    UARTDR = 0x00,
    UARTFR = 0x18,
    UARTLCR_H = 0x2c,
    UARTCR = 0x30,
    UARTIMSC = 0x38,
    FR_RXFE = 1 << 4,
    FR_TXFF = 1 << 5,
    LCR_H_8_BITS_FIFO = 0x70,
    CR_RXE_TXE_UARTEN = 0x301,
    LINE_SIZE = 256,

    /* IHI 0069, 12.9 */
    GICD_ISPENDR = 0x200,
    GICD_ICPENDR = 0x280,
};

#define TCR_EL2_LOW UINT64_C(0xffff) /* T0SZ, cacheability, shareability, granule: the same at EL1 */
#define TCR_EPD1 (UINT64_C(1) << 23) /* nothing is translated by TTBR1_EL1 */
#define TCR_IPS_SHIFT 32
#define PSCI_SYSTEM_OFF UINT64_C(0x84000008)
#define SMCCC_GIVE_UP UINT64_C(0xc6000001) /* switcher/psci.h */

/** For start.S: MAIR_EL1, TCR_EL1, TTBR0_EL1. */
uint64_t machine_registers[3];

extern uint8_t image_base[], data_begin[];

static _Alignas(TABLES_PAGE_SIZE) uint8_t pool_memory[POOL_PAGES * TABLES_PAGE_SIZE];
static uint64_t port, pending;
static uint32_t button;

static uint32_t read32(uint64_t address) { return *(volatile uint32_t *)(uintptr_t)address; }

static void write32(uint64_t address, uint32_t value) { *(volatile uint32_t *)(uintptr_t)address = value; }

static unsigned parange(void) {
    uint64_t value;
    __asm__("mrs %0, id_aa64mmfr0_el1" : "=r"(value));
    return (unsigned)value & 0xf;
}

static bool map_page(struct tables *tables, uint64_t address, enum tables_access access) {
    return tables_map(tables, address & ~(uint64_t)(TABLES_PAGE_SIZE - 1), TABLES_PAGE_SIZE, access) == TABLES_OK;
}

/* EL2's descriptors do for EL1: what may be written is execute-never there too, since EL0 could write it (Arm ARM,
 * D8.4.1.2). */
static bool map_all(struct tables *tables, const struct tree_place *partition, const struct bundle_about *about) {
    uint64_t text = (uint64_t)(uintptr_t)image_base, data = (uint64_t)(uintptr_t)data_begin;
    return tables_map(tables, partition->base, partition->size, TABLES_EL2_READ_WRITE) == TABLES_OK &&
           tables_map(tables, text, data - text, TABLES_EL2_READ_EXECUTE) == TABLES_OK &&
           map_page(tables, about->console, TABLES_EL2_DEVICE) &&
           map_page(tables, about->distributor, TABLES_EL2_DEVICE) &&
           (about->tpm == 0 || map_page(tables, about->tpm, TABLES_EL2_DEVICE));
}

bool machine_prepare(const void *tree) {
    struct tree_place partition, place;
    struct bundle bundle;
    struct tables_pool pool;
    struct tables tables;
    if (!tree_find(tree, &partition, &place) ||
        bundle_read(&bundle, (const void *)(uintptr_t)place.base, (size_t)place.size) != BUNDLE_OK ||
        tables_pool_init(&pool, pool_memory, (uint64_t)(uintptr_t)pool_memory, sizeof(pool_memory)) != TABLES_OK ||
        tables_stage1_init(&tables, &pool) != TABLES_OK || !map_all(&tables, &partition, &bundle.about))
        return false;
    machine_registers[0] = tables_mair_el2();
    machine_registers[1] = (tables_tcr_el2(parange()) & TCR_EL2_LOW) | TCR_EPD1 | (uint64_t)parange() << TCR_IPS_SHIFT;
    machine_registers[2] = tables_ttbr0_el2(&tables);
    return true;
}

void machine_give_up_tpm(void) {
    register uint64_t function __asm__("x0") = SMCCC_GIVE_UP;
    __asm__ volatile("hvc #0" : "+r"(function)::"x1", "x2", "x3", "memory");
}

void machine_off(void) {
    register uint64_t function __asm__("x0") = PSCI_SYSTEM_OFF;
    for (;;)
        __asm__ volatile("hvc #0" : "+r"(function)::"x1", "x2", "x3", "memory");
}

uint64_t machine_milliseconds(void) {
    uint64_t count, frequency;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count)::"memory");
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    return count / (frequency / 1000 == 0 ? 1 : frequency / 1000);
}

void machine_relax(void) { __asm__ volatile("wfe" ::: "memory"); }

int serial_read(void) {
    if ((read32(port + UARTFR) & FR_RXFE) != 0)
        return -1;
    return (int)(read32(port + UARTDR) & 0xff);
}

void serial_open(uint64_t base) {
    port = base;
    write32(port + UARTIMSC, 0);
    write32(port + UARTLCR_H, LCR_H_8_BITS_FIFO);
    write32(port + UARTCR, CR_RXE_TXE_UARTEN);
    /* What is there was typed to another persona, or put there by it (loopback): it must not pass for a PIN. */
    while (serial_read() >= 0)
        ;
}

static void put(char character) {
    while ((read32(port + UARTFR) & FR_TXFF) != 0)
        ;
    write32(port + UARTDR, (unsigned char)character);
}

void serial_print(const char *format, ...) {
    char text[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n')
            put('\r');
        put(*at);
    }
}

void button_open(uint64_t distributor, uint32_t intid) {
    pending = distributor + intid / 32 * 4;
    button = UINT32_C(1) << intid % 32;
}

bool button_pressed(void) {
    if ((read32(pending + GICD_ISPENDR) & button) == 0)
        return false;
    write32(pending + GICD_ICPENDR, button);
    return true;
}
