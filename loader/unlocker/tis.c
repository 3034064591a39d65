// SPDX-License-Identifier: BSD-3-Clause
// A TPM behind its FIFO registers (TCG PC Client Platform TPM Profile for TPM 2.0, 6.5), locality 0.
#include "machine.h"

enum {
    TPM_ACCESS = 0x00,
    TPM_STS = 0x18,
    TPM_DATA_FIFO = 0x24,

    ACCESS_VALID = 0x80,
    ACCESS_ACTIVE = 0x20, /* written: gives the locality up */
    ACCESS_REQUEST = 0x02,

    STS_VALID = 0x80,
    STS_READY = 0x40,
    STS_GO = 0x20,
    STS_DATA = 0x10,
    STS_EXPECT = 0x08,
    STS_BURST_SHIFT = 8,
    STS_BURST_MASK = 0xffff,

    HEADER_SIZE = 10,
    SIZE_OFFSET = 2,
    SHORT_MS = 2000,     /* more than the profile allows for any answer but a command's */
    COMMAND_MS = 120000, /* making a key takes its time */
};

static uint64_t registers;

static uint8_t read8(uint32_t offset) { return *(volatile uint8_t *)(uintptr_t)(registers + offset); }

static void write8(uint32_t offset, uint8_t value) { *(volatile uint8_t *)(uintptr_t)(registers + offset) = value; }

static uint32_t status(void) { return *(volatile uint32_t *)(uintptr_t)(registers + TPM_STS); }

static void set_status(uint32_t value) { *(volatile uint32_t *)(uintptr_t)(registers + TPM_STS) = value; }

static bool wait_status(uint32_t mask, uint32_t value, unsigned limit_ms) {
    uint64_t end = machine_milliseconds() + limit_ms;
    while ((status() & mask) != value)
        if (machine_milliseconds() > end)
            return false;
    return true;
}

static bool take_locality(void) {
    const uint8_t active = ACCESS_VALID | ACCESS_ACTIVE;
    uint64_t end = machine_milliseconds() + SHORT_MS;
    write8(TPM_ACCESS, ACCESS_REQUEST);
    while ((read8(TPM_ACCESS) & active) != active)
        if (machine_milliseconds() > end)
            return false;
    return true;
}

/* @return bytes that can go through the FIFO now; 0: none in time */
static size_t burst(void) {
    uint64_t end = machine_milliseconds() + SHORT_MS;
    size_t count = 0;
    while ((count = status() >> STS_BURST_SHIFT & STS_BURST_MASK) == 0)
        if (machine_milliseconds() > end)
            return 0;
    return count;
}

static bool send(const uint8_t *command, size_t size) {
    set_status(STS_READY);
    if (!wait_status(STS_READY, STS_READY, SHORT_MS))
        return false;
    while (size > 0) {
        size_t count = burst();
        if (count == 0)
            return false;
        for (; count > 0 && size > 0; count--, size--)
            write8(TPM_DATA_FIFO, *command++);
    }
    if (!wait_status(STS_VALID | STS_EXPECT, STS_VALID, SHORT_MS))
        return false;
    set_status(STS_GO);
    return wait_status(STS_VALID | STS_DATA, STS_VALID | STS_DATA, COMMAND_MS);
}

static bool receive(uint8_t *to, size_t size) {
    while (size > 0) {
        size_t count = burst();
        if (count == 0)
            return false;
        for (; count > 0 && size > 0; count--, size--)
            *to++ = read8(TPM_DATA_FIFO);
    }
    return true;
}

static size_t exchange(const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    if (capacity < HEADER_SIZE || !send(command, size) || !receive(response, HEADER_SIZE))
        return 0;
    const uint8_t *at = response + SIZE_OFFSET;
    size_t length = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (length < HEADER_SIZE || length > capacity || !receive(response + HEADER_SIZE, length - HEADER_SIZE))
        return 0;
    return length;
}

static size_t submit(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    (void)context;
    if (!take_locality())
        return 0;
    size_t length = exchange(command, size, response, capacity);
    set_status(STS_READY); /* ends or aborts what is under way */
    write8(TPM_ACCESS, ACCESS_ACTIVE);
    return length;
}

static void wait(void *context, unsigned milliseconds) {
    uint64_t end = machine_milliseconds() + milliseconds;
    (void)context;
    while (machine_milliseconds() < end)
        machine_relax();
}

struct tpm_transport tis_transport(uint64_t base) {
    registers = base;
    return (struct tpm_transport){.submit = submit, .wait = wait};
}
