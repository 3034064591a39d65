// SPDX-License-Identifier: BSD-3-Clause
// COSE objects written and read, every byte altered, and what is refused by name. That others read them, and ours
// theirs, is shown by test/interop.
#include "crypto/cose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"

static struct random_stream random_numbers;
static struct p256_private alice, bob, carol;
static const char payload[] = "any payload";
static const struct cose_content content = {"application/vnd.flipside.test+cbor", payload, sizeof(payload)};
static const struct cose_external external = {"external", 8};
static uint8_t object[2048];
static size_t object_size;

static int start(void **state) {
    (void)state;
    random_numbers = known_random(2);
    return p256_generate(&alice, &random_numbers) != P256_OK || p256_generate(&bob, &random_numbers) != P256_OK ||
           p256_generate(&carol, &random_numbers) != P256_OK;
}

static enum cose_error sign_by_alice(size_t room) {
    struct p256_software software = {&alice, &random_numbers};
    struct p256_signer signer = p256_software_signer(&software);
    return cose_sign1_write(&content, &signer, object, room, &object_size);
}

static enum cose_error read_and_verify(const char *type, const struct p256_public *key) {
    struct cose_sign1 sign1;
    enum cose_error error = cose_sign1_read(&sign1, object, object_size);
    if (error == COSE_OK)
        error = cose_sign1_verify(&sign1, type, key);
    if (error == COSE_OK)
        assert_true(cbor_bytes_equal(sign1.payload, payload, sizeof(payload)));
    return error;
}

static void test_signed(void **state) {
    (void)state;
    assert_int_equal(sign_by_alice(sizeof(object)), COSE_OK);
    assert_true(object_size <= sizeof(payload) + COSE_SIGN1_OVERHEAD);
    assert_int_equal(read_and_verify(content.type, &alice.public_key), COSE_OK);
    assert_int_equal(read_and_verify(content.type, &bob.public_key), COSE_WRONG_KEY);
    assert_int_equal(read_and_verify("application/vnd.flipside.other+cbor", &alice.public_key), COSE_WRONG_TYPE);
    assert_int_equal(read_and_verify("application", &alice.public_key), COSE_WRONG_TYPE);
}

