// SPDX-License-Identifier: BSD-3-Clause
#include "pl061.h"

/* DDI 0190, 3.2: registers are a byte wide on a 32-bit bus. */
enum {
    GPIODATA = 0x000, /* bits 9:2 of the address select the pins */
    GPIODIR = 0x400,
    GPIOIS = 0x404,
    GPIOIBE = 0x408,
    GPIOIE = 0x410,
    GPIORIS = 0x414,
    GPIOIC = 0x41c,
    GPIOAFSEL = 0x420,
    ALL_PINS = 0xff,
};

enum {
    BOUNCE_MS = 5, /* nobody presses a key for less: the contacts of a long press bounce at its start */
};

static struct {
    uint64_t base;
    uint32_t pin; /* its mask */
    bool active_low;
    uint64_t bounce;     /* counter ticks */
    uint64_t long_press; /* counter ticks */
    bool pressed;        /* the line, when last looked at */
    bool ignored;        /* this press began before the switcher did */
    uint64_t pressed_at; /* counter */
} key;

static bool line_pressed(void) {
    bool high = (arch_read32(key.base + GPIODATA + ((uint64_t)key.pin << 2)) & key.pin) != 0;
    return high != key.active_low;
}

static void set_bits(uint32_t offset, uint32_t mask, bool value) {
    uint32_t bits = arch_read32(key.base + offset);
    arch_write32(key.base + offset, value ? bits | mask : bits & ~mask);
}

void pl061_init(const struct handover_power_key *power_key) {
    key.base = power_key->base;
    key.pin = 1u << power_key->pin;
    key.active_low = power_key->active_low != 0;
    key.bounce = arch_counter_frequency() * BOUNCE_MS / 1000;
    key.long_press = arch_counter_frequency() * power_key->long_press_ms / 1000;

    /* Masked while the sense is changed: that may look like an edge (DDI 0190, 2.3.2). */
    arch_write32(key.base + GPIOIE, 0);
    set_bits(GPIOAFSEL, key.pin, false);
    set_bits(GPIODIR, key.pin, false);
    set_bits(GPIOIS, key.pin, false);
    set_bits(GPIOIBE, key.pin, true);
    arch_write32(key.base + GPIOIC, ALL_PINS);
    /* Looked at after the old edges are forgotten, so that a later change is sure to interrupt. */
    arch_barrier();
    key.pressed = line_pressed();
    key.ignored = key.pressed;
    key.pressed_at = arch_counter();
    arch_write32(key.base + GPIOIE, key.pin);
}

static enum attention_press press_of(uint64_t held) {
    if (held < key.bounce)
        return ATTENTION_NONE;
    return held >= key.long_press ? ATTENTION_LONG : ATTENTION_SHORT;
}

enum attention_press pl061_interrupt(void) {
    uint64_t now = arch_counter();
    bool edge = (arch_read32(key.base + GPIORIS) & key.pin) != 0;
    if (edge)
        arch_write32(key.base + GPIOIC, key.pin);
    /* The line is read after the edge is forgotten: one that comes between is then seen twice rather than never. */
    arch_barrier();
    bool was_pressed = key.pressed;
    bool was_ignored = key.ignored;
    key.pressed = line_pressed();
    if (!was_pressed && key.pressed)
        key.pressed_at = now;
    if (!edge && was_pressed == key.pressed)
        return ATTENTION_NONE;
    if (!was_pressed)
        /* Up, an edge, and up again: a whole press went by while nobody looked. How long it was is not known, and a
         * long one can cut off. */
        return key.pressed ? ATTENTION_NONE : ATTENTION_SHORT;
    key.ignored = false;
    if (!key.pressed)
        return was_ignored ? ATTENTION_NONE : press_of(now - key.pressed_at);
    /* Down, an edge, and down again: let go and pressed anew. */
    key.pressed_at = now;
    return was_ignored ? ATTENTION_NONE : ATTENTION_SHORT;
}
