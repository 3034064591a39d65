// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dbus.h"
#include "inhibitor.h"
#include "mark.h"
#include "message.h"
#include "port.h"
#include "status.h"
#include "tune.h"

/* --- messages --- */

static bool read_bytes(const char *bytes, size_t size, struct message *message) {
    return message_read((const uint8_t *)bytes, size, message);
}

#define READ(bytes, message) read_bytes(bytes, sizeof(bytes) - 1, message)

static void test_messages_to_persona(void **state) {
    struct message message;
    (void)state;
    assert_true(READ("\x82\x00\x01", &message));
    assert_int_equal(message.kind, MESSAGE_HELLO);
    assert_int_equal(message.number, 1);
    assert_true(READ("\x82\x10\x64work", &message));
    assert_int_equal(message.kind, MESSAGE_FLIP_REQUEST);
    assert_string_equal(message.text, "work");
    assert_true(READ("\x81\x11", &message));
    assert_int_equal(message.kind, MESSAGE_FLIP_CANCELLED);
    assert_true(READ("\x83\x13\x04\x65no\x1b[m", &message));
    assert_int_equal(message.number, 4);
    assert_string_equal(message.text, "no?[m");
    assert_false(READ("", &message));
    assert_false(READ("\x81\x03", &message)); /* goes the other way */
    assert_false(READ("\x82\x18\x20\x60", &message));
    assert_false(READ("\x81\x11\x00", &message));
    assert_false(READ("\x82\x10\x65work", &message));
}

static void test_messages_of_clients(void **state) {
    static const enum message_kind plain[] = {MESSAGE_STATUS, MESSAGE_UP};
    struct message message;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct message_bytes bytes = message_plain(plain[i]);
        assert_true(message_read_client(bytes.data, bytes.size, &message));
        assert_int_equal(message.kind, plain[i]);
        assert_false(message_read_client(bytes.data, bytes.size - 1, &message));
    }
    struct message_bytes bytes = message_with_text(MESSAGE_INHIBIT, "why\n");
    assert_true(message_read_client(bytes.data, bytes.size, &message));
    assert_string_equal(message.text, "why?");
    bytes = message_plain(MESSAGE_ACKNOWLEDGE);
    assert_false(message_read_client(bytes.data, bytes.size, &message));
    bytes = message_local_error("out of order");
    assert_true(message_read(bytes.data, bytes.size, &message));
    assert_string_equal(message.text, "out of order");
}

static void test_long_text_is_cut(void **state) {
    char text[300];
    struct message message;
    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct message_bytes bytes = message_with_text(MESSAGE_INHIBIT, text);
    assert_true(message_read_client(bytes.data, bytes.size, &message));
    assert_int_equal(strlen(message.text), MESSAGE_TEXT_MAX);
}

/* 3.5 s after its start: two personas, a flip that is over and one that was refused. */
#define PERSONAS                                                                                                       \
    "\x82\x84\x64work\x01\x1a\x3b\x9a\xca\x00\x01"                                                                     \
    "\x84\x68personal\x02\x1a\x77\x35\x94\x00\x00"
#define FLIPS                                                                                                          \
    "\x82\x87\x00\x01\x05\x1a\xb2\xd0\x5e\x00\x00\x00\x00"                                                             \
    "\x87\x01\x00\x04\x1a\x3b\x9a\xca\x00\x00\x1a\x3c\x33\x60\x80\x1a\x3d\x64\x8d\x80"
#define NUMBERS "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"
#define NOW "\x1a\xd0\x9d\xc3\x00"

static void test_status(void **state) {
    struct message message;
    (void)state;
    assert_true(READ("\x86\x12" NOW "\x00" PERSONAS FLIPS "\x8c" NUMBERS, &message));
    const struct message_status *status = &message.status;
    assert_int_equal(status->now, 3500000000);
    assert_int_equal(status->persona_count, 2);
    assert_string_equal(status->personas[1].name, "personal");
    assert_int_equal(status->personas[1].state, STATE_SUSPENDED);
    assert_true(status->personas[0].agent);
    assert_int_equal(status->flip_count, 2);
    assert_int_equal(status->flips[0].stage, STAGE_REFUSED);
    assert_int_equal(status->flips[1].times[TIME_RESUMED], 1030000000);
    assert_int_equal(status->counters[COUNTER_CHANNEL], 10);
    assert_int_equal(status->counters[COUNTER_DMA_FAULT], 11);
    assert_int_equal(status->counters[COUNTER_CLOCK], 12);
}

