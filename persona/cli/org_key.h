// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_ORG_KEY_H
#define CLI_ORG_KEY_H

/* A private key of the organisation: in a file under the passphrase (KIND.key), or in a PKCS#11 token whose URI is in
 * KIND.token; then the passphrase is the token's PIN. */

#include "record.h"

enum org_key_kind { ORG_KEY_ROOT, ORG_KEY_SIGNING, ORG_KEY_ESCROW, ORG_KEY_STORAGE, ORG_KEY_KINDS };

struct token;

struct org_key {
    struct p256_private key; /* in memory, when it is in a file */
    struct p256_software software;
    struct token *token; /* NULL: in a file */
    struct p256_signer signer;
    struct p256_agreer agreer;
};

/* @return what the files of a key are called */
const char *org_key_name(enum org_key_kind kind);

/* Opens a key, and checks that it is the one whose public key is known. The caller closes it, also on failure.
 * `random` must outlive it. */
enum cli_exit org_key_open(const struct record *record, enum org_key_kind kind, const struct passphrase *passphrase,
                           struct random_stream *random, struct org_key *key);

void org_key_close(struct org_key *key);

/* Reads the signing key's delegation, and checks that it gives a role.
 * @param role  one of DELEGATION_ROLE_*
 * @param chain set to `bytes`, of which it has DELEGATION_SIZE_MAX
 * @param key   the signing key */
bool org_key_delegation(const struct record *record, uint32_t role, struct cbor_bytes *chain, uint8_t *bytes,
                        struct p256_public *key);

#endif
