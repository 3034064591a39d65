// SPDX-License-Identifier: BSD-3-Clause
#ifndef AGENT_MESSAGE_H
#define AGENT_MESSAGE_H

/**
 * The control protocol as the agent speaks it; switcher/control.cddl says what goes over it, and the values here are
 * its.
 *
 * The agent's programs speak it with one another, too: a client asks the daemon as the daemon asks the switcher, with
 * one message more in each direction (MESSAGE_INHIBIT, MESSAGE_DONE) that never leave the system.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MESSAGE_VERSION = 1,        /* of the protocol */
    MESSAGE_TO_SWITCHER = 1024, /* bytes of the longest message to the switcher */
    MESSAGE_TO_PERSONA = 4094,  /* and of the longest that comes from it */
    MESSAGE_TEXT_MAX = 200,     /* bytes of a reason, a name or an error's text */
    MESSAGE_NAME_MAX = 31,      /* bytes of a persona's name */
    MESSAGE_PERSONAS_MAX = 8,
    MESSAGE_FLIPS_MAX = 8,
};

enum message_kind {
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
    MESSAGE_INHIBIT = 32, /* client to daemon, with the reason: refuse to flip until this connection ends */
    MESSAGE_DONE = 33,    /* daemon to client: it was carried out */
};

enum message_error {
    MESSAGE_BAD_VERSION = 3, /* the switcher speaks another version */
    MESSAGE_LOCAL = 64,      /* an error that the daemon tells a client; its text says all */
};

enum message_state { STATE_LOADED, STATE_RUNNING, STATE_SUSPENDED, STATE_ASLEEP, STATE_OFF, STATE_CUT_OFF, STATES };

enum message_stage {
    STAGE_ASKED = 1,
    STAGE_ACKNOWLEDGED,
    STAGE_SUSPENDING,
    STAGE_FLIPPED,
    STAGE_REFUSED,
    STAGE_TIMED_OUT,
    STAGE_GIVEN_UP,
    STAGES,
};

/** When a flip came to its first four stages. */
enum message_time { TIME_ASKED, TIME_ACKNOWLEDGED, TIME_SUSPENDED, TIME_RESUMED, TIMES };

enum message_counter {
    COUNTER_HVC,
    COUNTER_SMC,
    COUNTER_SYSTEM_REGISTER,
    COUNTER_DISTRIBUTOR_WRITE,
    COUNTER_REDISTRIBUTOR_WRITE,
    COUNTER_FAULT,
    COUNTER_ATTENTION_INTERRUPT,
    COUNTER_UNDEFINED,
    COUNTER_FLIP,
    COUNTER_CHANNEL,
    COUNTER_DMA_FAULT,
    COUNTER_CLOCK,
    COUNTERS,
};

struct message_persona {
    char name[MESSAGE_NAME_MAX + 1];
    enum message_state state;
    uint64_t since; /* ns, as all times: of the architected counter; 0: did not happen */
    bool agent;     /* its agent has said that it is up */
};

struct message_flip {
    unsigned from, to; /* indices of personas that are there */
    enum message_stage stage;
    uint64_t times[TIMES];
};

struct message_status {
    uint64_t now;
    unsigned self; /* index of a persona that is there */
    unsigned persona_count;
    struct message_persona personas[MESSAGE_PERSONAS_MAX];
    unsigned flip_count;
    struct message_flip flips[MESSAGE_FLIPS_MAX]; /* newest first */
    uint64_t counters[COUNTERS];
};

/** A message that came, checked. */
struct message {
    enum message_kind kind;
    uint64_t number;                 /* the version of a hello, the code of an error */
    char text[MESSAGE_TEXT_MAX + 1]; /* of a flip, a flip request, an error or an inhibit, as printable ASCII */
    struct message_status status;    /* of a status reply */
};

/** A message to be sent. */
struct message_bytes {
    uint8_t data[MESSAGE_TO_SWITCHER];
    size_t size; /* bytes */
};

/** @return a message that has neither number nor text */
struct message_bytes message_plain(enum message_kind kind);

/** @return a message with a text. @param text what is longer than MESSAGE_TEXT_MAX is cut off */
struct message_bytes message_with_text(enum message_kind kind, const char *text);

/** @return the hello of an agent. @param agent its version, at most 64 bytes */
struct message_bytes message_hello(const char *agent);

/** @return an error of the daemon's own. @param text says what is wrong, to a person */
struct message_bytes message_local_error(const char *text);

/**
 * Reads a message of the switcher.
 * @param data size bytes
 * @return false: it is none that version 1 has, or breaks its rules. What a later version adds is passed over
 */
__attribute__((warn_unused_result)) bool message_read(const uint8_t *data, size_t size, struct message *message);

/** Reads what a client asks the daemon for: flip (its name is not checked), status, up or inhibit. @return false: it is
 * none of these */
__attribute__((warn_unused_result)) bool message_read_client(const uint8_t *data, size_t size, struct message *message);

#endif
