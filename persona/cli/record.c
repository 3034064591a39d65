// SPDX-License-Identifier: BSD-3-Clause
#define _POSIX_C_SOURCE 200809L
#include "record.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/cose_key.h"
#include "crypto/digest.h"

/* Raised with the tables. */
enum { SCHEMA_VERSION = 3, BUSY_MS = 10000 /* that another flipside may take to note something down */ };

static const char schema[] =
    "CREATE TABLE persona (name TEXT PRIMARY KEY, id BLOB NOT NULL UNIQUE);"
    "CREATE TABLE version (persona TEXT NOT NULL REFERENCES persona, version INTEGER NOT NULL,"
    " made INTEGER NOT NULL DEFAULT (unixepoch()), PRIMARY KEY (persona, version));"
    "CREATE TABLE device (name TEXT PRIMARY KEY, thumbprint BLOB NOT NULL UNIQUE, request BLOB NOT NULL,"
    " enrolled INTEGER NOT NULL DEFAULT (unixepoch()));"
    "CREATE TABLE roll (only INTEGER PRIMARY KEY CHECK (only = 1), object BLOB NOT NULL);"
    "CREATE TABLE issue (persona TEXT NOT NULL REFERENCES persona, device TEXT NOT NULL REFERENCES device,"
    " version INTEGER NOT NULL, grant_number INTEGER NOT NULL, grant BLOB NOT NULL,"
    " issued INTEGER NOT NULL DEFAULT (unixepoch()), PRIMARY KEY (persona, device));"
    "PRAGMA user_version = 3;";

/* What came after the tables above, for which nobody makes the directory anew: the number of a device's last USIM; what
 * a device had that was removed, should it be enrolled again; and which device has which USIM. */
static const char later_schema[] =
    "CREATE TABLE IF NOT EXISTS usim (device TEXT PRIMARY KEY REFERENCES device, number INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS removed (thumbprint BLOB PRIMARY KEY, name TEXT NOT NULL, usim INTEGER,"
    " removed INTEGER NOT NULL DEFAULT (unixepoch()));"
    "CREATE TABLE IF NOT EXISTS removed_issue (thumbprint BLOB NOT NULL REFERENCES removed,"
    " persona TEXT NOT NULL REFERENCES persona, version INTEGER NOT NULL, grant_number INTEGER NOT NULL,"
    " grant BLOB NOT NULL, issued INTEGER NOT NULL, PRIMARY KEY (thumbprint, persona));"
    "CREATE TABLE IF NOT EXISTS usim_holder (iccid TEXT PRIMARY KEY, card BLOB NOT NULL, thumbprint BLOB NOT NULL);";

static const char *const public_names[] = {"root.pub", "escrow.pub", "storage.pub"};

enum { PUBLIC_KEYS = sizeof(public_names) / sizeof(public_names[0]) };

static bool say(const struct record *record) {
    cli_error("%s/organisation.db: %s", record->directory, sqlite3_errmsg(record->database));
    return false;
}

static bool open_database(struct record *record, const char *path, int flags) {
    record->database = NULL;
    if (sqlite3_open_v2(path, &record->database, flags, NULL) == SQLITE_OK &&
        sqlite3_busy_timeout(record->database, BUSY_MS) == SQLITE_OK &&
        sqlite3_exec(record->database, "PRAGMA foreign_keys = ON", NULL, NULL, NULL) == SQLITE_OK)
        return true;
    (void)say(record);
    record_close(record);
    return false;
}

static sqlite3_stmt *prepare(const struct record *record, const char *statement, const struct record_value *values,
                             size_t count) {
    sqlite3_stmt *prepared = NULL;
    int result = sqlite3_prepare_v2(record->database, statement, -1, &prepared, NULL);
    for (size_t i = 0; i < count && result == SQLITE_OK; i++) {
        int at = (int)i + 1;
        if (values[i].text != NULL)
            result = sqlite3_bind_text(prepared, at, values[i].text, -1, SQLITE_TRANSIENT);
        else if (values[i].bytes != NULL)
            result = sqlite3_bind_blob(prepared, at, values[i].bytes, (int)values[i].size, SQLITE_TRANSIENT);
        else
            result = sqlite3_bind_int64(prepared, at, (sqlite3_int64)values[i].number);
    }
    if (result == SQLITE_OK)
        return prepared;
    (void)say(record);
    (void)sqlite3_finalize(prepared);
    return NULL;
}

