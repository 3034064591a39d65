// SPDX-License-Identifier: BSD-3-Clause
/*
 * AES-256-GCM (NIST SP 800-38D) over primitives that the including file defines:
 *   block        one block of 16 bytes            wide         LANES blocks
 *   GCM_TARGET   attribute of functions that use the instructions
 *   block_load, block_store, block_xor, block_reverse (of bytes), block_swap (of halves), block_of (high, low half)
 *   clmul_low_low, clmul_high_high, clmul_cross (low times high plus high times low), clmul_polynomial (0xc2...00 times
 *   the low half), of blocks; wide_low_low, wide_high_high, wide_cross the same of each lane
 *   aes_begin, aes_round, aes_end (blocks), wide_begin, wide_round, wide_end; the round's keys are 15 blocks
 *   sub_word     the S-box on each byte of a word
 *   wide_load, wide_store, wide_xor, wide_reverse, wide_first (a block in the first lane, else zero), wide_fold (all
 *   lanes to one block), wide_counters (as many as there are lanes, of a nonce with a whole block to read)
 *
 * GHASH works on blocks with their bytes reversed and keys multiplied by x, so that a product needs no shift: the
 * product of a and b * x, reduced by x^128 + x^127 + x^126 + x^121 + 1 reflected, is that of a and b.
 * A group's products are added up before they are reduced once.
 */

enum { BLOCK = 16, ROUNDS = 14, WIDES = 8, GROUP = WIDES * LANES, GROUP_SIZE = GROUP * BLOCK };

_Static_assert((int)GROUP <= (int)AEAD_POWERS, "a key for each block of a group");

struct products {
    block low;
    block cross;
    block high;
};

GCM_TARGET static inline block reduce(struct products products) {
    block t = clmul_polynomial(products.low);
    block middle = block_xor(products.cross, block_xor(block_swap(products.low), t));
    t = clmul_polynomial(middle);
    return block_xor(products.high, block_xor(block_swap(middle), t));
}

GCM_TARGET static inline block multiply(block a, block b) {
    return reduce((struct products){clmul_low_low(a, b), clmul_cross(a, b), clmul_high_high(a, b)});
}

GCM_TARGET static inline block encrypt_block(const struct aead_schedule *schedule, block value) {
    value = aes_begin(value, schedule->round_keys);
    for (unsigned r = 1; r < ROUNDS; r++)
        value = aes_round(value, schedule->round_keys, r);
    return aes_end(value, schedule->round_keys);
}

/* FIPS 197 5.2; words are little-endian, so that rotating one is to the right. */
GCM_TARGET static void expand_key(struct aead_schedule *schedule, const uint8_t *key) {
    uint32_t words[4 * (ROUNDS + 1)];
    uint32_t constant = 1;
    memcpy(words, key, AEAD_KEY_SIZE);
    for (unsigned i = 8; i < 4 * (ROUNDS + 1); i++) {
        uint32_t word = words[i - 1];
        if (i % 4 == 0)
            word = sub_word(word);
        if (i % 8 == 0) {
            word = (word >> 8 | word << 24) ^ constant;
            constant <<= 1;
        }
        words[i] = words[i - 8] ^ word;
    }
    memcpy(schedule->round_keys, words, sizeof(words));
    crypto_wipe(words, sizeof(words));
}

/* The power of the hash key for each block of a group: the highest first. */
GCM_TARGET static void set_key(struct aead_schedule *schedule, const uint8_t *key) {
    uint8_t hash_key[BLOCK] = {0};
    uint64_t high = 0;
    uint64_t low = 0;
    expand_key(schedule, key);
    block_store(hash_key, encrypt_block(schedule, block_load(hash_key)));
    for (unsigned i = 0; i < 8; i++) {
        high = high << 8 | hash_key[i];
        low = low << 8 | hash_key[8 + i];
    }
    uint64_t carry = 0 - (high >> 63);
    high = (high << 1 | low >> 63) ^ (carry & UINT64_C(0xc200000000000000));
    low = low << 1 ^ (carry & 1);
    block first = block_of(high, low);
    block power = first;
    for (unsigned i = GROUP; i-- > 0; power = multiply(power, first))
        block_store(schedule->powers + i * BLOCK, power);
    crypto_wipe(hash_key, sizeof(hash_key));
}

