// SPDX-License-Identifier: BSD-3-Clause
// flipside inspect
#include <stdlib.h>
#include <string.h>

#include "crypto/cose_key.h"
#include "crypto/stream.h"
#include "persona.h"
#include "persona/enrolment.h"
#include "persona/slots.h"

enum { INSPECT_MAX = COSE_PAYLOAD_MAX };

/* What is looked at, and whom to trust. */
struct subject {
    const uint8_t *bytes;
    size_t size;
    const struct delegation_trust *trust; /* NULL: signatures are not verified */
    struct report *report;
};

enum verdict { NOT_THIS, SHOWN, NOT_GENUINE };

static void report_bytes_text(struct report *report, const char *name, struct cbor_text text) {
    char copy[COSE_TYPE_MAX + 1];
    size_t size = text.size < sizeof(copy) ? text.size : sizeof(copy) - 1;
    memcpy(copy, text.start, size);
    copy[size] = '\0';
    report_text(report, name, copy);
}

static enum verdict show_stream(const struct subject *subject) {
    unsigned shift = 0;
    if (subject->size < STREAM_HEADER_SIZE || stream_chunk_shift(subject->bytes, &shift) != STREAM_OK)
        return NOT_THIS;
    report_text(subject->report, "kind", "encrypted file");
    report_number(subject->report, "chunk-size", UINT64_C(1) << shift);
    return SHOWN;
}

static void show_manifest_fields(struct report *report, const struct manifest *manifest) {
    static const char *const kinds[] = {"", "kernel", "initrd", "root"};
    report_text(report, "name", manifest->name);
    report_hex(report, "id", manifest->id, sizeof(manifest->id));
    report_text(report, "title", manifest->title);
    report_number(report, "version", manifest->version);
    report_number(report, "minimum-version", manifest->minimum_version);
    report_text(report, "command-line", manifest->command_line);
    report_text(report, "unlock", manifest->unlock == MANIFEST_UNLOCK_PIN ? "pin" : "device");
    report_number(report, "devices", manifest->device_count);
    report_list_begin(report, "boards");
    for (size_t i = 0; i < manifest->board_count; i++) {
        report_item_begin(report);
        report_text(report, "name", manifest->boards[i]);
        report_item_end(report);
    }
    report_list_end(report);
    report_list_begin(report, "components");
    for (size_t i = 0; i < manifest->component_count; i++) {
        const struct manifest_component *component = &manifest->components[i];
        report_item_begin(report);
        report_text(report, "kind", kinds[component->kind]);
        report_text(report, "file", component->file);
        report_number(report, "size", component->size);
        report_number(report, "memory", component->memory);
        report_hex(report, "digest", component->digest, sizeof(component->digest));
        report_item_end(report);
    }
    report_list_end(report);
}

static bool looks_like_manifest(const struct subject *subject) {
    struct cbor_reader reader = cbor_read(subject->bytes, subject->size);
    struct cose_sign1 sign1;
    (void)cbor_read_array_of(&reader, 2, 2);
    uint64_t chain = cbor_read_array_of(&reader, 0, DELEGATION_CHAIN_MAX);
    for (uint64_t i = 0; i < chain; i++)
        (void)cbor_read_bytes(&reader, DELEGATION_SIZE_MAX);
    struct cbor_bytes object = cbor_read_bytes(&reader, MANIFEST_SIZE_MAX);
    return cbor_read_end(&reader) && cose_sign1_read(&sign1, object.start, object.size) == COSE_OK;
}

/* Nothing of a manifest is shown that was not verified, since it would be taken for true. */
static enum verdict show_manifest(const struct subject *subject) {
    static struct manifest manifest;
    if (!looks_like_manifest(subject))
        return NOT_THIS;
    report_text(subject->report, "kind", "manifest");
    if (subject->trust == NULL) {
        report_text(subject->report, "signature", "not verified: give --root or --org");
        return SHOWN;
    }
    struct manifest_fault fault = manifest_open(&manifest, subject->trust, subject->bytes, subject->size);
    report_text(subject->report, "signature", fault.error == MANIFEST_OK ? "good" : manifest_fault_text(fault));
    if (fault.error != MANIFEST_OK)
        return NOT_GENUINE;
    show_manifest_fields(subject->report, &manifest);
    return SHOWN;
}

