// SPDX-License-Identifier: BSD-3-Clause
// interop-objects make DIRECTORY: writes one of each of our objects, and the keys to read them.
// interop-objects check DIRECTORY: reads such a directory that somebody else made, and says what of it is not good.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "known_random.h"
#include "persona/content.h"
#include "persona/device_key.h"
#include "persona/grant.h"
#include "persona/manifest.h"
#include "persona/organisation.h"
#include "persona/slots.h"
#include "persona/state.h"

enum { PLAIN_SIZE = 10000, FILE_MAX = 65536, PATH_MAX_SIZE = 4096 };

struct file {
    uint8_t bytes[FILE_MAX];
    size_t size;
};

static const char *directory;
static struct random_stream random_numbers;
static struct p256_private root, signing, device, escrow;
static uint8_t persona_key[KEYS_SIZE], content_key[STREAM_KEY_SIZE], device_secret[KEYS_SIZE];
static const struct content_version version = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 7};
static const uint8_t device_id[KEYS_ID_SIZE] = {0xdd};
static const char payload[] = "payload of a test", pin[] = "2580";
static const char test_type[] = "application/vnd.flipside.test";
static const struct cose_external external = {"external", 8};
static const char activation_code[] = "K7QF-2M8X-9RTB-4H6N";
static int failures;

static void require(bool good, const char *what) {
    if (good)
        return;
    printf("%s\n", what);
    exit(EXIT_FAILURE);
}

static void expect(bool good, const char *what, const char *why) {
    printf("%s: %s\n", what, good ? "good" : why);
    failures += !good;
}

static FILE *open_named(const char *name, const char *mode) {
    char path[PATH_MAX_SIZE];
    require(snprintf(path, sizeof(path), "%s/%s", directory, name) < PATH_MAX_SIZE, "path too long");
    FILE *file = fopen(path, mode);
    require(file != NULL, path);
    return file;
}

static void save(const char *name, const void *bytes, size_t size) {
    FILE *file = open_named(name, "wb");
    require(fwrite(bytes, 1, size, file) == size && fclose(file) == 0, name);
}

static const struct file *load(const char *name) {
    static struct file loaded;
    FILE *file = open_named(name, "rb");
    loaded.size = fread(loaded.bytes, 1, sizeof(loaded.bytes), file);
    require(fclose(file) == 0, name);
    return &loaded;
}

static void load_exactly(const char *name, uint8_t *to, size_t size) {
    const struct file *file = load(name);
    require(file->size == size, name);
    memcpy(to, file->bytes, size);
}

static void load_key(const char *name, struct p256_private *key) {
    uint8_t scalar[P256_SIZE];
    load_exactly(name, scalar, sizeof(scalar));
    require(p256_from_scalar(key, scalar, &random_numbers) == P256_OK, name);
}

static void make_key(const char *name, struct p256_private *key) {
    require(p256_generate(key, &random_numbers) == P256_OK, name);
    save(name, key->scalar, sizeof(key->scalar));
}

static void make_secret(const char *name, uint8_t *secret, size_t size) {
    require(random_bytes(&random_numbers, secret, size) == RANDOM_OK, name);
    save(name, secret, size);
}

static uint8_t plain_byte(size_t i) { return (uint8_t)(i * 7); }

/* What is the same in both directions: keys with what they can do. */
static struct p256_software root_software, signing_software, device_software, escrow_software;

static void prepare_software(void) {
    root_software = (struct p256_software){&root, &random_numbers};
    signing_software = (struct p256_software){&signing, &random_numbers};
    device_software = (struct p256_software){&device, &random_numbers};
    escrow_software = (struct p256_software){&escrow, &random_numbers};
}

static void make_cose(void) {
    static uint8_t object[2048];
    size_t size = 0;
    struct cose_content content = {test_type, payload, sizeof(payload) - 1};
    struct p256_signer signer = p256_software_signer(&signing_software);
    struct p256_public to[] = {escrow.public_key, device.public_key};
    require(cose_sign1_write(&content, &signer, object, sizeof(object), &size) == COSE_OK, "signed");
    save("signed", object, size);
    require(cose_encrypt_write(&content, &external, to, 2, &random_numbers, object, sizeof(object), &size) == COSE_OK,
            "sealed");
    save("sealed", object, size);
}

