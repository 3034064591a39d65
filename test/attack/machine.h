// SPDX-License-Identifier: BSD-3-Clause
#ifndef ATTACK_MACHINE_H
#define ATTACK_MACHINE_H

/** The machine as the payload sees it: what its device tree says, registers, memory, PSCI. */

#include <stdbool.h>
#include <stdint.h>

#define READ_SYSREG(name)                                                                                              \
    ({                                                                                                                 \
        uint64_t value_ = 0;                                                                                           \
        __asm__ volatile("mrs %0, " name : "+r"(value_)::"memory");                                                    \
        value_;                                                                                                        \
    })
#define WRITE_SYSREG(name, value) __asm__ volatile("msr " name ", %x0\n\tisb" ::"rZ"((uint64_t)(value)) : "memory")

static inline uint32_t read32(uint64_t address) {
    uint32_t value = 0;
    __asm__ volatile("ldr %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
    return value;
}

static inline uint8_t read8(uint64_t address) {
    uint32_t value = 0;
    __asm__ volatile("ldrb %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
    return (uint8_t)value;
}

static inline uint16_t read16(uint64_t address) {
    uint32_t value = 0;
    __asm__ volatile("ldrh %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
    return (uint16_t)value;
}

static inline uint64_t read64(uint64_t address) {
    uint64_t value = 0;
    __asm__ volatile("ldr %0, [%1]" : "+r"(value) : "r"(address) : "memory");
    return value;
}

static inline void write8(uint64_t address, uint8_t value) {
    __asm__ volatile("strb %w0, [%1]" ::"r"((uint32_t)value), "r"(address) : "memory");
}

static inline void write16(uint64_t address, uint16_t value) {
    __asm__ volatile("strh %w0, [%1]" ::"r"((uint32_t)value), "r"(address) : "memory");
}

static inline void write32(uint64_t address, uint32_t value) {
    __asm__ volatile("str %w0, [%1]" ::"rZ"(value), "r"(address) : "memory");
}

static inline void write64(uint64_t address, uint64_t value) {
    __asm__ volatile("str %x0, [%1]" ::"rZ"(value), "r"(address) : "memory");
}

static inline void barrier(void) { __asm__ volatile("dsb sy\n\tisb" ::: "memory"); }

enum { MACHINE_CPUS_MAX = 8 };

/** From the persona's device tree. */
struct machine {
    char name[32]; /* the persona's, from the command line's name= */
    uint64_t memory_base, memory_size;
    uint64_t serial;
    uint64_t distributor;
    uint64_t redistributors, redistributors_size; /* the first region */
    uint64_t channel;                             /* 0: none */
    uint64_t ecam, ecam_size;                     /* configuration space of all PCI functions; 0: none */
    uint64_t pci_window;                          /* where their registers can be put, below 4 GiB */
    uint32_t button;                              /* INTID of the flip button; 0: none */
    unsigned cpu_count;
    uint64_t cpus[MACHINE_CPUS_MAX]; /* affinity */
};

extern struct machine machine;

/** The last exception (start.S counts all). */
struct exception {
    uint64_t count;
    uint64_t syndrome; /* ESR_EL1 */
    uint64_t address;  /* FAR_EL1 */
    uint64_t others;   /* interrupts and system errors taken */
};

extern volatile struct exception exception;

/** Fills `machine`. @param tree the flattened device tree @return whether all that is needed was there */
bool machine_read_tree(const void *tree);

/**
 * Turns the MMU on. Every address from 0 to 512 GiB is mapped to itself, readable, writable and executable at EL1:
 * the first GiB and that of the PCI configuration space as device memory, the rest as normal memory.
 */
void machine_map(void);

/** Own views of foreign memory: maps 1 GiB of virtual addresses to the GiB that holds the address. */
enum machine_view { VIEW_DEVICE, VIEW_NORMAL, VIEW_UNCACHED };
/** @return the address's own virtual address in the view */
uint64_t machine_view(uint64_t address, enum machine_view view);
/** Has the translation table for some virtual address be read at `table`. @return that virtual address */
uint64_t machine_walk_through(uint64_t table);

/** @return the address of something in this image, as devices and the switcher see it */
static inline uint64_t address_of(const volatile void *object) { return (uint64_t)(uintptr_t)object; }

/** Waits. @param microseconds at least that long */
void machine_wait(uint64_t microseconds);

/** Cleans what is in the caches of the whole image to memory. */
void machine_clean(void);

/* In start.S, where the contract of each is. */
int64_t suspend_plain(void);
int64_t suspend_filled(uint64_t pattern, bool sve);
void call(uint64_t registers[18], bool smc);
void vectors_store_sve(void *to);
extern const char park[], hammer[], spin[], vectors[], image_base[], bss_end[];

/** What another CPU does: writes both values to a place in turn until it is stopped, then it is off again. */
struct hammering {
    uint64_t mair, tcr, ttbr, sctlr; /* filled by hammer_start() */
    uint64_t where;                  /* of 32 bits */
    uint64_t first, second;
    volatile uint64_t stop;
    volatile uint64_t count; /* how often both were written */
};
/** Starts the second CPU on it. @return whether it runs */
bool hammer_start(struct hammering *hammering);
/** Ends it, and waits until the CPU is off. */
void hammer_stop(struct hammering *hammering);

/** HVC as SMCCC has it. @return x0 */
int64_t psci(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);
enum {
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED = -3,
    PSCI_ALREADY_ON = -4,
    PSCI_INVALID_ADDRESS = -9,
};
#define PSCI_SYSTEM_OFF UINT32_C(0x84000008)
#define PSCI_SYSTEM_RESET UINT32_C(0x84000009)
#define PSCI_CPU_OFF UINT32_C(0x84000002)
#define PSCI_CPU_ON UINT32_C(0xc4000003)
#define PSCI_AFFINITY_INFO UINT32_C(0xc4000004)
#define PSCI_SYSTEM_SUSPEND UINT32_C(0xc400000e)
#define PSCI_SYSTEM_RESET2 UINT32_C(0xc4000012)
#define FUNCTION_64_BIT UINT32_C(0x40000000)

#endif
