// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes, and altered genuine files, as a grant: the genuine one is accepted and no other. */
#include "persona/grant.h"

#include "known_random.h"
#include "padded.h"
#include "patched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct random_stream random_numbers;
static struct p256_private root;
static struct p256_software software = {&root, &random_numbers};
static struct delegation_trust trust;
static uint8_t genuine[GRANT_SIZE_MAX];
static size_t genuine_size;

static void prepare(void) {
    static const uint8_t persona_key[KEYS_SIZE] = {1};
    struct grant grant = {.kind = GRANT_RECOVERY, .id = {2}, .number = 5, .unlock = MANIFEST_UNLOCK_PIN};
    struct p256_private device;
    if (genuine_size != 0)
        return;
    random_numbers = known_random(60);
    require(p256_generate(&root, &random_numbers) == P256_OK && p256_generate(&device, &random_numbers) == P256_OK);
    const struct grant_target target = {.device = &device.public_key,
                                        .escrow = &root.public_key,
                                        .code = "0000000000000000",
                                        .cost = {PIN_MEMORY_MIN, 1}};
    struct p256_signer signer = p256_software_signer(&software);
    trust = (struct delegation_trust){root.public_key, 0};
    require(grant_seal(&grant, persona_key, &target, &random_numbers) == GRANT_OK);
    require(grant_write(&grant, NULL, 0, &signer, genuine, sizeof(genuine), &genuine_size) == GRANT_OK);
}

static void try_file(const uint8_t *data, size_t size) {
    static const struct grant nothing;
    struct grant grant;
    bool is_genuine = is_padded(data, size, genuine, genuine_size);
    struct grant_fault fault = grant_open(&grant, &trust, data, size);
    require((fault.error == GRANT_OK) == (is_genuine && size <= GRANT_SIZE_MAX));
    require(fault.error == GRANT_OK || memcmp(&grant, &nothing, sizeof(nothing)) == 0);
    if (grant_read(&grant, data, size) == GRANT_OK)
        require(grant.number > 0 && grant.device_slot.type == SLOT_DEVICE && grant.escrow_slot.type == SLOT_ESCROW &&
                (!grant.activation || (grant.unlock == MANIFEST_UNLOCK_PIN && pin_cost_is_good(grant.cost))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t file[sizeof(genuine)];
    prepare();
    try_file(data, size);
    memcpy(file, genuine, genuine_size);
    patched(file, genuine_size, data, size);
    try_file(file, genuine_size);
    return 0;
}
