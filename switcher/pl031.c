// SPDX-License-Identifier: BSD-3-Clause
#include "pl031.h"

#include "attention.h"
#include "console.h"
#include "flip.h"
#include "log.h"
#include "switcher.h"

enum {
    RTCDR = 0x00,
    RTCMR = 0x04,
    RTCLR = 0x08,
    RTCCR = 0x0c,
    RTCIMSC = 0x10,
    RTCRIS = 0x14,
    RTCMIS = 0x18,
    RTCICR = 0x1c,
    RTCPERIPHID0 = 0xfe0,
    REGISTERS_SIZE = 0x1000,
    REGISTER_SIZE = 4,
};

#define NO_ALARM UINT32_MAX

/* All times are of counters that begin again at 0 after 2^32 seconds: only their differences compare. */
static uint32_t looked_at; /* the real counter, when it was last seen whose alarm is due */

static const struct handover_clock *real_clock(void) { return &switcher.handover->clock; }

static uint32_t read_real(uint32_t offset) { return arch_read32(real_clock()->base + offset); }

static void write_real(uint32_t offset, uint32_t value) { arch_write32(real_clock()->base + offset, value); }

static void tell_of_alarm(unsigned index) {
    const struct handover_persona *persona = switcher.personas[index].description;
    log_add(LOG_ALARM, index, 0, 0);
    console_print("flipside: an alarm of %s is due; press the flip key to go there\n", persona->name);
    if (persona->alarm_flip != 0 && !attention_flip_requested())
        flip_ask(index);
}

static void deliver(unsigned index) {
    if (index == switcher.running) {
        gic_pend(real_clock()->persona_intid);
        return;
    }
    gic_pend_suspended(&switcher.personas[index].gic, real_clock()->persona_intid);
    tell_of_alarm(index);
}

/** Delivers every alarm that came due since it was last looked. @return the real counter */
static uint32_t look(void) {
    uint32_t now = read_real(RTCDR);
    for (unsigned i = 0; i < switcher.handover->persona_count; i++) {
        struct pl031 *own = &switcher.personas[i].clock;
        uint32_t since_due = now - (own->match - own->offset);
        if (own->raw || since_due >= now - looked_at)
            continue;
        own->raw = true;
        if (own->unmasked)
            deliver(i);
    }
    looked_at = now;
    return now;
}

/** @return seconds after the next one from now until the first alarm of all */
static uint32_t next_alarm(uint32_t now) {
    uint32_t next = NO_ALARM;
    for (unsigned i = 0; i < switcher.handover->persona_count; i++) {
        const struct pl031 *own = &switcher.personas[i].clock;
        uint32_t left = own->match - own->offset - now - 1;
        if (own->unmasked && !own->raw && left < next)
            next = left;
    }
    return next;
}

/** The real clock compares for equality: should it tick meanwhile, the alarm could be behind it already. */
static void set_real_alarm(void) {
    uint32_t now;
    do {
        write_real(RTCICR, 1);
        now = look();
        uint32_t next = next_alarm(now);
        if (next != NO_ALARM)
            write_real(RTCMR, now + 1 + next);
        write_real(RTCIMSC, next != NO_ALARM);
    } while (read_real(RTCDR) != now);
}

void pl031_init(void) {
    if (real_clock()->base == 0)
        return;
    write_real(RTCCR, 1);
    looked_at = read_real(RTCDR);
    set_real_alarm();
}

bool pl031_holds(uint64_t address) { return real_clock()->base != 0 && address - real_clock()->base < REGISTERS_SIZE; }

uint64_t pl031_read(uint64_t address, unsigned size) {
    static const uint8_t identification[] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    const struct pl031 *own = &running_persona()->clock;
    uint32_t offset = (uint32_t)(address - real_clock()->base);
    uint32_t now = look();
    if (size != REGISTER_SIZE)
        return 0;
    switch (offset) {
    case RTCDR:
        return (uint32_t)(now + own->offset);
    case RTCMR:
        return own->match;
    case RTCLR:
        return own->load;
    case RTCCR:
        return 1;
    case RTCIMSC:
        return own->unmasked;
    case RTCRIS:
        return own->raw;
    case RTCMIS:
        return own->raw && own->unmasked;
    default:
        return offset >= RTCPERIPHID0 ? identification[(offset - RTCPERIPHID0) / REGISTER_SIZE] : 0;
    }
}

static void set_register(struct pl031 *own, uint32_t offset, uint32_t value, uint32_t now) {
    switch (offset) {
    case RTCMR:
        own->match = value;
        break;
    case RTCLR:
        own->load = value;
        own->offset = value - now;
        break;
    case RTCIMSC:
        own->unmasked = (value & 1) != 0;
        return;
    case RTCICR:
        own->raw = own->raw && (value & 1) == 0;
        return;
    default:
        return;
    }
    if (own->match == now + own->offset)
        own->raw = true;
}

void pl031_write(uint64_t address, unsigned size, uint64_t value) {
    struct pl031 *own = &running_persona()->clock;
    uint32_t now = look();
    if (size != REGISTER_SIZE)
        return;
    set_register(own, (uint32_t)(address - real_clock()->base), (uint32_t)value, now);
    if (own->raw && own->unmasked)
        gic_pend(real_clock()->persona_intid);
    else
        gic_unpend(real_clock()->persona_intid);
    set_real_alarm();
}

void pl031_interrupt(uint32_t intid) {
    if (real_clock()->base != 0 && intid == real_clock()->intid)
        set_real_alarm();
}

void pl031_reset(unsigned persona) {
    struct pl031 *own = &switcher.personas[persona].clock;
    *own = (struct pl031){.offset = own->offset, .load = own->load};
}
