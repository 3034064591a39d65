// SPDX-License-Identifier: BSD-3-Clause
#include "persona/config.h"

#include <string.h>

enum {
    PERCENT_MAX = 100,
    KEYS_MAX = 16, /* of one file */
};

/** A part of the file. */
struct slice {
    const char *text;
    size_t size;
};

/** A key of a file, and what takes its value to the configuration. */
struct key {
    const char *name;
    enum config_error (*take)(void *config, struct slice value);
};

const char *config_error_text(enum config_error error) {
    switch (error) {
    case CONFIG_OK:
        return "no error";
    case CONFIG_FILE_TOO_LONG:
        return "the file is too long";
    case CONFIG_BAD_CHARACTER:
        return "a character that is not text";
    case CONFIG_NO_EQUALS_SIGN:
        return "no equals sign";
    case CONFIG_UNKNOWN_KEY:
        return "unknown key";
    case CONFIG_KEY_TWICE:
        return "the key is given twice";
    case CONFIG_NO_VALUE:
        return "no value";
    case CONFIG_TOO_LONG:
        return "the value is too long";
    case CONFIG_BAD_NUMBER:
        return "not a number";
    case CONFIG_OUT_OF_RANGE:
        return "the number is out of range";
    case CONFIG_BAD_NAME:
        return "not a persona's name";
    case CONFIG_BAD_FILE_NAME:
        return "not a plain file name";
    case CONFIG_NOT_YES_OR_NO:
        return "neither yes nor no";
    case CONFIG_NO_KERNEL:
        return "no kernel is named";
    }
    return "unknown error";
}

