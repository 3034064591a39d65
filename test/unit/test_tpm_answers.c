// SPDX-License-Identifier: BSD-3-Clause
/* Answers of a TPM that were recorded once, altered and cut in every place; and all response codes. With the argument
 * "record" it writes tpm_answers.h anew from swtpm. */
#include "tpm_conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/digest.h"
#include "swtpm.h"
#include "tpm_answers.h"

enum {
    ANSWERS = sizeof(tpm_answers) / sizeof(tpm_answers[0]),
    HEX_COLUMNS = 110,
    STEP_OPEN = 0,
    STEP_SESSION = 5,
    STEP_UNSEAL = 7,
    STEP_CLOSE = CONVERSATION_STEPS - 1,
};

/* --- recording --- */

struct recorder {
    struct swtpm swtpm;
    struct digest commands;
};

static size_t record(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    struct recorder *recorder = context;
    struct tpm_transport transport = swtpm_transport(&recorder->swtpm);
    size_t received = transport.submit(transport.context, command, size, response, capacity);
    digest_add(&recorder->commands, command, size);
    for (size_t i = 0; i < received; i++)
        printf("%s%02x%s",
               i == 0                       ? "    \""
               : (2 * i) % HEX_COLUMNS == 0 ? "\"\n    \""
                                            : "",
               response[i], i + 1 == received ? "\",\n" : "");
    return received;
}

static void keep_waiting(void *context, unsigned milliseconds) {
    struct recorder *recorder = context;
    struct tpm_transport transport = swtpm_transport(&recorder->swtpm);
    transport.wait(transport.context, milliseconds);
}

static int write_answers(void) {
    static struct conversation talk;
    static struct recorder recorder;
    uint8_t digest[DIGEST_SIZE];
    const struct tpm_transport transport = {&recorder, record, keep_waiting};
    enum tpm_error error = TPM_OK;
    swtpm_make(&recorder.swtpm);
    digest_begin(&recorder.commands);
    conversation_begin(&talk, &transport);
    puts("// SPDX-License-Identifier: BSD-3-Clause\n#ifndef TPM_ANSWERS_H\n#define TPM_ANSWERS_H\n\n"
         "/* What swtpm answered: written by \"test_tpm_answers record\". */\n"
         "static const char *const tpm_answers[] = {");
    for (unsigned step = 0; step < CONVERSATION_STEPS && error == TPM_OK; step++)
        error = conversation_step(&talk, step);
    swtpm_remove(&recorder.swtpm);
    puts("};\n\n/* SHA-256 of all commands, one after the other. */");
    printf("static const char tpm_commands_digest[] = \"");
    bool good = digest_end(&recorder.commands, digest);
    for (size_t i = 0; i < sizeof(digest); i++)
        printf("%02x", digest[i]);
    puts("\";\n\n#endif");
    return error == TPM_OK && good ? 0 : 1;
}

/* --- replaying --- */

static uint8_t answers[ANSWERS][TPM_RESPONSE_MAX];
static struct canned genuine;

static int prepare(void **state) {
    (void)state;
    for (size_t i = 0; i < ANSWERS; i++) {
        genuine.answers[i] = answers[i];
        genuine.sizes[i] = from_hex(tpm_answers[i], answers[i]);
    }
    genuine.count = ANSWERS;
    return 0;
}

/* The conversation before each step, and which answers each step took. */
struct course {
    struct conversation before[CONVERSATION_STEPS + 1];
    size_t first_answer[CONVERSATION_STEPS + 1];
};

static struct course course;
static struct conversation talk;
static struct canned canned;

static const struct tpm_transport transport = {&canned, canned_submit, canned_wait};

static void follow(void) {
    canned = genuine;
    conversation_begin(&talk, &transport);
    for (unsigned step = 0; step < CONVERSATION_STEPS; step++) {
        course.before[step] = talk;
        course.first_answer[step] = canned.next;
        assert_int_equal(conversation_step(&talk, step), TPM_OK);
    }
    course.before[CONVERSATION_STEPS] = talk;
    course.first_answer[CONVERSATION_STEPS] = canned.next;
}

static struct digest said;

static size_t listen(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    digest_add(&said, command, size);
    return canned_submit(context, command, size, response, capacity);
}

static void test_same_conversation(void **state) {
    uint8_t digest[DIGEST_SIZE], expected[DIGEST_SIZE];
    const struct tpm_transport listening = {&canned, listen, canned_wait};
    (void)state;
    canned = genuine;
    digest_begin(&said);
    conversation_begin(&talk, &listening);
    for (unsigned step = 0; step < STEP_CLOSE; step++)
        assert_int_equal(conversation_step(&talk, step), TPM_OK);
    assert_string_equal(talk.manufacturer, "IBM");
    assert_memory_equal(talk.unsealed, conversation_secret, sizeof(talk.unsealed));
    assert_int_equal(talk.lockout.left, talk.lockout.allowed);
    assert_int_equal(conversation_step(&talk, STEP_CLOSE), TPM_OK);
    assert_int_equal(canned.next, ANSWERS);
    assert_true(digest_end(&said, digest));
    from_hex(tpm_commands_digest, expected);
    assert_memory_equal(digest, expected, sizeof(expected));
}

