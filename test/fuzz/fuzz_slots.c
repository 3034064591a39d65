// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes, and altered genuine files, as key slots: what is read is written again as the same bytes, and only the
 * genuine file is authentic. */
#include "persona/slots.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "known_random.h"
#include "patched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t persona_key[KEYS_SIZE] = {1}, id[KEYS_ID_SIZE] = {2};
static uint8_t genuine[SLOTS_FILE_MAX];
static size_t genuine_size;

static void require(bool condition) {
    if (!condition)
        abort();
}

static void prepare(void) {
    static struct slots slots;
    struct random_stream random_numbers = known_random(40);
    const struct slots_binding binding = {id, sizeof(id), persona_key};
    struct p256_private key;
    if (genuine_size != 0)
        return;
    slots_begin(&slots, id);
    require(p256_generate(&key, &random_numbers) == P256_OK);
    require(slots_add_pin(&slots, persona_key, "1", 1, (struct pin_cost){8, 1}, &binding, &random_numbers) == SLOTS_OK);
    require(slots_add_sealed(&slots, SLOT_ESCROW, persona_key, &key.public_key, &random_numbers) == SLOTS_OK);
    require(slots_write(&slots, persona_key, genuine, sizeof(genuine), &genuine_size) == SLOTS_OK);
}

static void try_file(const uint8_t *data, size_t size) {
    static struct slots slots;
    static uint8_t again[SLOTS_FILE_MAX];
    size_t again_size = 0;
    enum slots_error error = slots_read(&slots, NULL, data, size);
    require(error == SLOTS_OK || error == SLOTS_MALFORMED);
    if (error != SLOTS_OK)
        return;
    bool is_genuine = size >= genuine_size && memcmp(data, genuine, genuine_size) == 0;
    require((slots_check(&slots, persona_key, data, size) == SLOTS_OK) == is_genuine);
    slots.generation--;
    require(slots_write(&slots, persona_key, again, sizeof(again), &again_size) == SLOTS_OK);
    require(again_size <= size && memcmp(again, data, again_size - DIGEST_SIZE) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t file[SLOTS_FILE_MAX];
    prepare();
    try_file(data, size);
    memcpy(file, genuine, genuine_size);
    patched(file, genuine_size, data, size);
    try_file(file, genuine_size);
    return 0;
}