static bool equals(struct slice slice, const char *text) {
    return slice.size == strlen(text) && memcmp(slice.text, text, slice.size) == 0;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static struct slice trim(struct slice slice) {
    for (; slice.size > 0 && is_blank(slice.text[0]); slice.size--) {
        slice.text++;
    }
    while (slice.size > 0 && is_blank(slice.text[slice.size - 1])) {
        slice.size--;
    }
    return slice;
}

/** @return how many bytes a character of UTF-8 takes (RFC 3629, 4); 0: it is none, or a control character */
static size_t character_size(struct slice slice) {
    const unsigned char *byte = (const unsigned char *)slice.text;
    size_t size = byte[0] < 0x80 ? 1 : byte[0] < 0xc2 ? 0 : byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;

    if (size == 1) {
        return (byte[0] >= 0x20 && byte[0] != 0x7f) || byte[0] == '\t' ? 1 : 0;
    }
    if (size == 0 || byte[0] > 0xf4 || size > slice.size) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    // Overlong forms, surrogates and what lies above U+10FFFF show in the second byte; C1 controls are U+0080 to
    // U+009F.
    bool is_wrong = (byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xed && byte[1] > 0x9f) ||
                    (byte[0] == 0xf0 && byte[1] < 0x90) || (byte[0] == 0xf4 && byte[1] > 0x8f) ||
                    (byte[0] == 0xc2 && byte[1] < 0xa0);
    return is_wrong ? 0 : size;
}

bool config_is_text(const char *text, size_t text_size) {
    struct slice slice = {text, text_size};

    while (slice.size > 0) {
        size_t size = character_size(slice);

        if (size == 0) {
            return false;
        }
        slice.text += size;
        slice.size -= size;
    }
    return true;
}

static enum config_error copy(char *to, size_t to_size, struct slice value) {
    if (value.size >= to_size) {
        return CONFIG_TOO_LONG;
    }
    memcpy(to, value.text, value.size);
    to[value.size] = '\0';
    return CONFIG_OK;
}

/** Reads decimal digits. */
static enum config_error take_number(struct slice value, uint64_t least, uint64_t most, uint64_t *number) {
    *number = 0;
    if (value.size == 0) {
        return CONFIG_BAD_NUMBER;
    }
    for (size_t i = 0; i < value.size; i++) {
        if (value.text[i] < '0' || value.text[i] > '9') {
            return CONFIG_BAD_NUMBER;
        }
        uint64_t digit = (uint64_t)(value.text[i] - '0');
        if (*number > (most - digit) / 10) {
            // Digits may still turn out to be none further on, but a number this long is out of range in any case.
            return CONFIG_OUT_OF_RANGE;
        }
        *number = *number * 10 + digit;
    }
    return *number < least ? CONFIG_OUT_OF_RANGE : CONFIG_OK;
}

static enum config_error take_seconds(struct slice value, uint32_t least, uint32_t most, uint32_t *seconds) {
    uint64_t number = 0;
    enum config_error error = take_number(value, least, most, &number);

    *seconds = (uint32_t)number;
    return error;
}

static enum config_error take_yes_or_no(struct slice value, bool *yes) {
    *yes = equals(value, "yes");
    return *yes || equals(value, "no") ? CONFIG_OK : CONFIG_NOT_YES_OR_NO;
}

static bool is_name(struct slice slice) {
    for (size_t i = 0; i < slice.size; i++) {
        char c = slice.text[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            return false;
        }
    }
    return slice.size > 0 && slice.size < CONFIG_NAME_SIZE;
}

bool config_is_name(const char *text) { return is_name((struct slice){text, strlen(text)}); }

bool config_is_file_name(const char *text, size_t size) {
    bool has_other_than_dots = false;

    for (size_t i = 0; i < size; i++) {
        if (strchr("/\\:*?\"<>|", text[i]) != NULL || (text[i] & 0x80) != 0) {
            return false;
        }
        has_other_than_dots = has_other_than_dots || text[i] != '.';
    }
    return has_other_than_dots;
}

static enum config_error take_file_name(char *to, struct slice value) {
    return config_is_file_name(value.text, value.size) ? copy(to, CONFIG_FILE_NAME_SIZE, value) : CONFIG_BAD_FILE_NAME;
}

/* flipside.conf */

static enum config_error take_timeout(void *config, struct slice value) {
    return take_seconds(value, 0, CONFIG_TIMEOUT_MAX, &((struct config_terminal *)config)->timeout_s);
}

static enum config_error take_flip_timeout(void *config, struct slice value) {
    return take_seconds(value, 1, CONFIG_FLIP_TIMEOUT_MAX, &((struct config_terminal *)config)->flip_timeout_s);
}

static enum config_error take_default_persona(void *config, struct slice value) {
    struct config_terminal *terminal = config;

    return is_name(value) ? copy(terminal->default_persona, sizeof(terminal->default_persona), value) : CONFIG_BAD_NAME;
}

static enum config_error take_allow_unconfined_dma(void *config, struct slice value) {
    return take_yes_or_no(value, &((struct config_terminal *)config)->allow_unconfined_dma);
}

static enum config_error take_allow_unsigned(void *config, struct slice value) {
    return take_yes_or_no(value, &((struct config_terminal *)config)->allow_unsigned);
}

static const struct key terminal_keys[] = {{"timeout", take_timeout},
                                           {"flip-timeout", take_flip_timeout},
                                           {"default", take_default_persona},
                                           {"allow-unconfined-dma", take_allow_unconfined_dma},
                                           {"allow-unsigned", take_allow_unsigned},
                                           {NULL, NULL}};

/* persona.conf */

static enum config_error take_title(void *config, struct slice value) {
    struct config_persona *persona = config;

    return copy(persona->title, sizeof(persona->title), value);
}

static enum config_error take_command_line(void *config, struct slice value) {
    struct config_persona *persona = config;

    return copy(persona->command_line, sizeof(persona->command_line), value);
}

static enum config_error take_memory(void *config, struct slice value) {
    struct config_memory *memory = &((struct config_persona *)config)->memory;
    char unit = value.text[value.size - 1];
    unsigned shift = unit == 'G' ? 30 : 20;

    value.size--;
    if (unit == '%') {
        memory->kind = CONFIG_MEMORY_PERCENT;
        return take_number(value, 1, PERCENT_MAX, &memory->value);
    }
    if (unit != 'M' && unit != 'G') {
        return CONFIG_BAD_NUMBER;
    }
    memory->kind = CONFIG_MEMORY_BYTES;
    enum config_error error = take_number(value, 1, UINT64_MAX >> shift, &memory->value);
    memory->value <<= shift;
    return error;
}

static enum config_error take_kernel(void *config, struct slice value) {
    return take_file_name(((struct config_persona *)config)->kernel, value);
}

static enum config_error take_initrd(void *config, struct slice value) {
    return take_file_name(((struct config_persona *)config)->initrd, value);
}

static enum config_error take_default(void *config, struct slice value) {
    return take_yes_or_no(value, &((struct config_persona *)config)->is_default);
}

static enum config_error take_prewarm(void *config, struct slice value) {
    return take_yes_or_no(value, &((struct config_persona *)config)->prewarm);
}

static enum config_error take_prewarm_seconds(void *config, struct slice value) {
    return take_seconds(value, 1, CONFIG_PREWARM_MAX, &((struct config_persona *)config)->prewarm_s);
}

static enum config_error take_alarm_flip(void *config, struct slice value) {
    return take_yes_or_no(value, &((struct config_persona *)config)->alarm_flip);
}

static const struct key persona_keys[] = {{"title", take_title},           {"cmdline", take_command_line},
                                          {"memory", take_memory},         {"kernel", take_kernel},
                                          {"initrd", take_initrd},         {"default", take_default},
                                          {"prewarm", take_prewarm},       {"prewarm-seconds", take_prewarm_seconds},
                                          {"alarm-flip", take_alarm_flip}, {NULL, NULL}};

/* Both */

/** Takes one line that is not empty. */
static enum config_error take_line(struct slice line, const struct key *keys, bool *is_given, void *config) {
    const char *equals_sign = memchr(line.text, '=', line.size);

    if (equals_sign == NULL) {
        return CONFIG_NO_EQUALS_SIGN;
    }
    size_t key_size = (size_t)(equals_sign - line.text);
    struct slice name = trim((struct slice){line.text, key_size});
    struct slice value = trim((struct slice){equals_sign + 1, line.size - key_size - 1});

    for (size_t i = 0; keys[i].name != NULL; i++) {
        if (!equals(name, keys[i].name)) {
            continue;
        }
        if (is_given[i]) {
            return CONFIG_KEY_TWICE;
        }
        is_given[i] = true;
        return value.size == 0 ? CONFIG_NO_VALUE : keys[i].take(config, value);
    }
    return CONFIG_UNKNOWN_KEY;
}

/** Cuts the next line off, with its end. */
static struct slice next_line(struct slice *rest) {
    const char *end = memchr(rest->text, '\n', rest->size);
    struct slice line = {rest->text, end == NULL ? rest->size : (size_t)(end - rest->text)};
    size_t used = end == NULL ? line.size : line.size + 1;

    rest->text += used;
    rest->size -= used;
    if (line.size > 0 && line.text[line.size - 1] == '\r') {
        line.size--;
    }
    return line;
}

static struct config_fault parse(struct slice rest, const struct key *keys, void *config) {
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    bool is_given[KEYS_MAX] = {false};

    if (rest.size > CONFIG_FILE_MAX) {
        return (struct config_fault){CONFIG_FILE_TOO_LONG, 0};
    }
    // Some editors put it first.
    if (rest.size >= 3 && memcmp(rest.text, byte_order_mark, 3) == 0) {
        rest.text += 3;
        rest.size -= 3;
    }
    for (unsigned number = 1; rest.size > 0; number++) {
        struct slice line = trim(next_line(&rest));

        if (!config_is_text(line.text, line.size)) {
            return (struct config_fault){CONFIG_BAD_CHARACTER, number};
        }
        if (line.size == 0 || line.text[0] == '#') {
            continue;
        }
        enum config_error error = take_line(line, keys, is_given, config);
        if (error != CONFIG_OK) {
            return (struct config_fault){error, number};
        }
    }
    return (struct config_fault){CONFIG_OK, 0};
}

void config_terminal_defaults(struct config_terminal *config) {
    *config = (struct config_terminal){.timeout_s = CONFIG_TIMEOUT_DEFAULT};
}

struct config_fault config_parse_terminal(struct config_terminal *config, const char *text, size_t size) {
    config_terminal_defaults(config);
    struct config_fault fault = parse((struct slice){text, size}, terminal_keys, config);

    if (fault.error != CONFIG_OK) {
        config_terminal_defaults(config);
    }
    return fault;
}

struct config_fault config_parse_persona(struct config_persona *config, const char *text, size_t size) {
    memset(config, 0, sizeof(*config));
    config->prewarm_s = CONFIG_PREWARM_DEFAULT;
    struct config_fault fault = parse((struct slice){text, size}, persona_keys, config);

    if (fault.error == CONFIG_OK && config->kernel[0] == '\0') {
        fault.error = CONFIG_NO_KERNEL;
    }
    if (fault.error != CONFIG_OK) {
        memset(config, 0, sizeof(*config));
    }
    return fault;
}
