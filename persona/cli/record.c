// SPDX-License-Identifier: BSD-3-Clause
#include "record.h"

#include <string.h>
#include <sys/stat.h>

/* Raised with the tables; what is older is brought up to date when it is opened. */
enum { SCHEMA_VERSION = 1 };

static const char schema[] =
    "CREATE TABLE organisation (name TEXT NOT NULL, root BLOB NOT NULL, escrow BLOB NOT NULL, epoch INTEGER NOT NULL);"
    "CREATE TABLE persona (name TEXT PRIMARY KEY, id BLOB NOT NULL UNIQUE);"
    "CREATE TABLE version (persona TEXT NOT NULL REFERENCES persona, version INTEGER NOT NULL,"
    " made INTEGER NOT NULL DEFAULT (unixepoch()), PRIMARY KEY (persona, version));"
    "CREATE TABLE device (thumbprint BLOB PRIMARY KEY, key BLOB NOT NULL);"
    "CREATE TABLE issue (persona TEXT NOT NULL REFERENCES persona, device BLOB NOT NULL REFERENCES device,"
    " version INTEGER NOT NULL, issued INTEGER NOT NULL DEFAULT (unixepoch()), PRIMARY KEY (persona, device));"
    "PRAGMA user_version = 1;";

static bool say(const struct record *record) {
    cli_error("%s/organisation.db: %s", record->directory, sqlite3_errmsg(record->database));
    return false;
}

static bool open_database(struct record *record, const char *directory, int flags) {
    char path[CLI_PATH_SIZE];
    record->directory = directory;
    record->database = NULL;
    if (!path_of(path, "%s/organisation.db", directory))
        return false;
    if (sqlite3_open_v2(path, &record->database, flags, NULL) == SQLITE_OK &&
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

bool record_bytes(struct record *record, const char *statement, const struct record_value *values, size_t count,
                  void *bytes, size_t size) {
    sqlite3_stmt *prepared = prepare(record, statement, values, count);
    bool good =
        prepared != NULL && sqlite3_step(prepared) == SQLITE_ROW && sqlite3_column_bytes(prepared, 0) == (int)size;
    if (good)
        memcpy(bytes, sqlite3_column_blob(prepared, 0), size);
    (void)sqlite3_finalize(prepared);
    return good;
}

bool record_make(struct record *record, const char *directory) {
    const struct record_value values[] = {{.text = record->name},
                                          {.bytes = &record->root, .size = sizeof(record->root)},
                                          {.bytes = &record->escrow, .size = sizeof(record->escrow)},
                                          {.number = record->epoch}};
    if (!open_database(record, directory, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE))
        return false;
    if (sqlite3_exec(record->database, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(record->database, schema, NULL, NULL, NULL) == SQLITE_OK &&
        record_change(record, "INSERT INTO organisation VALUES (?, ?, ?, ?)", values, 4) &&
        sqlite3_exec(record->database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return true;
    (void)say(record);
    record_close(record);
    return false;
}

static bool read_organisation(struct record *record) {
    if (record_number(record, "PRAGMA user_version", NULL, 0, 0) != SCHEMA_VERSION) {
        cli_error("%s/organisation.db is of another version of flipside", record->directory);
        return false;
    }
    record->epoch = record_number(record, "SELECT epoch FROM organisation", NULL, 0, 0);
    return record_bytes(record, "SELECT root FROM organisation", NULL, 0, &record->root, sizeof(record->root)) &&
           record_bytes(record, "SELECT escrow FROM organisation", NULL, 0, &record->escrow, sizeof(record->escrow));
}

bool record_open(struct record *record, const struct cli *cli) {
    char path[CLI_PATH_SIZE];
    struct stat status;
    memset(record, 0, sizeof(*record));
    if (cli->organisation == NULL) {
        cli_error("which organisation? Give --org=DIRECTORY or set FLIPSIDE_ORG");
        return false;
    }
    if (!path_of(path, "%s/organisation.db", cli->organisation))
        return false;
    if (stat(path, &status) != 0) {
        cli_error("%s is no organisation's directory; 'flipside org init' makes one", cli->organisation);
        return false;
    }
    if (!open_database(record, cli->organisation, SQLITE_OPEN_READWRITE))
        return false;
    if (read_organisation(record))
        return true;
    record_close(record);
    return false;
}

void record_close(struct record *record) {
    (void)sqlite3_close(record->database);
    record->database = NULL;
}
