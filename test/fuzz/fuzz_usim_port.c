// SPDX-License-Identifier: BSD-3-Clause
/* Messages to the port flipside.usim as personas send them, one after the other: before each, a byte of who sends it
 * and when, and a byte of its length. Each gets one answer; nobody comes to a card that is not for him, nothing of a
 * session is left in another, and who may only read does not authenticate. */
#include <stdlib.h>
#include <string.h>

#include "usim/port.h"
#include "usim_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    WHO = 3,           /* bits of the first byte: one of four users */
    FLIPPED = 1 << 2,  /* since the message before, whoever sends this one was suspended */
    UNFRAMED = 1 << 3, /* its frame was not good */
    INS_AUTHENTICATE = 0x88,
};

static void require(bool condition) {
    if (!condition)
        abort();
}

struct world {
    struct usim_fixture fixture;
    struct usim_port port;
    struct usim_port_user users[4];
    struct usim_port_wear wear[4];
    uint64_t sessions;
};

static void open_world(struct world *world) {
    static struct usim_fixture start;
    static bool ready;
    if (!ready)
        usim_fixture_open(&start, NULL);
    ready = true;
    world->fixture = start;
    world->fixture.card.store.storage = usim_memory_storage(&world->fixture.memory);
    usim_card_power_off(&world->fixture.card);
    world->port = (struct usim_port){.card = &world->fixture.card};
    memset(world->wear, 0, sizeof world->wear);
    world->users[0] = (struct usim_port_user){true, USIM_AUTHENTICATE, 1, &world->wear[0], 0};
    world->users[1] = (struct usim_port_user){true, USIM_READ_ONLY, 2, &world->wear[1], 0};
    world->users[2] = (struct usim_port_user){false, USIM_AUTHENTICATE, 3, &world->wear[2], 0};
    world->users[3] = (struct usim_port_user){true, USIM_AUTHENTICATE, 4, &world->wear[3], 0};
    world->sessions = 4;
}

/* What a card that was turned off for somebody else must not have kept. */
static void check_fresh(const struct usim_card *card) {
    require(!card->powered);
    for (size_t i = 0; i < USIM_PINS; i++)
        require(!card->verified[i]);
}

static void check_answer(const struct usim_port_user *user, const uint8_t *message, size_t size, const uint8_t *answer,
                         size_t answered) {
    require(answered >= 1 && answered <= USIM_PORT_ANSWER_MAX && answer[0] <= USIM_PORT_BUSY);
    require(answer[0] == USIM_PORT_OK || answered == 1);
    require(user->allowed == (answer[0] != USIM_PORT_REFUSED));
    if (message == NULL || size <= 1 || answer[0] != USIM_PORT_OK)
        return;
    require(answered >= 3);
    unsigned status = answer[answered - 2];
    require((status & 0xf0) == 0x60 || (status & 0xf0) == 0x90);
    if (user->access == USIM_READ_ONLY && size >= 4 && message[1] == INS_AUTHENTICATE)
        require(status != 0x90 && status != 0x61 && status != 0x98);
}

static void deliver(struct world *world, uint8_t how, const uint8_t *message, size_t size) {
    uint8_t answer[USIM_PORT_ANSWER_MAX];
    struct usim_port_user *user = &world->users[how & WHO];
    if ((how & FLIPPED) != 0)
        user->now = user->session = ++world->sessions;
    bool is_new = world->port.session != user->session;
    // On the heap, so that the sanitizer sees one byte too many.
    uint8_t *copy = (how & UNFRAMED) != 0 ? NULL : malloc(size > 0 ? size : 1);
    for (size_t i = 0; copy != NULL && i < size; i++)
        copy[i] = message[i];
    size_t answered = usim_port_answer(&world->port, user, copy, size, answer);
    check_answer(user, copy, size, answer, answered);
    bool turned_on = world->port.session == user->session;
    if (is_new && !turned_on)
        check_fresh(&world->fixture.card);
    require(!world->fixture.card.powered || turned_on);
    require(!world->fixture.card.store.failed);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct world world;
    open_world(&world);
    while (size > 2) {
        size_t length = data[1] < size - 2 ? data[1] : size - 2;
        deliver(&world, data[0], data + 2, length);
        data += 2 + length;
        size -= 2 + length;
    }
    return 0;
}