static void check_cose(void) {
    struct cose_sign1 sign1;
    struct cose_encrypt encrypt;
    struct p256_agreer agreer = p256_software_agreer(&device_software);
    uint8_t opened[64];
    size_t size = 0;
    const struct file *file = load("signed");
    enum cose_error error = cose_sign1_read(&sign1, file->bytes, file->size);
    if (error == COSE_OK)
        error = cose_sign1_verify(&sign1, test_type, &signing.public_key);
    expect(error == COSE_OK && cbor_bytes_equal(sign1.payload, payload, sizeof(payload) - 1), "signed",
           cose_error_text(error));
    file = load("sealed");
    error = cose_encrypt_read(&encrypt, file->bytes, file->size);
    if (error == COSE_OK)
        error = cose_encrypt_open(&encrypt, test_type, &external, &agreer, opened, sizeof(opened), &size);
    expect(error == COSE_OK && size == sizeof(payload) - 1 && memcmp(opened, payload, size) == 0, "sealed",
           cose_error_text(error));
}

static bool put(void *context, const void *data, size_t size) { return fwrite(data, 1, size, (FILE *)context) == size; }

static bool get(void *context, uint64_t offset, void *data, size_t size) {
    const struct file *file = context;
    if (offset > file->size || size > file->size - offset)
        return false;
    memcpy(data, file->bytes + offset, size);
    return true;
}

static uint8_t chunk[1 << STREAM_CHUNK_SHIFT_MIN];

static struct stream_key kernel_key(void) {
    static uint8_t name[STREAM_NAME_MAX];
    return (struct stream_key){content_key, name, content_name(&version, MANIFEST_KERNEL, name)};
}

static void make_stream(void) {
    static uint8_t plain[PLAIN_SIZE];
    struct stream_key key = kernel_key();
    struct stream_writer writer;
    FILE *file = open_named("stream", "wb");
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = plain_byte(i);
    require(stream_write_open(&writer, &key, STREAM_CHUNK_SHIFT_MIN, chunk, &random_numbers, put, file) == STREAM_OK &&
                stream_write(&writer, plain, sizeof(plain)) == STREAM_OK && stream_write_end(&writer) == STREAM_OK,
            "stream");
    stream_write_close(&writer);
    require(fclose(file) == 0, "stream");
}

static void check_stream(void) {
    static uint8_t plain[PLAIN_SIZE];
    static struct file file;
    struct stream_key key = kernel_key();
    struct stream_reader reader;
    file = *load("stream");
    enum stream_error error = stream_read_open(&reader, &key, file.size, chunk, sizeof(chunk), get, &file);
    bool good = error == STREAM_OK && reader.size == PLAIN_SIZE;
    if (good)
        error = stream_read(&reader, 0, plain, sizeof(plain));
    for (size_t i = 0; i < sizeof(plain); i++)
        good = good && plain[i] == plain_byte(i);
    stream_read_close(&reader);
    expect(good, "stream", stream_error_text(error));
}

static struct manifest example(void) {
    struct manifest manifest = {
        .name = "work",
        .title = "Work \xe2\x98\x95",
        .version = version.version,
        .minimum_version = 5,
        .command_line = "quiet",
        .memory = {CONFIG_MEMORY_BYTES, 1 << 30},
        .unlock = MANIFEST_UNLOCK_PIN,
        .prewarm_s = 60,
        .alarm_flip = true,
        .board_count = 1,
        .boards = {"qemu-virt"},
        .component_count = 1,
        .components = {{MANIFEST_KERNEL, "kernel", 0, 1 << 26, {0}, MANIFEST_LZ4, 1 << 25}},
        .device_count = 1,
    };
    const struct file *stream = load("stream");
    memcpy(manifest.id, version.id, sizeof(manifest.id));
    manifest.components[0].size = stream->size;
    require(digest_of(stream->bytes, stream->size, manifest.components[0].digest), "digest");
    return manifest;
}

