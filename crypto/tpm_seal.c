// SPDX-License-Identifier: BSD-3-Clause
/* Secrets sealed in keyed-hash objects beneath the parent: TPM2_Create, TPM2_Load, TPM2_Unseal. */
#include "tpm_format.h"

#include <string.h>

#include "crypto/cbor.h"
#include "crypto/hkdf.h"

enum {
    BLOB_VERSION = 1,
    BLOB_ITEMS = 4,
    CREATION_MAX = 512,
    TICKET_MAX = 64,
    UNIQUE_SIZE = 2 + TPM_DIGEST_BYTES, /* bytes of a public area that the TPM fills in */
    PUBLIC_FIXED_SIZE = TPM_SEALED_PUBLIC_SIZE - UNIQUE_SIZE,
};

/* A blob, read. */
struct sealed {
    uint8_t identity[TPM_IDENTITY_SIZE];
    uint8_t public_area[TPM_SEALED_PUBLIC_SIZE];
    struct cbor_bytes private_area;
};

/* TPMT_PUBLIC (part 2, 12.2.4) of a sealed object, without what is the TPM's. Only a wrong authorisation value counts
 * towards the lock-out, so an object without one has noDA. */
static void write_template(uint8_t *area, bool with_auth) {
    uint32_t attributes = TPMA_OBJECT_FIXED_TPM | TPMA_OBJECT_FIXED_PARENT | TPMA_OBJECT_USER_WITH_AUTH;
    struct tpm_writer writer = tpm_write(area, PUBLIC_FIXED_SIZE);
    tpm_put_u16(&writer, TPM_ALG_KEYEDHASH);
    tpm_put_u16(&writer, TPM_ALG_SHA256);
    tpm_put_u32(&writer, with_auth ? attributes : attributes | TPMA_OBJECT_NO_DA);
    tpm_put_u16(&writer, 0); // no policy
    tpm_put_u16(&writer, TPM_ALG_NULL);
}

static bool is_template(const uint8_t *area, bool with_auth) {
    uint8_t fixed[PUBLIC_FIXED_SIZE];
    write_template(fixed, with_auth);
    return memcmp(area, fixed, sizeof(fixed)) == 0;
}

static bool write_blob(struct tpm *tpm, struct tpm_bytes public_area, struct tpm_bytes private_area,
                       struct tpm_blob *blob) {
    struct cbor_writer writer = cbor_write(blob->bytes, sizeof(blob->bytes));
    cbor_write_array(&writer, BLOB_ITEMS);
    cbor_write_uint(&writer, BLOB_VERSION);
    cbor_write_bytes(&writer, tpm->identity, sizeof(tpm->identity));
    cbor_write_bytes(&writer, public_area.start, public_area.size);
    cbor_write_bytes(&writer, private_area.start, private_area.size);
    blob->size = writer.failed ? 0 : writer.size;
    return !writer.failed;
}

static bool read_blob(const uint8_t *blob, size_t size, bool with_auth, struct sealed *sealed) {
    struct cbor_reader reader = cbor_read(blob, size);
    cbor_read_array_of(&reader, BLOB_ITEMS, BLOB_ITEMS);
    uint64_t version = cbor_read_uint(&reader);
    cbor_read_exactly(&reader, sealed->identity, sizeof(sealed->identity));
    cbor_read_exactly(&reader, sealed->public_area, sizeof(sealed->public_area));
    sealed->private_area = cbor_read_bytes(&reader, TPM_PRIVATE_MAX);
    return cbor_read_end(&reader) && version == BLOB_VERSION && is_template(sealed->public_area, with_auth);
}

/* The object must be what was asked for. */
static enum tpm_error parse_created(struct tpm *tpm, struct tpm_reader *parameters, bool with_auth,
                                    struct tpm_blob *blob) {
    struct tpm_bytes private_area = tpm_get_sized(parameters, TPM_PRIVATE_MAX);
    struct tpm_bytes public_area = tpm_get_sized(parameters, TPM_SEALED_PUBLIC_SIZE);
    (void)tpm_get_sized(parameters, CREATION_MAX);
    (void)tpm_get_sized(parameters, TPM_DIGEST_BYTES);
    (void)tpm_get_bytes(parameters, 2 + 4); // creationTicket: tag and hierarchy
    (void)tpm_get_sized(parameters, TICKET_MAX);
    bool good = tpm_read_end(parameters) && public_area.size == TPM_SEALED_PUBLIC_SIZE &&
                is_template(public_area.start, with_auth) && write_blob(tpm, public_area, private_area, blob);
    return good ? TPM_OK : TPM_BAD_ANSWER;
}

