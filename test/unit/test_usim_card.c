// SPDX-License-Identifier: BSD-3-Clause
// The card against a table of commands and what TS 102 221 and TS 31.102 say of each; every file; GBA through the card;
// and random commands, after which it still is a card.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "files.h"
#include "hex.h"
#include "kdf.h"
#include "pseudorandom.h"
#include "usim_cases.h"
#include "usim_fixture.h"

static struct usim_fixture fixture;

/* ---- Where a case begins */

static void without_pin(struct usim_profile *profile) { profile->pins[0].enabled = false; }

static void plain(struct usim_profile *profile) {
    without_pin(profile);
    memset(profile->services, 0, sizeof(profile->services));
}

static void card_suci(struct usim_profile *profile) { usim_service_on(profile, USIM_SERVICE_SUCI_BY_CARD); }

static void send(const char *command) {
    uint8_t response[USIM_RESPONSE_MAX];
    size_t size = 0;
    assert_int_equal(usim_exchange_hex(&fixture.card, command, response, &size), 0x9000);
}

static void start_at(enum usim_start start) {
    static void (*const changes[])(struct usim_profile * profile) = {
        [NO_PIN] = without_pin, [PLAIN] = plain, [CARD_SUCI] = card_suci, [READ_ONLY] = NULL};
    usim_fixture_open(&fixture, changes[start]);
    if (start == READ_ONLY)
        usim_card_power_on(&fixture.card, USIM_READ_ONLY);
    if (start != OFF_MF)
        send("00a4040c07a0000000871002");
    if (start == READY || start == READY2 || start == CARD_SUCI || start == READ_ONLY)
        send("002000010831323334ffffffff");
    if (start == READY2)
        send("002000810835363738ffffffff");
}

/* ---- A case */

static bool data_fits(const uint8_t *data, size_t size, const char *expected) {
    uint8_t want[USIM_RESPONSE_MAX];
    char digits[2 * USIM_RESPONSE_MAX + 2] = {0};
    if (expected == NULL)
        return true;
    strncpy(digits, expected, sizeof(digits) - 1);
    bool more = strchr(digits, '*') != NULL;
    digits[strcspn(digits, "*")] = '\0';
    size_t want_size = from_hex(digits, want);
    return (more ? size >= want_size : size == want_size) && memcmp(data, want, want_size) == 0;
}

static void run_case(const struct usim_case *one, unsigned *failures) {
    char commands[2048];
    uint8_t bytes[300], response[USIM_RESPONSE_MAX];
    size_t size = 0;
    strncpy(commands, one->commands, sizeof(commands) - 1);
    commands[sizeof(commands) - 1] = '\0';
    start_at(one->start);
    for (char *command = strtok(commands, ";"); command != NULL; command = strtok(NULL, ";"))
        size = usim_card_transmit(&fixture.card, bytes, from_hex(command, bytes), response);
    unsigned sw = (unsigned)response[size - 2] << 8 | response[size - 1];
    if (sw == one->sw && data_fits(response, size - 2, one->data))
        return;
    (*failures)++;
    (void)fprintf(stderr, "%s: start %d, %s: %04x, not %04x;", one->clause, (int)one->start, one->commands, sw,
                  one->sw);
    for (size_t i = 0; i + 2 < size; i++)
        (void)fprintf(stderr, "%02x", response[i]);
    (void)fputc('\n', stderr);
}

static void test_table(void **state) {
    unsigned failures = 0;
    (void)state;
    assert_true(usim_case_count >= 250);
    for (size_t i = 0; i < usim_case_count; i++)
        run_case(&usim_cases[i], &failures);
    assert_int_equal(failures, 0);
}

/* ---- Files */

