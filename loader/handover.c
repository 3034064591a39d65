// SPDX-License-Identifier: BSD-3-Clause
#include "switcher/handover.h"

#include <stdbool.h>

enum {
    PPI_FIRST = 16,
    SPI_FIRST = 32,
    SPI_END = 1020,
    PAGE_SIZE = 4096,
    PAGE_ALIGNMENT_GIC = 0x10000, /* IHI 0069, 12.1: the frames' size and alignment */
    REDISTRIBUTOR_SIZE = 2 * PAGE_ALIGNMENT_GIC,
    DEVICE_SIZE = 4096,     /* PL011 (DDI 0183), PL061 (DDI 0190) */
    TRANSPORT_SIZE = 0x200, /* virtio-mmio */
    SMMU_SIZE = 0x20000,    /* IHI 0070, 6.1: two pages of 64 KiB */
    PAGE_ALIGNMENT_SMMU = 0x10000,
    STREAM_TABLE_SIZE_MIN = 64,
    STACK_ALIGNMENT = 16,     /* AAPCS64 */
    DEVICETREE_ALIGNMENT = 8, /* arm64 boot protocol */
    INSTRUCTION_SIZE = 4,
    KEY_CODE_MAX = 0x2ff, /* of Linux input events */
    PIN_MAX = 7,
};

#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)
#define ADDRESS_END (UINT64_C(1) << 48)                 /* the translation tables' reach */
#define TABLE_ADDRESS UINT64_C(0x0000fffffffff000)      /* BADDR of TTBR0_EL2 and VTTBR_EL2 */
#define SMMU_TABLE_ADDRESS UINT64_C(0x000fffffffffffc0) /* ADDR of SMMU_STRTAB_BASE */
#define VTCR_VS (UINT64_C(1) << 19)                     /* 16-bit VMIDs */
#define VTTBR_VMID_SHIFT 48

static bool range_valid(struct handover_range range, uint64_t alignment) {
    return range.size != 0 && range.base < ADDRESS_END && range.size <= ADDRESS_END - range.base &&
           range.base % alignment == 0 && range.size % alignment == 0;
}

/* Of two valid ranges. */
static bool ranges_overlap(struct handover_range a, struct handover_range b) {
    return a.base < b.base + b.size && b.base < a.base + a.size;
}

/* Whether a valid range holds all of [base, base + size). */
static bool range_holds(struct handover_range range, uint64_t base, uint64_t size) {
    return base >= range.base && size <= range.size && base - range.base <= range.size - size;
}

static bool is_spi(uint32_t intid) { return intid >= SPI_FIRST && intid < SPI_END; }

static bool is_ppi(uint32_t intid) { return intid >= PPI_FIRST && intid < SPI_FIRST; }

static bool spi_allowed(const struct handover_persona *persona, uint32_t intid) {
    return (persona->spi_allowed[intid / 32] >> intid % 32 & 1) != 0;
}

static bool terminated(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (text[i] == '\0')
            return true;
    return false;
}

static bool cpus_valid(const struct handover *handover) {
    if (handover->cpu_count == 0 || handover->cpu_count > HANDOVER_CPUS_MAX ||
        handover->boot_cpu >= handover->cpu_count)
        return false;
    for (uint32_t i = 0; i < handover->cpu_count; i++) {
        if ((handover->cpus[i].mpidr & ~MPIDR_AFFINITY) != 0)
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (handover->cpus[i].mpidr == handover->cpus[j].mpidr)
                return false;
    }
    return true;
}

static struct handover_range distributor(const struct handover *handover) {
    return (struct handover_range){handover->gic.distributor, PAGE_ALIGNMENT_GIC};
}

static bool redistributors_valid(const struct handover *handover) {
    const struct handover_gic *gic = &handover->gic;
    for (uint32_t i = 0; i < gic->redistributor_region_count; i++) {
        struct handover_range region = gic->redistributor_regions[i];
        if (region.base == 0 || region.size < REDISTRIBUTOR_SIZE || !range_valid(region, PAGE_ALIGNMENT_GIC) ||
            ranges_overlap(region, distributor(handover)))
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (ranges_overlap(region, gic->redistributor_regions[j]))
                return false;
    }
    return true;
}

