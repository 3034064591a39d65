// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "console.h"
#include "fake/smmuv3.h"
#include "smmu.h"

enum {
    EVENT_INTID = 106,
    ERROR_INTID = 109,
    QUEUE = 64, /* events that the switcher's queue holds */
    COMMANDS_A_TIME = 3,
    SMMUEN = 1,
};

#define TABLE(i) (UINT64_C(0x7e400000) + (i)*UINT64_C(0x800))
#define CONFIG (1u << 16 | 8u << 6 | 16u)
#define REGISTER(offset) (FAKE_SMMU_BASE + (offset))

static struct handover handover;
static char printed[1024];

void console_print(const char *format, ...) {
    va_list arguments;
    size_t length = strlen(printed);
    va_start(arguments, format);
    (void)vsnprintf(printed + length, sizeof printed - length, format, arguments);
    va_end(arguments);
}

static int fresh(void **state) {
    (void)state;
    printed[0] = '\0';
    fake_reset();
    fake_smmu_init();
    handover = (struct handover){.smmu = {.base = FAKE_SMMU_BASE,
                                          .event_intid = EVENT_INTID,
                                          .error_intid = ERROR_INTID,
                                          .stream_table_config = CONFIG,
                                          .stream_tables = {TABLE(0), TABLE(1), TABLE(2)}}};
    return 0;
}

static int started(void **state) {
    (void)fresh(state);
    assert_int_equal(smmu_init(&handover), SMMU_OK);
    return 0;
}

static void assert_blocked(void) { assert_true(fake_smmu_transaction() == FAKE_SMMU_ABORTS); }

static void assert_open_for(unsigned persona) { assert_true(fake_smmu_transaction() == TABLE(persona)); }

static void assert_quiet(void) {
    assert_string_equal(printed, "");
    assert_int_equal(fake_smmu.unpredictable, 0);
}

/** @return index of the first write to a register from a place on; the number of events if there is none */
static size_t next_write(uint64_t offset, size_t from) {
    while (from < fake.event_count && (fake.events[from].kind != FAKE_WRITE || fake.events[from].a != REGISTER(offset)))
        from++;
    return from;
}

/* Taking over. */

static void abort_is_set_before_the_firmwares_tables_go(void **state) {
    (void)state;
    assert_true(fake_smmu_transaction() == 0xdead0000);
    assert_int_equal(smmu_init(&handover), SMMU_OK);
    assert_blocked();
    assert_quiet();
    assert_int_equal(fake.events[0].a, REGISTER(0x44));
    assert_int_equal(fake.events[0].b, 0x80100000);
    assert_int_equal(fake.events[1].a, REGISTER(0x20));
    assert_int_equal(fake.events[1].b, 0);
}

static void takes_over_what_the_firmware_left(void **state) {
    (void)state;
    assert_int_equal(smmu_init(&handover), SMMU_OK);
    assert_int_equal(fake_smmu.cr1, 0xd75);
    assert_int_equal(fake_smmu.cr2, 0x6);
    assert_int_equal(fake_smmu.cr0ack, 0x1c); /* ATSCHK, CMDQEN, EVENTQEN */
    assert_int_equal(fake_smmu.strtab_base_cfg, CONFIG);
    assert_int_equal(fake_smmu.gerror, fake_smmu.gerrorn);
    assert_int_equal(fake_smmu.irq_ctrlack, 5);
    assert_int_equal(fake_smmu.gerror_irq_cfg0, 0);
    assert_int_equal(fake_smmu.eventq_irq_cfg0, 0);
    assert_int_equal(fake_smmu.cmdq_base & 0x1f, 4);
    assert_int_equal(fake_smmu.eventq_base & 0x1f, 6);
    assert_int_equal((fake_smmu.cmdq_base & 0xffffffffffe0) % (16 << 4), 0);
    assert_int_equal((fake_smmu.eventq_base & 0xffffffffffe0) % (32 << 6), 0);
    assert_int_equal(fake_smmu.cmdq_prod | fake_smmu.cmdq_cons | fake_smmu.eventq_prod | fake_smmu.eventq_cons, 0);
    assert_quiet();
}

static void waits_for_each_update(void **state) {
    (void)state;
    fake_smmu.delay = 7;
    assert_int_equal(smmu_init(&handover), SMMU_OK);
    for (unsigned i = 0; i < 3; i++) {
        smmu_open(i);
        assert_open_for(i);
        smmu_block();
        assert_blocked();
    }
    assert_quiet();
}

static void an_update_of_gbpa_under_way_is_waited_for(void **state) {
    (void)state;
    fake_smmu.gbpa = 0x80000000;
    fake_smmu.left = 5;
    assert_int_equal(smmu_init(&handover), SMMU_OK);
    assert_blocked();
    assert_quiet();
}

