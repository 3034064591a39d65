// SPDX-License-Identifier: BSD-3-Clause
#include "usim_record.h"

#include <string.h>

#include "device_roll.h"
#include "persona/config.h"

/* A record of an earlier flipside has no such table, and --dry-run makes none. */
static bool has_table(struct record *record, const char *name) {
    const struct record_value value = {.text = name};
    return record_number(record, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", &value, 1,
                         0) != 0;
}

static struct record_value thumbprint_of(const struct usim_holder *holder) {
    return (struct record_value){.bytes = holder->thumbprint, .size = sizeof(holder->thumbprint)};
}

enum cli_exit usim_record_check(struct record *record, const struct usim_profile *profile, const uint8_t *card,
                                const struct usim_holder *holder) {
    const struct record_value values[] = {
        {.text = profile->iccid}, {.bytes = card, .size = USIM_CARD_SIZE}, thumbprint_of(holder)};
    if (!has_table(record, "usim_holder"))
        return CLI_GOOD;
    uint64_t others = record_number(record,
                                    "SELECT count(*) FROM usim_holder"
                                    " WHERE (iccid = ? OR card = ?) AND thumbprint IS NOT ?",
                                    values, 3, UINT64_MAX);
    if (others == 0)
        return CLI_GOOD;
    if (others == UINT64_MAX)
        return CLI_FAILED;
    cli_error(
        "%s was issued to a device before, as %s/organisation.db says; is the store an older copy? A USIM has one "
        "holder, so create another",
        profile->iccid, record->directory);
    return CLI_REFUSED;
}

bool usim_record_write(struct record *record, const struct usim_profile *profile, const uint8_t *card,
                       const struct usim_holder *holder) {
    const struct record_value values[] = {
        {.text = profile->iccid}, {.bytes = card, .size = USIM_CARD_SIZE}, thumbprint_of(holder)};
    return record_change(record, "INSERT OR REPLACE INTO usim_holder (iccid, card, thumbprint) VALUES (?, ?, ?)",
                         values, 3);
}

/* ---- Removal */

struct enrolled {
    const uint8_t *thumbprint;
    char name[CONFIG_NAME_SIZE]; /* empty: it is not */
};

static void look(void *context, const struct roll_row *row) {
    struct enrolled *enrolled = context;
    if (memcmp(row->thumbprint, enrolled->thumbprint, P256_THUMBPRINT_SIZE) == 0)
        (void)snprintf(enrolled->name, sizeof(enrolled->name), "%s", row->name);
}

/* An older copy of the store does not know of it. */
static void ask_record(struct record *record, const struct usim_profile *profile, struct usim_holder *holder) {
    const struct record_value value = {.text = profile->iccid};
    if (holder->kind != USIM_NOBODY || !has_table(record, "usim_holder") ||
        record_bytes(record, "SELECT thumbprint FROM usim_holder WHERE iccid = ?", &value, 1, holder->thumbprint,
                     sizeof(holder->thumbprint)) != sizeof(holder->thumbprint))
        return;
    holder->kind = USIM_DEVICE;
    usim_holder_name(holder);
}

/* A device that the organisation removed is one that it had. */
static bool knows(struct record *record, const struct usim_holder *holder) {
    const struct record_value value = thumbprint_of(holder);
    return has_table(record, "removed") &&
           record_number(record, "SELECT count(*) FROM removed WHERE thumbprint = ?", &value, 1, 0) != 0;
}

enum cli_exit usim_record_check_removal(struct record *record, const struct usim_profile *profile,
                                        struct usim_holder *holder) {
    struct enrolled enrolled = {.thumbprint = holder->thumbprint};
    ask_record(record, profile, holder);
    if (holder->kind != USIM_DEVICE)
        return CLI_GOOD;
    enum cli_exit status = device_roll_each(record, look, &enrolled);
    if (status != CLI_GOOD)
        return status;
    if (enrolled.name[0] != '\0') {
        cli_error("%s is issued to the device %s, which is enrolled and goes on using it: block it in the network, and "
                  "take the device off the record first ('flipside device remove %s')",
                  profile->iccid, enrolled.name, enrolled.name);
        return CLI_REFUSED;
    }
    if (knows(record, holder))
        return CLI_GOOD;
    cli_error("%s was issued to the device %.16s, of which %s knows nothing: give --org=DIRECTORY of the organisation "
              "that issued it",
              profile->iccid, holder->hex, record->directory);
    return CLI_REFUSED;
}
