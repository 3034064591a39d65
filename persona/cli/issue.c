// SPDX-License-Identifier: BSD-3-Clause
#include "issue.h"

#include <string.h>

#include "crypto/hkdf.h"

enum cli_exit issue_read(struct record *record, const struct manifest *manifest, struct issued *issued) {
    static struct grant grant;
    const struct record_value values[] = {{.text = manifest->name}, {.text = issued->device.name}};
    struct delegation_trust trust = {record->root, record->epoch};
    issued->number = 0;
    issued->size = record_bytes(record, "SELECT grant FROM issue WHERE persona = ? AND device = ?", values, 2,
                                issued->file, sizeof(issued->file));
    if (issued->size == 0)
        return CLI_GOOD;
    struct grant_fault fault = grant_open(&grant, &trust, issued->file, issued->size);
    if (fault.error == GRANT_OK)
        fault.error = grant_check(&grant, manifest->id, issued->device.thumbprint, 0);
    if (fault.error == GRANT_OK) {
        issued->number = grant.number;
        return CLI_GOOD;
    }
    cli_error("the recorded grant of %s for %s: %s", manifest->name, issued->device.name, grant_fault_text(fault));
    return CLI_REFUSED;
}

static enum grant_error seal_with_code(struct grant *grant, const uint8_t *persona_key,
                                       const struct grant_target *target, struct random_stream *random,
                                       struct issued *issued) {
    char symbols[ACTIVATION_SYMBOLS];
    struct grant_target with_code = *target;
    with_code.code = symbols;
    if (activation_make(random, issued->code) != ACTIVATION_OK ||
        activation_read(issued->code, strlen(issued->code), symbols) != ACTIVATION_OK)
        return GRANT_NO_RANDOM;
    enum grant_error error = grant_seal(grant, persona_key, &with_code, random);
    crypto_wipe(symbols, sizeof(symbols));
    return error;
}

bool issue_grant(const struct record *record, const struct org_key *signing, struct grant *grant,
                 const uint8_t *persona_key, struct random_stream *random, bool without_code, struct issued *issued) {
    const struct grant_target target = {.device = &issued->device.enrolment.key, .escrow = &record->escrow};
    uint8_t delegation[DELEGATION_SIZE_MAX];
    struct cbor_bytes chain;
    bool plain = without_code || grant->unlock != MANIFEST_UNLOCK_PIN;
    grant->number = issued->number + 1;
    if (!persona_chain(record, &chain, delegation))
        return false;
    enum grant_error error = plain ? grant_seal(grant, persona_key, &target, random)
                                   : seal_with_code(grant, persona_key, &target, random, issued);
    if (error == GRANT_OK)
        error = grant_write(grant, &chain, 1, &signing->signer, issued->file, sizeof(issued->file), &issued->size);
    if (error != GRANT_OK)
        cli_error("grant for %s: %s", issued->device.name, grant_error_text(error));
    issued->number = grant->number;
    return error == GRANT_OK;
}

void issue_report_code(struct report *report, const struct issued *issued) {
    if (issued->code[0] != '\0')
        report_text(report, "activation-code", issued->code);
}

bool issue_note(struct record *record, const struct manifest *manifest, const struct issued *issued) {
    const struct record_value values[] = {{.text = manifest->name},
                                          {.text = issued->device.name},
                                          {.number = manifest->version},
                                          {.number = issued->number},
                                          {.bytes = issued->file, .size = issued->size}};
    return record_change(record,
                         "INSERT OR REPLACE INTO issue (persona, device, version, grant_number, grant)"
                         " VALUES (?, ?, ?, ?, ?)",
                         values, 5);
}

bool issue_write(const struct issued *issued, const char *name, const char *to) {
    char path[CLI_PATH_SIZE];
    return path_of(path, "%s/devices/%s", to, issued->device.hex) && directory_make(path) &&
           path_of(path, "%s/devices/%s/%s.grant", to, issued->device.hex, name) &&
           file_write(path, issued->file, issued->size, false);
}
