// SPDX-License-Identifier: BSD-3-Clause
#include "pseudorandom.h"
#include "usim/flash.h"
#include "usim/port.h"
#include "usim/volatile.h"
#include "usim_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    BLOCK = 3 * USIM_RECORD_SIZE,
    LARGE = 8 * USIM_RECORD_SIZE, /* one in which room is made ahead */
    LOOKS = 6,                    /* that an erasure takes */
    WORDS = USIM_RECORD_SIZE / 4,
    NEVER = -1,
    PAST = -2,
};

/* NOR flash whose power fails at an operation: that one is done in part, those behind it not at all. */
static struct {
    uint32_t words[2 * LARGE / 4];
    struct pseudorandom random;
    int left; /* operations before the cut; NEVER: none comes; PAST: it came */
    unsigned operations, erases, looks;
    unsigned erasing;  /* looks until an erasure is over */
    unsigned block;    /* that is being erased */
    int erasure_left;  /* looks before the cut; NEVER: none comes in an erasure */
    bool fails, hangs; /* erasures */
    bool dead;         /* it takes no word */
    bool stuck;        /* one word is worn out */
    uint32_t stuck_at;
} chip;

static uint32_t chip_read(void *context, uint32_t offset) {
    if (context != &chip || offset % 4 != 0 || offset >= sizeof chip.words || chip.erasing != 0)
        fail_msg("read at 0x%x", offset);
    return chip.words[offset / 4];
}

/* Which bits an operation still changes. */
static uint32_t done_bits(void) {
    chip.operations++;
    if (chip.left == PAST)
        return 0;
    if (chip.left == 0) {
        chip.left = PAST;
        return (uint32_t)pseudorandom_next(&chip.random);
    }
    chip.left -= chip.left > 0;
    return UINT32_MAX;
}

static bool chip_program(void *context, uint32_t offset, const uint8_t *bytes, uint32_t size) {
    assert_ptr_equal(context, &chip);
    assert_int_equal(chip.erasing, 0);
    for (uint32_t done = 0; done < size; done += 4) {
        uint32_t word, bits = done_bits();
        memcpy(&word, bytes + done, sizeof word);
        if (!chip.dead && (!chip.stuck || offset + done != chip.stuck_at))
            chip.words[(offset + done) / 4] &= word | ~bits;
    }
    return true;
}

static struct usim_flash flash;

/* Bits change one after the other, and in no order: first to zeros, then to ones. */
static void erase_a_part(uint32_t bits) {
    uint32_t *words = chip.words + chip.block * (flash.block_size / 4);
    for (unsigned i = 0; i < flash.block_size / 4 && bits != 0; i++) {
        uint32_t some = (uint32_t)pseudorandom_next(&chip.random);
        if (chip.erasing > LOOKS / 2)
            words[i] &= ~some;
        else
            words[i] |= chip.erasing == 0 && bits == UINT32_MAX ? UINT32_MAX : some;
    }
}

static void chip_erase(void *context, unsigned block) {
    assert_ptr_equal(context, &chip);
    assert_true(block < 2);
    assert_int_equal(chip.erasing, 0);
    chip.erases++;
    chip.erasing = LOOKS;
    chip.block = block;
    erase_a_part(done_bits());
}

static bool chip_rests(void *context, bool *good) {
    *good = !chip.fails;
    if (chip.hangs)
        return false;
    assert_ptr_equal(context, &chip);
    assert_int_not_equal(chip.erasing, 0);
    if (chip.erasure_left == 0 && chip.left == NEVER)
        chip.left = 0;
    chip.erasure_left -= chip.erasure_left > 0;
    chip.looks++;
    chip.erasing--;
    erase_a_part(chip.fails ? 0 : done_bits());
    if (chip.left == PAST)
        chip.erasing = 0;
    return chip.erasing == 0;
}

static struct usim_storage storage;
static uint8_t record[USIM_RECORD_SIZE], found[USIM_RECORD_SIZE];

static int set_up(void **state) {
    (void)state;
    memset(&chip, 0, sizeof chip); /* a chip that was never used may hold anything */
    chip.left = chip.erasure_left = NEVER;
    flash = (struct usim_flash){&chip, BLOCK, chip_read, chip_program, chip_erase, chip_rests, {0}};
    storage = usim_flash_storage(&flash);
    return 0;
}

/* Whoever uses it next knows nothing of what was under way. */
static void power_on(void) {
    chip.left = chip.erasure_left = NEVER;
    chip.erasing = 0;
    memset(&flash.now, 0, sizeof flash.now);
}

