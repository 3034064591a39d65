// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_PERSONA_MAKE_H
#define CLI_PERSONA_MAKE_H

/* A version of a persona: checked, encrypted, signed. */

#include "persona.h"

/* What was asked for; what is NULL stays as it was, or is left out. */
struct make_request {
    const char *name, *title, *kernel, *initrd, *command_line, *memory, *unlock, *flip_timeout, *minimum, *version;
    const char *prewarm, *prewarm_seconds, *alarm_flip, *compress;
    const char *boards[MANIFEST_BOARDS_MAX];
    size_t board_count;
};

/* A component as it goes in. */
struct make_input {
    enum manifest_kind kind;
    char *name; /* for messages */
    void *bytes;
    size_t size;
};

/* What is being made; secret until it is wiped. */
struct make {
    struct record record;
    struct random_stream random;
    struct passphrase passphrase;
    struct manifest before; /* the newest version there is; version 0: none */
    struct manifest manifest;
    struct org_key storage, signing;
    bool keys_open;
    uint8_t content_key[STREAM_KEY_SIZE];
    bool as_it_is; /* nothing is compressed */
};

/* The device's own reader of persona.conf judges the values, so that both say the same of them. make->manifest holds
 * what counts for what was not asked for. */
bool make_settings(struct make *make, const struct make_request *request);

/* Opens the storage and signing keys, once. */
enum cli_exit make_open_keys(const struct cli *cli, struct make *make);

/* Checks a kernel or initrd as a device would, compresses it where that gains, and encrypts it into its place unless
 * nothing is to be changed. */
bool make_component(const struct cli *cli, struct make *make, enum manifest_kind kind, const char *path,
                    const void *bytes, size_t size);

/* Decrypts and decompresses a component of the version before; the caller wipes and frees it. */
void *make_decrypt(struct make *make, const struct manifest_component *component, const uint8_t *key, size_t *size);

/* Signs the manifest and keeps the content key. */
bool make_sign(struct make *make);

/* Ends it: what is secret is wiped. */
void make_close(struct make *make);

#endif
