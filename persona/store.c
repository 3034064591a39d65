// SPDX-License-Identifier: BSD-3-Clause
#include "persona/store.h"

#include <string.h>

static const char personas_directory[] = "personas";
static const char terminal_file[] = "flipside.conf";
static const char persona_file[] = "persona.conf";
static const char *const encrypted_files[] = {"a/manifest", "b/manifest", "grant", NULL};

/** Text being put together; what does not fit is cut. */
struct text {
    char *to;
    size_t size; /* bytes of `to`, with the final NUL */
    size_t used;
};

const char *store_error_text(enum store_error error) {
    switch (error) {
    case STORE_OK:
        return "no error";
    case STORE_ABSENT:
        return "there are no personas on this device";
    case STORE_EMPTY:
        return "the directory of personas is empty";
    case STORE_FAILED:
        return "the personas can't be read: the file system or the disk failed";
    }
    return "unknown error";
}

/** Begins text that goes to `size` bytes. */
static struct text text_to(char *to, size_t size) {
    struct text text = {.size = size};

    text.to = to;
    *to = '\0';
    return text;
}

static void append(struct text *text, const char *more) {
    while (*more != '\0' && text->used + 1 < text->size) {
        text->to[text->used++] = *more++;
    }
    text->to[text->used] = '\0';
}

