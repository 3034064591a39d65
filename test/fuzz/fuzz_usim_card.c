// SPDX-License-Identifier: BSD-3-Clause
/* Any commands, one after the other, each with a byte of its length before it: every one is answered with a status
 * word, and what the card keeps stays in its bounds. */
#include <stdlib.h>
#include <string.h>

#include "usim/card.h"
#include "usim_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition)
        abort();
}

static void check(const struct usim_card *card) {
    for (size_t i = 0; i < USIM_PINS; i++)
        require(card->state.pins[i].tries <= USIM_PIN_TRIES && card->state.pins[i].puk_tries <= USIM_PUK_TRIES);
    for (size_t i = 0; i < AKA_INDS; i++)
        require(card->state.array.seq[i] <= card->state.mark);
    require(card->pending_size <= sizeof(card->pending) && card->channels[0].open);
    require(!card->store.failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct usim_fixture start, fixture;
    static bool ready;
    if (!ready) {
        usim_fixture_open(&start, NULL);
        usim_begin(&start.card);
        ready = true;
    }
    fixture = start;
    fixture.card.store.storage = usim_memory_storage(&fixture.memory);
    while (size > 1) {
        uint8_t response[USIM_RESPONSE_MAX];
        size_t length = data[0] < size - 1 ? data[0] : size - 1;
        size_t got = usim_card_transmit(&fixture.card, data + 1, length, response);
        require(got >= 2 && got <= USIM_RESPONSE_MAX);
        require((response[got - 2] & 0xf0) == 0x60 || (response[got - 2] & 0xf0) == 0x90);
        check(&fixture.card);
        data += 1 + length;
        size -= 1 + length;
    }
    return 0;
}