static void show_delegation(const struct subject *subject) {
    struct delegation delegation;
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    if (delegation_read(&delegation, subject->bytes, subject->size) != DELEGATION_OK ||
        p256_thumbprint(&delegation.key, thumbprint) != P256_OK)
        return;
    report_hex(subject->report, "key", thumbprint, sizeof(thumbprint));
    report_bool(subject->report, "manifests", (delegation.roles & DELEGATION_ROLE_MANIFEST) != 0);
    report_bool(subject->report, "commands", (delegation.roles & DELEGATION_ROLE_COMMAND) != 0);
    report_number(subject->report, "depth", delegation.depth);
    report_number(subject->report, "epoch", delegation.epoch);
    if (delegation.one_persona)
        report_hex(subject->report, "persona", delegation.persona, sizeof(delegation.persona));
}

static enum verdict show_enrolment(const struct subject *subject) {
    struct enrolment enrolment;
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    enum enrolment_error error = enrolment_read(&enrolment, subject->bytes, subject->size);
    if (error == ENROLMENT_MALFORMED)
        return NOT_THIS;
    report_text(subject->report, "kind", "enrolment");
    report_text(subject->report, "signature", error == ENROLMENT_OK ? "good" : enrolment_error_text(error));
    if (error != ENROLMENT_OK || p256_thumbprint(&enrolment.key, thumbprint) != P256_OK)
        return NOT_GENUINE;
    report_hex(subject->report, "thumbprint", thumbprint, sizeof(thumbprint));
    report_text(subject->report, "board", enrolment.board);
    report_text(subject->report, "key-kept-in", enrolment.keeping == ENROLMENT_TPM ? "tpm" : "file");
    return SHOWN;
}

static enum verdict show_signed(const struct subject *subject) {
    struct cose_sign1 sign1;
    if (cose_sign1_read(&sign1, subject->bytes, subject->size) != COSE_OK)
        return NOT_THIS;
    report_text(subject->report, "kind", "signed object");
    report_bytes_text(subject->report, "type", sign1.type);
    report_hex(subject->report, "signer", sign1.key_id, sizeof(sign1.key_id));
    show_delegation(subject);
    if (subject->trust == NULL)
        return SHOWN;
    enum cose_error error = cose_sign1_verify(&sign1, DELEGATION_TYPE, &subject->trust->root);
    report_text(subject->report, "signature", error == COSE_OK ? "good" : cose_error_text(error));
    return error == COSE_OK ? SHOWN : NOT_GENUINE;
}

static enum verdict show_sealed(const struct subject *subject) {
    struct cose_encrypt encrypt;
    if (cose_encrypt_read(&encrypt, subject->bytes, subject->size) != COSE_OK)
        return NOT_THIS;
    report_text(subject->report, "kind", "sealed object");
    report_bytes_text(subject->report, "type", encrypt.type);
    report_number(subject->report, "recipients", encrypt.recipient_count);
    return SHOWN;
}

static enum verdict show_slots(const struct subject *subject) {
    static const char *const types[] = {"", "pin", "device", "escrow"};
    static struct slots slots;
    if (slots_read(&slots, NULL, subject->bytes, subject->size) != SLOTS_OK)
        return NOT_THIS;
    report_text(subject->report, "kind", "key slots");
    report_hex(subject->report, "id", slots.id, sizeof(slots.id));
    report_number(subject->report, "generation", slots.generation);
    report_list_begin(subject->report, "slots");
    for (size_t i = 0; i < slots.count; i++) {
        report_item_begin(subject->report);
        report_text(subject->report, "type", types[slots.slots[i].type]);
        if (slots.slots[i].type == SLOT_PIN) {
            report_number(subject->report, "memory-kib", slots.slots[i].pin.cost.memory_kib);
            report_number(subject->report, "passes", slots.slots[i].pin.cost.passes);
            report_bool(subject->report, "tpm", slots.slots[i].pin.binding_size > 0);
        }
        report_item_end(subject->report);
    }
    report_list_end(subject->report);
    return SHOWN;
}