static void test_status_of_a_later_version(void **state) {
    struct message message;
    (void)state;
    /* behind the counters: a map, a negative number, bytes, a tagged text, a float */
    assert_true(READ("\x88\x12" NOW "\x00" PERSONAS FLIPS "\x8e" NUMBERS "\x20\xa1\x01\x82\x02\x03"
                     "\x43"
                     "abc"
                     "\xc1\xfb\0\0\0\0\0\0\0\0",
                     &message));
    assert_false(READ("\x87\x12" NOW "\x00" PERSONAS FLIPS "\x8c" NUMBERS, &message));
    assert_false(READ("\x87\x12" NOW "\x00" PERSONAS FLIPS "\x8c" NUMBERS "\x5f", &message));
    assert_false(
        READ("\x87\x12" NOW "\x00" PERSONAS FLIPS "\x8c" NUMBERS "\x9b\xff\xff\xff\xff\xff\xff\xff\xff", &message));
    assert_false(READ("\x87\x12" NOW "\x00" PERSONAS FLIPS "\x8c" NUMBERS
                      "\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x81\x00",
                      &message));
}

static void test_status_that_breaks_rules(void **state) {
    struct message message;
    (void)state;
    assert_false(READ("\x86\x12" NOW "\x02" PERSONAS FLIPS "\x8c" NUMBERS, &message)); /* no persona 2 */
    assert_false(READ("\x86\x12" NOW "\x00\x80" FLIPS "\x8c" NUMBERS, &message));
    assert_false(READ("\x86\x12" NOW "\x00\x81\x84\x64Work\x01\x00\x01\x80\x8a" NUMBERS, &message));
    assert_false(READ("\x86\x12" NOW "\x00\x81\x84\x64work\x06\x00\x01\x80\x8a" NUMBERS, &message));
    assert_false(READ("\x86\x12" NOW "\x00" PERSONAS "\x81\x87\x00\x02\x04\x00\x00\x00\x00\x8a" NUMBERS, &message));
    assert_false(READ("\x86\x12" NOW "\x00" PERSONAS "\x81\x87\x00\x01\x00\x00\x00\x00\x00\x8a" NUMBERS, &message));
    assert_false(READ("\x86\x12" NOW "\x00" PERSONAS FLIPS "\x89" NUMBERS, &message));
}

/* Every message that there is cut at every length, and with every bit turned over: none is read outside its bytes. */
static void test_damaged(void **state) {
    static const char whole[] = "\x86\x12" NOW "\x00" PERSONAS FLIPS "\x8c" NUMBERS;
    struct message message;
    (void)state;
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        uint8_t *copy = malloc(size + 1);
        assert_non_null(copy);
        memcpy(copy, whole, size);
        assert_false(message_read(copy, size, &message));
        free(copy);
    }
    for (size_t bit = 0; bit < (sizeof whole - 1) * 8; bit++) {
        uint8_t *copy = malloc(sizeof whole - 1);
        assert_non_null(copy);
        memcpy(copy, whole, sizeof whole - 1);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (message_read(copy, sizeof whole - 1, &message))
            assert_in_range(message.status.self, 0, MESSAGE_PERSONAS_MAX - 1);
        free(copy);
    }
}

/* --- how a status is shown --- */

static char *shown(void (*print)(const struct message_status *, FILE *), const struct message_status *status) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    print(status, stream);
    fclose(stream);
    return text;
}

