// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_PERSONA_H
#define CLI_PERSONA_H

/* What the verbs about personas share. */

#include "org_key.h"
#include "persona/content.h"
#include "persona/manifest.h"

enum {
    PERSONA_ROOT_SIZE = CLI_PATH_SIZE + 16,
    PERSONA_SEALED_MAX = COSE_ENCRYPT_OVERHEAD + STREAM_KEY_SIZE + COSE_RECIPIENTS_MAX * COSE_RECIPIENT_SIZE,
};

/* DIRECTORY/personas/NAME/VERSION/FILE of the organisation. */
bool persona_path(const struct record *record, const char *name, uint64_t version, const char *file, char *path);

/* @return the newest version of a persona; 0, and told, when there is no such persona */
uint64_t persona_newest(struct record *record, const char *name);

/* Reads and verifies the manifest of a version that this organisation made, and that it is the one that was asked for.
 * `bytes`: MANIFEST_SIZE_MAX, which the manifest points into. */
enum cli_exit persona_manifest(struct record *record, const char *name, uint64_t version, struct manifest *manifest,
                               uint8_t *bytes, size_t *size);

/* Opens the content key of a version, which is kept sealed to the storage key. `key`: STREAM_KEY_SIZE bytes, wiped by
 * the caller. */
enum cli_exit persona_content_key(const struct record *record, const struct manifest *manifest,
                                  const struct org_key *storage, uint8_t *key);

/* Reads and checks the signing key's delegation: DELEGATION_SIZE_MAX bytes at chain->start. */
bool persona_chain(const struct record *record, struct cbor_bytes *chain, uint8_t *bytes);

/* Reads a whole file into memory that the caller frees. */
void *persona_read_whole(const char *path, size_t *size);

#endif
