// SPDX-License-Identifier: BSD-3-Clause
#ifndef VAULT_WORLD_H
#define VAULT_WORLD_H

/* An organisation, a disk and a device of its, as the tests of the vault need them. */

#include "persona/vault.h"
#include "vault_disk.h"

enum { WORLD_KERNEL_SIZE = 5000 }; /* bytes of the plain component */

#define WORLD_BOARD "qemu-virt"

struct world {
    struct random_stream random;
    struct p256_private root, signing, manifest_only, escrow;
    struct p256_software root_software, signing_software, manifest_software, escrow_software;
    struct p256_signer signer; /* signing: all roles */
    uint8_t delegation[DELEGATION_SIZE_MAX];
    size_t delegation_size;
    uint8_t manifest_delegation[DELEGATION_SIZE_MAX];
    size_t manifest_delegation_size;
    const char *code; /* activation code, 16 symbols, of the grants that are made from now on; NULL: none */
};

/* A persona that the organisation has. */
struct world_persona {
    const char *name;
    uint8_t id[KEYS_ID_SIZE];
    enum manifest_unlock unlock;
    uint8_t key[KEYS_SIZE];
    uint8_t content_key[STREAM_KEY_SIZE];
};

/* Which version, and where it goes. */
struct world_version {
    uint64_t version;
    uint64_t minimum;
    char folder; /* a, b */
};

extern const struct world_persona world_work, world_home; /* with a PIN; the device alone */

/* Makes an organisation. Must not be copied. @param seed other keys for another one */
void world_make(struct world *world, unsigned seed);

/* Puts the organisation's file on a disk. */
void world_install(struct world *world, struct disk *disk, uint64_t epoch);

/* @return what the device's request says */
struct enrolment world_request(struct disk *disk);

/* Puts a version's files on a disk, for a device. */
void world_deliver(struct world *world, struct disk *disk, const struct p256_public *device,
                   const struct world_persona *persona, struct world_version version);

/* Makes a grant's file. @param file GRANT_SIZE_MAX bytes, padded */
void world_write_grant(struct world *world, const struct p256_public *device, const struct world_persona *persona,
                       enum grant_kind kind, uint64_t number, uint8_t *file);

/* Puts a grant on a disk. */
void world_grant(struct world *world, struct disk *disk, const struct p256_public *device,
                 const struct world_persona *persona, enum grant_kind kind, uint64_t number);

/* A vault's setup with PINs of the least cost. */
struct vault_setup world_setup(struct drive *drive, struct random_stream *random, const struct tpm_transport *tpm);

/* The file that a running system writes when it has come up. */
void world_up(struct disk *disk, const struct world_persona *persona, uint64_t version);

#endif
