// SPDX-License-Identifier: BSD-3-Clause
#include "attention.h"

#include "control.h"
#include "gic.h"
#include "pl061.h"
#include "virtio_keyboard.h"

enum {
    INTID_NONE = 0, /* an SGI: never one of the sources */

    /*
     * A press sooner after the last is the same wish, not another. A persona that is suspending already would keep it
     * and act on it at its return. An agent has as long to answer.
     */
    PRESS_AGAIN_MS = 2000,
};

static struct {
    uint32_t power_key_intid;
    uint32_t keyboard_intid;
    uint32_t timer_intid;
    uint32_t flip_button_intid;
    uint64_t timeout;     /* counter ticks */
    uint64_t press_again; /* counter ticks */
    enum attention_state state;
    uint64_t deadline;   /* counter, valid in state asked */
    uint64_t pressed_at; /* counter, when the flip button was last pressed, or the agent asked */
    bool agent_asked;    /* valid in state asked: the agent has not answered yet, and the button was not pressed */
    bool prewarm;        /* valid in state asked: the persona is being prepared, with nobody at work in it */
    unsigned target;     /* index of a persona, ATTENTION_NEXT */
} attention;

void attention_init(const struct handover *handover) {
    attention.power_key_intid = INTID_NONE;
    attention.keyboard_intid = INTID_NONE;
    attention.timer_intid = handover->hypervisor_timer_intid;
    attention.flip_button_intid = handover->flip_button_intid;
    attention.timeout = arch_counter_frequency() * handover->flip_timeout_ms / 1000;
    attention.press_again = arch_counter_frequency() * PRESS_AGAIN_MS / 1000;
    attention_clear();
    if (handover->power_key.base != 0) {
        pl061_init(&handover->power_key);
        attention.power_key_intid = handover->power_key.intid;
    }
    if (handover->keyboard.base != 0 && virtio_keyboard_init(&handover->keyboard))
        attention.keyboard_intid = handover->keyboard.intid;
}

/* The deadline can pass without its interrupt: the CPU whose timer it was may have been turned off. */
static bool asked_at(uint64_t now) {
    return attention.state == ATTENTION_ASKED && (now < attention.deadline || attention.prewarm);
}

static uint64_t agent_deadline(void) { return attention.pressed_at + attention.press_again; }

static void set_timer(void) {
    bool agent_first = attention.agent_asked && agent_deadline() < attention.deadline;
    arch_timer_set(agent_first ? agent_deadline() : attention.deadline);
}

/* The timer is that of the CPU that gets the switcher's interrupts: one that stays on while the persona suspends. */
static void start_timer(void) {
    unsigned cpu = gic_switcher_cpu();
    if (cpu == arch_cpu_index())
        set_timer();
    else
        gic_send_stop(cpu);
}

static void press_button(uint64_t now) {
    attention.pressed_at = now;
    attention.agent_asked = false;
    gic_pend(attention.flip_button_intid);
}

static enum attention_action ask(uint64_t now, unsigned target) {
    attention.state = ATTENTION_ASKED;
    attention.target = target;
    attention.deadline = now + attention.timeout;
    attention.pressed_at = now;
    attention.agent_asked = control_ask();
    if (!attention.agent_asked)
        press_button(now);
    start_timer();
    return ATTENTION_DO_ASK;
}

/* Each CPU has a timer of its own: one that was set for an earlier request, on another CPU than the last, means
 * nothing. */
static enum attention_action timer_interrupt(void) {
    arch_timer_stop();
    if (attention.state != ATTENTION_ASKED)
        return ATTENTION_DO_NOTHING;
    uint64_t now = arch_counter();
    if (now < attention.deadline) {
        if (attention.agent_asked && now >= agent_deadline())
            press_button(now);
        set_timer();
        return ATTENTION_DO_NOTHING;
    }
    attention.state = ATTENTION_UNANSWERED;
    attention.target = ATTENTION_NEXT;
    /* The user is told that the persona stays: a driver that is loaded later must not find the press and suspend. */
    gic_unpend(attention.flip_button_intid);
    return ATTENTION_DO_TIMEOUT;
}

static enum attention_action long_press(void) {
    if (attention.state == ATTENTION_IDLE)
        return ATTENTION_DO_REPORT;
    attention_clear();
    return ATTENTION_DO_CUT_OFF;
}

static enum attention_action short_press(void) {
    uint64_t now = arch_counter();
    if (!asked_at(now))
        return ask(now, ATTENTION_NEXT);
    /* The persona may have lost the last press, having nobody to act on it yet. */
    if (now - attention.pressed_at >= attention.press_again)
        press_button(now);
    return ATTENTION_DO_NOTHING;
}

enum attention_action attention_press(enum attention_press press) {
    if (attention.prewarm && press != ATTENTION_NONE)
        return ATTENTION_DO_CUT_OFF;
    switch (press) {
    case ATTENTION_SHORT:
        return short_press();
    case ATTENTION_LONG:
        return long_press();
    case ATTENTION_NONE:
        break;
    }
    return ATTENTION_DO_NOTHING;
}

enum attention_press attention_poll(uint32_t intid) {
    if (intid == INTID_NONE)
        return ATTENTION_NONE;
    if (intid == attention.power_key_intid)
        return pl061_interrupt();
    if (intid == attention.keyboard_intid)
        return virtio_keyboard_interrupt();
    if (intid == attention.timer_intid)
        arch_timer_stop();
    return ATTENTION_NONE;
}

enum attention_action attention_interrupt(uint32_t intid) {
    if (intid == attention.timer_intid)
        return timer_interrupt();
    return attention_press(attention_poll(intid));
}

void attention_cpu_changed(void) {
    if (attention.state == ATTENTION_ASKED)
        set_timer();
}

void attention_request(unsigned target) {
    if (!attention.prewarm)
        (void)ask(arch_counter(), target);
}

void attention_prewarm(unsigned target, uint64_t deadline) {
    attention.state = ATTENTION_ASKED;
    attention.prewarm = true;
    attention.target = target;
    attention.deadline = deadline;
    start_timer();
}

void attention_prewarmed(void) { (void)ask(arch_counter(), attention.target); }

bool attention_acknowledged(void) {
    if (!attention_flip_requested())
        return false;
    attention.agent_asked = false;
    return true;
}

bool attention_refused(void) {
    if (!attention_flip_requested())
        return false;
    if (attention.prewarm)
        return true;
    gic_unpend(attention.flip_button_intid);
    attention_clear();
    return true;
}

unsigned attention_target(void) { return attention.target; }

bool attention_flip_requested(void) { return asked_at(arch_counter()); }

void attention_clear(void) {
    attention.state = ATTENTION_IDLE;
    attention.target = ATTENTION_NEXT;
    attention.agent_asked = false;
    attention.prewarm = false;
    arch_timer_stop();
}
