// SPDX-License-Identifier: BSD-3-Clause
/* Counters in the TPM's non-volatile memory. Each authorises itself, with an empty value: whoever can send commands may
 * raise it, nobody may lower it. The session is there so that its value can't be forged on the bus. */
#include "tpm_format.h"

#include <string.h>

enum {
    /* Of the indices for the owner's use, 0x01800000 to 0x01bfffff (TCG Registry of Reserved Handles, 2.2) */
    COUNTER_BASE = 0x01a0f500,
    VALUE_SIZE = 8,
    PUBLIC_SIZE = 14, /* bytes of a TPMS_NV_PUBLIC without a policy (part 2, 13.5) */
    ATTRIBUTES = TPMA_NV_AUTHWRITE | TPMA_NV_COUNTER | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA,
};

static uint32_t index_of(uint32_t number) { return COUNTER_BASE + number; }

static void write_public(uint8_t *area, uint32_t number, uint32_t attributes) {
    struct tpm_writer writer = tpm_write(area, PUBLIC_SIZE);
    tpm_put_u32(&writer, index_of(number));
    tpm_put_u16(&writer, TPM_ALG_SHA256);
    tpm_put_u32(&writer, attributes);
    tpm_put_u16(&writer, 0); // no policy
    tpm_put_u16(&writer, VALUE_SIZE);
}

/* Nobody but us names the index: its public area has to be one of the two that we make. */
static enum tpm_error name_counter(uint32_t number, struct tpm_bytes area, struct tpm_entity *counter) {
    uint8_t fresh[PUBLIC_SIZE], written[PUBLIC_SIZE];
    write_public(fresh, number, ATTRIBUTES);
    write_public(written, number, ATTRIBUTES | TPMA_NV_WRITTEN);
    if (area.size != PUBLIC_SIZE ||
        (memcmp(area.start, fresh, PUBLIC_SIZE) != 0 && memcmp(area.start, written, PUBLIC_SIZE) != 0))
        return TPM_BAD_COUNTER;
    return tpm_name_entity(counter, index_of(number), area.start, area.size) ? TPM_OK : TPM_FAILED;
}

/* TPM2_NV_ReadPublic. */
static enum tpm_error find(struct tpm *tpm, uint32_t number, struct tpm_entity *counter) {
    struct tpm_reader body;
    struct tpm_writer command = tpm_begin(tpm, TPM_ST_NO_SESSIONS, TPM_CC_NV_READ_PUBLIC);
    tpm_put_u32(&command, index_of(number));
    enum tpm_error error = tpm_exchange(tpm, &command, &body);
    if (error == TPM_REFUSED && (tpm->code & TPM_RC_FORMAT_1_MASK) == TPM_RC_HANDLE)
        return TPM_NO_COUNTER;
    if (error != TPM_OK)
        return error;
    struct tpm_bytes area = tpm_get_sized(&body, TPM_RESPONSE_MAX);
    (void)tpm_get_sized(&body, TPM_RESPONSE_MAX); // its name, which is made here
    return tpm_read_end(&body) ? name_counter(number, area, counter) : TPM_BAD_ANSWER;
}

static enum tpm_error open_counter(struct tpm *tpm, uint32_t number, struct tpm_entity *counter) {
    if (number >= TPM_COUNTERS_MAX)
        return TPM_BAD_ARGUMENT;
    enum tpm_error error = tpm_need_session(tpm);
    return error == TPM_OK ? find(tpm, number, counter) : error;
}

/* TPM2_NV_DefineSpace. */
static enum tpm_error define(struct tpm *tpm, uint32_t number) {
    uint8_t area[PUBLIC_SIZE];
    const struct tpm_call call = {
        .code = TPM_CC_NV_DEFINE_SPACE, .entities = {tpm_permanent(TPM_RH_OWNER)}, .entity_count = 1};
    struct tpm_writer command = tpm_call_begin(tpm, &call);
    tpm_put_sized(&command, NULL, 0); // no authorisation value
    write_public(area, number, ATTRIBUTES);
    tpm_put_sized(&command, area, sizeof(area));
    enum tpm_error error = tpm_call_finish(tpm, &call, &command);
    return error == TPM_WRONG_AUTH ? TPM_OWNED : error;
}

