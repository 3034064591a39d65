// SPDX-License-Identifier: BSD-3-Clause
#include "open.h"

#include <string.h>

#include "credential.h"
#include "crypto/hkdf.h"
#include "persona/content.h"
#include "persona/manifest.h"
#include "persona/slots.h"
#include "unlz4.h"

_Static_assert((int)BUNDLE_ID_SIZE == (int)KEYS_ID_SIZE && (int)BUNDLE_CHECK_SIZE == (int)KEYS_SIZE,
               "an identifier, a key's check value");

#define KEY_FILE "cryptsetup.passphrase"

const char *open_error_text(enum open_error error) {
    switch (error) {
    case OPEN_OK:
        return "no error";
    case OPEN_WRONG_PIN:
        return "wrong PIN";
    case OPEN_NEEDS_TPM:
        return "the PIN is bound to a TPM that is not there or was cleared";
    case OPEN_TPM_LOCKED_OUT:
        return "the TPM takes no PIN for a while";
    case OPEN_TPM_FAILED:
        return "the TPM failed";
    case OPEN_NO_MEMORY:
        return "not enough memory";
    case OPEN_DAMAGED:
        return "its files are damaged";
    case OPEN_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown error";
}

static uint64_t round_up(uint64_t value) { return (value + OPEN_UNIT - 1) / OPEN_UNIT * OPEN_UNIT; }

static enum open_error error_of_slots(enum slots_error error) {
    switch (error) {
    case SLOTS_OK:
        return OPEN_OK;
    case SLOTS_WRONG_PIN:
        return OPEN_WRONG_PIN;
    case SLOTS_NEEDS_SECRET:
        return OPEN_NEEDS_TPM;
    case SLOTS_NO_MEMORY:
        return OPEN_NO_MEMORY;
    case SLOTS_FAILED:
        return OPEN_FAILED;
    default:
        return OPEN_DAMAGED;
    }
}

static enum open_error error_of_tpm(enum tpm_error error) {
    switch (error) {
    case TPM_OK:
        return OPEN_OK;
    case TPM_WRONG_AUTH:
        return OPEN_WRONG_PIN;
    case TPM_LOCKED_OUT:
        return OPEN_TPM_LOCKED_OUT;
    case TPM_OTHER:
        return OPEN_NEEDS_TPM;
    case TPM_BAD_BLOB:
        return OPEN_DAMAGED;
    case TPM_FAILED:
        return OPEN_FAILED;
    default:
        return OPEN_TPM_FAILED;
    }
}

static enum open_error unseal(const struct slot_pin *slot, struct tpm *tpm, const uint8_t *stretched, uint8_t *secret) {
    uint8_t value[TPM_AUTH_MAX];
    const struct tpm_auth auth = {value, sizeof(value)};
    if (slot->binding_size == 0)
        return OPEN_OK;
    if (tpm == NULL)
        return OPEN_NEEDS_TPM;
    if (slots_auth(stretched, value) != SLOTS_OK)
        return OPEN_FAILED;
    enum open_error error = error_of_tpm(tpm_unseal(tpm, slot->binding, slot->binding_size, &auth, secret));
    crypto_wipe(value, sizeof(value));
    return error;
}

static enum open_error open_slot(const struct slots *slots, const void *pin, size_t pin_size, struct tpm *tpm,
                                 uint8_t *persona_key) {
    uint8_t stretched[PIN_KEY_SIZE], secret[TPM_SECRET_SIZE] = {0};
    size_t index = slots_find(slots, SLOT_PIN, 0);
    enum open_error error = error_of_slots(slots_stretch_pin(slots, index, pin, pin_size, stretched));
    if (error == OPEN_OK)
        error = unseal(&slots->slots[index].pin, tpm, stretched, secret);
    if (error == OPEN_OK)
        error = error_of_slots(slots_open_stretched(slots, index, stretched, secret, persona_key));
    crypto_wipe(stretched, sizeof(stretched));
    crypto_wipe(secret, sizeof(secret));
    return error;
}

/* Slots that hold together may be somebody else's, with a key and a PIN of his own. */
static enum open_error check_key(const struct bundle *bundle, const uint8_t *persona_key) {
    uint8_t check[KEYS_SIZE];
    if (keys_derive(persona_key, KEYS_CHECK, bundle->about.id, 0, check, sizeof(check)) != KEYS_OK)
        return OPEN_FAILED;
    return crypto_equal(check, bundle->about.check, sizeof(check)) ? OPEN_OK : OPEN_DAMAGED;
}

enum open_error open_key(const struct bundle *bundle, const void *pin, size_t pin_size, struct tpm *tpm,
                         uint8_t *persona_key) {
    static struct slots slots;
    const struct bundle_part *file = &bundle->parts[BUNDLE_SLOTS];
    memset(persona_key, 0, KEYS_SIZE);
    if (pin_size == 0 || pin_size > PIN_SIZE_MAX)
        return OPEN_WRONG_PIN;
    enum open_error error = error_of_slots(slots_read(&slots, bundle->about.id, file->bytes, file->size));
    if (error == OPEN_OK)
        error = open_slot(&slots, pin, pin_size, tpm, persona_key);
    if (error == OPEN_OK)
        error = error_of_slots(slots_check(&slots, persona_key, file->bytes, file->size));
    if (error == OPEN_OK)
        error = check_key(bundle, persona_key);
    if (error != OPEN_OK)
        crypto_wipe(persona_key, KEYS_SIZE);
    return error;
}

static struct content_version version_of(const struct bundle *bundle) {
    struct content_version version = {.version = bundle->about.version};
    memcpy(version.id, bundle->about.id, sizeof(version.id));
    return version;
}

/* What is under way: where the next thing goes, as an offset in the memory. */
struct work {
    const struct bundle *bundle;
    const struct open_memory *memory;
    uint64_t at;
    uint8_t content_key[STREAM_KEY_SIZE];
};

static bool get(void *context, uint64_t offset, void *data, size_t size) {
    const struct bundle_part *part = context;
    if (offset > part->size || size > part->size - offset)
        return false;
    memcpy(data, part->bytes + offset, size);
    return true;
}

static enum open_error error_of_stream(enum stream_error error) {
    if (error == STREAM_OK)
        return OPEN_OK;
    return error == STREAM_FAILED ? OPEN_FAILED : OPEN_DAMAGED;
}

/* Decrypts a part to an offset in the memory. */
static enum open_error decrypt_to(struct work *work, enum bundle_kind kind, enum manifest_kind component, uint64_t at,
                                  size_t *size) {
    static uint8_t chunk[1 << STREAM_CHUNK_SHIFT_MAX];
    uint8_t name[STREAM_NAME_MAX];
    struct stream_reader reader;
    struct bundle_part part = work->bundle->parts[kind];
    struct content_version version = version_of(work->bundle);
    struct stream_key key = {work->content_key, name, content_name(&version, (unsigned)component, name)};
    enum stream_error error = stream_read_open(&reader, &key, part.size, chunk, sizeof(chunk), get, &part);
    bool fits = error != STREAM_OK || (at <= work->memory->size && reader.size <= work->memory->size - at);
    *size = (size_t)reader.size;
    if (error == STREAM_OK && fits)
        error = stream_read(&reader, 0, work->memory->bytes + at, *size);
    stream_read_close(&reader);
    return fits ? error_of_stream(error) : OPEN_NO_MEMORY;
}

/* The same to where the next thing goes; what is compressed is decrypted behind that first. */
static enum open_error decrypt(struct work *work, enum bundle_kind kind, enum manifest_kind component, size_t *size) {
    uint64_t unpacked = work->bundle->about.unpacked[kind];
    size_t packed = 0;
    if (unpacked == 0)
        return decrypt_to(work, kind, component, work->at, size);
    if (work->at > work->memory->size || unpacked > work->memory->size - work->at)
        return OPEN_NO_MEMORY;
    uint64_t behind = work->at + unpacked;
    enum open_error error = decrypt_to(work, kind, component, behind, &packed);
    if (error != OPEN_OK)
        return error;
    *size = (size_t)unpacked;
    uint8_t *bytes = work->memory->bytes;
    return unlz4(bytes + behind, packed, bytes + work->at, *size) == UNLZ4_OK ? OPEN_OK : OPEN_DAMAGED;
}

static enum open_error error_of_kernel(enum kernel_image_error error) {
    if (error == KERNEL_IMAGE_OK)
        return OPEN_OK;
    bool memory = error == KERNEL_IMAGE_NO_MEMORY || error == KERNEL_IMAGE_BUFFER_TOO_SMALL;
    return memory ? OPEN_NO_MEMORY : OPEN_DAMAGED;
}

/* An Image that may begin on a boundary is where it was decrypted to. */
static enum open_error place_kernel(struct work *work, size_t file_size, struct open_result *result) {
    struct kernel_image image;
    enum open_error error = error_of_kernel(kernel_image_open(&image, work->memory->bytes + work->at, file_size));
    if (error != OPEN_OK)
        return error;
    bool in_place = image.format == KERNEL_IMAGE_RAW && image.text_offset == 0;
    uint64_t start = in_place ? work->at : round_up(work->at + file_size) + image.text_offset;
    if (start > work->memory->size || image.memory_size > work->memory->size - start)
        return OPEN_NO_MEMORY;
    if (!in_place)
        error = error_of_kernel(
            kernel_image_unpack(&image, work->memory->bytes + start, (size_t)(work->memory->size - start)));
    result->kernel = work->memory->physical + start;
    result->kernel_end = result->kernel + image.unpacked_size;
    result->tree = work->memory->physical + round_up(start + image.memory_size);
    result->initrd = result->tree + OPEN_TREE_ROOM;
    work->at = result->initrd - work->memory->physical;
    return error;
}

static enum open_error open_kernel(struct work *work, struct open_result *result) {
    size_t size = 0;
    enum open_error error = decrypt(work, BUNDLE_KERNEL, MANIFEST_KERNEL, &size);
    return error == OPEN_OK ? place_kernel(work, size, result) : error;
}

static enum open_error open_initrd(struct work *work) {
    size_t size = 0;
    if (work->bundle->parts[BUNDLE_INITRD].size == 0)
        return OPEN_OK;
    enum open_error error = decrypt(work, BUNDLE_INITRD, MANIFEST_INITRD, &size);
    if (error != OPEN_OK)
        return error;
    uint64_t end = work->at + credential_offset(size);
    if (end > work->memory->size)
        return OPEN_NO_MEMORY;
    memset(work->memory->bytes + work->at + size, 0, (size_t)(end - work->at - size));
    work->at = end;
    return OPEN_OK;
}

static enum open_error add_key_file(struct work *work, const uint8_t *persona_key) {
    uint8_t volume[KEYS_VOLUME_SIZE];
    size_t size = 0;
    if (work->at > work->memory->size ||
        credential_size(KEY_FILE, sizeof(volume)) > work->memory->size - (size_t)work->at)
        return OPEN_NO_MEMORY;
    bool good = keys_derive(persona_key, KEYS_VOLUME, work->bundle->about.id, 0, volume, sizeof(volume)) == KEYS_OK &&
                credential_write(KEY_FILE, volume, sizeof(volume), work->memory->bytes + work->at,
                                 work->memory->size - (size_t)work->at, &size) == CREDENTIAL_OK;
    crypto_wipe(volume, sizeof(volume));
    work->at += size;
    return good ? OPEN_OK : OPEN_FAILED;
}

static enum open_error make_up_token(const struct bundle *bundle, const uint8_t *persona_key, char *up) {
    static const char digits[] = "0123456789abcdef";
    uint8_t token[KEYS_SIZE];
    if (keys_derive(persona_key, KEYS_UP, bundle->about.id, bundle->about.version, token, sizeof(token)) != KEYS_OK)
        return OPEN_FAILED;
    for (unsigned i = 0; i < sizeof(token); i++) {
        up[2 * i] = digits[token[i] >> 4];
        up[2 * i + 1] = digits[token[i] & 15];
    }
    up[OPEN_UP_SIZE - 1] = '\0';
    crypto_wipe(token, sizeof(token));
    return OPEN_OK;
}

static enum open_error open_content(struct work *work, const uint8_t *persona_key) {
    const struct bundle_part *file = &work->bundle->parts[BUNDLE_CONTENT];
    struct content_version version = version_of(work->bundle);
    enum content_error error = content_unwrap(file->bytes, file->size, &version, persona_key, work->content_key);
    if (error == CONTENT_OK)
        return OPEN_OK;
    return error == CONTENT_FAILED ? OPEN_FAILED : OPEN_DAMAGED;
}

enum open_error open_files(const struct bundle *bundle, const uint8_t *persona_key, const struct open_memory *memory,
                           struct open_result *result) {
    struct work work = {.bundle = bundle, .memory = memory};
    memset(result, 0, sizeof(*result));
    enum open_error error = open_content(&work, persona_key);
    if (error == OPEN_OK)
        error = open_kernel(&work, result);
    if (error == OPEN_OK)
        error = open_initrd(&work);
    if (error == OPEN_OK)
        error = add_key_file(&work, persona_key);
    if (error == OPEN_OK)
        error = make_up_token(bundle, persona_key, result->up);
    result->initrd_end = memory->physical + work.at;
    crypto_wipe(&work, sizeof(work));
    return error;
}
