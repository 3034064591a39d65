// SPDX-License-Identifier: BSD-3-Clause
// Any bytes, and a good hand-over with changes, as a hand-over: the check reads nothing outside it, and what it lets
// pass keeps the personas apart.
#include "handover_fixture.h"
#include "patched.h"

#include <stdbool.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition)
        abort();
}

static bool apart(struct handover_range a, struct handover_range b) {
    return a.base >= b.base + b.size || b.base >= a.base + a.size;
}

static bool inside(struct handover_range range, uint64_t base, uint64_t size) {
    return base >= range.base && base + size >= base && base + size <= range.base + range.size;
}

static void require_safe(const struct handover *handover, const struct handover_persona *persona) {
    require(persona->partition.base + persona->partition.size > persona->partition.base);
    require(apart(persona->partition, handover->switcher));
    require(inside(persona->partition, persona->entry, 4));
    require(persona->prewarm_ms <= HANDOVER_PREWARM_MS_MAX);
    require(persona->usim == HANDOVER_USIM_NONE || handover->usim.profile.size != 0);
    if (handover->usim.profile.size != 0) {
        const struct handover_usim *usim = &handover->usim;
        require(inside(handover->switcher, usim->profile.base, usim->profile.size));
        const struct handover_range state = {usim->flash, 2 * (uint64_t)usim->flash_block_size};
        require(apart(persona->partition, state));
        require(usim->flash_lanes != 0 || inside(handover->switcher, state.base, state.size));
    }
    for (const struct handover_persona *other = handover->personas; other < persona; other++) {
        require(apart(persona->partition, other->partition));
        require(persona->vttbr >> 48 != other->vttbr >> 48);
    }
    for (uint32_t i = 0; i < persona->copy_count; i++) {
        require(inside(persona->partition, persona->copies[i].destination, persona->copies[i].size));
        require(inside(handover->switcher, persona->copies[i].source, persona->copies[i].size));
    }
}

static void try_handover(const struct handover *handover) {
    enum handover_error error = handover_check(handover);
    require(handover_error_text(error) != NULL);
    if (error == HANDOVER_OK)
        for (uint32_t i = 0; i < handover->persona_count; i++)
            require_safe(handover, &handover->personas[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* On the heap, so that the sanitizer sees one byte too many. */
    struct handover *handover = calloc(1, sizeof *handover);
    require(handover != NULL);
    memcpy(handover, data, size < sizeof *handover ? size : sizeof *handover);
    /* The fuzzer need not find out what a header is. */
    handover->magic = HANDOVER_MAGIC;
    handover->version = HANDOVER_VERSION;
    handover->size = sizeof *handover;
    try_handover(handover);
    handover_example(handover);
    patched((uint8_t *)handover, sizeof *handover, data, size);
    try_handover(handover);
    free(handover);
    return 0;
}
