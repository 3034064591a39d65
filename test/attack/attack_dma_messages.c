// SPDX-License-Identifier: BSD-3-Clause
/*
 * Interrupt messages: a device writes any 32 bits to any address at the end of a request. To memory that is not the
 * payload's, and to the registers of the interrupt controller, which the payload itself may only read. Arguments: the
 * switcher's INTIDs.
 */
#include "attack.h"
#include "disk.h"
#include "gic.h"
#include "machine.h"

#define DATA UINT32_C(0x0badc0de)

static volatile uint32_t own_word;

static bool send(uint64_t address, uint32_t data) {
    struct disk_request request = disk_request(false);
    request.message = true;
    virtio_pci_message(&disk, address, data);
    return disk_run(&request);
}

static void attack_place(uint64_t address, uint32_t data) {
    attack_try();
    (void)send(address & ~UINT64_C(3), data);
}

static bool control_works(void) {
    own_word = 0;
    bool done = send(address_of(&own_word), DATA);
    for (unsigned i = 0; i < 1000 && own_word == 0; i++)
        machine_wait(100);
    return done && own_word == DATA;
}

/* Disable, take the group, pend, lower the priority. */
static void attack_interrupt(uint32_t intid) {
    static const uint32_t banks[] = {GIC_ICENABLER, GIC_IGROUPR, GIC_ISPENDR, GIC_ICACTIVER};
    for (unsigned i = 0; i < sizeof(banks) / sizeof(banks[0]); i++) {
        uint64_t frame = gic_frame(intid), at = frame + banks[i] + intid / 32 * 4, bit = intid % 32;
        uint32_t enable = read32(frame + GIC_ISENABLER + intid / 32 * 4) >> bit & 1;
        uint32_t group = read32(frame + GIC_IGROUPR + intid / 32 * 4) >> bit & 1;
        attack_place(at, UINT32_C(1) << bit);
        machine_wait(1000);
        if (enable != (read32(frame + GIC_ISENABLER + intid / 32 * 4) >> bit & 1) ||
            group != (read32(frame + GIC_IGROUPR + intid / 32 * 4) >> bit & 1))
            attack_broken("INTID %u: a device wrote 0x%lx", intid, at);
    }
    attack_place(machine.distributor + GICD_CTLR, 0);
    attack_place(machine.distributor + GICD_SETSPI_NSR, intid);
}

static void attack(const struct attack_arguments *arguments) {
    if (!disk_open() || disk.messages == 0) {
        attack_broken("there is no disk with interrupt messages");
        return;
    }
    if (!control_works())
        attack_broken("the control does not work: no message in own memory");
    uint32_t control = read32(machine.distributor + GICD_CTLR);
    for (unsigned i = 0; i < arguments->count; i++)
        attack_interrupt((uint32_t)arguments->values[i]);
    if (read32(machine.distributor + GICD_CTLR) != control)
        attack_broken("GICD_CTLR is 0x%x", read32(machine.distributor + GICD_CTLR));
    for (unsigned i = 0; i < attack_target_count; i++) {
        attack_place(attack_targets[i].first, DATA);
        attack_place(attack_targets[i].last, DATA);
    }
    if (!control_works())
        attack_broken("the disk does not work any more");
    virtio_pci_close(&disk);
}

ATTACK(dma_messages, "dma-messages", attack, "INTID... (and at all targets)");
