// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes, and an altered genuine profile: what is read is a profile that is written the same, and a card opens with
 * it or says why not. */
#include <stdlib.h>
#include <string.h>

#include "patched.h"
#include "usim/card.h"
#include "usim_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition)
        abort();
}

static void try_profile(const uint8_t *data, size_t size) {
    static struct usim_card card;
    static struct usim_memory memory;
    uint8_t written[USIM_PROFILE_MAX], response[USIM_RESPONSE_MAX];
    const uint8_t select[] = {0x00, 0xa4, 0x04, 0x0c, 5, 0xa0, 0x00, 0x00, 0x00, 0x87};
    size_t written_size = 0;
    memset(&card, 0, sizeof(card));
    memory = (struct usim_memory){.allowed = UINT32_MAX};
    if (size > USIM_PROFILE_MAX || usim_profile_read(&card.profile, data, size) != USIM_OK)
        return;
    require(usim_profile_write(&card.profile, written, sizeof(written), &written_size) == USIM_OK);
    require(written_size == size && memcmp(written, data, size) == 0);
    card.store.storage = usim_memory_storage(&memory);
    enum usim_error error = usim_card_open(&card, NULL, true);
    require(error == USIM_OK || error == USIM_BAD_VALUE);
    if (error != USIM_OK)
        return;
    usim_card_power_on(&card, USIM_AUTHENTICATE);
    require(usim_card_transmit(&card, select, sizeof(select), response) == 2 && response[0] == 0x90);
    require(usim_card_close(&card) == USIM_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct usim_fixture fixture;
    uint8_t altered[USIM_PROFILE_MAX];
    if (fixture.encoded_size == 0)
        usim_fixture_open(&fixture, NULL);
    try_profile(data, size);
    memcpy(altered, fixture.encoded, fixture.encoded_size);
    patched(altered, fixture.encoded_size, data, size);
    try_profile(altered, fixture.encoded_size);
    return 0;
}
