// SPDX-License-Identifier: BSD-3-Clause
// The board description: what it may say, and reading it. The format is in board/README.md.
#include "parse.h"

#include <libfdt.h>
#include <string.h>

enum {
    SPI_FIRST = 32,
    SPI_COUNT = 988,
    LONG_PRESS_MS_MIN = 200,
    LONG_PRESS_MS_MAX = 10000,
    FLIP_TIMEOUT_MS_MIN = 1000,
    FLIP_TIMEOUT_MS_MAX = 300000,
    KEY_CODE_MAX = 767, /* KEY_MAX of Linux's input-event-codes.h */
    PIN_MAX = 7,
};

/** A property's value, for the functions that look at it. */
struct property {
    const char *value; /* NULL: not there */
    size_t size;       /* bytes */
};

static const char *const root_properties[] = {"compatible", "title", "board", "match", "console", NULL};
static const char *const root_nodes[] = {"devices", "attention",  "flip",   "channel",
                                         "clock",   "usim-state", "shares", NULL};
static const char *const group_properties[] = {"nodes", "compatible", "within",           "policy", "persona",
                                               "quiet", "dma",        "even-if-disabled", NULL};
static const char *const attention_nodes[] = {"power-key", "chord", NULL};
static const char *const power_key_properties[] = {"node", "pin", "active-low", "long-press-ms", NULL};
static const char *const chord_properties[] = {"node", "keys", NULL};
static const char *const flip_properties[] = {"spi", "timeout-ms", NULL};
static const char *const channel_properties[] = {"base", "spi", NULL};
static const char *const clock_properties[] = {"node", "spi", NULL};
static const char *const usim_state_properties[] = {"node", "bank", NULL};
static const char *const nothing[] = {NULL};

static enum board_error fail(struct parse *parse, int node, enum board_error error) {
    // A path that does not fit is left empty: the error itself still tells.
    if (fdt_get_path(parse->description, node, parse->board->fault, TREE_PATH_MAX) != 0) {
        parse->board->fault[0] = '\0';
    }
    return error;
}

static bool is_listed(const char *const *list, const char *name) {
    for (; *list != NULL; list++) {
        if (strcmp(*list, name) == 0) {
            return true;
        }
    }
    return false;
}

/** Nothing misspelt goes by silently: a node has these properties and children only. children NULL: any. */
static enum board_error check_names(struct parse *parse, int node, const char *const *properties,
                                    const char *const *children) {
    int item;

    fdt_for_each_property_offset(item, parse->description, node) {
        const char *name = NULL;

        if (fdt_getprop_by_offset(parse->description, item, &name, NULL) == NULL || !is_listed(properties, name)) {
            return fail(parse, node, BOARD_UNKNOWN_PROPERTY);
        }
    }
    fdt_for_each_subnode(item, parse->description, node) {
        const char *name = fdt_get_name(parse->description, item, NULL);

        if (children != NULL && (name == NULL || !is_listed(children, name))) {
            return fail(parse, item, BOARD_UNKNOWN_PROPERTY);
        }
    }
    return BOARD_OK;
}

static struct property find(const struct parse *parse, int node, const char *name) {
    int length = 0;
    const char *value = fdt_getprop(parse->description, node, name, &length);

    return (struct property){value, value == NULL ? 0 : (size_t)length};
}

/** Copies a property that is one string. @return false when it is not there, empty, not one string or too long */
static bool copy_string(const struct parse *parse, int node, const char *name, char *text, size_t size) {
    struct property string = find(parse, node, name);

    if (string.value == NULL || string.size < 2 || string.size > size ||
        memchr(string.value, '\0', string.size) != string.value + string.size - 1) {
        return false;
    }
    memcpy(text, string.value, string.size);
    return true;
}

static uint32_t cell(const struct property *property, size_t index) {
    return fdt32_ld((const fdt32_t *)(const void *)(property->value + index * sizeof(fdt32_t)));
}

