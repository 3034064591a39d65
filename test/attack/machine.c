// SPDX-License-Identifier: BSD-3-Clause
#include "machine.h"

#include <libfdt.h>
#include <string.h>

#include "access.h"

enum {
    TABLE_ENTRIES = 512,
    GIB_SHIFT = 30,
    VIEW_INDEX = 500, /* of the first of the views in the table: high up, where the machine has nothing */
    WALK_INDEX = 504,
    ATTRIBUTES_DEVICE = 0,
    ATTRIBUTES_NORMAL = 1,
    ATTRIBUTES_UNCACHED = 2,
};

#define ENTRY_BLOCK UINT64_C(0x701) /* access flag, inner shareable, valid */
#define ENTRY_TABLE UINT64_C(3)
#define SCTLR_M_C_I UINT64_C(0x1005)

struct machine machine;
volatile struct exception exception;

static uint64_t table[TABLE_ENTRIES] __attribute__((aligned(4096)));

static uint64_t cell(const void *property, int index, int cells) {
    const fdt32_t *words = (const fdt32_t *)property + index;
    return cells == 2 ? (uint64_t)fdt32_to_cpu(words[0]) << 32 | fdt32_to_cpu(words[1]) : fdt32_to_cpu(words[0]);
}

/* @return the address in `reg` number `index` of a node of the root, and its size; 0: there is none */
static uint64_t reg(const void *tree, int node, int index, uint64_t *size) {
    int length = 0;
    const void *property = node < 0 ? NULL : fdt_getprop(tree, node, "reg", &length);
    int address_cells = fdt_address_cells(tree, 0), size_cells = fdt_size_cells(tree, 0);
    int first = index * (address_cells + size_cells);
    if (property == NULL || length < 4 * (first + address_cells + size_cells))
        return 0;
    if (size != NULL)
        *size = cell(property, first + address_cells, size_cells);
    return cell(property, first, address_cells);
}

static int compatible(const void *tree, const char *name) { return fdt_node_offset_by_compatible(tree, -1, name); }

static void read_name(const void *tree) {
    const char *arguments = fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", NULL);
    const char *name = arguments != NULL ? strstr(arguments, "name=") : NULL;
    if (name == NULL)
        return;
    name += strlen("name=");
    for (size_t i = 0; i + 1 < sizeof(machine.name) && name[i] != '\0' && name[i] != ' '; i++)
        machine.name[i] = name[i];
}

static void read_button(const void *tree) {
    int keys = compatible(tree, "gpio-keys");
    int button = keys < 0 ? keys : fdt_first_subnode(tree, keys);
    const void *property = button < 0 ? NULL : fdt_getprop(tree, button, "interrupts", NULL);
    if (property != NULL)
        machine.button = (uint32_t)cell(property, 1, 1) + 32;
}

/* The channel is the virtio device that is not on the pages of the others. */
static void read_channel(const void *tree) {
    for (int node = compatible(tree, "virtio,mmio"); node >= 0;
         node = fdt_node_offset_by_compatible(tree, node, "virtio,mmio")) {
        uint64_t base = reg(tree, node, 0, NULL);
        if (base > machine.channel)
            machine.channel = base;
    }
}

/* Addresses on the bus have three cells; the first says of which kind they are. */
static void read_pci(const void *tree) {
    enum { RANGE_CELLS = 7, KIND = 3 << 24, KIND_MEMORY_32 = 2 << 24 };
    int node = compatible(tree, "pci-host-ecam-generic"), length = 0;
    const fdt32_t *ranges = node < 0 ? NULL : fdt_getprop(tree, node, "ranges", &length);
    machine.ecam = reg(tree, node, 0, &machine.ecam_size);
    for (int at = 0; ranges != NULL && at + RANGE_CELLS <= length / 4; at += RANGE_CELLS)
        if ((fdt32_to_cpu(ranges[at]) & KIND) == KIND_MEMORY_32)
            machine.pci_window = cell(ranges, at + 3, 2);
}

static void read_cpus(const void *tree) {
    int node;
    int cpus = fdt_path_offset(tree, "/cpus");
    fdt_for_each_subnode(node, tree, cpus) {
        const char *type = fdt_getprop(tree, node, "device_type", NULL);
        const void *property = fdt_getprop(tree, node, "reg", NULL);
        if (type == NULL || strcmp(type, "cpu") != 0 || property == NULL || machine.cpu_count == MACHINE_CPUS_MAX)
            continue;
        machine.cpus[machine.cpu_count++] = cell(property, 0, fdt_address_cells(tree, cpus));
    }
}

