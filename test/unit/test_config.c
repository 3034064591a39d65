// SPDX-License-Identifier: BSD-3-Clause
#include "persona/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct config_terminal terminal;
static struct config_persona persona;

static void expect_terminal(const char *text, enum config_error error, unsigned line) {
    struct config_fault fault = config_parse_terminal(&terminal, text, strlen(text));

    assert_string_equal(config_error_text(fault.error), config_error_text(error));
    assert_int_equal(fault.line, line);
}

static void expect_persona(const char *text, enum config_error error, unsigned line) {
    struct config_fault fault = config_parse_persona(&persona, text, strlen(text));

    assert_string_equal(config_error_text(fault.error), config_error_text(error));
    assert_int_equal(fault.line, line);
}

static void test_terminal(void **state) {
    (void)state;
    expect_terminal("timeout=0\nflip-timeout=300\ndefault=work-2\n", CONFIG_OK, 0);
    assert_int_equal(terminal.timeout_s, 0);
    assert_int_equal(terminal.flip_timeout_s, 300);
    assert_string_equal(terminal.default_persona, "work-2");
}

static void test_unconfined_dma_needs_a_plain_yes(void **state) {
    (void)state;
    expect_terminal("", CONFIG_OK, 0);
    assert_false(terminal.allow_unconfined_dma);
    expect_terminal("allow-unconfined-dma=yes\n", CONFIG_OK, 0);
    assert_true(terminal.allow_unconfined_dma);
    expect_terminal("allow-unconfined-dma = no\n", CONFIG_OK, 0);
    assert_false(terminal.allow_unconfined_dma);
    expect_terminal("allow-unconfined-dma=YES", CONFIG_NOT_YES_OR_NO, 1);
    assert_false(terminal.allow_unconfined_dma);
    expect_terminal("allow-unconfined-dma=1", CONFIG_NOT_YES_OR_NO, 1);
    expect_terminal("allow-unconfined-dma=", CONFIG_NO_VALUE, 1);
    expect_terminal("allow-unconfined-dma=no\nallow-unconfined-dma=yes", CONFIG_KEY_TWICE, 2);
    assert_false(terminal.allow_unconfined_dma);
    /* What is wrong elsewhere in the file allows nothing. */
    expect_terminal("allow-unconfined-dma=yes\nrubbish", CONFIG_NO_EQUALS_SIGN, 2);
    assert_false(terminal.allow_unconfined_dma);
    expect_persona("kernel=Image\nallow-unconfined-dma=yes", CONFIG_UNKNOWN_KEY, 2);
    expect_terminal("timeout=1\nallow-unsigned=yes", CONFIG_OK, 0);
    assert_true(terminal.allow_unsigned);
    expect_terminal("allow-unsigned=no", CONFIG_OK, 0);
    assert_false(terminal.allow_unsigned);
    expect_terminal("allow-unsigned=true", CONFIG_NOT_YES_OR_NO, 1);
    expect_persona("kernel=Image\nallow-unsigned=yes", CONFIG_UNKNOWN_KEY, 2);
}

static void test_terminal_defaults(void **state) {
    (void)state;
    expect_terminal("", CONFIG_OK, 0);
    assert_int_equal(terminal.timeout_s, CONFIG_TIMEOUT_DEFAULT);
    assert_int_equal(terminal.flip_timeout_s, 0);
    assert_string_equal(terminal.default_persona, "");
    expect_terminal("timeout=7\nrubbish", CONFIG_NO_EQUALS_SIGN, 2);
    assert_int_equal(terminal.timeout_s, CONFIG_TIMEOUT_DEFAULT);
}

