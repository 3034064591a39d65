// SPDX-License-Identifier: BSD-3-Clause
#include "issue.h"

#include <string.h>

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

bool issue_grant(const struct record *record, const struct org_key *signing, struct grant *grant,
                 const uint8_t *persona_key, struct random_stream *random, struct issued *issued) {
    struct grant_target target = {&issued->device.enrolment.key, &record->escrow};
    uint8_t delegation[DELEGATION_SIZE_MAX];
    struct cbor_bytes chain;
    grant->number = issued->number + 1;
    if (!persona_chain(record, &chain, delegation))
        return false;
    enum grant_error error = grant_seal(grant, persona_key, &target, random);
    if (error == GRANT_OK)
        error = grant_write(grant, &chain, 1, &signing->signer, issued->file, sizeof(issued->file), &issued->size);
    if (error != GRANT_OK)
        cli_error("grant for %s: %s", issued->device.name, grant_error_text(error));
    issued->number = grant->number;
    return error == GRANT_OK;
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
