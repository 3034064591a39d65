// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_SLOTS_H
#define PERSONA_SLOTS_H

/**
 * A persona's key on a device, wrapped in slots (persona/persona.cddl). Whoever can open one of them has the persona;
 * without slots there is nothing left to open: wiping them wipes the persona.
 *
 *     PIN       Argon2id of the PIN, mixed with a secret of the TPM where there is one, wraps the key with A256GCM
 *     device    the key sealed to the device's key (COSE_Encrypt)
 *     escrow    the key sealed to the organisation's escrow key (COSE_Encrypt)
 *
 * Each slot is bound to the persona and to what it says; the file as a whole is authenticated under the persona's key,
 * which shows, once it is open, that no slot was taken away, put in or put back.
 */

#include "crypto/cose.h"
#include "crypto/keys.h"
#include "crypto/pin.h"
#include "crypto/tpm.h"

enum {
    SLOTS_MAX = 8,
    SLOTS_FILE_MAX = 12288,   /* bytes */
    SLOTS_BINDING_MAX = 1024, /* bytes of what a TPM needs to give its secret */
    SLOTS_SECRET_SIZE = 32,   /* bytes of a TPM's secret */
    SLOTS_SEALED_MAX = 448,   /* bytes of a sealed key */
    SLOTS_WRAPPED_SIZE = KEYS_SIZE + AEAD_TAG_SIZE,
    SLOTS_PAYLOAD_MAX = KEYS_SIZE + KEY_WRAP_OVERHEAD, /* bytes of what is sealed in a slot */
};

enum slots_error {
    SLOTS_OK = 0,
    SLOTS_MALFORMED,     /* not a file of slots, or a value out of its bounds */
    SLOTS_WRONG_PERSONA, /* a file of another persona */
    SLOTS_FULL,          /* SLOTS_MAX slots are there */
    SLOTS_NO_SLOT,       /* no slot of that number or type */
    SLOTS_WRONG_PIN,     /* another PIN, another TPM secret, or an altered slot */
    SLOTS_NEEDS_SECRET,  /* the slot is bound to a TPM, whose secret is not there */
    SLOTS_WRONG_KEY,     /* sealed to another device or organisation */
    SLOTS_ALTERED,       /* a sealed slot or the file was altered, or is of another persona */
    SLOTS_NO_MEMORY,     /* less memory free than the PIN's cost asks for */
    SLOTS_NO_RANDOM,     /* the generator failed */
    SLOTS_UNAVAILABLE,   /* the token or TPM with the key did not do it */
    SLOTS_TOO_LONG,      /* the PIN, the binding, or the caller's buffer */
    SLOTS_FAILED,        /* the cryptographic library failed */
};

enum slot_type { SLOT_PIN = 1, SLOT_DEVICE = 2, SLOT_ESCROW = 3 };

/** SLOT_PIN. */
struct slot_pin {
    uint8_t salt[PIN_SALT_SIZE];
    struct pin_cost cost;
    size_t binding_size; /* 0: not bound to a TPM */
    uint8_t binding[SLOTS_BINDING_MAX];
    uint8_t nonce[AEAD_NONCE_SIZE];
    uint8_t wrapped[SLOTS_WRAPPED_SIZE];
};

/** SLOT_DEVICE, SLOT_ESCROW. */
struct slot_sealed {
    size_t size;
    uint8_t object[SLOTS_SEALED_MAX];
};

struct slot {
    enum slot_type type;
    union {
        struct slot_pin pin;
        struct slot_sealed sealed;
    };
};

struct slots {
    uint8_t id[KEYS_ID_SIZE];
    uint64_t generation; /* goes up with each change; the device's state has the last one */
    size_t count;
    struct slot slots[SLOTS_MAX];
};

/** What a PIN slot is bound to besides the PIN: nothing, or a secret that a TPM gives. */
struct slots_binding {
    const uint8_t *blob;   /* what the TPM needs for it; kept in the slot */
    size_t blob_size;      /* bytes, at most SLOTS_BINDING_MAX; 0: no TPM */
    const uint8_t *secret; /* SLOTS_SECRET_SIZE bytes */
};

