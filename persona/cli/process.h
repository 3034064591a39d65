// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

/* Other programs, run without a shell. */

#include "cli.h"

enum { PROCESS_ERROR_SIZE = 512 };

/* Takes what a program prints, as it comes. @return false to give up */
typedef bool process_output(void *context, const void *bytes, size_t size);

struct process {
    const char *const *arguments; /* the first is found in PATH; NULL ends them */
    int input;                    /* what it reads; -1: nothing */
    process_output *output;       /* NULL: what it prints is not looked at */
    void *context;
    char error[PROCESS_ERROR_SIZE]; /* afterwards: the beginning of what it said on standard error, in one line */
};

/* Runs a program to its end. @return whether it ended with 0; otherwise `error` says why, and nothing was told yet */
bool process_run(struct process *process);

#endif