static void without_an_smmu_nothing_is_done(void **state) {
    struct smmu_fault fault;
    (void)state;
    handover.smmu.base = 0;
    assert_int_equal(smmu_init(&handover), SMMU_OK);
    smmu_block();
    smmu_open(0);
    assert_false(smmu_is_interrupt(EVENT_INTID));
    assert_false(smmu_is_interrupt(0));
    assert_false(smmu_next_fault(&fault));
    assert_int_equal(smmu_lost(), 0);
    assert_int_equal(fake.event_count, 0);
}

static void assert_unsuitable(void) {
    struct smmu_fault fault;
    assert_int_equal(smmu_init(&handover), SMMU_UNSUITABLE);
    assert_blocked();
    smmu_open(1);
    assert_blocked();
    smmu_block();
    assert_blocked();
    assert_false(smmu_next_fault(&fault));
    assert_int_equal(fake_smmu.command_count, 0);
    assert_quiet();
    (void)fresh(NULL);
}

static void what_lacks_something_stays_blocked(void **state) {
    static const unsigned needed[] = {0, 3, 4, 27};
    (void)state;
    for (unsigned i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        fake_smmu.idr0 &= ~(1u << needed[i]);
        assert_unsuitable();
    }
    fake_smmu.idr0 |= 3u << 21; /* big-endian tables */
    assert_unsuitable();
    fake_smmu.idr0 ^= 3u << 24; /* stalls are forced */
    assert_unsuitable();
    fake_smmu.idr1 |= 1u << 30;
    assert_unsuitable();
    fake_smmu.idr1 |= 1u << 29;
    assert_unsuitable();
    fake_smmu.idr1 = 3u << 21 | 19u << 16;
    assert_unsuitable();
    fake_smmu.idr1 = 19u << 21 | 5u << 16;
    assert_unsuitable();
    fake_smmu.idr5 &= ~(1u << 4);
    assert_unsuitable();
    fake_smmu.idr1 = 4u << 21 | 6u << 16 | 8u;
    assert_int_equal(smmu_init(&handover), SMMU_OK);
}

static void one_that_acknowledges_nothing_is_told(void **state) {
    (void)state;
    fake_smmu.silent = true;
    assert_int_equal(smmu_init(&handover), SMMU_NOT_BLOCKED);
    assert_non_null(strstr(printed, "register 0x44"));
    smmu_open(0);
    assert_true(fake_smmu_transaction() != TABLE(0));
}

/* Blocking and opening. */

static void opens_for_the_persona_that_is_named(void **state) {
    (void)state;
    smmu_open(1);
    assert_open_for(1);
    smmu_block();
    assert_blocked();
    smmu_open(0);
    assert_open_for(0);
    smmu_block();
    smmu_open(2);
    assert_open_for(2);
    assert_quiet();
}

static void opening_twice_does_nothing(void **state) {
    (void)state;
    smmu_open(0);
    fake_forget_events();
    smmu_open(0);
    smmu_open(1);
    assert_int_equal(fake.event_count, 0);
    assert_open_for(0);
}

static void every_transaction_between_aborts(void **state) {
    (void)state;
    smmu_open(0);
    assert_open_for(0); /* and it is cached */
    smmu_block();
    for (unsigned i = 0; i < 5; i++)
        assert_blocked();
    assert_int_equal(fake_smmu.aborted, 5);
    assert_int_equal(fake_smmu.gbpa, 0x00100000);
}

static void the_table_changes_and_caches_go_before_translation_is_on(void **state) {
    (void)state;
    smmu_open(0);
    assert_open_for(0);
    smmu_block();
    fake_forget_events();
    fake_smmu.command_count = 0;
    smmu_open(1);
    size_t table = next_write(0x80, 0), commands = next_write(0x98, 0), control = next_write(0x20, 0);
    assert_true(table < commands && commands < control && control < fake.event_count);
    assert_true(fake.events[table].b == TABLE(1));
    assert_int_equal(fake.events[commands - 1].kind, FAKE_BARRIER);
    assert_int_equal(fake.events[control].b & SMMUEN, SMMUEN);
    assert_int_equal(fake_smmu.command_count, COMMANDS_A_TIME);
    static const uint64_t expected[COMMANDS_A_TIME][2] = {{0x04, 31}, {0x30, 0}, {0x46, 0}};
    for (unsigned i = 0; i < COMMANDS_A_TIME; i++) {
        assert_memory_equal(fake_smmu.commands[i].word, expected[i], sizeof expected[i]);
        assert_false(fake_smmu.commands[i].enabled);
        assert_true(fake_smmu.commands[i].table == TABLE(1));
    }
}

