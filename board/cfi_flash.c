// SPDX-License-Identifier: BSD-3-Clause
#include "board/cfi_flash.h"

#include <string.h>

enum {
    BUS = 4, /* bytes */

    /* Commands (JEP137: Intel). */
    QUERY = 0x98,
    QUERY_ADDRESS = 0x55, /* in units of the bus */
    READ_ARRAY = 0xff,
    READ_STATUS = 0x70,
    CLEAR_STATUS = 0x50,
    PROGRAM = 0x40,
    ERASE = 0x20,
    LOCK_SETUP = 0x60,
    CONFIRM = 0xd0,

    STATUS_READY = 0x80,
    STATUS_ERRORS = 0x3a, /* erase, program, voltage, locked */

    /* Query table (JESD68.01, 2): offsets in units of the bus. */
    QRY = 0x10,
    COMMAND_SET = 0x13,
    DEVICE_SIZE = 0x27, /* log2 of bytes of a chip */
    REGION_COUNT = 0x2c,
    REGION = 0x2d, /* blocks - 1, then their size / 256; 16 bits each, little-endian, 4 bytes a region */
    REGION_SIZE = 4,
    REGIONS_MAX = 4,
    BLOCK_UNIT = 256,
    INTEL_EXTENDED = 1,
    INTEL_STANDARD = 3,

    POLLS_MAX = 1000 * 1000, /* a word takes some hundred microseconds at most */
};

static void command(const struct cfi_flash *flash, uint64_t address, uint32_t value) {
    flash->bus.write(address, value * flash->lanes);
}

/* A byte of the query table, from the first chip. */
static uint32_t query(const struct cfi_flash *flash, uint64_t base, uint32_t offset) {
    return flash->bus.read(base + (uint64_t)offset * BUS) & 0xff;
}

static uint32_t query16(const struct cfi_flash *flash, uint64_t base, uint32_t offset) {
    return query(flash, base, offset) | query(flash, base, offset + 1) << 8;
}

/* How the chips share the bus: all of them say 'Q' at the same place. */
static bool find_lanes(struct cfi_flash *flash, uint64_t base) {
    static const uint32_t widths[] = {0x00000001, 0x00010001, 0x01010101};
    for (unsigned i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        flash->lanes = widths[i];
        command(flash, base + QUERY_ADDRESS * BUS, QUERY);
        if (flash->bus.read(base + QRY * BUS) == 'Q' * widths[i] && query(flash, base, QRY + 1) == 'R' &&
            query(flash, base, QRY + 2) == 'Y')
            return true;
        command(flash, base, READ_ARRAY);
    }
    return false;
}

static uint32_t chips(const struct cfi_flash *flash) { return (uint32_t)__builtin_popcount(flash->lanes); }

/* The blocks at the bank's end are those of the last region. */
static enum cfi_error read_geometry(struct cfi_flash *flash, uint64_t base, uint64_t size, uint32_t blocks) {
    uint32_t set = query16(flash, base, COMMAND_SET);
    uint32_t regions = query(flash, base, REGION_COUNT);
    uint32_t bits = query(flash, base, DEVICE_SIZE);
    if (set != INTEL_EXTENDED && set != INTEL_STANDARD)
        return CFI_NOT_INTEL;
    if (regions == 0 || regions > REGIONS_MAX || bits > 31 || (UINT64_C(1) << bits) * chips(flash) != size)
        return CFI_BAD_ADDRESS;
    uint32_t region = REGION + (regions - 1) * REGION_SIZE;
    uint32_t count = query16(flash, base, region) + 1;
    flash->block_size = query16(flash, base, region + 2) * BLOCK_UNIT * chips(flash);
    if (flash->block_size == 0 || count < blocks || (uint64_t)flash->block_size * blocks > size)
        return CFI_BAD_ADDRESS;
    flash->base = base + size - (uint64_t)flash->block_size * blocks;
    return CFI_OK;
}

enum cfi_error cfi_open_last(struct cfi_flash *flash, const struct cfi_bus *bus, uint64_t base, uint64_t size,
                             uint32_t blocks) {
    *flash = (struct cfi_flash){.bus = *bus};
    if (base % BUS != 0 || size < BUS || blocks == 0)
        return CFI_BAD_ADDRESS;
    if (!find_lanes(flash, base))
        return CFI_NO_FLASH;
    enum cfi_error error = read_geometry(flash, base, size, blocks);
    command(flash, base, READ_ARRAY);
    return error;
}

uint32_t cfi_read(void *flash, uint32_t offset) {
    const struct cfi_flash *part = flash;
    return part->bus.read(part->base + offset);
}

/* Looks at every chip. @return whether all are ready. @param good whether all did what they were told */
static bool is_ready(const struct cfi_flash *flash, uint64_t address, bool *good) {
    uint32_t ready = STATUS_READY * flash->lanes;
    uint32_t status = flash->bus.read(address);
    *good = (status & STATUS_ERRORS * flash->lanes) == 0;
    return (status & ready) == ready;
}

static bool wait(const struct cfi_flash *flash, uint64_t address) {
    bool good = false;
    for (uint32_t polls = 0; polls < POLLS_MAX; polls++)
        if (is_ready(flash, address, &good))
            return good;
    return false;
}

static void leave(const struct cfi_flash *flash, uint64_t address) {
    command(flash, address, CLEAR_STATUS);
    command(flash, address, READ_ARRAY);
}

/* The chips go back to read-array mode once, behind the last word: where they are emulated that takes a thousand times
 * as long as a word. */
bool cfi_program(void *flash, uint32_t offset, const uint8_t *bytes, uint32_t size) {
    const struct cfi_flash *part = flash;
    uint64_t address = part->base + offset;
    bool good = true;
    for (uint32_t done = 0; done < size && good; done += BUS) {
        uint32_t word;
        memcpy(&word, bytes + done, sizeof word);
        command(part, address + done, PROGRAM);
        part->bus.write(address + done, word);
        good = wait(part, address + done);
    }
    leave(part, address);
    return good;
}

/* Blocks of many chips come up locked. */
void cfi_erase(void *flash, unsigned block) {
    struct cfi_flash *part = flash;
    uint64_t address = part->base + (uint64_t)block * part->block_size;
    part->erasing = address;
    command(part, address, LOCK_SETUP);
    command(part, address, CONFIRM);
    command(part, address, ERASE);
    command(part, address, CONFIRM);
    command(part, address, READ_STATUS);
}

bool cfi_rests(void *flash, bool *good) {
    const struct cfi_flash *part = flash;
    if (!is_ready(part, part->erasing, good))
        return false;
    leave(part, part->erasing);
    return true;
}

const char *cfi_error_text(enum cfi_error error) {
    static const char *const texts[] = {
        [CFI_OK] = "no error",
        [CFI_NO_FLASH] = "there is no flash that answers a query",
        [CFI_NOT_INTEL] = "the flash has another command set than Intel's",
        [CFI_BAD_ADDRESS] = "the flash is not laid out as the firmware's device tree says",
    };
    return (unsigned)error < sizeof texts / sizeof texts[0] ? texts[error] : "unknown error";
}