/* TPM2_Create; the first parameter, the secret and its authorisation value, goes encrypted. */
static enum tpm_error create(struct tpm *tpm, struct tpm_bytes auth, const uint8_t *secret, struct tpm_blob *blob) {
    uint8_t area[PUBLIC_FIXED_SIZE];
    struct tpm_reader parameters;
    const struct tpm_call call = {.code = TPM_CC_CREATE,
                                  .entities = {tpm_parent_entity(tpm)},
                                  .entity_count = 1,
                                  .encryption = TPMA_SESSION_DECRYPT};
    struct tpm_writer command = tpm_call_begin(tpm, &call);
    tpm_put_u16(&command, (uint32_t)(2 + auth.size + 2 + TPM_SECRET_SIZE));
    tpm_put_sized(&command, auth.start, auth.size);
    tpm_put_sized(&command, secret, TPM_SECRET_SIZE);
    write_template(area, auth.size != 0);
    tpm_put_u16(&command, sizeof(area) + 2);
    tpm_put_bytes(&command, area, sizeof(area));
    tpm_put_sized(&command, NULL, 0); // unique
    tpm_put_sized(&command, NULL, 0); // outsideInfo
    tpm_put_u32(&command, 0);         // creationPCR
    enum tpm_error error = tpm_call_end(tpm, &call, &command, &parameters);
    return error == TPM_OK ? parse_created(tpm, &parameters, auth.size != 0, blob) : error;
}

enum tpm_error tpm_seal(struct tpm *tpm, const struct tpm_auth *auth, const uint8_t *secret, struct tpm_blob *blob) {
    struct tpm_bytes taken;
    blob->size = 0;
    enum tpm_error error = tpm_take_auth(auth, &taken);
    if (error == TPM_OK)
        error = tpm_need_session(tpm);
    return error == TPM_OK ? create(tpm, taken, secret, blob) : error;
}

/* What a TPM says of an object that is not beneath this parent, or not as it was made. */
static enum tpm_error load_error(const struct tpm *tpm, enum tpm_error error) {
    // Errors of a parameter: it could not make sense of it.
    return error == TPM_REFUSED && (tpm->code & TPM_RC_FORMAT_1) != 0 ? TPM_BAD_BLOB : error;
}

/* TPM2_Load. Not through the session, with whose HMAC the command would be too long for U-Boot: the object
 * authenticates itself to the TPM, and TPM2_Unseal names it by what was asked for, whatever the answer says that was
 * loaded. */
static enum tpm_error load(struct tpm *tpm, const struct sealed *sealed, struct tpm_entity *object) {
    struct tpm_reader body;
    struct tpm_writer command = tpm_begin_without_password(tpm, TPM_CC_LOAD, tpm->parent);
    tpm_put_sized(&command, sealed->private_area.start, sealed->private_area.size);
    tpm_put_sized(&command, sealed->public_area, sizeof(sealed->public_area));
    enum tpm_error error = tpm_exchange(tpm, &command, &body);
    if (error != TPM_OK)
        return load_error(tpm, error);
    uint32_t handle = tpm_get_u32(&body);
    struct tpm_reader parameters = tpm_parameters_without_password(&body);
    struct tpm_bytes name = tpm_get_sized(&parameters, TPM_NAME_MAX);
    if (!tpm_name_entity(object, handle, sealed->public_area, sizeof(sealed->public_area)))
        return TPM_FAILED;
    bool good =
        tpm_read_end(&parameters) && name.size == object->name_size && memcmp(name.start, object->name, name.size) == 0;
    return good ? TPM_OK : TPM_BAD_ANSWER;
}

/* TPM2_Unseal; what it returns comes encrypted. */
static enum tpm_error unseal(struct tpm *tpm, const struct tpm_entity *object, struct tpm_bytes auth, uint8_t *secret) {
    struct tpm_reader parameters;
    const struct tpm_call call = {.code = TPM_CC_UNSEAL,
                                  .entities = {*object},
                                  .entity_count = 1,
                                  .auth = auth,
                                  .encryption = TPMA_SESSION_ENCRYPT};
    struct tpm_writer command = tpm_call_begin(tpm, &call);
    enum tpm_error error = tpm_call_end(tpm, &call, &command, &parameters);
    if (error != TPM_OK)
        return error;
    struct tpm_bytes data = tpm_get_sized(&parameters, TPM_SECRET_SIZE);
    bool good = tpm_read_end(&parameters) && data.size == TPM_SECRET_SIZE;
    if (good)
        memcpy(secret, data.start, TPM_SECRET_SIZE);
    crypto_wipe(tpm->response, sizeof(tpm->response));
    return good ? TPM_OK : TPM_BAD_ANSWER;
}

enum tpm_error tpm_unseal(struct tpm *tpm, const uint8_t *blob, size_t blob_size, const struct tpm_auth *auth,
                          uint8_t *secret) {
    struct sealed sealed;
    struct tpm_bytes taken;
    struct tpm_entity object = {0};
    memset(secret, 0, TPM_SECRET_SIZE);
    enum tpm_error error = tpm_take_auth(auth, &taken);
    if (error != TPM_OK)
        return error;
    if (!read_blob(blob, blob_size, auth != NULL, &sealed))
        return TPM_BAD_BLOB;
    error = tpm_need_session(tpm);
    if (error != TPM_OK)
        return error;
    // The parent that the session is salted to must be the one that the secret was sealed beneath.
    if (memcmp(sealed.identity, tpm->identity, sizeof(sealed.identity)) != 0)
        return TPM_OTHER;
    error = load(tpm, &sealed, &object);
    if (error == TPM_OK)
        error = unseal(tpm, &object, taken, secret);
    tpm_flush(tpm, object.handle);
    return error;
}