static bool gic_valid(const struct handover *handover) {
    const struct handover_gic *gic = &handover->gic;
    return gic->distributor != 0 && range_valid(distributor(handover), PAGE_ALIGNMENT_GIC) &&
           gic->redistributor_region_count != 0 &&
           gic->redistributor_region_count <= HANDOVER_REDISTRIBUTOR_REGIONS_MAX && redistributors_valid(handover);
}

static bool keys_valid(const struct handover *handover) {
    const struct handover_power_key *key = &handover->power_key;
    if (key->base != 0 && (key->pin > PIN_MAX || key->active_low > 1 || key->long_press_ms == 0))
        return false;
    const struct handover_keyboard *keyboard = &handover->keyboard;
    if (keyboard->base == 0)
        return true;
    if (keyboard->chord_length == 0 || keyboard->chord_length > HANDOVER_CHORD_MAX)
        return false;
    for (uint32_t i = 0; i < keyboard->chord_length; i++) {
        if (keyboard->chord[i] == 0 || keyboard->chord[i] > KEY_CODE_MAX)
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (keyboard->chord[i] == keyboard->chord[j])
                return false;
    }
    return true;
}

static bool quiet_valid(const struct handover *handover) {
    if (handover->quiet_count > HANDOVER_QUIET_MAX)
        return false;
    for (uint32_t i = 0; i < handover->quiet_count; i++) {
        const struct handover_quiet *quiet = &handover->quiet[i];
        if (quiet->kind != HANDOVER_QUIET_VIRTIO_MMIO && quiet->kind != HANDOVER_QUIET_PCI_COMMAND)
            return false;
        if (quiet->address == 0 || quiet->address >= ADDRESS_END || quiet->address % sizeof(uint32_t) != 0)
            return false;
    }
    return true;
}

static bool personas_valid(const struct handover *handover) {
    if (handover->persona_count == 0 || handover->persona_count > HANDOVER_PERSONAS_MAX ||
        handover->first_persona >= handover->persona_count)
        return false;
    for (uint32_t i = 0; i < handover->persona_count; i++) {
        const struct handover_persona *persona = &handover->personas[i];
        if (persona->name[0] == '\0' || !terminated(persona->name, sizeof persona->name) ||
            !terminated(persona->title, sizeof persona->title) || persona->copy_count > HANDOVER_COPIES_MAX ||
            persona->prewarm_ms > HANDOVER_PREWARM_MS_MAX || persona->alarm_flip > 1 ||
            persona->usim > HANDOVER_USIM_AUTHENTICATE)
            return false;
    }
    return true;
}

/* An SPI that the switcher raises, so that every persona uses it, or takes, so that none may. base 0: there is none. */
struct spi {
    uint64_t base;
    uint32_t intid;
    bool raised;
};

static bool spi_valid(const struct handover *handover, const struct spi *spi) {
    if (!is_spi(spi->intid))
        return false;
    for (uint32_t i = 0; i < handover->persona_count; i++)
        if (spi_allowed(&handover->personas[i], spi->intid) != spi->raised)
            return false;
    return true;
}

static bool spis_valid(const struct handover *handover, const struct spi *spis, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (spis[i].base == 0)
            continue;
        if (!spi_valid(handover, &spis[i]))
            return false;
        for (unsigned j = 0; j < i; j++)
            if (spis[j].base != 0 && spis[j].intid == spis[i].intid)
                return false;
    }
    return true;
}

static bool intids_valid(const struct handover *handover) {
    const struct handover_smmu *smmu = &handover->smmu;
    const struct handover_clock *clock = &handover->clock;
    const struct spi spis[] = {
        {handover->power_key.base, handover->power_key.intid, false},
        {handover->keyboard.base, handover->keyboard.intid, false},
        {smmu->base, smmu->event_intid, false},
        {smmu->base, smmu->error_intid, false},
        {clock->base, clock->intid, false},
        {clock->base, clock->persona_intid, true},
        {handover->channel.base, handover->channel.intid, true},
        {1, handover->flip_button_intid, true},
    };
    for (uint32_t i = 0; i < handover->persona_count; i++) {
        const uint32_t *allowed = handover->personas[i].spi_allowed;
        /* SGIs and PPIs are no SPIs; 1020 to 1023 are special (IHI 0069, 2.2.1). */
        if (allowed[0] != 0 || (allowed[HANDOVER_SPI_WORDS - 1] & 0xf0000000u) != 0)
            return false;
    }
    return is_ppi(handover->hypervisor_timer_intid) && spis_valid(handover, spis, sizeof spis / sizeof spis[0]);
}

