// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_H
#define CLI_H

/* What the verbs of flipside have in common. A failure is told on standard error where it arises; functions that return
 * bool have done so when they return false. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "crypto/random.h"

enum cli_exit {
    CLI_GOOD = 0,
    CLI_FAILED = 1,  /* a file or the database could not be read or written, or a value does not fit */
    CLI_USAGE = 2,   /* options that are not known, or missing */
    CLI_REFUSED = 3, /* wrong passphrase, or an object that is not genuine */
};

/* Options that all verbs take. */
struct cli {
    bool json;
    bool dry_run;
    const char *organisation; /* directory */
    const char *passphrase_file;
};

/* Says what is wrong, and what to do, in one line. */
__attribute__((format(printf, 1, 2))) void cli_error(const char *format, ...);

/* A verb: `help` is printed for --help; `run` gets the arguments from the verb's last word on. */
struct verb {
    const char *words[2]; /* the second may be NULL */
    const char *summary;
    const char *help;
    enum cli_exit (*run)(struct cli *cli, int argc, char **argv);
};

extern const struct verb verb_org_init, verb_persona_create, verb_persona_issue, verb_inspect;

/* One option with a value that a verb takes. */
struct option_value {
    const char *name;  /* without dashes */
    const char **to;   /* set to the last one given */
    const char **list; /* or: all that are given, at most list_room; then `to` is NULL */
    size_t list_room;
    size_t *list_count;
};

/* Reads a verb's options, those of struct cli too. @return arguments that are no options begin at this index; 0: wrong
 */
int cli_options(struct cli *cli, const struct option_value *options, size_t count, int argc, char **argv);

/* A number in decimal digits. */
bool cli_number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *value);

/* ---- Results: a table of names and values, or JSON */

struct report {
    bool json;
    bool first;
    unsigned depth;
};

struct report report_begin(const struct cli *cli);
void report_text(struct report *report, const char *name, const char *value);
void report_number(struct report *report, const char *name, uint64_t value);
void report_hex(struct report *report, const char *name, const void *bytes, size_t size);
void report_bool(struct report *report, const char *name, bool value);
void report_list_begin(struct report *report, const char *name);
void report_item_begin(struct report *report);
void report_item_end(struct report *report);
void report_list_end(struct report *report);
void report_end(struct report *report);

/* ---- Files, random numbers, secrets */

enum { CLI_PATH_SIZE = 4096, CLI_PASSPHRASE_MAX = 128 };

__attribute__((format(printf, 2, 3))) bool path_of(char *path, const char *format, ...);

/* Reads a file of at most `room` bytes. */
bool file_read(const char *path, void *bytes, size_t room, size_t *size);

/* Writes a file: whole, or not at all. `secret`: nobody else may read it. */
bool file_write(const char *path, const void *bytes, size_t size, bool secret);

/* Makes a directory, with those above it. */
bool directory_make(const char *path);

/* Random numbers of the kernel. */
bool host_random(struct random_stream *random);

struct passphrase {
    char text[CLI_PASSPHRASE_MAX];
    size_t size;
};

/* From --passphrase-file, else from the terminal; `twice` for a new one. The caller wipes it. */
bool passphrase_get(const struct cli *cli, bool twice, struct passphrase *passphrase);

#endif