static void check_fcp(const struct usim_file_case *file, const uint8_t *fcp, size_t size) {
    static const uint8_t descriptors[] = {['t'] = 0x41, ['l'] = 0x42, ['c'] = 0x46};
    uint8_t path[6];
    size_t path_size = from_hex(file->path, path);
    assert_int_equal(fcp[0], 0x62);
    assert_int_equal(fcp[1], size - 2);
    assert_int_equal(fcp[4], descriptors[(unsigned)file->kind]);
    const uint8_t *id = fcp + 4 + fcp[3];
    assert_int_equal(id[0], 0x83);
    assert_memory_equal(id + 2, path + path_size - 2, 2);
    const uint8_t *sfi = fcp + size - (file->sfi == 0 ? 2 : 3);
    assert_int_equal(sfi[0], 0x88);
    assert_int_equal(sfi[1], file->sfi == 0 ? 0 : 1);
    if (file->sfi != 0)
        assert_int_equal(sfi[2], file->sfi << 3);
    if (file->kind == 't')
        assert_int_equal(sfi[-2] << 8 | sfi[-1], file->size);
    else
        assert_int_equal(fcp[7], file->size);
}

static void select_path(const struct usim_file_case *file) {
    char command[32];
    uint8_t response[USIM_RESPONSE_MAX];
    size_t size = 0;
    (void)snprintf(command, sizeof(command), "00a40804%02zx%s", strlen(file->path) / 2, file->path);
    assert_int_equal(usim_exchange_hex(&fixture.card, command, response, &size), 0x9000);
    check_fcp(file, response, size);
}

static unsigned read_file(const struct usim_file_case *file, unsigned sfi) {
    uint8_t response[USIM_RESPONSE_MAX];
    size_t size = 0;
    const uint8_t binary[] = {0, 0xb0, (uint8_t)(sfi == 0 ? 0 : 0x80 | sfi), 0, (uint8_t)file->size};
    const uint8_t record[] = {0, 0xb2, 1, (uint8_t)(sfi << 3 | 4), (uint8_t)file->size};
    return usim_exchange(&fixture.card, file->kind == 't' ? binary : record, 5, response, &size);
}

static unsigned update_file(const struct usim_file_case *file) {
    uint8_t command[300] = {0, 0xd6, 0, 0, (uint8_t)file->size}, response[USIM_RESPONSE_MAX];
    size_t size = 0;
    if (file->kind != 't') {
        command[1] = 0xdc;
        command[2] = file->kind == 'l';
        command[3] = file->kind == 'l' ? 4 : 3;
    }
    return usim_exchange(&fixture.card, command, 5 + (size_t)file->size, response, &size);
}

static void test_files(void **state) {
    (void)state;
    for (size_t i = 0; i < usim_file_case_count; i++) {
        const struct usim_file_case *file = &usim_file_cases[i];
        start_at(IN_USIM);
        select_path(file);
        assert_int_equal(read_file(file, 0), file->read == 'a' ? 0x9000 : 0x6982);
        assert_int_equal(update_file(file), 0x6982);
        send("002000010831323334ffffffff");
        assert_int_equal(read_file(file, 0), 0x9000);
        if (file->sfi != 0)
            assert_int_equal(read_file(file, file->sfi), 0x9000);
        assert_int_equal(update_file(file), file->update == 'p' ? 0x9000 : 0x6982);
        send("002000810835363738ffffffff");
        assert_int_equal(update_file(file), file->update == 'n' ? 0x6982 : 0x9000);
        usim_card_power_on(&fixture.card, USIM_READ_ONLY);
        send("00a4040c07a0000000871002");
        send("002000010831323334ffffffff");
        select_path(file);
        assert_int_equal(read_file(file, 0), file->read == 'k' ? 0x6982 : 0x9000);
        assert_int_equal(update_file(file), 0x6982);
    }
}

/* All of the card's files are in the list above, and no two have one identifier or short identifier. */
static void test_files_all_listed(void **state) {
    size_t count = 0;
    (void)state;
    for (int i = 0; i < file_count; i++) {
        count += file_at(i)->kind != FILE_DIRECTORY;
        for (int j = 0; j < i; j++) {
            bool same_place = file_at(i)->directory == file_at(j)->directory;
            assert_false(same_place && file_at(i)->id == file_at(j)->id && i != 0);
            assert_false(same_place && file_at(i)->sfi == file_at(j)->sfi && file_at(i)->sfi != 0);
        }
    }
    assert_int_equal(count, usim_file_case_count);
    assert_true(file_offset(file_count) <= USIM_FILES_SIZE);
}