bool record_complete(struct record *record) {
    return sqlite3_exec(record->database, later_schema, NULL, NULL, NULL) == SQLITE_OK || say(record);
}

bool record_change(struct record *record, const char *statement, const struct record_value *values, size_t count) {
    sqlite3_stmt *prepared = prepare(record, statement, values, count);
    if (prepared == NULL)
        return false;
    bool good = sqlite3_step(prepared) == SQLITE_DONE;
    if (!good)
        (void)say(record);
    (void)sqlite3_finalize(prepared);
    return good;
}

uint64_t record_number(struct record *record, const char *statement, const struct record_value *values, size_t count,
                       uint64_t none) {
    sqlite3_stmt *prepared = prepare(record, statement, values, count);
    uint64_t number = none;
    if (prepared != NULL && sqlite3_step(prepared) == SQLITE_ROW && sqlite3_column_type(prepared, 0) != SQLITE_NULL)
        number = (uint64_t)sqlite3_column_int64(prepared, 0);
    (void)sqlite3_finalize(prepared);
    return number;
}

size_t record_bytes(struct record *record, const char *statement, const struct record_value *values, size_t count,
                    void *bytes, size_t room) {
    sqlite3_stmt *prepared = prepare(record, statement, values, count);
    size_t size = 0;
    if (prepared != NULL && sqlite3_step(prepared) == SQLITE_ROW)
        size = (size_t)sqlite3_column_bytes(prepared, 0);
    if (size > room)
        size = 0;
    if (size > 0)
        memcpy(bytes, sqlite3_column_blob(prepared, 0), size);
    (void)sqlite3_finalize(prepared);
    return size;
}

bool record_each(struct record *record, const char *statement, const struct record_value *values, size_t count,
                 void (*row)(void *context, sqlite3_stmt *row), void *context) {
    sqlite3_stmt *prepared = prepare(record, statement, values, count);
    if (prepared == NULL)
        return false;
    int result = sqlite3_step(prepared);
    for (; result == SQLITE_ROW; result = sqlite3_step(prepared))
        row(context, prepared);
    if (result != SQLITE_DONE)
        (void)say(record);
    (void)sqlite3_finalize(prepared);
    return result == SQLITE_DONE;
}

/* ---- Public keys */

static struct p256_public *public_key(struct record *record, size_t index) {
    struct p256_public *const keys[PUBLIC_KEYS] = {&record->root, &record->escrow, &record->storage};
    return keys[index];
}

bool record_fingerprint(struct record *record) {
    uint8_t bytes[PUBLIC_KEYS * P256_COSE_KEY_SIZE];
    struct cbor_writer writer = cbor_write(bytes, sizeof(bytes));
    for (size_t i = 0; i < PUBLIC_KEYS; i++)
        cose_write_key(&writer, public_key(record, i));
    return !writer.failed && digest_of(bytes, writer.size, record->fingerprint);
}

static bool write_public(struct record *record, size_t index) {
    char path[CLI_PATH_SIZE];
    uint8_t bytes[P256_COSE_KEY_SIZE];
    struct cbor_writer writer = cbor_write(bytes, sizeof(bytes));
    cose_write_key(&writer, public_key(record, index));
    return path_of(path, "%s/%s", record->directory, public_names[index]) &&
           file_write(path, bytes, writer.size, false);
}