static void test_rendering(void **state) {
    struct message message;
    (void)state;
    assert_true(READ("\x86\x12" NOW "\x00" PERSONAS FLIPS "\x8c" NUMBERS, &message));
    char *text = shown(status_print, &message.status);
    assert_string_equal(text,
                        "work             running    for 2.500 s        agent (this system)\n"
                        "personal         suspended  for 1.500 s       \n"
                        "flips, newest first:\n"
                        "  work to personal: refused, 0.500 s ago\n"
                        "  personal to work: flipped, 2.500 s ago, suspended after 0.010 s, resumed after 0.030 s\n"
                        "counts of this system: hvc 1, smc 2, system-register 3, distributor-write 4, "
                        "redistributor-write 5, fault 6, attention-interrupt 7, undefined 8, flip 9, channel 10, "
                        "dma-fault 11, clock 12\n");
    free(text);
    text = shown(status_print_json, &message.status);
    assert_string_equal(
        text,
        "{\"now\":3500000000,\"self\":\"work\",\"personas\":["
        "{\"name\":\"work\",\"state\":\"running\",\"since\":1000000000,\"agent\":true},"
        "{\"name\":\"personal\",\"state\":\"suspended\",\"since\":2000000000,\"agent\":false}],\"flips\":["
        "{\"from\":\"work\",\"to\":\"personal\",\"stage\":\"refused\",\"asked\":3000000000,\"acknowledged\":0,"
        "\"suspended\":0,\"resumed\":0},"
        "{\"from\":\"personal\",\"to\":\"work\",\"stage\":\"flipped\",\"asked\":1000000000,\"acknowledged\":0,"
        "\"suspended\":1010000000,\"resumed\":1030000000}],\"counters\":{\"hvc\":1,\"smc\":2,\"system-register\":3,"
        "\"distributor-write\":4,\"redistributor-write\":5,\"fault\":6,\"attention-interrupt\":7,\"undefined\":8,"
        "\"flip\":9,\"channel\":10,\"dma-fault\":11,\"clock\":12}}\n");
    free(text);
}

/* --- logind's locks --- */

#define CALL_REPLY                                                                                                     \
    "l\x02\x01\x01\x00\x00\x00\x00\x09\x00\x00\x00\x17\x00\x00\x00"                                                    \
    "\x05\x01u\x00\x02\x00\x00\x00"                                                                                    \
    "\x08\x01g\x00\x09"                                                                                                \
    "a(ssssuu)"                                                                                                        \
    "\x00\x00"

struct body {
    uint8_t data[1024];
    size_t size;
};

static void add_number(struct body *body, uint32_t value) {
    while (body->size % 4 != 0)
        body->data[body->size++] = 0;
    for (unsigned i = 0; i < 4; i++)
        body->data[body->size++] = (uint8_t)(value >> i * 8);
}

static void add_text(struct body *body, const char *text) {
    add_number(body, (uint32_t)strlen(text));
    memcpy(body->data + body->size, text, strlen(text) + 1);
    body->size += strlen(text) + 1;
}

static void add_lock(struct body *body, const char *what, const char *who, const char *why, const char *mode) {
    while (body->size % 8 != 0)
        body->data[body->size++] = 0;
    add_text(body, what);
    add_text(body, who);
    add_text(body, why);
    add_text(body, mode);
    add_number(body, 0);
    add_number(body, 1234);
    const uint32_t bytes = (uint32_t)body->size - 8;
    body->data[0] = (uint8_t)bytes;
    body->data[1] = (uint8_t)(bytes >> 8);
}

static struct dbus_message as_message(const struct body *body) {
    return (struct dbus_message){.reply = true, .signature = "a(ssssuu)", .body = body->data, .body_size = body->size};
}

static void test_locks(void **state) {
    struct body body = {.size = 8};
    char reason[64] = "";
    (void)state;
    struct dbus_message message = as_message(&body);
    assert_int_equal(inhibitor_read(&message, reason, sizeof reason), INHIBITOR_NONE);
    add_lock(&body, "sleep", "ModemManager", "ModemManager needs to reset devices", "delay");
    add_lock(&body, "handle-power-key:handle-suspend-key", "desktop", "handles keys", "block");
    add_lock(&body, "shutdown", "apt", "upgrade", "block");
    message = as_message(&body);
    assert_int_equal(inhibitor_read(&message, reason, sizeof reason), INHIBITOR_NONE);
    assert_string_equal(reason, "");
    add_lock(&body, "shutdown:sleep:idle", "packagekit", "installs updates", "block");
    message = as_message(&body);
    assert_int_equal(inhibitor_read(&message, reason, sizeof reason), INHIBITOR_HELD);
    assert_string_equal(reason, "packagekit: installs updates");
}

static void test_locks_damaged(void **state) {
    struct body body = {.size = 8};
    char reason[64];
    (void)state;
    add_lock(&body, "idle", "a", "b", "block");
    for (size_t size = 0; size < body.size; size++) {
        uint8_t *copy = malloc(size + 1);
        assert_non_null(copy);
        memcpy(copy, body.data, size);
        struct dbus_message message = {.signature = "a(ssssuu)", .body = copy, .body_size = size};
        assert_int_equal(inhibitor_read(&message, reason, sizeof reason), INHIBITOR_UNKNOWN);
        free(copy);
    }
    for (size_t bit = 0; bit < body.size * 8; bit++) {
        struct body copy = body;
        copy.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct dbus_message message = as_message(&copy);
        assert_in_range(inhibitor_read(&message, reason, sizeof reason), INHIBITOR_NONE, INHIBITOR_UNKNOWN);
    }
    struct dbus_message other = as_message(&body);
    strcpy(other.signature, "as");
    assert_int_equal(inhibitor_read(&other, reason, sizeof reason), INHIBITOR_UNKNOWN);
}

