// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "manifest_format.h"
#include "text.h"

static void read_memory(struct cbor_reader *reader, struct config_memory *memory) {
    (void)cbor_read_array_of(reader, 2, 2);
    memory->kind = (enum config_memory_kind)text_read_range(reader, CONFIG_MEMORY_EQUAL, CONFIG_MEMORY_BYTES);
    uint64_t most = memory->kind == CONFIG_MEMORY_EQUAL     ? 0
                    : memory->kind == CONFIG_MEMORY_PERCENT ? 100
                                                            : MANIFEST_COMPONENT_SIZE_MAX;
    memory->value = text_read_range(reader, most == 0 ? 0 : 1, most);
}

static void read_boards(struct cbor_reader *reader, struct manifest *manifest) {
    manifest->board_count = (size_t)cbor_read_array_of(reader, 1, MANIFEST_BOARDS_MAX);
    for (size_t i = 0; i < manifest->board_count; i++)
        text_read_name(reader, manifest->boards[i]);
}

static void read_devices(struct cbor_reader *reader, struct manifest *manifest) {
    manifest->device_count = (size_t)cbor_read_array_of(reader, 1, MANIFEST_DEVICES_MAX);
    manifest->devices = reader->next;
    for (size_t i = 0; i < manifest->device_count; i++)
        if (cbor_read_bytes(reader, P256_THUMBPRINT_SIZE).size != P256_THUMBPRINT_SIZE)
            reader->failed = true;
}

static void read_packed(struct cbor_reader *reader, struct manifest_component *component) {
    (void)cbor_read_array_of(reader, 2, 2);
    component->packing = (enum manifest_packing)text_read_range(reader, MANIFEST_LZ4, MANIFEST_LZ4);
    component->unpacked = text_read_range(reader, 1, MANIFEST_COMPONENT_SIZE_MAX);
}

static void read_component(struct cbor_reader *reader, struct manifest_component *component) {
    struct cbor_map map = cbor_read_map(reader);
    cbor_map_need(reader, &map, COMPONENT_KIND);
    component->kind = (enum manifest_kind)text_read_range(reader, MANIFEST_KERNEL, MANIFEST_ROOT);
    cbor_map_need(reader, &map, COMPONENT_FILE);
    text_read_file_name(reader, component->file);
    cbor_map_need(reader, &map, COMPONENT_SIZE);
    component->size = text_read_range(reader, 1, MANIFEST_COMPONENT_SIZE_MAX);
    cbor_map_need(reader, &map, COMPONENT_DIGEST);
    cbor_read_exactly(reader, component->digest, sizeof(component->digest));
    cbor_map_need(reader, &map, COMPONENT_MEMORY);
    component->memory = text_read_range(reader, 0, MANIFEST_COMPONENT_SIZE_MAX);
    if (cbor_map_has(reader, &map, COMPONENT_PACKED))
        read_packed(reader, component);
    cbor_map_end(reader, &map);
}

/* Each kind and each file once, in the kinds' order; a kernel is needed. */
static bool components_are_good(const struct manifest *manifest) {
    const struct manifest_component *components = manifest->components;
    for (size_t i = 1; i < manifest->component_count; i++) {
        if (components[i].kind <= components[i - 1].kind)
            return false;
        for (size_t j = 0; j < i; j++)
            if (strcmp(components[i].file, components[j].file) == 0)
                return false;
    }
    return components[0].kind == MANIFEST_KERNEL;
}

static void read_components(struct cbor_reader *reader, struct manifest *manifest) {
    manifest->component_count = (size_t)cbor_read_array_of(reader, 1, MANIFEST_COMPONENTS_MAX);
    for (size_t i = 0; i < manifest->component_count; i++)
        read_component(reader, &manifest->components[i]);
    if (!components_are_good(manifest))
        reader->failed = true;
}

static void read_identity(struct cbor_reader *reader, struct cbor_map *map, struct manifest *manifest) {
    cbor_map_need(reader, map, KEY_FORMAT);
    (void)text_read_range(reader, MANIFEST_FORMAT, MANIFEST_FORMAT);
    cbor_map_need(reader, map, KEY_ID);
    cbor_read_exactly(reader, manifest->id, sizeof(manifest->id));
    cbor_map_need(reader, map, KEY_NAME);
    text_read_name(reader, manifest->name);
    cbor_map_need(reader, map, KEY_TITLE);
    text_read(reader, manifest->title, sizeof(manifest->title));
    cbor_map_need(reader, map, KEY_VERSION);
    manifest->version = text_read_range(reader, 1, UINT64_MAX);
    cbor_map_need(reader, map, KEY_MINIMUM_VERSION);
    manifest->minimum_version = text_read_range(reader, 1, manifest->version);
    cbor_map_need(reader, map, KEY_BOARDS);
    read_boards(reader, manifest);
    if (cbor_map_has(reader, map, KEY_DEVICES))
        read_devices(reader, manifest);
}

static void read_settings(struct cbor_reader *reader, struct cbor_map *map, struct manifest *manifest) {
    cbor_map_need(reader, map, KEY_COMMAND_LINE);
    text_read(reader, manifest->command_line, sizeof(manifest->command_line));
    cbor_map_need(reader, map, KEY_MEMORY);
    read_memory(reader, &manifest->memory);
    cbor_map_need(reader, map, KEY_UNLOCK);
    manifest->unlock = (enum manifest_unlock)text_read_range(reader, MANIFEST_UNLOCK_DEVICE, MANIFEST_UNLOCK_PIN);
    if (cbor_map_has(reader, map, KEY_FLIP_TIMEOUT))
        manifest->flip_timeout_s = (uint32_t)text_read_range(reader, 1, CONFIG_FLIP_TIMEOUT_MAX);
}

static void read_flip_policy(struct cbor_reader *reader, struct cbor_map *map, struct manifest *manifest) {
    if (cbor_map_has(reader, map, KEY_PREWARM))
        manifest->prewarm_s = (uint32_t)text_read_range(reader, 1, CONFIG_PREWARM_MAX);
    manifest->alarm_flip = cbor_map_has(reader, map, KEY_ALARM_FLIP);
    // Without it the key is left out, so that a manifest has one form only.
    if (manifest->alarm_flip && !cbor_read_bool(reader))
        reader->failed = true;
}

bool manifest_read(struct manifest *manifest, struct cbor_bytes payload) {
    struct cbor_reader reader = cbor_read(payload.start, payload.size);
    struct cbor_map map = cbor_read_map(&reader);
    memset(manifest, 0, sizeof(*manifest));
    read_identity(&reader, &map, manifest);
    read_settings(&reader, &map, manifest);
    cbor_map_need(&reader, &map, KEY_COMPONENTS);
    read_components(&reader, manifest);
    read_flip_policy(&reader, &map, manifest);
    cbor_map_end(&reader, &map);
    if (cbor_read_end(&reader))
        return true;
    memset(manifest, 0, sizeof(*manifest));
    return false;
}