static void fill(uint32_t number) {
    struct pseudorandom random = {number};
    for (unsigned i = 0; i < WORDS; i++) {
        uint32_t word = (uint32_t)pseudorandom_next(&random);
        memcpy(record + 4 * (size_t)i, &word, sizeof word);
    }
}

static void assert_holds(unsigned copy, uint32_t number) {
    assert_true(storage.read(storage.context, copy, found));
    fill(number);
    assert_memory_equal(found, record, sizeof record);
}

static void write_copy(unsigned copy, uint32_t number) {
    fill(number);
    assert_true(storage.write(storage.context, copy, record));
}

static void test_each_copy_is_what_was_written_last(void **state) {
    (void)state;
    for (uint32_t number = 1; number <= 20; number++) {
        write_copy(number % 2, number);
        assert_holds(number % 2, number);
        if (number > 1)
            assert_holds((number - 1) % 2, number - 1);
    }
    assert_int_equal(chip.erases, 2 * 4); /* ten records to a block, three to an erasure */
    assert_false(storage.forgets);
}

/* Two copies with a tail of writes: at each word and erasure the power fails. The other copy is untouched. */
static void test_a_cut_harms_the_copy_that_is_written(void **state) {
    (void)state;
    for (unsigned before = 2; before < 9; before++)
        for (int cut = 0; cut < WORDS + LOOKS + 2; cut += cut < LOOKS + 4 || cut >= WORDS - 4 ? 1 : 61) {
            set_up(NULL);
            chip.random.state = (uint64_t)cut + before;
            for (uint32_t number = 1; number <= before; number++)
                write_copy(number % 2, number);
            chip.left = cut;
            fill(before + 1);
            (void)storage.write(storage.context, (before + 1) % 2, record);
            power_on();
            assert_holds(before % 2, before);
            write_copy((before + 1) % 2, before + 7);
            assert_holds((before + 1) % 2, before + 7);
            assert_holds(before % 2, before);
        }
}

static void test_worn_places_are_passed_over(void **state) {
    (void)state;
    write_copy(0, 1);
    chip.stuck = true;
    chip.stuck_at = USIM_RECORD_SIZE + 8;
    write_copy(0, 2);
    assert_holds(0, 2);
    assert_int_equal(chip.erases, 1);
    chip.stuck_at = 8;
    write_copy(0, 3); /* the block is full: erased, and its first place is no good */
    assert_holds(0, 3);
}

static void test_flash_that_keeps_nothing_is_told(void **state) {
    struct usim_flash one = {&chip, USIM_RECORD_SIZE, chip_read, chip_program, chip_erase, chip_rests, {0}};
    struct usim_storage small = usim_flash_storage(&one);
    (void)state;
    fill(1);
    assert_true(small.write(small.context, 0, record));
    chip.stuck = true;
    chip.stuck_at = 8;
    assert_false(small.write(small.context, 0, record));
}

/* It was erased, or its erasure was cut short so late that it looks so: its ones may not last. */
static void test_a_blank_block_is_erased_once_more(void **state) {
    (void)state;
    memset(chip.words, 0xff, sizeof chip.words);
    write_copy(0, 1);
    assert_int_equal(chip.erases, 1);
    write_copy(0, 2);
    power_on();
    write_copy(0, 3);
    assert_int_equal(chip.erases, 1);
    assert_holds(0, 3);
}

/* Nothing more is written in this power-on, whatever the block looks like; the next one tries it again. */
static void test_an_erasure_fails(void **state) {
    (void)state;
    for (unsigned hangs = 0; hangs < 2; hangs++) {
        set_up(NULL);
        write_copy(1, 1);
        chip.fails = hangs == 0;
        chip.hangs = hangs != 0;
        fill(2);
        assert_false(storage.write(storage.context, 0, record));
        assert_false(storage.write(storage.context, 1, record));
        assert_int_equal(storage.rests(storage.context), !hangs);
        assert_true(storage.has_room(storage.context, 0));
        chip.fails = chip.hangs = false;
        power_on();
        assert_holds(1, 1);
        write_copy(0, 2);
        assert_holds(0, 2);
        assert_holds(1, 1);
    }
}

/* ---- The whole card over it, through the port */

static struct usim_fixture fixture;
static struct usim_port port;
static struct usim_port_wear wear;
static uint8_t answer[USIM_PORT_ANSWER_MAX];
static uint64_t accepted[512], seq;
static size_t accepted_count;
static unsigned told_tries;
static bool right_pin; /* was given last */