/** Begins a set without slots. @param id the persona's, KEYS_ID_SIZE bytes */
void slots_begin(struct slots *slots, const uint8_t *id);

/**
 * Adds a PIN.
 * @param persona_key KEYS_SIZE bytes
 * @param pin         pin_size bytes, at most PIN_SIZE_MAX
 * @param cost        pin_calibrate()
 * @param binding     NULL: no TPM
 * @return SLOTS_OK, SLOTS_FULL, SLOTS_TOO_LONG, SLOTS_MALFORMED (the cost), SLOTS_NO_MEMORY, SLOTS_NO_RANDOM,
 *         SLOTS_FAILED
 */
__attribute__((warn_unused_result)) enum slots_error
slots_add_pin(struct slots *slots, const uint8_t *persona_key, const void *pin, size_t pin_size, struct pin_cost cost,
              const struct slots_binding *binding, struct random_stream *random);

/**
 * Adds a slot that a key opens.
 * @param type SLOT_DEVICE or SLOT_ESCROW
 * @param to   the device's or the organisation's key
 * @return SLOTS_OK, SLOTS_FULL, SLOTS_MALFORMED (no such key or type), SLOTS_NO_RANDOM, SLOTS_FAILED
 */
__attribute__((warn_unused_result)) enum slots_error slots_add_sealed(struct slots *slots, enum slot_type type,
                                                                      const uint8_t *persona_key,
                                                                      const struct p256_public *to,
                                                                      struct random_stream *random);

/** The same of a payload that need not be the bare key. @param size bytes, at most SLOTS_PAYLOAD_MAX */
__attribute__((warn_unused_result)) enum slots_error slots_add_payload(struct slots *slots, enum slot_type type,
                                                                       const uint8_t *payload, size_t size,
                                                                       const struct p256_public *to,
                                                                       struct random_stream *random);

/**
 * Begins a PIN slot whose TPM object is made first: chooses the salt and stretches the PIN.
 * @param slot      what slots_add_stretched() takes
 * @param stretched PIN_KEY_SIZE bytes, all zero on failure; the caller wipes it
 * @return SLOTS_OK, SLOTS_TOO_LONG, SLOTS_MALFORMED (the cost), SLOTS_NO_MEMORY, SLOTS_NO_RANDOM, SLOTS_FAILED
 */
__attribute__((warn_unused_result)) enum slots_error slots_begin_pin(struct slot_pin *slot, const void *pin,
                                                                     size_t pin_size, struct pin_cost cost,
                                                                     struct random_stream *random, uint8_t *stretched);

/**
 * Makes the value that a TPM asks for before it gives a PIN slot's secret; it tells nothing of what wraps the key.
 * @param stretched of slots_begin_pin() or slots_stretch_pin()
 * @param auth      TPM_AUTH_MAX bytes, all zero on failure; the caller wipes it
 * @return SLOTS_OK, SLOTS_FAILED
 */
__attribute__((warn_unused_result)) enum slots_error slots_auth(const uint8_t *stretched, uint8_t *auth);

/** Adds the slot that slots_begin_pin() began; otherwise as slots_add_pin(). */
__attribute__((warn_unused_result)) enum slots_error
slots_add_stretched(struct slots *slots, const uint8_t *persona_key, const struct slot_pin *slot,
                    const uint8_t *stretched, const struct slots_binding *binding, struct random_stream *random);

/**
 * Adds a slot that is sealed already, as it came with a grant.
 * @return SLOTS_OK, SLOTS_FULL, SLOTS_MALFORMED (another type)
 */
__attribute__((warn_unused_result)) enum slots_error slots_add(struct slots *slots, const struct slot *slot);

/** @return the number of the first slot of a type, from `from` on; SIZE_MAX when there is none */
size_t slots_find(const struct slots *slots, enum slot_type type, size_t from);

/** Takes a slot away and wipes it. @return SLOTS_OK, SLOTS_NO_SLOT */
__attribute__((warn_unused_result)) enum slots_error slots_remove(struct slots *slots, size_t index);

