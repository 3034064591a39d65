// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_ISSUE_H
#define CLI_ISSUE_H

/* What was issued to a device: its grant, in the record and in the directory of what is to be delivered. */

#include "device.h"
#include "persona.h"
#include "persona/grant.h"

struct issued {
    struct device device;
    uint64_t number; /* of the grant; 0: none yet */
    uint8_t file[GRANT_SIZE_MAX];
    size_t size;
    char code[ACTIVATION_TEXT_SIZE]; /* of a grant that was made now and asks for it; it is nowhere else */
};

/* Reads what the record has of a persona on a device and verifies the grant; number 0 when there is none. */
enum cli_exit issue_read(struct record *record, const struct manifest *manifest, struct issued *issued);

/* Signs a grant into `issued`, with the number after the one it has.
 * @param without_code the grant asks for no activation code even where the user sets a PIN */
bool issue_grant(const struct record *record, const struct org_key *signing, struct grant *grant,
                 const uint8_t *persona_key, struct random_stream *random, bool without_code, struct issued *issued);

/* Reports the activation code, if there is one. */
void issue_report_code(struct report *report, const struct issued *issued);

/* Notes the grant and the version. */
bool issue_note(struct record *record, const struct manifest *manifest, const struct issued *issued);

/* Writes the grant to TO/devices/THUMBPRINT/NAME.grant. */
bool issue_write(const struct issued *issued, const char *name, const char *to);

#endif
