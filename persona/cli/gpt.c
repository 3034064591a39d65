// SPDX-License-Identifier: BSD-3-Clause
#define _POSIX_C_SOURCE 200809L
#include "gpt.h"

#include <string.h>
#include <unistd.h>

/* UEFI specification 5.3.2, tables 5.5 and 5.6; all little-endian. */
enum {
    HEADER_SIZE = 92,
    HEADER_CRC = 16,
    HEADER_TABLE = 72,
    HEADER_COUNT = 80,
    HEADER_ENTRY_SIZE = 84,
    HEADER_TABLE_CRC = 88,
    ENTRY_SIZE = 128,
    ENTRY_FIRST = 32,
    ENTRY_LAST = 40,
    ENTRY_NAME = 56,
    TABLE_MAX = GPT_PARTITIONS_MAX * ENTRY_SIZE,
};

static const uint8_t esp_type[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                                     0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

static uint64_t little(const uint8_t *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = size; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

/* CRC-32 of IEEE 802.3, as UEFI takes it. */
static uint32_t crc32_of(const uint8_t *bytes, size_t size) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0 - (crc & 1)));
    }
    return ~crc;
}

static void read_label(const uint8_t *name, char *label) {
    size_t length = 0;
    for (; length < GPT_LABEL_SIZE - 1; length++) {
        uint64_t unit = little(name + 2 * length, 2);
        if (unit == 0)
            break;
        label[length] = (char)(unit >= 0x20 && unit < 0x7f ? unit : '?');
    }
    label[length] = '\0';
}

static bool read_entry(struct gpt *gpt, const uint8_t *entry, uint64_t sector, uint64_t size) {
    static const uint8_t unused[16];
    struct gpt_partition *partition = &gpt->partitions[gpt->count];
    uint64_t first = little(entry + ENTRY_FIRST, 8), last = little(entry + ENTRY_LAST, 8);
    if (memcmp(entry, unused, sizeof(unused)) == 0)
        return true;
    if (first > last || last >= size / sector)
        return false;
    *partition = (struct gpt_partition){.is_esp = memcmp(entry, esp_type, sizeof(esp_type)) == 0,
                                        .start = first * sector,
                                        .size = (last - first + 1) * sector};
    read_label(entry + ENTRY_NAME, partition->label);
    gpt->count++;
    return true;
}

static bool read_at(int disk, uint64_t offset, void *bytes, size_t size) {
    return pread(disk, bytes, size, (off_t)offset) == (ssize_t)size;
}

static const char *read_table(struct gpt *gpt, int disk, const uint8_t *header, uint64_t sector, uint64_t size) {
    static uint8_t table[TABLE_MAX];
    uint64_t count = little(header + HEADER_COUNT, 4), start = little(header + HEADER_TABLE, 8);
    if (little(header + HEADER_ENTRY_SIZE, 4) != ENTRY_SIZE || count > GPT_PARTITIONS_MAX || start >= size / sector)
        return "its GPT partition table is of a kind that is not known";
    if (!read_at(disk, start * sector, table, count * ENTRY_SIZE) ||
        crc32_of(table, count * ENTRY_SIZE) != little(header + HEADER_TABLE_CRC, 4))
        return "its GPT partition table is damaged";
    for (size_t i = 0; i < count; i++)
        if (!read_entry(gpt, table + i * ENTRY_SIZE, sector, size))
            return "its GPT partition table names sectors that the disk does not have";
    return NULL;
}

const char *gpt_read(struct gpt *gpt, int disk, uint64_t size) {
    uint8_t header[HEADER_SIZE];
    memset(gpt, 0, sizeof(*gpt));
    for (uint64_t sector = 512; sector <= 4096; sector *= 8) {
        if (!read_at(disk, sector, header, sizeof(header)) || memcmp(header, "EFI PART", 8) != 0)
            continue;
        uint32_t crc = (uint32_t)little(header + HEADER_CRC, 4);
        memset(header + HEADER_CRC, 0, 4);
        if (crc32_of(header, sizeof(header)) != crc)
            return "its GPT partition table is damaged";
        return read_table(gpt, disk, header, sector, size);
    }
    return "it has no GPT partition table";
}

const struct gpt_partition *gpt_esp(const struct gpt *gpt) {
    for (size_t i = 0; i < gpt->count; i++)
        if (gpt->partitions[i].is_esp)
            return &gpt->partitions[i];
    return NULL;
}

const struct gpt_partition *gpt_find(const struct gpt *gpt, const char *label) {
    for (size_t i = 0; i < gpt->count; i++)
        if (strcmp(gpt->partitions[i].label, label) == 0)
            return &gpt->partitions[i];
    return NULL;
}