/* What is written stays, over a restart too. */
static void test_kept(void **state) {
    uint8_t response[USIM_RESPONSE_MAX], expected[16];
    size_t size = 0;
    (void)state;
    start_at(READY);
    send("00d68d000513f08062f2");
    send("0024000110"
         "31323334ffffffff"
         "34333231ffffffff");
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
    send("00a4040c07a0000000871002");
    send("002000010834333231ffffffff");
    assert_int_equal(usim_exchange_hex(&fixture.card, "00b08d0005", response, &size), 0x9000);
    from_hex("13f08062f2", expected);
    assert_memory_equal(response, expected, 5);
}

/* A PIN that was unblocked is to be tried as often as a new one. */
static void test_unblocked(void **state) {
    uint8_t response[USIM_RESPONSE_MAX];
    size_t size = 0;
    (void)state;
    start_at(READY);
    for (unsigned i = 0; i < 3; i++)
        (void)usim_exchange_hex(&fixture.card, "002000010830303030ffffffff", response, &size);
    assert_int_equal(usim_exchange_hex(&fixture.card, "002000010831323334ffffffff", response, &size), 0x6983);
    send("002c000110 3132333435363738 34333231ffffffff");
    assert_int_equal(usim_exchange_hex(&fixture.card, "0020000100", response, &size), 0x63c3);
    assert_int_equal(usim_exchange_hex(&fixture.card, "002c000100", response, &size), 0x63ca);
    send("002000010834333231ffffffff");
}

/* Ten tries at a PUK, each of them one, and then none that is right either. */
static void test_unblocking_is_counted(void **state) {
    uint8_t response[USIM_RESPONSE_MAX];
    size_t size = 0;
    (void)state;
    start_at(IN_USIM);
    for (unsigned left = USIM_PUK_TRIES; left-- > 0;) {
        unsigned sw = usim_exchange_hex(&fixture.card, "002c000110 3132333435363737 34333231ffffffff", response, &size);
        assert_int_equal(sw, 0x63c0 | left);
        if (left == 1) {
            send("002c000110 3132333435363738 31323334ffffffff");
            break;
        }
    }
    for (unsigned i = 0; i < USIM_PUK_TRIES; i++)
        (void)usim_exchange_hex(&fixture.card, "002c000110 3132333435363737 34333231ffffffff", response, &size);
    unsigned sw = usim_exchange_hex(&fixture.card, "002c000110 3132333435363738 34333231ffffffff", response, &size);
    assert_int_equal(sw, 0x6983);
    send("002000010831323334ffffffff");
}

/* What waits is told to the byte, and what comes behind it is a proactive command where one waits. */
static void test_waiting_data(void **state) {
    uint8_t bytes[64], response[USIM_RESPONSE_MAX];
    (void)state;
    start_at(OFF_MF);
    assert_int_equal(usim_card_transmit(&fixture.card, bytes, from_hex("8010000003ffffff", bytes), response), 2);
    assert_memory_equal(response, "\x91\x0b", 2);
    assert_int_equal(usim_card_transmit(&fixture.card, bytes, from_hex("00a40004022f05", bytes), response), 2);
    assert_memory_equal(response, "\x61\x19", 2);
    assert_int_equal(usim_card_transmit(&fixture.card, bytes, from_hex("00c00000ff", bytes), response), 2);
    assert_memory_equal(response, "\x6c\x19", 2);
    assert_int_equal(usim_card_transmit(&fixture.card, bytes, from_hex("00c0000018", bytes), response), 26);
    assert_memory_equal(response + 24, "\x61\x01", 2);
    assert_int_equal(usim_card_transmit(&fixture.card, bytes, from_hex("00c0000002", bytes), response), 2);
    assert_memory_equal(response, "\x6c\x01", 2);
    assert_int_equal(usim_card_transmit(&fixture.card, bytes, from_hex("00c0000001", bytes), response), 3);
    assert_memory_equal(response + 1, "\x91\x0b", 2);
}

/* ---- AUTHENTICATE (31.102 7.1.2.1): TS 35.208's set 1, with Kc where service 27 is on */

static void without_gsm(struct usim_profile *profile) { memset(profile->services, 0, sizeof(profile->services)); }

