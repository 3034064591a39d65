// SPDX-License-Identifier: BSD-3-Clause
#include "persona/usim_file.h"

#include <string.h>

#include "crypto/hkdf.h"
#include "signed.h"
#include "text.h"

/* persona/persona.cddl */
enum { FORM_ISSUED = 1, FORM_KEPT = 2, ISSUE_ITEMS = 2, NUMBER_SIZE = 8 };

const char *usim_file_error_text(enum usim_file_error error) {
    static const char *const texts[] = {
        [USIM_FILE_OK] = "no error",
        [USIM_FILE_ABSENT] = "there is no USIM",
        [USIM_FILE_MALFORMED] = "the USIM's file is damaged; deliver it to this device again",
        [USIM_FILE_NOT_TRUSTED] = "the USIM is not signed for this organisation; have it issued by this device's own",
        [USIM_FILE_BAD_SIGNATURE] = "the USIM's file was altered; deliver it to this device again",
        [USIM_FILE_WRONG_DEVICE] =
            "the USIM is for another device, or its file is damaged; have it issued to this device",
        [USIM_FILE_NO_ROOM] = "the USIM's profile is too long",
        [USIM_FILE_NO_RANDOM] = "no random numbers",
        [USIM_FILE_SIGNING_FAILED] = "signing failed",
        [USIM_FILE_UNAVAILABLE] = "the token or TPM with the key failed",
        [USIM_FILE_FAILED] = "the cryptographic library failed",
    };
    return (unsigned)error < sizeof(texts) / sizeof(texts[0]) ? texts[error] : "unknown error";
}

static enum usim_file_error error_of(enum cose_error error) {
    switch (error) {
    case COSE_OK:
        return USIM_FILE_OK;
    case COSE_WRONG_KEY:
        return USIM_FILE_NOT_TRUSTED;
    case COSE_BAD_SIGNATURE:
    case COSE_NOT_AUTHENTIC:
        return USIM_FILE_BAD_SIGNATURE;
    case COSE_NO_RECIPIENT:
        return USIM_FILE_WRONG_DEVICE;
    case COSE_NO_ROOM:
        return USIM_FILE_NO_ROOM;
    case COSE_NO_RANDOM:
        return USIM_FILE_NO_RANDOM;
    case COSE_UNAVAILABLE:
        return USIM_FILE_UNAVAILABLE;
    case COSE_FAILED:
        return USIM_FILE_FAILED;
    default:
        return USIM_FILE_MALFORMED;
    }
}

/* ---- Issued */

/* Static: too large for the stack that the firmware gives. Only ciphertext. */
static uint8_t object[USIM_FILE_SIZE], issued[USIM_FILE_SIZE], sealed[USIM_FILE_SIZE];

enum usim_file_error usim_file_write_issue(const struct usim_file_issue *issue, const uint8_t *profile, size_t size,
                                           uint8_t *file, size_t room, size_t *written) {
    const struct cose_content content = {USIM_FILE_PROFILE_TYPE, profile, size};
    const struct cose_external nothing = {"", 0};
    struct cbor_writer writer = cbor_write(file, room < USIM_FILE_SIZE ? room : USIM_FILE_SIZE);
    size_t sealed_size = 0, object_size = 0;
    *written = 0;
    enum usim_file_error error = error_of(
        cose_encrypt_write(&content, &nothing, issue->device, 1, issue->random, sealed, sizeof(sealed), &sealed_size));
    if (error != USIM_FILE_OK)
        return error == USIM_FILE_MALFORMED ? USIM_FILE_FAILED : error;
    struct cbor_writer payload = cbor_write(issued, sizeof(issued));
    cbor_write_array(&payload, ISSUE_ITEMS);
    cbor_write_uint(&payload, issue->number);
    cbor_write_bytes(&payload, sealed, sealed_size);
    if (payload.failed)
        return USIM_FILE_NO_ROOM;
    const struct cose_content outer = {USIM_FILE_ISSUE_TYPE, issued, payload.size};
    if (cose_sign1_write(&outer, issue->signer, object, sizeof(object), &object_size) != COSE_OK)
        return USIM_FILE_SIGNING_FAILED;
    cbor_write_array(&writer, 3);
    cbor_write_uint(&writer, FORM_ISSUED);
    signed_write(&writer, issue->chain, issue->chain_count, object, object_size);
    *written = writer.failed ? 0 : writer.size;
    return writer.failed ? USIM_FILE_NO_ROOM : USIM_FILE_OK;
}

static enum usim_file_error open_payload(const struct usim_file_opener *opener, struct cbor_bytes payload,
                                         uint8_t *profile, size_t room, struct usim_file *file) {
    const struct cose_external nothing = {"", 0};
    struct cbor_reader reader = cbor_read(payload.start, payload.size);
    struct cose_encrypt encrypt;
    (void)cbor_read_array_of(&reader, ISSUE_ITEMS, ISSUE_ITEMS);
    file->number = text_read_range(&reader, 1, UINT64_MAX);
    struct cbor_bytes object_read = cbor_read_bytes(&reader, USIM_FILE_SIZE);
    if (!cbor_read_end(&reader) || cose_encrypt_read(&encrypt, object_read.start, object_read.size) != COSE_OK)
        return USIM_FILE_MALFORMED;
    return error_of(
        cose_encrypt_open(&encrypt, USIM_FILE_PROFILE_TYPE, &nothing, opener->agreer, profile, room, &file->size));
}

