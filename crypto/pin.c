// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/pin.h"

#include <argon2.h>
#include <string.h>

#include "crypto/hkdf.h"

const char *pin_error_text(enum pin_error error) {
    switch (error) {
    case PIN_OK:
        return "no error";
    case PIN_BAD_COST:
        return "the cost of a PIN is out of bounds";
    case PIN_TOO_LONG:
        return "the PIN is too long";
    case PIN_NO_MEMORY:
        return "not enough memory to check a PIN";
    case PIN_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

bool pin_cost_is_good(struct pin_cost cost) {
    return cost.memory_kib >= PIN_MEMORY_MIN && cost.memory_kib <= PIN_MEMORY_MAX && cost.passes >= 1 &&
           cost.passes <= PIN_PASSES_MAX && (uint64_t)cost.memory_kib * cost.passes <= PIN_WORK_MAX;
}

static enum pin_error error_of(int result) {
    if (result == ARGON2_OK)
        return PIN_OK;
    return result == ARGON2_MEMORY_ALLOCATION_ERROR ? PIN_NO_MEMORY : PIN_FAILED;
}

enum pin_error pin_stretch(const void *pin, size_t size, const uint8_t *salt, size_t salt_size, struct pin_cost cost,
                           uint8_t *key) {
    uint8_t copy[PIN_SIZE_MAX] = {0};
    uint8_t salt_copy[PIN_SALT_SIZE];
    memset(key, 0, PIN_KEY_SIZE);
    if (size > PIN_SIZE_MAX)
        return PIN_TOO_LONG;
    if (!pin_cost_is_good(cost) || salt_size < PIN_SALT_MIN || salt_size > PIN_SALT_SIZE)
        return PIN_BAD_COST;
    // The library's parameters are not const; it wipes the password.
    memcpy(copy, pin, size);
    memcpy(salt_copy, salt, salt_size);
    argon2_context context = {
        .out = key,
        .outlen = PIN_KEY_SIZE,
        .pwd = copy,
        .pwdlen = (uint32_t)size,
        .salt = salt_copy,
        .saltlen = (uint32_t)salt_size,
        .t_cost = cost.passes,
        .m_cost = cost.memory_kib,
        .lanes = 1,
        .threads = 1,
        .version = ARGON2_VERSION_13,
        .flags = ARGON2_FLAG_CLEAR_PASSWORD,
    };
    int result = argon2_ctx(&context, Argon2_id);
    crypto_wipe(copy, sizeof(copy));
    if (result != ARGON2_OK)
        crypto_wipe(key, PIN_KEY_SIZE);
    return error_of(result);
}

/* How long one attempt takes. */
static enum pin_error measure(struct pin_cost cost, pin_clock *clock, void *context, uint64_t *duration_ns) {
    static const uint8_t salt[PIN_SALT_SIZE];
    uint8_t key[PIN_KEY_SIZE];
    uint64_t started = clock(context);
    enum pin_error error = pin_stretch("", 0, salt, sizeof(salt), cost, key);
    *duration_ns = clock(context) - started;
    return error;
}

enum pin_error pin_calibrate(uint32_t memory_kib, uint64_t limit_ns, pin_clock *clock, void *context,
                             struct pin_cost *cost) {
    struct pin_cost tried = {memory_kib, 1};
    uint64_t duration_ns = 0;
    memset(cost, 0, sizeof(*cost));
    enum pin_error error = measure(tried, clock, context, &duration_ns);
    // What does not fit into the memory that is free, or into the time, is tried with half as much.
    while ((error == PIN_NO_MEMORY && tried.memory_kib / 2 >= PIN_MEMORY_MIN) ||
           (error == PIN_OK && duration_ns > limit_ns && tried.memory_kib / 2 >= PIN_MEMORY_FLOOR)) {
        tried.memory_kib /= 2;
        error = measure(tried, clock, context, &duration_ns);
    }
    if (error != PIN_OK)
        return error;
    uint64_t passes = duration_ns == 0 ? 1 : limit_ns / duration_ns;
    uint64_t most = PIN_WORK_MAX / tried.memory_kib < PIN_PASSES_MAX ? PIN_WORK_MAX / tried.memory_kib : PIN_PASSES_MAX;
    tried.passes = passes == 0 ? 1 : passes > most ? (uint32_t)most : (uint32_t)passes;
    *cost = tried;
    return PIN_OK;
}
