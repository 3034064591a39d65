// SPDX-License-Identifier: BSD-3-Clause
#include "usim_known.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hkdf.h"

enum {
    ROOM_FIRST = 1024,
    READ_STEP = 1000,
    OPENED_MAX = 1000 /* profiles that are opened each time, which is sooner done than to write an index */
};

/* At most 19 digits. */
struct digits_slot {
    uint64_t key; /* 0: free */
    uint64_t value;
};

/* Leading zeros count: 1 is put before the digits of an IMSI, and an ICCID has as many as any other. */
static uint64_t number_of_iccid(const char *iccid) { return strtoull(iccid, NULL, 10); }

static uint64_t number_of_imsi(const struct usim_profile *profile) {
    char digits[USIM_IMSI_DIGITS_MAX + 2];
    (void)snprintf(digits, sizeof(digits), "1%s", profile->imsi);
    return strtoull(digits, NULL, 10);
}

/* An ICCID may be 0, which no key is. */
static uint64_t key_of_iccid(uint64_t number) { return number + 1; }

/* @return the slot of a key, or the free one that it would take */
static struct digits_slot *slot_of(const struct digits_map *map, uint64_t key) {
    size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (map->room - 1);
    while (map->slots[at].key != 0 && map->slots[at].key != key)
        at = (at + 1) & (map->room - 1);
    return &map->slots[at];
}

static const struct digits_slot *find(const struct digits_map *map, uint64_t key) {
    const struct digits_slot *slot = map->room == 0 ? NULL : slot_of(map, key);
    return slot == NULL || slot->key == 0 ? NULL : slot;
}

static void map_free(struct digits_map *map) {
    if (map->slots != NULL)
        crypto_wipe(map->slots, map->room * sizeof(*map->slots));
    free(map->slots);
    *map = (struct digits_map){.room = 0};
}

/* At most half of the slots are taken, so that few steps find one. */
static bool grow(struct digits_map *map) {
    struct digits_map larger = {.room = map->room == 0 ? ROOM_FIRST : 2 * map->room, .count = map->count};
    if (2 * map->count < map->room)
        return true;
    larger.slots = calloc(larger.room, sizeof(*larger.slots));
    if (larger.slots == NULL) {
        cli_error("not enough memory");
        return false;
    }
    for (size_t i = 0; i < map->room; i++)
        if (map->slots[i].key != 0)
            *slot_of(&larger, map->slots[i].key) = map->slots[i];
    map_free(map);
    *map = larger;
    return true;
}

static bool put(struct digits_map *map, uint64_t key, uint64_t value) {
    if (!grow(map))
        return false;
    *slot_of(map, key) = (struct digits_slot){key, value};
    map->count++;
    return true;
}

static bool add_row(struct usim_known *known, const struct usim_row *row, uint64_t line) {
    return put(&known->iccids, key_of_iccid(row->iccid), line) && put(&known->imsis, row->imsi, row->iccid) &&
           usim_rows_add(&known->rows, row);
}

bool usim_known_add(struct usim_known *known, const struct usim_profile *profile, const struct usim_tag *tag,
                    uint64_t line) {
    const struct usim_row row = {number_of_iccid(profile->iccid), number_of_imsi(profile), *tag};
    known->opened++;
    return add_row(known, &row, line);
}

/* ---- What is there */

/* The tag of what was read is computed anew: the file may be another one by now. */
static enum cli_exit open_profile(struct usim_known *known, const char *iccid) {
    struct usim_entry entry;
    if (known->opened % READ_STEP == 0)
        cli_progress_count("reading what is there", known->opened, 0);
    enum cli_exit result = usim_load(known->directory, iccid, &entry);
    if (result == CLI_GOOD && !usim_known_add(known, &entry.profile, &entry.tag, 0))
        result = CLI_FAILED;
    crypto_wipe(&entry, sizeof(entry));
    return result;
}

