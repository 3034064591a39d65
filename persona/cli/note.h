// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_NOTE_H
#define CLI_NOTE_H

/* What the organisation noted down and relies on later, in its record or in what is delivered: signed by its signing
 * key, in the role for commands, so that whoever can write to it can't change it (persona/cli/cli.cddl). */

#include "org_key.h"
#include "persona/delegation.h"

enum { NOTE_OVERHEAD = COSE_SIGN1_OVERHEAD + DELEGATION_SIZE_MAX + 16 /* bytes around what is noted */ };

/* Signs a note. `signing`: the open signing key; `note`: room bytes. */
bool note_write(const struct record *record, const struct org_key *signing, const struct cose_content *content,
                uint8_t *note, size_t room, size_t *size);

/* Verifies a note. `what` is told when it is not genuine.
 * @param payload points into the note */
enum cli_exit note_read(const struct delegation_trust *trust, const char *what, const char *type,
                        struct cbor_bytes note, struct cbor_bytes *payload);

/* @return whom the organisation's own notes are verified with */
struct delegation_trust note_trust(const struct record *record);

#endif
