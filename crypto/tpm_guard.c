// SPDX-License-Identifier: BSD-3-Clause
/* The lock-out's own authorisation: limits, password, and lifting it. */
#include "tpm_format.h"

static struct tpm_call call_of(uint32_t code, struct tpm_bytes password) {
    return (struct tpm_call){
        .code = code, .entities = {tpm_permanent(TPM_RH_LOCKOUT)}, .entity_count = 1, .auth = password};
}

/* TPM2_DictionaryAttackParameters. */
static enum tpm_error set_limits(struct tpm *tpm, struct tpm_bytes password, const struct tpm_limits *limits) {
    const struct tpm_call call = call_of(TPM_CC_DICTIONARY_ATTACK_PARAMETERS, password);
    struct tpm_writer command = tpm_call_begin(tpm, &call);
    tpm_put_u32(&command, limits->allowed);
    tpm_put_u32(&command, limits->interval_s);
    tpm_put_u32(&command, limits->recovery_s);
    return tpm_call_finish(tpm, &call, &command);
}

/* TPM2_HierarchyChangeAuth; the new password goes encrypted, and the response is authorised by it. */
static enum tpm_error set_password(struct tpm *tpm, struct tpm_bytes old, struct tpm_bytes password) {
    struct tpm_call call = call_of(TPM_CC_HIERARCHY_CHANGE_AUTH, old);
    call.encryption = TPMA_SESSION_DECRYPT;
    call.new_auth = &password;
    struct tpm_writer command = tpm_call_begin(tpm, &call);
    tpm_put_sized(&command, password.start, password.size);
    return tpm_call_finish(tpm, &call, &command);
}

enum tpm_error tpm_guard(struct tpm *tpm, const struct tpm_auth *old, const struct tpm_auth *password,
                         const struct tpm_limits *limits) {
    struct tpm_bytes before, after;
    enum tpm_error error = tpm_take_auth(old, &before);
    if (error == TPM_OK)
        error = tpm_take_auth(password, &after);
    if (error != TPM_OK)
        return error;
    if (password == NULL || limits->allowed == 0 || limits->interval_s == 0)
        return TPM_BAD_ARGUMENT;
    error = tpm_need_session(tpm);
    if (error == TPM_OK)
        error = set_limits(tpm, before, limits);
    return error == TPM_OK ? set_password(tpm, before, after) : error;
}

enum tpm_error tpm_lift_lockout(struct tpm *tpm, const struct tpm_auth *password) {
    struct tpm_bytes taken;
    enum tpm_error error = tpm_take_auth(password, &taken);
    if (error == TPM_OK)
        error = tpm_need_session(tpm);
    if (error != TPM_OK)
        return error;
    const struct tpm_call call = call_of(TPM_CC_DICTIONARY_ATTACK_LOCK_RESET, taken);
    struct tpm_writer command = tpm_call_begin(tpm, &call);
    return tpm_call_finish(tpm, &call, &command);
}
