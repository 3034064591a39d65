// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "console.h"
#include "cpu.h"
#include "session.h"

enum {
    MIB = 1024 * 1024,
    KERNEL_BEYOND_IMAGE = 16 * MIB, /* bytes that a kernel may need beyond its Image: what starts as zeros */
};

static enum handover_usim_access usim_access_of(const struct session *session, size_t index) {
    const struct store_persona *entry = &session->store.personas[index];
    const uint8_t *id = entry->status == STORE_ENCRYPTED ? session->personas[index].id : NULL;
    enum usim_access access;
    if (!vault_usim_allows(&session->usim, entry->name, id, &access))
        return HANDOVER_USIM_NONE;
    return access == USIM_READ_ONLY ? HANDOVER_USIM_READ : HANDOVER_USIM_AUTHENTICATE;
}

static void describe(const struct session *session, size_t index, struct region_persona *out) {
    const struct store_persona *entry = &session->store.personas[index];
    const struct session_persona *persona = &session->personas[index];
    bool unpacked = persona->unpacked.memory != NULL;
    bool open = entry->status == STORE_ENCRYPTED && persona->state == SESSION_READY;
    *out = (struct region_persona){
        .name = entry->name,
        .title = entry->config.title,
        .command_line = entry->config.command_line,
        .kernel = unpacked ? persona->unpacked.memory : persona->image.contents,
        .kernel_size = persona->image.unpacked_size,
        .kernel_memory = persona->image.memory_size,
        .text_offset = persona->image.text_offset,
        .initrd = persona->initrd.memory,
        .initrd_size = persona->initrd.size,
        .room = persona->room,
        .tpm = persona->tpm,
        .prewarm_ms = entry->config.prewarm && persona->state != SESSION_LEFT ? entry->config.prewarm_s * 1000 : 0,
        .alarm_flip = entry->config.alarm_flip,
        .usim = usim_access_of(session, index),
        .version = open ? persona->version : NULL,
        .up_token = open ? persona->up : NULL,
    };
}

/* A locked one's files have no size yet but what its manifest says; it gets its real partition once it is open. */
static void describe_locked(const struct session *session, size_t index, struct region_persona *out) {
    const struct session_persona *persona = &session->personas[index];
    describe(session, index, out);
    out->kernel_size = persona->kernel_need;
    out->kernel_memory = persona->kernel_need + KERNEL_BEYOND_IMAGE;
    out->initrd_size = persona->initrd_need;
}

/* Personas differ; who waits for an answer waits as long as any of them may take. */
static uint32_t flip_timeout_ms(const struct session *session) {
    uint32_t longest_s = session->store.terminal.flip_timeout_s;
    for (size_t i = 0; i < session->store.persona_count; i++)
        if (session->personas[i].flip_timeout_s > longest_s)
            longest_s = session->personas[i].flip_timeout_s;
    return longest_s * 1000;
}

static void gather(struct session *session, bool locked) {
    struct region_request *request = &session->request;
    *request = (struct region_request){
        .board = &session->board,
        .firmware_tree = session->tree,
        .switcher = &session->switcher,
        .store = session->store_partition[0] != '\0' ? session->store_partition : NULL,
        .parange = cpu_parange(),
        .boot_cpu = cpu_affinity(),
        .usim = session->usim_part,
        .flip_timeout_ms = flip_timeout_ms(session),
    };
    for (size_t i = 0; i < session->store.persona_count; i++) {
        const enum session_state state = session->personas[i].state;
        if (state != SESSION_READY && state != SESSION_LEFT && !(locked && state == SESSION_LOCKED))
            continue;
        session->request_index[request->persona_count] = i;
        (state == SESSION_LOCKED ? describe_locked : describe)(session, i,
                                                               &request->personas[request->persona_count++]);
    }
}

/* What the persona's configuration asks for counts first, then the board's advice. */
static struct memory_request memory_request_of(const struct session *session, size_t index) {
    const struct store_persona *entry = &session->store.personas[index];
    struct memory_request request = {.share = MEMORY_SHARE_EQUAL, .amount = entry->config.memory.value};
    uint32_t percent = board_memory_percent(&session->board, entry->name);
    if (entry->config.memory.kind == CONFIG_MEMORY_BYTES) {
        request.share = MEMORY_SHARE_BYTES;
    } else if (entry->config.memory.kind == CONFIG_MEMORY_PERCENT) {
        request.share = MEMORY_SHARE_PERCENT;
    } else if (percent != 0) {
        request.share = MEMORY_SHARE_PERCENT;
        request.amount = percent;
    }
    return request;
}

static enum memory_plan_error make_plan(struct session *session) {
    struct memory_request requests[STORE_PERSONAS_MAX];
    for (uint32_t i = 0; i < session->request.persona_count; i++) {
        requests[i] = memory_request_of(session, session->request_index[i]);
        requests[i].minimum = region_partition_minimum(&session->request.personas[i]);
    }
    return memory_plan_make(&session->plan, session->memory.ranges, session->memory.count,
                            region_size(&session->request), requests, session->request.persona_count);
}

/* @return whether all fit; what does not is marked, so that the others can be planned again without it */
static bool take_partitions(struct session *session) {
    bool all = true;
    for (uint32_t i = 0; i < session->request.persona_count; i++) {
        const struct memory_partition *partition = &session->plan.personas[i];
        size_t index = session->request_index[i];
        if (partition->fit != MEMORY_FITS && partition->fit != MEMORY_SHRUNK) {
            session_mark(session, index, SESSION_NO_FIT, "%s: %lu MB needed, %lu MB there",
                         memory_fit_text(partition->fit), (unsigned long)(partition->needed / MIB),
                         (unsigned long)(partition->available / MIB));
            all = false;
            continue;
        }
        if (partition->fit == MEMORY_SHRUNK)
            session_mark(session, index, session->personas[index].state, "%s", memory_fit_text(partition->fit));
        session->personas[index].partition = *partition;
        session->request.personas[i].partition = (struct tree_range){partition->base, partition->size};
    }
    return all;
}

/* The persona with the largest files goes first when the pristine copies have no room. */
static void drop_largest(struct session *session, enum memory_plan_error error) {
    uint32_t largest = 0;
    uint64_t most = 0;
    for (uint32_t i = 0; i < session->request.persona_count; i++) {
        uint64_t size = session->request.personas[i].kernel_size + session->request.personas[i].initrd_size;
        if (size < most)
            continue;
        most = size;
        largest = i;
    }
    session_mark(session, session->request_index[largest], SESSION_NO_FIT, "%s (%lu MB)", memory_plan_error_text(error),
                 (unsigned long)(region_size(&session->request) / MIB));
}

void session_plan(struct session *session, bool locked) {
    enum firmware_error error = firmware_memory_map(&session->memory);
    if (error != FIRMWARE_OK)
        console_print("%s\n", firmware_error_text(error));
    for (;;) {
        gather(session, locked);
        if (session->request.persona_count == 0)
            return;
        enum memory_plan_error plan_error = make_plan(session);
        if (plan_error != MEMORY_PLAN_OK)
            drop_largest(session, plan_error);
        else if (take_partitions(session))
            return;
    }
}

bool session_can_choose(const struct session *session, size_t index) {
    return index < session->store.persona_count &&
           (session->personas[index].state == SESSION_READY || session->personas[index].state == SESSION_LOCKED);
}

size_t session_default(const struct session *session) {
    size_t chosen = session->store.default_persona;
    if (session_can_choose(session, chosen))
        return chosen;
    for (size_t i = 0; i < session->store.persona_count; i++)
        if (session_can_choose(session, i))
            return i;
    return SIZE_MAX;
}
