// SPDX-License-Identifier: BSD-3-Clause
#include "tis.h"

enum {
    TPM_ACCESS = 0x00,
    TPM_STS = 0x18,
    TPM_DATA_FIFO = 0x24,
    TPM_INTERFACE_ID = 0x30,

    ACCESS_VALID = 0x80,
    ACCESS_ACTIVE = 0x20, /* written: gives the locality up */
    ACCESS_REQUEST = 0x02,
    ACCESS_NOTHING_THERE = 0xff,

    STS_VALID = 0x80,
    STS_READY = 0x40,
    STS_GO = 0x20,
    STS_DATA = 0x10,
    STS_EXPECT = 0x08,
    STS_BURST_SHIFT = 8,
    STS_BURST_MASK = 0xffff,

    INTERFACE_MASK = 0xf,
    INTERFACE_FIFO = 0x0,     /* of a TPM 2.0 */
    INTERFACE_FIFO_1_3 = 0xf, /* of one that was made before the register was */

    HEADER_SIZE = 10,
    SIZE_OFFSET = 2,
    SHORT_MS = 2000,     /* more than the profile allows for any answer but a command's */
    COMMAND_MS = 120000, /* making a key takes its time */
};

static uint8_t read8(uint64_t address) { return *(volatile uint8_t *)(uintptr_t)address; }

static void write8(uint64_t address, uint8_t value) { *(volatile uint8_t *)(uintptr_t)address = value; }

static uint32_t read32(uint64_t address) { return *(volatile uint32_t *)(uintptr_t)address; }

static void write32(uint64_t address, uint32_t value) { *(volatile uint32_t *)(uintptr_t)address = value; }

struct tis_machine tis_mapped(uint64_t (*milliseconds)(void), void (*relax)(void)) {
    return (struct tis_machine){read8, write8, read32, write32, milliseconds, relax};
}

static uint8_t get8(const struct tis *tis, uint32_t offset) { return tis->machine->read8(tis->base + offset); }

static void set8(const struct tis *tis, uint32_t offset, uint8_t value) {
    tis->machine->write8(tis->base + offset, value);
}

static uint32_t status(const struct tis *tis) { return tis->machine->read32(tis->base + TPM_STS); }

static void set_status(const struct tis *tis, uint32_t value) { tis->machine->write32(tis->base + TPM_STS, value); }

/* @return whether the time is over; then `error` is noted */
static bool is_late(struct tis *tis, uint64_t end, enum tis_error error) {
    if (tis->machine->milliseconds() <= end)
        return false;
    tis->error = error;
    return true;
}

static bool wait_status(struct tis *tis, uint32_t value, uint32_t mask, unsigned limit_ms, enum tis_error error) {
    uint64_t end = tis->machine->milliseconds() + limit_ms;
    while ((status(tis) & mask) != value)
        if (is_late(tis, end, error))
            return false;
    return true;
}

static bool wait_access(struct tis *tis, uint8_t bits, enum tis_error error) {
    uint64_t end = tis->machine->milliseconds() + SHORT_MS;
    while ((get8(tis, TPM_ACCESS) & bits) != bits)
        if (is_late(tis, end, error))
            return false;
    return true;
}

/* @return bytes that can go through the FIFO now; 0: none in time */
static size_t burst(struct tis *tis) {
    uint64_t end = tis->machine->milliseconds() + SHORT_MS;
    size_t count = 0;
    while ((count = status(tis) >> STS_BURST_SHIFT & STS_BURST_MASK) == 0)
        if (is_late(tis, end, TIS_STOPPED))
            return 0;
    return count;
}

static bool send(struct tis *tis, const uint8_t *command, size_t size) {
    set_status(tis, STS_READY); /* aborts what somebody was cut off in */
    if (!wait_status(tis, STS_READY, STS_READY, SHORT_MS, TIS_NOT_READY))
        return false;
    while (size > 0) {
        size_t count = burst(tis);
        if (count == 0)
            return false;
        for (; count > 0 && size > 0; count--, size--)
            set8(tis, TPM_DATA_FIFO, *command++);
    }
    if (!wait_status(tis, STS_VALID, STS_VALID | STS_EXPECT, SHORT_MS, TIS_STOPPED))
        return false;
    set_status(tis, STS_GO);
    return wait_status(tis, STS_VALID | STS_DATA, STS_VALID | STS_DATA, COMMAND_MS, TIS_TOO_SLOW);
}

static bool receive(struct tis *tis, uint8_t *to, size_t size) {
    while (size > 0) {
        size_t count = burst(tis);
        if (count == 0)
            return false;
        for (; count > 0 && size > 0; count--, size--)
            *to++ = get8(tis, TPM_DATA_FIFO);
    }
    return true;
}

static size_t exchange(struct tis *tis, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    if (capacity < HEADER_SIZE || !send(tis, command, size) || !receive(tis, response, HEADER_SIZE))
        return 0;
    const uint8_t *at = response + SIZE_OFFSET;
    size_t length = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (length < HEADER_SIZE || length > capacity) {
        tis->error = TIS_BAD_SIZE;
        return 0;
    }
    return receive(tis, response + HEADER_SIZE, length - HEADER_SIZE) ? length : 0;
}

static size_t submit(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    struct tis *tis = context;
    size_t length = 0;
    tis->error = TIS_OK;
    set8(tis, TPM_ACCESS, ACCESS_REQUEST);
    if (wait_access(tis, ACCESS_VALID | ACCESS_ACTIVE, TIS_TAKEN)) {
        length = exchange(tis, command, size, response, capacity);
        set_status(tis, STS_READY); /* ends or aborts what is under way */
    }
    set8(tis, TPM_ACCESS, ACCESS_ACTIVE); /* withdraws what was only asked for, too */
    return length;
}

static void wait(void *context, unsigned milliseconds) {
    const struct tis *tis = context;
    uint64_t end = tis->machine->milliseconds() + milliseconds;
    while (tis->machine->milliseconds() < end)
        tis->machine->relax();
}

enum tis_error tis_open(struct tis *tis, const struct tis_machine *machine, uint64_t base) {
    *tis = (struct tis){.machine = machine, .base = base};
    if (get8(tis, TPM_ACCESS) == ACCESS_NOTHING_THERE || !wait_access(tis, ACCESS_VALID, TIS_ABSENT))
        return tis->error = TIS_ABSENT;
    uint32_t interface = machine->read32(base + TPM_INTERFACE_ID) & INTERFACE_MASK;
    if (interface != INTERFACE_FIFO && interface != INTERFACE_FIFO_1_3)
        tis->error = TIS_UNSUPPORTED;
    return tis->error;
}

struct tpm_transport tis_transport(struct tis *tis) {
    return (struct tpm_transport){.context = tis, .submit = submit, .wait = wait};
}

const char *tis_error_text(enum tis_error error) {
    switch (error) {
    case TIS_OK:
        return "no error";
    case TIS_ABSENT:
        return "no TPM answers there";
    case TIS_UNSUPPORTED:
        return "the TPM has another interface than the FIFO";
    case TIS_TAKEN:
        return "another locality does not give the TPM up";
    case TIS_NOT_READY:
        return "the TPM does not become ready for a command";
    case TIS_STOPPED:
        return "the TPM stopped in the middle of a command or of its response";
    case TIS_TOO_SLOW:
        return "the TPM has not answered for two minutes";
    case TIS_BAD_SIZE:
        return "the TPM's response has a size that can't be";
    }
    return "unknown error";
}