static void blocking_ends_what_was_in_flight(void **state) {
    (void)state;
    smmu_open(0);
    fake_smmu.command_count = 0;
    fake_forget_events();
    smmu_block();
    assert_true(next_write(0x20, 0) < next_write(0x98, 0));
    assert_int_equal(fake_smmu.command_count, COMMANDS_A_TIME);
    assert_int_equal(fake_smmu.commands[2].word[0], 0x46);
    assert_false(fake_smmu.commands[0].enabled);
}

static void the_command_queue_wraps(void **state) {
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        smmu_open(i % 3);
        assert_open_for(i % 3);
        smmu_block();
    }
    assert_int_equal(fake_smmu.command_count, 200 * 2 * COMMANDS_A_TIME);
    assert_quiet();
}

static void assert_given_up(void) {
    assert_non_null(strstr(printed, "does not answer"));
    assert_blocked();
    fake_smmu.reads_no_commands = fake_smmu.never_opens = false;
    smmu_open(1);
    assert_blocked();
    smmu_block();
    assert_blocked();
}

static void a_command_queue_that_stands_still_keeps_it_blocked(void **state) {
    (void)state;
    smmu_open(0);
    fake_smmu.reads_no_commands = true;
    smmu_block();
    assert_given_up();
    (void)started(NULL);
    fake_smmu.reads_no_commands = true;
    smmu_open(0);
    assert_given_up();
}

static void one_that_does_not_open_stays_blocked(void **state) {
    (void)state;
    fake_smmu.never_opens = true;
    smmu_open(0);
    assert_given_up();
}

static unsigned patience;

/* After more readings than any SMMU takes. */
static void answer_late(void) {
    if (patience > 0 && --patience == 0)
        fake_smmu.silent = false;
}

static void blocking_does_not_return_before_it_is_blocked(void **state) {
    (void)state;
    smmu_open(0);
    fake_smmu.silent = true;
    patience = 2500000;
    fake.relax = answer_late;
    smmu_block();
    assert_int_equal(patience, 0);
    assert_blocked();
    assert_non_null(strstr(printed, "register 0x24"));
    smmu_open(1);
    assert_open_for(1);
}

static void a_wrong_command_stops_the_queue_and_keeps_it_blocked(void **state) {
    struct smmu_fault fault;
    (void)state;
    fake_smmu_error(1);
    smmu_open(0);
    assert_blocked();
    assert_false(smmu_next_fault(&fault));
}

/* Faults. */

static void assert_fault(uint32_t stream, uint32_t kind, uint64_t address) {
    struct smmu_fault fault;
    assert_true(smmu_next_fault(&fault));
    assert_int_equal(fault.stream, stream);
    assert_int_equal(fault.kind, kind);
    assert_true(fault.address == address);
}

static void assert_no_fault(void) {
    struct smmu_fault fault;
    assert_false(smmu_next_fault(&fault));
}

static void faults_come_once_and_in_order(void **state) {
    (void)state;
    smmu_open(0);
    assert_no_fault();
    fake_smmu_fault(0x10, 0x10, UINT64_C(0xffffffffffffffff));
    fake_smmu_fault(0xffff, 0x13, 0x40000000);
    fake_smmu_fault(0, 0x02, 0);
    assert_fault(0x10, 0x10, UINT64_C(0xffffffffffffffff));
    assert_fault(0xffff, 0x13, 0x40000000);
    fake_smmu_fault(8, 0x10, 1);
    assert_fault(0, 0x02, 0);
    assert_fault(8, 0x10, 1);
    assert_no_fault();
    assert_no_fault();
    assert_quiet();
}

static void the_event_queue_wraps(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 5 * QUEUE; i++) {
        fake_smmu_fault(i, 0x10, i);
        fake_smmu_fault(i + 1, 0x10, i);
        assert_fault(i, 0x10, i);
        assert_fault(i + 1, 0x10, i);
    }
    assert_no_fault();
    assert_int_equal(smmu_lost(), 0);
}

static void an_entry_is_read_before_it_is_given_back(void **state) {
    (void)state;
    fake_smmu_fault(1, 0x10, 2);
    fake_forget_events();
    assert_fault(1, 0x10, 2);
    size_t consumed = next_write(0x100ac, 0);
    assert_true(consumed >= 2 && consumed < fake.event_count);
    assert_int_equal(fake_events_of(FAKE_BARRIER), 2);
    assert_int_equal(fake.events[consumed - 1].kind, FAKE_BARRIER);
}

