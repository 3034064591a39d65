// SPDX-License-Identifier: BSD-3-Clause
#include "pl031.h"

#include "attention.h"
#include "console.h"
#include "flip.h"
#include "log.h"
#include "switcher.h"

/* Registers by their number, four bytes each. */
enum { RTCDR, RTCMR, RTCLR, RTCCR, RTCIMSC, RTCRIS, RTCMIS, RTCICR, REGISTERS, RTCPERIPHID0 = 0xfe0 / 4 };
enum { REGISTER_SIZE = 4, REGISTERS_SIZE = 0x1000 };

#define NO_ALARM UINT32_MAX

/* All times are of counters that begin again at 0 after 2^32 seconds: only their differences compare. */
static uint32_t looked_at; /* the real counter, when it was last seen whose alarm is due */

static const struct handover_clock *real_clock(void) { return &switcher.handover->clock; }

static uint32_t read_real(unsigned number) { return arch_read32(real_clock()->base + number * REGISTER_SIZE); }

static void write_real(unsigned number, uint32_t value) {
    arch_write32(real_clock()->base + number * REGISTER_SIZE, value);
}

static void deliver(unsigned index) {
    const struct handover_persona *persona = switcher.personas[index].description;
    if (index == switcher.running) {
        gic_pend(real_clock()->persona_intid);
        return;
    }
    gic_pend_suspended(&switcher.personas[index].gic, real_clock()->persona_intid);
    log_add(LOG_ALARM, index, 0, 0);
    console_print("flipside: an alarm of %s is due; flip to it to answer\n", persona->name);
    if (persona->alarm_flip != 0 && !attention_flip_requested())
        flip_ask(index);
}

/** Delivers every alarm that came due since it was last looked. @return the real counter */
static uint32_t look(void) {
    uint32_t now = read_real(RTCDR);
    if ((int32_t)(now - looked_at) < 0)
        looked_at = now; /* it was set back: nothing came due by that */
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
    uint64_t number = (address - real_clock()->base) / REGISTER_SIZE;
    uint32_t now = look();
    const uint32_t registers[REGISTERS] = {
        [RTCDR] = now + own->offset,
        [RTCMR] = own->match,
        [RTCLR] = own->load,
        [RTCCR] = 1,
        [RTCRIS] = own->raw,
        [RTCIMSC] = own->unmasked,
        [RTCMIS] = own->raw && own->unmasked,
    };
    log_count(COUNT_CLOCK, switcher.running);
    if (size != REGISTER_SIZE || (number >= REGISTERS && number < RTCPERIPHID0))
        return 0;
    return number < REGISTERS ? registers[number] : identification[number - RTCPERIPHID0];
}

static void set_register(struct pl031 *own, uint64_t number, uint32_t value, uint32_t now) {
    if (number == RTCMR)
        own->match = value;
    if (number == RTCLR) {
        own->load = value;
        own->offset = value - now;
    }
    if (number == RTCIMSC)
        own->unmasked = (value & 1) != 0;
    if (number == RTCICR && (value & 1) != 0)
        own->raw = false;
    if ((number == RTCMR || number == RTCLR) && own->match == now + own->offset)
        own->raw = true;
}

void pl031_write(uint64_t address, unsigned size, uint64_t value) {
    struct pl031 *own = &running_persona()->clock;
    uint64_t offset = address - real_clock()->base;
    log_count(COUNT_CLOCK, switcher.running);
    if (size != REGISTER_SIZE || offset % REGISTER_SIZE != 0)
        return;
    set_register(own, offset / REGISTER_SIZE, (uint32_t)value, look());
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
