// SPDX-License-Identifier: BSD-3-Clause
#include "persona/manifest.h"

#include <string.h>

#include "manifest_format.h"
#include "signed.h"

const char *manifest_error_text(enum manifest_error error) {
    switch (error) {
    case MANIFEST_OK:
        return "no error";
    case MANIFEST_MALFORMED:
        return "the manifest is damaged";
    case MANIFEST_TOO_LONG:
        return "the manifest is too long";
    case MANIFEST_NOT_TRUSTED:
        return "the manifest is not signed for this organisation";
    case MANIFEST_WRONG_SIGNER:
        return "the manifest is signed by a key that may not do so";
    case MANIFEST_BAD_SIGNATURE:
        return "the manifest was altered";
    case MANIFEST_WRONG_PERSONA:
        return "the manifest is of another persona";
    case MANIFEST_WRONG_BOARD:
        return "the persona is not for this kind of board";
    case MANIFEST_WRONG_DEVICE:
        return "the persona is not for this device";
    case MANIFEST_TOO_OLD:
        return "an older version than this device may go back to";
    case MANIFEST_NO_COMPONENT:
        return "the manifest has no such component";
    case MANIFEST_WRONG_SIZE:
        return "a file has another size than the manifest says: cut or made longer";
    case MANIFEST_WRONG_DIGEST:
        return "a file is not the one that the manifest names: altered";
    case MANIFEST_SIGNING_FAILED:
        return "signing failed";
    case MANIFEST_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

const char *manifest_fault_text(struct manifest_fault fault) {
    return fault.error == MANIFEST_NOT_TRUSTED ? delegation_error_text(fault.delegation)
                                               : manifest_error_text(fault.error);
}

static bool read_file(struct signed_object *parts, const uint8_t *data, size_t size) {
    struct cbor_reader reader = cbor_read(data, size);
    (void)cbor_read_array_of(&reader, 2, 2);
    signed_read(&reader, parts, MANIFEST_SIZE_MAX);
    return cbor_read_end(&reader);
}

bool manifest_is_one(const uint8_t *data, size_t size) {
    struct signed_object parts;
    return read_file(&parts, data, size) && cbor_text_equal(parts.sign1.type, MANIFEST_TYPE);
}

static struct manifest_fault fault_of(enum manifest_error error) { return (struct manifest_fault){.error = error}; }

static enum manifest_error error_of(enum cose_error error) {
    switch (error) {
    case COSE_OK:
        return MANIFEST_OK;
    case COSE_WRONG_KEY:
        return MANIFEST_WRONG_SIGNER;
    case COSE_BAD_SIGNATURE:
        return MANIFEST_BAD_SIGNATURE;
    case COSE_WRONG_TYPE:
    case COSE_BAD_KEY:
        return MANIFEST_MALFORMED;
    default:
        return MANIFEST_FAILED;
    }
}

static struct manifest_fault verify(const struct signed_object *parts, const struct delegation_trust *trust,
                                    const uint8_t *persona) {
    const struct signed_claim claim = {MANIFEST_TYPE, DELEGATION_ROLE_MANIFEST, persona};
    enum cose_error error;
    enum delegation_error delegation = signed_verify(parts, trust, &claim, &error);
    if (delegation == DELEGATION_FAILED)
        return fault_of(MANIFEST_FAILED);
    if (delegation != DELEGATION_OK)
        return (struct manifest_fault){MANIFEST_NOT_TRUSTED, delegation};
    return fault_of(error_of(error));
}

struct manifest_fault manifest_open(struct manifest *manifest, const struct delegation_trust *trust,
                                    const uint8_t *data, size_t size) {
    struct signed_object parts;
    memset(manifest, 0, sizeof(*manifest));
    if (size > MANIFEST_SIZE_MAX)
        return fault_of(MANIFEST_TOO_LONG);
    if (!read_file(&parts, data, size) || !manifest_read(manifest, parts.sign1.payload))
        return fault_of(MANIFEST_MALFORMED);
    struct manifest_fault fault = verify(&parts, trust, manifest->id);
    if (fault.error != MANIFEST_OK)
        memset(manifest, 0, sizeof(*manifest));
    return fault;
}

static bool is_for_board(const struct manifest *manifest, const char *board) {
    for (size_t i = 0; i < manifest->board_count; i++)
        if (strcmp(manifest->boards[i], board) == 0)
            return true;
    return false;
}

static bool is_for_device(const struct manifest *manifest, const uint8_t *device) {
    for (size_t i = 0; i < manifest->device_count; i++)
        if (memcmp(manifest->devices + i * MANIFEST_DEVICE_ITEM + 2, device, P256_THUMBPRINT_SIZE) == 0)
            return true;
    return manifest->device_count == 0;
}

enum manifest_error manifest_check(const struct manifest *manifest, const struct manifest_target *target) {
    if (target->id != NULL && memcmp(manifest->id, target->id, sizeof(manifest->id)) != 0)
        return MANIFEST_WRONG_PERSONA;
    if (target->board != NULL && !is_for_board(manifest, target->board))
        return MANIFEST_WRONG_BOARD;
    if (target->device != NULL && !is_for_device(manifest, target->device))
        return MANIFEST_WRONG_DEVICE;
    return manifest->version < target->version ? MANIFEST_TOO_OLD : MANIFEST_OK;
}

const struct manifest_component *manifest_component(const struct manifest *manifest, enum manifest_kind kind) {
    for (size_t i = 0; i < manifest->component_count; i++)
        if (manifest->components[i].kind == kind)
            return &manifest->components[i];
    return NULL;
}

enum manifest_error manifest_check_component(const struct manifest *manifest, enum manifest_kind kind, uint64_t size,
                                             const uint8_t *digest) {
    const struct manifest_component *component = manifest_component(manifest, kind);
    if (component == NULL)
        return MANIFEST_NO_COMPONENT;
    if (component->size != size)
        return MANIFEST_WRONG_SIZE;
    bool same = digest == NULL || memcmp(component->digest, digest, DIGEST_SIZE) == 0;
    return same ? MANIFEST_OK : MANIFEST_WRONG_DIGEST;
}