GCM_TARGET static inline block first_power(const struct aead_schedule *schedule) {
    return block_load(schedule->powers + (GROUP - 1) * BLOCK);
}

/* Any bytes, filled up with zeros to whole blocks. */
GCM_TARGET static inline block hash_bytes(const struct aead_schedule *schedule, block hash, const uint8_t *bytes,
                                          size_t size) {
    uint8_t last[BLOCK] = {0};
    for (; size >= BLOCK; bytes += BLOCK, size -= BLOCK)
        hash = multiply(block_xor(hash, block_reverse(block_load(bytes))), first_power(schedule));
    if (size == 0)
        return hash;
    memcpy(last, bytes, size);
    return multiply(block_xor(hash, block_reverse(block_load(last))), first_power(schedule));
}

struct wide_products {
    wide low;
    wide cross;
    wide high;
};

/* Number j of a group's WIDES parts. */
GCM_TARGET static inline __attribute__((always_inline)) void hash_part(const struct aead_schedule *schedule,
                                                                       struct wide_products *products, block hash,
                                                                       const uint8_t *group, unsigned j) {
    wide part = wide_reverse(wide_load(group + j * LANES * BLOCK));
    wide power = wide_load(schedule->powers + j * LANES * BLOCK);
    if (j == 0) {
        part = wide_xor(part, wide_first(hash));
        *products =
            (struct wide_products){wide_low_low(part, power), wide_cross(part, power), wide_high_high(part, power)};
        return;
    }
    products->low = wide_xor(products->low, wide_low_low(part, power));
    products->cross = wide_xor(products->cross, wide_cross(part, power));
    products->high = wide_xor(products->high, wide_high_high(part, power));
}

GCM_TARGET static inline block end_hash(struct wide_products products) {
    return reduce((struct products){wide_fold(products.low), wide_fold(products.cross), wide_fold(products.high)});
}

GCM_TARGET static inline block hash_group(const struct aead_schedule *schedule, block hash, const uint8_t *group) {
    struct wide_products products;
#pragma GCC unroll 8
    for (unsigned j = 0; j < WIDES; j++)
        hash_part(schedule, &products, hash, group, j);
    return end_hash(products);
}

/* Encrypts or decrypts a group while another one, or the same ciphertext, is hashed: both units of the CPU are busy. */
GCM_TARGET static inline __attribute__((always_inline)) block crypt_group(const struct aead_schedule *schedule,
                                                                          const struct gcm_text *text, size_t at,
                                                                          block hash, const uint8_t *hashed) {
    wide values[WIDES];
    struct wide_products products;
    uint32_t counter = (uint32_t)(at / BLOCK) + 2;
#pragma GCC unroll 8
    for (unsigned j = 0; j < WIDES; j++)
        values[j] = wide_begin(wide_counters(text->nonce, counter + j * LANES), schedule->round_keys);
#pragma GCC unroll 13
    for (unsigned r = 1; r < ROUNDS; r++) {
#pragma GCC unroll 8
        for (unsigned j = 0; j < WIDES; j++)
            values[j] = wide_round(values[j], schedule->round_keys, r);
        if (hashed != NULL && r <= WIDES)
            hash_part(schedule, &products, hash, hashed, r - 1);
    }
#pragma GCC unroll 8
    for (unsigned j = 0; j < WIDES; j++) {
        size_t offset = at + j * LANES * BLOCK;
        wide value = wide_end(values[j], schedule->round_keys);
        wide_store(text->output + offset, wide_xor(value, wide_load(text->input + offset)));
    }
    return hashed != NULL ? end_hash(products) : hash;
}