static void test_terminal_errors(void **state) {
    (void)state;
    expect_terminal("timeout=3601", CONFIG_OUT_OF_RANGE, 1);
    expect_terminal("# one\n\ntimeout=1\ntimeout=1\n", CONFIG_KEY_TWICE, 4);
    expect_terminal("timeout=-1", CONFIG_BAD_NUMBER, 1);
    expect_terminal("timeout=1s", CONFIG_BAD_NUMBER, 1);
    expect_terminal("timeout=99999999999999999999999", CONFIG_OUT_OF_RANGE, 1);
    expect_terminal("flip-timeout=0", CONFIG_OUT_OF_RANGE, 1);
    expect_terminal("flip-timeout=301", CONFIG_OUT_OF_RANGE, 1);
    expect_terminal("default=Work", CONFIG_BAD_NAME, 1);
    expect_terminal("default=../work", CONFIG_BAD_NAME, 1);
    expect_terminal("kernel=Image", CONFIG_UNKNOWN_KEY, 1);
    expect_terminal("timeout=", CONFIG_NO_VALUE, 1);
    expect_terminal("=5", CONFIG_UNKNOWN_KEY, 1);
}

static void test_persona(void **state) {
    (void)state;
    expect_persona("# The work system\r\n\r\n  title = Work \xc3\xa4\r\ncmdline=root=PARTLABEL=work ro  quiet\r\n"
                   "memory=40%\r\nkernel=vmlinuz-6.1\r\ninitrd=initrd.img\r\ndefault=yes\r\nalarm-flip=yes\r\n",
                   CONFIG_OK, 0);
    assert_string_equal(persona.title, "Work \xc3\xa4");
    assert_string_equal(persona.command_line, "root=PARTLABEL=work ro  quiet");
    assert_int_equal(persona.memory.kind, CONFIG_MEMORY_PERCENT);
    assert_int_equal(persona.memory.value, 40);
    assert_string_equal(persona.kernel, "vmlinuz-6.1");
    assert_string_equal(persona.initrd, "initrd.img");
    assert_true(persona.is_default);
    assert_true(persona.alarm_flip);
}

static void test_persona_with_only_a_kernel(void **state) {
    (void)state;
    expect_persona("\xef\xbb\xbfkernel=k", CONFIG_OK, 0);
    assert_string_equal(persona.kernel, "k");
    assert_string_equal(persona.title, "");
    assert_string_equal(persona.initrd, "");
    assert_int_equal(persona.memory.kind, CONFIG_MEMORY_EQUAL);
    assert_false(persona.is_default);
    assert_false(persona.prewarm);
    assert_false(persona.alarm_flip);
}

static void test_prewarm(void **state) {
    (void)state;
    expect_persona("kernel=k\nprewarm=yes", CONFIG_OK, 0);
    assert_true(persona.prewarm);
    assert_int_equal(persona.prewarm_s, CONFIG_PREWARM_DEFAULT);
    expect_persona("kernel=k\nprewarm-seconds=3600\nprewarm=no", CONFIG_OK, 0);
    assert_false(persona.prewarm);
    assert_int_equal(persona.prewarm_s, CONFIG_PREWARM_MAX);
    expect_persona("prewarm=1", CONFIG_NOT_YES_OR_NO, 1);
    expect_persona("prewarm-seconds=0", CONFIG_OUT_OF_RANGE, 1);
    expect_persona("prewarm-seconds=3601", CONFIG_OUT_OF_RANGE, 1);
    expect_persona("prewarm-seconds=2 min", CONFIG_BAD_NUMBER, 1);
}

static void test_memory(void **state) {
    (void)state;
    expect_persona("kernel=k\nmemory=768M", CONFIG_OK, 0);
    assert_int_equal(persona.memory.kind, CONFIG_MEMORY_BYTES);
    assert_int_equal(persona.memory.value, 768 << 20);
    expect_persona("kernel=k\nmemory=2G", CONFIG_OK, 0);
    assert_int_equal(persona.memory.value, UINT64_C(2) << 30);
    expect_persona("memory=0%", CONFIG_OUT_OF_RANGE, 1);
    expect_persona("memory=101%", CONFIG_OUT_OF_RANGE, 1);
    expect_persona("memory=100", CONFIG_BAD_NUMBER, 1);
    expect_persona("memory=M", CONFIG_BAD_NUMBER, 1);
    expect_persona("memory=%", CONFIG_BAD_NUMBER, 1);
    expect_persona("memory=0M", CONFIG_OUT_OF_RANGE, 1);
    expect_persona("memory=1.5G", CONFIG_BAD_NUMBER, 1);
    expect_persona("memory=17179869184G", CONFIG_OUT_OF_RANGE, 1);
    expect_persona("memory=17592186044416M", CONFIG_OUT_OF_RANGE, 1);
}

