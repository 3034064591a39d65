// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_CONTROL_H
#define SWITCHER_CONTROL_H

/**
 * The control protocol with a persona's agent, on the port flipside.control; control.cddl says what goes over it.
 * A persona needs no agent: without one the flip button asks it to suspend. All need the switcher lock.
 */

#include "arch.h"

enum {
    CONTROL_VERSION = 1,
    CONTROL_AGENT_MAX = 64,   /* bytes of an agent's version */
    CONTROL_REASON_MAX = 200, /* bytes of the reason of a refusal */
};

/** Why a message was not carried out; the values are the protocol's. */
enum control_error {
    CONTROL_OK = 0,
    CONTROL_BAD_FRAME,       /* its length is not the one that it says, or above what a port takes */
    CONTROL_BAD_MESSAGE,     /* no message of the protocol, or not encoded as RFC 8949 4.2.1 says */
    CONTROL_BAD_VERSION,     /* an agent of another version */
    CONTROL_NO_SUCH_PERSONA, /* nor can one flip to the running persona */
    CONTROL_NOT_ASKED,       /* an answer to a request that is not under way */
};

/** The port's handlers, for channel.c: contracts are in virtio_console.h. */
void control_started(unsigned persona);
void control_opened(unsigned persona, bool open);
void control_received(unsigned persona, const uint8_t *message, size_t size);

/**
 * Asks the running persona's agent to make way for flip_target().
 * @return false: there is no agent, or no other persona; the caller is to press the flip button
 */
__attribute__((warn_unused_result)) bool control_ask(void);

/** Tells the running persona's agent, if there is one, that the last request is over. */
void control_cancel(void);

/** @return whether the persona is in memory and its agent has said since its start that it is up */
bool control_is_up(unsigned persona);

/** @return the error's text, one line without a full stop; never NULL */
const char *control_error_text(enum control_error error);

#endif
