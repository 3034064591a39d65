// SPDX-License-Identifier: BSD-3-Clause
#ifndef KEY_FILE_H
#define KEY_FILE_H

/* A 32-byte secret of the organisation in a file under a passphrase: Argon2id and A256GCM (persona/cli/cli.cddl). */

#include "cli.h"
#include "crypto/pin.h"

enum { KEY_FILE_SECRET_SIZE = 32, KEY_FILE_MAX = 256 };

/* kind: what the secret is, such as "root"; the file opens as nothing else. */
bool key_file_write(const char *path, const char *kind, const uint8_t *secret, const struct passphrase *passphrase,
                    struct random_stream *random);

enum cli_exit key_file_read(const char *path, const char *kind, const struct passphrase *passphrase, uint8_t *secret);

#endif
