// SPDX-License-Identifier: BSD-3-Clause
#include "persona/grant.h"

#include <string.h>

#include "crypto/digest.h"
#include "crypto/hkdf.h"
#include "signed.h"
#include "text.h"

/* persona/persona.cddl */
enum {
    FORMAT = 1,
    KEY_FORMAT = 1,
    KEY_KIND,
    KEY_ID,
    KEY_DEVICE,
    KEY_CHECK,
    KEY_NUMBER,
    KEY_UNLOCK,
    KEY_DEVICE_SLOT,
    KEY_ESCROW_SLOT,
    KEY_ACTIVATION,
    ACTIVATION_ITEMS = 3,
    CODE_WRAPPED_SIZE = KEYS_SIZE + KEY_WRAP_OVERHEAD,
    PAYLOAD_MAX = 2 * SLOTS_SEALED_MAX + 256,
};

const char *grant_error_text(enum grant_error error) {
    switch (error) {
    case GRANT_OK:
        return "no error";
    case GRANT_ABSENT:
        return "there is no grant";
    case GRANT_MALFORMED:
        return "the grant is damaged";
    case GRANT_NOT_TRUSTED:
        return "the grant is not signed for this organisation";
    case GRANT_WRONG_SIGNER:
        return "the grant is signed by a key that may not do so";
    case GRANT_BAD_SIGNATURE:
        return "the grant was altered";
    case GRANT_WRONG_PERSONA:
        return "the grant is for another persona";
    case GRANT_WRONG_DEVICE:
        return "the grant is for another device";
    case GRANT_TAKEN:
        return "the grant was taken already";
    case GRANT_WRONG_KEY:
        return "the grant has another key than the persona's";
    case GRANT_CODE_NEEDED:
        return "the activation code is needed, which the organisation gave to the user";
    case GRANT_WRONG_CODE:
        return "wrong activation code";
    case GRANT_NO_MEMORY:
        return "not enough memory to check the activation code";
    case GRANT_TOO_LONG:
        return "the grant is too long";
    case GRANT_NO_RANDOM:
        return "no random numbers";
    case GRANT_SIGNING_FAILED:
        return "signing failed";
    case GRANT_UNAVAILABLE:
        return "the token or TPM with the key failed";
    case GRANT_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

const char *grant_fault_text(struct grant_fault fault) {
    return fault.error == GRANT_NOT_TRUSTED ? delegation_error_text(fault.delegation) : grant_error_text(fault.error);
}

static enum grant_error error_of_slots(enum slots_error error) {
    switch (error) {
    case SLOTS_OK:
        return GRANT_OK;
    case SLOTS_WRONG_KEY:
        return GRANT_WRONG_DEVICE;
    case SLOTS_ALTERED:
    case SLOTS_MALFORMED:
        return GRANT_MALFORMED;
    case SLOTS_NO_RANDOM:
        return GRANT_NO_RANDOM;
    case SLOTS_UNAVAILABLE:
        return GRANT_UNAVAILABLE;
    default:
        return GRANT_FAILED;
    }
}

static bool check_of(const struct grant *grant, const uint8_t *persona_key, uint8_t *check) {
    return keys_derive(persona_key, KEYS_CHECK, grant->id, 0, check, KEYS_SIZE) == KEYS_OK;
}

/* ---- Activation code */

enum grant_error grant_code_key(const struct grant *grant, const char *code, uint8_t *code_key) {
    static const char label[] = "flipside activation 1";
    uint8_t stretched[PIN_KEY_SIZE];
    memset(code_key, 0, GRANT_CODE_KEY_SIZE);
    enum pin_error error =
        pin_stretch(code, ACTIVATION_SYMBOLS, grant->salt, sizeof(grant->salt), grant->cost, stretched);
    if (error == PIN_OK && hkdf_expand(stretched, label, sizeof(label) - 1, code_key, GRANT_CODE_KEY_SIZE) != HKDF_OK)
        error = PIN_FAILED;
    crypto_wipe(stretched, sizeof(stretched));
    if (error == PIN_OK)
        return GRANT_OK;
    return error == PIN_NO_MEMORY ? GRANT_NO_MEMORY : GRANT_FAILED;
}

static enum grant_error wrap_by_code(const struct grant *grant, const char *code, const uint8_t *persona_key,
                                     uint8_t *wrapped) {
    uint8_t code_key[GRANT_CODE_KEY_SIZE];
    enum grant_error error = grant_code_key(grant, code, code_key);
    if (error == GRANT_OK && key_wrap(code_key, persona_key, KEYS_SIZE, wrapped) != AEAD_OK)
        error = GRANT_FAILED;
    crypto_wipe(code_key, sizeof(code_key));
    return error;
}

static enum grant_error seal_with_code(struct grant *grant, struct slots *slots, const uint8_t *persona_key,
                                       const struct grant_target *target, struct random_stream *random) {
    uint8_t wrapped[CODE_WRAPPED_SIZE] = {0};
    if (grant->unlock != MANIFEST_UNLOCK_PIN)
        return GRANT_MALFORMED;
    grant->cost = target->cost;
    if (grant->cost.memory_kib == 0)
        grant->cost = (struct pin_cost){GRANT_CODE_MEMORY_KIB, GRANT_CODE_PASSES};
    if (random_bytes(random, grant->salt, sizeof(grant->salt)) != RANDOM_OK)
        return GRANT_NO_RANDOM;
    enum grant_error error = wrap_by_code(grant, target->code, persona_key, wrapped);
    if (error == GRANT_OK)
        error = error_of_slots(slots_add_payload(slots, SLOT_DEVICE, wrapped, sizeof(wrapped), target->device, random));
    crypto_wipe(wrapped, sizeof(wrapped));
    return error;
}

enum grant_error grant_seal(struct grant *grant, const uint8_t *persona_key, const struct grant_target *target,
                            struct random_stream *random) {
    struct slots slots;
    slots_begin(&slots, grant->id);
    grant->activation = target->code != NULL;
    enum grant_error error =
        grant->activation ? seal_with_code(grant, &slots, persona_key, target, random)
                          : error_of_slots(slots_add_sealed(&slots, SLOT_DEVICE, persona_key, target->device, random));
    if (error == GRANT_OK)
        error = error_of_slots(slots_add_sealed(&slots, SLOT_ESCROW, persona_key, target->escrow, random));
    if (error != GRANT_OK)
        return error;
    grant->device_slot = slots.slots[0];
    grant->escrow_slot = slots.slots[1];
    bool good = check_of(grant, persona_key, grant->check) && p256_thumbprint(target->device, grant->device) == P256_OK;
    return good ? GRANT_OK : GRANT_FAILED;
}

/* ---- Writing */

static void write_activation(struct cbor_writer *writer, const struct grant *grant) {
    cbor_write_int(writer, KEY_ACTIVATION);
    cbor_write_array(writer, ACTIVATION_ITEMS);
    cbor_write_bytes(writer, grant->salt, sizeof(grant->salt));
    cbor_write_uint(writer, grant->cost.memory_kib);
    cbor_write_uint(writer, grant->cost.passes);
}

static size_t write_payload(const struct grant *grant, uint8_t *payload) {
    struct cbor_writer writer = cbor_write(payload, PAYLOAD_MAX);
    cbor_write_map(&writer, grant->activation ? KEY_ACTIVATION : KEY_ESCROW_SLOT);
    cbor_write_int(&writer, KEY_FORMAT);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_int(&writer, KEY_KIND);
    cbor_write_uint(&writer, (uint64_t)grant->kind);
    cbor_write_int(&writer, KEY_ID);
    cbor_write_bytes(&writer, grant->id, sizeof(grant->id));
    cbor_write_int(&writer, KEY_DEVICE);
    cbor_write_bytes(&writer, grant->device, sizeof(grant->device));
    cbor_write_int(&writer, KEY_CHECK);
    cbor_write_bytes(&writer, grant->check, sizeof(grant->check));
    cbor_write_int(&writer, KEY_NUMBER);
    cbor_write_uint(&writer, grant->number);
    cbor_write_int(&writer, KEY_UNLOCK);
    cbor_write_uint(&writer, (uint64_t)grant->unlock);
    cbor_write_int(&writer, KEY_DEVICE_SLOT);
    cbor_write_bytes(&writer, grant->device_slot.sealed.object, grant->device_slot.sealed.size);
    cbor_write_int(&writer, KEY_ESCROW_SLOT);
    cbor_write_bytes(&writer, grant->escrow_slot.sealed.object, grant->escrow_slot.sealed.size);
    if (grant->activation)
        write_activation(&writer, grant);
    return writer.failed ? 0 : writer.size;
}

/* ---- Reading */

static void read_slot(struct cbor_reader *reader, enum slot_type type, struct slot *slot) {
    struct cose_encrypt encrypt;
    struct cbor_bytes object = cbor_read_bytes(reader, sizeof(slot->sealed.object));
    if (cose_encrypt_read(&encrypt, object.start, object.size) != COSE_OK)
        reader->failed = true;
    slot->type = type;
    memcpy(slot->sealed.object, object.start, object.size);
    slot->sealed.size = object.size;
}

/* A code where the user sets no PIN would be for nothing: no device is to ask for one. */
static void read_activation(struct cbor_reader *reader, struct cbor_map *map, struct grant *grant) {
    grant->activation = cbor_map_has(reader, map, KEY_ACTIVATION);
    if (!grant->activation)
        return;
    (void)cbor_read_array_of(reader, ACTIVATION_ITEMS, ACTIVATION_ITEMS);
    cbor_read_exactly(reader, grant->salt, sizeof(grant->salt));
    grant->cost.memory_kib = (uint32_t)text_read_range(reader, PIN_MEMORY_MIN, PIN_MEMORY_MAX);
    grant->cost.passes = (uint32_t)text_read_range(reader, 1, PIN_PASSES_MAX);
    if (!pin_cost_is_good(grant->cost) || grant->unlock != MANIFEST_UNLOCK_PIN)
        reader->failed = true;
}

static bool read_payload(struct grant *grant, struct cbor_bytes payload) {
    struct cbor_reader reader = cbor_read(payload.start, payload.size);
    struct cbor_map map = cbor_read_map(&reader);
    memset(grant, 0, sizeof(*grant));
    cbor_map_need(&reader, &map, KEY_FORMAT);
    (void)text_read_range(&reader, FORMAT, FORMAT);
    cbor_map_need(&reader, &map, KEY_KIND);
    grant->kind = (enum grant_kind)text_read_range(&reader, GRANT_ISSUE, GRANT_RECOVERY);
    cbor_map_need(&reader, &map, KEY_ID);
    cbor_read_exactly(&reader, grant->id, sizeof(grant->id));
    cbor_map_need(&reader, &map, KEY_DEVICE);
    cbor_read_exactly(&reader, grant->device, sizeof(grant->device));
    cbor_map_need(&reader, &map, KEY_CHECK);
    cbor_read_exactly(&reader, grant->check, sizeof(grant->check));
    cbor_map_need(&reader, &map, KEY_NUMBER);
    grant->number = text_read_range(&reader, 1, UINT64_MAX);
    cbor_map_need(&reader, &map, KEY_UNLOCK);
    grant->unlock = (enum manifest_unlock)text_read_range(&reader, MANIFEST_UNLOCK_DEVICE, MANIFEST_UNLOCK_PIN);
    cbor_map_need(&reader, &map, KEY_DEVICE_SLOT);
    read_slot(&reader, SLOT_DEVICE, &grant->device_slot);
    cbor_map_need(&reader, &map, KEY_ESCROW_SLOT);
    read_slot(&reader, SLOT_ESCROW, &grant->escrow_slot);
    read_activation(&reader, &map, grant);
    cbor_map_end(&reader, &map);
    return cbor_read_end(&reader);
}

static bool read_parts(struct signed_object *parts, const uint8_t *data, size_t size) {
    struct cbor_reader reader = cbor_read(data, size);
    (void)cbor_read_array_of(&reader, 2, 2);
    signed_read(&reader, parts, GRANT_SIZE_MAX);
    return cbor_read_end(&reader);
}

static enum grant_error read_file(struct signed_object *parts, struct grant *grant, const uint8_t *data, size_t size) {
    if (text_is_blank(data, size))
        return GRANT_ABSENT;
    bool good = size <= GRANT_SIZE_MAX && read_parts(parts, data, text_unpadded(data, size)) &&
                read_payload(grant, parts->sign1.payload);
    return good ? GRANT_OK : GRANT_MALFORMED;
}

static struct grant_fault fault_of(enum grant_error error) { return (struct grant_fault){.error = error}; }

static enum grant_error error_of_cose(enum cose_error error) {
    switch (error) {
    case COSE_OK:
        return GRANT_OK;
    case COSE_WRONG_KEY:
        return GRANT_WRONG_SIGNER;
    case COSE_BAD_SIGNATURE:
        return GRANT_BAD_SIGNATURE;
    case COSE_WRONG_TYPE:
    case COSE_BAD_KEY:
        return GRANT_MALFORMED;
    default:
        return GRANT_FAILED;
    }
}

static struct grant_fault verify(const struct signed_object *parts, const struct delegation_trust *trust,
                                 const struct grant *grant) {
    uint32_t role = grant->kind == GRANT_ISSUE ? DELEGATION_ROLE_MANIFEST : DELEGATION_ROLE_COMMAND;
    const struct signed_claim claim = {GRANT_TYPE, role, grant->id};
    enum cose_error error;
    enum delegation_error delegation = signed_verify(parts, trust, &claim, &error);
    if (delegation == DELEGATION_FAILED)
        return fault_of(GRANT_FAILED);
    if (delegation != DELEGATION_OK)
        return (struct grant_fault){GRANT_NOT_TRUSTED, delegation};
    return fault_of(error_of_cose(error));
}

struct grant_fault grant_open(struct grant *grant, const struct delegation_trust *trust, const uint8_t *data,
                              size_t size) {
    struct signed_object parts;
    memset(grant, 0, sizeof(*grant));
    struct grant_fault fault = fault_of(read_file(&parts, grant, data, size));
    if (fault.error == GRANT_OK)
        fault = verify(&parts, trust, grant);
    if (fault.error != GRANT_OK)
        memset(grant, 0, sizeof(*grant));
    return fault;
}

enum grant_error grant_read(struct grant *grant, const uint8_t *data, size_t size) {
    struct signed_object parts;
    memset(grant, 0, sizeof(*grant));
    enum grant_error error = read_file(&parts, grant, data, size);
    if (error != GRANT_OK)
        memset(grant, 0, sizeof(*grant));
    return error;
}

enum grant_error grant_write(const struct grant *grant, const struct cbor_bytes *chain, size_t chain_count,
                             const struct p256_signer *signer, uint8_t *file, size_t room, size_t *size) {
    uint8_t payload[PAYLOAD_MAX];
    uint8_t object[PAYLOAD_MAX + COSE_SIGN1_OVERHEAD];
    struct grant check;
    struct cbor_writer writer = cbor_write(file, room < GRANT_SIZE_MAX ? room : GRANT_SIZE_MAX);
    size_t payload_size = write_payload(grant, payload), object_size = 0;
    *size = 0;
    if (chain_count > DELEGATION_CHAIN_MAX || !read_payload(&check, (struct cbor_bytes){payload, payload_size}))
        return GRANT_MALFORMED;
    struct cose_content content = {GRANT_TYPE, payload, payload_size};
    if (cose_sign1_write(&content, signer, object, sizeof(object), &object_size) != COSE_OK)
        return GRANT_SIGNING_FAILED;
    cbor_write_array(&writer, 2);
    signed_write(&writer, chain, chain_count, object, object_size);
    *size = writer.failed ? 0 : writer.size;
    return writer.failed ? GRANT_TOO_LONG : GRANT_OK;
}

/* ---- Use */

enum grant_error grant_check(const struct grant *grant, const uint8_t *id, const uint8_t *device, uint64_t number) {
    if (memcmp(grant->id, id, sizeof(grant->id)) != 0)
        return GRANT_WRONG_PERSONA;
    if (memcmp(grant->device, device, sizeof(grant->device)) != 0)
        return GRANT_WRONG_DEVICE;
    return grant->number > number ? GRANT_OK : GRANT_TAKEN;
}

static void begin_with(struct slots *slots, const struct grant *grant, enum slot_type type) {
    slots_begin(slots, grant->id);
    slots->slots[0] = type == SLOT_DEVICE ? grant->device_slot : grant->escrow_slot;
    slots->count = 1;
}

static enum grant_error open_with_code(const struct slots *slots, const struct p256_agreer *agreer,
                                       const uint8_t *code_key, uint8_t *persona_key) {
    uint8_t wrapped[CODE_WRAPPED_SIZE];
    if (code_key == NULL)
        return GRANT_CODE_NEEDED;
    enum grant_error error = error_of_slots(slots_open_payload(slots, 0, agreer, wrapped, sizeof(wrapped)));
    if (error != GRANT_OK)
        return error;
    enum aead_error opened = key_unwrap(code_key, wrapped, persona_key, KEYS_SIZE);
    crypto_wipe(wrapped, sizeof(wrapped));
    if (opened == AEAD_OK)
        return GRANT_OK;
    return opened == AEAD_NOT_AUTHENTIC ? GRANT_WRONG_CODE : GRANT_FAILED;
}

enum grant_error grant_open_key(const struct grant *grant, enum slot_type type, const struct p256_agreer *agreer,
                                const uint8_t *code_key, uint8_t *persona_key) {
    struct slots slots;
    uint8_t check[KEYS_SIZE];
    begin_with(&slots, grant, type);
    memset(persona_key, 0, KEYS_SIZE);
    enum grant_error error = type == SLOT_DEVICE && grant->activation
                                 ? open_with_code(&slots, agreer, code_key, persona_key)
                                 : error_of_slots(slots_open_sealed(&slots, 0, agreer, persona_key));
    // What was signed is a slot that does not open: its signer made a mistake.
    if (error == GRANT_MALFORMED)
        error = GRANT_WRONG_KEY;
    if (error == GRANT_OK && !check_of(grant, persona_key, check))
        error = GRANT_FAILED;
    if (error == GRANT_OK && !crypto_equal(check, grant->check, sizeof(check)))
        error = GRANT_WRONG_KEY;
    if (error != GRANT_OK)
        crypto_wipe(persona_key, KEYS_SIZE);
    return error;
}