bool machine_read_tree(const void *tree) {
    if (fdt_check_header(tree) != 0)
        return false;
    int memory = fdt_node_offset_by_prop_value(tree, -1, "device_type", "memory", sizeof("memory"));
    int gic = compatible(tree, "arm,gic-v3");
    machine.serial = reg(tree, compatible(tree, "arm,pl011"), 0, NULL);
    machine.memory_base = reg(tree, memory, 0, &machine.memory_size);
    machine.distributor = reg(tree, gic, 0, NULL);
    machine.redistributors = reg(tree, gic, 1, &machine.redistributors_size);
    read_name(tree);
    read_button(tree);
    read_channel(tree);
    read_pci(tree);
    read_cpus(tree);
    return machine.memory_size != 0 && machine.distributor != 0 && machine.cpu_count != 0;
}

static uint64_t block(uint64_t address, unsigned attributes) {
    return (address >> GIB_SHIFT << GIB_SHIFT) | (uint64_t)attributes << 2 | ENTRY_BLOCK;
}

static void forget_translations(void) {
    __asm__ volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
}

void machine_map(void) {
    for (uint64_t i = 0; i < VIEW_INDEX; i++) {
        bool device = i == 0 || (machine.ecam != 0 && i == machine.ecam >> GIB_SHIFT);
        table[i] = block(i << GIB_SHIFT, device ? ATTRIBUTES_DEVICE : ATTRIBUTES_NORMAL);
    }
    uint64_t size = READ_SYSREG("id_aa64mmfr0_el1") & 0xf;
    if (size > 5)
        size = 5;
    /* 39 bits from a table of level 1, 4 KiB granule, walks cached; nothing at high addresses. */
    uint64_t tcr = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | size << 32;
    WRITE_SYSREG("mair_el1", 0x44ff00);
    WRITE_SYSREG("tcr_el1", tcr);
    WRITE_SYSREG("ttbr0_el1", (uint64_t)(uintptr_t)table);
    WRITE_SYSREG("vbar_el1", (uint64_t)(uintptr_t)vectors);
    forget_translations();
    WRITE_SYSREG("sctlr_el1", READ_SYSREG("sctlr_el1") | SCTLR_M_C_I);
}

uint64_t machine_view(uint64_t address, enum machine_view view) {
    static const unsigned attributes[] = {
        [VIEW_DEVICE] = ATTRIBUTES_DEVICE, [VIEW_NORMAL] = ATTRIBUTES_NORMAL, [VIEW_UNCACHED] = ATTRIBUTES_UNCACHED};
    uint64_t index = VIEW_INDEX + (uint64_t)view;
    table[index] = block(address, attributes[view]);
    forget_translations();
    return index << GIB_SHIFT | (address & ((UINT64_C(1) << GIB_SHIFT) - 1));
}

uint64_t machine_walk_through(uint64_t foreign) {
    table[WALK_INDEX] = (foreign & ~UINT64_C(0xfff)) | ENTRY_TABLE;
    forget_translations();
    return (uint64_t)WALK_INDEX << GIB_SHIFT;
}

void machine_clean(void) {
    uint64_t base = (uint64_t)(uintptr_t)image_base, end = (uint64_t)(uintptr_t)bss_end;
    for (uint64_t address = base; address < end; address += 16)
        __asm__ volatile("dc civac, %0" ::"r"(address) : "memory");
    barrier();
}

bool access_aborts(void (*touch)(uint64_t address), uint64_t address) {
    uint64_t before = exception.count;
    touch(address);
    barrier();
    return exception.count != before;
}

void machine_wait(uint64_t microseconds) {
    uint64_t end = READ_SYSREG("cntvct_el0") + microseconds * READ_SYSREG("cntfrq_el0") / 1000000 + 1;
    while (READ_SYSREG("cntvct_el0") < end)
        ;
}

bool hammer_start(struct hammering *hammering) {
    hammering->mair = READ_SYSREG("mair_el1");
    hammering->tcr = READ_SYSREG("tcr_el1");
    hammering->ttbr = READ_SYSREG("ttbr0_el1");
    hammering->sctlr = READ_SYSREG("sctlr_el1");
    hammering->stop = hammering->count = 0;
    /* It begins with its caches off. */
    machine_clean();
    return machine.cpu_count > 1 &&
           psci(PSCI_CPU_ON, machine.cpus[1], (uint64_t)(uintptr_t)hammer, address_of(hammering)) == 0;
}

void hammer_stop(struct hammering *hammering) {
    hammering->stop = 1;
    barrier();
    while (psci(PSCI_AFFINITY_INFO, machine.cpus[1], 0, 0) != 1)
        ;
}

int64_t psci(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3) {
    uint64_t registers[18] = {function, a1, a2, a3};
    call(registers, false);
    return (int64_t)registers[0];
}
