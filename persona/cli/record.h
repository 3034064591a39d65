// SPDX-License-Identifier: BSD-3-Clause
#ifndef RECORD_H
#define RECORD_H

/* An organisation's directory: its keys, its personas' files, and what was done, in SQLite (organisation.db). */

#include <sqlite3.h>

#include "cli.h"
#include "crypto/p256.h"

struct record {
    sqlite3 *database;
    const char *directory;
    char name[64];
    struct p256_public root;
    struct p256_public escrow;
    uint64_t epoch; /* of the delegations that are made now */
};

/* A value in a statement: text, or bytes, or a number. */
struct record_value {
    const char *text;
    const void *bytes;
    size_t size;
    uint64_t number;
};

/* Makes the database of a new organisation, which record->name and the keys describe. */
bool record_make(struct record *record, const char *directory);

/* Opens that of --org. */
bool record_open(struct record *record, const struct cli *cli);

void record_close(struct record *record);

/* Carries out a statement without results; its question marks stand for the values. */
bool record_change(struct record *record, const char *statement, const struct record_value *values, size_t count);

/* @return the one number that a statement asks for; `none` when there is no row */
uint64_t record_number(struct record *record, const char *statement, const struct record_value *values, size_t count,
                       uint64_t none);

/* Reads one value of bytes. @return false, without a word, when there is no row or it has another size */
bool record_bytes(struct record *record, const char *statement, const struct record_value *values, size_t count,
                  void *bytes, size_t size);

#endif