/* A command in which the counter authorises itself. */
static struct tpm_call call_of(uint32_t code, const struct tpm_entity *counter) {
    return (struct tpm_call){.code = code, .entities = {*counter, *counter}, .entity_count = 2};
}

/* TPM2_NV_Increment. */
static enum tpm_error increment(struct tpm *tpm, const struct tpm_entity *counter) {
    const struct tpm_call call = call_of(TPM_CC_NV_INCREMENT, counter);
    struct tpm_writer command = tpm_call_begin(tpm, &call);
    return tpm_call_finish(tpm, &call, &command);
}

/* TPM2_NV_Read. */
static enum tpm_error read_value(struct tpm *tpm, const struct tpm_entity *counter, uint64_t *value) {
    struct tpm_reader parameters;
    const struct tpm_call call = call_of(TPM_CC_NV_READ, counter);
    struct tpm_writer command = tpm_call_begin(tpm, &call);
    tpm_put_u16(&command, VALUE_SIZE);
    tpm_put_u16(&command, 0); // offset
    enum tpm_error error = tpm_call_end(tpm, &call, &command, &parameters);
    if (error == TPM_REFUSED && tpm->code == TPM_RC_NV_UNINITIALIZED)
        return TPM_NO_COUNTER; // its making was cut off
    if (error != TPM_OK)
        return error;
    uint16_t size = tpm_get_u16(&parameters);
    uint64_t read = tpm_get_u64(&parameters);
    if (!tpm_read_end(&parameters) || size != VALUE_SIZE)
        return TPM_BAD_ANSWER;
    *value = read;
    return TPM_OK;
}

enum tpm_error tpm_counter_read(struct tpm *tpm, uint32_t number, uint64_t *value) {
    struct tpm_entity counter;
    *value = 0;
    enum tpm_error error = open_counter(tpm, number, &counter);
    return error == TPM_OK ? read_value(tpm, &counter, value) : error;
}

enum tpm_error tpm_counter_raise(struct tpm *tpm, uint32_t number, uint64_t *value) {
    struct tpm_entity counter;
    *value = 0;
    enum tpm_error error = open_counter(tpm, number, &counter);
    if (error == TPM_OK)
        error = increment(tpm, &counter);
    // The first increment changes the attributes, and with them the name.
    return error == TPM_OK ? tpm_counter_read(tpm, number, value) : error;
}

enum tpm_error tpm_counter_make(struct tpm *tpm, uint32_t number, uint64_t *value) {
    struct tpm_entity counter;
    *value = 0;
    enum tpm_error error = open_counter(tpm, number, &counter);
    if (error == TPM_NO_COUNTER)
        error = define(tpm, number);
    if (error == TPM_OK)
        error = tpm_counter_read(tpm, number, value);
    // A counter has no value before its first increment: a new one, or one whose making was cut off here.
    return error == TPM_NO_COUNTER ? tpm_counter_raise(tpm, number, value) : error;
}

enum tpm_error tpm_counter_remove(struct tpm *tpm, uint32_t number) {
    struct tpm_entity counter;
    enum tpm_error error = open_counter(tpm, number, &counter);
    if (error != TPM_OK)
        return error;
    const struct tpm_call call = {
        .code = TPM_CC_NV_UNDEFINE_SPACE, .entities = {tpm_permanent(TPM_RH_OWNER), counter}, .entity_count = 2};
    struct tpm_writer command = tpm_call_begin(tpm, &call);
    error = tpm_call_finish(tpm, &call, &command);
    return error == TPM_WRONG_AUTH ? TPM_OWNED : error;
}
