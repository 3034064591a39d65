// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_NOTE_H
#define CLI_NOTE_H

/* What the organisation noted down in its record and relies on later: signed by its signing key, in the role for
 * commands, so that whoever can write to the record can't change it (persona/cli/cli.cddl). */

#include "org_key.h"

/* Signs a note. `signing`: the open signing key; `object`: room bytes. */
bool note_write(const struct org_key *signing, const struct cose_content *content, uint8_t *object, size_t room,
                size_t *size);

/* Verifies a note, all of `object`. `what`: where it is in the organisation's directory, told when it is not genuine.
 * @param payload points into the object */
enum cli_exit note_read(const struct record *record, const char *what, const char *type, struct cbor_bytes object,
                        struct cbor_bytes *payload);

#endif
