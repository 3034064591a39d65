// SPDX-License-Identifier: BSD-3-Clause
/* Sessions (part 1, 17.6 and 19.3): authorisation by HMAC and encryption of the first parameter, both under a key that
 * is salted to the parent. */
#include "tpm_format.h"

#include <mbedtls/aes.h>
#include <mbedtls/md.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "crypto/p256.h"

enum {
    AES_KEY_SIZE = 16,
    AES_KEY_BITS = 8 * AES_KEY_SIZE,
    SESSION_AREA_SIZE = 4 + 2 + DIGEST_SIZE + 1 + 2 + DIGEST_SIZE, /* handle, nonce, attributes, HMAC */
    KDF_BITS = 8 * DIGEST_SIZE,
    KDF_INPUT_MAX = 4 + 8 + 2 * DIGEST_SIZE + 4,
    HMAC_KEY_MAX = DIGEST_SIZE + TPM_AUTH_MAX,
};

_Static_assert((int)DIGEST_SIZE == (int)TPM_DIGEST_BYTES && (int)P256_SIZE == (int)TPM_COORDINATE_MAX,
               "SHA-256, P-256");

/* What is secret between the TPM and us in a command: the session's key, then the authorisation value. */
struct session_value {
    uint8_t bytes[HMAC_KEY_MAX];
    size_t size;
};

static bool hmac(const struct session_value *key, const void *data, size_t size, uint8_t *mac) {
    return mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key->bytes, key->size, data, size, mac) == 0;
}

/* Part 1, 9.4.10.2: KDFa, of 256 bits. The label's final NUL is the format's separator. */
static bool kdf_a(const struct session_value *key, const char *label, struct tpm_bytes u, struct tpm_bytes v,
                  uint8_t *output) {
    uint8_t input[KDF_INPUT_MAX];
    struct tpm_writer writer = tpm_write(input, sizeof(input));
    tpm_put_u32(&writer, 1);
    tpm_put_bytes(&writer, label, strlen(label) + 1);
    tpm_put_bytes(&writer, u.start, u.size);
    tpm_put_bytes(&writer, v.start, v.size);
    tpm_put_u32(&writer, KDF_BITS);
    return !writer.failed && hmac(key, input, writer.size, output);
}

/* Part 1, 9.4.10.3: KDFe, of 256 bits. */
static bool kdf_e(const uint8_t *z, const char *label, const uint8_t *u, const uint8_t *v, uint8_t *output) {
    static const uint8_t counter[] = {0, 0, 0, 1};
    struct digest digest;
    digest_begin(&digest);
    digest_add(&digest, counter, sizeof(counter));
    digest_add(&digest, z, P256_SIZE);
    digest_add(&digest, label, strlen(label) + 1);
    digest_add(&digest, u, P256_SIZE);
    digest_add(&digest, v, P256_SIZE);
    return digest_end(&digest, output);
}

static enum tpm_error error_of_p256(enum p256_error error) {
    switch (error) {
    case P256_OK:
        return TPM_OK;
    case P256_NO_RANDOM:
        return TPM_NO_RANDOM;
    case P256_BAD_KEY: // the parent's point is not on the curve
        return TPM_BAD_ANSWER;
    default:
        return TPM_FAILED;
    }
}

/* Makes the salt (part 1, C.6.1). @param ephemeral whose public key goes to the TPM */
static enum tpm_error make_salt(struct tpm *tpm, const struct p256_public *parent, struct p256_public *ephemeral,
                                struct session_value *salt) {
    uint8_t z[P256_SIZE] = {0};
    struct p256_private key;
    enum p256_error error = p256_generate(&key, tpm->random);
    if (error == P256_OK)
        error = p256_agree(&key, parent, tpm->random, z);
    bool good = error != P256_OK || kdf_e(z, "SECRET", key.public_key.x, parent->x, salt->bytes);
    *ephemeral = key.public_key;
    salt->size = DIGEST_SIZE;
    p256_wipe(&key);
    crypto_wipe(z, sizeof(z));
    return good ? error_of_p256(error) : TPM_FAILED;
}

static enum tpm_error new_nonce(struct tpm *tpm) {
    if (tpm->random == NULL || random_bytes(tpm->random, tpm->nonce_caller, sizeof(tpm->nonce_caller)) != RANDOM_OK)
        return TPM_NO_RANDOM;
    return TPM_OK;
}

