// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_DELEGATION_H
#define PERSONA_DELEGATION_H

/**
 * Who may sign for an organisation. Its root key signs delegations, and keys with a delegation may sign what its roles
 * allow, or delegate on if it says so. There are no dates, since a device has no clock that can be trusted: a root that
 * takes a delegation back raises the epoch, and devices keep the highest that they were told.
 */

#include "crypto/cose.h"
#include "crypto/keys.h"
#include "persona/config.h"

enum {
    DELEGATION_CHAIN_MAX = 4,          /* delegations between the root and what is signed */
    DELEGATION_SIZE_MAX = 512,         /* bytes of a signed delegation */
    DELEGATION_ROLE_MANIFEST = 1 << 0, /* may sign manifests of personas */
    DELEGATION_ROLE_COMMAND = 1 << 1,  /* may sign commands to devices: recover, lock, wipe */
    DELEGATION_ROLE_ALL = DELEGATION_ROLE_MANIFEST | DELEGATION_ROLE_COMMAND,
};

#define DELEGATION_TYPE "application/vnd.flipside.delegation+cbor"

enum delegation_error {
    DELEGATION_OK = 0,
    DELEGATION_MALFORMED,     /* not a delegation in this format */
    DELEGATION_WRONG_ROOT,    /* the chain does not begin at this root */
    DELEGATION_BROKEN,        /* signed by another key than the delegation before it names */
    DELEGATION_BAD_SIGNATURE, /* altered */
    DELEGATION_NOT_ALLOWED,   /* a role that this key was not given, or may not give on */
    DELEGATION_TOO_DEEP,      /* more delegations in a row than one of them allows, or than DELEGATION_CHAIN_MAX */
    DELEGATION_TAKEN_BACK,    /* of an epoch that is over */
    DELEGATION_OTHER_PERSONA, /* for another persona */
    DELEGATION_FAILED,        /* the cryptographic library failed: no memory */
};

struct delegation {
    struct p256_public key;        /* who may sign */
    uint32_t roles;                /* DELEGATION_ROLE_*, at least one */
    uint32_t depth;                /* further delegations that may follow; 0: none */
    uint64_t epoch;                /* devices that were told a higher one refuse it */
    bool one_persona;              /* for this persona only: */
    uint8_t persona[KEYS_ID_SIZE]; /* its identifier, which no other can take as it could a name */
};

/** What a device or a host relies on. */
struct delegation_trust {
    struct p256_public root;
    uint64_t epoch; /* the lowest that is not over */
};

/**
 * Signs a delegation.
 * @param signer the root, or a key that has a delegation with a depth above 0
 * @param object room bytes, at most DELEGATION_SIZE_MAX are needed
 * @param size   its bytes; 0 on failure
 * @return as cose_sign1_write()
 */
__attribute__((warn_unused_result)) enum cose_error delegation_write(const struct delegation *delegation,
                                                                     const struct p256_signer *signer, uint8_t *object,
                                                                     size_t room, size_t *size);

/**
 * Follows a chain of delegations from the root.
 * @param chain   count signed delegations, the root's first; none: the root signs itself
 * @param role    one of DELEGATION_ROLE_*
 * @param persona identifier of the one that what is signed is for, KEYS_ID_SIZE bytes; NULL: for none in particular
 * @param key     who may sign; all zero on failure
 * @return any enum delegation_error
 */
__attribute__((warn_unused_result)) enum delegation_error
delegation_follow(const struct delegation_trust *trust, const struct cbor_bytes *chain, size_t count, uint32_t role,
                  const uint8_t *persona, struct p256_public *key);

/**
 * Reads one signed delegation without verifying it, to show what it says.
 * @return DELEGATION_OK, DELEGATION_MALFORMED
 */
__attribute__((warn_unused_result)) enum delegation_error delegation_read(struct delegation *delegation,
                                                                          const uint8_t *data, size_t size);

/** @return the error's text, one line without a full stop; never NULL */
const char *delegation_error_text(enum delegation_error error);

#endif
