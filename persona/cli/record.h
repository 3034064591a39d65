// SPDX-License-Identifier: BSD-3-Clause
#ifndef RECORD_H
#define RECORD_H

/* An organisation's directory: its keys, its personas' files, and what was done, in SQLite (organisation.db).
 *
 * The database is a notebook and nothing in it is relied on: keys come from the key files or a token, which the
 * passphrase or PIN authenticates; which devices there are, from the roll that the signing key signed (device_roll.h);
 * personas from signed manifests and grants. */

#include <sqlite3.h>

#include "cli.h"
#include "crypto/p256.h"
#include "key_file.h"
#include "persona/organisation.h"

struct record {
    sqlite3 *database;
    int lock; /* -1: others may change it meanwhile */
    const char *directory;
    char name[CONFIG_TITLE_SIZE];
    struct p256_public root;
    struct p256_public escrow;
    struct p256_public storage; /* content keys are kept sealed to it */
    uint64_t epoch;             /* of the delegations that are made now */
    uint8_t fingerprint[KEY_FILE_FINGERPRINT_SIZE];
};

/* A value in a statement: text, or bytes, or a number. */
struct record_value {
    const char *text;
    const void *bytes;
    size_t size;
    uint64_t number;
};

/* Computes the fingerprint of the public keys. */
bool record_fingerprint(struct record *record);

/* Writes the public keys and makes the database of a new organisation, whole or not at all; its lock is let go. */
bool record_make(struct record *record, const char *directory);

/* Opens the organisation of --org: its public keys, and what its root has signed of it. */
bool record_open(struct record *record, const struct cli *cli);

/* The same; nobody else changes it meanwhile: a grant's number, a version's and the roll follow from those before.
 * With --dry-run, nothing is to be changed. */
bool record_open_to_change(struct record *record, const struct cli *cli);

void record_close(struct record *record);

/* Makes the tables that a record of an earlier flipside has not. */
bool record_complete(struct record *record);

/* Carries out a statement without results; its question marks stand for the values. */
bool record_change(struct record *record, const char *statement, const struct record_value *values, size_t count);

/* @return the one number that a statement asks for; `none` when there is no row */
uint64_t record_number(struct record *record, const char *statement, const struct record_value *values, size_t count,
                       uint64_t none);

/* Reads one value of at most `room` bytes. @return its size; 0, without a word, when there is no row or it is longer */
size_t record_bytes(struct record *record, const char *statement, const struct record_value *values, size_t count,
                    void *bytes, size_t room);

/* Calls `row` for each row of the results. @return false, and told, when the database fails */
bool record_each(struct record *record, const char *statement, const struct record_value *values, size_t count,
                 void (*row)(void *context, sqlite3_stmt *row), void *context);

#endif
