// SPDX-License-Identifier: BSD-3-Clause
#include "control.h"

#include "attention.h"
#include "channel.h"
#include "console.h"
#include "crypto/cbor.h"
#include "flip.h"
#include "history.h"
#include "log.h"
#include "prewarm.h"
#include "switcher.h"

/* control.cddl */
enum message {
    MESSAGE_HELLO = 0,
    MESSAGE_UP = 1,
    MESSAGE_FLIP = 2,
    MESSAGE_STATUS = 3,
    MESSAGE_REFUSE = 4,
    MESSAGE_ACKNOWLEDGE = 5,
    MESSAGE_FLIP_REQUEST = 16,
    MESSAGE_FLIP_CANCELLED = 17,
    MESSAGE_STATUS_REPLY = 18,
    MESSAGE_ERROR = 19,
};

/* Items of the arrays that are sent. */
enum { HELLO_ITEMS = 2, REQUEST_ITEMS = 2, CANCELLED_ITEMS = 1, STATUS_ITEMS = 6, ERROR_ITEMS = 3 };
enum { PERSONA_ITEMS = 4, FLIP_ITEMS = 3 + HISTORY_TIMES };

enum { REPLY_MAX = 2048 };

/* A message of the persona, checked. */
struct request {
    enum message message;
    uint64_t version;
    struct cbor_text text; /* of the agent's version, a persona's name or a reason */
};

static struct {
    bool present; /* it said hello and has the port open */
    bool up;
} agents[HANDOVER_PERSONAS_MAX];

static uint8_t reply[REPLY_MAX]; /* the lock is held while one is made */

static struct cbor_writer begin(enum message message, uint64_t items) {
    struct cbor_writer writer = cbor_write(reply, sizeof reply);
    cbor_write_array(&writer, items);
    cbor_write_uint(&writer, message);
    return writer;
}

/* The largest fits by far; whether the persona reads it is its own matter. */
static bool send(const struct cbor_writer *writer) {
    return !writer->failed && channel_send(CHANNEL_CONTROL, reply, writer->size);
}

void control_started(unsigned persona) {
    agents[persona].present = false;
    agents[persona].up = false;
}

/* Whoever opens the port says hello first; who keeps it open over a suspend is the same as before. */
void control_opened(unsigned persona, bool open) {
    if (!open)
        agents[persona].present = false;
}

bool control_is_up(unsigned persona) {
    enum persona_state state = switcher.personas[persona].state;
    return agents[persona].up && state >= PERSONA_RUNNING && state <= PERSONA_ASLEEP;
}

static bool has_agent(void) { return agents[switcher.running].present && channel_is_open(CHANNEL_CONTROL); }

bool control_ask(void) {
    unsigned target = flip_target();
    if (!has_agent() || target == switcher.running)
        return false;
    struct cbor_writer writer = begin(MESSAGE_FLIP_REQUEST, REQUEST_ITEMS);
    cbor_write_text(&writer, switcher.personas[target].description->name);
    return send(&writer);
}

void control_cancel(void) {
    struct cbor_writer writer = begin(MESSAGE_FLIP_CANCELLED, CANCELLED_ITEMS);
    if (has_agent())
        (void)send(&writer);
}

static void send_error(enum control_error error) {
    struct cbor_writer writer = begin(MESSAGE_ERROR, ERROR_ITEMS);
    cbor_write_uint(&writer, error);
    cbor_write_text(&writer, control_error_text(error));
    (void)send(&writer);
}

static uint64_t nanoseconds(uint64_t counter) {
    const uint64_t second = 1000000000;
    uint64_t frequency = arch_counter_frequency();
    if (frequency == 0)
        return 0;
    return counter / frequency * second + counter % frequency * second / frequency;
}

static void write_personas(struct cbor_writer *writer) {
    cbor_write_array(writer, switcher.handover->persona_count);
    for (unsigned i = 0; i < switcher.handover->persona_count; i++) {
        const struct persona *persona = &switcher.personas[i];
        cbor_write_array(writer, PERSONA_ITEMS);
        cbor_write_text(writer, persona->description->name);
        cbor_write_uint(writer, persona->state);
        cbor_write_uint(writer, nanoseconds(persona->since));
        cbor_write_uint(writer, control_is_up(i));
    }
}

static void write_flip(struct cbor_writer *writer, const struct history_entry *entry) {
    cbor_write_array(writer, FLIP_ITEMS);
    cbor_write_uint(writer, entry->from);
    cbor_write_uint(writer, entry->to);
    cbor_write_uint(writer, entry->stage);
    for (unsigned i = 0; i < HISTORY_TIMES; i++)
        cbor_write_uint(writer, nanoseconds(entry->times[i]));
}

static void write_flips(struct cbor_writer *writer) {
    struct history_entry entry;
    unsigned count = 0;
    while (history_get(count, &entry))
        count++;
    cbor_write_array(writer, count);
    for (unsigned age = 0; history_get(age, &entry); age++)
        write_flip(writer, &entry);
}

/* The asking persona's own: what another one does is not its business. */
static void write_counters(struct cbor_writer *writer) {
    cbor_write_array(writer, LOG_COUNTERS);
    for (unsigned counter = 0; counter < LOG_COUNTERS; counter++)
        cbor_write_uint(writer, log_counted((enum log_counter)counter, switcher.running));
}

