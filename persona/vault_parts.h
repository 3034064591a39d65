// SPDX-License-Identifier: BSD-3-Clause
#ifndef VAULT_PARTS_H
#define VAULT_PARTS_H

/* What the files of the vault have in common. A function that returns an error has left its reason in the vault. */

#include "persona/vault.h"

/* Of the TPM's counters, the one that the state's generation is kept in. */
enum { VAULT_COUNTER = 0 };

/* ---- vault_reason.c */

/* Ends a line of text with more; what does not fit is left out. `line` has STORE_REASON_SIZE bytes. */
void vault_say(char *line, const char *more);
void vault_say_number(char *line, uint64_t number);

/* Notes an error and its reason: "what: why", or why alone; NULL: the error's text. @return the error */
enum vault_error vault_fail(struct vault *vault, enum vault_error error, const char *what, const char *why);

/* The same for what a function of another component said. */
enum vault_error vault_fail_tpm(struct vault *vault, enum tpm_error error);
enum vault_error vault_fail_slots(struct vault *vault, enum slots_error error);

/* What a call ends with: when all went well, no reason of what was found on the way is left. @return the error */
enum vault_error vault_end(struct vault *vault, enum vault_error error);

/* ---- vault_files.c */

/* Path of a persona's file, "personas/NAME/FILE"; `path` has STORE_PATH_SIZE bytes. */
void vault_path(char *path, const char *name, const char *file);

/* Reads a file of at most `room` bytes; the rest of `data` is zeros, and so is all of it when the file is not there. Of
 * one that is longer nothing is read: it becomes bytes that are no object. */
enum vault_error vault_read(struct vault *vault, const char *path, uint8_t *data, size_t room, size_t *size);

/* Writes a file in place: `data`, then zeros up to `size` bytes, at most VAULT_CONTENT_FILE_MAX. `data` may be the
 * vault's buffer. */
enum vault_error vault_write(struct vault *vault, const char *path, const uint8_t *data, size_t used, size_t size);

/* Overwrites a file with zeros if it is there. */
enum vault_error vault_blank(struct vault *vault, const char *path);

/* Makes `next` the device's state: on the disk, then in the TPM's counter, then here. Twice where a TPM counts: whoever
 * cuts the power between a state and the counter can keep that state, put the one before back, and have another made of
 * the same generation. Nobody relies on a state until the counter is beyond both. */
enum vault_error vault_save(struct vault *vault, const struct state *next);

/* Raises the counter to the state's generation: it lags when the power was cut between both. */
enum vault_error vault_catch_up(struct vault *vault);

/* ---- vault_device.c */

enum vault_error vault_open_device(struct vault *vault);

/* ---- vault_activate.c */

/* Whether the grant that waits asks for a code that was not given yet. */
bool vault_needs_code(const struct vault *vault);

/* Opens the key in the grant that waits. */
enum vault_error vault_open_grant(struct vault *vault, uint8_t *persona_key);

/* ---- vault_look.c */

/* Looks at a persona as vault_look() does. */
enum vault_error vault_find(struct vault *vault, const char *name, struct vault_persona *persona);

/* Path of the copy of the slots that has a generation. */
void vault_slots_path(const struct vault *vault, uint64_t generation, char *path);

/* ---- vault_pin.c */

/* Adds a PIN slot, bound to the TPM where the device's key is. */
enum vault_error vault_add_pin(struct vault *vault, struct slots *slots, const uint8_t *persona_key, const void *pin,
                               size_t pin_size);

/* Opens the PIN slot, having counted the attempt. */
enum vault_error vault_open_pin(struct vault *vault, const void *pin, size_t pin_size, uint8_t *persona_key);

/* Writes slots to the copy that does not count. */
enum vault_error vault_write_slots(struct vault *vault, const struct slots *slots, const uint8_t *persona_key);

/* Wipes the copy of the slots that does not count: an earlier PIN opens it, or one of a change that was cut. Where this
 * fails or is cut, the next opening does it. */
void vault_wipe_old_slots(struct vault *vault);

/* Checks a persona's key against what the state and the slots say of it. */
enum vault_error vault_check_key(struct vault *vault, const uint8_t *persona_key);

/* ---- vault_version.c */

/* Chooses the version to start and opens its content key; `next` is the state to be. */
enum vault_error vault_choose(struct vault *vault, struct state *next, struct vault_unlocked *unlocked);

#endif
