// SPDX-License-Identifier: BSD-3-Clause
// Sequence numbers against a straightforward model of TS 33.102 Annex C; challenges through the whole card.
#include "usim/aka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hex.h"
#include "pseudorandom.h"
#include "usim/milenage.h"
#include "usim/tuak.h"
#include "usim_fixture.h"

/* ---- The model: the words of C.2.2, with numbers large enough not to think about signs */

__extension__ typedef __int128 wide;

struct model {
    wide seq_ms[32];
};

static wide model_highest(const struct model *model) {
    wide highest = -1;
    for (int i = 0; i < 32; i++)
        highest = model->seq_ms[i] > highest ? model->seq_ms[i] : highest;
    return highest;
}

static bool model_accepts(struct model *model, wide delta, wide limit, uint64_t sqn) {
    wide seq = sqn / 32, highest = model_highest(model);
    int ind = (int)(sqn % 32);
    if (seq - highest > delta)
        return false;
    if (limit != 0 && !(highest - seq < limit))
        return false;
    if (seq <= model->seq_ms[ind])
        return false;
    model->seq_ms[ind] = seq;
    return true;
}

/* Near the highest, far from it, at the edges of delta and limit, and old ones again. */
static uint64_t any_sqn(struct pseudorandom *random, const struct aka_rule *rule, uint64_t highest, uint64_t last) {
    uint64_t seq = highest;
    switch (pseudorandom_below(random, 9)) {
    case 0:
        return last;
    case 1:
        seq += rule->delta + pseudorandom_below(random, 3) - 1;
        break;
    case 2:
        seq -= rule->limit + pseudorandom_below(random, 3) - 1;
        break;
    case 3:
        seq = pseudorandom_next(random);
        break;
    case 4:
        seq -= pseudorandom_below(random, 100);
        break;
    default:
        seq += pseudorandom_below(random, 5) - 1;
        break;
    }
    return (seq & AKA_SEQ_MAX) << 5 | pseudorandom_below(random, 32);
}

static void against_model(uint64_t seed, unsigned count, struct aka_rule rule) {
    struct pseudorandom random = {seed};
    struct aka_array array = {{0}};
    struct model model = {{0}};
    uint64_t last = 0;
    unsigned accepted = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t sqn = any_sqn(&random, &rule, aka_sqn_ms(&array) >> 5, last);
        bool fresh = aka_is_fresh(&array, &rule, sqn);
        assert_int_equal(fresh, model_accepts(&model, (wide)rule.delta, (wide)rule.limit, sqn));
        if (fresh)
            aka_accept(&array, sqn);
        assert_true((wide)(aka_sqn_ms(&array) >> 5) == model_highest(&model));
        accepted += fresh;
        last = sqn;
    }
    assert_true(accepted > count / 20);
}

static void test_a_million_orders(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 25; seed++) {
        against_model(seed, 10000, (struct aka_rule){UINT64_C(1) << 28, 0});
        against_model(seed, 10000, (struct aka_rule){UINT64_C(1) << 28, 1000});
        against_model(seed, 10000, (struct aka_rule){50, 30});
        against_model(seed, 10000, (struct aka_rule){UINT64_C(1) << 20, 7});
    }
}

/* TS 33.102 C.2.2: out of order within one IND's order; two public soft SIMs refuse this. */
static void test_out_of_order(void **state) {
    const struct aka_rule rule = {UINT64_C(1) << 28, 0};
    struct aka_array array = {{0}};
    (void)state;
    assert_true(aka_is_fresh(&array, &rule, 5000 << 5 | 0));
    aka_accept(&array, 5000 << 5 | 0);
    assert_true(aka_is_fresh(&array, &rule, 4999 << 5 | 1));
    assert_false(aka_is_fresh(&array, &rule, 4999 << 5 | 0));
    assert_false(aka_is_fresh(&array, &rule, 5000 << 5 | 0));
    assert_true(aka_sqn_ms(&array) == 5000 << 5);
}

/* ---- The whole card */

static void make_rand(struct pseudorandom *random, uint8_t *rand) {
    for (unsigned i = 0; i < 16; i++)
        rand[i] = (uint8_t)pseudorandom_next(random);
}

