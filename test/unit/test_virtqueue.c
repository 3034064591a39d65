// SPDX-License-Identifier: BSD-3-Clause
#include "fake/guest_ring.h"
#include "pseudorandom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct virtqueue queue;
static struct virtqueue_buffer buffer;

static int set_up(void **state) {
    (void)state;
    fake_reset();
    guest_reset();
    guest_describe(0, &queue);
    assert_int_equal(virtqueue_start(&queue, &guest_partition), VIRTQUEUE_OK);
    return 0;
}

static enum virtqueue_error take(enum virtqueue_direction direction) {
    return virtqueue_take(&queue, &guest_partition, direction, &buffer);
}

static void expect_start(enum virtqueue_error error) {
    assert_int_equal(virtqueue_start(&queue, &guest_partition), error);
    assert_int_equal(queue.ready, error == VIRTQUEUE_OK);
    guest_describe(0, &queue);
}

static void test_sizes(void **state) {
    (void)state;
    for (uint32_t size = 0; size < 100; size++) {
        queue.size = size;
        bool right = size == 1 || size == 2 || size == 4 || size == 8 || size == 16;
        expect_start(right ? VIRTQUEUE_OK : VIRTQUEUE_BAD_SIZE);
    }
    queue.size = UINT32_MAX;
    expect_start(VIRTQUEUE_BAD_SIZE);
}

static void test_areas(void **state) {
    uint64_t *areas[] = {&queue.descriptors, &queue.available, &queue.used};
    const uint64_t alignments[] = {16, 2, 4};
    const uint64_t sizes[] = {256, 38, 134};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t end = GUEST_BASE + sizeof guest;
        *areas[i] = end - (sizes[i] + alignments[i] - 1) / alignments[i] * alignments[i];
        expect_start(VIRTQUEUE_OK);
        *areas[i] = end - sizes[i] / alignments[i] * alignments[i] + alignments[i];
        expect_start(VIRTQUEUE_BAD_AREA);
        *areas[i] += alignments[i] / 2;
        expect_start(VIRTQUEUE_BAD_AREA);
        *areas[i] = GUEST_BASE - alignments[i];
        expect_start(VIRTQUEUE_BAD_AREA);
        *areas[i] = end;
        expect_start(VIRTQUEUE_BAD_AREA);
        *areas[i] = 0;
        expect_start(VIRTQUEUE_BAD_AREA);
        *areas[i] = UINT64_MAX - alignments[i] + 1;
        expect_start(VIRTQUEUE_BAD_AREA);
    }
}

static void test_nothing_there(void **state) {
    (void)state;
    assert_int_equal(take(VIRTQUEUE_FROM_DRIVER), VIRTQUEUE_EMPTY);
}

static void test_read_and_give_back(void **state) {
    uint8_t data[8];
    (void)state;
    for (unsigned round = 0; round < 70000; round++) {
        uint16_t head = (uint16_t)(round * 7 % GUEST_DESCRIPTORS);
        uint32_t sent = round;
        guest_send(0, head, &sent, sizeof sent);
        assert_int_equal(take(VIRTQUEUE_FROM_DRIVER), VIRTQUEUE_OK);
        assert_int_equal(buffer.length, 4);
        virtqueue_read(&buffer, data, sizeof data);
        assert_memory_equal(data, &sent, 4);
        assert_memory_equal(data + 4, "\0\0\0\0", 4);
        virtqueue_give(&queue, &buffer, 0);
        assert_int_equal(guest.queues[0].used.index, (uint16_t)(round + 1));
        assert_int_equal(guest.queues[0].used.ring[round % GUEST_DESCRIPTORS].id, head);
        assert_int_equal(take(VIRTQUEUE_FROM_DRIVER), VIRTQUEUE_EMPTY);
    }
}

