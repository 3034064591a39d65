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

extern const struct verb verb_org_init, verb_org_show, verb_persona_create, verb_persona_update, verb_persona_issue,
    verb_persona_list, verb_persona_show, verb_device_enroll, verb_device_list, verb_device_show, verb_device_recover,
    verb_device_remove, verb_deliver, verb_install, verb_uninstall, verb_verify, verb_inspect, verb_usim_create,
    verb_usim_show, verb_usim_issue, verb_usim_export, verb_usim_import, verb_usim_remove, verb_usim_serve;

/* One option that a verb takes: with a value, or a flag. */
struct option_value {
    const char *name;  /* without dashes */
    const char **to;   /* set to the last one given */
    bool *flag;        /* or: set when it is given; it has no value then */
    const char **list; /* or: all that are given, at most list_room */
    size_t list_room;
    size_t *list_count;
};

/* Reads a verb's options, those of struct cli too, and moves what is none to the end.
 * @return arguments that are no options begin at this index; 0: wrong */
int cli_options(struct cli *cli, const struct option_value *options, size_t count, int argc, char **argv);

/* The same where one argument comes behind them. `needed` is told when it does not. @return its index;
 * 0: wrong */
int cli_options_and(struct cli *cli, const struct option_value *options, size_t count, int argc, char **argv,
                    const char *needed);

bool cli_has_organisation(const struct cli *cli);

/* A number in decimal digits. */
bool cli_number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *value);

/* ---- Results: a table of names and values, or JSON */

struct report {
    bool json;
    bool first;
    bool item; /* an item of a list begins with the next line */
    unsigned depth;
};

/* Prints text of which nothing is an order to a terminal: what is no text is escaped, for JSON as RFC 8259 7 has it. */
void print_escaped(FILE *to, const char *text, bool json);

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

/* ---- Progress of long work, on a terminal only */

/* Says how far it is, in bytes; `total` 0: that it begins. A line that is left is ended by cli_progress_end(), or by
 * the next error. */
void cli_progress(const char *what, uint64_t done, uint64_t total);
/* The same for what is counted one by one; `total` 0: it is not known. */
void cli_progress_count(const char *what, uint64_t done, uint64_t total);
void cli_progress_end(void);

/* ---- Long work that ends well when it is asked to end */

/* From now on an interrupt, SIGTERM, or that the terminal is closed, end nothing at once, nor does it that nobody reads
 * what is shown. */
void stop_when_asked(void);

bool stop_is_asked(void);

/* Waits until a descriptor is ready for POLLIN or POLLOUT. @return false: it is asked to end */
bool stop_or_ready(int file, short events);

/* Makes room for one more element of an array that is allocated. @param element its bytes; *room: elements, set to what
 * there is room for. @return the array; NULL: told, and the one before is as it was */
void *array_with_room(void *array, size_t element, size_t count, size_t *room);

/* ---- Files, random numbers, secrets */

enum { CLI_PATH_SIZE = 4096, CLI_PASSPHRASE_MAX = 128 };

/* What can't be looked at is there. */
bool path_is_there(const char *path);

/* Writes bytes as hexadecimal digits. @param hex 2 * size + 1 characters */
void hex_write(char *hex, const void *bytes, size_t size);

__attribute__((format(printf, 2, 3))) bool path_of(char *path, const char *format, ...);

/* Reads all of a stream, at most `room` bytes; `name` is told when that fails. */
bool file_read_stream(FILE *file, const char *name, void *bytes, size_t room, size_t *size);

/* Reads a file of at most `room` bytes. */
bool file_read(const char *path, void *bytes, size_t room, size_t *size);

/* Writes a file: whole, or not at all, also after a cut. `secret`: nobody else may read it. */
bool file_write(const char *path, const void *bytes, size_t size, bool secret);

/* Writes PATH.new, which is neither lasting nor in its place yet: when many files are written, one wait for the disk
 * then serves all of them. */
bool file_write_beside(const char *path, const void *bytes, size_t size, bool secret);

/* Puts PATH.new in its place; or, when not good, takes it away. @return whether it is there */
bool file_place(const char *path, bool good);

/* Copies a file in pieces, holes left as holes: whole, or not at all. */
bool file_copy(const char *from, const char *to);

/* A file that is being written beside its place. */
struct file_output {
    char path[CLI_PATH_SIZE];
    char beside[CLI_PATH_SIZE];
    int file; /* -1: none */
};

bool file_output_open(struct file_output *output, const char *path, bool secret);

/* Puts it in its place; or, when not good, takes it away. @return whether it is there */
bool file_output_close(struct file_output *output, bool good);

/* Writes all of it. */
bool descriptor_write(int file, const void *bytes, size_t size);

/* Makes a directory, with those above it, lastingly. */
bool directory_make(const char *path);

/* Makes lasting what changed in the directory that a path is in. */
bool directory_sync(const char *path);

/* Waits until no other flipside changes a directory, and keeps others waiting while *lock is open. */
bool directory_lock(const char *path, int *lock);

/* Random numbers of the kernel. */
bool host_random(struct random_stream *random);

struct passphrase {
    char text[CLI_PASSPHRASE_MAX];
    size_t size;
};

/* A secret that a user has. */
struct secret_wish {
    const char *what;   /* what it is called, such as "passphrase" */
    const char *option; /* the option that names the file */
    const char *file;   /* where it is, alone in its line; "-": standard input; NULL: it is asked for on the terminal */
    bool twice;         /* asked for twice, since it is a new one */
};

/* Gets a secret of at least one byte. The caller wipes it. */
bool secret_get(const struct secret_wish *wish, struct passphrase *passphrase);

/* From --passphrase-file, else from the terminal; `twice` for a new one. The caller wipes it. */
bool passphrase_get(const struct cli *cli, bool twice, struct passphrase *passphrase);

/* Asks a question that is answered by yes or no. `otherwise`: the option that answers it where there is no terminal.
 * @return whether it was yes; told when not */
bool terminal_confirm(const char *question, const char *otherwise);

#endif