/* What the switcher itself stands on lies in its region. */
static bool switcher_valid(const struct handover *handover) {
    struct handover_range region = handover->switcher;
    if (!range_valid(region, PAGE_SIZE) || !range_holds(region, handover->ttbr0_el2 & TABLE_ADDRESS, PAGE_SIZE))
        return false;
    for (uint32_t i = 0; i < handover->cpu_count; i++) {
        uint64_t top = handover->cpus[i].stack_top;
        if (top % STACK_ALIGNMENT != 0 || top < HANDOVER_STACK_SIZE ||
            !range_holds(region, top - HANDOVER_STACK_SIZE, HANDOVER_STACK_SIZE))
            return false;
        struct handover_range stack = {top - HANDOVER_STACK_SIZE, HANDOVER_STACK_SIZE};
        for (uint32_t j = 0; j < i; j++)
            if (ranges_overlap(stack, (struct handover_range){handover->cpus[j].stack_top - HANDOVER_STACK_SIZE,
                                                              HANDOVER_STACK_SIZE}))
                return false;
    }
    return true;
}

static bool copies_valid(const struct handover *handover, const struct handover_persona *persona) {
    for (uint32_t i = 0; i < persona->copy_count; i++) {
        const struct handover_copy *copy = &persona->copies[i];
        if (copy->size == 0 || !range_holds(handover->switcher, copy->source, copy->size) ||
            !range_holds(persona->partition, copy->destination, copy->size))
            return false;
        /* Two copies to one place would leave neither whole. */
        for (uint32_t j = 0; j < i; j++)
            if (ranges_overlap((struct handover_range){copy->destination, copy->size},
                               (struct handover_range){persona->copies[j].destination, persona->copies[j].size}))
                return false;
    }
    return true;
}

static bool persona_memory_valid(const struct handover *handover, const struct handover_persona *persona) {
    return range_valid(persona->partition, PAGE_SIZE) && !ranges_overlap(persona->partition, handover->switcher) &&
           persona->entry % INSTRUCTION_SIZE == 0 &&
           range_holds(persona->partition, persona->entry, INSTRUCTION_SIZE) &&
           persona->devicetree % DEVICETREE_ALIGNMENT == 0 &&
           range_holds(persona->partition, persona->devicetree, DEVICETREE_ALIGNMENT) &&
           range_holds(handover->switcher, persona->vttbr & TABLE_ADDRESS, PAGE_SIZE) &&
           range_holds(handover->switcher, persona->vttbr_start & TABLE_ADDRESS, PAGE_SIZE) &&
           copies_valid(handover, persona);
}

/* Whether a device's registers lie in memory; base 0 means that there is no such device. */
static bool in_memory(const struct handover *handover, uint64_t base, uint64_t size) {
    struct handover_range device = {base, size};
    if (base == 0)
        return false;
    if (base >= ADDRESS_END || size > ADDRESS_END - base || ranges_overlap(device, handover->switcher))
        return true;
    for (uint32_t i = 0; i < handover->persona_count; i++)
        if (ranges_overlap(device, handover->personas[i].partition))
            return true;
    return false;
}

/* A device register that is memory in truth would let a persona write what the switcher takes for the device's. */
static bool devices_outside_memory(const struct handover *handover) {
    if (in_memory(handover, handover->console, DEVICE_SIZE) ||
        in_memory(handover, handover->power_key.base, DEVICE_SIZE) ||
        in_memory(handover, handover->keyboard.base, TRANSPORT_SIZE) ||
        in_memory(handover, handover->smmu.base, SMMU_SIZE) ||
        in_memory(handover, handover->gic.distributor, PAGE_ALIGNMENT_GIC))
        return false;
    for (uint32_t i = 0; i < handover->gic.redistributor_region_count; i++) {
        struct handover_range region = handover->gic.redistributor_regions[i];
        if (in_memory(handover, region.base, region.size))
            return false;
    }
    for (uint32_t i = 0; i < handover->quiet_count; i++)
        if (in_memory(handover, handover->quiet[i].address, sizeof(uint32_t)))
            return false;
    return true;
}