/* A chain of three, in no order, with an empty part. */
static void test_chain(void **state) {
    struct guest_descriptor *descriptors = guest.queues[0].descriptors;
    uint8_t data[6] = {0};
    (void)state;
    descriptors[9] = (struct guest_descriptor){guest_address(guest.buffers[0][1]), 2, GUEST_WRITE | GUEST_NEXT, 3};
    descriptors[3] = (struct guest_descriptor){guest_address(guest.buffers[0][2]), 0, GUEST_WRITE | GUEST_NEXT, 0};
    descriptors[0] = (struct guest_descriptor){guest_address(guest.buffers[0][3]), 3, GUEST_WRITE, 9};
    guest.queues[0].available.ring[0] = 9;
    guest.queues[0].available.index = 1;
    assert_int_equal(take(VIRTQUEUE_TO_DRIVER), VIRTQUEUE_OK);
    assert_int_equal(buffer.length, 5);
    assert_int_equal(virtqueue_write(&buffer, (const uint8_t *)"abcdef", 6), 5);
    assert_memory_equal(guest.buffers[0][1], "ab\0", 3);
    assert_memory_equal(guest.buffers[0][3], "cde\0", 4);
    virtqueue_read(&buffer, data, 4);
    assert_memory_equal(data, "abcd", 4);
    virtqueue_give(&queue, &buffer, 5);
    assert_int_equal(guest.queues[0].used.ring[0].id, 9);
    assert_int_equal(guest.queues[0].used.ring[0].length, 5);
}

static void test_interrupts_that_the_driver_does_not_want(void **state) {
    (void)state;
    assert_true(virtqueue_wants_interrupt(&queue));
    guest.queues[0].available.flags = 1;
    assert_false(virtqueue_wants_interrupt(&queue));
}

static void expect_take(enum virtqueue_error error) {
    assert_int_equal(take(VIRTQUEUE_FROM_DRIVER), error);
    (void)set_up(NULL);
}

static void test_index_that_jumps(void **state) {
    const uint16_t indices[] = {17, 18, 0x7fff, 0x8000, UINT16_MAX};
    (void)state;
    for (unsigned i = 0; i < sizeof indices / sizeof indices[0]; i++) {
        guest.queues[0].available.index = indices[i];
        expect_take(VIRTQUEUE_BAD_INDEX);
    }
}

static void test_descriptor_outside_the_queue(void **state) {
    const uint16_t numbers[] = {16, 17, 0x8000, UINT16_MAX};
    (void)state;
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        guest.queues[0].available.ring[0] = numbers[i];
        guest.queues[0].available.index = 1;
        expect_take(VIRTQUEUE_BAD_DESCRIPTOR);
        guest_offer(0, 0, 4, GUEST_NEXT);
        guest.queues[0].descriptors[0].next = numbers[i];
        expect_take(VIRTQUEUE_BAD_DESCRIPTOR);
    }
    /* A small queue has no descriptors behind it either. */
    queue.size = 4;
    assert_int_equal(virtqueue_start(&queue, &guest_partition), VIRTQUEUE_OK);
    guest_offer(0, 4, 4, 0);
    expect_take(VIRTQUEUE_BAD_DESCRIPTOR);
}

static void test_foreign_buffers(void **state) {
    const uint64_t end = GUEST_BASE + sizeof guest;
    const struct {
        uint64_t address;
        uint32_t length;
    } bad[] = {{GUEST_BASE - 1, 1},
               {end, 1},
               {end, 0},
               {end - 4, 5},
               {GUEST_BASE, UINT32_MAX},
               {0, 16},
               {UINT64_MAX, 1},
               {UINT64_MAX - 3, 8},
               {0x40000000, 0x1000},
               {end - 1, UINT32_MAX}};
    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        guest_offer(0, 0, bad[i].length, 0);
        guest.queues[0].descriptors[0].address = bad[i].address;
        expect_take(VIRTQUEUE_BAD_BUFFER);
    }
    guest_offer(0, 0, 4, 0);
    guest.queues[0].descriptors[0].address = end - 4;
    expect_take(VIRTQUEUE_OK);
}

static void test_flags(void **state) {
    (void)state;
    guest_offer(0, 0, 4, GUEST_WRITE);
    expect_take(VIRTQUEUE_BAD_FLAGS);
    guest_offer(0, 0, 16, GUEST_INDIRECT);
    expect_take(VIRTQUEUE_BAD_FLAGS);
    guest_offer(0, 0, 4, 0);
    assert_int_equal(take(VIRTQUEUE_TO_DRIVER), VIRTQUEUE_BAD_FLAGS);
}

