// SPDX-License-Identifier: BSD-3-Clause
// Requests of devices to be enrolled.
#include "persona/enrolment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "known_random.h"

static struct random_stream random_numbers;
static struct p256_private device, thief;
static uint8_t object[ENROLMENT_SIZE_MAX];
static size_t object_size;
static struct enrolment enrolment;

static int start(void **state) {
    (void)state;
    random_numbers = known_random(70);
    return p256_generate(&device, &random_numbers) != P256_OK || p256_generate(&thief, &random_numbers) != P256_OK;
}

static int write_request(void **state) {
    const struct enrolment request = {.board = "qemu-virt", .keeping = ENROLMENT_TPM};
    struct p256_software software = {&device, &random_numbers};
    struct p256_signer signer = p256_software_signer(&software);
    (void)state;
    return enrolment_write(&request, &signer, object, sizeof(object), &object_size) != COSE_OK;
}

static void test_what_is_written_is_read(void **state) {
    (void)state;
    assert_int_equal(enrolment_read(&enrolment, object, object_size), ENROLMENT_OK);
    assert_memory_equal(&enrolment.key, &device.public_key, sizeof(enrolment.key));
    assert_string_equal(enrolment.board, "qemu-virt");
    assert_int_equal(enrolment.keeping, ENROLMENT_TPM);
}

static void test_each_altered_byte_is_noticed(void **state) {
    static const struct enrolment nothing;
    (void)state;
    for (size_t i = 0; i < object_size; i++) {
        object[i] ^= 0x01;
        assert_int_not_equal(enrolment_read(&enrolment, object, object_size), ENROLMENT_OK);
        assert_memory_equal(&enrolment, &nothing, sizeof(nothing));
        object[i] ^= 0x01;
    }
    for (size_t size = 0; size < object_size; size++)
        assert_int_equal(enrolment_read(&enrolment, object, size), ENROLMENT_MALFORMED);
}

/* A request for another's key, signed with one's own; and another object of the device's. */
static void test_not_by_its_key(void **state) {
    struct cose_sign1 sign1;
    struct p256_software software = {&thief, &random_numbers};
    struct p256_signer signer = p256_software_signer(&software);
    uint8_t payload[256];
    (void)state;
    assert_int_equal(cose_sign1_read(&sign1, object, object_size), COSE_OK);
    assert_in_range(sign1.payload.size, 1, sizeof(payload));
    memcpy(payload, sign1.payload.start, sign1.payload.size);
    struct cose_content content = {ENROLMENT_TYPE, payload, sign1.payload.size};
    assert_int_equal(cose_sign1_write(&content, &signer, object, sizeof(object), &object_size), COSE_OK);
    assert_int_equal(enrolment_read(&enrolment, object, object_size), ENROLMENT_BAD_SIGNATURE);
    software.key = &device;
    signer = p256_software_signer(&software);
    content.type = "application/vnd.flipside.other+cbor";
    assert_int_equal(cose_sign1_write(&content, &signer, object, sizeof(object), &object_size), COSE_OK);
    assert_int_equal(enrolment_read(&enrolment, object, object_size), ENROLMENT_MALFORMED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_what_is_written_is_read, write_request),
        cmocka_unit_test_setup(test_each_altered_byte_is_noticed, write_request),
        cmocka_unit_test_setup(test_not_by_its_key, write_request),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