/** Reads a property of one cell. @return false when it is not there, longer, or not in the range */
static bool read_number(const struct parse *parse, int node, const char *name, uint32_t least, uint32_t most,
                        uint32_t *value) {
    struct property property = find(parse, node, name);

    if (property.value == NULL || property.size != sizeof(fdt32_t)) {
        return false;
    }
    *value = cell(&property, 0);
    return *value >= least && *value <= most;
}

/** persona/README.md: [a-z0-9-]{1,31}; boards have such names, too. */
static bool is_name(const char *text) {
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++) {
        if (!(text[i] >= 'a' && text[i] <= 'z') && !(text[i] >= '0' && text[i] <= '9') && text[i] != '-') {
            return false;
        }
    }
    return length > 0 && length < BOARD_NAME_SIZE;
}

static enum board_error read_root(struct parse *parse) {
    char compatible[BOARD_NAME_SIZE];

    if (!copy_string(parse, 0, "compatible", compatible, sizeof(compatible)) ||
        strcmp(compatible, "flipside,board-1") != 0) {
        return BOARD_BAD_DESCRIPTION;
    }
    enum board_error error = check_names(parse, 0, root_properties, root_nodes);
    if (error != BOARD_OK) {
        return error;
    }
    if (!copy_string(parse, 0, "title", parse->board->title, BOARD_TITLE_SIZE) ||
        find(parse, 0, "match").value == NULL) {
        return fail(parse, 0, BOARD_BAD_PROPERTY);
    }
    if (find(parse, 0, "board").value != NULL &&
        (!copy_string(parse, 0, "board", parse->board->name, BOARD_NAME_SIZE) || !is_name(parse->board->name))) {
        return fail(parse, 0, BOARD_BAD_PROPERTY);
    }
    if (find(parse, 0, "console").value != NULL &&
        !copy_string(parse, 0, "console", parse->console, sizeof(parse->console))) {
        return fail(parse, 0, BOARD_BAD_PROPERTY);
    }
    return BOARD_OK;
}

static bool is_this_board(const struct parse *parse) {
    int count = fdt_stringlist_count(parse->description, 0, "match");

    for (int i = 0; i < count; i++) {
        const char *name = fdt_stringlist_get(parse->description, 0, "match", i, NULL);

        if (name != NULL && fdt_stringlist_search(parse->firmware, 0, "compatible", name) >= 0) {
            return true;
        }
    }
    return false;
}

/** "within": pairs of base and size, two cells each. */
static bool read_within(const struct parse *parse, struct parse_group *group) {
    enum { PAIR_CELLS = 4 };
    struct property within = find(parse, group->node, "within");
    size_t cells = within.size / sizeof(fdt32_t);

    if (within.value == NULL) {
        return true;
    }
    if (group->by_path || within.size % (PAIR_CELLS * sizeof(fdt32_t)) != 0 || cells == 0 ||
        cells > (size_t)PARSE_WITHIN_MAX * PAIR_CELLS) {
        return false;
    }
    for (size_t i = 0; i < cells; i += PAIR_CELLS) {
        struct tree_range *range = &group->within[group->within_count++];

        range->base = (uint64_t)cell(&within, i) << 32 | cell(&within, i + 1);
        range->size = (uint64_t)cell(&within, i + 2) << 32 | cell(&within, i + 3);
        if (range->size == 0 || range->size > UINT64_MAX - range->base) {
            return false;
        }
    }
    return true;
}

static bool read_policy(const struct parse *parse, struct parse_group *group) {
    char policy[BOARD_NAME_SIZE];

    if (!copy_string(parse, group->node, "policy", policy, sizeof(policy))) {
        return false;
    }
    bool has_persona = find(parse, group->node, "persona").value != NULL;
    if (strcmp(policy, "exclusive") == 0) {
        group->policy = BOARD_EXCLUSIVE;
        return copy_string(parse, group->node, "persona", group->persona, sizeof(group->persona)) &&
               is_name(group->persona);
    }
    group->policy = strcmp(policy, "shared") == 0 ? BOARD_SHARED : BOARD_HIDDEN;
    return !has_persona && (group->policy == BOARD_SHARED || strcmp(policy, "hidden") == 0);
}