/* One step again, with an answer replaced. What a session protects must fail, or be as it was. */
static enum tpm_error again(unsigned step, size_t answer, const uint8_t *replaced, size_t size) {
    const struct conversation *after = &course.before[step + 1];
    canned = genuine;
    canned.next = course.first_answer[step];
    canned.answers[answer] = replaced;
    canned.sizes[answer] = size;
    talk = course.before[step];
    enum tpm_error error = conversation_step(&talk, step);
    if (step < STEP_SESSION || step == STEP_CLOSE)
        return error;
    if (error == TPM_OK) {
        assert_memory_equal(talk.unsealed, after->unsealed, sizeof(talk.unsealed));
        assert_int_equal(talk.value, after->value);
    }
    return error;
}

static void test_cut_answers(void **state) {
    uint8_t cut[TPM_RESPONSE_MAX];
    (void)state;
    follow();
    for (unsigned step = 0; step < STEP_CLOSE; step++) {
        for (size_t i = course.first_answer[step]; i < course.first_answer[step + 1]; i++) {
            memcpy(cut, answers[i], genuine.sizes[i]);
            for (size_t size = 0; size < genuine.sizes[i]; size++) {
                bool last_of_unseal =
                    step == STEP_UNSEAL && i + 1 == course.first_answer[step + 1]; // TPM2_FlushContext
                enum tpm_error error = again(step, i, answers[i], size);
                assert_true(error == (size == 0 ? TPM_NO_ANSWER : TPM_BAD_ANSWER) || last_of_unseal);
                cut[4] = (uint8_t)(size >> 8); // and it says so itself
                cut[5] = (uint8_t)size;
                assert_true(again(step, i, cut, size) != TPM_OK || last_of_unseal);
            }
        }
    }
}

static void test_long_answers(void **state) {
    uint8_t longer[TPM_RESPONSE_MAX + 1];
    (void)state;
    follow();
    for (unsigned step = 0; step < STEP_CLOSE; step++) {
        size_t i = course.first_answer[step];
        size_t size = genuine.sizes[i] + 1;
        memset(longer, 0, sizeof(longer));
        memcpy(longer, answers[i], genuine.sizes[i]);
        assert_int_equal(again(step, i, longer, size), TPM_BAD_ANSWER);
        longer[4] = (uint8_t)(size >> 8);
        longer[5] = (uint8_t)size;
        assert_int_equal(again(step, i, longer, size), TPM_BAD_ANSWER);
        assert_int_equal(again(step, i, longer, sizeof(longer)), TPM_BAD_ANSWER);
    }
}

/* Without the parent and the session's beginning, which are altered below: they cost a computation on the curve each.
 */
static void test_altered_answers(void **state) {
    uint8_t altered[TPM_RESPONSE_MAX];
    (void)state;
    follow();
    for (unsigned step = 0; step < CONVERSATION_STEPS; step++) {
        for (size_t i = course.first_answer[step]; i < course.first_answer[step + 1] && step != STEP_SESSION; i++) {
            memcpy(altered, answers[i], genuine.sizes[i]);
            for (size_t at = 0; at < 8 * genuine.sizes[i]; at++) {
                altered[at / 8] ^= (uint8_t)(1u << at % 8);
                enum tpm_error error = again(step, i, altered, genuine.sizes[i]);
                assert_true(error <= TPM_FAILED);
                altered[at / 8] = answers[i][at / 8];
            }
        }
    }
}

/* CreatePrimary, StartAuthSession: nothing can be trusted that comes with them, but a session with whoever sent them
 * has another key than the one in the recorded answers. */
static void test_altered_parent_and_session(void **state) {
    uint8_t altered[TPM_RESPONSE_MAX];
    size_t differs = 0;
    (void)state;
    follow();
    for (size_t i = course.first_answer[STEP_SESSION]; i < course.first_answer[STEP_SESSION] + 2; i++) {
        memcpy(altered, answers[i], genuine.sizes[i]);
        for (size_t at = 0; at < genuine.sizes[i]; at += 7) {
            altered[at] ^= 0x40;
            differs += again(STEP_SESSION, i, altered, genuine.sizes[i]) != TPM_OK;
            altered[at] = answers[i][at];
        }
    }
    assert_in_range(differs, 20, 1000); // the public area, the nonce, all lengths
}

static void test_answers_of_other_commands(void **state) {
    (void)state;
    follow();
    for (unsigned step = 0; step < STEP_CLOSE; step++) {
        for (size_t i = 0; i < ANSWERS; i++) {
            size_t place = course.first_answer[step];
            if (genuine.sizes[i] != genuine.sizes[place] || step == STEP_SESSION)
                assert_true(i == place || again(step, place, answers[i], genuine.sizes[i]) != TPM_OK);
        }
    }
}

/* --- response codes --- */

static struct canned says;

