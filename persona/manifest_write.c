// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "manifest_format.h"
#include "signed.h"

static void write_key(struct cbor_writer *writer, int64_t key) { cbor_write_int(writer, key); }

static void write_component(struct cbor_writer *writer, const struct manifest_component *component) {
    const bool packed = component->packing != MANIFEST_AS_IT_IS;
    cbor_write_map(writer, packed ? COMPONENT_PACKED : COMPONENT_MEMORY);
    write_key(writer, COMPONENT_KIND);
    cbor_write_uint(writer, (uint64_t)component->kind);
    write_key(writer, COMPONENT_FILE);
    cbor_write_text(writer, component->file);
    write_key(writer, COMPONENT_SIZE);
    cbor_write_uint(writer, component->size);
    write_key(writer, COMPONENT_DIGEST);
    cbor_write_bytes(writer, component->digest, sizeof(component->digest));
    write_key(writer, COMPONENT_MEMORY);
    cbor_write_uint(writer, component->memory);
    if (!packed)
        return;
    write_key(writer, COMPONENT_PACKED);
    cbor_write_array(writer, 2);
    cbor_write_uint(writer, (uint64_t)component->packing);
    cbor_write_uint(writer, component->unpacked);
}

static void write_targets(struct cbor_writer *writer, const struct manifest *manifest, const uint8_t *devices) {
    write_key(writer, KEY_BOARDS);
    cbor_write_array(writer, manifest->board_count);
    for (size_t i = 0; i < manifest->board_count; i++)
        cbor_write_text(writer, manifest->boards[i]);
    if (manifest->device_count == 0)
        return;
    write_key(writer, KEY_DEVICES);
    cbor_write_array(writer, manifest->device_count);
    for (size_t i = 0; i < manifest->device_count; i++)
        cbor_write_bytes(writer, devices + i * P256_THUMBPRINT_SIZE, P256_THUMBPRINT_SIZE);
}

static void write_identity(struct cbor_writer *writer, const struct manifest *manifest) {
    write_key(writer, KEY_FORMAT);
    cbor_write_uint(writer, MANIFEST_FORMAT);
    write_key(writer, KEY_ID);
    cbor_write_bytes(writer, manifest->id, sizeof(manifest->id));
    write_key(writer, KEY_NAME);
    cbor_write_text(writer, manifest->name);
    write_key(writer, KEY_TITLE);
    cbor_write_text(writer, manifest->title);
    write_key(writer, KEY_VERSION);
    cbor_write_uint(writer, manifest->version);
    write_key(writer, KEY_MINIMUM_VERSION);
    cbor_write_uint(writer, manifest->minimum_version);
}

static void write_settings(struct cbor_writer *writer, const struct manifest *manifest) {
    write_key(writer, KEY_COMMAND_LINE);
    cbor_write_text(writer, manifest->command_line);
    write_key(writer, KEY_MEMORY);
    cbor_write_array(writer, 2);
    cbor_write_uint(writer, (uint64_t)manifest->memory.kind);
    cbor_write_uint(writer, manifest->memory.value);
    write_key(writer, KEY_UNLOCK);
    cbor_write_uint(writer, (uint64_t)manifest->unlock);
    if (manifest->flip_timeout_s == 0)
        return;
    write_key(writer, KEY_FLIP_TIMEOUT);
    cbor_write_uint(writer, manifest->flip_timeout_s);
}

/* What came to the format later follows what there was. */
static void write_flip_policy(struct cbor_writer *writer, const struct manifest *manifest) {
    if (manifest->prewarm_s != 0) {
        write_key(writer, KEY_PREWARM);
        cbor_write_uint(writer, manifest->prewarm_s);
    }
    if (manifest->alarm_flip) {
        write_key(writer, KEY_ALARM_FLIP);
        cbor_write_bool(writer, true);
    }
}

static uint64_t items_of(const struct manifest *manifest) {
    bool left_out[] = {manifest->device_count == 0, manifest->flip_timeout_s == 0, manifest->prewarm_s == 0,
                       !manifest->alarm_flip};
    uint64_t items = KEY_ALARM_FLIP;
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        items -= left_out[i] ? 1U : 0U;
    return items;
}

static void write_payload(struct cbor_writer *writer, const struct manifest *manifest, const uint8_t *devices) {
    cbor_write_map(writer, items_of(manifest));
    write_identity(writer, manifest);
    write_targets(writer, manifest, devices);
    write_settings(writer, manifest);
    write_key(writer, KEY_COMPONENTS);
    cbor_write_array(writer, manifest->component_count);
    for (size_t i = 0; i < manifest->component_count; i++)
        write_component(writer, &manifest->components[i]);
    write_flip_policy(writer, manifest);
}

static enum manifest_error sign(struct cbor_bytes payload, const struct p256_signer *signer, uint8_t *object,
                                size_t room, size_t *size) {
    struct cose_content content = {MANIFEST_TYPE, payload.start, payload.size};
    enum cose_error error = cose_sign1_write(&content, signer, object, room, size);
    if (error == COSE_OK)
        return MANIFEST_OK;
    return error == COSE_NO_ROOM ? MANIFEST_TOO_LONG : MANIFEST_SIGNING_FAILED;
}

enum manifest_error manifest_write(const struct manifest *manifest, const uint8_t *devices,
                                   const struct cbor_bytes *chain, size_t chain_count, const struct p256_signer *signer,
                                   uint8_t *file, size_t room, size_t *size) {
    static uint8_t payload[MANIFEST_SIZE_MAX];
    static uint8_t object[MANIFEST_SIZE_MAX];
    struct manifest check;
    struct cbor_writer payload_writer = cbor_write(payload, sizeof(payload));
    struct cbor_writer writer = cbor_write(file, room < MANIFEST_SIZE_MAX ? room : MANIFEST_SIZE_MAX);
    size_t object_size = 0;

    *size = 0;
    if (manifest->board_count > MANIFEST_BOARDS_MAX || manifest->component_count > MANIFEST_COMPONENTS_MAX ||
        manifest->device_count > MANIFEST_DEVICES_MAX || chain_count > DELEGATION_CHAIN_MAX)
        return MANIFEST_MALFORMED;
    write_payload(&payload_writer, manifest, devices);
    if (payload_writer.failed)
        return MANIFEST_TOO_LONG;
    if (!manifest_read(&check, (struct cbor_bytes){payload, payload_writer.size}))
        return MANIFEST_MALFORMED;
    enum manifest_error error =
        sign((struct cbor_bytes){payload, payload_writer.size}, signer, object, sizeof(object), &object_size);
    if (error != MANIFEST_OK)
        return error;
    cbor_write_array(&writer, 2);
    signed_write(&writer, chain, chain_count, object, object_size);
    *size = writer.failed ? 0 : writer.size;
    return writer.failed ? MANIFEST_TOO_LONG : MANIFEST_OK;
}
