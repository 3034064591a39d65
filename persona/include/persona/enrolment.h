// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_ENROLMENT_H
#define PERSONA_ENROLMENT_H

/**
 * A device's request to be enrolled, which it writes at its first start (persona/persona.cddl): its public key, signed
 * by that key, so that nobody can enrol a key that is not his. Where the private key is kept is the device's own word.
 */

#include "crypto/cose.h"
#include "persona/config.h"

enum { ENROLMENT_SIZE_MAX = 512 /* bytes */ };

#define ENROLMENT_TYPE "application/vnd.flipside.enrolment+cbor"

enum enrolment_error {
    ENROLMENT_OK = 0,
    ENROLMENT_MALFORMED,     /* not a request in this format */
    ENROLMENT_BAD_SIGNATURE, /* altered, or of a key that its writer does not have */
    ENROLMENT_FAILED,        /* the cryptographic library failed: no memory */
};

enum enrolment_keeping {
    ENROLMENT_TPM = 1,  /* the device's key is sealed in its TPM */
    ENROLMENT_FILE = 2, /* it is in a file: whoever has the disk has it */
};

struct enrolment {
    struct p256_public key;
    char board[CONFIG_NAME_SIZE];
    enum enrolment_keeping keeping;
};

/**
 * Signs a request.
 * @param enrolment its key is the signer's, and not looked at
 * @param object    room bytes; ENROLMENT_SIZE_MAX is enough
 * @param size      its bytes; 0 on failure
 * @return as cose_sign1_write()
 */
__attribute__((warn_unused_result)) enum cose_error enrolment_write(const struct enrolment *enrolment,
                                                                    const struct p256_signer *signer, uint8_t *object,
                                                                    size_t room, size_t *size);

/**
 * Reads and verifies a request, padded with zeros or not.
 * @param enrolment all zero on failure
 * @return any enum enrolment_error
 */
__attribute__((warn_unused_result)) enum enrolment_error enrolment_read(struct enrolment *enrolment,
                                                                        const uint8_t *data, size_t size);

/** @return the error's text, one line without a full stop; never NULL */
const char *enrolment_error_text(enum enrolment_error error);

#endif