static void take_nonce(struct tpm *tpm, struct tpm_bytes nonce) {
    memcpy(tpm->nonce_tpm, nonce.start, nonce.size);
    tpm->nonce_tpm_size = nonce.size;
}

static struct tpm_bytes nonce_tpm(const struct tpm *tpm) {
    return (struct tpm_bytes){tpm->nonce_tpm, tpm->nonce_tpm_size};
}

static struct tpm_bytes nonce_caller(const struct tpm *tpm) {
    return (struct tpm_bytes){tpm->nonce_caller, sizeof(tpm->nonce_caller)};
}

/* TPM2_StartAuthSession. */
static enum tpm_error start(struct tpm *tpm, const struct p256_public *ephemeral) {
    struct tpm_reader body;
    struct tpm_writer command = tpm_begin(tpm, TPM_ST_NO_SESSIONS, TPM_CC_START_AUTH_SESSION);
    tpm_put_u32(&command, tpm->parent);
    tpm_put_u32(&command, TPM_RH_NULL);
    tpm_put_sized(&command, tpm->nonce_caller, sizeof(tpm->nonce_caller));
    tpm_put_u16(&command, 2 * (2 + P256_SIZE));
    tpm_put_sized(&command, ephemeral->x, P256_SIZE);
    tpm_put_sized(&command, ephemeral->y, P256_SIZE);
    tpm_put_u8(&command, TPM_SE_HMAC);
    tpm_put_u16(&command, TPM_ALG_AES);
    tpm_put_u16(&command, AES_KEY_BITS);
    tpm_put_u16(&command, TPM_ALG_CFB);
    tpm_put_u16(&command, TPM_ALG_SHA256);
    enum tpm_error error = tpm_exchange(tpm, &command, &body);
    if (error != TPM_OK)
        return error;
    uint32_t handle = tpm_get_u32(&body);
    struct tpm_bytes nonce = tpm_get_sized(&body, TPM_DIGEST_BYTES);
    if (!tpm_read_end(&body) || nonce.size < TPM_NONCE_MIN)
        return TPM_BAD_ANSWER;
    tpm->session = handle;
    take_nonce(tpm, nonce);
    return TPM_OK;
}

enum tpm_error tpm_start_session(struct tpm *tpm, const uint8_t *x, const uint8_t *y) {
    struct p256_public parent, ephemeral;
    struct session_value salt;
    memcpy(parent.x, x, P256_SIZE);
    memcpy(parent.y, y, P256_SIZE);
    enum tpm_error error = new_nonce(tpm);
    if (error == TPM_OK)
        error = make_salt(tpm, &parent, &ephemeral, &salt);
    if (error == TPM_OK)
        error = start(tpm, &ephemeral);
    if (error == TPM_OK && !kdf_a(&salt, "ATH", nonce_tpm(tpm), nonce_caller(tpm), tpm->session_key)) {
        /* Without its key it must not be used. */
        tpm_flush(tpm, tpm->session);
        tpm->session = 0;
        error = TPM_FAILED;
    }
    crypto_wipe(&salt, sizeof(salt));
    return error;
}

struct tpm_entity tpm_permanent(uint32_t handle) {
    struct tpm_entity entity = {.handle = handle, .name_size = sizeof(handle)};
    struct tpm_writer writer = tpm_write(entity.name, sizeof(entity.name));
    tpm_put_u32(&writer, handle);
    return entity;
}

bool tpm_name_entity(struct tpm_entity *entity, uint32_t handle, const void *public_area, size_t size) {
    struct tpm_writer writer = tpm_write(entity->name, sizeof(entity->name));
    entity->handle = handle;
    entity->name_size = sizeof(entity->name);
    tpm_put_u16(&writer, TPM_ALG_SHA256);
    return digest_of(public_area, size, entity->name + writer.size);
}

/* The TPM leaves zeros at the end of an authorisation value out of HMACs (part 1, 17.6.4.3). */
enum tpm_error tpm_take_auth(const struct tpm_auth *auth, struct tpm_bytes *taken) {
    *taken = (struct tpm_bytes){0};
    if (auth == NULL)
        return TPM_OK;
    if (auth->size > TPM_AUTH_MAX)
        return TPM_BAD_ARGUMENT;
    *taken = (struct tpm_bytes){auth->value, auth->size};
    while (taken->size > 0 && taken->start[taken->size - 1] == 0)
        taken->size--;
    return taken->size != 0 ? TPM_OK : TPM_BAD_ARGUMENT;
}

