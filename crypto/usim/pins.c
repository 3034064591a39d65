// SPDX-License-Identifier: BSD-3-Clause
// VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN (TS 102 221 11.1.9 to 11.1.13). A try is counted and stored before it
// is looked at, so that a power cut gives none back.
#include <string.h>

#include "command.h"
#include "crypto/digest.h"
#include "taint.h"

enum { KEY_PIN1 = 0x01, KEY_PIN2 = 0x81, NO_PIN = -1 };

static int pin_of(const struct command *command) {
    if (command->p2 == KEY_PIN1)
        return 0;
    return command->p2 == KEY_PIN2 ? 1 : NO_PIN;
}

/* Counts a try, compares, and takes the count back when it was right. @return SW_OK, 63Cx, SW_MEMORY */
static unsigned attempt(struct usim_card *card, uint8_t *tries, uint8_t most, const uint8_t *secret,
                        const uint8_t *given) {
    (*tries)--;
    unsigned sw = card_save(card);
    if (sw != SW_OK)
        return sw;
    bool right = crypto_equal(secret, given, USIM_PIN_SIZE);
    USIM_PUBLIC(&right, sizeof(right));
    if (!right)
        return SW_TRIES | *tries;
    *tries = most;
    return SW_OK;
}

static unsigned attempt_pin(struct usim_card *card, int number, const uint8_t *given) {
    struct usim_pin *pin = &card->state.pins[number];
    if (pin->tries == 0)
        return SW_BLOCKED;
    unsigned sw = attempt(card, &pin->tries, USIM_PIN_TRIES, pin->value, given);
    if (sw != SW_OK)
        card->verified[number] = false;
    return sw;
}

/* What all but UNBLOCK begin with. */
static unsigned check(const struct usim_card *card, const struct command *command, size_t size, bool enabled) {
    int number = pin_of(command);
    if (command->p1 != 0)
        return SW_PARAMETERS;
    if (number == NO_PIN)
        return SW_REFERENCE;
    if (command->size != size)
        return SW_LENGTH;
    if (card->access == USIM_READ_ONLY && command->ins != 0x20)
        return SW_SECURITY;
    if (card->state.pins[number].tries == 0)
        return SW_BLOCKED;
    if (card->state.pins[number].enabled != enabled)
        return enabled ? SW_INVALIDATED : SW_CONDITIONS;
    return SW_OK;
}

/* Asks how many tries are left: without data, or as T=0 has it, with none expected (11.1.9.1.1). */
static bool asks(const struct command *command) {
    return command->size == 0 && (command->expected == 0 || command->expected == 256);
}

unsigned card_verify(struct usim_card *card, const struct command *command, struct reply *reply) {
    int number = pin_of(command);
    (void)reply;
    if (command->p1 == 0 && number != NO_PIN && asks(command))
        return SW_TRIES | card->state.pins[number].tries;
    unsigned sw = check(card, command, USIM_PIN_SIZE, true);
    if (sw == SW_OK)
        sw = attempt_pin(card, number, command->data);
    if (sw == SW_OK)
        sw = card_save(card);
    card->verified[number == NO_PIN ? 0 : number] |= sw == SW_OK;
    return sw;
}

unsigned card_change(struct usim_card *card, const struct command *command, struct reply *reply) {
    int number = pin_of(command);
    (void)reply;
    unsigned sw = check(card, command, 2 * USIM_PIN_SIZE, true);
    if (sw != SW_OK)
        return sw;
    if (!usim_pin_is_coded(command->data + USIM_PIN_SIZE, false))
        return SW_WRONG_DATA;
    sw = attempt_pin(card, number, command->data);
    if (sw != SW_OK)
        return sw;
    memcpy(card->state.pins[number].value, command->data + USIM_PIN_SIZE, USIM_PIN_SIZE);
    sw = card_save(card);
    card->verified[number] |= sw == SW_OK;
    return sw;
}

/* PIN2 can't be disabled on this card. */
static unsigned set_enabled(struct usim_card *card, const struct command *command, bool enabled) {
    int number = pin_of(command);
    unsigned sw = check(card, command, USIM_PIN_SIZE, !enabled);
    if (sw != SW_OK)
        return sw;
    if (number != 0)
        return SW_REFERENCE;
    sw = attempt_pin(card, number, command->data);
    if (sw != SW_OK)
        return sw;
    card->state.pins[number].enabled = enabled;
    sw = card_save(card);
    card->verified[number] |= sw == SW_OK;
    return sw;
}

unsigned card_disable(struct usim_card *card, const struct command *command, struct reply *reply) {
    (void)reply;
    return set_enabled(card, command, false);
}

unsigned card_enable(struct usim_card *card, const struct command *command, struct reply *reply) {
    (void)reply;
    return set_enabled(card, command, true);
}

static unsigned unblock(struct usim_card *card, int number, const uint8_t *puk, const uint8_t *value) {
    struct usim_pin *pin = &card->state.pins[number];
    unsigned sw = attempt(card, &pin->puk_tries, USIM_PUK_TRIES, pin->puk, puk);
    if (sw != SW_OK)
        return sw;
    memcpy(pin->value, value, USIM_PIN_SIZE);
    pin->tries = USIM_PIN_TRIES;
    pin->enabled = true;
    sw = card_save(card);
    card->verified[number] = sw == SW_OK;
    return sw;
}

unsigned card_unblock(struct usim_card *card, const struct command *command, struct reply *reply) {
    int number = pin_of(command);
    (void)reply;
    if (command->p1 != 0)
        return SW_PARAMETERS;
    if (number == NO_PIN)
        return SW_REFERENCE;
    if (asks(command))
        return SW_TRIES | card->state.pins[number].puk_tries;
    if (command->size != (size_t)2 * USIM_PIN_SIZE)
        return SW_LENGTH;
    if (card->access == USIM_READ_ONLY)
        return SW_SECURITY;
    if (card->state.pins[number].puk_tries == 0)
        return SW_BLOCKED;
    if (!usim_pin_is_coded(command->data + USIM_PIN_SIZE, false))
        return SW_WRONG_DATA;
    return unblock(card, number, command->data, command->data + USIM_PIN_SIZE);
}