static void an_overflow_is_counted_and_acknowledged(void **state) {
    (void)state;
    for (uint64_t round = 1; round <= 3; round++) {
        for (uint32_t i = 0; i < QUEUE + 10; i++)
            fake_smmu_fault(i, 0x10, round);
        for (uint32_t i = 0; i < QUEUE; i++)
            assert_fault(i, 0x10, round);
        assert_no_fault();
        assert_int_equal(smmu_lost(), round);
    }
    fake_smmu_fault(7, 0x13, 7);
    assert_fault(7, 0x13, 7);
    assert_int_equal(smmu_lost(), 3);
}

static void spurious_interrupts_do_no_harm(void **state) {
    (void)state;
    smmu_open(0);
    for (unsigned i = 0; i < 10; i++)
        assert_no_fault();
    assert_open_for(0);
    assert_quiet();
    assert_int_equal(fake_smmu.eventq_cons, 0);
}

static void errors_are_told_once_and_acknowledged(void **state) {
    (void)state;
    fake_smmu_error(1 << 8);
    assert_no_fault();
    assert_string_equal(printed, "flipside: the SMMU reports errors 0x100\n");
    assert_no_fault();
    assert_string_equal(printed, "flipside: the SMMU reports errors 0x100\n");
    assert_int_equal(fake_smmu.gerror, fake_smmu.gerrorn);
    assert_int_equal(smmu_lost(), 0);
    assert_int_equal(fake_smmu.unpredictable, 0);
}

static void events_that_could_not_be_written_are_counted(void **state) {
    (void)state;
    fake_smmu_error(1 << 2);
    assert_no_fault();
    assert_int_equal(smmu_lost(), 1);
    assert_no_fault();
    assert_int_equal(smmu_lost(), 1);
    assert_quiet();
}

static void events_survive_blocking(void **state) {
    (void)state;
    smmu_open(0);
    fake_smmu_fault(3, 0x10, 4);
    smmu_block();
    assert_fault(3, 0x10, 4);
    assert_no_fault();
}

static void knows_its_interrupts(void **state) {
    (void)state;
    assert_true(smmu_is_interrupt(EVENT_INTID));
    assert_true(smmu_is_interrupt(ERROR_INTID));
    assert_false(smmu_is_interrupt(EVENT_INTID + 1));
    assert_false(smmu_is_interrupt(1023));
}

static void every_error_has_a_text_of_its_own(void **state) {
    (void)state;
    for (int i = SMMU_OK; i <= SMMU_NO_ANSWER; i++)
        for (int j = SMMU_OK; j < i; j++)
            assert_string_not_equal(smmu_error_text((enum smmu_error)i), smmu_error_text((enum smmu_error)j));
    assert_string_equal(smmu_error_text((enum smmu_error)99), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(abort_is_set_before_the_firmwares_tables_go, fresh),
        cmocka_unit_test_setup(takes_over_what_the_firmware_left, fresh),
        cmocka_unit_test_setup(waits_for_each_update, fresh),
        cmocka_unit_test_setup(an_update_of_gbpa_under_way_is_waited_for, fresh),
        cmocka_unit_test_setup(without_an_smmu_nothing_is_done, fresh),
        cmocka_unit_test_setup(what_lacks_something_stays_blocked, fresh),
        cmocka_unit_test_setup(one_that_acknowledges_nothing_is_told, fresh),
        cmocka_unit_test_setup(opens_for_the_persona_that_is_named, started),
        cmocka_unit_test_setup(opening_twice_does_nothing, started),
        cmocka_unit_test_setup(every_transaction_between_aborts, started),
        cmocka_unit_test_setup(the_table_changes_and_caches_go_before_translation_is_on, started),
        cmocka_unit_test_setup(blocking_ends_what_was_in_flight, started),
        cmocka_unit_test_setup(the_command_queue_wraps, started),
        cmocka_unit_test_setup(a_command_queue_that_stands_still_keeps_it_blocked, started),
        cmocka_unit_test_setup(one_that_does_not_open_stays_blocked, started),
        cmocka_unit_test_setup(blocking_does_not_return_before_it_is_blocked, started),
        cmocka_unit_test_setup(a_wrong_command_stops_the_queue_and_keeps_it_blocked, started),
        cmocka_unit_test_setup(faults_come_once_and_in_order, started),
        cmocka_unit_test_setup(the_event_queue_wraps, started),
        cmocka_unit_test_setup(an_entry_is_read_before_it_is_given_back, started),
        cmocka_unit_test_setup(an_overflow_is_counted_and_acknowledged, started),
        cmocka_unit_test_setup(spurious_interrupts_do_no_harm, started),
        cmocka_unit_test_setup(errors_are_told_once_and_acknowledged, started),
        cmocka_unit_test_setup(events_that_could_not_be_written_are_counted, started),
        cmocka_unit_test_setup(events_survive_blocking, started),
        cmocka_unit_test_setup(knows_its_interrupts, started),
        cmocka_unit_test_setup(every_error_has_a_text_of_its_own, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