static enum control_error answer_status(void) {
    struct cbor_writer writer = begin(MESSAGE_STATUS_REPLY, STATUS_ITEMS);
    cbor_write_uint(&writer, nanoseconds(arch_counter()));
    cbor_write_uint(&writer, switcher.running);
    write_personas(&writer);
    write_flips(&writer);
    write_counters(&writer);
    (void)send(&writer);
    return CONTROL_OK;
}

static enum control_error greet(const struct request *request) {
    agents[switcher.running].present = request->version == CONTROL_VERSION;
    if (request->version != CONTROL_VERSION)
        return CONTROL_BAD_VERSION;
    struct cbor_writer writer = begin(MESSAGE_HELLO, HELLO_ITEMS);
    cbor_write_uint(&writer, CONTROL_VERSION);
    (void)send(&writer);
    return CONTROL_OK;
}

static enum control_error note_up(void) {
    if (agents[switcher.running].up)
        return CONTROL_OK;
    agents[switcher.running].up = true;
    log_add(LOG_UP, switcher.running, 0, 0);
    prewarm_up();
    return CONTROL_OK;
}

static enum control_error flip_to(struct cbor_text name) {
    for (unsigned i = 0; i < switcher.handover->persona_count; i++) {
        if (i == switcher.running || !cbor_text_equal(name, switcher.personas[i].description->name))
            continue;
        flip_ask(i);
        return CONTROL_OK;
    }
    return CONTROL_NO_SUCH_PERSONA;
}

/* The text is the persona's: nothing in it may be taken for an order by the terminal that shows it. */
static void print_refusal(struct cbor_text reason) {
    char text[CONTROL_REASON_MAX + 1];
    for (size_t i = 0; i < reason.size; i++)
        text[i] = reason.start[i] >= ' ' && reason.start[i] <= '~' ? reason.start[i] : '?';
    text[reason.size] = '\0';
    console_print("flipside: %s does not want to flip now: %s\n", running_persona()->description->name, text);
}

static enum control_error refuse(struct cbor_text reason) {
    if (!attention_refused())
        return CONTROL_NOT_ASKED;
    log_add(LOG_DECLINED, switcher.running, 0, 0);
    history_note(HISTORY_REFUSED, 0, 0);
    print_refusal(reason);
    return CONTROL_OK;
}

static enum control_error acknowledge(void) {
    if (!attention_acknowledged())
        return CONTROL_NOT_ASKED;
    log_add(LOG_ACKNOWLEDGED, switcher.running, 0, 0);
    history_note(HISTORY_ACKNOWLEDGED, 0, 0);
    return CONTROL_OK;
}

static enum control_error read_request(const uint8_t *message, size_t size, struct request *request) {
    static const struct {
        uint8_t items;
        bool version;
        uint8_t text_max; /* bytes; 0: there is none */
    } forms[] = {
        [MESSAGE_HELLO] = {3, true, CONTROL_AGENT_MAX},      [MESSAGE_UP] = {1, false, 0},
        [MESSAGE_FLIP] = {2, false, HANDOVER_NAME_SIZE - 1}, [MESSAGE_STATUS] = {1, false, 0},
        [MESSAGE_REFUSE] = {2, false, CONTROL_REASON_MAX},   [MESSAGE_ACKNOWLEDGE] = {1, false, 0},
    };
    struct cbor_reader reader = cbor_read(message, size);
    uint64_t items = cbor_read_array(&reader);
    uint64_t kind = cbor_read_uint(&reader);
    if (kind >= sizeof forms / sizeof forms[0] || items != forms[kind].items)
        return CONTROL_BAD_MESSAGE;
    *request = (struct request){.message = (enum message)kind};
    if (forms[kind].version)
        request->version = cbor_read_uint(&reader);
    if (forms[kind].text_max != 0)
        request->text = cbor_read_text(&reader, forms[kind].text_max);
    return cbor_read_end(&reader) ? CONTROL_OK : CONTROL_BAD_MESSAGE;
}

static enum control_error carry_out(const struct request *request) {
    switch (request->message) {
    case MESSAGE_HELLO:
        return greet(request);
    case MESSAGE_UP:
        return note_up();
    case MESSAGE_FLIP:
        return flip_to(request->text);
    case MESSAGE_STATUS:
        return answer_status();
    case MESSAGE_REFUSE:
        return refuse(request->text);
    case MESSAGE_ACKNOWLEDGE:
        return acknowledge();
    default:
        return CONTROL_BAD_MESSAGE;
    }
}

void control_received(unsigned persona, const uint8_t *message, size_t size) {
    struct request request;
    (void)persona; /* the running one: nobody else can send */
    enum control_error error = message == NULL ? CONTROL_BAD_FRAME : read_request(message, size, &request);
    if (error == CONTROL_OK)
        error = carry_out(&request);
    if (error != CONTROL_OK)
        send_error(error);
}

const char *control_error_text(enum control_error error) {
    static const char *const texts[] = {
        [CONTROL_OK] = "no error",
        [CONTROL_BAD_FRAME] = "a message is not as long as it says, or too long",
        [CONTROL_BAD_MESSAGE] = "no message of the control protocol",
        [CONTROL_BAD_VERSION] = "the switcher speaks another version of the control protocol",
        [CONTROL_NO_SUCH_PERSONA] = "there is no other persona of that name",
        [CONTROL_NOT_ASKED] = "no flip is asked for",
    };
    return (unsigned)error < sizeof texts / sizeof texts[0] ? texts[error] : "unknown error";
}
