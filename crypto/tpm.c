// SPDX-License-Identifier: BSD-3-Clause
/* Commands without sessions, and the way that all commands go. */
#include "crypto/tpm.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "tpm_format.h"

enum {
    TRIES_MAX = 250, /* with the wait: 5 seconds */
    WAIT_MS = 20,
    PROPERTIES_MAX = 4,
    HANDLES_MAX = 16,
    FLUSH_ROUNDS_MAX = 8, /* more than any TPM has room for */
    SIZE_OFFSET = 2,      /* in a header */
};

struct tpm_writer tpm_begin(struct tpm *tpm, uint32_t tag, uint32_t code) {
    struct tpm_writer writer = tpm_write(tpm->command, sizeof(tpm->command));
    tpm_put_u16(&writer, tag);
    tpm_put_u32(&writer, 0); // the size, once it is known
    tpm_put_u32(&writer, code);
    return writer;
}

struct tpm_writer tpm_begin_without_password(struct tpm *tpm, uint32_t code, uint32_t handle) {
    struct tpm_writer writer = tpm_begin(tpm, TPM_ST_SESSIONS, code);
    tpm_put_u32(&writer, handle);
    tpm_put_u32(&writer, TPM_PASSWORD_AREA_SIZE);
    tpm_put_u32(&writer, TPM_RS_PW);
    tpm_put_u16(&writer, 0); // no nonce
    tpm_put_u8(&writer, 0);
    tpm_put_u16(&writer, 0); // no password
    return writer;
}

struct tpm_reader tpm_parameters_without_password(struct tpm_reader *body) {
    struct tpm_bytes bytes = tpm_get_bytes(body, tpm_get_u32(body));
    struct tpm_reader parameters = tpm_read(bytes.start, bytes.size);
    (void)tpm_get_bytes(body, 2 + 1 + 2); // no nonce, attributes, no HMAC
    parameters.failed = !tpm_read_end(body);
    return parameters;
}

static bool sent_again(uint32_t code) { return tpm_error_of(code) == TPM_BUSY; }

/* One command, one response. @return TPM_OK when there is a response, whose code then is in tpm->code */
static enum tpm_error submit(struct tpm *tpm, const struct tpm_writer *command, struct tpm_reader *body) {
    size_t size = tpm->transport.submit(tpm->transport.context, command->start, command->size, tpm->response,
                                        sizeof(tpm->response));
    if (size == 0 || size > sizeof(tpm->response))
        return TPM_NO_ANSWER;
    *body = tpm_read(tpm->response, size);
    uint16_t tag = tpm_get_u16(body);
    uint32_t stated = tpm_get_u32(body);
    uint32_t code = tpm_get_u32(body);
    // An error has no session area, whatever the command had (part 1, 18.10).
    unsigned expected = code == 0 ? (unsigned)command->start[0] << 8 | command->start[1] : (unsigned)TPM_ST_NO_SESSIONS;
    if (body->failed || stated != size || tag != expected || (code != 0 && body->left != 0))
        return TPM_BAD_ANSWER;
    tpm->code = code;
    return TPM_OK;
}

enum tpm_error tpm_exchange(struct tpm *tpm, struct tpm_writer *command, struct tpm_reader *body) {
    if (command->failed)
        return TPM_FAILED;
    struct tpm_writer size = tpm_write(command->start + SIZE_OFFSET, sizeof(uint32_t));
    tpm_put_u32(&size, (uint32_t)command->size);
    tpm->code = 0;
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        enum tpm_error error = submit(tpm, command, body);
        if (error != TPM_OK)
            return error;
        if (!sent_again(tpm->code))
            break;
        tpm->transport.wait(tpm->transport.context, WAIT_MS);
    }
    return tpm_error_of(tpm->code);
}

/* A command with one parameter of 2 bytes, and a response with none: TPM2_Startup, TPM2_Shutdown. */
static enum tpm_error start_or_end(struct tpm *tpm, uint32_t code) {
    struct tpm_reader body;
    struct tpm_writer command = tpm_begin(tpm, TPM_ST_NO_SESSIONS, code);
    tpm_put_u16(&command, TPM_SU_CLEAR);
    enum tpm_error error = tpm_exchange(tpm, &command, &body);
    if (error != TPM_OK)
        return error;
    return tpm_read_end(&body) ? TPM_OK : TPM_BAD_ANSWER;
}

enum tpm_error tpm_open(struct tpm *tpm, const struct tpm_transport *transport, struct random_stream *random) {
    memset(tpm, 0, sizeof(*tpm));
    tpm->transport = *transport;
    tpm->random = random;
    enum tpm_error error = start_or_end(tpm, TPM_CC_STARTUP);
    return error == TPM_REFUSED && tpm->code == TPM_RC_INITIALIZE ? TPM_OK : error;
}

void tpm_flush(struct tpm *tpm, uint32_t handle) {
    struct tpm_reader body;
    uint32_t code = tpm->code;
    if (handle == 0)
        return;
    struct tpm_writer command = tpm_begin(tpm, TPM_ST_NO_SESSIONS, TPM_CC_FLUSH_CONTEXT);
    tpm_put_u32(&command, handle);
    // What is not there any more is freed all the same; the code stays that of what went wrong before.
    enum tpm_error flushed = tpm_exchange(tpm, &command, &body);
    (void)flushed;
    tpm->code = code;
}

void tpm_close(struct tpm *tpm) {
    if (tpm->transport.submit != NULL) {
        tpm_flush(tpm, tpm->session);
        tpm_flush(tpm, tpm->parent);
        (void)start_or_end(tpm, TPM_CC_SHUTDOWN);
    }
    crypto_wipe(tpm, sizeof(*tpm));
}