static void test_bus_header(void **state) {
    static const char reply[] = CALL_REPLY;
    const size_t size = sizeof reply - 1;
    struct dbus_message message;
    char reason[8];
    (void)state;
    for (size_t have = 0; have < 16; have++)
        assert_int_equal(dbus_message_size((const uint8_t *)reply, have), 0);
    assert_int_equal(dbus_message_size((const uint8_t *)reply, size), size);
    assert_true(dbus_parse((const uint8_t *)reply, size, &message));
    assert_true(message.reply);
    assert_false(message.error);
    assert_int_equal(message.serial, 2);
    assert_string_equal(message.signature, "a(ssssuu)");
    assert_int_equal(message.body_size, 0);
    assert_int_equal(inhibitor_read(&message, reason, sizeof reason), INHIBITOR_UNKNOWN);
    for (size_t bit = 0; bit < size * 8; bit++) {
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, reply, size);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (dbus_parse(copy, size, &message))
            assert_int_equal(message.body_size, 0);
        free(copy);
    }
}

static void test_bus_call(void **state) {
    static const struct dbus_call call = {"org.freedesktop.login1", "/org/freedesktop/login1",
                                          "org.freedesktop.login1.Manager", "ListInhibitors", 2};
    struct dbus_message message;
    uint8_t bytes[512];
    (void)state;
    size_t size = dbus_write_call(&call, bytes, sizeof bytes);
    assert_int_equal(size % 8, 0);
    assert_int_equal(dbus_message_size(bytes, size), size);
    assert_true(dbus_parse(bytes, size, &message));
    assert_false(message.reply);
    assert_int_equal(dbus_write_call(&call, bytes, size - 1), 0);
}

static void test_no_bus(void **state) {
    char reason[8];
    (void)state;
    assert_int_equal(inhibitor_ask("/nonexistent/bus", reason, sizeof reason), INHIBITOR_NONE);
}

/* --- settings and the port, in a directory that looks like a system's --- */

struct tree {
    char root[64], kept[80];
};

