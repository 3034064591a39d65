// SPDX-License-Identifier: BSD-3-Clause
// flipside inspect
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cose_key.h"
#include "crypto/stream.h"
#include "device.h"
#include "persona/device_key.h"
#include "persona/grant.h"
#include "persona/state.h"
#include "show.h"

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

/* Nothing of a manifest is shown that was not verified, since it would be taken for true. */
static enum verdict show_manifest(const struct subject *subject) {
    static struct manifest manifest;
    if (!manifest_is_one(subject->bytes, subject->size))
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
    report_text(subject->report, "key-kept-in", device_keeping_word(enrolment.keeping));
    return SHOWN;
}

/* As of a manifest, nothing is shown that was not verified. */
static enum verdict show_grant(const struct subject *subject) {
    static struct grant grant;
    enum grant_error read = grant_read(&grant, subject->bytes, subject->size);
    if (read == GRANT_MALFORMED || read == GRANT_ABSENT)
        return NOT_THIS;
    report_text(subject->report, "kind", "grant");
    if (subject->trust == NULL) {
        report_text(subject->report, "signature", "not verified: give --root or --org");
        return SHOWN;
    }
    struct grant_fault fault = grant_open(&grant, subject->trust, subject->bytes, subject->size);
    report_text(subject->report, "signature", fault.error == GRANT_OK ? "good" : grant_fault_text(fault));
    if (fault.error != GRANT_OK)
        return NOT_GENUINE;
    report_text(subject->report, "for", grant.kind == GRANT_ISSUE ? "issue" : "recovery");
    report_hex(subject->report, "id", grant.id, sizeof(grant.id));
    report_hex(subject->report, "device", grant.device, sizeof(grant.device));
    report_number(subject->report, "number", grant.number);
    report_text(subject->report, "unlock", grant.unlock == MANIFEST_UNLOCK_PIN ? "pin" : "device");
    report_bool(subject->report, "asks-for-activation-code", grant.activation);
    return SHOWN;
}

/* It is signed by the key that it names itself; whether that is the right one only --root or --org can tell. */
static enum verdict show_organisation(const struct subject *subject) {
    struct organisation organisation;
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    enum organisation_error error = organisation_read(&organisation, subject->bytes, subject->size);
    if (error == ORGANISATION_MALFORMED)
        return NOT_THIS;
    bool other = error == ORGANISATION_OK && subject->trust != NULL &&
                 memcmp(&subject->trust->root, &organisation.root, sizeof(organisation.root)) != 0;
    report_text(subject->report, "kind", "organisation");
    report_text(subject->report, "signature",
                error != ORGANISATION_OK ? organisation_error_text(error)
                : other                  ? "good, but of another organisation"
                                         : "good");
    if (error != ORGANISATION_OK || p256_thumbprint(&organisation.root, thumbprint) != P256_OK)
        return NOT_GENUINE;
    report_text(subject->report, "name", organisation.name);
    report_hex(subject->report, "root", thumbprint, sizeof(thumbprint));
    report_number(subject->report, "epoch", organisation.epoch);
    return other ? NOT_GENUINE : SHOWN;
}

static enum verdict show_device_key(const struct subject *subject) {
    struct p256_public key;
    enum enrolment_keeping keeping;
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    if (device_key_look(subject->bytes, subject->size, &key, &keeping) != DEVICE_KEY_OK ||
        p256_thumbprint(&key, thumbprint) != P256_OK)
        return NOT_THIS;
    report_text(subject->report, "kind", "device key");
    report_hex(subject->report, "thumbprint", thumbprint, sizeof(thumbprint));
    report_text(subject->report, "key-kept-in", device_keeping_word(keeping));
    return SHOWN;
}

/* Only the device can tell whether it is genuine. */
static enum verdict show_state(const struct subject *subject) {
    static struct state state;
    const struct state_copy copies[2] = {{subject->bytes, subject->size}, {NULL, 0}};
    if (state_peek(&state, copies) != STATE_OK)
        return NOT_THIS;
    report_text(subject->report, "kind", "device state");
    report_text(subject->report, "signature", "only the device can tell");
    report_number(subject->report, "generation", state.generation);
    report_number(subject->report, "epoch", state.epoch);
    report_bool(subject->report, "tpm-counter", state.counted);
    report_list_begin(subject->report, "personas");
    for (size_t i = 0; i < state.persona_count; i++) {
        const struct state_persona *persona = &state.personas[i];
        report_item_begin(subject->report);
        report_hex(subject->report, "id", persona->id, sizeof(persona->id));
        report_number(subject->report, "wrong-pins", persona->failed_attempts);
        report_number(subject->report, "version", persona->version);
        report_number(subject->report, "minimum-version", persona->minimum_version);
        report_number(subject->report, "grant", persona->grant);
        report_item_end(subject->report);
    }
    report_list_end(subject->report);
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
    if (subject->trust == NULL) {
        report_text(subject->report, "signature", "not verified: give --root or --org");
        return SHOWN;
    }
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
        show_stream, show_manifest, show_grant,      show_organisation, show_enrolment, show_signed,
        show_sealed, show_slots,    show_device_key, show_state,        show_key};
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
    errno = file == NULL ? errno : 0;
    size_t size = file == NULL ? 0 : fread(bytes, 1, INSPECT_MAX, file);
    if (size == 0)
        cli_error("%s: %s", path, errno == 0 ? "is empty" : strerror(errno));
    if (file != NULL)
        (void)fclose(file);
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
    "Tells apart manifests, grants, delegations, organisations, requests, sealed keys, key slots, device keys and "
    "states,\n"
    "encrypted files and public keys, and shows what they say. Signatures are verified against the root's public key, "
    "or\n"
    "that of --org; without, nothing of a manifest or grant is shown. What was not verified is shown with everything\n"
    "escaped that is not text.\n\n"
    "  --root=FILE             the root's public key (root.pub)\n",
    run,
};
