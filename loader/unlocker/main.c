// SPDX-License-Identifier: BSD-3-Clause
// The unlocker: asks for the PIN of a persona that was left locked, decrypts its kernel and starts it.
#include "attempts.h"
#include "crypto/hkdf.h"
#include "line.h"
#include "machine.h"
#include "open.h"
#include "tis.h"
#include "tree.h"

/** From start.S, MMU and caches on. @param tree the device tree */
_Noreturn void unlocker_main(const void *tree);

/** From start.S: an exception, which is a fault of this program. */
_Noreturn void unlocker_fault(uint64_t esr, uint64_t elr, uint64_t far);

enum { MILLISECONDS = 1000 };

static struct bundle bundle;
static struct open_memory memory;
static struct attempts_record *attempts;
static struct line line;

_Noreturn void unlocker_fault(uint64_t esr, uint64_t elr, uint64_t far) {
    serial_print("\nunlocker: exception %lx at %lx, address %lx\n", (unsigned long)esr, (unsigned long)elr,
                 (unsigned long)far);
    machine_off();
}

static _Noreturn void give_up(const char *reason) {
    serial_print("%s can't be started: %s\n", bundle.about.name, reason);
    machine_off();
}

/* Goes over to the other persona if the user asked for it. @return whether that was so, and this one is back */
static bool flipped(void) {
    if (!button_pressed())
        return false;
    line_clear(&line);
    serial_print("\n");
    while (serial_read() >= 0) /* nobody else is to read it */
        ;
    (void)machine_suspend();
    serial_open(bundle.about.console);
    return true;
}

/* @return false when it was interrupted by a flip */
static bool wait(uint64_t milliseconds) {
    uint64_t end = machine_milliseconds() + milliseconds;
    while (machine_milliseconds() < end) {
        if (flipped())
            return false;
        machine_relax();
    }
    return true;
}

/* @return false when it was interrupted by a flip */
static bool read_line(void) {
    for (;;) {
        int byte = serial_read();
        if (byte >= 0 && line_take(&line, (char)byte))
            return true;
        if (byte < 0) {
            if (flipped())
                return false;
            machine_relax();
        }
    }
}

static void wait_for_ever(void) {
    serial_print("%s is locked out: too many wrong PINs. Only its organisation can help\n", bundle.about.name);
    while (wait(UINT32_MAX))
        ;
}

/* @return false when it was interrupted by a flip */
static bool ask(void) {
    uint32_t left = attempts_left(attempts), delay = attempts_delay_s(attempts);
    if (left == 0) {
        wait_for_ever();
        return false;
    }
    if (delay > 0) {
        serial_print("Next attempt in %u s\n", delay);
        if (!wait((uint64_t)delay * MILLISECONDS))
            return false;
    }
    serial_print("PIN for %s (%u attempt%s left): ", bundle.about.title, left, left == 1 ? "" : "s");
    bool whole = read_line();
    serial_print("\n");
    return whole;
}

/* The count is in memory before the attempt: to cut the persona off meanwhile gains nothing. */
static bool count_attempt(void) {
    bool allowed = attempts_take(attempts);
    machine_clean(attempts, attempts + 1);
    return allowed;
}

/* What is random for the TPM's session need not be so for anybody else: it protects the bus. */
static bool open_random(struct random_stream *random) {
    uint64_t time = machine_milliseconds();
    struct random_pool pool;
    const struct random_input inputs[] = {{.data = bundle.about.seed, .size = sizeof(bundle.about.seed)},
                                          {.data = &time, .size = sizeof(time)}};
    bool good = random_init(&pool, inputs, sizeof(inputs) / sizeof(inputs[0])) == RANDOM_OK &&
                random_stream_open(random, &pool, "unlocker") == RANDOM_OK;
    random_wipe(&pool);
    return good;
}

/* Open for one attempt only: at a flip it is at rest. A restart may have cut an earlier attempt off, which then left
 * its session and its objects in the TPM. */