static void make_manifest(void) {
    static uint8_t file[MANIFEST_SIZE_MAX], delegated[DELEGATION_SIZE_MAX];
    struct manifest manifest = example();
    struct delegation delegation = {
        .key = signing.public_key, .roles = DELEGATION_ROLE_MANIFEST, .epoch = 3, .one_persona = true};
    struct p256_signer by_root = p256_software_signer(&root_software);
    struct p256_signer signer = p256_software_signer(&signing_software);
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    size_t size = 0;
    memcpy(delegation.persona, version.id, sizeof(delegation.persona));
    require(p256_thumbprint(&device.public_key, thumbprint) == P256_OK, "thumbprint");
    require(delegation_write(&delegation, &by_root, delegated, sizeof(delegated), &size) == COSE_OK, "delegation");
    struct cbor_bytes chain = {delegated, size};
    require(manifest_write(&manifest, thumbprint, &chain, 1, &signer, file, sizeof(file), &size) == MANIFEST_OK,
            "manifest");
    save("manifest", file, size);
}

static void check_manifest(void) {
    static struct file file;
    static struct manifest manifest;
    struct delegation_trust trust = {root.public_key, 3};
    uint8_t thumbprint[P256_THUMBPRINT_SIZE], digest[DIGEST_SIZE];
    struct manifest_target target = {"qemu-virt", thumbprint, version.id, 7};
    file = *load("manifest");
    require(p256_thumbprint(&device.public_key, thumbprint) == P256_OK, "thumbprint");
    struct manifest_fault fault = manifest_open(&manifest, &trust, file.bytes, file.size);
    expect(fault.error == MANIFEST_OK, "manifest", manifest_fault_text(fault));
    enum manifest_error error = manifest_check(&manifest, &target);
    expect(error == MANIFEST_OK, "manifest's targets", manifest_error_text(error));
    expect(manifest.prewarm_s == 60 && manifest.alarm_flip, "manifest's flip policy", "read as another one");
    const struct file *stream = load("stream");
    require(digest_of(stream->bytes, stream->size, digest), "digest");
    error = manifest_check_component(&manifest, MANIFEST_KERNEL, stream->size, digest);
    expect(error == MANIFEST_OK, "manifest's kernel", manifest_error_text(error));
    const struct manifest_component *kernel = manifest_component(&manifest, MANIFEST_KERNEL);
    bool packed = kernel != NULL && kernel->packing == MANIFEST_LZ4 && kernel->unpacked == 1 << 25;
    expect(packed, "compression of the manifest's kernel", "another one");
}

static void make_content(void) {
    static uint8_t file[1024];
    size_t size = 0;
    require(content_seal(content_key, &version, &device.public_key, 1, &random_numbers, file, sizeof(file), &size) ==
                CONTENT_OK,
            "content-sealed");
    save("content-sealed", file, size);
    require(content_wrap(content_key, &version, persona_key, file, sizeof(file), &size) == CONTENT_OK,
            "content-wrapped");
    save("content-wrapped", file, size);
}

static void check_content(void) {
    uint8_t key[STREAM_KEY_SIZE];
    struct p256_agreer agreer = p256_software_agreer(&device_software);
    const struct file *file = load("content-sealed");
    enum content_error error = content_unseal(file->bytes, file->size, &version, &agreer, key);
    expect(error == CONTENT_OK && memcmp(key, content_key, sizeof(key)) == 0, "content-sealed",
           content_error_text(error));
    file = load("content-wrapped");
    error = content_unwrap(file->bytes, file->size, &version, persona_key, key);
    expect(error == CONTENT_OK && memcmp(key, content_key, sizeof(key)) == 0, "content-wrapped",
           content_error_text(error));
}

static void make_slots(void) {
    static struct slots slots;
    static uint8_t file[SLOTS_FILE_MAX];
    const struct slots_binding binding = {(const uint8_t *)"blob", 4, device_secret};
    size_t size = 0;
    slots_begin(&slots, version.id);
    require(slots_add_pin(&slots, persona_key, pin, 4, (struct pin_cost){64, 2}, &binding, &random_numbers) ==
                    SLOTS_OK &&
                slots_add_sealed(&slots, SLOT_DEVICE, persona_key, &device.public_key, &random_numbers) == SLOTS_OK &&
                slots_add_sealed(&slots, SLOT_ESCROW, persona_key, &escrow.public_key, &random_numbers) == SLOTS_OK &&
                slots_write(&slots, persona_key, file, sizeof(file), &size) == SLOTS_OK,
            "slots");
    save("slots", file, size);
}

