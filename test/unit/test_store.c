// SPDX-License-Identifier: BSD-3-Clause
#include "persona/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FILES_MAX = 64 };

/** A file system in memory. */
struct file {
    char path[STORE_PATH_SIZE];
    const char *text; /* NULL: the medium fails there */
    size_t size;
};

static struct file files[FILES_MAX];
static size_t file_count;
static struct store store;
static bool list_fails;

static void add_bytes(const char *path, const char *text, size_t size) {
    assert_in_range(file_count, 0, FILES_MAX - 1);
    snprintf(files[file_count].path, sizeof(files[0].path), "%s", path);
    files[file_count].text = text;
    files[file_count++].size = size;
}

static void add(const char *path, const char *text) { add_bytes(path, text, text == NULL ? 0 : strlen(text)); }

static void add_persona(const char *name, const char *config) {
    char path[STORE_PATH_SIZE];

    snprintf(path, sizeof(path), "personas/%s/persona.conf", name);
    add(path, config);
    snprintf(path, sizeof(path), "personas/%s/kernel", name);
    add(path, "the kernel");
    snprintf(path, sizeof(path), "personas/%s/initrd", name);
    add(path, "the initrd");
}

static int clear(void **state) {
    (void)state;
    file_count = 0;
    list_fails = false;
    return 0;
}

static const struct file *find(const char *path) {
    for (size_t i = 0; i < file_count; i++) {
        if (strcmp(files[i].path, path) == 0) {
            return &files[i];
        }
    }
    return NULL;
}

/** @return whether an earlier file is in the same directory beneath the prefix */
static bool is_listed_before(size_t file, size_t prefix, size_t length) {
    for (size_t i = 0; i < file; i++) {
        if (strncmp(files[i].path, files[file].path, prefix + length + 1) == 0) {
            return true;
        }
    }
    return false;
}

static enum store_file_result list(void *context, const char *path, size_t index, char *name, size_t name_size) {
    size_t prefix = strlen(path) + 1;

    (void)context;
    for (size_t i = 0; i < file_count && !list_fails; i++) {
        const char *end = strchr(files[i].path + prefix - 1, '/');

        if (strncmp(files[i].path, path, prefix - 1) != 0 || end == NULL || strchr(end + 1, '/') == NULL) {
            continue;
        }
        size_t length = (size_t)(strchr(end + 1, '/') - end - 1);
        if (!is_listed_before(i, prefix, length) && index-- == 0) {
            snprintf(name, name_size, "%.*s", (int)length, end + 1);
            return STORE_FILE_OK;
        }
    }
    return list_fails ? STORE_FILE_FAILED : STORE_FILE_ABSENT;
}

static enum store_file_result size_of(void *context, const char *path, uint64_t *size) {
    const struct file *file = find(path);

    (void)context;
    *size = file == NULL ? 0 : file->size;
    return file == NULL ? STORE_FILE_ABSENT : file->text == NULL ? STORE_FILE_FAILED : STORE_FILE_OK;
}

static enum store_file_result read_at(void *context, const char *path, uint64_t offset, void *buffer, size_t size) {
    const struct file *file = find(path);

    (void)context;
    if (file == NULL || file->text == NULL || offset > file->size || size > file->size - offset) {
        return STORE_FILE_FAILED;
    }
    memcpy(buffer, file->text + offset, size);
    return STORE_FILE_OK;
}

static const struct store_files access_to_files = {NULL, list, size_of, read_at};

static enum store_error scan(void) { return store_scan(&store, &access_to_files); }

static const char two[] = "kernel=kernel\ninitrd=initrd\n";

static void expect_damaged(const char *reason) {
    assert_int_equal(scan(), STORE_OK);
    assert_int_equal(store.persona_count, 1);
    assert_int_equal(store.personas[0].status, STORE_DAMAGED);
    assert_string_equal(store.personas[0].reason, reason);
    assert_int_equal(store.default_persona, SIZE_MAX);
}

