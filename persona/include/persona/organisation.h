// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_ORGANISATION_H
#define PERSONA_ORGANISATION_H

/**
 * What a device is told of the organisation that it belongs to (persona/persona.cddl): its root's public key, its name,
 * and the epoch of delegations; signed by that very root, so that nobody else makes one that names it. Which root it is
 * is fixed by the device's state at its first start.
 */

#include "crypto/cose.h"
#include "persona/config.h"

enum {
    ORGANISATION_SIZE_MAX = 512, /* bytes of the file */
};

#define ORGANISATION_TYPE "application/vnd.flipside.organisation+cbor"

enum organisation_error {
    ORGANISATION_OK = 0,
    ORGANISATION_MALFORMED,     /* not an organisation's file in this format */
    ORGANISATION_BAD_SIGNATURE, /* altered, or signed by another key than it names */
    ORGANISATION_FAILED,        /* the cryptographic library failed: no memory */
};

struct organisation {
    struct p256_public root;
    char name[CONFIG_TITLE_SIZE]; /* for people */
    uint64_t epoch;               /* of delegations: the lowest that is not over */
};

/**
 * Signs an organisation's file.
 * @param organisation its root is the signer's, and not looked at
 * @param file         room bytes; ORGANISATION_SIZE_MAX is enough
 * @param size         its bytes; 0 on failure
 * @return as cose_sign1_write()
 */
__attribute__((warn_unused_result)) enum cose_error organisation_write(const struct organisation *organisation,
                                                                       const struct p256_signer *root, uint8_t *file,
                                                                       size_t room, size_t *size);

/**
 * Reads and verifies an organisation's file.
 * @param organisation all zero on failure
 * @return any enum organisation_error
 */
__attribute__((warn_unused_result)) enum organisation_error organisation_read(struct organisation *organisation,
                                                                              const uint8_t *data, size_t size);

/** @return the error's text, one line without a full stop; never NULL */
const char *organisation_error_text(enum organisation_error error);

#endif