static void test_what_3g_gives(void **state) {
    static const char answer[] =
        "db 08a54211d5e3ba50bf 10b40ba9a3c58b2a05bbf0d987b21bf8cb 10f769bcd751044604127672711c6d3441"
        "08eae4be823af9a08b";
    uint8_t rand[16], autn[16], response[USIM_RESPONSE_MAX], expected[64];
    size_t size = 0, all = from_hex(answer, expected);
    (void)state;
    from_hex("23553cbe9637a89d218ae64dae47bf35", rand);
    for (unsigned gsm = 0; gsm < 2; gsm++) {
        usim_fixture_open(&fixture, gsm == 1 ? NULL : without_gsm);
        usim_begin(&fixture.card);
        usim_network_challenge(&fixture.card.profile.secret, rand, 5 << 5, autn);
        assert_int_equal(usim_authenticate(&fixture.card, rand, autn, response, &size), 0x9000);
        assert_int_equal(size, gsm == 1 ? all : all - 9);
        assert_memory_equal(response, expected, size);
    }
}

/* ---- GBA */

/* The server's side (TS 33.220 5.3.2): SHA-1 of IK, computed apart with Python's hashlib. */
/* A bootstrapping, which is not accepted again. @param rand 16 bytes: becomes its RAND */
static void bootstrap(uint8_t *rand) {
    uint8_t autn[16], command[40] = {0, 0x88, 0, 0x84, 35, 0xdd, 16}, response[USIM_RESPONSE_MAX], mark[8],
                      expected[32];
    size_t size = 0;
    start_at(READY);
    from_hex("23553cbe9637a89d218ae64dae47bf35", rand);
    from_hex("c6e0c5ce26e01df7", mark);
    usim_network_challenge(&fixture.card.profile.secret, rand, 5 << 5, autn);
    for (unsigned i = 0; i < 8; i++)
        autn[8 + i] ^= mark[i];
    memcpy(command + 7, rand, 16);
    command[23] = 16;
    memcpy(command + 24, autn, 16);
    assert_int_equal(usim_exchange(&fixture.card, command, sizeof(command), response, &size), 0x9000);
    from_hex("db08a54211d5e3ba50bf", expected);
    assert_int_equal(size, 10);
    assert_memory_equal(response, expected, 10);
    assert_int_equal(usim_exchange(&fixture.card, command, sizeof(command), response, &size), 0x9000);
    assert_int_equal(response[0], 0xdc);
}

/* Nothing of a longer key that was there before. */
static void require_nothing_of_before(void) {
    struct gba again, before = fixture.card.state.gba;
    struct aka_answer answer = {.sqn = 0};
    memset(&again, 0xff, sizeof again);
    memcpy(answer.ck, before.ks, 16);
    memcpy(answer.ik, before.ks + 16, 16);
    gba_bootstrap(&again, &fixture.card.profile.secret, &answer, before.rand);
    assert_memory_equal(&again, &before, sizeof again);
}