static void test_two_personas(void **state) {
    (void)state;
    add("flipside.conf", "timeout=3\ndefault=work\n");
    add_persona("work", "title=Work\nkernel=kernel\ninitrd=initrd\n");
    add_persona("personal", "kernel=kernel\n");
    assert_int_equal(scan(), STORE_OK);
    assert_int_equal(store.persona_count, 2);
    assert_int_equal(store.terminal.timeout_s, 3);
    assert_string_equal(store.terminal_reason, "");
    assert_string_equal(store.personas[0].name, "personal");
    assert_string_equal(store.personas[0].config.title, "personal");
    assert_int_equal(store.personas[0].initrd_size, 0);
    assert_string_equal(store.personas[1].config.title, "Work");
    assert_int_equal(store.personas[1].status, STORE_READY);
    assert_int_equal(store.personas[1].kernel_size, strlen("the kernel"));
    assert_int_equal(store.personas[1].initrd_size, strlen("the initrd"));
    assert_int_equal(store.default_persona, 1);
}

static void test_reading_parts(void **state) {
    char bytes[6] = "";

    (void)state;
    add_persona("work", two);
    assert_int_equal(scan(), STORE_OK);
    assert_true(store_read_kernel(&store.personas[0], &access_to_files, 4, bytes, 6));
    assert_memory_equal(bytes, "kernel", 6);
    assert_true(store_read_initrd(&store.personas[0], &access_to_files, 4, bytes, 6));
    assert_memory_equal(bytes, "initrd", 6);
    assert_false(store_read_initrd(&store.personas[0], &access_to_files, 5, bytes, 6));
    assert_false(store_read_initrd(&store.personas[0], &access_to_files, UINT64_MAX, bytes, 2));
    store_mark_damaged(&store, 0, "the kernel is truncated");
    assert_false(store_read_kernel(&store.personas[0], &access_to_files, 0, bytes, 1));
    assert_string_equal(store.personas[0].reason, "the kernel is truncated");
    assert_int_equal(store.default_persona, SIZE_MAX);
}

static void test_missing_and_empty_files(void **state) {
    (void)state;
    add("personas/work/persona.conf", two);
    expect_damaged("kernel is missing");
    add("personas/work/kernel", "");
    expect_damaged("kernel is empty");
    files[1].size = 1;
    expect_damaged("initrd is missing");
    add("personas/work/initrd", NULL);
    expect_damaged("initrd can't be read");
}

static void test_configuration_missing_empty_or_rubbish(void **state) {
    static char long_text[CONFIG_FILE_MAX + 1];

    (void)state;
    add("personas/work/kernel", "k");
    expect_damaged("persona.conf is missing");
    add("personas/work/persona.conf", "");
    expect_damaged("persona.conf: no kernel is named");
    files[1].text = "title=Work\nkernel=kernel\nmemroy=50%\n";
    files[1].size = strlen(files[1].text);
    expect_damaged("persona.conf, line 3: unknown key");
    add_bytes("personas/work/x", "", 0);
    files[1].text = "\x7f\x45LF\x02\x01";
    files[1].size = 6;
    expect_damaged("persona.conf, line 1: a character that is not text");
    files[1].text = long_text;
    files[1].size = sizeof(long_text);
    expect_damaged("persona.conf is too long");
    files[1].text = NULL;
    expect_damaged("persona.conf can't be read");
}

static void test_terminal_configuration_is_not_needed(void **state) {
    (void)state;
    add_persona("work", two);
    add("flipside.conf", "timeout=5\nrubbish\n");
    assert_int_equal(scan(), STORE_OK);
    assert_string_equal(store.terminal_reason, "flipside.conf, line 2: no equals sign");
    assert_int_equal(store.terminal.timeout_s, CONFIG_TIMEOUT_DEFAULT);
    assert_int_equal(store.default_persona, 0);
    files[3].text = NULL;
    assert_int_equal(scan(), STORE_OK);
    assert_string_equal(store.terminal_reason, "flipside.conf can't be read");
}

