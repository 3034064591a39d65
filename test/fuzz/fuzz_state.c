// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes, and altered genuine copies, as a device's state: a copy that is not genuine never counts. */
#include "persona/state.h"

#include <stdlib.h>
#include <string.h>

#include "patched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t secret[KEYS_SIZE] = {1}, device[KEYS_ID_SIZE] = {2};
static uint8_t genuine[2][STATE_FILE_MAX];
static struct state_copy copies[2];
static const struct state_counter none;

static void require(bool condition) {
    if (!condition)
        abort();
}

static void prepare(void) {
    struct state state = {.epoch = 3};

    unsigned copy = 0;
    if (copies[0].size != 0)
        return;
    require(state_add(&state, device) == STATE_OK);
    for (unsigned i = 0; i < 2; i++) {
        size_t size = 0;
        uint8_t file[STATE_FILE_MAX];
        require(state_write(&state, secret, device, file, sizeof(file), &size, &copy) == STATE_OK);
        state_written(&state);
        memcpy(genuine[copy], file, size);
        copies[copy] = (struct state_copy){genuine[copy], size};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t altered[STATE_FILE_MAX];
    struct state state;
    prepare();
    struct state_copy any[2] = {copies[0], {data, size}};
    require(state_open(&state, any, secret, device, &none) == STATE_OK);
    require(state.generation == 2);
    memcpy(altered, genuine[0], copies[0].size);
    patched(altered, copies[0].size, data, size);
    bool same = memcmp(altered, genuine[0], copies[0].size) == 0;
    struct state_copy patched_copy[2] = {{altered, copies[0].size}, copies[1]};
    require(state_open(&state, patched_copy, secret, device, &none) == STATE_OK);
    require(state.generation == (same ? 2 : 1) && state.persona_count == 1 && state.epoch == 3);
    return 0;
}
