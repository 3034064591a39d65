// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_CARD_H
#define USIM_CARD_H

/**
 * The card: commands in, responses out (TS 102 221, TS 31.102). It answers as over T=0: a command that both takes and
 * gives data ends with 61xx and GET RESPONSE brings the data; a wrong length expected gets 6Cxx.
 *
 * All of it is in struct usim_card; nothing is allocated. K and OPc lie there: whoever holds it keeps it where no
 * persona reads, and closes it. AUTHENTICATE, GET IDENTITY and whatever writes state use AES and so, where the CPU has
 * instructions for it, vector registers (aka.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usim/state.h"

enum {
    USIM_COMMAND_MAX = 261,  /* bytes: header, Lc, 255 bytes, Le */
    USIM_RESPONSE_MAX = 258, /* bytes: 256 and the status word */
    USIM_CHANNELS = 4,       /* the basic one and three more */
    USIM_ATR_MAX = 33,
};

/** Random numbers, for SUCI. */
struct usim_random {
    void *context;
    bool (*fill)(void *context, void *bytes, size_t size);
};

/** A logical channel (TS 102 221 8.7). */
struct usim_channel {
    bool open;
    bool usim_active; /* the application was selected and not ended */
    int directory;    /* numbers of files (files.h) */
    int file;         /* current EF; FILE_NONE */
    uint8_t record;   /* current one, from 1; 0: none */
};

struct usim_card {
    struct usim_profile profile;
    struct usim_store store;
    struct usim_state state;
    struct usim_random random;
    enum usim_access access; /* of whoever the card is powered for */
    bool powered;
    struct usim_channel channels[USIM_CHANNELS];
    bool verified[USIM_PINS];
    uint8_t pending[256]; /* for GET RESPONSE */
    size_t pending_size;  /* bytes */
    uint8_t pending_channel;
    size_t proactive; /* which proactive command waits; counts from 1, 0: none */
    bool fetched;     /* and was fetched, so that TERMINAL RESPONSE may come */
};

/**
 * Opens a card: reads its state, or begins it where a profile is new on this device.
 * @param card    with profile and store set as they were read (profile.h, state.h); closed by usim_card_close()
 * @param random  may be NULL: then there is no SUCI but in the null scheme
 * @param fresh   begin: for a profile that this device never had. Whoever says so for one that it had makes old
 *                challenges acceptable, so it is said once, when a profile is issued
 * @return USIM_OK, and all of usim_state_open() and usim_state_create(); USIM_BAD_VALUE
 */
__attribute__((warn_unused_result)) enum usim_error usim_card_open(struct usim_card *card,
                                                                   const struct usim_random *random, bool fresh);

/**
 * Prepares a card for a power-on of the device: whose state may have been put back since the last one, or whose profile
 * may be new. Afterwards the anchor is stored where it can't be put back, and then the card is opened, not fresh.
 * @param card   with profile and store set as for usim_card_open(); its state is written, and wiped by the caller
 * @param issue  number of the profile's issue to this device: each has a higher one than those before
 * @param anchor as it was stored for the last power-on, all zero for the first; becomes what is to be stored
 * @param begun  the state was begun: the profile is new on this device, or its storage forgets
 * @return USIM_OK, USIM_NO_STATE, USIM_OTHER_PROFILE, USIM_ROLLED_BACK, USIM_REPLACED, USIM_PIN_NOT_KEPT, USIM_STORAGE,
 *         USIM_FAILED, USIM_NO_ROOM, USIM_BAD_VALUE
 */
__attribute__((warn_unused_result)) enum usim_error usim_card_prepare(struct usim_card *card, uint64_t issue,
                                                                      struct usim_anchor *anchor, bool *begun);

/**
 * Writes the state and wipes the card.
 * @return USIM_OK, USIM_STORAGE, USIM_FAILED: then the next opening costs one resynchronisation
 */
__attribute__((warn_unused_result)) enum usim_error usim_card_close(struct usim_card *card);

/** What a command does to the storage. */
enum usim_effect {
    USIM_STORES_NOTHING,
    USIM_MAY_STORE, /* once in some hundreds: a challenge beyond the mark */
    USIM_STORES,    /* as often as it is sent */
};

/** @param command size bytes of anything */
enum usim_effect usim_card_effect(const uint8_t *command, size_t size);

/** Powers the card on, or resets it: sessions, channels and verified PINs are gone. @param access what is allowed */
void usim_card_power_on(struct usim_card *card, enum usim_access access);

/** Powers the card off: it answers nothing until it is powered on. */
void usim_card_power_off(struct usim_card *card);

/** Gives the answer to reset (TS 102 221 6.3). @param atr USIM_ATR_MAX bytes. @return its size */
size_t usim_card_atr(uint8_t *atr);

/**
 * Carries out a command.
 * @param command  size bytes of anything; more than USIM_COMMAND_MAX are answered with 6700
 * @param response USIM_RESPONSE_MAX bytes: data and the status word
 * @return bytes of the response, 2 at least; 0 when the card is off
 */
size_t usim_card_transmit(struct usim_card *card, const uint8_t *command, size_t size, uint8_t *response);

#endif
