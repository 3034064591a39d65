// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_STORE_H
#define PERSONA_STORE_H

/**
 * The personas on a device, as the loader finds them:
 *
 *     flipside.conf                 optional
 *     personas/NAME/persona.conf    and the kernel and initrd that it names; or
 *     personas/NAME/a/, b/, grant   an encrypted persona, whatever else is there
 *
 * The caller gives access to the files (EFI's file protocol, a directory, a test's memory); nothing else of the device
 * is needed. What is damaged stays in the list, with the reason, so that the user can be told.
 */

#include "persona/config.h"

enum {
    STORE_PERSONAS_MAX = 8,
    STORE_REASON_SIZE = 128, /* bytes, with the final NUL */
    STORE_PATH_SIZE = 128,   /* bytes of a path, with the final NUL */
};

enum store_file_result {
    STORE_FILE_OK = 0,
    STORE_FILE_ABSENT, /* no such file or directory, or no such entry any more */
    STORE_FILE_FAILED, /* the medium or the file system failed */
    STORE_FILE_FULL,   /* written: there is no room on the medium, or it is write-protected */
};

/**
 * Access to the files of a store. Paths are relative to the store, with `/` between the parts, ASCII, without `.` or
 * `..`.
 */
struct store_files {
    void *context; /* given back to each function */

    /**
     * Names a directory's subdirectory number `index` (from 0, in any order that stays the same); other files do not
     * count, nor do `.` and `..`. A name longer than name_size is cut, with its NUL.
     */
    enum store_file_result (*list)(void *context, const char *path, size_t index, char *name, size_t name_size);

    /** Says how long a file is, in bytes. A directory of that name counts as absent. */
    enum store_file_result (*size)(void *context, const char *path, uint64_t *size);

    /** Reads exactly `size` bytes from `offset`; fewer is a failure. */
    enum store_file_result (*read)(void *context, const char *path, uint64_t offset, void *buffer, size_t size);
};

/**
 * Writing of the few files that a device writes itself, beside struct store_files. Each has a fixed size, so that once
 * it is there a change touches its data alone and neither its directory nor the file system's tables.
 */
struct store_write {
    void *context; /* given back to the function */

    /**
     * Writes all of a file, in place, and does not return before the medium has it. Where it is not there it is made,
     * with its directory; where it has another size it gets this one. A cut may leave any part of it old, new or
     * garbled, and nothing else changed.
     * @return STORE_FILE_OK, STORE_FILE_FAILED, STORE_FILE_FULL
     */
    enum store_file_result (*write)(void *context, const char *path, const void *data, size_t size);
};

enum store_status {
    STORE_READY = 0, /* a plain one */
    STORE_ENCRYPTED, /* signed and encrypted: vault.h has the rest */
    STORE_DAMAGED,   /* can't be started; the reason says why */
};

struct store_persona {
    char name[CONFIG_NAME_SIZE];      /* in small letters */
    char directory[CONFIG_NAME_SIZE]; /* as the file system spells it */
    enum store_status status;
    char reason[STORE_REASON_SIZE]; /* STORE_DAMAGED: one line without a full stop; "" otherwise */
    struct config_persona config;   /* STORE_READY only; the title is the name when none is given */
    uint64_t kernel_size;           /* bytes; STORE_READY only */
    uint64_t initrd_size;           /* bytes; 0: no initrd */
};

struct store {
    struct config_terminal terminal;
    char terminal_reason[STORE_REASON_SIZE]; /* why flipside.conf was not followed; "" when it was, or is not there */
    size_t persona_count;
    size_t left_out;        /* personas beyond STORE_PERSONAS_MAX */
    size_t default_persona; /* index of the one to start when nobody chooses; SIZE_MAX when none is ready */
    struct store_persona personas[STORE_PERSONAS_MAX]; /* sorted by name */
    char text[CONFIG_FILE_MAX];                        /* where configuration files are read to */
};

enum store_error {
    STORE_OK = 0,
    STORE_ABSENT, /* there is no directory `personas` */
    STORE_EMPTY,  /* no persona in it */
    STORE_FAILED, /* the file system failed */
};

/**
 * Reads all of a store but the kernels and initrds.
 * @param store all of it is written, also on failure
 * @return STORE_OK even when all personas are damaged; STORE_ABSENT, STORE_EMPTY, STORE_FAILED
 */
__attribute__((warn_unused_result)) enum store_error store_scan(struct store *store, const struct store_files *files);

/** Marks a persona as damaged for a reason found later (a kernel that does not unpack), and chooses the default anew.
 */
void store_mark_damaged(struct store *store, size_t index, const char *reason);

/**
 * Reads part of a persona's kernel or initrd.
 * @param offset bytes from the file's beginning
 * @param size   bytes; offset + size must lie within kernel_size or initrd_size
 * @return false when that can't be read
 */
__attribute__((warn_unused_result)) bool store_read_kernel(const struct store_persona *persona,
                                                           const struct store_files *files, uint64_t offset,
                                                           void *buffer, size_t size);

/** The same for the initrd. */
__attribute__((warn_unused_result)) bool store_read_initrd(const struct store_persona *persona,
                                                           const struct store_files *files, uint64_t offset,
                                                           void *buffer, size_t size);

/** @return the error's text, one line without a full stop; never NULL */
const char *store_error_text(enum store_error error);

#endif