static void test_gba(void **state) {
    uint8_t rand[16], response[USIM_RESPONSE_MAX], expected[32];
    size_t size = 0;
    (void)state;
    bootstrap(rand);
    /* Ks_ext_NAF, computed apart with Python's hmac: NAF_Id "naf.example" and 0100000002, IMPI "user@example". */
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
    usim_begin(&fixture.card);
    unsigned sw = usim_exchange_hex(&fixture.card,
                                    "008800841f"
                                    "de106e61662e6578616d706c65"
                                    "0100000002"
                                    "0c75736572406578616d706c65",
                                    response, &size);
    assert_int_equal(sw, 0x9000);
    from_hex("53a3e7e3053ff82fa0079fc498bba595d12a4114a6727e3e4789222fa9bec654", expected);
    assert_int_equal(size, 34);
    assert_memory_equal(response, "\xdb\x20", 2);
    assert_memory_equal(response + 2, expected, 32);
    /* What the card keeps of both, and the shortest identity. */
    static const struct gba_naf naf = {(const uint8_t *)"naf.example\1\0\0\0\2", 16, (const uint8_t *)"user@example",
                                       12};
    uint8_t external[GBA_NAF_KEY_SIZE], internal[GBA_NAF_KEY_SIZE];
    assert_true(gba_derive(&fixture.card.state.gba, &naf, external, internal));
    assert_memory_equal(external, expected, 32);
    from_hex("acd812b780e95c502c57cd32762d4860ceb11752cb6675cc2e8c62fd2df35bd7", expected);
    assert_memory_equal(internal, expected, 32);
    sw = usim_exchange_hex(&fixture.card, "0088008414 de10 6e61662e6578616d706c65 0100000002 01 75", response, &size);
    assert_int_equal(sw, 0x9000);
    from_hex("95bec4d25a9c69c442ebf6f4071487e1a57bab53d29446989f5ac9a7338b53f8", expected);
    assert_memory_equal(response + 2, expected, 32);
    sw = usim_exchange_hex(&fixture.card, "0088008413 de10 6e61662e6578616d706c65 0100000002 00", response, &size);
    assert_int_equal(sw, 0x6700);
    require_nothing_of_before();
    const struct gba none = {.ks_size = 0};
    assert_false(gba_derive(&none, &naf, external, internal));
    assert_int_equal(usim_exchange_hex(&fixture.card, "00a4000c026fd6", response, &size), 0x9000);
    assert_int_equal(usim_exchange_hex(&fixture.card, "00b0000011", response, &size), 0x9000);
    assert_int_equal(response[0], 16);
    assert_memory_equal(response + 1, rand, 16);
}

static void write_b_tid(const char *b_tid) {
    char command[64];
    (void)snprintf(command, sizeof(command), "00d6001107%s", b_tid);
    send("00a4000c026fd6");
    send(command);
}

/* @return the status word; the NAF's name has one letter, over and over */
static unsigned derive(char letter, size_t id_size) {
    uint8_t command[300] = {0, 0x88, 0, 0x84, (uint8_t)(id_size + 4), 0xde, (uint8_t)id_size},
            response[USIM_RESPONSE_MAX];
    size_t size = 0;
    memset(command + 7, letter, id_size);
    command[7 + id_size] = 1;
    command[8 + id_size] = 'i';
    return usim_exchange(&fixture.card, command, 9 + id_size, response, &size);
}

static void expect_naf(unsigned record, const char *expected) {
    char command[16];
    uint8_t response[USIM_RESPONSE_MAX], want[32];
    size_t size = 0, want_size = from_hex(expected, want);
    (void)snprintf(command, sizeof(command), "00b2%02x047f", record);
    send("00a4000c026fda");
    assert_int_equal(usim_exchange_hex(&fixture.card, command, response, &size), 0x9000);
    assert_memory_equal(response, want, want_size);
    for (size_t i = want_size; i < 127; i++)
        assert_int_equal(response[i], 0xff);
}

/* EF GBANL (TS 31.102 4.2.83): who derived last is first, and the oldest goes (TS 33.220 G.2). */
static void test_naf_list(void **state) {
    (void)state;
    start_at(READY);
    expect_naf(1, "");
    fixture.card.state.gba.ks_size = 32;
    assert_int_equal(derive('a', 6), 0x9000);
    expect_naf(1, "80066161616161618100");
    write_b_tid("06422d7469643f"); /* B-TID "B-tid?" */
    assert_int_equal(derive('b', 6), 0x9000);
    assert_int_equal(derive('c', 6), 0x9000);
    expect_naf(1, "80066363636363638106422d7469643f");
    expect_naf(2, "80066262626262628106422d7469643f");
    expect_naf(3, "80066161616161618100");
    assert_int_equal(derive('a', 6), 0x9000);
    expect_naf(1, "80066161616161618106422d7469643f");
    expect_naf(2, "80066363636363638106422d7469643f");
    expect_naf(3, "80066262626262628106422d7469643f");
    assert_int_equal(derive('d', 6), 0x9000);
    expect_naf(2, "80066161616161618106422d7469643f");
    expect_naf(3, "80066363636363638106422d7469643f");
    /* A B-TID up to the end of its file; a longer one is none. */
    send("00a4000c026fd6");
    send("00d60011016e");
    assert_int_equal(derive('f', 6), 0x9000);
    expect_naf(1, "8006666666666666816e422d7469643f");
    send("00a4000c026fd6");
    send("00d60011016f");
    assert_int_equal(derive('g', 6), 0x9000);
    expect_naf(1, "80066767676767678100");
    write_b_tid("06422d7469643f");
    assert_int_equal(derive('d', 6), 0x9000);
    uint64_t written = fixture.card.state.number;
    assert_int_equal(derive('d', 6), 0x9000);
    assert_int_equal(fixture.card.state.number, written);
    assert_int_equal(derive('e', 118), 0x9866);
    assert_int_equal(derive('e', 117), 0x9000);
    assert_int_equal(usim_fixture_restart(&fixture), USIM_OK);
    usim_begin(&fixture.card);
    expect_naf(2, "80066464646464648106422d7469643f");
}

