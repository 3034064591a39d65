// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes, and altered genuine files, as a manifest: the genuine one is accepted and no other. */
#include "persona/manifest.h"

#include "manifest_fixture.h"
#include "patched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct organisation organisation;
static uint8_t genuine[2048];
static size_t genuine_size;

static void prepare(void) {
    struct manifest example = manifest_example();
    if (genuine_size != 0)
        return;
    organisation_make(&organisation, 12);
    genuine_size = organisation_sign(&organisation, &example, NULL, genuine, sizeof(genuine));
}

static void try_file(const uint8_t *data, size_t size) {
    static const struct manifest nothing;
    struct delegation_trust trust = organisation_trust(&organisation);
    struct manifest manifest;
    bool is_genuine = size == genuine_size && memcmp(data, genuine, size) == 0;
    struct manifest_fault fault = manifest_open(&manifest, &trust, data, size);
    if ((fault.error == MANIFEST_OK) != is_genuine)
        abort();
    if (!is_genuine && memcmp(&manifest, &nothing, sizeof(nothing)) != 0)
        abort();
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