static struct session_value session_value(const struct tpm *tpm, struct tpm_bytes auth) {
    struct session_value value = {.size = sizeof(tpm->session_key)};
    memcpy(value.bytes, tpm->session_key, sizeof(tpm->session_key));
    if (auth.size != 0)
        memcpy(value.bytes + value.size, auth.start, auth.size);
    value.size += auth.size;
    return value;
}

/* AES-128-CFB in place, with key and IV from KDFa. @param newer, older nonces: the sender's first */
static bool crypt_parameter(const struct session_value *key, struct tpm_bytes newer, struct tpm_bytes older,
                            bool encrypt, uint8_t *data, size_t size) {
    uint8_t derived[DIGEST_SIZE];
    size_t offset = 0;
    mbedtls_aes_context aes;
    mbedtls_aes_init(&aes);
    bool good = kdf_a(key, "CFB", newer, older, derived) && mbedtls_aes_setkey_enc(&aes, derived, AES_KEY_BITS) == 0 &&
                mbedtls_aes_crypt_cfb128(&aes, encrypt ? MBEDTLS_AES_ENCRYPT : MBEDTLS_AES_DECRYPT, size, &offset,
                                         derived + AES_KEY_SIZE, data, data) == 0;
    mbedtls_aes_free(&aes);
    crypto_wipe(derived, sizeof(derived));
    return good;
}

/* Encrypts or decrypts the first of the parameters, which is a sized one, in place. */
static bool crypt_first(const struct session_value *key, struct tpm_bytes newer, struct tpm_bytes older, bool encrypt,
                        uint8_t *parameters, size_t size) {
    struct tpm_reader reader = tpm_read(parameters, size);
    struct tpm_bytes first = tpm_get_sized(&reader, size);
    return !reader.failed && crypt_parameter(key, newer, older, encrypt, parameters + sizeof(uint16_t), first.size);
}

/* Part 1, 17.6.5: the HMAC over a digest of the command or response, the nonces and the attributes. */
static bool authorize(const struct session_value *key, const uint8_t *digest, struct tpm_bytes newer,
                      struct tpm_bytes older, uint8_t attributes, uint8_t *mac) {
    uint8_t input[3 * DIGEST_SIZE + 1];
    struct tpm_writer writer = tpm_write(input, sizeof(input));
    tpm_put_bytes(&writer, digest, DIGEST_SIZE);
    tpm_put_bytes(&writer, newer.start, newer.size);
    tpm_put_bytes(&writer, older.start, older.size);
    tpm_put_u8(&writer, attributes);
    return !writer.failed && hmac(key, input, writer.size, mac);
}

static void add_u32(struct digest *digest, uint32_t value) {
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    digest_add(digest, bytes, sizeof(bytes));
}

/* Part 1, 16.7: cpHash. */
static bool command_digest(const struct tpm_call *call, const uint8_t *parameters, size_t size, uint8_t *result) {
    struct digest digest;
    digest_begin(&digest);
    add_u32(&digest, call->code);
    for (size_t i = 0; i < call->entity_count; i++)
        digest_add(&digest, call->entities[i].name, call->entities[i].name_size);
    digest_add(&digest, parameters, size);
    return digest_end(&digest, result);
}

/* Part 1, 16.8: rpHash, of a response that says that all went well. */
static bool response_digest(const struct tpm_call *call, struct tpm_bytes parameters, uint8_t *result) {
    struct digest digest;
    digest_begin(&digest);
    add_u32(&digest, 0);
    add_u32(&digest, call->code);
    digest_add(&digest, parameters.start, parameters.size);
    return digest_end(&digest, result);
}

struct tpm_writer tpm_call_begin(struct tpm *tpm, const struct tpm_call *call) {
    static const uint8_t empty_area[SESSION_AREA_SIZE];
    struct tpm_writer writer = tpm_begin(tpm, TPM_ST_SESSIONS, call->code);
    for (size_t i = 0; i < call->entity_count; i++)
        tpm_put_u32(&writer, call->entities[i].handle);
    tpm_put_u32(&writer, SESSION_AREA_SIZE);
    tpm_put_bytes(&writer, empty_area, sizeof(empty_area));
    return writer;
}

