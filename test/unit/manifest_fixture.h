// SPDX-License-Identifier: BSD-3-Clause
#ifndef MANIFEST_FIXTURE_H
#define MANIFEST_FIXTURE_H

/* An organisation with a root, a signing key that it named, and a manifest of two components. */

#include <stdlib.h>
#include <string.h>

#include "known_random.h"
#include "persona/manifest.h"

struct organisation {
    struct random_stream random_numbers;
    struct p256_private root;
    struct p256_private signing;
    struct p256_software root_software;
    struct p256_software signing_software;
    uint8_t delegation[DELEGATION_SIZE_MAX];
    size_t delegation_size;
};

static inline struct p256_signer organisation_root(struct organisation *organisation) {
    return p256_software_signer(&organisation->root_software);
}

static inline struct p256_signer organisation_signer(struct organisation *organisation) {
    return p256_software_signer(&organisation->signing_software);
}

static inline struct delegation_trust organisation_trust(const struct organisation *organisation) {
    return (struct delegation_trust){organisation->root.public_key, 0};
}

/** Must not be copied afterwards: it points into itself. */
static inline void organisation_make(struct organisation *organisation, unsigned seed) {
    struct delegation delegation = {.roles = DELEGATION_ROLE_MANIFEST, .depth = 0, .epoch = 3};
    organisation->random_numbers = known_random(seed);
    if (p256_generate(&organisation->root, &organisation->random_numbers) != P256_OK ||
        p256_generate(&organisation->signing, &organisation->random_numbers) != P256_OK)
        abort();
    organisation->root_software = (struct p256_software){&organisation->root, &organisation->random_numbers};
    organisation->signing_software = (struct p256_software){&organisation->signing, &organisation->random_numbers};
    delegation.key = organisation->signing.public_key;
    struct p256_signer root = organisation_root(organisation);
    if (delegation_write(&delegation, &root, organisation->delegation, sizeof(organisation->delegation),
                         &organisation->delegation_size) != COSE_OK)
        abort();
}

static inline struct manifest manifest_example(void) {
    struct manifest manifest = {
        .id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
        .name = "work",
        .title = "Work \xe2\x98\x95",
        .version = 7,
        .minimum_version = 5,
        .command_line = "console=ttyAMA0 quiet",
        .memory = {CONFIG_MEMORY_PERCENT, 60},
        .unlock = MANIFEST_UNLOCK_PIN,
        .flip_timeout_s = 20,
        .prewarm_s = 90,
        .alarm_flip = true,
        .board_count = 2,
        .boards = {"qemu-virt", "rpi4"},
        .component_count = 2,
        .components = {{MANIFEST_KERNEL, "kernel", 30000000, 60000000, {0xaa}, MANIFEST_AS_IT_IS, 0},
                       {MANIFEST_INITRD, "initrd", 20000000, 20000000, {0xbb}, MANIFEST_AS_IT_IS, 0}},
    };
    return manifest;
}

/** @return bytes of the manifest file */
static inline size_t organisation_sign(struct organisation *organisation, const struct manifest *manifest,
                                       const uint8_t *devices, uint8_t *file, size_t room) {
    struct p256_signer signer = organisation_signer(organisation);
    struct cbor_bytes chain = {organisation->delegation, organisation->delegation_size};
    size_t size = 0;
    if (manifest_write(manifest, devices, &chain, 1, &signer, file, room, &size) != MANIFEST_OK)
        abort();
    return size;
}

#endif