static void check_slots(void) {
    static struct slots slots;
    uint8_t key[KEYS_SIZE];
    struct p256_agreer by_device = p256_software_agreer(&device_software);
    struct p256_agreer by_escrow = p256_software_agreer(&escrow_software);
    const struct file *file = load("slots");
    enum slots_error error = slots_read(&slots, version.id, file->bytes, file->size);
    expect(error == SLOTS_OK, "slots", slots_error_text(error));
    error = slots_open_pin(&slots, slots_find(&slots, SLOT_PIN, 0), pin, 4, device_secret, key);
    expect(error == SLOTS_OK && memcmp(key, persona_key, sizeof(key)) == 0, "PIN slot", slots_error_text(error));
    error = slots_open_sealed(&slots, slots_find(&slots, SLOT_DEVICE, 0), &by_device, key);
    expect(error == SLOTS_OK && memcmp(key, persona_key, sizeof(key)) == 0, "device slot", slots_error_text(error));
    error = slots_open_sealed(&slots, slots_find(&slots, SLOT_ESCROW, 0), &by_escrow, key);
    expect(error == SLOTS_OK && memcmp(key, persona_key, sizeof(key)) == 0, "escrow slot", slots_error_text(error));
    error = slots_check(&slots, persona_key, file->bytes, file->size);
    expect(error == SLOTS_OK, "slots' MAC", slots_error_text(error));
}

static void make_grant(void) {
    struct grant grant = {.kind = GRANT_ISSUE, .number = 1, .unlock = MANIFEST_UNLOCK_PIN};
    char code[ACTIVATION_SYMBOLS];
    const struct grant_target target = {.device = &device.public_key, .escrow = &escrow.public_key, .code = code};
    struct p256_signer by_root = p256_software_signer(&root_software);
    uint8_t file[GRANT_SIZE_MAX] = {0};
    size_t size = 0;
    memcpy(grant.id, version.id, sizeof(grant.id));
    require(activation_read(activation_code, strlen(activation_code), code) == ACTIVATION_OK, "activation code");
    require(grant_seal(&grant, persona_key, &target, &random_numbers) == GRANT_OK &&
                grant_write(&grant, NULL, 0, &by_root, file, sizeof(file), &size) == GRANT_OK,
            "grant");
    save("grant", file, size);
}

static void check_grant(void) {
    struct grant grant;
    const struct delegation_trust trust = {root.public_key, 3};
    struct p256_agreer by_device = p256_software_agreer(&device_software);
    uint8_t key[KEYS_SIZE], thumbprint[P256_THUMBPRINT_SIZE], code_key[GRANT_CODE_KEY_SIZE];
    char code[ACTIVATION_SYMBOLS];
    const struct file *file = load("grant");
    struct grant_fault fault = grant_open(&grant, &trust, file->bytes, file->size);
    expect(fault.error == GRANT_OK, "grant", grant_fault_text(fault));
    require(p256_thumbprint(&device.public_key, thumbprint) == P256_OK, "thumbprint");
    enum grant_error error = grant_check(&grant, version.id, thumbprint, 0);
    require(activation_read(activation_code, strlen(activation_code), code) == ACTIVATION_OK, "activation code");
    if (error == GRANT_OK)
        error = grant_code_key(&grant, code, code_key);
    if (error == GRANT_OK)
        error = grant_open_key(&grant, SLOT_DEVICE, &by_device, code_key, key);
    expect(error == GRANT_OK && memcmp(key, persona_key, sizeof(key)) == 0, "grant's key", grant_error_text(error));
}

static void make_organisation(void) {
    const struct organisation organisation = {.name = "Acme \xe2\x98\x95", .epoch = 3};
    struct p256_signer by_root = p256_software_signer(&root_software);
    uint8_t file[ORGANISATION_SIZE_MAX];
    size_t size = 0;
    require(organisation_write(&organisation, &by_root, file, sizeof(file), &size) == COSE_OK, "organisation");
    save("organisation", file, size);
}

