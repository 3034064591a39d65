// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_PORT_H
#define USIM_PORT_H

/**
 * The port flipside.usim: frames from a persona to the card, and from the card to it. One card for all of them, one
 * session at a time.
 *
 * Each message is answered by one. A message of one byte is an order to the reader; any other is a command APDU. An
 * answer is one byte, enum usim_port_status, then the ATR or the response APDU where there is one.
 */

#include "usim/card.h"

enum usim_port_order {
    USIM_PORT_OFF = 0,
    USIM_PORT_ON = 1, /* answered with the ATR */
    USIM_PORT_RESET = 2,
    USIM_PORT_ATR = 4, /* answered with the ATR while the card is on; changes nothing */
};

/** The values are the protocol's. */
enum usim_port_status {
    USIM_PORT_OK = 0,
    USIM_PORT_IS_OFF = 1,    /* never turned on, or the persona was suspended since */
    USIM_PORT_REFUSED = 2,   /* the card is not for this persona, or did not open */
    USIM_PORT_BAD_FRAME = 3, /* no order, no APDU */
    USIM_PORT_BUSY = 4,      /* nothing was done: the flash is being erased, seconds at most; ask again in a moment */
};

enum { USIM_PORT_ANSWER_MAX = 1 + USIM_RESPONSE_MAX /* bytes */ };

/** Random numbers where nothing makes them: from a seed that is new at each start. */
struct usim_seed {
    uint8_t seed[32];
    uint64_t count; /* of pieces that were made of it */
};

/** Whom the card is powered for. All of it is the port's own. */
struct usim_port {
    struct usim_card *card; /* NULL: none, everything is refused */
    uint64_t session;
    struct usim_seed seed;
};

/**
 * What one user may do to the flash, which a hundred thousand erasures wear out: so many writes at once, then one each
 * few seconds, which no terminal needs and at which a persona that does nothing else takes years. All zero at the
 * start.
 */
struct usim_port_wear {
    uint64_t used;     /* writes that time has not given back yet */
    uint64_t given_at; /* seconds: up to when it has */
};

enum {
    USIM_PORT_WRITES = 1024, /* at once: VERIFY takes two, UPDATE one, AUTHENTICATE one in some hundreds, GBA one */
    USIM_PORT_WRITE_S = 8,   /* seconds until one is given back */
};

/** What a port is opened with: all of it is from whoever had usim_card_prepare() prepare the card. */
struct usim_port_setup {
    const uint8_t *profile; /* profile_size bytes, which stay */
    size_t profile_size;
    const uint8_t *key;  /* of the state, SEAL_KEY_SIZE bytes */
    const uint8_t *seed; /* 32 bytes, new at each start */
    struct usim_storage storage;
};

/**
 * Opens the card of a port.
 * @param port all zero; refuses everything on failure
 * @return USIM_OK, and all of usim_profile_read() and usim_state_open()
 */
__attribute__((warn_unused_result)) enum usim_error usim_port_open(struct usim_port *port, struct usim_card *card,
                                                                   const struct usim_port_setup *setup);

/** Ends a port, when the device goes off: the card's state is written, so that the next power-on loses nothing. */
void usim_port_close(struct usim_port *port);

/** Who sends a message. */
struct usim_port_user {
    bool allowed;
    enum usim_access access; /* if allowed */
    uint64_t session;        /* another one for each persona, and for each time that it runs */
    struct usim_port_wear *wear;
    uint64_t now; /* seconds since some time in the past */
};

/**
 * Answers a message. A card that is on for another session is turned off first: nothing of what was selected or
 * verified in that one is left. A command that would write gets 9300, busy (TS 102 221 10.2.1.2), where its user has
 * written too much; AUTHENTICATE goes on, since only the network makes it write. Neither waits for the flash:
 * USIM_PORT_BUSY.
 * @param message size bytes; NULL: one that was not framed as it must be
 * @param answer  USIM_PORT_ANSWER_MAX bytes
 * @return bytes of the answer, 1 at least
 */
size_t usim_port_answer(struct usim_port *port, const struct usim_port_user *user, const uint8_t *message, size_t size,
                        uint8_t *answer);

/** Turns the card off, whoever uses it. */
void usim_port_off(struct usim_port *port);

/** Makes random numbers; for struct usim_random. @param context a struct usim_seed @return false: the library failed */
__attribute__((warn_unused_result)) bool usim_random_of_seed(void *context, void *bytes, size_t size);

#endif
