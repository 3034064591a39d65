// SPDX-License-Identifier: BSD-3-Clause
#include "device_roll.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"

/* persona/cli/cli.cddl */
#define ROLL_TYPE "application/vnd.flipside.devices+cbor"

enum {
    FORMAT = 1,
    ENTRY_ITEMS = 3,
    ENTRY_MAX = CONFIG_NAME_SIZE + P256_THUMBPRINT_SIZE + DIGEST_SIZE + 8, /* bytes with all heads */
    PAYLOAD_MAX = ROLL_DEVICES_MAX * ENTRY_MAX + 16,
    OBJECT_MAX = PAYLOAD_MAX + NOTE_OVERHEAD,
};
_Static_assert((int)PAYLOAD_MAX <= (int)COSE_PAYLOAD_MAX, "the largest roll can be signed");

static const char all_rows[] = "SELECT name, thumbprint, request FROM device ORDER BY name";

/* A device as the roll has it. */
struct entry {
    char name[CONFIG_NAME_SIZE];
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    uint8_t digest[DIGEST_SIZE]; /* of the request */
};

/* @return whether it is one as the roll could have it */
static bool entry_of(sqlite3_stmt *row, struct entry *entry) {
    const char *name = (const char *)sqlite3_column_text(row, 0);
    const void *thumbprint = sqlite3_column_blob(row, 1), *request = sqlite3_column_blob(row, 2);
    memset(entry, 0, sizeof(*entry));
    if (name != NULL)
        (void)snprintf(entry->name, sizeof(entry->name), "%s", name);
    if (name == NULL || !config_is_name(name) || request == NULL || thumbprint == NULL ||
        sqlite3_column_bytes(row, 1) != P256_THUMBPRINT_SIZE)
        return false;
    memcpy(entry->thumbprint, thumbprint, P256_THUMBPRINT_SIZE);
    return digest_of(request, (size_t)sqlite3_column_bytes(row, 2), entry->digest);
}

/* ---- Comparing */

struct walk {
    struct record *record;
    struct cbor_reader reader;
    uint64_t left;     /* entries behind the next one */
    struct entry next; /* on the roll; its name is empty when there is none */
    bool refused;
    void (*row)(void *context, const struct roll_row *row);
    void *context;
};

static void advance(struct walk *walk) {
    memset(&walk->next, 0, sizeof(walk->next));
    if (walk->left == 0)
        return;
    walk->left--;
    (void)cbor_read_array_of(&walk->reader, ENTRY_ITEMS, ENTRY_ITEMS);
    struct cbor_text name = cbor_read_text(&walk->reader, CONFIG_NAME_SIZE - 1);
    if (!walk->reader.failed)
        memcpy(walk->next.name, name.start, name.size);
    cbor_read_exactly(&walk->reader, walk->next.thumbprint, sizeof(walk->next.thumbprint));
    cbor_read_exactly(&walk->reader, walk->next.digest, sizeof(walk->next.digest));
}

static void refuse(struct walk *walk, const char *name, const char *fault) {
    if (!walk->refused)
        cli_error("%s/organisation.db: the device %s %s; nothing is done with this record before a copy of it that you "
                  "trust is back in its place",
                  walk->record->directory, name, fault);
    walk->refused = true;
}

static void compare_row(void *context, sqlite3_stmt *row) {
    struct walk *walk = context;
    struct entry entry;
    if (walk->refused)
        return;
    bool whole = entry_of(row, &entry);
    int order = walk->next.name[0] == '\0' ? 1 : strcmp(walk->next.name, entry.name);
    if (order < 0)
        return refuse(walk, walk->next.name, "was enrolled, but its row is missing");
    if (order > 0)
        return refuse(walk, entry.name, "was not enrolled with the organisation's key: its row was added");
    if (!whole || memcmp(entry.thumbprint, walk->next.thumbprint, sizeof(entry.thumbprint)) != 0 ||
        memcmp(entry.digest, walk->next.digest, sizeof(entry.digest)) != 0)
        return refuse(walk, entry.name, "is not as it was enrolled: its row was altered, or an old one was put back");
    const struct roll_row good = {entry.name, entry.thumbprint, sqlite3_column_blob(row, 2),
                                  (size_t)sqlite3_column_bytes(row, 2)};
    if (walk->row != NULL)
        walk->row(walk->context, &good);
    advance(walk);
}

/* No device was ever enrolled: there is no roll. */
static enum cli_exit open_roll(struct walk *walk, uint8_t *object) {
    struct cbor_bytes payload;
    size_t size = record_bytes(walk->record, "SELECT object FROM roll", NULL, 0, object, OBJECT_MAX);
    if (size == 0)
        return CLI_GOOD;
    struct delegation_trust trust = note_trust(walk->record);
    enum cli_exit status = note_read(&trust, "organisation.db: the roll of devices", ROLL_TYPE,
                                     (struct cbor_bytes){object, size}, &payload);
    if (status != CLI_GOOD)
        return status;
    walk->reader = cbor_read(payload.start, payload.size);
    (void)cbor_read_array_of(&walk->reader, 2, 2);
    if (cbor_read_uint(&walk->reader) != FORMAT)
        walk->reader.failed = true;
    walk->left = cbor_read_array_of(&walk->reader, 0, ROLL_DEVICES_MAX);
    advance(walk);
    return CLI_GOOD;
}