static void test_default(void **state) {
    (void)state;
    add_persona("a", two);
    add_persona("b", "kernel=kernel\ndefault=yes\n");
    add_persona("c", "kernel=kernel\ndefault=yes\n");
    assert_int_equal(scan(), STORE_OK);
    assert_int_equal(store.default_persona, 1);
    store_mark_damaged(&store, 1, "broken");
    assert_int_equal(store.default_persona, 2);
    store_mark_damaged(&store, 2, "broken");
    assert_int_equal(store.default_persona, 0);
    add("flipside.conf", "default=c\n");
    assert_int_equal(scan(), STORE_OK);
    assert_int_equal(store.default_persona, 2);
    files[9].text = "default=d\n";
    assert_int_equal(scan(), STORE_OK);
    assert_int_equal(store.default_persona, 1);
}

static void test_nine_personas(void **state) {
    char name[2] = "i";

    (void)state;
    for (int i = 0; i < 9; i++) {
        add_persona(name, two);
        name[0]--;
    }
    assert_int_equal(scan(), STORE_OK);
    assert_int_equal(store.persona_count, STORE_PERSONAS_MAX);
    assert_int_equal(store.left_out, 1);
    for (size_t i = 0; i < STORE_PERSONAS_MAX; i++) {
        assert_int_equal(store.personas[i].name[0], 'a' + (int)i);
        assert_int_equal(store.personas[i].status, STORE_READY);
    }
    add_persona("z", two);
    assert_int_equal(scan(), STORE_OK);
    assert_int_equal(store.left_out, 2);
    assert_string_equal(store.personas[7].name, "h");
}

static void test_names(void **state) {
    (void)state;
    add_persona("WORK", two);
    assert_int_equal(scan(), STORE_OK);
    assert_string_equal(store.personas[0].name, "work");
    assert_int_equal(store.personas[0].status, STORE_READY);
    clear(NULL);
    add_persona("a\x1b[31m", two);
    expect_damaged("a persona's name is 1 to 31 small letters, digits and hyphens");
    assert_string_equal(store.personas[0].name, "a?[31m");
    clear(NULL);
    add_persona("0123456789012345678901234567890", two);
    assert_int_equal(scan(), STORE_OK);
    assert_int_equal(store.personas[0].status, STORE_READY);
    clear(NULL);
    add_persona("01234567890123456789012345678901", two);
    expect_damaged("a persona's name is 1 to 31 small letters, digits and hyphens");
}

static void test_encrypted(void **state) {
    static const char *const objects[] = {"personas/work/a/manifest", "personas/work/b/manifest",
                                          "personas/work/grant"};

    (void)state;
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        clear(NULL);
        add(objects[i], "not looked at here");
        add("flipside.conf", "default=work\n");
        add_persona("personal", "kernel=kernel\n");
        assert_int_equal(scan(), STORE_OK);
        assert_int_equal(store.personas[1].status, STORE_ENCRYPTED);
        assert_string_equal(store.personas[1].config.title, "work");
        assert_int_equal(store.default_persona, 1);
        // A configuration that was put beside it does not make it a plain one.
        add("personas/work/persona.conf", "kernel=kernel\n");
        add("personas/work/kernel", "kernel");
        assert_int_equal(scan(), STORE_OK);
        assert_int_equal(store.personas[1].status, STORE_ENCRYPTED);
    }
}

static void test_nothing_there(void **state) {
    (void)state;
    assert_int_equal(scan(), STORE_ABSENT);
    add("flipside.conf", "timeout=3\n");
    assert_int_equal(scan(), STORE_ABSENT);
    add("personas/.hidden/persona.conf", two);
    assert_int_equal(scan(), STORE_EMPTY);
    list_fails = true;
    assert_int_equal(scan(), STORE_FAILED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_two_personas, clear),
        cmocka_unit_test_setup(test_encrypted, clear),
        cmocka_unit_test_setup(test_reading_parts, clear),
        cmocka_unit_test_setup(test_missing_and_empty_files, clear),
        cmocka_unit_test_setup(test_configuration_missing_empty_or_rubbish, clear),
        cmocka_unit_test_setup(test_terminal_configuration_is_not_needed, clear),
        cmocka_unit_test_setup(test_default, clear),
        cmocka_unit_test_setup(test_nine_personas, clear),
        cmocka_unit_test_setup(test_names, clear),
        cmocka_unit_test_setup(test_nothing_there, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