static void test_loops(void **state) {
    (void)state;
    guest_offer(0, 0, 4, GUEST_NEXT); /* next: itself */
    expect_take(VIRTQUEUE_LOOP);
    for (uint16_t i = 0; i < GUEST_DESCRIPTORS; i++) {
        guest_offer(0, i, 4, GUEST_NEXT);
        guest.queues[0].descriptors[i].next = (uint16_t)((i + 1) % GUEST_DESCRIPTORS);
    }
    expect_take(VIRTQUEUE_LOOP);
    for (uint16_t i = 0; i < GUEST_DESCRIPTORS; i++) {
        guest_offer(0, i, 4, i + 1 < GUEST_DESCRIPTORS ? GUEST_NEXT : 0);
        guest.queues[0].descriptors[i].next = (uint16_t)(i + 1);
    }
    assert_int_equal(take(VIRTQUEUE_FROM_DRIVER), VIRTQUEUE_OK); /* as long as the queue, and no loop */
    assert_int_equal(buffer.length, 4 * GUEST_DESCRIPTORS);
}

/* What the driver changes after the buffer was taken changes nothing. */
static void test_lengths_that_change(void **state) {
    uint8_t data[GUEST_BUFFER_SIZE];
    (void)state;
    guest_send(0, 0, "good", 4);
    assert_int_equal(take(VIRTQUEUE_FROM_DRIVER), VIRTQUEUE_OK);
    memset(&guest.queues[0], 0xff, sizeof guest.queues[0]);
    assert_int_equal(buffer.length, 4);
    virtqueue_read(&buffer, data, sizeof data);
    assert_memory_equal(data, "good\0", 5);
    virtqueue_give(&queue, &buffer, 0);
    assert_int_equal(guest.queues[0].used.index, 1);
}

static uint64_t read_and_spoil(void *context, uint64_t offset, unsigned size) {
    uint64_t value = 0;
    memcpy(&value, (uint8_t *)context + offset, size);
    memset((uint8_t *)context + offset, 0xff, size);
    return value;
}

static void no_write(void *context, uint64_t offset, unsigned size, uint64_t value) {
    (void)context;
    (void)offset;
    (void)size;
    (void)value;
}

/* Another CPU of the driver's writes over each field as soon as it is read: a second look would find something else. */
static void test_each_field_is_read_once(void **state) {
    (void)state;
    fake_reset();
    fake_map(GUEST_BASE, sizeof guest, read_and_spoil, no_write, &guest);
    guest_offer(0, 3, 4, GUEST_WRITE);
    assert_int_equal(take(VIRTQUEUE_TO_DRIVER), VIRTQUEUE_OK);
    assert_int_equal(buffer.head, 3);
    assert_int_equal(buffer.span_count, 1);
    assert_int_equal(buffer.spans[0].address, guest_address(guest.buffers[0][3]));
    assert_int_equal(buffer.spans[0].length, 4);
    assert_int_equal(buffer.length, 4);
}

/* Whatever is in memory: no access beside it, and an end. */
static void test_random_memory(void **state) {
    struct pseudorandom random = {11};
    (void)state;
    for (unsigned round = 0; round < 50000; round++) {
        (void)set_up(NULL);
        uint8_t *ring = (uint8_t *)&guest.queues[0];
        for (uint64_t count = pseudorandom_below(&random, 40); count > 0; count--)
            ring[pseudorandom_below(&random, sizeof guest.queues[0])] = (uint8_t)pseudorandom_below(&random, 256);
        for (unsigned i = 0; i < 4; i++) {
            uint8_t data[16] = {0};
            enum virtqueue_direction direction = round % 2 == 0 ? VIRTQUEUE_FROM_DRIVER : VIRTQUEUE_TO_DRIVER;
            if (take(direction) != VIRTQUEUE_OK)
                break;
            virtqueue_read(&buffer, data, sizeof data);
            virtqueue_give(&queue, &buffer, virtqueue_write(&buffer, data, sizeof data));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sizes, set_up),
        cmocka_unit_test_setup(test_areas, set_up),
        cmocka_unit_test_setup(test_nothing_there, set_up),
        cmocka_unit_test_setup(test_read_and_give_back, set_up),
        cmocka_unit_test_setup(test_chain, set_up),
        cmocka_unit_test_setup(test_interrupts_that_the_driver_does_not_want, set_up),
        cmocka_unit_test_setup(test_index_that_jumps, set_up),
        cmocka_unit_test_setup(test_descriptor_outside_the_queue, set_up),
        cmocka_unit_test_setup(test_foreign_buffers, set_up),
        cmocka_unit_test_setup(test_flags, set_up),
        cmocka_unit_test_setup(test_loops, set_up),
        cmocka_unit_test_setup(test_lengths_that_change, set_up),
        cmocka_unit_test_setup(test_each_field_is_read_once, set_up),
        cmocka_unit_test_setup(test_random_memory, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