static void check_auts(const struct usim_card *card, const uint8_t *rand, const uint8_t *response, uint64_t sqn_ms) {
    const struct aka_secret *of = &card->profile.secret;
    const struct milenage milenage = {of->k, of->opc};
    const struct tuak tuak = {of->k, of->opc, of->k_size, 8, of->res_size, of->ck_size, of->ik_size, of->iterations};
    uint8_t ak[AKA_SQN_SIZE], sqn[AKA_SQN_SIZE], mac_a[AKA_MAC_SIZE], mac_s[AKA_MAC_SIZE], amf[AKA_AMF_SIZE] = {0};
    if (of->algorithm == AKA_MILENAGE)
        assert_true(milenage_f5_star(&milenage, rand, ak));
    else
        tuak_f5_star(&tuak, rand, ak);
    for (unsigned i = 0; i < AKA_SQN_SIZE; i++) {
        sqn[i] = (uint8_t)(sqn_ms >> (40 - 8 * i));
        assert_int_equal(response[2 + i] ^ ak[i], sqn[i]);
    }
    if (of->algorithm == AKA_MILENAGE)
        assert_true(milenage_f1(&milenage, rand, sqn, amf, mac_a, mac_s));
    else
        tuak_f1_star(&tuak, rand, sqn, amf, mac_s);
    assert_memory_equal(response + 2 + AKA_SQN_SIZE, mac_s, AKA_MAC_SIZE);
}

/* @param anchored whether what a power-on may take is limited, which narrows delta */
static void card_against_model(void (*change)(struct usim_profile *profile), bool anchored, unsigned count,
                               size_t answer_size) {
    static struct usim_fixture fixture;
    struct pseudorandom random = {11};
    struct model model = {{0}};
    uint8_t rand[16], autn[16], response[USIM_RESPONSE_MAX];
    uint64_t last = 0;
    usim_fixture_open(&fixture, change);
    usim_begin(&fixture.card);
    if (!anchored)
        fixture.card.state.anchor.limit = AKA_SEQ_MAX;
    const struct aka_rule *rule = &fixture.card.profile.rule;
    for (unsigned i = 0; i < count; i++) {
        size_t size = 0;
        uint64_t sqn = any_sqn(&random, rule, aka_sqn_ms(&fixture.card.state.array) >> 5, last);
        uint64_t before = aka_sqn_ms(&fixture.card.state.array);
        make_rand(&random, rand);
        usim_network_challenge(&fixture.card.profile.secret, rand, sqn, autn);
        assert_int_equal(usim_authenticate(&fixture.card, rand, autn, response, &size), 0x9000);
        bool accepts = sqn >> 5 <= fixture.card.state.anchor.limit &&
                       model_accepts(&model, (wide)rule->delta, (wide)rule->limit, sqn);
        assert_int_equal(response[0], accepts ? 0xdb : 0xdc);
        assert_int_equal(size, accepts ? answer_size : 16);
        if (!accepts)
            check_auts(&fixture.card, rand, response, before);
        last = sqn;
    }
}

static void test_card_milenage(void **state) {
    (void)state;
    card_against_model(NULL, false, 10000, 1 + 9 + 17 + 17 + 9);
    card_against_model(NULL, true, 1000, 1 + 9 + 17 + 17 + 9);
}

static void with_tuak(struct usim_profile *profile) {
    profile->secret.algorithm = AKA_TUAK;
    profile->secret.k_size = 32;
    profile->secret.res_size = 16;
    profile->secret.iterations = 1;
    profile->rule.limit = 200;
}

static void test_card_tuak(void **state) {
    (void)state;
    card_against_model(with_tuak, false, 3000, 1 + 17 + 17 + 17 + 9);
}

/* Who does not know K learns nothing of what it makes, not even by a caller that does not look. */
static void test_nothing_of_a_wrong_mac(void **state) {
    static const struct aka_answer none;
    static struct usim_fixture fixture;
    struct aka_answer answer;
    uint8_t rand[16] = {1}, autn[16];
    bool failed = true;
    (void)state;
    usim_fixture_open(&fixture, NULL);
    usim_network_challenge(&fixture.card.profile.secret, rand, 5 << 5, autn);
    assert_true(aka_challenge(&fixture.card.profile.secret, rand, autn, &answer, &failed));
    assert_true(answer.sqn == 5 << 5 && !failed);
    autn[8] ^= 0x80;
    assert_false(aka_challenge(&fixture.card.profile.secret, rand, autn, &answer, &failed));
    assert_false(failed);
    assert_memory_equal(&answer, &none, sizeof answer);
}