static bool meets(struct handover_range page, uint64_t base, uint64_t size) {
    return base != 0 && base < ADDRESS_END && ranges_overlap(page, (struct handover_range){base, size});
}

/* The switcher answers for the page, so nothing else may be there. */
static bool page_valid(const struct handover *handover, uint64_t base) {
    struct handover_range page = {base, PAGE_SIZE};
    if (base == 0)
        return true;
    if (!range_valid(page, PAGE_SIZE) || in_memory(handover, page.base, page.size) ||
        meets(page, handover->console, DEVICE_SIZE) || meets(page, handover->power_key.base, DEVICE_SIZE) ||
        meets(page, handover->keyboard.base, TRANSPORT_SIZE) || meets(page, handover->smmu.base, SMMU_SIZE) ||
        ranges_overlap(page, distributor(handover)))
        return false;
    for (uint32_t i = 0; i < handover->gic.redistributor_region_count; i++)
        if (ranges_overlap(page, handover->gic.redistributor_regions[i]))
            return false;
    return true;
}

static bool smmu_valid(const struct handover *handover) {
    const struct handover_smmu *smmu = &handover->smmu;
    if (smmu->base == 0)
        return true;
    if (!range_valid((struct handover_range){smmu->base, SMMU_SIZE}, PAGE_ALIGNMENT_SMMU))
        return false;
    for (uint32_t i = 0; i < handover->persona_count; i++) {
        if ((smmu->stream_tables[i] & ~SMMU_TABLE_ADDRESS) != 0 ||
            !range_holds(handover->switcher, smmu->stream_tables[i], STREAM_TABLE_SIZE_MIN))
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (smmu->stream_tables[i] == smmu->stream_tables[j])
                return false;
    }
    return true;
}

static bool memory_valid(const struct handover *handover) {
    if (!switcher_valid(handover))
        return false;
    for (uint32_t i = 0; i < handover->persona_count; i++) {
        if (!persona_memory_valid(handover, &handover->personas[i]))
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (ranges_overlap(handover->personas[i].partition, handover->personas[j].partition))
                return false;
    }
    return devices_outside_memory(handover);
}

static bool share_root(const struct handover_persona *a, const struct handover_persona *b) {
    const uint64_t of_a[] = {a->vttbr & TABLE_ADDRESS, a->vttbr_start & TABLE_ADDRESS};
    const uint64_t of_b[] = {b->vttbr & TABLE_ADDRESS, b->vttbr_start & TABLE_ADDRESS};
    return of_a[0] == of_b[0] || of_a[0] == of_b[1] || of_a[1] == of_b[0] || of_a[1] == of_b[1];
}

/* Of flash, whether nothing else of the switcher's is there, and no memory. */
static bool usim_flash_valid(const struct handover *handover) {
    const struct handover_usim *usim = &handover->usim;
    const struct handover_range blocks = {usim->flash, 2 * (uint64_t)usim->flash_block_size};
    if (usim->flash_lanes == 0)
        return usim->flash_block_size == PAGE_SIZE && range_valid(blocks, PAGE_SIZE) &&
               range_holds(handover->switcher, blocks.base, blocks.size);
    if (!range_valid(blocks, PAGE_SIZE) || in_memory(handover, blocks.base, blocks.size) ||
        meets(blocks, handover->console, DEVICE_SIZE) || meets(blocks, handover->power_key.base, DEVICE_SIZE) ||
        meets(blocks, handover->keyboard.base, TRANSPORT_SIZE) || meets(blocks, handover->smmu.base, SMMU_SIZE) ||
        meets(blocks, handover->channel.base, PAGE_SIZE) || meets(blocks, handover->clock.base, PAGE_SIZE) ||
        ranges_overlap(blocks, distributor(handover)))
        return false;
    for (uint32_t i = 0; i < handover->gic.redistributor_region_count; i++)
        if (ranges_overlap(blocks, handover->gic.redistributor_regions[i]))
            return false;
    return true;
}

static bool usim_valid(const struct handover *handover) {
    struct handover_range profile = handover->usim.profile;
    if (profile.size != 0)
        return range_holds(handover->switcher, profile.base, profile.size) && profile.base % sizeof(uint64_t) == 0 &&
               usim_flash_valid(handover);
    for (uint32_t i = 0; i < handover->persona_count; i++)
        if (handover->personas[i].usim != HANDOVER_USIM_NONE)
            return false;
    return true;
}

