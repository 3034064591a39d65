// SPDX-License-Identifier: BSD-3-Clause
#include "persona/slots.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "slots_format.h"

enum { CONTEXT_MAX = 96 + SLOTS_BINDING_MAX };

const char *slots_error_text(enum slots_error error) {
    switch (error) {
    case SLOTS_OK:
        return "no error";
    case SLOTS_MALFORMED:
        return "the key slots are damaged";
    case SLOTS_WRONG_PERSONA:
        return "the key slots are of another persona";
    case SLOTS_FULL:
        return "all key slots are in use";
    case SLOTS_NO_SLOT:
        return "there is no such key slot";
    case SLOTS_WRONG_PIN:
        return "wrong PIN";
    case SLOTS_NEEDS_SECRET:
        return "the PIN is bound to a TPM that is not there or was cleared";
    case SLOTS_WRONG_KEY:
        return "the key slot is for another device or organisation";
    case SLOTS_ALTERED:
        return "the key slots were altered, or are of another persona";
    case SLOTS_NO_MEMORY:
        return "not enough memory to check the PIN";
    case SLOTS_NO_RANDOM:
        return "no random numbers";
    case SLOTS_UNAVAILABLE:
        return "the token or TPM with the key failed";
    case SLOTS_TOO_LONG:
        return "the PIN is too long";
    case SLOTS_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

static enum slots_error error_of_pin(enum pin_error error) {
    switch (error) {
    case PIN_OK:
        return SLOTS_OK;
    case PIN_BAD_COST:
        return SLOTS_MALFORMED;
    case PIN_TOO_LONG:
        return SLOTS_TOO_LONG;
    case PIN_NO_MEMORY:
        return SLOTS_NO_MEMORY;
    case PIN_FAILED:
        break;
    }
    return SLOTS_FAILED;
}

static enum slots_error error_of_cose(enum cose_error error) {
    switch (error) {
    case COSE_OK:
        return SLOTS_OK;
    case COSE_NO_RECIPIENT:
        return SLOTS_WRONG_KEY;
    case COSE_MALFORMED:
    case COSE_WRONG_TYPE:
    case COSE_NOT_AUTHENTIC:
    case COSE_BAD_KEY:
        return SLOTS_ALTERED;
    case COSE_NO_RANDOM:
        return SLOTS_NO_RANDOM;
    case COSE_UNAVAILABLE:
        return SLOTS_UNAVAILABLE;
    default:
        return SLOTS_FAILED;
    }
}

void slots_begin(struct slots *slots, const uint8_t *id) {
    memset(slots, 0, sizeof(*slots));
    memcpy(slots->id, id, sizeof(slots->id));
}

/* What a PIN slot's wrapping is bound to. */
static size_t write_pin_context(const struct slots *slots, const struct slot_pin *pin, uint8_t *context) {
    struct cbor_writer writer = cbor_write(context, CONTEXT_MAX);
    cbor_write_array(&writer, 6);
    cbor_write_text(&writer, SLOT_LABEL);
    cbor_write_bytes(&writer, slots->id, sizeof(slots->id));
    cbor_write_uint(&writer, SLOT_PIN);
    cbor_write_bytes(&writer, pin->salt, sizeof(pin->salt));
    cbor_write_array(&writer, 2);
    cbor_write_uint(&writer, pin->cost.memory_kib);
    cbor_write_uint(&writer, pin->cost.passes);
    cbor_write_bytes(&writer, pin->binding, pin->binding_size);
    return writer.size;
}

/* What a sealed slot is bound to. */
static size_t write_sealed_context(const struct slots *slots, enum slot_type type, uint8_t *context) {
    struct cbor_writer writer = cbor_write(context, CONTEXT_MAX);
    cbor_write_array(&writer, 3);
    cbor_write_text(&writer, SLOT_LABEL);
    cbor_write_bytes(&writer, slots->id, sizeof(slots->id));
    cbor_write_uint(&writer, (uint64_t)type);
    return writer.size;
}

static enum slots_error stretch(const struct slot_pin *slot, const void *pin, size_t pin_size, uint8_t *stretched) {
    return error_of_pin(pin_stretch(pin, pin_size, slot->salt, sizeof(slot->salt), slot->cost, stretched));
}

enum slots_error slots_auth(const uint8_t *stretched, uint8_t *auth) {
    static const char label[] = "flipside pin auth 1";
    return hkdf_expand(stretched, label, sizeof(label) - 1, auth, TPM_AUTH_MAX) == HKDF_OK ? SLOTS_OK : SLOTS_FAILED;
}

/* The key that wraps: of the stretched PIN, and of the TPM's secret. */
static enum slots_error open_wrapping(struct aead *aead, const struct slot_pin *pin, const uint8_t *stretched,
                                      const uint8_t *secret) {
    static const char label[] = "flipside pin slot 1";
    uint8_t prk[HKDF_KEY_SIZE];
    uint8_t key[AEAD_KEY_SIZE];
    bool bound = pin->binding_size > 0;
    bool good =
        hkdf_extract(bound ? secret : NULL, bound ? SLOTS_SECRET_SIZE : 0, stretched, PIN_KEY_SIZE, prk) == HKDF_OK &&
        hkdf_expand(prk, label, sizeof(label) - 1, key, sizeof(key)) == HKDF_OK && aead_open(aead, key) == AEAD_OK;
    crypto_wipe(prk, sizeof(prk));
    crypto_wipe(key, sizeof(key));
    return good ? SLOTS_OK : SLOTS_FAILED;
}

static struct aead_binding bind_pin(const struct slots *slots, const struct slot_pin *pin, uint8_t *context) {
    struct aead_binding binding = {.data = context, .data_size = write_pin_context(slots, pin, context)};
    memcpy(binding.nonce, pin->nonce, sizeof(binding.nonce));
    return binding;
}

static enum slots_error wrap(const struct slots *slots, struct slot_pin *pin, const uint8_t *stretched,
                             const uint8_t *secret, const uint8_t *persona_key) {
    uint8_t context[CONTEXT_MAX];
    struct aead aead = {0};
    enum slots_error error = open_wrapping(&aead, pin, stretched, secret);
    if (error == SLOTS_OK) {
        struct aead_binding binding = bind_pin(slots, pin, context);
        if (aead_encrypt(&aead, &binding, persona_key, KEYS_SIZE, pin->wrapped, pin->wrapped + KEYS_SIZE) != AEAD_OK)
            error = SLOTS_FAILED;
    }
    aead_close(&aead);
    return error;
}

enum slots_error slots_begin_pin(struct slot_pin *slot, const void *pin, size_t pin_size, struct pin_cost cost,
                                 struct random_stream *random, uint8_t *stretched) {
    *slot = (struct slot_pin){.cost = cost};
    memset(stretched, 0, PIN_KEY_SIZE);
    if (random_bytes(random, slot->salt, sizeof(slot->salt)) != RANDOM_OK)
        return SLOTS_NO_RANDOM;
    return stretch(slot, pin, pin_size, stretched);
}

enum slots_error slots_add_stretched(struct slots *slots, const uint8_t *persona_key, const struct slot_pin *begun,
                                     const uint8_t *stretched, const struct slots_binding *binding,
                                     struct random_stream *random) {
    if (slots->count == SLOTS_MAX)
        return SLOTS_FULL;
    if (binding != NULL && binding->blob_size > SLOTS_BINDING_MAX)
        return SLOTS_TOO_LONG;
    struct slot *slot = &slots->slots[slots->count];
    *slot = (struct slot){.type = SLOT_PIN, .pin = *begun};
    if (binding != NULL && binding->blob_size > 0) {
        memcpy(slot->pin.binding, binding->blob, binding->blob_size);
        slot->pin.binding_size = binding->blob_size;
    }
    if (random_bytes(random, slot->pin.nonce, sizeof(slot->pin.nonce)) != RANDOM_OK)
        return SLOTS_NO_RANDOM;
    enum slots_error error = wrap(slots, &slot->pin, stretched, binding == NULL ? NULL : binding->secret, persona_key);
    if (error == SLOTS_OK)
        slots->count++;
    return error;
}

enum slots_error slots_add_pin(struct slots *slots, const uint8_t *persona_key, const void *pin, size_t pin_size,
                               struct pin_cost cost, const struct slots_binding *binding,
                               struct random_stream *random) {
    struct slot_pin slot;
    uint8_t stretched[PIN_KEY_SIZE];
    if (slots->count == SLOTS_MAX)
        return SLOTS_FULL;
    enum slots_error error = slots_begin_pin(&slot, pin, pin_size, cost, random, stretched);
    if (error == SLOTS_OK)
        error = slots_add_stretched(slots, persona_key, &slot, stretched, binding, random);
    crypto_wipe(stretched, sizeof(stretched));
    return error;
}

enum slots_error slots_add(struct slots *slots, const struct slot *slot) {
    if (slots->count == SLOTS_MAX)
        return SLOTS_FULL;
    if (slot->type != SLOT_DEVICE && slot->type != SLOT_ESCROW)
        return SLOTS_MALFORMED;
    slots->slots[slots->count++] = *slot;
    return SLOTS_OK;
}

enum slots_error slots_add_sealed(struct slots *slots, enum slot_type type, const uint8_t *persona_key,
                                  const struct p256_public *to, struct random_stream *random) {
    return slots_add_payload(slots, type, persona_key, KEYS_SIZE, to, random);
}

enum slots_error slots_add_payload(struct slots *slots, enum slot_type type, const uint8_t *payload, size_t size,
                                   const struct p256_public *to, struct random_stream *random) {
    uint8_t context[CONTEXT_MAX];
    struct cose_external external = {context, write_sealed_context(slots, type, context)};
    struct cose_content content = {SLOT_TYPE, payload, size};
    if (slots->count == SLOTS_MAX)
        return SLOTS_FULL;
    if (size > SLOTS_PAYLOAD_MAX)
        return SLOTS_TOO_LONG;
    if (type != SLOT_DEVICE && type != SLOT_ESCROW)
        return SLOTS_MALFORMED;
    struct slot *slot = &slots->slots[slots->count];
    *slot = (struct slot){.type = type};
    enum cose_error error = cose_encrypt_write(&content, &external, to, 1, random, slot->sealed.object,
                                               sizeof(slot->sealed.object), &slot->sealed.size);
    if (error == COSE_OK)
        slots->count++;
    return error == COSE_BAD_KEY ? SLOTS_MALFORMED : error_of_cose(error);
}

size_t slots_find(const struct slots *slots, enum slot_type type, size_t from) {
    for (size_t i = from; i < slots->count; i++)
        if (slots->slots[i].type == type)
            return i;
    return SIZE_MAX;
}

enum slots_error slots_remove(struct slots *slots, size_t index) {
    if (index >= slots->count)
        return SLOTS_NO_SLOT;
    slots->count--;
    memmove(&slots->slots[index], &slots->slots[index + 1], (slots->count - index) * sizeof(slots->slots[0]));
    crypto_wipe(&slots->slots[slots->count], sizeof(slots->slots[0]));
    return SLOTS_OK;
}

static const struct slot_pin *pin_slot(const struct slots *slots, size_t index) {
    bool there = index < slots->count && slots->slots[index].type == SLOT_PIN;
    return there ? &slots->slots[index].pin : NULL;
}

enum slots_error slots_stretch_pin(const struct slots *slots, size_t index, const void *pin, size_t pin_size,
                                   uint8_t *stretched) {
    const struct slot_pin *slot = pin_slot(slots, index);
    memset(stretched, 0, PIN_KEY_SIZE);
    return slot == NULL ? SLOTS_NO_SLOT : stretch(slot, pin, pin_size, stretched);
}

enum slots_error slots_open_stretched(const struct slots *slots, size_t index, const uint8_t *stretched,
                                      const uint8_t *secret, uint8_t *persona_key) {
    const struct slot_pin *slot = pin_slot(slots, index);
    uint8_t context[CONTEXT_MAX];
    struct aead aead = {0};
    memset(persona_key, 0, KEYS_SIZE);
    if (slot == NULL)
        return SLOTS_NO_SLOT;
    if (slot->binding_size > 0 && secret == NULL)
        return SLOTS_NEEDS_SECRET;
    enum slots_error error = open_wrapping(&aead, slot, stretched, secret);
    if (error == SLOTS_OK) {
        struct aead_binding binding = bind_pin(slots, slot, context);
        enum aead_error opened =
            aead_decrypt(&aead, &binding, slot->wrapped, KEYS_SIZE, persona_key, slot->wrapped + KEYS_SIZE);
        error = opened == AEAD_OK ? SLOTS_OK : opened == AEAD_NOT_AUTHENTIC ? SLOTS_WRONG_PIN : SLOTS_FAILED;
    }
    aead_close(&aead);
    return error;
}

enum slots_error slots_open_pin(const struct slots *slots, size_t index, const void *pin, size_t pin_size,
                                const uint8_t *secret, uint8_t *persona_key) {
    const struct slot_pin *slot = pin_slot(slots, index);
    uint8_t stretched[PIN_KEY_SIZE];
    memset(persona_key, 0, KEYS_SIZE);
    if (slot != NULL && slot->binding_size > 0 && secret == NULL)
        return SLOTS_NEEDS_SECRET;
    enum slots_error error = slots_stretch_pin(slots, index, pin, pin_size, stretched);
    if (error == SLOTS_OK)
        error = slots_open_stretched(slots, index, stretched, secret, persona_key);
    crypto_wipe(stretched, sizeof(stretched));
    return error;
}

enum slots_error slots_open_sealed(const struct slots *slots, size_t index, const struct p256_agreer *agreer,
                                   uint8_t *persona_key) {
    return slots_open_payload(slots, index, agreer, persona_key, KEYS_SIZE);
}

enum slots_error slots_open_payload(const struct slots *slots, size_t index, const struct p256_agreer *agreer,
                                    uint8_t *payload, size_t size) {
    uint8_t context[CONTEXT_MAX];
    struct cose_encrypt encrypt;
    size_t opened = 0;
    memset(payload, 0, size);
    if (index >= slots->count || slots->slots[index].type == SLOT_PIN)
        return SLOTS_NO_SLOT;
    const struct slot *slot = &slots->slots[index];
    struct cose_external external = {context, write_sealed_context(slots, slot->type, context)};
    enum cose_error error = cose_encrypt_read(&encrypt, slot->sealed.object, slot->sealed.size);
    if (error == COSE_OK)
        error = cose_encrypt_open(&encrypt, SLOT_TYPE, &external, agreer, payload, size, &opened);
    // One that is longer has no room.
    if (error == COSE_NO_ROOM || (error == COSE_OK && opened != size))
        error = COSE_NOT_AUTHENTIC;
    if (error != COSE_OK)
        crypto_wipe(payload, size);
    return error_of_cose(error);
}