static void check_organisation(void) {
    struct organisation organisation;
    const struct file *file = load("organisation");
    enum organisation_error error = organisation_read(&organisation, file->bytes, file->size);
    expect(error == ORGANISATION_OK && organisation.epoch == 3 &&
               memcmp(&organisation.root, &root.public_key, sizeof(organisation.root)) == 0,
           "organisation", organisation_error_text(error));
}

static void make_device_key(void) {
    struct device_key key = {.key = device};
    enum tpm_error tpm_error = TPM_OK;
    uint8_t file[DEVICE_KEY_SIZE_MAX];
    size_t size = 0;
    memcpy(key.secret, device_secret, sizeof(key.secret));
    require(device_key_write(&key, NULL, &random_numbers, &tpm_error, file, sizeof(file), &size) == DEVICE_KEY_OK,
            "device-key");
    save("device-key", file, size);
}

static void check_device_key(void) {
    struct device_key key;
    enum tpm_error tpm_error = TPM_OK;
    const struct file *file = load("device-key");
    enum device_key_error error = device_key_open(&key, NULL, &random_numbers, &tpm_error, file->bytes, file->size);
    expect(error == DEVICE_KEY_OK && memcmp(key.secret, device_secret, sizeof(key.secret)) == 0 &&
               memcmp(&key.key, &device, sizeof(device)) == 0,
           "device-key", device_key_error_text(error));
}

static void make_state(void) {
    struct state state = {
        .generation = 8, .epoch = 3, .root = {0xaa}, .counted = true, .counter_base = 5, .tpm = {0xbb}};
    uint8_t file[STATE_FILE_MAX];
    size_t size = 0;
    unsigned copy = 0;
    require(state_add(&state, version.id) == STATE_OK, "state");
    state_came_up(&state.personas[0], 6, 5);
    state.personas[0].grant = 2;
    require(state_choose(&state.personas[0], 7, 6).version == 7, "state");
    require(state_write(&state, device_secret, device_id, file, sizeof(file), &size, &copy) == STATE_OK, "state");
    save("state", file, size);
}

static void check_state(void) {
    struct state state;
    const struct file *file = load("state");
    struct state_copy copies[2] = {{NULL, 0}, {file->bytes, file->size}};
    const struct state_counter counter = {STATE_COUNTER_VALUE, 14, (const uint8_t[TPM_IDENTITY_SIZE]){0xbb}};
    enum state_error error = state_open(&state, copies, device_secret, device_id, &counter);
    struct state_persona *persona = state_find(&state, version.id);
    expect(error == STATE_OK && state.epoch == 3 && persona != NULL && persona->version == 6 && persona->trying == 7,
           "state", state_error_text(error));
}

static void make(void) {
    random_numbers = known_random(50);
    make_key("root.key", &root);
    make_key("signing.key", &signing);
    make_key("device.key", &device);
    make_key("escrow.key", &escrow);
    make_secret("persona.key", persona_key, sizeof(persona_key));
    make_secret("content.key", content_key, sizeof(content_key));
    make_secret("device.secret", device_secret, sizeof(device_secret));
    prepare_software();
    make_cose();
    make_stream();
    make_manifest();
    make_content();
    make_slots();
    make_grant();
    make_organisation();
    make_device_key();
    make_state();
}

static void check(void) {
    random_numbers = known_random(51);
    load_key("root.key", &root);
    load_key("signing.key", &signing);
    load_key("device.key", &device);
    load_key("escrow.key", &escrow);
    load_exactly("persona.key", persona_key, sizeof(persona_key));
    load_exactly("content.key", content_key, sizeof(content_key));
    load_exactly("device.secret", device_secret, sizeof(device_secret));
    prepare_software();
    check_cose();
    check_stream();
    check_manifest();
    check_content();
    check_slots();
    check_grant();
    check_organisation();
    check_device_key();
    check_state();
}

int main(int argc, char **argv) {
    require(argc == 3, "usage: interop-objects make|check DIRECTORY");
    directory = argv[2];
    if (strcmp(argv[1], "make") == 0)
        make();
    else
        check();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
