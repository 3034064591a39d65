// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWTPM_H
#define SWTPM_H

/* A TPM simulator (swtpm) of the test's own: with its state in a directory that goes with the test, and reached through
 * a socket there. */

#include <stdbool.h>
#include <sys/types.h>

#include "crypto/tpm.h"

struct swtpm {
    char directory[32];
    const char *state; /* the directory that it keeps its state in; NULL: the one above */
    pid_t process;
    int socket;
    unsigned waits; /* how often the caller was asked to wait */
};

/** @return whether the program is installed */
bool swtpm_is_there(void);

/** Makes a new TPM and switches it on. */
void swtpm_make(struct swtpm *swtpm);

/** Switches on the TPM whose state is in a directory, which stays. */
void swtpm_open(struct swtpm *swtpm, const char *state);

/** Switches it off, as by pulling the plug, and on again. */
void swtpm_restart(struct swtpm *swtpm);

/** Switches it off and removes what was made. */
void swtpm_remove(struct swtpm *swtpm);

/** @return the way to it */
struct tpm_transport swtpm_transport(struct swtpm *swtpm);

#endif