/* Encrypts the first parameter and fills in the session area. */
static bool seal_command(struct tpm *tpm, const struct tpm_call *call, const struct session_value *key,
                         struct tpm_writer *command) {
    uint8_t digest[DIGEST_SIZE], mac[DIGEST_SIZE];
    uint8_t attributes = TPMA_SESSION_CONTINUE | call->encryption;
    size_t start = TPM_HEADER_SIZE + call->entity_count * sizeof(uint32_t) + sizeof(uint32_t);
    uint8_t *parameters = tpm->command + start + SESSION_AREA_SIZE;
    size_t size = command->size - start - SESSION_AREA_SIZE;
    struct tpm_writer area = tpm_write(tpm->command + start, SESSION_AREA_SIZE);
    if ((attributes & TPMA_SESSION_DECRYPT) != 0 &&
        !crypt_first(key, nonce_caller(tpm), nonce_tpm(tpm), true, parameters, size))
        return false;
    if (!command_digest(call, parameters, size, digest) ||
        !authorize(key, digest, nonce_caller(tpm), nonce_tpm(tpm), attributes, mac))
        return false;
    tpm_put_u32(&area, tpm->session);
    tpm_put_sized(&area, tpm->nonce_caller, sizeof(tpm->nonce_caller));
    tpm_put_u8(&area, attributes);
    tpm_put_sized(&area, mac, sizeof(mac));
    return !area.failed;
}

/* Checks the session area that follows the parameters, then decrypts the first of these in the TPM's buffer. */
static enum tpm_error open_response(struct tpm *tpm, const struct tpm_call *call, const struct session_value *key,
                                    struct tpm_bytes parameters, struct tpm_reader *area) {
    uint8_t digest[DIGEST_SIZE], mac[DIGEST_SIZE];
    struct tpm_bytes nonce = tpm_get_sized(area, TPM_DIGEST_BYTES);
    uint8_t attributes = tpm_get_u8(area);
    struct tpm_bytes theirs = tpm_get_sized(area, TPM_DIGEST_BYTES);
    if (!tpm_read_end(area) || nonce.size < TPM_NONCE_MIN || theirs.size != DIGEST_SIZE)
        return TPM_BAD_ANSWER;
    take_nonce(tpm, nonce);
    if (!response_digest(call, parameters, digest) ||
        !authorize(key, digest, nonce_tpm(tpm), nonce_caller(tpm), attributes, mac))
        return TPM_FAILED;
    if (!crypto_equal(mac, theirs.start, sizeof(mac)) ||
        (attributes & TPMA_SESSION_ENCRYPT) != (call->encryption & TPMA_SESSION_ENCRYPT))
        return TPM_NOT_AUTHENTIC;
    if ((call->encryption & TPMA_SESSION_ENCRYPT) == 0)
        return TPM_OK;
    uint8_t *first = tpm->response + (parameters.start - tpm->response);
    return crypt_first(key, nonce_tpm(tpm), nonce_caller(tpm), false, first, parameters.size) ? TPM_OK : TPM_BAD_ANSWER;
}

static enum tpm_error run(struct tpm *tpm, const struct tpm_call *call, struct session_value *key,
                          struct tpm_writer *command, struct tpm_reader *parameters) {
    struct tpm_reader body;
    enum tpm_error error = new_nonce(tpm);
    if (error != TPM_OK)
        return error;
    if (command->failed || !seal_command(tpm, call, key, command))
        return TPM_FAILED;
    error = tpm_exchange(tpm, command, &body);
    if (error != TPM_OK)
        return error;
    if (call->new_auth != NULL) {
        crypto_wipe(key, sizeof(*key));
        *key = session_value(tpm, *call->new_auth);
    }
    struct tpm_bytes bytes = tpm_get_bytes(&body, tpm_get_u32(&body));
    error = open_response(tpm, call, key, bytes, &body);
    *parameters = tpm_read(bytes.start, bytes.size);
    return error;
}

enum tpm_error tpm_call_end(struct tpm *tpm, const struct tpm_call *call, struct tpm_writer *command,
                            struct tpm_reader *parameters) {
    struct session_value key = session_value(tpm, call->auth);
    enum tpm_error error = run(tpm, call, &key, command, parameters);
    crypto_wipe(&key, sizeof(key));
    crypto_wipe(tpm->command, sizeof(tpm->command)); // parameters, of which some are secrets
    return error;
}

enum tpm_error tpm_call_finish(struct tpm *tpm, const struct tpm_call *call, struct tpm_writer *command) {
    struct tpm_reader parameters;
    enum tpm_error error = tpm_call_end(tpm, call, command, &parameters);
    if (error != TPM_OK)
        return error;
    return tpm_read_end(&parameters) ? TPM_OK : TPM_BAD_ANSWER;
}