/* What is left after the groups. */
GCM_TARGET static void crypt_rest(const struct aead_schedule *schedule, const struct gcm_text *text, size_t at) {
    uint8_t counter_block[BLOCK];
    uint8_t key_stream[BLOCK] = {0};
    memcpy(counter_block, text->nonce, AEAD_NONCE_SIZE);
    for (; at < text->size; at += BLOCK) {
        uint32_t counter = __builtin_bswap32((uint32_t)(at / BLOCK) + 2);
        memcpy(counter_block + AEAD_NONCE_SIZE, &counter, sizeof(counter));
        block_store(key_stream, encrypt_block(schedule, block_load(counter_block)));
        for (size_t i = 0; i < BLOCK && at + i < text->size; i++)
            text->output[at + i] = text->input[at + i] ^ key_stream[i];
    }
    crypto_wipe(key_stream, sizeof(key_stream));
}

GCM_TARGET static void make_tag(const struct aead_schedule *schedule, const struct gcm_text *text, block hash,
                                uint8_t *tag) {
    uint8_t first_counter[BLOCK] = {[BLOCK - 1] = 1};
    memcpy(first_counter, text->nonce, AEAD_NONCE_SIZE);
    block lengths = block_of((uint64_t)text->data_size * 8, (uint64_t)text->size * 8);
    hash = multiply(block_xor(hash, lengths), first_power(schedule));
    block_store(tag, block_xor(block_reverse(hash), encrypt_block(schedule, block_load(first_counter))));
}

/* A text whose nonce has a whole block to read. @param nonce BLOCK bytes, where it is put */
static inline struct gcm_text with_room(const struct gcm_text *text, uint8_t *nonce) {
    struct gcm_text result = *text;
    memset(nonce, 0, BLOCK);
    memcpy(nonce, text->nonce, AEAD_NONCE_SIZE);
    result.nonce = nonce;
    return result;
}

GCM_TARGET static void encrypt_text(const struct aead_schedule *schedule, const struct gcm_text *text, uint8_t *tag) {
    block hash = hash_bytes(schedule, block_of(0, 0), text->data, text->data_size);
    size_t at = 0;
    if (text->size >= GROUP_SIZE) {
        hash = crypt_group(schedule, text, 0, hash, NULL);
        for (at = GROUP_SIZE; text->size - at >= GROUP_SIZE; at += GROUP_SIZE)
            hash = crypt_group(schedule, text, at, hash, text->output + at - GROUP_SIZE);
        hash = hash_group(schedule, hash, text->output + at - GROUP_SIZE);
    }
    crypt_rest(schedule, text, at);
    hash = hash_bytes(schedule, hash, text->output + at, text->size - at);
    make_tag(schedule, text, hash, tag);
}

GCM_TARGET static void decrypt_text(const struct aead_schedule *schedule, const struct gcm_text *text, uint8_t *tag) {
    block hash = hash_bytes(schedule, block_of(0, 0), text->data, text->data_size);
    size_t at = 0;
    for (; text->size - at >= GROUP_SIZE; at += GROUP_SIZE)
        hash = crypt_group(schedule, text, at, hash, text->input + at);
    hash = hash_bytes(schedule, hash, text->input + at, text->size - at);
    crypt_rest(schedule, text, at);
    make_tag(schedule, text, hash, tag);
}

static void encrypt(const struct aead_schedule *schedule, const struct gcm_text *text, uint8_t *tag) {
    uint8_t nonce[BLOCK];
    const struct gcm_text with = with_room(text, nonce);
    encrypt_text(schedule, &with, tag);
}

static void decrypt(const struct aead_schedule *schedule, const struct gcm_text *text, uint8_t *tag) {
    uint8_t nonce[BLOCK];
    const struct gcm_text with = with_room(text, nonce);
    decrypt_text(schedule, &with, tag);
}

static const struct gcm_implementation implementation = {set_key, encrypt, decrypt};