/* ---- SUCI of who has no IMSI */

static void test_no_suci_of_nai(void **state) {
    uint8_t response[USIM_RESPONSE_MAX];
    size_t size = 0;
    (void)state;
    start_at(CARD_SUCI);
    fixture.card.state.files[file_offset(file_find(&fixture.card.profile, FID_DF_5GS, 0x4f09))] = 0x80;
    assert_int_equal(usim_exchange_hex(&fixture.card, "8078000137", response, &size), 0x6a81);
}

/* ---- ATR (TS 102 221 6.3.2, ISO/IEC 7816-4 12.1.1.9) */

static void test_atr(void **state) {
    uint8_t bytes[USIM_ATR_MAX], sum = 0;
    size_t size = usim_card_atr(bytes);
    (void)state;
    assert_int_equal(size, 7 + 15); /* TS, T0, TA1, TD1, TD2, TA3, historical bytes, TCK */
    assert_int_equal(bytes[1] & 0xf, 15);
    for (size_t i = 1; i < size; i++)
        sum ^= bytes[i];
    assert_int_equal(sum, 0);
    assert_int_equal(bytes[9], 0x73); /* card capabilities */
    assert_int_equal(bytes[12] & 0x18, 0x18);
    assert_int_equal((bytes[12] & 7) + 1, USIM_CHANNELS);
}

/* ---- Anything at all */

static void test_random_commands(void **state) {
    struct pseudorandom random = {1};
    uint8_t command[300], response[USIM_RESPONSE_MAX + 8];
    (void)state;
    start_at(READY);
    for (unsigned i = 0; i < 200000; i++) {
        static const uint8_t instructions[] = {0xa4, 0xf2, 0xb0, 0xb2, 0xa2, 0x70, 0xc0, 0x88, 0x78, 0x12, 0x14, 0xaa};
        size_t length = pseudorandom_below(&random, 40), size = 5 + length;
        for (size_t j = 0; j < sizeof(command); j++)
            command[j] = (uint8_t)(pseudorandom_next(&random) >> 17);
        command[0] &= (uint8_t)(i % 8 == 0 ? 0xff : 0x83);
        command[1] = i % 4 == 0 ? command[1] : instructions[pseudorandom_below(&random, sizeof(instructions))];
        command[2] &= (uint8_t)(i % 2 == 0 ? 0xff : 0x8f);
        if (i % 3 != 0)
            command[4] = (uint8_t)length;
        memset(response, 0xa5, sizeof(response));
        size_t got = usim_card_transmit(&fixture.card, command, size, response);
        assert_true(got >= 2 && got <= USIM_RESPONSE_MAX);
        assert_int_equal(response[USIM_RESPONSE_MAX], 0xa5);
        assert_true((response[got - 2] & 0xf0) == 0x60 || (response[got - 2] & 0xf0) == 0x90);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_files_all_listed),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_gba),
        cmocka_unit_test(test_what_3g_gives),
        cmocka_unit_test(test_random_commands),
        cmocka_unit_test(test_naf_list),
        cmocka_unit_test(test_no_suci_of_nai),
        cmocka_unit_test(test_atr),
        cmocka_unit_test(test_unblocked),
        cmocka_unit_test(test_unblocking_is_counted),
        cmocka_unit_test(test_waiting_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