/* @return the status word; 0: the flash is busy */
static unsigned ask(const uint8_t *command, size_t size) {
    const struct usim_port_user user = {true, USIM_AUTHENTICATE, 1, &wear, 1000};
    unsigned looks = chip.looks;
    size_t count = usim_port_answer(&port, &user, command, size, answer);
    /* When it came, and when an erasure was begun behind it. */
    assert_true(chip.left != NEVER || chip.looks - looks <= 2);
    if (answer[0] == USIM_PORT_BUSY)
        return 0;
    assert_int_equal(answer[0], USIM_PORT_OK);
    return (unsigned)answer[count - 2] << 8 | answer[count - 1];
}

static unsigned verify(const char *pin) {
    uint8_t command[13] = {0x00, 0x20, 0x00, 0x01, 0x08, [9] = 0xff, 0xff, 0xff, 0xff};
    memcpy(command + 5, pin, 4);
    return ask(command, sizeof command);
}

/* @return the status word; with 0x61xx *fresh says whether RES was given */
static unsigned present(uint64_t sqn, bool *fresh) {
    static const uint8_t rand_bytes[16] = {1, 2, 3};
    uint8_t command[39] = {0x00, 0x88, 0x00, 0x81, 34, 16};
    memcpy(command + 6, rand_bytes, 16);
    command[22] = 16;
    usim_network_challenge(&fixture.card.profile.secret, rand_bytes, sqn, command + 23);
    unsigned sw = ask(command, sizeof command);
    *fresh = sw >> 8 == 0x61 && fixture.card.pending[0] == 0xdb;
    return sw;
}

static void start_card(void) {
    power_on();
    wear = (struct usim_port_wear){0};
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
    memset(&flash.now, 0, sizeof flash.now); /* the switcher knows nothing of what the loader did */
    usim_begin(&fixture.card);
    told_tries = USIM_PIN_TRIES;
    usim_state_make_room(&fixture.card.store, &fixture.card.state);
    port = (struct usim_port){.card = &fixture.card, .session = 1};
}

static void replay_all(void) {
    bool fresh = true;
    for (size_t i = 0; i < accepted_count;) {
        if (present(accepted[i], &fresh) == 0)
            continue;
        assert_false(fresh);
        i++;
    }
}

/* One step of a persona that does all that writes, as fast as it can. @return whether the card was busy */
static bool step(struct pseudorandom *random) {
    bool fresh = false;
    unsigned sw = 0;
    right_pin = false;
    if (pseudorandom_below(random, 2) == 0) {
        const bool wrong = pseudorandom_below(random, 4) == 0 && told_tries > 1;
        right_pin = !wrong;
        sw = verify(wrong ? "0000" : "1234");
        if (sw != 0 && (sw & 0xfff0) == 0x63c0)
            told_tries = sw & 0xf;
        else if (sw == 0x9000)
            told_tries = USIM_PIN_TRIES;
    } else {
        uint64_t sqn = (seq + 1 + pseudorandom_below(random, 2) * 2 * USIM_AHEAD) << AKA_IND_BITS;
        sw = present(sqn, &fresh);
        if (fresh)
            accepted[accepted_count++] = sqn;
        if (fresh)
            seq = sqn >> AKA_IND_BITS;
        else if (sw >> 8 == 0x61)
            seq = aka_sqn_ms(&fixture.card.state.array) >> AKA_IND_BITS;
    }
    assert_true(sw == 0 || sw == 0x9000 || sw >> 8 == 0x61 || (sw & 0xfff0) == 0x63c0 ||
                (sw == 0x6982 && !fixture.card.verified[0]) || (sw == 0x6581 && chip.left == PAST));
    return sw == 0;
}

static void new_card(uint64_t seed) {
    set_up(NULL);
    flash.block_size = LARGE;
    chip.random.state = seed;
    usim_fixture_open(&fixture, NULL);
    fixture.storage = &storage;
    fixture.issue++;
    accepted_count = 0;
    seq = 0;
    start_card();
}

static void test_no_command_waits_for_an_erasure(void **state) {
    struct pseudorandom random = {1};
    unsigned busy = 0;
    (void)state;
    new_card(1);
    unsigned before = chip.erases;
    for (unsigned i = 0; i < 600; i++)
        busy += step(&random);
    assert_true(chip.erases - before > 10);
    assert_in_range(busy, chip.erases, LOOKS * chip.erases);
    assert_true(accepted_count > 20);
    replay_all();
}

