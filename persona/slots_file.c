// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "crypto/digest.h"
#include "slots_format.h"
#include "text.h"

enum { MAC_ITEM = 2 + DIGEST_SIZE }; /* bytes at the file's end */

static void read_pin(struct cbor_reader *reader, struct cbor_map *map, struct slot_pin *pin) {
    cbor_map_need(reader, map, SLOT_KEY_SALT);
    cbor_read_exactly(reader, pin->salt, sizeof(pin->salt));
    cbor_map_need(reader, map, SLOT_KEY_COST);
    (void)cbor_read_array_of(reader, 2, 2);
    pin->cost.memory_kib = (uint32_t)text_read_range(reader, PIN_MEMORY_MIN, PIN_MEMORY_MAX);
    pin->cost.passes = (uint32_t)text_read_range(reader, 1, PIN_PASSES_MAX);
    // Believed before anything is authenticated: so no more than the slowest that one of our devices chooses.
    if (!pin_cost_is_good(pin->cost))
        reader->failed = true;
    if (cbor_map_has(reader, map, SLOT_KEY_BINDING)) {
        struct cbor_bytes binding = cbor_read_bytes(reader, sizeof(pin->binding));
        memcpy(pin->binding, binding.start, binding.size);
        pin->binding_size = binding.size;
        if (binding.size == 0)
            reader->failed = true;
    }
    cbor_map_need(reader, map, SLOT_KEY_NONCE);
    cbor_read_exactly(reader, pin->nonce, sizeof(pin->nonce));
    cbor_map_need(reader, map, SLOT_KEY_WRAPPED);
    cbor_read_exactly(reader, pin->wrapped, sizeof(pin->wrapped));
}

static void read_sealed(struct cbor_reader *reader, struct cbor_map *map, struct slot_sealed *sealed) {
    struct cose_encrypt encrypt;
    cbor_map_need(reader, map, SLOT_KEY_SEALED);
    struct cbor_bytes object = cbor_read_bytes(reader, sizeof(sealed->object));
    if (cose_encrypt_read(&encrypt, object.start, object.size) != COSE_OK)
        reader->failed = true;
    memcpy(sealed->object, object.start, object.size);
    sealed->size = object.size;
}

static void read_slot(struct cbor_reader *reader, struct slot *slot) {
    struct cbor_map map = cbor_read_map(reader);
    cbor_map_need(reader, &map, SLOT_KEY_TYPE);
    slot->type = (enum slot_type)text_read_range(reader, SLOT_PIN, SLOT_ESCROW);
    if (slot->type == SLOT_PIN)
        read_pin(reader, &map, &slot->pin);
    else
        read_sealed(reader, &map, &slot->sealed);
    cbor_map_end(reader, &map);
}

enum slots_error slots_read(struct slots *slots, const uint8_t *id, const uint8_t *file, size_t size) {
    struct cbor_reader reader = cbor_read(file, text_unpadded(file, size));
    uint8_t mac[DIGEST_SIZE];
    memset(slots, 0, sizeof(*slots));
    (void)cbor_read_array_of(&reader, SLOTS_ITEMS, SLOTS_ITEMS);
    (void)text_read_range(&reader, SLOTS_FORMAT, SLOTS_FORMAT);
    cbor_read_exactly(&reader, slots->id, sizeof(slots->id));
    slots->generation = cbor_read_uint(&reader);
    slots->count = (size_t)cbor_read_array_of(&reader, 0, SLOTS_MAX);
    for (size_t i = 0; i < slots->count; i++)
        read_slot(&reader, &slots->slots[i]);
    cbor_read_exactly(&reader, mac, sizeof(mac));
    enum slots_error error = cbor_read_end(&reader) ? SLOTS_OK : SLOTS_MALFORMED;
    if (error == SLOTS_OK && id != NULL && memcmp(slots->id, id, sizeof(slots->id)) != 0)
        error = SLOTS_WRONG_PERSONA;
    if (error != SLOTS_OK)
        memset(slots, 0, sizeof(*slots));
    return error;
}

enum slots_error slots_check(const struct slots *slots, const uint8_t *persona_key, const uint8_t *file, size_t size) {
    uint8_t mac[KEYS_MAC_SIZE];
    size = text_unpadded(file, size);
    if (size < MAC_ITEM)
        return SLOTS_ALTERED;
    if (keys_mac(persona_key, KEYS_SLOTS, slots->id, file, size - MAC_ITEM, mac) != KEYS_OK)
        return SLOTS_FAILED;
    return crypto_equal(mac, file + size - DIGEST_SIZE, sizeof(mac)) ? SLOTS_OK : SLOTS_ALTERED;
}

static void write_pin(struct cbor_writer *writer, const struct slot_pin *pin) {
    cbor_write_map(writer, pin->binding_size > 0 ? 6 : 5);
    cbor_write_int(writer, SLOT_KEY_TYPE);
    cbor_write_uint(writer, SLOT_PIN);
    cbor_write_int(writer, SLOT_KEY_SALT);
    cbor_write_bytes(writer, pin->salt, sizeof(pin->salt));
    cbor_write_int(writer, SLOT_KEY_COST);
    cbor_write_array(writer, 2);
    cbor_write_uint(writer, pin->cost.memory_kib);
    cbor_write_uint(writer, pin->cost.passes);
    if (pin->binding_size > 0) {
        cbor_write_int(writer, SLOT_KEY_BINDING);
        cbor_write_bytes(writer, pin->binding, pin->binding_size);
    }
    cbor_write_int(writer, SLOT_KEY_NONCE);
    cbor_write_bytes(writer, pin->nonce, sizeof(pin->nonce));
    cbor_write_int(writer, SLOT_KEY_WRAPPED);
    cbor_write_bytes(writer, pin->wrapped, sizeof(pin->wrapped));
}

static void write_sealed(struct cbor_writer *writer, const struct slot *slot) {
    cbor_write_map(writer, 2);
    cbor_write_int(writer, SLOT_KEY_TYPE);
    cbor_write_uint(writer, (uint64_t)slot->type);
    cbor_write_int(writer, SLOT_KEY_SEALED);
    cbor_write_bytes(writer, slot->sealed.object, slot->sealed.size);
}

enum slots_error slots_write(const struct slots *slots, const uint8_t *persona_key, uint8_t *file, size_t room,
                             size_t *size) {
    struct cbor_writer writer = cbor_write(file, room);
    uint8_t mac[KEYS_MAC_SIZE];
    *size = 0;
    cbor_write_array(&writer, SLOTS_ITEMS);
    cbor_write_uint(&writer, SLOTS_FORMAT);
    cbor_write_bytes(&writer, slots->id, sizeof(slots->id));
    cbor_write_uint(&writer, slots->generation + 1);
    cbor_write_array(&writer, slots->count);
    for (size_t i = 0; i < slots->count; i++) {
        if (slots->slots[i].type == SLOT_PIN)
            write_pin(&writer, &slots->slots[i].pin);
        else
            write_sealed(&writer, &slots->slots[i]);
    }
    if (!writer.failed && keys_mac(persona_key, KEYS_SLOTS, slots->id, file, writer.size, mac) != KEYS_OK)
        return SLOTS_FAILED;
    cbor_write_bytes(&writer, mac, sizeof(mac));
    if (writer.failed)
        return SLOTS_TOO_LONG;
    *size = writer.size;
    return SLOTS_OK;
}

void slots_written(struct slots *slots) { slots->generation++; }
