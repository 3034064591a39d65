// SPDX-License-Identifier: BSD-3-Clause
#include "usim/port.h"

#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "kdf.h"

enum usim_error usim_port_open(struct usim_port *port, struct usim_card *card, const struct usim_port_setup *setup) {
    const struct usim_random random = {&port->seed, usim_random_of_seed};
    card->store.storage = setup->storage;
    memcpy(card->store.key, setup->key, sizeof(card->store.key));
    memcpy(port->seed.seed, setup->seed, sizeof(port->seed.seed));
    enum usim_error error = usim_profile_read(&card->profile, setup->profile, setup->profile_size);
    if (error == USIM_OK)
        error = usim_card_open(card, &random, false);
    if (error != USIM_OK) {
        crypto_wipe(card, sizeof(*card));
        return error;
    }
    usim_state_make_room(&card->store, &card->state);
    port->card = card;
    return error;
}

/* Where this fails, or is cut, the next power-on costs one resynchronisation, as after any unclean stop. */
void usim_port_close(struct usim_port *port) {
    bool written = port->card != NULL && usim_card_close(port->card) == USIM_OK;
    (void)written;
    crypto_wipe(port, sizeof(*port));
}

void usim_port_off(struct usim_port *port) {
    if (port->card != NULL)
        usim_card_power_off(port->card);
}

/* @return bytes behind the status, which is in answer[0] */
static size_t order(struct usim_port *port, const struct usim_port_user *user, uint8_t what, uint8_t *answer) {
    switch (what) {
    case USIM_PORT_OFF:
        usim_port_off(port);
        return 0;
    case USIM_PORT_ON:
    case USIM_PORT_RESET:
        usim_card_power_on(port->card, user->access);
        port->session = user->session;
        return usim_card_atr(answer + 1);
    case USIM_PORT_ATR:
        if (port->card->powered)
            return usim_card_atr(answer + 1);
        answer[0] = USIM_PORT_IS_OFF;
        return 0;
    default:
        answer[0] = USIM_PORT_BAD_FRAME;
        return 0;
    }
}

enum { WRITES_OF_ONE = 2, BUSY = 0x93 };

static void give_back(struct usim_port_wear *wear, uint64_t now) {
    uint64_t writes = (now - wear->given_at) / USIM_PORT_WRITE_S;
    wear->used -= writes < wear->used ? writes : wear->used;
    wear->given_at += writes * USIM_PORT_WRITE_S;
}

static size_t transmit(struct usim_port *port, const struct usim_port_user *user, const uint8_t *message, size_t size,
                       uint8_t *answer) {
    struct usim_card *card = port->card;
    uint64_t before = card->state.number;
    enum usim_effect effect = card->powered ? usim_card_effect(message, size) : USIM_STORES_NOTHING;
    give_back(user->wear, user->now);
    if (effect == USIM_STORES && user->wear->used > USIM_PORT_WRITES - WRITES_OF_ONE) {
        answer[1] = BUSY;
        answer[2] = 0;
        return 2;
    }
    if (effect != USIM_STORES_NOTHING && !usim_state_rests(&card->store)) {
        answer[0] = USIM_PORT_BUSY;
        return 0;
    }
    size_t count = usim_card_transmit(card, message, size, answer + 1);
    if (card->state.number != before)
        usim_state_make_room(&card->store, &card->state);
    user->wear->used += card->state.number - before;
    if (count == 0)
        answer[0] = USIM_PORT_IS_OFF;
    return count;
}

size_t usim_port_answer(struct usim_port *port, const struct usim_port_user *user, const uint8_t *message, size_t size,
                        uint8_t *answer) {
    answer[0] = USIM_PORT_OK;
    if (port->session != user->session)
        usim_port_off(port);
    if (port->card == NULL || !user->allowed)
        answer[0] = USIM_PORT_REFUSED;
    else if (message == NULL || size == 0)
        answer[0] = USIM_PORT_BAD_FRAME;
    else
        return 1 + (size == 1 ? order(port, user, message[0], answer) : transmit(port, user, message, size, answer));
    return 1;
}

bool usim_random_of_seed(void *context, void *bytes, size_t size) {
    struct usim_seed *seed = context;
    uint8_t piece[DIGEST_SIZE];
    bool good = true;
    for (size_t done = 0; done < size; done += sizeof(piece)) {
        const struct kdf_piece number = {&seed->count, sizeof(seed->count)};
        good &= kdf_hmac(seed->seed, sizeof(seed->seed), &number, 1, piece);
        seed->count++;
        memcpy((uint8_t *)bytes + done, piece, size - done < sizeof(piece) ? size - done : sizeof(piece));
    }
    crypto_wipe(piece, sizeof(piece));
    return good;
}