/* At each look of the first erasures, and at words between them: no challenge twice, no PIN for free. */
static void test_cuts_while_room_is_made(void **state) {
    (void)state;
    unsigned in_erasure = 0;
    for (int round = 0; round < 5 * LOOKS; round++) {
        struct pseudorandom random = {(uint64_t)round};
        new_card((uint64_t)round);
        for (unsigned i = 0; i < 5; i++)
            (void)step(&random);
        chip.erasure_left = round;
        for (unsigned i = 0; i < 120 && chip.left != PAST; i++)
            (void)step(&random);
        in_erasure += chip.left == PAST;
        usim_port_off(&port);
        power_on();
        assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
        assert_true(right_pin || fixture.card.state.pins[0].tries <= told_tries);
        start_card();
        replay_all();
        for (unsigned i = 0; i < 40; i++)
            (void)step(&random);
        replay_all();
    }
    assert_true(in_erasure > 4 * LOOKS);
}

/* Wherever the logs are: what can't be stored costs an answer, and nothing that was stored. */
static void test_nothing_is_lost_when_the_flash_takes_no_more(void **state) {
    (void)state;
    for (unsigned before = 0; before < 16; before++) {
        new_card(before);
        for (unsigned i = 0; i < before; i++)
            while (verify("1234") == 0)
                continue;
        while (!usim_state_rests(&fixture.card.store))
            continue;
        chip.dead = true;
        for (unsigned i = 0; i < 3; i++)
            while (verify("1234") != 0x6581)
                continue;
        chip.dead = false;
        start_card();
    }
}

/* Nothing is taken, nothing is read beyond the blocks, and the first place is the first one that is written. */
static void test_blank_flash(void **state) {
    (void)state;
    memset(chip.words, 0xff, sizeof chip.words);
    for (unsigned copy = 0; copy < USIM_COPIES; copy++) {
        assert_true(storage.read(storage.context, copy, found));
        for (size_t i = 0; i < sizeof found; i++)
            assert_int_equal(found[i], 0xff);
        write_copy(copy, 3 + copy);
        assert_holds(copy, 3 + copy);
        assert_memory_equal(&chip.words[copy * (BLOCK / 4)], record, sizeof record);
    }
    assert_int_equal(chip.erases, USIM_COPIES);
}

/* A nonce may begin with ones: a place is blank when all of it is. */
static void test_a_record_that_begins_blank(void **state) {
    (void)state;
    for (uint32_t number = 1; number <= 2 * BLOCK / USIM_RECORD_SIZE; number++) {
        fill(number);
        memset(record, 0xff, 4);
        assert_true(storage.write(storage.context, 0, record));
        assert_true(storage.read(storage.context, 0, found));
        assert_memory_equal(found, record, sizeof record);
    }
    assert_int_equal(chip.erases, 2);
}

/* Memory in flash's place: each copy has its own, and what is there is what was written, to the last byte. */
static void test_memory_of_a_power_on(void **state) {
    static uint8_t memory[USIM_COPIES * USIM_RECORD_SIZE + 1];
    (void)state;
    memset(memory, 0xa5, sizeof memory);
    storage = usim_volatile_storage(memory);
    assert_true(storage.forgets);
    for (uint32_t number = 1; number <= 4; number++) {
        write_copy(number % 2, number);
        assert_holds(number % 2, number);
        if (number > 1)
            assert_holds((number - 1) % 2, number - 1);
    }
    assert_int_equal(memory[sizeof memory - 1], 0xa5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_copy_is_what_was_written_last, set_up),
        cmocka_unit_test_setup(test_a_cut_harms_the_copy_that_is_written, set_up),
        cmocka_unit_test_setup(test_worn_places_are_passed_over, set_up),
        cmocka_unit_test_setup(test_flash_that_keeps_nothing_is_told, set_up),
        cmocka_unit_test_setup(test_a_blank_block_is_erased_once_more, set_up),
        cmocka_unit_test_setup(test_an_erasure_fails, set_up),
        cmocka_unit_test_setup(test_no_command_waits_for_an_erasure, set_up),
        cmocka_unit_test_setup(test_cuts_while_room_is_made, set_up),
        cmocka_unit_test_setup(test_nothing_is_lost_when_the_flash_takes_no_more, set_up),
        cmocka_unit_test_setup(test_blank_flash, set_up),
        cmocka_unit_test_setup(test_a_record_that_begins_blank, set_up),
        cmocka_unit_test(test_memory_of_a_power_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
