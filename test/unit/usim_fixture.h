// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_FIXTURE_H
#define USIM_FIXTURE_H

/* A card in memory, with a storage that can be looked into, and a network that makes its challenges. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usim/card.h"

struct usim_memory {
    uint8_t copies[USIM_COPIES][USIM_RECORD_SIZE];
    unsigned writes;  /* so far, and of the anchor */
    unsigned allowed; /* of them; the next one is cut */
    bool torn;        /* a write that is cut leaves half of it */
};

struct usim_fixture {
    struct usim_card card;
    struct usim_anchor anchor; /* what the device remembers elsewhere */
    uint64_t issue;
    bool alone;   /* it does not: the card is opened, and not prepared before */
    bool forgets; /* the storage does, at each power-on */
    struct usim_memory memory;
    const struct usim_storage *storage; /* another one than memory; NULL: none */
    uint8_t encoded[USIM_PROFILE_MAX];
    size_t encoded_size;
};

/* A Milenage profile of TS 35.208's set 1 with all services that the card has, PIN1 1234 enabled. */
void usim_profile_known(struct usim_profile *profile);

struct usim_storage usim_memory_storage(struct usim_memory *memory);

/* A new card of that profile, which `change` may alter before; powered on. */
void usim_fixture_open(struct usim_fixture *fixture, void (*change)(struct usim_profile *profile));

/* The next power-on, as after a power cut: the loader prepares the card and stores the anchor, the switcher opens it.
 */
enum usim_error usim_fixture_restart(struct usim_fixture *fixture);

/* Begins the card anew where nothing else is remembered, as `flipside usim serve` does. */
enum usim_error usim_fixture_leave(struct usim_fixture *fixture);

/* Changes the profile for the next power-on; the issue is the same. */
void usim_fixture_change(struct usim_fixture *fixture, void (*change)(struct usim_profile *profile));

/* A challenge with this sequence number, and the AMF 8000. */
void usim_network_challenge(const struct aka_secret *secret, const uint8_t *rand, uint64_t sqn, uint8_t *autn);

/* Carries a command out, with GET RESPONSE where that is asked for. @return the last status word; data in response */
unsigned usim_exchange(struct usim_card *card, const uint8_t *command, size_t size, uint8_t *response,
                       size_t *response_size);

/* The same of a command in hexadecimal digits. */
unsigned usim_exchange_hex(struct usim_card *card, const char *command, uint8_t *response, size_t *response_size);

/* Selects the USIM and verifies PIN1. */
void usim_begin(struct usim_card *card);

/* AUTHENTICATE in the 3G context. */
unsigned usim_authenticate(struct usim_card *card, const uint8_t *rand, const uint8_t *autn, uint8_t *response,
                           size_t *response_size);

#endif