static enum cli_exit compare(struct walk *walk, uint8_t *object) {
    enum cli_exit status = open_roll(walk, object);
    if (status != CLI_GOOD)
        return status;
    if (!record_each(walk->record, all_rows, NULL, 0, compare_row, walk))
        return CLI_FAILED;
    if (walk->next.name[0] != '\0')
        refuse(walk, walk->next.name, "was enrolled, but its row is missing");
    if (!walk->refused && walk->reader.failed) {
        cli_error("%s/organisation.db: the roll of devices is of another version of flipside", walk->record->directory);
        walk->refused = true;
    }
    return walk->refused ? CLI_REFUSED : CLI_GOOD;
}

enum cli_exit device_roll_each(struct record *record, void (*row)(void *context, const struct roll_row *row),
                               void *context) {
    struct walk walk = {.record = record, .row = row, .context = context};
    uint8_t *object = malloc(OBJECT_MAX);
    if (object == NULL) {
        cli_error("not enough memory");
        return CLI_FAILED;
    }
    enum cli_exit status = compare(&walk, object);
    free(object);
    return status;
}

/* ---- Signing */

static void write_row(void *context, sqlite3_stmt *row) {
    struct cbor_writer *writer = context;
    struct entry entry;
    if (!entry_of(row, &entry))
        writer->failed = true;
    cbor_write_array(writer, ENTRY_ITEMS);
    cbor_write_text(writer, entry.name);
    cbor_write_bytes(writer, entry.thumbprint, sizeof(entry.thumbprint));
    cbor_write_bytes(writer, entry.digest, sizeof(entry.digest));
}

static bool sign(struct record *record, const struct org_key *signing, uint8_t *payload, uint8_t *object) {
    struct cbor_writer writer = cbor_write(payload, PAYLOAD_MAX);
    size_t size = 0;
    uint64_t count = record_number(record, "SELECT count(*) FROM device", NULL, 0, 0);
    cbor_write_array(&writer, 2);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_array(&writer, count);
    if (!record_each(record, all_rows, NULL, 0, write_row, &writer))
        return false;
    if (writer.failed || count > ROLL_DEVICES_MAX) {
        cli_error("an organisation has %d devices at most", ROLL_DEVICES_MAX);
        return false;
    }
    const struct cose_content content = {ROLL_TYPE, payload, writer.size};
    if (!note_write(record, signing, &content, object, OBJECT_MAX, &size))
        return false;
    const struct record_value value = {.bytes = object, .size = size};
    return record_change(record, "INSERT OR REPLACE INTO roll VALUES (1, ?)", &value, 1);
}

static bool sign_rows(struct record *record, const struct org_key *signing) {
    uint8_t *payload = malloc(PAYLOAD_MAX), *object = malloc(OBJECT_MAX);
    bool good = payload != NULL && object != NULL && sign(record, signing, payload, object);
    if (payload == NULL || object == NULL)
        cli_error("not enough memory");
    free(payload);
    free(object);
    return good;
}

struct change {
    bool (*change)(struct record *record, const void *context);
    const void *context;
};

/* What is not committed is undone when the record is closed. */
static enum cli_exit carry_out(struct record *record, const struct org_key *signing, const struct change *change) {
    if (!record_complete(record) || !record_change(record, "BEGIN IMMEDIATE", NULL, 0))
        return CLI_FAILED;
    enum cli_exit status = device_roll_each(record, NULL, NULL);
    if (status != CLI_GOOD)
        return status;
    return change->change(record, change->context) && sign_rows(record, signing) &&
                   record_change(record, "COMMIT", NULL, 0)
               ? CLI_GOOD
               : CLI_FAILED;
}

enum cli_exit device_roll_change(const struct cli *cli, struct record *record,
                                 bool (*change)(struct record *record, const void *context), const void *context) {
    const struct change wanted = {change, context};
    struct passphrase passphrase;
    struct random_stream random;
    struct org_key signing;
    if (!passphrase_get(cli, false, &passphrase))
        return CLI_FAILED;
    enum cli_exit status = CLI_FAILED;
    if (host_random(&random)) {
        status = org_key_open(record, ORG_KEY_SIGNING, &passphrase, &random, &signing);
        if (status == CLI_GOOD)
            status = carry_out(record, &signing, &wanted);
        org_key_close(&signing);
        random_stream_wipe(&random);
    }
    crypto_wipe(&passphrase, sizeof(passphrase));
    return status;
}