static void put(const struct tree *tree, const char *path, const char *value) {
    char full[256];
    snprintf(full, sizeof full, "%s%s", tree->root, path);
    for (char *slash = strchr(full + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *stream = fopen(full, "w");
    assert_non_null(stream);
    fprintf(stream, "%s\n", value);
    fclose(stream);
}

static void expect(const struct tree *tree, const char *path, const char *value) {
    char full[256];
    char line[64] = "";
    snprintf(full, sizeof full, "%s%s", tree->root, path);
    FILE *stream = fopen(full, "r");
    assert_non_null(stream);
    assert_non_null(fgets(line, sizeof line, stream));
    fclose(stream);
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line, value);
}

static int set_up_tree(void **state) {
    static struct tree tree;
    strcpy(tree.root, "/tmp/flipside-agent.XXXXXX");
    assert_non_null(mkdtemp(tree.root));
    snprintf(tree.kept, sizeof tree.kept, "%s/kept", tree.root);
    put(&tree, "/sys/power/mem_sleep", "[s2idle] deep");
    put(&tree, "/sys/power/pm_async", "1");
    put(&tree, "/sys/power/sync_on_suspend", "1");
    put(&tree, "/sys/devices/platform/a/power/async", "disabled");
    put(&tree, "/sys/devices/platform/a/virtio0/power/async", "disabled");
    put(&tree, "/sys/devices/platform/b/power/async", "enabled");
    put(&tree, "/sys/devices/platform/b/async", "disabled");
    put(&tree, "/sys/devices/platform/c/power/async", "disabled");
    put(&tree, "/sys/devices/platform/a/driver", "");
    put(&tree, "/sys/devices/platform/a/virtio0/driver", "");
    put(&tree, "/sys/devices/platform/b/driver", "");
    put(&tree, "/sys/class/virtio-ports/vport0p1/name", "org.qemu.guest_agent.0");
    *state = &tree;
    return 0;
}

static int tear_down_tree(void **state) {
    const struct tree *tree = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", tree->root);
    return system(command);
}

static void test_settings_on_and_off(void **state) {
    const struct tree *tree = *state;
    assert_true(tune_on(tree->root, tree->kept));
    expect(tree, "/sys/power/mem_sleep", "deep");
    expect(tree, "/sys/power/sync_on_suspend", "0");
    expect(tree, "/sys/devices/platform/a/power/async", "enabled");
    expect(tree, "/sys/devices/platform/a/virtio0/power/async", "enabled");
    expect(tree, "/sys/devices/platform/b/async", "disabled");
    expect(tree, "/sys/devices/platform/c/power/async", "disabled"); /* it has no driver */
    put(tree, "/sys/power/mem_sleep", "s2idle [deep]");              /* as a kernel shows it */
    assert_true(tune_on(tree->root, tree->kept));                    /* again: nothing is noted twice */
    put(tree, "/sys/devices/platform/a/virtio0/power/async", "other");
    assert_true(tune_off(tree->root, tree->kept));
    expect(tree, "/sys/power/mem_sleep", "s2idle");
    expect(tree, "/sys/power/pm_async", "1");
    expect(tree, "/sys/power/sync_on_suspend", "1");
    expect(tree, "/sys/devices/platform/a/power/async", "disabled");
    expect(tree, "/sys/devices/platform/a/virtio0/power/async", "other");
    expect(tree, "/sys/devices/platform/b/power/async", "enabled");
    assert_int_equal(access(tree->kept, F_OK), -1);
    assert_true(tune_off(tree->root, tree->kept));
}

static void test_settings_without_a_choice(void **state) {
    const struct tree *tree = *state;
    put(tree, "/sys/power/mem_sleep", "[s2idle]");
    assert_true(tune_on(tree->root, tree->kept));
    expect(tree, "/sys/power/mem_sleep", "[s2idle]");
    assert_false(tune_on(tree->root, "/nonexistent/kept"));
}

static void test_settings_shown(void **state) {
    const struct tree *tree = *state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    tune_show(tree->root, tree->kept, stream);
    fclose(stream);
    assert_string_equal(text,
                        "tuned: no\n/sys/power/mem_sleep: [s2idle] deep\n/sys/power/pm_async: 1\n"
                        "/sys/power/sync_on_suspend: 1\ndevices with a driver that suspend beside others: 1 of 3\n");
    free(text);
}

static void test_port_is_found_by_name(void **state) {
    const struct tree *tree = *state;
    char path[128];
    char small[8];
    char expected[96];
    assert_false(port_find(tree->root, path, sizeof path));
    put(tree, "/sys/class/virtio-ports/vport3p1/name", "flipside.control2");
    put(tree, "/sys/class/virtio-ports/vport3p2/name", "flipside.contro");
    assert_false(port_find(tree->root, path, sizeof path));
    put(tree, "/sys/class/virtio-ports/vport4p1/name", "flipside.control");
    assert_true(port_find(tree->root, path, sizeof path));
    snprintf(expected, sizeof expected, "%s/dev/vport4p1", tree->root);
    assert_string_equal(path, expected);
    assert_false(port_find(tree->root, small, sizeof small));
}

/* --- frames --- */

static void test_frames(void **state) {
    uint8_t data[MESSAGE_TO_PERSONA];
    size_t size;
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    struct port port = {.fd = ends[0]};
    assert_int_equal(write(ends[1], "\x00\x03one\x00\x03tw", 9), 9);
    assert_int_equal(port_receive(&port, data, &size), PORT_OK);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "one", 3);
    assert_int_equal(write(ends[1], "o", 1), 1);
    assert_int_equal(port_receive(&port, data, &size), PORT_OK);
    assert_memory_equal(data, "two", 3);
    assert_int_equal(write(ends[1], "\x00\x09half", 6), 6);
    close(ends[1]);
    assert_int_equal(port_receive(&port, data, &size), PORT_ASIDE);
    port_resumed(&port);
    assert_int_equal(port.have, 0);
    port_close(&port);
    assert_int_equal(port.fd, -1);
}

static void test_frame_too_long(void **state) {
    uint8_t data[MESSAGE_TO_PERSONA];
    size_t size;
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    struct port port = {.fd = ends[0]};
    assert_int_equal(write(ends[1], "\xff\xff", 2), 2);
    assert_int_equal(port_receive(&port, data, &size), PORT_GONE);
    assert_int_equal(port.fd, -1);
    close(ends[1]);
}

/* --- the mark --- */