static enum verdict show_key(const struct subject *subject) {
    struct p256_public key;
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    struct cbor_reader reader = cbor_read(subject->bytes, subject->size);
    cose_read_key(&reader, &key);
    if (!cbor_read_end(&reader) || p256_thumbprint(&key, thumbprint) != P256_OK)
        return NOT_THIS;
    report_text(subject->report, "kind", "public key");
    report_hex(subject->report, "thumbprint", thumbprint, sizeof(thumbprint));
    return p256_check(&key) == P256_OK ? SHOWN : NOT_GENUINE;
}

static enum verdict show(const struct subject *subject) {
    static enum verdict (*const kinds[])(const struct subject *) = {
        show_stream, show_manifest, show_enrolment, show_signed, show_sealed, show_slots, show_key};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        enum verdict verdict = kinds[i](subject);
        if (verdict != NOT_THIS)
            return verdict;
    }
    report_text(subject->report, "kind", "unknown");
    return NOT_GENUINE;
}

/* The root's public key: of --root, else of the organisation, else none. */
static bool find_trust(const struct cli *cli, const char *root, struct delegation_trust *trust, bool *found) {
    struct record record;
    uint8_t bytes[P256_COSE_KEY_SIZE];
    size_t size = 0;
    *found = root != NULL || cli->organisation != NULL;
    memset(trust, 0, sizeof(*trust));
    if (root != NULL) {
        if (!file_read(root, bytes, sizeof(bytes), &size))
            return false;
        struct cbor_reader reader = cbor_read(bytes, size);
        cose_read_key(&reader, &trust->root);
        if (!cbor_read_end(&reader))
            cli_error("%s: not a public key", root);
        return cbor_read_end(&reader);
    }
    if (!*found)
        return true;
    if (!record_open(&record, cli))
        return false;
    *trust = (struct delegation_trust){record.root, record.epoch};
    record_close(&record);
    return true;
}

/* As much of a file as any object has; encrypted files are longer, and their header is enough. */
static size_t read_start(const char *path, uint8_t *bytes) {
    FILE *file = fopen(path, "rb");
    size_t size = 0;
    if (file != NULL) {
        size = fread(bytes, 1, INSPECT_MAX, file);
        (void)fclose(file);
    }
    if (size == 0)
        cli_error("%s: can't be read, or is empty", path);
    return size;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    static uint8_t bytes[INSPECT_MAX];
    const char *root = NULL;
    const struct option_value options[] = {{.name = "root", .to = &root}};
    struct delegation_trust trust;
    bool found = false;
    int at = cli_options(cli, options, 1, argc, argv);
    if (at == 0 || at != argc - 1) {
        if (at != 0)
            cli_error("one file is needed: flipside inspect FILE");
        return CLI_USAGE;
    }
    size_t size = read_start(argv[at], bytes);
    if (size == 0 || !find_trust(cli, root, &trust, &found))
        return CLI_FAILED;
    struct report report = report_begin(cli);
    struct subject subject = {bytes, size, found ? &trust : NULL, &report};
    enum verdict verdict = show(&subject);
    report_end(&report);
    return verdict == SHOWN ? CLI_GOOD : CLI_REFUSED;
}

const struct verb verb_inspect = {
    {"inspect", NULL},
    "say what a file of ours is, and whether it is genuine",
    "usage: flipside inspect [--root=FILE] FILE\n\n"
    "Tells manifests, delegations, sealed keys, key slots, encrypted files and public keys apart, and shows what they\n"
    "say. Signatures are verified against the root's public key, or that of --org; without, nothing of a manifest is\n"
    "shown.\n\n"
    "  --root=FILE             the root's public key (root.pub)\n",
    run,
};
