// SPDX-License-Identifier: BSD-3-Clause
#ifndef KEY_FILE_H
#define KEY_FILE_H

/* A 32-byte secret of the organisation in a file under a passphrase: Argon2id and A256GCM (persona/cli/cli.cddl). */

#include "cli.h"
#include "crypto/pin.h"

enum { KEY_FILE_SECRET_SIZE = 32, KEY_FILE_FINGERPRINT_SIZE = 32, KEY_FILE_MAX = 256 };

/* RFC 9106 4, second recommendation, with one lane. */
enum { KEY_FILE_MEMORY_KIB = 65536, KEY_FILE_PASSES = 3 };

/* What closes a new file. */
struct key_file_lock {
    const struct passphrase *passphrase;
    struct pin_cost cost;
};

/* kind: what the secret is, such as "root"; the file opens as nothing else.
 * fingerprint: KEY_FILE_FINGERPRINT_SIZE bytes that name the organisation's public keys. Whoever knows the passphrase
 * has bound them to the secret, so that no public key beside it can be exchanged unnoticed. */
bool key_file_write(const char *path, const char *kind, const uint8_t *secret, const uint8_t *fingerprint,
                    const struct key_file_lock *lock, struct random_stream *random);

/* Reads the secret, and refuses when the fingerprint is another one. */
enum cli_exit key_file_read(const char *path, const char *kind, const struct passphrase *passphrase,
                            const uint8_t *fingerprint, uint8_t *secret);

#endif