static void test_persona_errors(void **state) {
    char long_line[CONFIG_COMMAND_LINE_SIZE + 32] = "kernel=k\ncmdline=";

    (void)state;
    expect_persona("title=Work\n", CONFIG_NO_KERNEL, 0);
    expect_persona("", CONFIG_NO_KERNEL, 0);
    expect_persona("kernel=k\ntimeout=1", CONFIG_UNKNOWN_KEY, 2);
    expect_persona("kernel=k\nkernel=k", CONFIG_KEY_TWICE, 2);
    expect_persona("default=true", CONFIG_NOT_YES_OR_NO, 1);
    expect_persona("kernel=k\nalarm-flip=1", CONFIG_NOT_YES_OR_NO, 2);
    expect_persona("title=0123456789012345678901234567890123456789012345678901234567890123", CONFIG_TOO_LONG, 1);
    expect_persona("kernel=k\nKernel=k", CONFIG_UNKNOWN_KEY, 2);
    memset(long_line + strlen(long_line), 'x', CONFIG_COMMAND_LINE_SIZE - 1);
    expect_persona(long_line, CONFIG_OK, 0);
    strcat(long_line, "x");
    expect_persona(long_line, CONFIG_TOO_LONG, 2);
    assert_string_equal(persona.kernel, "");
}

static void test_file_names_stay_beside_the_configuration(void **state) {
    static const char *const bad[] = {"kernel=../k", "kernel=a/b", "kernel=a\\b", "kernel=..",
                                      "kernel=.",    "kernel=c:k", "kernel=*",    "kernel=\xc3\xa4"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_persona(bad[i], CONFIG_BAD_FILE_NAME, 1);
    }
}

static void test_what_is_not_text(void **state) {
    static const char *const bad[] = {"title=\x1b[31m",     "title=\x7f",     "title=\xff",
                                      "title=\xc3",         "title=\xc0\x80", "title=\xe0\x80\x80",
                                      "title=\xed\xa0\x80", "title=\xc2\x9b", "title=\xf4\x90\x80\x80",
                                      "title=\x80",         "\x01",           "a\rb=c"};
    struct config_fault fault = config_parse_persona(&persona, "title=a\0b", 9);

    (void)state;
    assert_int_equal(fault.error, CONFIG_BAD_CHARACTER);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_persona(bad[i], CONFIG_BAD_CHARACTER, 1);
    }
}

static void test_file_too_long(void **state) {
    static char text[CONFIG_FILE_MAX + 1];

    (void)state;
    memset(text, '\n', sizeof(text));
    struct config_fault fault = config_parse_terminal(&terminal, text, sizeof(text));
    assert_int_equal(fault.error, CONFIG_FILE_TOO_LONG);
    assert_int_equal(fault.line, 0);
    fault = config_parse_terminal(&terminal, text, sizeof(text) - 1);
    assert_int_equal(fault.error, CONFIG_OK);
}

static void test_names(void **state) {
    (void)state;
    assert_true(config_is_name("a"));
    assert_true(config_is_name("0123456789-abcdefghijklmnopqrst"));
    assert_false(config_is_name("0123456789-abcdefghijklmnopqrstu"));
    assert_false(config_is_name(""));
    assert_false(config_is_name("Work"));
    assert_false(config_is_name("a b"));
    assert_false(config_is_name("a_b"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_terminal_defaults),
        cmocka_unit_test(test_unconfined_dma_needs_a_plain_yes),
        cmocka_unit_test(test_terminal_errors),
        cmocka_unit_test(test_persona),
        cmocka_unit_test(test_persona_with_only_a_kernel),
        cmocka_unit_test(test_prewarm),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_persona_errors),
        cmocka_unit_test(test_file_names_stay_beside_the_configuration),
        cmocka_unit_test(test_what_is_not_text),
        cmocka_unit_test(test_file_too_long),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