static void test_each_altered_byte_of_a_signed_object_is_noticed(void **state) {
    (void)state;
    assert_int_equal(sign_by_alice(sizeof(object)), COSE_OK);
    for (size_t i = 0; i < object_size; i++) {
        for (unsigned bit = 0; bit < 8; bit += 7) {
            object[i] ^= (uint8_t)(1u << bit);
            assert_int_not_equal(read_and_verify(content.type, &alice.public_key), COSE_OK);
            object[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_int_equal(read_and_verify(content.type, &alice.public_key), COSE_OK);
}

static void test_signed_objects_of_other_length(void **state) {
    struct cose_sign1 sign1;
    (void)state;
    assert_int_equal(sign_by_alice(sizeof(object)), COSE_OK);
    for (size_t size = 0; size < object_size; size++)
        assert_int_equal(cose_sign1_read(&sign1, object, size), COSE_MALFORMED);
    object[object_size] = 0;
    assert_int_equal(cose_sign1_read(&sign1, object, object_size + 1), COSE_MALFORMED);
    size_t needed = object_size;
    assert_int_equal(sign_by_alice(needed - 1), COSE_NO_ROOM);
    assert_int_equal(object_size, 0);
    assert_int_equal(sign_by_alice(needed), COSE_OK);
}

static enum p256_error no_token(void *context, const uint8_t *digest, uint8_t *signature) {
    (void)context;
    (void)digest;
    (void)signature;
    return P256_UNAVAILABLE;
}

static void test_signer_that_fails(void **state) {
    struct p256_signer signer = {alice.public_key, NULL, no_token};
    (void)state;
    assert_int_equal(cose_sign1_write(&content, &signer, object, sizeof(object), &object_size), COSE_UNAVAILABLE);
    assert_int_equal(object_size, 0);
}

static enum cose_error seal(const struct p256_public *recipients, size_t count, size_t room) {
    return cose_encrypt_write(&content, &external, recipients, count, &random_numbers, object, room, &object_size);
}

static enum cose_error read_and_open(const char *type, const struct cose_external *bound,
                                     const struct p256_private *key) {
    static const uint8_t nothing[64];
    struct cose_encrypt encrypt;
    struct p256_software software = {key, &random_numbers};
    struct p256_agreer agreer = p256_software_agreer(&software);
    uint8_t opened[64];
    size_t size = 0;
    enum cose_error error = cose_encrypt_read(&encrypt, object, object_size);
    if (error != COSE_OK)
        return error;
    memset(opened, 0xaa, sizeof(opened));
    error = cose_encrypt_open(&encrypt, type, bound, &agreer, opened, sizeof(opened), &size);
    assert_int_equal(size, error == COSE_OK ? sizeof(payload) : 0);
    assert_memory_equal(opened, error == COSE_OK ? (const void *)payload : nothing, sizeof(payload));
    return error;
}

static void test_sealed(void **state) {
    struct p256_public recipients[] = {alice.public_key, bob.public_key};
    (void)state;
    assert_int_equal(seal(recipients, 2, sizeof(object)), COSE_OK);
    assert_true(object_size <= sizeof(payload) + COSE_ENCRYPT_OVERHEAD + 2 * COSE_RECIPIENT_SIZE);
    assert_int_equal(read_and_open(content.type, &external, &alice), COSE_OK);
    assert_int_equal(read_and_open(content.type, &external, &bob), COSE_OK);
    assert_int_equal(read_and_open(content.type, &external, &carol), COSE_NO_RECIPIENT);
    assert_int_equal(read_and_open("application", &external, &bob), COSE_WRONG_TYPE);
    struct cose_external other = {"External", 8};
    assert_int_equal(read_and_open(content.type, &other, &bob), COSE_NOT_AUTHENTIC);
}

static void test_sealed_twice_is_different(void **state) {
    static uint8_t first[sizeof(object)];
    (void)state;
    assert_int_equal(seal(&alice.public_key, 1, sizeof(object)), COSE_OK);
    memcpy(first, object, object_size);
    assert_int_equal(seal(&alice.public_key, 1, sizeof(object)), COSE_OK);
    assert_memory_not_equal(first, object, object_size);
}

static void test_each_altered_byte_of_a_sealed_object_is_noticed(void **state) {
    (void)state;
    assert_int_equal(seal(&alice.public_key, 1, sizeof(object)), COSE_OK);
    for (size_t i = 0; i < object_size; i++) {
        object[i] ^= 0x01;
        assert_int_not_equal(read_and_open(content.type, &external, &alice), COSE_OK);
        object[i] ^= 0x01;
    }
    assert_int_equal(read_and_open(content.type, &external, &alice), COSE_OK);
}

static void test_sealed_objects_of_other_length(void **state) {
    struct cose_encrypt encrypt;
    (void)state;
    assert_int_equal(seal(&alice.public_key, 1, sizeof(object)), COSE_OK);
    size_t needed = object_size;
    for (size_t size = 0; size < needed; size++)
        assert_int_equal(cose_encrypt_read(&encrypt, object, size), COSE_MALFORMED);
    object[needed] = 0;
    assert_int_equal(cose_encrypt_read(&encrypt, object, needed + 1), COSE_MALFORMED);
    for (size_t room = 0; room < needed; room += 7)
        assert_int_equal(seal(&alice.public_key, 1, room), COSE_NO_ROOM);
    assert_int_equal(seal(&alice.public_key, 1, needed), COSE_OK);
    assert_int_equal(seal(&alice.public_key, 0, sizeof(object)), COSE_NO_ROOM);
}

static void test_sealing_to_no_point(void **state) {
    struct p256_public wrong = alice.public_key;
    (void)state;
    wrong.x[5] ^= 1;
    assert_int_equal(seal(&wrong, 1, sizeof(object)), COSE_BAD_KEY);
    assert_int_equal(object_size, 0);
}

static void test_room_for_what_is_opened(void **state) {
    struct cose_encrypt encrypt;
    struct p256_software software = {&alice, &random_numbers};
    struct p256_agreer agreer = p256_software_agreer(&software);
    uint8_t opened[sizeof(payload)];
    size_t size = 1;
    (void)state;
    assert_int_equal(seal(&alice.public_key, 1, sizeof(object)), COSE_OK);
    assert_int_equal(cose_encrypt_read(&encrypt, object, object_size), COSE_OK);
    assert_int_equal(cose_encrypt_open(&encrypt, content.type, &external, &agreer, opened, sizeof(opened) - 1, &size),
                     COSE_NO_ROOM);
    assert_int_equal(size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signed),
        cmocka_unit_test(test_each_altered_byte_of_a_signed_object_is_noticed),
        cmocka_unit_test(test_signed_objects_of_other_length),
        cmocka_unit_test(test_signer_that_fails),
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_sealed_twice_is_different),
        cmocka_unit_test(test_each_altered_byte_of_a_sealed_object_is_noticed),
        cmocka_unit_test(test_sealed_objects_of_other_length),
        cmocka_unit_test(test_sealing_to_no_point),
        cmocka_unit_test(test_room_for_what_is_opened),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