/* Begins TPM2_GetCapability, sends it, and reads its answer up to the list. @param count out: entries of the list */
static enum tpm_error get_capability(struct tpm *tpm, uint32_t capability, uint32_t first, uint32_t *count,
                                     struct tpm_reader *body) {
    struct tpm_writer command = tpm_begin(tpm, TPM_ST_NO_SESSIONS, TPM_CC_GET_CAPABILITY);
    tpm_put_u32(&command, capability);
    tpm_put_u32(&command, first);
    tpm_put_u32(&command, *count);
    enum tpm_error error = tpm_exchange(tpm, &command, body);
    if (error != TPM_OK)
        return error;
    (void)tpm_get_u8(body); // whether there are more
    bool good = tpm_get_u32(body) == capability;
    uint32_t asked = *count;
    *count = tpm_get_u32(body);
    return good && !body->failed && *count <= asked ? TPM_OK : TPM_BAD_ANSWER;
}

/* Reads `count` properties from `first` on (TPM2_GetCapability); all of them must be there. */
static enum tpm_error get_properties(struct tpm *tpm, uint32_t first, uint32_t *values, uint32_t count) {
    struct tpm_reader body;
    uint32_t given = count;
    enum tpm_error error = get_capability(tpm, TPM_CAP_TPM_PROPERTIES, first, &given, &body);
    if (error != TPM_OK)
        return error;
    bool good = given == count;
    for (uint32_t i = 0; i < count && good; i++) {
        good &= tpm_get_u32(&body) == first + i;
        values[i] = tpm_get_u32(&body);
    }
    return good && tpm_read_end(&body) ? TPM_OK : TPM_BAD_ANSWER;
}

/* Frees the first ones of those whose handles begin with this type. @param count out: how many there were */
static enum tpm_error flush_some(struct tpm *tpm, uint32_t type, uint32_t *count) {
    struct tpm_reader body;
    uint32_t handles[HANDLES_MAX];
    *count = HANDLES_MAX;
    enum tpm_error error = get_capability(tpm, TPM_CAP_HANDLES, type << TPM_HT_SHIFT, count, &body);
    if (error != TPM_OK)
        return error;
    for (uint32_t i = 0; i < *count; i++)
        handles[i] = tpm_get_u32(&body);
    if (!tpm_read_end(&body))
        return TPM_BAD_ANSWER;
    for (uint32_t i = 0; i < *count; i++)
        tpm_flush(tpm, handles[i]);
    return TPM_OK;
}

enum tpm_error tpm_flush_left(struct tpm *tpm) {
    static const uint32_t types[] = {TPM_HT_TRANSIENT, TPM_HT_HMAC_SESSION};
    enum tpm_error error = TPM_OK;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        uint32_t count = 1;
        for (unsigned rounds = 0; rounds < FLUSH_ROUNDS_MAX && count != 0 && error == TPM_OK; rounds++)
            error = flush_some(tpm, types[i], &count);
    }
    return error;
}

enum tpm_error tpm_manufacturer(struct tpm *tpm, char *text) {
    uint32_t value = 0;
    memset(text, 0, TPM_MANUFACTURER_SIZE);
    enum tpm_error error = get_properties(tpm, TPM_PT_MANUFACTURER, &value, 1);
    for (unsigned i = 0; i < TPM_MANUFACTURER_SIZE - 1 && error == TPM_OK; i++) {
        char letter = (char)(value >> (24 - 8 * i) & 0x7f);
        text[i] = letter; // ends at a NUL
        if (letter != '\0' && (letter < ' ' || letter > '~'))
            text[i] = '?';
    }
    return error;
}

enum tpm_error tpm_lockout(struct tpm *tpm, struct tpm_lockout *lockout) {
    uint32_t permanent = 0;
    uint32_t values[PROPERTIES_MAX] = {0};
    memset(lockout, 0, sizeof(*lockout));
    enum tpm_error error = get_properties(tpm, TPM_PT_PERMANENT, &permanent, 1);
    if (error == TPM_OK)
        error = get_properties(tpm, TPM_PT_LOCKOUT_COUNTER, values, PROPERTIES_MAX);
    if (error != TPM_OK)
        return error;
    lockout->failures = values[0];
    lockout->allowed = values[1];
    lockout->interval_s = values[2];
    lockout->recovery_s = values[3];
    lockout->locked = (permanent & TPMA_PERMANENT_IN_LOCKOUT) != 0 || values[0] >= values[1];
    lockout->guarded = (permanent & TPMA_PERMANENT_LOCKOUT_AUTH_SET) != 0;
    lockout->left = lockout->locked ? 0 : values[1] - values[0];
    return TPM_OK;
}

enum tpm_error tpm_random(struct tpm *tpm, uint8_t *output, size_t size) {
    struct tpm_reader body;
    memset(output, 0, size);
    if (size > TPM_RANDOM_MAX)
        return TPM_BAD_ARGUMENT;
    struct tpm_writer command = tpm_begin(tpm, TPM_ST_NO_SESSIONS, TPM_CC_GET_RANDOM);
    tpm_put_u16(&command, (uint32_t)size);
    enum tpm_error error = tpm_exchange(tpm, &command, &body);
    if (error != TPM_OK)
        return error;
    struct tpm_bytes bytes = tpm_get_sized(&body, size);
    if (!tpm_read_end(&body) || bytes.size != size)
        return TPM_BAD_ANSWER;
    memcpy(output, bytes.start, size);
    crypto_wipe(tpm->response, sizeof(tpm->response));
    return TPM_OK;
}
