// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_DEVICE_ROLL_H
#define CLI_DEVICE_ROLL_H

/* The roll of enrolled devices: a note that names all of them, with what each one's row in the record is. It is signed
 * anew at each enrolment and removal and compared with all rows at each use, so that no row is altered, added, taken
 * away, exchanged or put back unnoticed: keys would be sealed to whoever did that. */

#include "note.h"

enum { ROLL_DEVICES_MAX = 8192 };

/* A row of the table of devices. */
struct roll_row {
    const char *name;
    const void *thumbprint; /* P256_THUMBPRINT_SIZE bytes */
    const void *request;
    size_t request_size;
};

/* Compares the roll with the rows, and gives each row that is on it to `row`, in the order of their names. What `row`
 * was given counts only when all is well in the end. The row that is not as it was signed is told.
 * @param row NULL: they are only compared */
enum cli_exit device_roll_each(struct record *record, void (*row)(void *context, const struct roll_row *row),
                               void *context);

/* Changes the rows and signs them as they are then, both or none. They are compared before. Needs the signing key,
 * whose passphrase is asked for.
 * @param change carries out what is to be changed, in a transaction */
enum cli_exit device_roll_change(const struct cli *cli, struct record *record,
                                 bool (*change)(struct record *record, const void *context), const void *context);

#endif
