// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_P256_H
#define CRYPTO_P256_H

/**
 * Keys on P-256 (NIST SP 800-186): ES256 signatures and ECDH. Where a private key lies in a token or a TPM, struct
 * p256_signer and struct p256_agreer stand for it.
 */

#include "crypto/random.h"

enum {
    P256_SIZE = 32,                 /* bytes of a coordinate, a scalar, a shared secret */
    P256_SIGNATURE_SIZE = 64,       /* bytes: r and s (RFC 9053 2.1) */
    P256_DIGEST_SIZE = 32,          /* bytes: SHA-256 */
    P256_THUMBPRINT_SIZE = 32,      /* bytes: SHA-256 */
    P256_COSE_KEY_SIZE = 5 + 2 * 35 /* bytes of a public key as COSE_Key */
};

enum p256_error {
    P256_OK = 0,
    P256_BAD_KEY,       /* not a point of the curve, or not a scalar of the group */
    P256_BAD_SIGNATURE, /* not made by this key over this digest */
    P256_NO_RANDOM,     /* the generator failed */
    P256_UNAVAILABLE,   /* the token or TPM with the key did not do it */
    P256_FAILED,        /* the library failed: no memory */
};

struct p256_public {
    uint8_t x[P256_SIZE]; /* big-endian */
    uint8_t y[P256_SIZE];
};

/** A secret: wiped by its owner with p256_wipe(). */
struct p256_private {
    uint8_t scalar[P256_SIZE]; /* big-endian */
    struct p256_public public_key;
};

/** Whoever can sign with a key. */
struct p256_signer {
    struct p256_public public_key;
    void *context; /* given back to the function */

    /** Signs a digest. @return P256_OK, or any error but P256_BAD_SIGNATURE */
    enum p256_error (*sign)(void *context, const uint8_t *digest, uint8_t *signature);
};

/** Whoever can agree on a secret with a key. */
struct p256_agreer {
    struct p256_public public_key;
    void *context; /* given back to the function */

    /** Computes the shared x coordinate. @return P256_OK, or any error but P256_BAD_SIGNATURE */
    enum p256_error (*agree)(void *context, const struct p256_public *other, uint8_t *shared);
};

/** A private key in memory, for p256_software_signer() and p256_software_agreer(); it must outlive what they return. */
struct p256_software {
    const struct p256_private *key;
    struct random_stream *random; /* hides the computation's course */
};

/**
 * Makes a key.
 * @param key all zero on failure
 * @return P256_OK, P256_NO_RANDOM, P256_FAILED
 */
__attribute__((warn_unused_result)) enum p256_error p256_generate(struct p256_private *key,
                                                                  struct random_stream *random);

/**
 * Takes a private key from its scalar.
 * @param key    all zero on failure
 * @param scalar P256_SIZE bytes, big-endian
 * @return P256_OK, P256_BAD_KEY, P256_NO_RANDOM, P256_FAILED
 */
__attribute__((warn_unused_result)) enum p256_error p256_from_scalar(struct p256_private *key, const uint8_t *scalar,
                                                                     struct random_stream *random);

/** Checks that a public key is a point of the curve (SP 800-56A 5.6.2.3.3). @return P256_OK, P256_BAD_KEY */
__attribute__((warn_unused_result)) enum p256_error p256_check(const struct p256_public *key);

/**
 * Signs (ES256, RFC 9053 2.1; deterministic, RFC 6979).
 * @param digest    P256_DIGEST_SIZE bytes
 * @param signature P256_SIGNATURE_SIZE bytes, all zero on failure
 * @return P256_OK, P256_BAD_KEY, P256_NO_RANDOM, P256_FAILED
 */
__attribute__((warn_unused_result)) enum p256_error p256_sign(const struct p256_private *key, const uint8_t *digest,
                                                              struct random_stream *random, uint8_t *signature);

/**
 * Verifies a signature.
 * @return P256_OK, P256_BAD_KEY, P256_BAD_SIGNATURE, P256_FAILED
 */
__attribute__((warn_unused_result)) enum p256_error p256_verify(const struct p256_public *key, const uint8_t *digest,
                                                                const uint8_t *signature);

/**
 * Computes a shared secret (ECDH, SP 800-56A 5.7.1.2).
 * @param other  checked to be on the curve
 * @param shared P256_SIZE bytes: the x coordinate; all zero on failure; the caller wipes it
 * @return P256_OK, P256_BAD_KEY, P256_NO_RANDOM, P256_FAILED
 */
__attribute__((warn_unused_result)) enum p256_error p256_agree(const struct p256_private *key,
                                                               const struct p256_public *other,
                                                               struct random_stream *random, uint8_t *shared);

/** @return a signer with a key in memory */
struct p256_signer p256_software_signer(struct p256_software *software);

/** @return an agreer with a key in memory */
struct p256_agreer p256_software_agreer(struct p256_software *software);

/**
 * Names a key: SHA-256 of its COSE_Key with what is required and no more (RFC 9679 3).
 * @param thumbprint P256_THUMBPRINT_SIZE bytes
 * @return P256_OK, P256_FAILED
 */
__attribute__((warn_unused_result)) enum p256_error p256_thumbprint(const struct p256_public *key, uint8_t *thumbprint);

/** Wipes a private key. */
void p256_wipe(struct p256_private *key);

/** @return the error's text, one line without a full stop; never NULL */
const char *p256_error_text(enum p256_error error);

#endif
