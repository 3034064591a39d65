// SPDX-License-Identifier: BSD-3-Clause
// What a persona sees of a board, and what tells that it left it at rest.
#include "board/board.h"

#include <string.h>

enum { SPI_FIRST = 32 };

const struct board_device *board_find_device(const struct board *board, const char *path) {
    for (uint32_t i = 0; i < board->device_count; i++) {
        if (strcmp(board->devices[i].path, path) == 0) {
            return &board->devices[i];
        }
    }
    return NULL;
}

bool board_device_visible(const struct board_device *device, const char *persona) {
    return device->policy == BOARD_SHARED ||
           (device->policy == BOARD_EXCLUSIVE && persona != NULL && strcmp(device->persona, persona) == 0);
}

/** Mappings being gathered, sorted by address. */
struct gathered {
    struct board_mapping *mappings;
    size_t max;
    size_t count;
};

static bool insert(struct gathered *gathered, const struct tree_range *range, bool read_only) {
    const uint64_t mask = BOARD_PAGE_SIZE - 1;
    uint64_t base = range->base & ~mask;
    uint64_t last = (range->base + (range->size - 1)) | mask;
    size_t place = gathered->count;

    if (gathered->count == gathered->max) {
        return false;
    }
    while (place > 0 && gathered->mappings[place - 1].range.base > base) {
        gathered->mappings[place] = gathered->mappings[place - 1];
        place--;
    }
    gathered->mappings[place] = (struct board_mapping){{base, last - base + 1}, read_only};
    gathered->count++;
    return true;
}

static bool insert_all(struct gathered *gathered, const struct tree_range *ranges, uint32_t count, bool read_only) {
    for (uint32_t i = 0; i < count; i++) {
        if (ranges[i].size > 0 && !insert(gathered, &ranges[i], read_only)) {
            return false;
        }
    }
    return true;
}

/** Makes one of mappings that touch or overlap. Parsing has seen to it that only those of the same access can. */
static void merge(struct gathered *gathered) {
    size_t kept = 0;

    for (size_t i = 1; i < gathered->count; i++) {
        struct board_mapping *last = &gathered->mappings[kept];
        const struct board_mapping *next = &gathered->mappings[i];
        uint64_t last_size = last->range.size;

        if (last->read_only == next->read_only && next->range.base - last->range.base <= last_size) {
            uint64_t size = next->range.base - last->range.base + next->range.size;
            last->range.size = size > last_size ? size : last_size;
        } else {
            gathered->mappings[++kept] = *next;
        }
    }
    gathered->count = gathered->count == 0 ? 0 : kept + 1;
}

bool board_visible_ranges(const struct board *board, const char *persona, struct board_mapping *mappings, size_t max,
                          size_t *count) {
    struct gathered gathered = {mappings, max, 0};

    *count = 0;
    if (!insert_all(&gathered, &board->gic.distributor, 1, true) ||
        !insert_all(&gathered, board->gic.redistributor_regions, board->gic.redistributor_region_count, true)) {
        return false;
    }
    for (uint32_t i = 0; i < board->device_count; i++) {
        const struct board_device *device = &board->devices[i];

        if (board_device_visible(device, persona) &&
            !insert_all(&gathered, device->ranges, device->range_count, false)) {
            return false;
        }
    }
    merge(&gathered);
    *count = gathered.count;
    return true;
}

static void allow(uint32_t *words, uint32_t intid) {
    if (intid >= SPI_FIRST) {
        words[intid / 32] |= UINT32_C(1) << intid % 32;
    }
}

void board_allowed_spis(const struct board *board, const char *persona, uint32_t *words) {
    memset(words, 0, BOARD_SPI_WORDS * sizeof(words[0]));
    allow(words, board->flip_button_intid);
    if (board->channel.base != 0) {
        allow(words, board->channel.intid);
    }
    if (board->clock.base != 0) {
        allow(words, board->clock.persona_intid);
    }
    for (uint32_t i = 0; i < board->device_count; i++) {
        const struct board_device *device = &board->devices[i];

        for (uint32_t j = 0; board_device_visible(device, persona) && j < device->intid_count; j++) {
            allow(words, device->intids[j]);
        }
    }
}

static bool is_quiet_by(const struct board_device *device, enum board_quiet quiet) {
    return device->policy == BOARD_SHARED && device->quiet == quiet && device->range_count > 0;
}

bool board_quiet_virtio_mmio(const struct board *board, uint64_t *addresses, size_t max, size_t *count) {
    enum { VIRTIO_MMIO_STATUS = 0x70 }; /* virtio 1.2, 4.2.2 */

    *count = 0;
    for (uint32_t i = 0; i < board->device_count; i++) {
        if (!is_quiet_by(&board->devices[i], BOARD_QUIET_VIRTIO_MMIO)) {
            continue;
        }
        if (*count == max) {
            return false;
        }
        addresses[(*count)++] = board->devices[i].ranges[0].base + VIRTIO_MMIO_STATUS;
    }
    return true;
}

bool board_pci_hosts(const struct board *board, struct board_pci_host *hosts, size_t max, size_t *count) {
    *count = 0;
    for (uint32_t i = 0; i < board->device_count; i++) {
        const struct board_device *device = &board->devices[i];

        if (!is_quiet_by(device, BOARD_QUIET_PCI_ECAM)) {
            continue;
        }
        if (*count == max) {
            return false;
        }
        hosts[(*count)++] = (struct board_pci_host){device->ranges[0], device->first_bus, device->last_bus};
    }
    return true;
}

uint32_t board_memory_percent(const struct board *board, const char *persona) {
    for (uint32_t i = 0; i < board->share_count; i++) {
        if (strcmp(board->shares[i].persona, persona) == 0) {
            return board->shares[i].percent;
        }
    }
    return 0;
}

bool board_is_unconfined(const struct board *board, const struct board_device *device) {
    if (device->policy == BOARD_HIDDEN || device->dma == BOARD_DMA_NONE) {
        return false;
    }
    return device->dma == BOARD_DMA_UNCONFINED || board->smmu_v3.base == 0 || !device->behind_smmu;
}