static void append_number(struct text *text, unsigned number) {
    char digits[11];
    size_t place = sizeof(digits) - 1;

    digits[place] = '\0';
    do {
        digits[--place] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    append(text, digits + place);
}

static void write_reason(char *reason, const char *what, const char *why) {
    struct text text = text_to(reason, STORE_REASON_SIZE);

    append(&text, what);
    append(&text, why);
}

static void write_fault(char *reason, const char *file, struct config_fault fault) {
    struct text text = text_to(reason, STORE_REASON_SIZE);

    append(&text, file);
    if (fault.line > 0) {
        append(&text, ", line ");
        append_number(&text, fault.line);
    }
    append(&text, ": ");
    append(&text, config_error_text(fault.error));
}

/** Reads a configuration file into the store's buffer. @return NULL, or why that did not work */
static const char *read_text(struct store *store, const struct store_files *files, const char *path, size_t *size) {
    uint64_t length = 0;
    enum store_file_result result = files->size(files->context, path, &length);

    *size = 0;
    if (result == STORE_FILE_ABSENT) {
        return " is missing";
    }
    if (result != STORE_FILE_OK) {
        return " can't be read";
    }
    if (length > sizeof(store->text)) {
        return " is too long";
    }
    if (length > 0 && files->read(files->context, path, 0, store->text, (size_t)length) != STORE_FILE_OK) {
        return " can't be read";
    }
    *size = (size_t)length;
    return NULL;
}

/** The terminal can do without its file, so nothing that is wrong with it keeps personas from being started. */
static void scan_terminal(struct store *store, const struct store_files *files) {
    uint64_t length = 0;
    size_t size = 0;

    config_terminal_defaults(&store->terminal);
    if (files->size(files->context, terminal_file, &length) == STORE_FILE_ABSENT) {
        return;
    }
    const char *why = read_text(store, files, terminal_file, &size);
    if (why != NULL) {
        write_reason(store->terminal_reason, terminal_file, why);
        return;
    }
    struct config_fault fault = config_parse_terminal(&store->terminal, store->text, size);
    if (fault.error != CONFIG_OK) {
        write_fault(store->terminal_reason, terminal_file, fault);
    }
}

static void persona_path(char *path, const struct store_persona *persona, const char *file) {
    struct text text = text_to(path, STORE_PATH_SIZE);

    append(&text, personas_directory);
    append(&text, "/");
    append(&text, persona->directory);
    append(&text, "/");
    append(&text, file);
}

static void damage(struct store_persona *persona, const char *what, const char *why) {
    persona->status = STORE_DAMAGED;
    write_reason(persona->reason, what, why);
}

/** Looks whether a file of a persona is there and not empty. */
static void scan_file(struct store_persona *persona, const struct store_files *files, const char *file,
                      uint64_t *size) {
    char path[STORE_PATH_SIZE];

    persona_path(path, persona, file);
    enum store_file_result result = files->size(files->context, path, size);
    if (result != STORE_FILE_OK) {
        *size = 0;
        damage(persona, file, result == STORE_FILE_ABSENT ? " is missing" : " can't be read");
    } else if (*size == 0) {
        damage(persona, file, " is empty");
    }
}

static void scan_config(struct store *store, struct store_persona *persona, const struct store_files *files) {
    char path[STORE_PATH_SIZE];
    size_t size = 0;

    persona_path(path, persona, persona_file);
    const char *why = read_text(store, files, path, &size);
    if (why != NULL) {
        damage(persona, persona_file, why);
        return;
    }
    struct config_fault fault = config_parse_persona(&persona->config, store->text, size);
    if (fault.error != CONFIG_OK) {
        persona->status = STORE_DAMAGED;
        write_fault(persona->reason, persona_file, fault);
    }
}

/** A file beside the objects of an encrypted persona does not make a plain one of it, which nobody would have to
 * unlock.
 */
static bool is_encrypted(const struct store_persona *persona, const struct store_files *files) {
    char path[STORE_PATH_SIZE];
    uint64_t size = 0;

    for (const char *const *file = encrypted_files; *file != NULL; file++) {
        persona_path(path, persona, *file);
        if (files->size(files->context, path, &size) != STORE_FILE_ABSENT) {
            return true;
        }
    }
    return false;
}

static void set_title(struct store_persona *persona) {
    struct text title = text_to(persona->config.title, sizeof(persona->config.title));

    append(&title, persona->name);
}

static void scan_persona(struct store *store, struct store_persona *persona, const struct store_files *files) {
    if (persona->status == STORE_DAMAGED || !config_is_name(persona->name)) {
        damage(persona, "a persona's name is 1 to 31 small letters, digits and hyphens", "");
        return;
    }
    if (is_encrypted(persona, files)) {
        persona->status = STORE_ENCRYPTED;
        set_title(persona);
        return;
    }
    scan_config(store, persona, files);
    if (persona->status == STORE_READY) {
        scan_file(persona, files, persona->config.kernel, &persona->kernel_size);
    }
    if (persona->status == STORE_READY && persona->config.initrd[0] != '\0') {
        scan_file(persona, files, persona->config.initrd, &persona->initrd_size);
    }
    if (persona->status == STORE_READY && persona->config.title[0] == '\0') {
        set_title(persona);
    }
}

/** What the picker shows must be harmless on a terminal, whatever a directory is called. */
static void make_printable(char *name) {
    for (; *name != '\0'; name++) {
        if (*name < 0x20 || *name > 0x7e) {
            *name = '?';
        }
    }
}

/** FAT spells names as it likes: the persona's is in small letters. */
static void set_name(struct store_persona *persona, const char *directory) {
    struct text spelt = text_to(persona->directory, sizeof(persona->directory));
    struct text name = text_to(persona->name, sizeof(persona->name));

    append(&spelt, directory);
    append(&name, directory);
    for (char *c = persona->name; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
    make_printable(persona->name);
    // Cut, it could pass for another.
    persona->status = strlen(directory) < sizeof(persona->directory) ? STORE_READY : STORE_DAMAGED;
}

/** Puts a persona where its name belongs; the last in order falls off a full list. */
static void add_persona(struct store *store, const char *directory) {
    struct store_persona added = {0};
    size_t place = store->persona_count;

    set_name(&added, directory);
    while (place > 0 && strcmp(store->personas[place - 1].name, added.name) > 0) {
        place--;
    }
    if (store->persona_count == STORE_PERSONAS_MAX) {
        store->left_out++;
        store->persona_count--;
    }
    if (place == STORE_PERSONAS_MAX) {
        store->persona_count++;
        return;
    }
    memmove(&store->personas[place + 1], &store->personas[place],
            (store->persona_count - place) * sizeof(store->personas[0]));
    store->personas[place] = added;
    store->persona_count++;
}

static enum store_error list_personas(struct store *store, const struct store_files *files) {
    // One byte more than a name may have, so that one that is too long does not pass for a shorter one.
    char name[CONFIG_NAME_SIZE + 1];

    for (size_t i = 0;; i++) {
        enum store_file_result result = files->list(files->context, personas_directory, i, name, sizeof(name));

        if (result == STORE_FILE_ABSENT) {
            return i == 0 ? STORE_ABSENT : STORE_OK;
        }
        if (result != STORE_FILE_OK) {
            return STORE_FAILED;
        }
        if (name[0] != '.') {
            add_persona(store, name);
        }
    }
}

static size_t find_ready(const struct store *store, const char *name) {
    for (size_t i = 0; i < store->persona_count; i++) {
        const struct store_persona *persona = &store->personas[i];

        if (persona->status != STORE_DAMAGED && (name == NULL || strcmp(persona->name, name) == 0)) {
            return i;
        }
    }
    return SIZE_MAX;
}

/** flipside.conf decides; then the first persona that says so itself; then the first. */
static void choose_default(struct store *store) {
    store->default_persona = find_ready(store, store->terminal.default_persona);
    for (size_t i = 0; i < store->persona_count && store->default_persona == SIZE_MAX; i++) {
        if (store->personas[i].status == STORE_READY && store->personas[i].config.is_default) {
            store->default_persona = i;
        }
    }
    if (store->default_persona == SIZE_MAX) {
        store->default_persona = find_ready(store, NULL);
    }
}

enum store_error store_scan(struct store *store, const struct store_files *files) {
    memset(store, 0, sizeof(*store));
    store->default_persona = SIZE_MAX;
    scan_terminal(store, files);
    enum store_error error = list_personas(store, files);
    if (error != STORE_OK) {
        return error;
    }
    for (size_t i = 0; i < store->persona_count; i++) {
        scan_persona(store, &store->personas[i], files);
    }
    choose_default(store);
    return store->persona_count == 0 ? STORE_EMPTY : STORE_OK;
}

void store_mark_damaged(struct store *store, size_t index, const char *reason) {
    damage(&store->personas[index], reason, "");
    choose_default(store);
}

static bool read_part(const struct store_persona *persona, const struct store_files *files, const char *file,
                      uint64_t file_size, uint64_t offset, void *buffer, size_t size) {
    char path[STORE_PATH_SIZE];

    if (persona->status != STORE_READY || offset > file_size || size > file_size - offset) {
        return false;
    }
    persona_path(path, persona, file);
    return files->read(files->context, path, offset, buffer, size) == STORE_FILE_OK;
}

bool store_read_kernel(const struct store_persona *persona, const struct store_files *files, uint64_t offset,
                       void *buffer, size_t size) {
    return read_part(persona, files, persona->config.kernel, persona->kernel_size, offset, buffer, size);
}

bool store_read_initrd(const struct store_persona *persona, const struct store_files *files, uint64_t offset,
                       void *buffer, size_t size) {
    return read_part(persona, files, persona->config.initrd, persona->initrd_size, offset, buffer, size);
}