static bool read_public(struct record *record, size_t index) {
    char path[CLI_PATH_SIZE];
    uint8_t bytes[P256_COSE_KEY_SIZE];
    size_t size = 0;
    if (!path_of(path, "%s/%s", record->directory, public_names[index]) ||
        !file_read(path, bytes, sizeof(bytes), &size))
        return false;
    struct cbor_reader reader = cbor_read(bytes, size);
    cose_read_key(&reader, public_key(record, index));
    if (cbor_read_end(&reader) && p256_check(public_key(record, index)) == P256_OK)
        return true;
    cli_error("%s: not a public key", path);
    return false;
}

/* Name and epoch are what the root has signed. */
static bool read_signed(struct record *record) {
    char path[CLI_PATH_SIZE];
    uint8_t bytes[ORGANISATION_SIZE_MAX];
    struct organisation organisation;
    size_t size = 0;
    if (!path_of(path, "%s/organisation", record->directory) || !file_read(path, bytes, sizeof(bytes), &size))
        return false;
    enum organisation_error error = organisation_read(&organisation, bytes, size);
    if (error == ORGANISATION_OK && memcmp(&organisation.root, &record->root, sizeof(record->root)) == 0) {
        record->epoch = organisation.epoch;
        memcpy(record->name, organisation.name, sizeof(record->name));
        return true;
    }
    cli_error("%s: %s", path,
              error == ORGANISATION_OK ? "of another root than root.pub" : organisation_error_text(error));
    return false;
}

/* ---- Opening */

static bool fill_database(struct record *record) {
    if (sqlite3_exec(record->database, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(record->database, schema, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(record->database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return say(record);
}

/* Beside its place first: a directory with a database is whole. */
bool record_make(struct record *record, const char *directory) {
    char path[CLI_PATH_SIZE], beside[CLI_PATH_SIZE];
    record->directory = directory;
    for (size_t i = 0; i < PUBLIC_KEYS; i++)
        if (!write_public(record, i))
            return false;
    if (!path_of(path, "%s/organisation.db", directory) || !path_of(beside, "%s/organisation.db.new", directory))
        return false;
    (void)unlink(beside);
    if (!open_database(record, beside, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE))
        return false;
    bool good = fill_database(record);
    record_close(record);
    if (good && rename(beside, path) != 0) {
        cli_error("%s: %s", path, strerror(errno));
        good = false;
    }
    if (!good)
        (void)unlink(beside);
    return good && directory_sync(path);
}

static bool read_organisation(struct record *record) {
    if (record_number(record, "PRAGMA user_version", NULL, 0, 0) != SCHEMA_VERSION) {
        cli_error("%s/organisation.db is of another version of flipside", record->directory);
        return false;
    }
    for (size_t i = 0; i < PUBLIC_KEYS; i++)
        if (!read_public(record, i))
            return false;
    return record_fingerprint(record) && read_signed(record);
}

bool record_open(struct record *record, const struct cli *cli) {
    char path[CLI_PATH_SIZE];
    struct stat status;
    memset(record, 0, sizeof(*record));
    record->lock = -1;
    record->directory = cli->organisation;
    if (!cli_has_organisation(cli)) {
        cli_error("which organisation? Give --org=DIRECTORY or set FLIPSIDE_ORG");
        return false;
    }
    if (!path_of(path, "%s/organisation.db", cli->organisation))
        return false;
    if (stat(path, &status) != 0) {
        cli_error("%s is no organisation's directory; 'flipside org init' makes one", cli->organisation);
        return false;
    }
    if (!open_database(record, path, SQLITE_OPEN_READWRITE))
        return false;
    if (read_organisation(record))
        return true;
    record_close(record);
    return false;
}

bool record_open_to_change(struct record *record, const struct cli *cli) {
    if (!record_open(record, cli))
        return false;
    if (cli->dry_run || directory_lock(record->directory, &record->lock))
        return true;
    record_close(record);
    return false;
}

void record_close(struct record *record) {
    (void)sqlite3_close(record->database);
    record->database = NULL;
    if (record->lock >= 0)
        (void)close(record->lock);
    record->lock = -1;
}