static bool vmids_valid(const struct handover *handover) {
    uint64_t vmid_end = (handover->vtcr_el2 & VTCR_VS) != 0 ? 1u << 16 : 1u << 8;
    for (uint32_t i = 0; i < handover->persona_count; i++) {
        uint64_t vttbr = handover->personas[i].vttbr;
        uint64_t vmid = vttbr >> VTTBR_VMID_SHIFT;
        if (vmid == 0 || vmid >= vmid_end || handover->personas[i].vttbr_start >> VTTBR_VMID_SHIFT != vmid)
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (handover->personas[j].vttbr >> VTTBR_VMID_SHIFT == vmid ||
                share_root(&handover->personas[j], &handover->personas[i]))
                return false;
    }
    return true;
}

enum handover_error handover_check(const struct handover *handover) {
    if (handover->magic != HANDOVER_MAGIC)
        return HANDOVER_BAD_MAGIC;
    if (handover->version != HANDOVER_VERSION || handover->size != sizeof *handover)
        return HANDOVER_BAD_VERSION;
    if (!cpus_valid(handover))
        return HANDOVER_BAD_CPUS;
    if (!gic_valid(handover))
        return HANDOVER_BAD_GIC;
    if (!keys_valid(handover) || handover->flip_timeout_ms == 0)
        return HANDOVER_BAD_KEYS;
    if (!quiet_valid(handover))
        return HANDOVER_BAD_QUIET;
    if (!personas_valid(handover))
        return HANDOVER_BAD_PERSONAS;
    /* From here on all counts are known to be in range. */
    if (!intids_valid(handover))
        return HANDOVER_BAD_INTID;
    if (!memory_valid(handover))
        return HANDOVER_BAD_MEMORY;
    if (!smmu_valid(handover))
        return HANDOVER_BAD_SMMU;
    if (!page_valid(handover, handover->channel.base))
        return HANDOVER_BAD_CHANNEL;
    if (handover->clock.base != 0 &&
        (handover->clock.base == handover->channel.base || !page_valid(handover, handover->clock.base)))
        return HANDOVER_BAD_CLOCK;
    if (!usim_valid(handover))
        return HANDOVER_BAD_USIM;
    if (!vmids_valid(handover))
        return HANDOVER_BAD_VMID;
    return HANDOVER_OK;
}

const char *handover_error_text(enum handover_error error) {
    switch (error) {
    case HANDOVER_OK:
        return "no error";
    case HANDOVER_BAD_MAGIC:
        return "no hand-over structure there";
    case HANDOVER_BAD_VERSION:
        return "the loader's hand-over is of another version than the switcher's";
    case HANDOVER_BAD_CPUS:
        return "no CPUs, too many, two alike, or the boot CPU is not among them";
    case HANDOVER_BAD_GIC:
        return "no interrupt distributor or redistributors, too many regions, or regions that overlap";
    case HANDOVER_BAD_INTID:
        return "an interrupt of the switcher is of the wrong kind or shared, or a persona lacks one of its own";
    case HANDOVER_BAD_KEYS:
        return "an attention key is not described rightly, or there is no time to answer a flip";
    case HANDOVER_BAD_QUIET:
        return "too many places to look for quiet devices, or one of an unknown kind";
    case HANDOVER_BAD_PERSONAS:
        return "no personas, too many, or one without a proper name or with a setting that is none";
    case HANDOVER_BAD_SMMU:
        return "the SMMU's registers are misaligned, or a stream table is outside the switcher's region or two "
               "personas'";
    case HANDOVER_BAD_CHANNEL:
        return "the personas' channel lies where something else is";
    case HANDOVER_BAD_CLOCK:
        return "the real-time clock lies where something else is";
    case HANDOVER_BAD_USIM:
        return "the USIM's profile or flash lies where it must not, or a persona may use a USIM that is not there";
    case HANDOVER_BAD_MEMORY:
        return "partitions, the switcher's region and devices are not apart, or something lies outside its own";
    case HANDOVER_BAD_VMID:
        return "two personas share a VMID or a stage-2 table, or one has VMID 0";
    }
    return "unknown error";
}