static bool read_quiet(const struct parse *parse, struct parse_group *group) {
    char quiet[BOARD_NAME_SIZE];

    if (find(parse, group->node, "quiet").value == NULL) {
        return true;
    }
    if (!copy_string(parse, group->node, "quiet", quiet, sizeof(quiet))) {
        return false;
    }
    if (strcmp(quiet, "virtio-mmio") == 0) {
        group->quiet = BOARD_QUIET_VIRTIO_MMIO;
    } else if (strcmp(quiet, "pci-ecam") == 0) {
        group->quiet = BOARD_QUIET_PCI_ECAM;
    }
    return group->quiet != BOARD_QUIET_UNKNOWN;
}

static bool read_dma(const struct parse *parse, struct parse_group *group) {
    char dma[BOARD_NAME_SIZE];

    if (find(parse, group->node, "dma").value == NULL) {
        return true;
    }
    if (!copy_string(parse, group->node, "dma", dma, sizeof(dma))) {
        return false;
    }
    if (strcmp(dma, "smmu") == 0) {
        group->dma = BOARD_DMA_SMMU;
    } else if (strcmp(dma, "unconfined") == 0) {
        group->dma = BOARD_DMA_UNCONFINED;
    }
    return group->dma != BOARD_DMA_NONE || strcmp(dma, "none") == 0;
}

static enum board_error read_group(struct parse *parse, int node) {
    if (parse->group_count == PARSE_GROUPS_MAX) {
        return fail(parse, node, BOARD_TOO_MANY_DEVICES);
    }
    enum board_error error = check_names(parse, node, group_properties, nothing);
    if (error != BOARD_OK) {
        return error;
    }
    struct parse_group *group = &parse->groups[parse->group_count++];
    int length = 0;
    const char *name = fdt_get_name(parse->description, node, &length);

    group->node = node;
    group->by_path = find(parse, node, "nodes").value != NULL;
    bool by_kind = find(parse, node, "compatible").value != NULL;
    struct property even_if_disabled = find(parse, node, "even-if-disabled");
    group->even_if_disabled = even_if_disabled.value != NULL;
    if (name == NULL || length >= BOARD_NAME_SIZE || group->by_path == by_kind || !read_within(parse, group) ||
        !read_policy(parse, group) || !read_quiet(parse, group) || !read_dma(parse, group) ||
        even_if_disabled.size != 0) {
        return fail(parse, node, BOARD_BAD_PROPERTY);
    }
    memcpy(group->name, name, (size_t)length + 1);
    return BOARD_OK;
}

static enum board_error read_groups(struct parse *parse) {
    int devices = fdt_subnode_offset(parse->description, 0, "devices");
    int node;

    if (devices < 0) {
        return fail(parse, 0, BOARD_BAD_PROPERTY);
    }
    enum board_error error = check_names(parse, devices, nothing, NULL);
    if (error != BOARD_OK) {
        return error;
    }
    fdt_for_each_subnode(node, parse->description, devices) {
        error = read_group(parse, node);
        if (error != BOARD_OK) {
            return error;
        }
    }
    return BOARD_OK;
}

static enum board_error read_power_key(struct parse *parse, int node) {
    struct board_power_key *key = &parse->board->power_key;
    struct property low = find(parse, node, "active-low");
    enum board_error error = check_names(parse, node, power_key_properties, nothing);

    if (error != BOARD_OK) {
        return error;
    }
    if (!copy_string(parse, node, "node", key->path, sizeof(key->path)) ||
        !read_number(parse, node, "pin", 0, PIN_MAX, &key->pin) || low.size != 0 ||
        !read_number(parse, node, "long-press-ms", LONG_PRESS_MS_MIN, LONG_PRESS_MS_MAX, &key->long_press_ms)) {
        return fail(parse, node, BOARD_BAD_PROPERTY);
    }
    key->active_low = low.value != NULL;
    return BOARD_OK;
}

