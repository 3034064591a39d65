// SPDX-License-Identifier: BSD-3-Clause
#ifndef CRYPTO_COSE_H
#define CRYPTO_COSE_H

/**
 * Signed and encrypted objects (COSE, RFC 9052 and RFC 9053), of just two kinds: COSE_Sign1 with ES256, and
 * COSE_Encrypt with A256GCM whose key is sealed to P-256 keys by ECDH-ES with A256KW. crypto/cose.cddl has their form,
 * which is the only one that is read: deterministic encoding, all headers in their place, nothing more.
 *
 * What an object is for is its content type, in the protected header; a reader says which it wants, so that no object
 * passes for another.
 */

#include "crypto/aead.h"
#include "crypto/cbor.h"
#include "crypto/p256.h"

enum {
    COSE_TYPE_MAX = 64,          /* bytes of a content type */
    COSE_PAYLOAD_MAX = 1 << 20,  /* bytes */
    COSE_EXTERNAL_MAX = 256,     /* bytes of externally supplied data */
    COSE_RECIPIENTS_MAX = 256,   /* of one object */
    COSE_SIGN1_OVERHEAD = 256,   /* bytes at most by which a signed object is longer than its payload */
    COSE_ENCRYPT_OVERHEAD = 192, /* bytes at most, and for each recipient COSE_RECIPIENT_SIZE more */
    COSE_RECIPIENT_SIZE = 192,   /* bytes at most */
};

enum cose_error {
    COSE_OK = 0,
    COSE_MALFORMED,     /* not an object of this kind in deterministic encoding */
    COSE_WRONG_TYPE,    /* an object of another content type */
    COSE_WRONG_KEY,     /* signed by another key */
    COSE_BAD_KEY,       /* a key that is not on P-256 */
    COSE_BAD_SIGNATURE, /* altered */
    COSE_NO_RECIPIENT,  /* sealed to other keys */
    COSE_NOT_AUTHENTIC, /* altered, or sealed with other external data */
    COSE_NO_ROOM,       /* longer than the caller's buffer, or than this format allows */
    COSE_NO_RANDOM,     /* the generator failed */
    COSE_UNAVAILABLE,   /* the token or TPM with the key did not do it */
    COSE_FAILED,        /* the library failed: no memory */
};

/** What goes into an object. */
struct cose_content {
    const char *type; /* at most COSE_TYPE_MAX bytes */
    const void *payload;
    size_t size; /* bytes, at most COSE_PAYLOAD_MAX */
};

/** COSE_Sign1 as it was read; nothing of it can be relied on before cose_sign1_verify(). */
struct cose_sign1 {
    struct cbor_bytes protected_header;
    struct cbor_text type;
    uint8_t key_id[P256_THUMBPRINT_SIZE];
    struct cbor_bytes payload;
    uint8_t signature[P256_SIGNATURE_SIZE];
};

/** COSE_Encrypt as it was read. */
struct cose_encrypt {
    struct cbor_bytes protected_header;
    struct cbor_text type;
    uint8_t iv[AEAD_NONCE_SIZE];
    struct cbor_bytes ciphertext; /* with its tag */
    struct cbor_bytes recipients; /* recipient_count items, one after the other */
    size_t recipient_count;
};

/** What a sealed object is for, besides its payload: the same must be given to open it (RFC 9052 5.3). */
struct cose_external {
    const void *data;
    size_t size; /* bytes, at most COSE_EXTERNAL_MAX */
};

/**
 * Writes a signed object (RFC 9052 4.2, 4.4).
 * @param object room bytes
 * @param size   its bytes; 0 on failure
 * @return COSE_OK, COSE_NO_ROOM, COSE_BAD_KEY, COSE_NO_RANDOM, COSE_UNAVAILABLE, COSE_FAILED
 */
__attribute__((warn_unused_result)) enum cose_error cose_sign1_write(const struct cose_content *content,
                                                                     const struct p256_signer *signer, uint8_t *object,
                                                                     size_t room, size_t *size);

/**
 * Reads a signed object, which must be all of the data, without verifying it.
 * @param sign1 points into data; all zero on failure
 * @return COSE_OK, COSE_MALFORMED
 */
__attribute__((warn_unused_result)) enum cose_error cose_sign1_read(struct cose_sign1 *sign1, const uint8_t *data,
                                                                    size_t size);

/**
 * Verifies a signed object (RFC 9052 4.4).
 * @param type the content type that is wanted
 * @param key  whose signature it must bear
 * @return COSE_OK, COSE_WRONG_TYPE, COSE_WRONG_KEY, COSE_BAD_KEY, COSE_BAD_SIGNATURE, COSE_FAILED
 */
__attribute__((warn_unused_result)) enum cose_error cose_sign1_verify(const struct cose_sign1 *sign1, const char *type,
                                                                      const struct p256_public *key);

/**
 * Seals an object to keys (RFC 9052 5.1, 5.3; RFC 9053 6.4).
 * @param recipients count keys, 1 to COSE_RECIPIENTS_MAX; all are checked
 * @param object     room bytes
 * @param size       its bytes; 0 on failure
 * @return COSE_OK, COSE_NO_ROOM, COSE_BAD_KEY, COSE_NO_RANDOM, COSE_FAILED
 */
__attribute__((warn_unused_result)) enum cose_error cose_encrypt_write(const struct cose_content *content,
                                                                       const struct cose_external *external,
                                                                       const struct p256_public *recipients,
                                                                       size_t count, struct random_stream *random,
                                                                       uint8_t *object, size_t room, size_t *size);

/**
 * Reads a sealed object, which must be all of the data, without opening it.
 * @param encrypt points into data; all zero on failure
 * @return COSE_OK, COSE_MALFORMED
 */
__attribute__((warn_unused_result)) enum cose_error cose_encrypt_read(struct cose_encrypt *encrypt, const uint8_t *data,
                                                                      size_t size);

/**
 * Opens a sealed object.
 * @param type    the content type that is wanted
 * @param payload room bytes, all zero on failure; a secret, wiped by the caller
 * @param size    its bytes; 0 on failure
 * @return COSE_OK, COSE_WRONG_TYPE, COSE_NO_RECIPIENT, COSE_BAD_KEY, COSE_NOT_AUTHENTIC, COSE_NO_ROOM, COSE_NO_RANDOM,
 *         COSE_UNAVAILABLE, COSE_FAILED
 */
__attribute__((warn_unused_result)) enum cose_error
cose_encrypt_open(const struct cose_encrypt *encrypt, const char *type, const struct cose_external *external,
                  const struct p256_agreer *agreer, uint8_t *payload, size_t room, size_t *size);

/** @return the error's text, one line without a full stop; never NULL */
const char *cose_error_text(enum cose_error error);

#endif