static enum open_error open_with_tpm(uint8_t *persona_key) {
    const struct tis_machine machine = tis_mapped(machine_milliseconds, machine_relax);
    static struct tpm tpm;
    struct tis tis;
    struct random_stream random;
    if (tis_open(&tis, &machine, bundle.about.tpm) != TIS_OK)
        return OPEN_TPM_FAILED;
    const struct tpm_transport transport = tis_transport(&tis);
    if (!open_random(&random))
        return OPEN_FAILED;
    enum open_error error = OPEN_TPM_FAILED;
    if (tpm_open(&tpm, &transport, &random) == TPM_OK && tpm_flush_left(&tpm) == TPM_OK)
        error = open_key(&bundle, line.text, line.size, &tpm, persona_key);
    tpm_close(&tpm);
    random_stream_wipe(&random);
    return error;
}

static enum open_error open_counted(uint8_t *persona_key) {
    if (!count_attempt())
        return OPEN_WRONG_PIN;
    if (bundle.about.tpm != 0)
        return open_with_tpm(persona_key);
    return open_key(&bundle, line.text, line.size, NULL, persona_key);
}

static enum open_error try_pin(uint8_t *persona_key) {
    serial_print("Checking...\n");
    heap_reset();
    enum open_error error = open_counted(persona_key);
    line_clear(&line);
    heap_reset();
    return error;
}

static void take_attempt_back(enum open_error error) {
    serial_print("%s\n", open_error_text(error));
    attempts_return(attempts);
    machine_clean(attempts, attempts + 1);
}

static void unlock(uint8_t *persona_key) {
    enum open_error error = OPEN_WRONG_PIN;
    serial_print("\n%s is locked. The flip key goes back\n", bundle.about.title);
    while (error != OPEN_OK) {
        if (!ask())
            continue;
        error = try_pin(persona_key);
        if (error == OPEN_WRONG_PIN)
            serial_print("Wrong PIN\n");
        else if (error == OPEN_TPM_LOCKED_OUT || error == OPEN_TPM_FAILED)
            take_attempt_back(error);
        else if (error != OPEN_OK)
            give_up(open_error_text(error));
    }
    machine_give_up_tpm();
    attempts_end(attempts);
    machine_clean(attempts, attempts + 1);
}

static _Noreturn void start(const void *tree, uint8_t *persona_key) {
    static struct open_result result;
    serial_print("Decrypting %s\n", bundle.about.name);
    enum open_error error = open_files(&bundle, persona_key, &memory, &result);
    crypto_wipe(persona_key, KEYS_SIZE);
    heap_reset();
    if (error != OPEN_OK)
        give_up(open_error_text(error));
    struct tree_change change = {result.initrd, result.initrd_end, bundle.about.version, result.up};
    if (!tree_change(tree, &change, (void *)(uintptr_t)result.tree, OPEN_TREE_ROOM))
        give_up("its device tree is too large");
    machine_clean((const void *)(uintptr_t)result.kernel, (const void *)(uintptr_t)result.initrd_end);
    machine_leave(result.kernel, result.tree);
}

static bool take_over(const void *tree) {
    struct tree_place partition, place;
    if (!tree_find(tree, &partition, &place) ||
        bundle_read(&bundle, (const void *)(uintptr_t)place.base, (size_t)place.size) != BUNDLE_OK)
        return false;
    uint64_t begin = (place.base + place.size + OPEN_UNIT - 1) / OPEN_UNIT * OPEN_UNIT;
    uint64_t end = partition.base + partition.size - ATTEMPTS_PAGE_SIZE;
    if (begin >= end)
        return false;
    memory = (struct open_memory){(uint8_t *)(uintptr_t)begin, begin, (size_t)(end - begin)};
    heap_open(memory.bytes, memory.size);
    attempts = (struct attempts_record *)(uintptr_t)end;
    attempts_open(attempts, bundle.about.id, bundle.about.failed_attempts);
    serial_open(bundle.about.console);
    button_open(bundle.about.distributor, bundle.about.flip_button);
    return true;
}

void unlocker_main(const void *tree) {
    uint8_t persona_key[KEYS_SIZE];
    if (!take_over(tree))
        machine_off();
    unlock(persona_key);
    start(tree, persona_key);
}