/**
 * Opens a PIN slot. Takes the time that the cost says, for a wrong PIN as for the right one.
 * @param secret      the TPM's, SLOTS_SECRET_SIZE bytes; NULL: there is none
 * @param persona_key KEYS_SIZE bytes, all zero on failure; the caller wipes it
 * @return SLOTS_OK, SLOTS_NO_SLOT, SLOTS_WRONG_PIN, SLOTS_NEEDS_SECRET, SLOTS_TOO_LONG, SLOTS_NO_MEMORY, SLOTS_FAILED
 */
__attribute__((warn_unused_result)) enum slots_error slots_open_pin(const struct slots *slots, size_t index,
                                                                    const void *pin, size_t pin_size,
                                                                    const uint8_t *secret, uint8_t *persona_key);

/**
 * Stretches a PIN at a slot's cost, before slots_auth() and slots_open_stretched().
 * @param stretched PIN_KEY_SIZE bytes, all zero on failure; the caller wipes it
 * @return SLOTS_OK, SLOTS_NO_SLOT, SLOTS_TOO_LONG, SLOTS_NO_MEMORY, SLOTS_FAILED
 */
__attribute__((warn_unused_result)) enum slots_error
slots_stretch_pin(const struct slots *slots, size_t index, const void *pin, size_t pin_size, uint8_t *stretched);

/** Opens a PIN slot with what slots_stretch_pin() made; otherwise as slots_open_pin(). */
__attribute__((warn_unused_result)) enum slots_error slots_open_stretched(const struct slots *slots, size_t index,
                                                                          const uint8_t *stretched,
                                                                          const uint8_t *secret, uint8_t *persona_key);

/**
 * Opens a sealed slot.
 * @return SLOTS_OK, SLOTS_NO_SLOT, SLOTS_WRONG_KEY, SLOTS_ALTERED, SLOTS_NO_RANDOM, SLOTS_UNAVAILABLE, SLOTS_FAILED
 */
__attribute__((warn_unused_result)) enum slots_error
slots_open_sealed(const struct slots *slots, size_t index, const struct p256_agreer *agreer, uint8_t *persona_key);

/**
 * The same of slots_add_payload()'s.
 * @param payload size bytes, all zero on failure; the caller wipes it
 * @param size    that it must have; else it is SLOTS_ALTERED
 */
__attribute__((warn_unused_result)) enum slots_error slots_open_payload(const struct slots *slots, size_t index,
                                                                        const struct p256_agreer *agreer,
                                                                        uint8_t *payload, size_t size);

/**
 * Reads a file of slots, padded with zeros or not. Nothing in it is authenticated before a slot was opened and
 * slots_check() was asked.
 * @param slots all zero on failure
 * @param id    the persona's, KEYS_ID_SIZE bytes; NULL: any
 * @return SLOTS_OK, SLOTS_MALFORMED, SLOTS_WRONG_PERSONA
 */
__attribute__((warn_unused_result)) enum slots_error slots_read(struct slots *slots, const uint8_t *id,
                                                                const uint8_t *file, size_t size);

/**
 * Checks a whole file, padded with zeros or not, under the persona's key.
 * @return SLOTS_OK, SLOTS_ALTERED, SLOTS_FAILED
 */
__attribute__((warn_unused_result)) enum slots_error slots_check(const struct slots *slots, const uint8_t *persona_key,
                                                                 const uint8_t *file, size_t size);

/**
 * Writes the file, of the next generation, and not padded. Until slots_written() is called the next one has the same
 * generation.
 * @param file room bytes; SLOTS_FILE_MAX is enough
 * @param size its bytes; 0 on failure
 * @return SLOTS_OK, SLOTS_TOO_LONG, SLOTS_FAILED
 */
__attribute__((warn_unused_result)) enum slots_error slots_write(const struct slots *slots, const uint8_t *persona_key,
                                                                 uint8_t *file, size_t room, size_t *size);

/** Notes that the file is on the disk. */
void slots_written(struct slots *slots);

/** @return the error's text, one line without a full stop; never NULL */
const char *slots_error_text(enum slots_error error);

#endif