static enum board_error read_chord(struct parse *parse, int node) {
    struct board_keyboard *keyboard = &parse->board->keyboard;
    struct property keys = find(parse, node, "keys");
    enum board_error error = check_names(parse, node, chord_properties, nothing);

    if (error != BOARD_OK) {
        return error;
    }
    if (!copy_string(parse, node, "node", keyboard->path, sizeof(keyboard->path)) || keys.size == 0 ||
        keys.size % sizeof(fdt32_t) != 0 || keys.size / sizeof(fdt32_t) > BOARD_CHORD_MAX) {
        return fail(parse, node, BOARD_BAD_PROPERTY);
    }
    for (size_t i = 0; i < keys.size / sizeof(fdt32_t); i++) {
        uint32_t code = cell(&keys, i);

        if (code == 0 || code > KEY_CODE_MAX) {
            return fail(parse, node, BOARD_BAD_PROPERTY);
        }
        keyboard->chord[keyboard->chord_length++] = (uint16_t)code;
    }
    return BOARD_OK;
}

/** Without a key that only the switcher sees there would be no way out of a persona: one at least must be there. */
static enum board_error read_attention(struct parse *parse) {
    int node = fdt_subnode_offset(parse->description, 0, "attention");

    if (node < 0) {
        return fail(parse, 0, BOARD_BAD_PROPERTY);
    }
    enum board_error error = check_names(parse, node, nothing, attention_nodes);
    if (error != BOARD_OK) {
        return error;
    }
    int power_key = fdt_subnode_offset(parse->description, node, "power-key");
    int chord = fdt_subnode_offset(parse->description, node, "chord");
    if (power_key < 0 && chord < 0) {
        return fail(parse, node, BOARD_BAD_PROPERTY);
    }
    if (power_key >= 0) {
        error = read_power_key(parse, power_key);
    }
    if (error == BOARD_OK && chord >= 0) {
        error = read_chord(parse, chord);
    }
    return error;
}

static enum board_error read_flip(struct parse *parse) {
    int node = fdt_subnode_offset(parse->description, 0, "flip");
    uint32_t spi = 0;

    if (node < 0) {
        return fail(parse, 0, BOARD_BAD_PROPERTY);
    }
    enum board_error error = check_names(parse, node, flip_properties, nothing);
    if (error != BOARD_OK) {
        return error;
    }
    if (!read_number(parse, node, "spi", 0, SPI_COUNT - 1, &spi) ||
        !read_number(parse, node, "timeout-ms", FLIP_TIMEOUT_MS_MIN, FLIP_TIMEOUT_MS_MAX,
                     &parse->board->flip_timeout_ms)) {
        return fail(parse, node, BOARD_BAD_PROPERTY);
    }
    parse->board->flip_button_intid = SPI_FIRST + spi;
    return BOARD_OK;
}

/** Optional: without it personas have no channel, and the flip button alone asks them. */
static enum board_error read_channel(struct parse *parse) {
    int node = fdt_subnode_offset(parse->description, 0, "channel");
    struct board_channel *channel = &parse->board->channel;
    uint32_t spi = 0;

    if (node < 0) {
        return BOARD_OK;
    }
    enum board_error error = check_names(parse, node, channel_properties, nothing);
    if (error != BOARD_OK) {
        return error;
    }
    struct property base = find(parse, node, "base");
    if (base.size != 2 * sizeof(fdt32_t) || !read_number(parse, node, "spi", 0, SPI_COUNT - 1, &spi) ||
        SPI_FIRST + spi == parse->board->flip_button_intid) {
        return fail(parse, node, BOARD_BAD_PROPERTY);
    }
    channel->base = (uint64_t)cell(&base, 0) << 32 | cell(&base, 1);
    channel->intid = SPI_FIRST + spi;
    return channel->base != 0 && channel->base % BOARD_PAGE_SIZE == 0 ? BOARD_OK
                                                                      : fail(parse, node, BOARD_BAD_PROPERTY);
}

