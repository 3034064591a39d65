// SPDX-License-Identifier: BSD-3-Clause
#include "usim_known.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hkdf.h"

enum { ROOM_FIRST = 1024, READ_STEP = 1000 };

/* At most 19 digits. */
struct digits_slot {
    uint64_t key; /* 0: free */
    uint64_t value;
};

/* Leading zeros count: 1 is put before the digits of an IMSI, and an ICCID has as many as any other. */
static uint64_t key_of_iccid(const struct usim_profile *profile) { return strtoull(profile->iccid, NULL, 10) + 1; }

static uint64_t key_of_imsi(const struct usim_profile *profile) {
    char digits[USIM_IMSI_DIGITS_MAX + 2];
    (void)snprintf(digits, sizeof(digits), "1%s", profile->imsi);
    return strtoull(digits, NULL, 10);
}

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

bool usim_known_add(struct usim_known *known, const struct usim_profile *profile, uint64_t line) {
    return put(&known->iccids, key_of_iccid(profile), line) &&
           put(&known->imsis, key_of_imsi(profile), key_of_iccid(profile) - 1);
}

static enum cli_exit add(void *context, const struct usim_entry *entry) {
    struct usim_known *known = context;
    if (known->iccids.count % READ_STEP == 0)
        cli_progress_count("reading what is there", known->iccids.count, 0);
    return usim_known_add(known, &entry->profile, 0) ? CLI_GOOD : CLI_FAILED;
}

enum cli_exit usim_known_open(struct usim_known *known, const struct usim_directory *directory) {
    memset(known, 0, sizeof(*known));
    enum cli_exit result = directory->is_absent ? CLI_GOOD : usim_each(directory, add, known);
    cli_progress_end();
    return result;
}

void usim_known_close(struct usim_known *known) {
    map_free(&known->iccids);
    map_free(&known->imsis);
}

enum usim_news usim_known_compare(const struct usim_known *known, const struct usim_profile *profile) {
    const struct digits_slot *iccid = find(&known->iccids, key_of_iccid(profile));
    const struct digits_slot *imsi = find(&known->imsis, key_of_imsi(profile));
    if (iccid != NULL && iccid->value == 0)
        return USIM_THERE;
    if (iccid != NULL) {
        cli_error("ICCID %s: line %llu has it already", profile->iccid, (unsigned long long)iccid->value);
        return USIM_CONFLICT;
    }
    if (imsi == NULL)
        return USIM_NEW;
    cli_error("IMSI %s: the USIM %0*llu has it already; if this one replaces it, take that one's file away first",
              profile->imsi, USIM_ICCID_DIGITS, (unsigned long long)imsi->value);
    return USIM_CONFLICT;
}
