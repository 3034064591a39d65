// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes, and altered genuine files, as an organisation's file: the genuine one is accepted and no other. */
#include "persona/organisation.h"

#include "known_random.h"
#include "padded.h"
#include "patched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t genuine[ORGANISATION_SIZE_MAX];
static size_t genuine_size;

static void prepare(void) {
    const struct organisation organisation = {.name = "Acme Ltd", .epoch = 3};
    struct random_stream random_numbers = known_random(61);
    struct p256_private root;
    struct p256_software software = {&root, &random_numbers};
    if (genuine_size != 0)
        return;
    require(p256_generate(&root, &random_numbers) == P256_OK);
    struct p256_signer signer = p256_software_signer(&software);
    require(organisation_write(&organisation, &signer, genuine, sizeof(genuine), &genuine_size) == COSE_OK);
}

static void try_file(const uint8_t *data, size_t size) {
    static const struct organisation nothing;
    struct organisation organisation;
    bool is_genuine = is_padded(data, size, genuine, genuine_size);
    enum organisation_error error = organisation_read(&organisation, data, size);
    require((error == ORGANISATION_OK) == is_genuine);
    require(is_genuine || memcmp(&organisation, &nothing, sizeof(nothing)) == 0);
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