static enum usim_file_error open_issued(const struct usim_file_opener *opener, struct cbor_reader *reader,
                                        uint8_t *profile, size_t room, struct usim_file *file) {
    const struct signed_claim claim = {USIM_FILE_ISSUE_TYPE, DELEGATION_ROLE_COMMAND, NULL};
    struct signed_object parts;
    enum cose_error error;
    signed_read(reader, &parts, USIM_FILE_SIZE);
    if (!cbor_read_end(reader))
        return USIM_FILE_MALFORMED;
    if (signed_verify(&parts, opener->trust, &claim, &error) != DELEGATION_OK)
        return USIM_FILE_NOT_TRUSTED;
    return error == COSE_OK ? open_payload(opener, parts.sign1.payload, profile, room, file) : error_of(error);
}

/* ---- Kept */

/* The number, then the profile. Wiped after use. */
static uint8_t plain[USIM_FILE_SIZE];

static void put_number(uint64_t number, uint8_t *bytes) {
    for (size_t i = 0; i < NUMBER_SIZE; i++)
        bytes[i] = (uint8_t)(number >> (8 * (NUMBER_SIZE - 1 - i)));
}

static uint64_t get_number(const uint8_t *bytes) {
    uint64_t number = 0;
    for (size_t i = 0; i < NUMBER_SIZE; i++)
        number = number << 8 | bytes[i];
    return number;
}

enum usim_file_error usim_file_write_kept(const uint8_t *key, uint64_t number, const uint8_t *profile, size_t size,
                                          uint8_t *file, size_t room, size_t *written) {
    struct cbor_writer writer = cbor_write(file, room < USIM_FILE_SIZE ? room : USIM_FILE_SIZE);
    *written = 0;
    if (size > sizeof(sealed) - SEAL_OVERHEAD - NUMBER_SIZE)
        return USIM_FILE_NO_ROOM;
    put_number(number, plain);
    memcpy(plain + NUMBER_SIZE, profile, size);
    enum usim_error error = usim_seal(key, SEAL_PROFILE, plain, NUMBER_SIZE + size, sealed);
    crypto_wipe(plain, sizeof(plain));
    if (error != USIM_OK)
        return USIM_FILE_FAILED;
    cbor_write_array(&writer, 2);
    cbor_write_uint(&writer, FORM_KEPT);
    cbor_write_bytes(&writer, sealed, NUMBER_SIZE + size + SEAL_OVERHEAD);
    *written = writer.failed ? 0 : writer.size;
    return writer.failed ? USIM_FILE_NO_ROOM : USIM_FILE_OK;
}

static enum usim_file_error open_kept(const struct usim_file_opener *opener, struct cbor_reader *reader,
                                      uint8_t *profile, size_t room, struct usim_file *file) {
    struct cbor_bytes kept = cbor_read_bytes(reader, sizeof(plain));
    if (!cbor_read_end(reader) || kept.size <= SEAL_OVERHEAD + NUMBER_SIZE)
        return USIM_FILE_MALFORMED;
    file->size = kept.size - SEAL_OVERHEAD - NUMBER_SIZE;
    if (file->size > room)
        return USIM_FILE_NO_ROOM;
    enum usim_error error = usim_unseal(opener->key, SEAL_PROFILE, kept.start, plain, NUMBER_SIZE + file->size);
    file->number = get_number(plain);
    memcpy(profile, plain + NUMBER_SIZE, file->size);
    crypto_wipe(plain, sizeof(plain));
    return error == USIM_OK ? USIM_FILE_OK : error == USIM_NOT_AUTHENTIC ? USIM_FILE_WRONG_DEVICE : USIM_FILE_FAILED;
}

enum usim_file_error usim_file_open(const struct usim_file_opener *opener, const uint8_t *data, size_t size,
                                    uint8_t *profile, size_t room, struct usim_file *file) {
    memset(profile, 0, room);
    *file = (struct usim_file){.size = 0};
    if (text_is_blank(data, size))
        return USIM_FILE_ABSENT;
    struct cbor_reader reader = cbor_read(data, text_unpadded(data, size));
    uint64_t items = cbor_read_array_of(&reader, 2, 3);
    uint64_t form = text_read_range(&reader, FORM_ISSUED, FORM_KEPT);
    if (reader.failed || items != (form == FORM_ISSUED ? 3 : 2))
        return USIM_FILE_MALFORMED;
    file->issued = form == FORM_ISSUED;
    enum usim_file_error error = file->issued ? open_issued(opener, &reader, profile, room, file)
                                              : open_kept(opener, &reader, profile, room, file);
    if (error == USIM_FILE_OK)
        return USIM_FILE_OK;
    crypto_wipe(profile, room);
    *file = (struct usim_file){.size = 0};
    return error;
}
