// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_TOKEN_H
#define CLI_TOKEN_H

/* The organisation's keys in a PKCS#11 token (version 2.40), which is named by a URI (RFC 7512), such as
 * pkcs11:token=acme?module-path=/usr/lib/softhsm/libsofthsm2.so. Keys are made in the token and do not leave it. */

#include "cli.h"
#include "crypto/p256.h"

enum { TOKEN_URI_MAX = 1024 /* bytes */ };

struct token;

/* Finds the token and logs in. `pin`: NULL does without, to see whether it is there. token_close() also on failure. */
enum cli_exit token_open(const char *uri, const struct passphrase *pin, struct token **token);

void token_close(struct token *token);

/* Makes a key pair of this name; refused when there is one. */
enum cli_exit token_generate(struct token *token, const char *name, struct p256_public *key);

/* Reads a public key. */
enum cli_exit token_public(struct token *token, const char *name, struct p256_public *key);

/* Finds a private key. Signer and agreer last as long as the token is open, and one name is used at a time. */
enum cli_exit token_key(struct token *token, const char *name, struct p256_signer *signer, struct p256_agreer *agreer);

#endif
