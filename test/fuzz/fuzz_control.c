// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as messages of an agent, each behind a byte with its length: at most one answer to each, itself well
// formed.
#include <stdlib.h>
#include <string.h>

#include "attention.h"
#include "channel.h"
#include "console.h"
#include "control.h"
#include "crypto/cbor.h"
#include "flip.h"
#include "machine.h"
#include "prewarm.h"
#include "switcher.h"

struct switcher switcher;

static struct handover handover;
static unsigned answers;
static bool asked;

void console_print(const char *format, ...) { (void)format; }

bool channel_is_open(enum channel_port port) { return port == CHANNEL_CONTROL; }

bool channel_send(enum channel_port port, const uint8_t *message, size_t size) {
    struct cbor_reader reader = cbor_read(message, size);
    uint64_t items = cbor_read_array(&reader);
    (void)cbor_read_uint(&reader);
    answers++;
    if (port != CHANNEL_CONTROL || items == 0 || reader.failed)
        abort();
    return true;
}

void flip_ask(unsigned target) {
    if (target >= handover.persona_count || target == switcher.running)
        abort();
    asked = true;
}

void prewarm_up(void) {}

bool attention_acknowledged(void) { return asked; }

bool attention_refused(void) {
    bool was = asked;
    asked = false;
    return was;
}

unsigned flip_target(void) { return 1; }

static void start(void) {
    static const char names[][HANDOVER_NAME_SIZE] = {"personal", "work"};
    fake_reset();
    memset(&switcher, 0, sizeof switcher);
    handover.persona_count = 2;
    switcher.handover = &handover;
    for (unsigned i = 0; i < 2; i++) {
        memcpy(handover.personas[i].name, names[i], sizeof names[i]);
        switcher.personas[i].description = &handover.personas[i];
        control_started(i);
    }
}

/* On the heap, so that the sanitizer sees one byte too many. */
static void receive(const uint8_t *message, size_t size) {
    uint8_t *copy = malloc(size);
    if (copy == NULL && size != 0)
        abort();
    if (size != 0)
        memcpy(copy, message, size);
    answers = 0;
    control_received(0, copy != NULL ? copy : (const uint8_t *)"", size);
    if (answers > 1)
        abort();
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    start();
    while (size > 0) {
        size_t length = data[0] < size ? data[0] : size - 1;
        receive(data + 1, length);
        data += length + 1;
        size -= length + 1;
    }
    return 0;
}