static char tree_directory[] = "/tmp/flipside-mark-XXXXXX";

static void put_file(const char *name, const void *bytes, size_t size) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", tree_directory, name);
    FILE *stream = fopen(path, "we");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

#define TOKEN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void put_tree(const char *persona, const char *store, const char *token) {
    put_file("flipside,persona", persona, strlen(persona) + 1);
    put_file("flipside,store", store, strlen(store) + 1);
    put_file("flipside,up-token", token, strlen(token) + 1);
}

static int make_tree(void **state) {
    static const char *const directories[] = {"", "/flipside", "/flipside/personas", "/flipside/personas/work"};
    (void)state;
    memcpy(strrchr(tree_directory, '-'), "-XXXXXX", 7);
    assert_non_null(mkdtemp(tree_directory));
    for (unsigned i = 1; i < sizeof directories / sizeof directories[0]; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s%s", tree_directory, directories[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    return 0;
}

static int remove_tree(void **state) {
    static const char *const names[] = {
        "flipside,persona",       "flipside,store",    "flipside,up-token", "flipside/personas/work/up",
        "flipside/personas/work", "flipside/personas", "flipside",          ""};
    (void)state;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", tree_directory, names[i]);
        (void)remove(path);
    }
    return 0;
}

static void test_mark_is_read(void **state) {
    struct mark mark;
    (void)state;
    assert_int_equal(mark_read(tree_directory, &mark), MARK_NOT_ASKED);
    put_tree("work", "0bb7ae0c-01", TOKEN);
    assert_int_equal(mark_read(tree_directory, &mark), MARK_OK);
    assert_string_equal(mark.persona, "work");
    assert_string_equal(mark.store, "0bb7ae0c-01");
    assert_string_equal(mark.token, TOKEN);
}

static void test_mark_is_refused(void **state) {
    static const char *const wrong[][3] = {
        {"../work", "1", TOKEN},   {"", "1", TOKEN},
        {"work", "../sda", TOKEN}, {"work", "1", TOKEN "0"},
        {"work", "1", "0011"},     {"work", "1", "0x112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}};
    struct mark mark;
    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        put_tree(wrong[i][0], wrong[i][1], wrong[i][2]);
        assert_int_equal(mark_read(tree_directory, &mark), MARK_BAD_TREE);
        assert_string_equal(mark.token, "");
    }
    put_tree("work", "1", TOKEN);
    put_file("flipside,store", "no end", 6);
    assert_int_equal(mark_read(tree_directory, &mark), MARK_BAD_TREE);
}

static void test_mark_is_written(void **state) {
    static const char old[MARK_FILE_SIZE] = "an older token";
    const struct mark mark = {.persona = "work", .token = TOKEN};
    char path[256], read[MARK_FILE_SIZE + 1] = "";
    (void)state;
    assert_int_equal(mark_write(&mark, tree_directory), MARK_NO_FILE);
    put_file("flipside/personas/work/up", "short", 5);
    assert_int_equal(mark_write(&mark, tree_directory), MARK_WRONG_FILE);
    put_file("flipside/personas/work/up", old, sizeof old);
    assert_int_equal(mark_write(&mark, tree_directory), MARK_OK);
    (void)snprintf(path, sizeof path, "%s/flipside/personas/work/up", tree_directory);
    FILE *stream = fopen(path, "re");
    assert_non_null(stream);
    assert_int_equal(fread(read, 1, sizeof read, stream), MARK_FILE_SIZE);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(read, TOKEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_to_persona),
        cmocka_unit_test(test_messages_of_clients),
        cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_status_of_a_later_version),
        cmocka_unit_test(test_status_that_breaks_rules),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_rendering),
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_locks_damaged),
        cmocka_unit_test(test_bus_header),
        cmocka_unit_test(test_bus_call),
        cmocka_unit_test(test_no_bus),
        cmocka_unit_test_setup_teardown(test_settings_on_and_off, set_up_tree, tear_down_tree),
        cmocka_unit_test_setup_teardown(test_settings_without_a_choice, set_up_tree, tear_down_tree),
        cmocka_unit_test_setup_teardown(test_settings_shown, set_up_tree, tear_down_tree),
        cmocka_unit_test_setup_teardown(test_port_is_found_by_name, set_up_tree, tear_down_tree),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_frame_too_long),
        cmocka_unit_test_setup_teardown(test_mark_is_read, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(test_mark_is_refused, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(test_mark_is_written, make_tree, remove_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
