// SPDX-License-Identifier: BSD-3-Clause
/* The storage parent: the same P-256 key each time, made from the owner hierarchy's seed (TPM2_CreatePrimary). */
#include "tpm_format.h"

#include <string.h>

#include "crypto/digest.h"

enum {
    PUBLIC_MAX = 256, /* bytes */
    CREATION_MAX = 512,
    TICKET_MAX = 64,
};

/* TPMT_PUBLIC (part 2, 12.2.4) up to the public point. noDA: its use is no attempt at anything. */
static const uint8_t template[] = {
    0,    TPM_ALG_ECC,
    0,    TPM_ALG_SHA256, /* type, digest of names */
    0x00, 0x03,
    0x04, 0x72, /* attributes, below */
    0,    0,    /* no policy */
    0,    TPM_ALG_AES,
    0,    128, /* protects what is beneath it */
    0,    TPM_ALG_CFB,
    0,    TPM_ALG_NULL, /* no scheme */
    0,    TPM_ECC_NIST_P256,
    0,    TPM_ALG_NULL, /* no KDF scheme */
};

_Static_assert((TPMA_OBJECT_FIXED_TPM | TPMA_OBJECT_FIXED_PARENT | TPMA_OBJECT_SENSITIVE_DATA_ORIGIN |
                TPMA_OBJECT_USER_WITH_AUTH | TPMA_OBJECT_NO_DA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT) ==
                   0x00030472,
               "the attributes above");

static struct tpm_writer write_command(struct tpm *tpm) {
    struct tpm_writer command = tpm_begin_without_password(tpm, TPM_CC_CREATE_PRIMARY, TPM_RH_OWNER);
    tpm_put_u16(&command, 2 + 2); // inSensitive: no authorisation value, no data
    tpm_put_u32(&command, 0);
    tpm_put_u16(&command, sizeof(template) + 2 + 2);
    tpm_put_bytes(&command, template, sizeof(template));
    tpm_put_u32(&command, 0);         // no point: the TPM makes it
    tpm_put_sized(&command, NULL, 0); // outsideInfo
    tpm_put_u32(&command, 0);         // creationPCR
    return command;
}

/* A coordinate, which a TPM may write without its leading zeros. */
static void get_coordinate(struct tpm_reader *reader, uint8_t *coordinate) {
    struct tpm_bytes bytes = tpm_get_sized(reader, TPM_COORDINATE_MAX);
    memset(coordinate, 0, TPM_COORDINATE_MAX);
    memcpy(coordinate + TPM_COORDINATE_MAX - bytes.size, bytes.start, bytes.size);
}

/* The parent must be what was asked for, whoever answered. */
static bool parse_public(struct tpm *tpm, struct tpm_bytes area, uint8_t *x, uint8_t *y) {
    struct tpm_reader reader = tpm_read(area.start, area.size);
    struct tpm_bytes start = tpm_get_bytes(&reader, sizeof(template));
    get_coordinate(&reader, x);
    get_coordinate(&reader, y);
    return tpm_read_end(&reader) && memcmp(start.start, template, sizeof(template)) == 0 &&
           digest_of(area.start, area.size, tpm->identity);
}

static enum tpm_error parse(struct tpm *tpm, struct tpm_reader *body, uint8_t *x, uint8_t *y) {
    uint32_t handle = tpm_get_u32(body);
    if (body->failed)
        return TPM_BAD_ANSWER;
    tpm->parent = handle; // from now on to be freed
    struct tpm_reader parameters = tpm_parameters_without_password(body);
    struct tpm_bytes area = tpm_get_sized(&parameters, PUBLIC_MAX);
    (void)tpm_get_sized(&parameters, CREATION_MAX);
    (void)tpm_get_sized(&parameters, TPM_DIGEST_BYTES);
    (void)tpm_get_bytes(&parameters, 2 + 4); // creationTicket: tag and hierarchy
    (void)tpm_get_sized(&parameters, TICKET_MAX);
    (void)tpm_get_sized(&parameters, TPM_NAME_MAX);
    bool good = tpm_read_end(&parameters) && parse_public(tpm, area, x, y);
    return good ? TPM_OK : TPM_BAD_ANSWER;
}

enum tpm_error tpm_make_parent(struct tpm *tpm, uint8_t *x, uint8_t *y) {
    struct tpm_reader body;
    struct tpm_writer command = write_command(tpm);
    enum tpm_error error = tpm_exchange(tpm, &command, &body);
    if (error == TPM_WRONG_AUTH)
        return TPM_OWNED;
    if (error == TPM_OK)
        error = parse(tpm, &body, x, y);
    if (error != TPM_OK) {
        tpm_flush(tpm, tpm->parent);
        tpm->parent = 0;
    }
    return error;
}

/* The point is needed just once, for the session: so both are there, or neither. */
enum tpm_error tpm_need_session(struct tpm *tpm) {
    uint8_t x[TPM_COORDINATE_MAX], y[TPM_COORDINATE_MAX];
    if (tpm->session != 0)
        return TPM_OK;
    if (tpm->random == NULL)
        return TPM_NO_RANDOM;
    tpm_flush(tpm, tpm->parent);
    tpm->parent = 0;
    enum tpm_error error = tpm_make_parent(tpm, x, y);
    return error != TPM_OK ? error : tpm_start_session(tpm, x, y);
}

struct tpm_entity tpm_parent_entity(const struct tpm *tpm) {
    struct tpm_entity entity = {.handle = tpm->parent, .name_size = TPM_NAME_MAX};
    struct tpm_writer writer = tpm_write(entity.name, sizeof(entity.name));
    tpm_put_u16(&writer, TPM_ALG_SHA256);
    tpm_put_bytes(&writer, tpm->identity, sizeof(tpm->identity));
    return entity;
}

enum tpm_error tpm_identity(struct tpm *tpm, uint8_t *identity) {
    uint8_t x[TPM_COORDINATE_MAX], y[TPM_COORDINATE_MAX];
    enum tpm_error error = tpm->parent != 0 ? TPM_OK : tpm_make_parent(tpm, x, y);
    memset(identity, 0, TPM_IDENTITY_SIZE);
    if (error == TPM_OK)
        memcpy(identity, tpm->identity, TPM_IDENTITY_SIZE);
    return error;
}
