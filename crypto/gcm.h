// SPDX-License-Identifier: BSD-3-Clause
#ifndef GCM_H
#define GCM_H

/*
 * AES-256-GCM with the CPU's own instructions, many blocks at a time: mbedTLS takes one block at a time, which is ten
 * times slower. Each implementation is gcm_kernel.h over the primitives of its instructions.
 */

#include <stdbool.h>

#include "crypto/aead.h"

struct gcm_text {
    const uint8_t *nonce; /* AEAD_NONCE_SIZE bytes */
    const uint8_t *data;  /* additional authenticated data */
    size_t data_size;     /* bytes */
    const uint8_t *input;
    uint8_t *output; /* may be the input */
    size_t size;     /* bytes */
};

/* One set of instructions. */
struct gcm_implementation {
    void (*set_key)(struct aead_schedule *schedule, const uint8_t *key);
    /* Computes the tag of the ciphertext, which is the input of one and the output of the other. */
    void (*encrypt)(const struct aead_schedule *schedule, const struct gcm_text *text, uint8_t *tag);
    void (*decrypt)(const struct aead_schedule *schedule, const struct gcm_text *text, uint8_t *tag);
};

/* Each NULL when this is another machine, or its CPU does not have the instructions. */
const struct gcm_implementation *gcm_vaes(void);
const struct gcm_implementation *gcm_aesni(void);
const struct gcm_implementation *gcm_armv8(void);

#endif