/** Optional: without it personas have no clock, unless a group gives the board's to them. */
static enum board_error read_clock(struct parse *parse) {
    int node = fdt_subnode_offset(parse->description, 0, "clock");
    struct board *board = parse->board;
    uint32_t spi = 0;

    if (node < 0) {
        return BOARD_OK;
    }
    enum board_error error = check_names(parse, node, clock_properties, nothing);
    if (error != BOARD_OK) {
        return error;
    }
    if (!copy_string(parse, node, "node", board->clock.path, sizeof(board->clock.path)) ||
        !read_number(parse, node, "spi", 0, SPI_COUNT - 1, &spi) || SPI_FIRST + spi == board->flip_button_intid ||
        SPI_FIRST + spi == board->channel.intid) {
        return fail(parse, node, BOARD_BAD_PROPERTY);
    }
    board->clock.persona_intid = SPI_FIRST + spi;
    return BOARD_OK;
}

/** Optional: without it what the virtual USIM has to remember lasts until power-off. */
static enum board_error read_usim_state(struct parse *parse) {
    int node = fdt_subnode_offset(parse->description, 0, "usim-state");
    struct board_usim_state *state = &parse->board->usim_state;

    if (node < 0) {
        return BOARD_OK;
    }
    enum board_error error = check_names(parse, node, usim_state_properties, nothing);
    if (error != BOARD_OK) {
        return error;
    }
    if (!copy_string(parse, node, "node", state->path, sizeof(state->path)) ||
        !read_number(parse, node, "bank", 0, BOARD_DEVICE_RANGES_MAX - 1, &state->bank)) {
        return fail(parse, node, BOARD_BAD_PROPERTY);
    }
    return BOARD_OK;
}

/** Adds the share that one property of /shares gives: its name is a persona's, its value percent. */
static bool read_share(struct parse *parse, int node, const char *name, uint32_t *total) {
    struct board *board = parse->board;

    if (board->share_count == BOARD_SHARES_MAX || !is_name(name)) {
        return false;
    }
    struct board_share *share = &board->shares[board->share_count++];
    memcpy(share->persona, name, strlen(name) + 1);
    if (!read_number(parse, node, name, 1, 100 - *total, &share->percent)) {
        return false;
    }
    *total += share->percent;
    return true;
}

static enum board_error read_shares(struct parse *parse) {
    int node = fdt_subnode_offset(parse->description, 0, "shares");
    uint32_t total = 0;
    int item;

    if (node < 0) {
        return BOARD_OK;
    }
    fdt_for_each_property_offset(item, parse->description, node) {
        const char *name = NULL;

        if (fdt_getprop_by_offset(parse->description, item, &name, NULL) == NULL ||
            !read_share(parse, node, name, &total)) {
            return fail(parse, node, BOARD_BAD_PROPERTY);
        }
    }
    return fdt_first_subnode(parse->description, node) >= 0 ? fail(parse, node, BOARD_UNKNOWN_PROPERTY) : BOARD_OK;
}

enum board_error parse_description(struct parse *parse) {
    enum board_error error;

    if ((error = read_root(parse)) != BOARD_OK) {
        return error;
    }
    if (!is_this_board(parse)) {
        return BOARD_NOT_THIS;
    }
    if ((error = read_groups(parse)) != BOARD_OK || (error = read_attention(parse)) != BOARD_OK ||
        (error = read_flip(parse)) != BOARD_OK || (error = read_channel(parse)) != BOARD_OK ||
        (error = read_clock(parse)) != BOARD_OK || (error = read_usim_state(parse)) != BOARD_OK) {
        return error;
    }
    return read_shares(parse);
}