/* c2 and c3 (TS 33.102 6.8.1.2) of a RES of each size: its words added, and those of CK and IK in halves. */
static void test_gsm_of_tuak(void **state) {
    static const size_t sizes[] = {4, 8, 16, 32};
    struct pseudorandom random = {3};
    struct aka_secret of = {.algorithm = AKA_TUAK, .k_size = 16, .ck_size = 16, .ik_size = 16, .iterations = 1};
    uint8_t rand[16], sres[4], kc[8];
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        of.res_size = sizes[i];
        const struct tuak tuak = {of.k, of.opc, 16, 8, of.res_size, 16, 16, 1};
        struct tuak_answer answer = {.ak = {0}};
        make_rand(&random, rand);
        tuak_f2345(&tuak, rand, &answer);
        assert_true(aka_gsm(&of, rand, sres, kc));
        for (size_t at = 0; at < 4; at++) {
            uint8_t sum = 0;
            for (size_t word = 0; word < of.res_size && word < 16; word += 4)
                sum ^= answer.res[word + at];
            assert_int_equal(sres[at], sum);
        }
        for (size_t at = 0; at < 8; at++)
            assert_int_equal(kc[at], answer.ck[at] ^ answer.ck[at + 8] ^ answer.ik[at] ^ answer.ik[at + 8]);
    }
}

/* OPc and TOPc of OP: TS 35.208 4.3.2, set 1, and what test_usim_tuak.c has of TUAK's own function. */
static void test_opc(void **state) {
    struct aka_secret of = {.algorithm = AKA_MILENAGE, .k_size = 16, .res_size = 8, .ck_size = 16, .ik_size = 16};
    uint8_t op[32], expected[32];
    (void)state;
    from_hex("465b5ce8b199b49faa5f0a2ee238a6bc", of.k);
    from_hex("cdc202d5123e20f62b6d676ac72cb318", op);
    from_hex("cd63cb71954a9f4e48a5994e37a02baf", expected);
    assert_true(aka_derive_opc(&of, op));
    assert_memory_equal(of.opc, expected, 16);
    of.algorithm = AKA_TUAK;
    of.iterations = 1;
    memset(op, 0x5a, sizeof op);
    const struct tuak tuak = {of.k, of.opc, 16, 8, 8, 16, 16, 1};
    tuak_topc(&tuak, op, expected);
    assert_true(aka_derive_opc(&of, op));
    assert_memory_equal(of.opc, expected, 32);
}

/* TS 35.208 set 1: its SQN is further ahead than delta of a new card, and its AMF is not ours. */
static void set_before(struct usim_profile *profile) {
    for (size_t i = 0; i < AKA_INDS; i++)
        profile->array.seq[i] = (UINT64_C(0xff9bb4d0b607) >> 5) - 1;
}

static void test_published_challenge(void **state) {
    static struct usim_fixture fixture;
    uint8_t rand[16], autn[16], expected[64], response[USIM_RESPONSE_MAX];
    size_t size = 0;
    (void)state;
    from_hex("23553cbe9637a89d218ae64dae47bf35", rand);
    from_hex("55f328b43577b9b94a9ffac354dfafb3", autn);
    usim_fixture_open(&fixture, NULL);
    usim_begin(&fixture.card);
    assert_int_equal(usim_authenticate(&fixture.card, rand, autn, response, &size), 0x9000);
    assert_int_equal(response[0], 0xdc);
    usim_fixture_open(&fixture, set_before);
    usim_begin(&fixture.card);
    assert_int_equal(usim_authenticate(&fixture.card, rand, autn, response, &size), 0x9000);
    size_t expected_size =
        from_hex("db08a54211d5e3ba50bf10b40ba9a3c58b2a05bbf0d987b21bf8cb10f769bcd751044604127672711c6d3441"
                 "08eae4be823af9a08b",
                 expected);
    assert_int_equal(size, expected_size);
    assert_memory_equal(response, expected, expected_size);
    assert_int_equal(usim_authenticate(&fixture.card, rand, autn, response, &size), 0x9000);
    assert_int_equal(response[0], 0xdc);
    autn[15] ^= 1;
    assert_int_equal(usim_authenticate(&fixture.card, rand, autn, response, &size), 0x9862);
    assert_int_equal(usim_exchange_hex(&fixture.card, "008800801110 23553cbe9637a89d218ae64dae47bf35", response, &size),
                     0x9000);
    from_hex("0446f8416a08eae4be823af9a08b", expected);
    assert_int_equal(size, 14);
    assert_memory_equal(response, expected, size);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_orders),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_card_milenage),
        cmocka_unit_test(test_card_tuak),
        cmocka_unit_test(test_published_challenge),
        cmocka_unit_test(test_gsm_of_tuak),
        cmocka_unit_test(test_opc),
        cmocka_unit_test(test_nothing_of_a_wrong_mac),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