static enum cli_exit add_profile(void *context, const char *name) {
    struct usim_known *known = context;
    char iccid[USIM_ICCID_DIGITS + 1];
    struct usim_tag tag;
    const struct usim_row *row = NULL;
    (void)snprintf(iccid, sizeof(iccid), "%s", name);
    if (known->index.count > 0 && usim_tag_read(known->directory, iccid, &tag))
        row = usim_index_find(&known->index, number_of_iccid(iccid), &tag);
    if (row == NULL)
        return open_profile(known, iccid);
    return add_row(known, row, 0) ? CLI_GOOD : CLI_FAILED;
}

static enum cli_exit add_removal(void *context, const char *name) {
    struct usim_known *known = context;
    char iccid[USIM_ICCID_DIGITS + 1];
    struct usim_removal *larger =
        array_with_room(known->removals, sizeof(*larger), known->removal_count, &known->removal_room);
    if (larger == NULL)
        return CLI_FAILED;
    known->removals = larger;
    (void)snprintf(iccid, sizeof(iccid), "%s", name);
    return usim_removal_read(known->directory, iccid, &known->removals[known->removal_count++]);
}

enum cli_exit usim_known_open(struct usim_known *known, const struct usim_directory *directory) {
    memset(known, 0, sizeof(*known));
    known->directory = directory;
    if (directory->is_absent)
        return CLI_GOOD;
    known->renew = !usim_index_read(directory, &known->index);
    enum cli_exit result = usim_each_file(directory, USIM_PROFILES, add_profile, known);
    if (result == CLI_GOOD)
        result = usim_each_file(directory, USIM_REMOVALS, add_removal, known);
    cli_progress_end();
    return result;
}

void usim_known_keep(struct usim_known *known) {
    if (known->opened <= OPENED_MAX && !known->renew)
        return;
    if (!usim_index_write(known->directory, &known->rows))
        cli_error("without an index of the USIMs all is done as well, but slower");
}

void usim_known_close(struct usim_known *known) {
    map_free(&known->iccids);
    map_free(&known->imsis);
    usim_rows_free(&known->index);
    usim_rows_free(&known->rows);
    free(known->removals);
    *known = (struct usim_known){.directory = NULL};
}

/* ---- What is new */

/* Neither the number of a card that is out there, nor its keys under another number. */
static bool was_removed(const struct usim_known *known, const struct usim_profile *profile) {
    uint8_t card[USIM_CARD_SIZE];
    if (known->removal_count == 0)
        return false;
    if (!usim_card_of(known->directory, profile, card))
        return true;
    for (size_t i = 0; i < known->removal_count; i++) {
        const struct usim_removal *removal = &known->removals[i];
        bool same_card = memcmp(removal->card, card, sizeof(card)) == 0;
        if (!same_card && strcmp(removal->iccid, profile->iccid) != 0)
            continue;
        cli_error("ICCID %s: the USIM %s%s was removed after %s%.16s had it; a USIM has one holder, so give another",
                  profile->iccid, removal->iccid, same_card ? " with this IMSI and K" : "",
                  removal->holder.kind == USIM_DEVICE ? "the device " : "this machine", removal->holder.hex);
        return true;
    }
    return false;
}

enum usim_news usim_known_compare(const struct usim_known *known, const struct usim_profile *profile) {
    const struct digits_slot *iccid = find(&known->iccids, key_of_iccid(number_of_iccid(profile->iccid)));
    const struct digits_slot *imsi = find(&known->imsis, number_of_imsi(profile));
    if (iccid != NULL && iccid->value == 0)
        return USIM_THERE;
    if (iccid != NULL) {
        cli_error("ICCID %s: line %llu has it already", profile->iccid, (unsigned long long)iccid->value);
        return USIM_CONFLICT;
    }
    if (imsi == NULL)
        return was_removed(known, profile) ? USIM_CONFLICT : USIM_NEW;
    cli_error("IMSI %s: the USIM %0*llu has it already; if this one replaces it, remove that one first ('flipside usim "
              "remove')",
              profile->imsi, USIM_ICCID_DIGITS, (unsigned long long)imsi->value);
    return USIM_CONFLICT;
}
