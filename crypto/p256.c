// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/p256.h"

#include <mbedtls/ecdh.h>
#include <mbedtls/ecdsa.h>
#include <string.h>

#include "crypto/cose_key.h"
#include "crypto/digest.h"
#include "crypto/hkdf.h"

/* What a computation on the curve needs; all of it is wiped by close_curve(). */
struct curve {
    mbedtls_ecp_group group;
    mbedtls_ecp_point point;
    mbedtls_mpi scalar;
    mbedtls_mpi r; /* of a signature; also a shared secret */
    mbedtls_mpi s;
};

enum { POINT_SIZE = 1 + 2 * P256_SIZE, UNCOMPRESSED = 4 };

const char *p256_error_text(enum p256_error error) {
    switch (error) {
    case P256_OK:
        return "no error";
    case P256_BAD_KEY:
        return "not a key on P-256";
    case P256_BAD_SIGNATURE:
        return "the signature is not of this key over this text";
    case P256_NO_RANDOM:
        return "no random numbers";
    case P256_UNAVAILABLE:
        return "the token or TPM with the key failed";
    case P256_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

static int open_curve(struct curve *curve) {
    mbedtls_ecp_group_init(&curve->group);
    mbedtls_ecp_point_init(&curve->point);
    mbedtls_mpi_init(&curve->scalar);
    mbedtls_mpi_init(&curve->r);
    mbedtls_mpi_init(&curve->s);
    return mbedtls_ecp_group_load(&curve->group, MBEDTLS_ECP_DP_SECP256R1);
}

static void close_curve(struct curve *curve) {
    mbedtls_ecp_group_free(&curve->group);
    mbedtls_ecp_point_free(&curve->point);
    mbedtls_mpi_free(&curve->scalar);
    mbedtls_mpi_free(&curve->r);
    mbedtls_mpi_free(&curve->s);
}

static enum p256_error error_of(int result) {
    switch (result) {
    case 0:
        return P256_OK;
    case MBEDTLS_ERR_ECP_RANDOM_FAILED:
        return P256_NO_RANDOM;
    case MBEDTLS_ERR_ECP_INVALID_KEY:
        return P256_BAD_KEY;
    case MBEDTLS_ERR_ECP_VERIFY_FAILED:
        return P256_BAD_SIGNATURE;
    default:
        return P256_FAILED;
    }
}

static int give_random(void *random, unsigned char *output, size_t size) {
    return random_bytes(random, output, size) == RANDOM_OK ? 0 : MBEDTLS_ERR_ECP_RANDOM_FAILED;
}

static int read_point(struct curve *curve, const struct p256_public *key) {
    uint8_t bytes[POINT_SIZE] = {UNCOMPRESSED};
    memcpy(bytes + 1, key->x, P256_SIZE);
    memcpy(bytes + 1 + P256_SIZE, key->y, P256_SIZE);
    int result = mbedtls_ecp_point_read_binary(&curve->group, &curve->point, bytes, sizeof(bytes));
    if (result == 0)
        result = mbedtls_ecp_check_pubkey(&curve->group, &curve->point);
    return result == MBEDTLS_ERR_MPI_ALLOC_FAILED || result == 0 ? result : MBEDTLS_ERR_ECP_INVALID_KEY;
}

static int read_scalar(struct curve *curve, const uint8_t *scalar) {
    int result = mbedtls_mpi_read_binary(&curve->scalar, scalar, P256_SIZE);
    return result != 0 ? result : mbedtls_ecp_check_privkey(&curve->group, &curve->scalar);
}

static int write_key(struct p256_private *key, const struct curve *curve) {
    uint8_t bytes[POINT_SIZE];
    size_t size = 0;
    int result = mbedtls_ecp_point_write_binary(&curve->group, &curve->point, MBEDTLS_ECP_PF_UNCOMPRESSED, &size, bytes,
                                                sizeof(bytes));
    if (result == 0)
        result = mbedtls_mpi_write_binary(&curve->scalar, key->scalar, P256_SIZE);
    memcpy(key->public_key.x, bytes + 1, P256_SIZE);
    memcpy(key->public_key.y, bytes + 1 + P256_SIZE, P256_SIZE);
    return result;
}

enum p256_error p256_generate(struct p256_private *key, struct random_stream *random) {
    struct curve curve;
    int result = open_curve(&curve);
    memset(key, 0, sizeof(*key));
    if (result == 0)
        result = mbedtls_ecp_gen_keypair(&curve.group, &curve.scalar, &curve.point, give_random, random);
    if (result == 0)
        result = write_key(key, &curve);
    close_curve(&curve);
    if (result != 0)
        p256_wipe(key);
    return error_of(result);
}

enum p256_error p256_from_scalar(struct p256_private *key, const uint8_t *scalar, struct random_stream *random) {
    struct curve curve;
    int result = open_curve(&curve);
    if (result == 0)
        result = read_scalar(&curve, scalar);
    memset(key, 0, sizeof(*key));
    if (result == 0)
        result = mbedtls_ecp_mul(&curve.group, &curve.point, &curve.scalar, &curve.group.G, give_random, random);
    if (result == 0)
        result = write_key(key, &curve);
    close_curve(&curve);
    if (result != 0)
        p256_wipe(key);
    return error_of(result);
}

enum p256_error p256_check(const struct p256_public *key) {
    struct curve curve;
    int result = open_curve(&curve);
    if (result == 0)
        result = read_point(&curve, key);
    close_curve(&curve);
    return error_of(result);
}

enum p256_error p256_sign(const struct p256_private *key, const uint8_t *digest, struct random_stream *random,
                          uint8_t *signature) {
    struct curve curve;
    int result = open_curve(&curve);
    if (result == 0)
        result = read_scalar(&curve, key->scalar);
    if (result == 0)
        result = mbedtls_ecdsa_sign_det_ext(&curve.group, &curve.r, &curve.s, &curve.scalar, digest, P256_DIGEST_SIZE,
                                            MBEDTLS_MD_SHA256, give_random, random);
    if (result == 0)
        result = mbedtls_mpi_write_binary(&curve.r, signature, P256_SIZE);
    if (result == 0)
        result = mbedtls_mpi_write_binary(&curve.s, signature + P256_SIZE, P256_SIZE);
    close_curve(&curve);
    if (result != 0)
        memset(signature, 0, P256_SIGNATURE_SIZE);
    return error_of(result);
}

enum p256_error p256_verify(const struct p256_public *key, const uint8_t *digest, const uint8_t *signature) {
    struct curve curve;
    int result = open_curve(&curve);
    if (result == 0)
        result = read_point(&curve, key);
    if (result == 0)
        result = mbedtls_mpi_read_binary(&curve.r, signature, P256_SIZE);
    if (result == 0)
        result = mbedtls_mpi_read_binary(&curve.s, signature + P256_SIZE, P256_SIZE);
    if (result == 0)
        result = mbedtls_ecdsa_verify(&curve.group, digest, P256_DIGEST_SIZE, &curve.point, &curve.r, &curve.s);
    close_curve(&curve);
    return error_of(result);
}

enum p256_error p256_agree(const struct p256_private *key, const struct p256_public *other,
                           struct random_stream *random, uint8_t *shared) {
    struct curve curve;
    int result = open_curve(&curve);
    if (result == 0)
        result = read_point(&curve, other);
    if (result == 0)
        result = read_scalar(&curve, key->scalar);
    if (result == 0)
        result = mbedtls_ecdh_compute_shared(&curve.group, &curve.r, &curve.point, &curve.scalar, give_random, random);
    if (result == 0)
        result = mbedtls_mpi_write_binary(&curve.r, shared, P256_SIZE);
    close_curve(&curve);
    if (result != 0)
        crypto_wipe(shared, P256_SIZE);
    return error_of(result);
}

static enum p256_error sign_in_software(void *context, const uint8_t *digest, uint8_t *signature) {
    const struct p256_software *software = context;
    return p256_sign(software->key, digest, software->random, signature);
}

static enum p256_error agree_in_software(void *context, const struct p256_public *other, uint8_t *shared) {
    const struct p256_software *software = context;
    return p256_agree(software->key, other, software->random, shared);
}

struct p256_signer p256_software_signer(struct p256_software *software) {
    return (struct p256_signer){software->key->public_key, software, sign_in_software};
}

struct p256_agreer p256_software_agreer(struct p256_software *software) {
    return (struct p256_agreer){software->key->public_key, software, agree_in_software};
}

enum p256_error p256_thumbprint(const struct p256_public *key, uint8_t *thumbprint) {
    uint8_t bytes[P256_COSE_KEY_SIZE];
    struct cbor_writer writer = cbor_write(bytes, sizeof(bytes));
    cose_write_key(&writer, key);
    return !writer.failed && digest_of(bytes, writer.size, thumbprint) ? P256_OK : P256_FAILED;
}

void p256_wipe(struct p256_private *key) { crypto_wipe(key, sizeof(*key)); }