/* An error that is said `times` times, then the genuine answer. */
static void say(uint32_t code, unsigned times, const uint8_t *then, size_t size) {
    static uint8_t error[10] = {0x80, 0x01, 0, 0, 0, 10};
    for (unsigned i = 0; i < 4; i++)
        error[6 + i] = (uint8_t)(code >> (24 - 8 * i));
    says = (struct canned){.count = times};
    for (unsigned i = 0; i < times; i++) {
        says.answers[i] = error;
        says.sizes[i] = sizeof(error);
    }
    says.answers[says.count] = then;
    says.sizes[says.count++] = size;
}

static const struct tpm_transport saying = {&says, canned_submit, canned_wait};

static enum tpm_error open_against(uint32_t code) {
    struct tpm tpm;
    say(code, 1, answers[0], 0);
    return tpm_open(&tpm, &saying, NULL);
}

static void test_response_codes(void **state) {
    const struct {
        uint32_t code;
        enum tpm_error error;
    } expected[] = {
        {0x100, TPM_OK}, // already started
        {0x101, TPM_BROKEN},       {0x143, TPM_UNSUPPORTED},  {0x14b, TPM_FULL},        {0x902, TPM_FULL},
        {0x903, TPM_FULL},         {0x904, TPM_FULL},         {0x905, TPM_FULL},        {0x906, TPM_FULL},
        {0x921, TPM_LOCKED_OUT},   {0x98e, TPM_WRONG_AUTH},   {0x18e, TPM_WRONG_AUTH},  {0x9a2, TPM_WRONG_AUTH},
        {0x1df, TPM_OTHER},        {0x185, TPM_OWNED},        {0x2a6, TPM_UNSUPPORTED}, {0x2d2, TPM_UNSUPPORTED},
        {0x12f, TPM_REFUSED},      {0x145, TPM_REFUSED},      {0x923, TPM_REFUSED},     {0x18b, TPM_REFUSED},
        {0xffffff7f, TPM_REFUSED}, {0x80000000, TPM_REFUSED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_int_equal(open_against(expected[i].code), expected[i].error);
}

static void test_try_again(void **state) {
    const uint32_t codes[] = {0x922, 0x908, 0x90a, 0x920};
    struct tpm tpm;
    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        say(codes[i], 5, answers[0], genuine.sizes[0]);
        assert_int_equal(tpm_open(&tpm, &saying, NULL), TPM_OK);
        assert_int_equal(says.waits, 5);
    }
}

static size_t busy(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    static const uint8_t retry[] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x22};
    (void)context;
    (void)command;
    (void)size;
    memcpy(response, retry, capacity < sizeof(retry) ? capacity : sizeof(retry));
    return sizeof(retry);
}

static void test_busy_for_ever(void **state) {
    const struct tpm_transport transport_of_busy = {&says, busy, canned_wait};
    struct tpm tpm;
    (void)state;
    says.waits = 0;
    assert_int_equal(tpm_open(&tpm, &transport_of_busy, NULL), TPM_BUSY);
    assert_in_range(says.waits, 100, 1000);
}

static void test_texts(void **state) {
    char text[TPM_TEXT_SIZE];
    (void)state;
    for (int error = TPM_OK; error <= TPM_FAILED; error++) {
        assert_non_null(tpm_error_text((enum tpm_error)error));
        assert_string_not_equal(tpm_error_text((enum tpm_error)error), "unknown error");
    }
    tpm_lockout_text(&(struct tpm_lockout){.allowed = 32, .left = 32, .interval_s = 7200}, text);
    assert_string_equal(text, "32 of 32 attempts left");
    tpm_lockout_text(&(struct tpm_lockout){.failures = 2, .allowed = 3, .left = 1, .interval_s = 1000}, text);
    assert_string_equal(text, "1 of 3 attempts left, one more after 17 minutes");
    tpm_lockout_text(&(struct tpm_lockout){.locked = true, .failures = 32, .allowed = 32, .interval_s = 7200}, text);
    assert_string_equal(text, "locked after 32 wrong attempts: leave it switched on for 2 hours for the next");
    tpm_lockout_text(&(struct tpm_lockout){.locked = true, .failures = 5, .allowed = 5}, text);
    assert_string_equal(text, "locked after 5 wrong attempts, until it is reset");
    tpm_lockout_text(
        &(struct tpm_lockout){.locked = true, .failures = UINT32_MAX, .allowed = UINT32_MAX, .interval_s = UINT32_MAX},
        text);
    assert_true(strlen(text) < sizeof(text) - 1);
}

int main(int count, char **arguments) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_conversation),
        cmocka_unit_test(test_cut_answers),
        cmocka_unit_test(test_long_answers),
        cmocka_unit_test(test_altered_answers),
        cmocka_unit_test(test_altered_parent_and_session),
        cmocka_unit_test(test_answers_of_other_commands),
        cmocka_unit_test(test_response_codes),
        cmocka_unit_test(test_try_again),
        cmocka_unit_test(test_busy_for_ever),
        cmocka_unit_test(test_texts),
    };

    if (count == 2 && strcmp(arguments[1], "record") == 0)
        return write_answers();
    return cmocka_run_group_tests(tests, prepare, NULL);
}
