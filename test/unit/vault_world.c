// SPDX-License-Identifier: BSD-3-Clause
#include "vault_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "known_random.h"

const struct world_persona world_work = {
    .name = "work", .id = {1, 2, 3}, .unlock = MANIFEST_UNLOCK_PIN, .key = {0xa1, 0xa2}, .content_key = {0xc1}};
const struct world_persona world_home = {
    .name = "home", .id = {4, 5, 6}, .unlock = MANIFEST_UNLOCK_DEVICE, .key = {0xb1, 0xb2}, .content_key = {0xc2}};

static void require(bool condition) {
    if (!condition)
        abort();
}

static void make_key(struct world *world, struct p256_private *key, struct p256_software *software) {
    require(p256_generate(key, &world->random) == P256_OK);
    *software = (struct p256_software){key, &world->random};
}

static size_t delegate(struct world *world, const struct p256_private *to, uint32_t roles, uint8_t *object) {
    const struct delegation delegation = {.key = to->public_key, .roles = roles, .epoch = 1};
    struct p256_signer root = p256_software_signer(&world->root_software);
    size_t size = 0;
    require(delegation_write(&delegation, &root, object, DELEGATION_SIZE_MAX, &size) == COSE_OK);
    return size;
}

void world_make(struct world *world, unsigned seed) {
    memset(world, 0, sizeof(*world));
    world->random = known_random(seed);
    make_key(world, &world->root, &world->root_software);
    make_key(world, &world->signing, &world->signing_software);
    make_key(world, &world->manifest_only, &world->manifest_software);
    make_key(world, &world->escrow, &world->escrow_software);
    world->signer = p256_software_signer(&world->signing_software);
    world->delegation_size = delegate(world, &world->signing, DELEGATION_ROLE_ALL, world->delegation);
    world->manifest_delegation_size =
        delegate(world, &world->manifest_only, DELEGATION_ROLE_MANIFEST, world->manifest_delegation);
}

void world_install(struct world *world, struct disk *disk, uint64_t epoch) {
    const struct organisation organisation = {.name = "Acme Ltd", .epoch = epoch};
    struct p256_signer root = p256_software_signer(&world->root_software);
    uint8_t file[ORGANISATION_SIZE_MAX];
    size_t size = 0;
    require(organisation_write(&organisation, &root, file, sizeof(file), &size) == COSE_OK);
    disk_put(disk, "organisation", file, size, size);
}

struct enrolment world_request(struct disk *disk) {
    struct enrolment enrolment;
    require(enrolment_read(&enrolment, disk_bytes(disk, "device/request"), VAULT_REQUEST_FILE_SIZE) == ENROLMENT_OK);
    return enrolment;
}

static const char *in(const struct world_persona *persona, char folder, const char *file) {
    static char path[STORE_PATH_SIZE];
    (void)snprintf(path, sizeof(path), "personas/%s/%c/%s", persona->name, folder, file);
    return path;
}

static const char *of(const struct world_persona *persona, const char *file) {
    static char path[STORE_PATH_SIZE];
    (void)snprintf(path, sizeof(path), "personas/%s/%s", persona->name, file);
    return path;
}

struct output {
    uint8_t bytes[2 * WORLD_KERNEL_SIZE];
    size_t size;
};

static bool put(void *context, const void *data, size_t size) {
    struct output *output = context;
    require(size <= sizeof(output->bytes) - output->size);
    memcpy(output->bytes + output->size, data, size);
    output->size += size;
    return true;
}

static void encrypt_kernel(struct world *world, const struct world_persona *persona, uint64_t number,
                           struct output *output) {
    static uint8_t chunk[1 << STREAM_CHUNK_SHIFT_MIN], plain[WORLD_KERNEL_SIZE];
    struct content_version version = {.version = number};
    uint8_t name[STREAM_NAME_MAX];
    struct stream_writer writer;
    memcpy(version.id, persona->id, sizeof(version.id));
    const struct stream_key key = {persona->content_key, name, content_name(&version, MANIFEST_KERNEL, name)};
    memset(plain, (int)number, sizeof(plain));
    output->size = 0;
    require(stream_write_open(&writer, &key, STREAM_CHUNK_SHIFT_MIN, chunk, &world->random, put, output) == STREAM_OK);
    require(stream_write(&writer, plain, sizeof(plain)) == STREAM_OK && stream_write_end(&writer) == STREAM_OK);
    stream_write_close(&writer);
}

static struct manifest describe(const struct world_persona *persona, struct world_version version,
                                const struct output *kernel) {
    struct manifest manifest = {
        .title = "A persona",
        .version = version.version,
        .minimum_version = version.minimum,
        .command_line = "quiet",
        .unlock = persona->unlock,
        .board_count = 1,
        .boards = {WORLD_BOARD},
        .component_count = 1,
        .components = {{.kind = MANIFEST_KERNEL, .file = "kernel", .size = kernel->size, .memory = WORLD_KERNEL_SIZE}},
        .device_count = 1,
    };
    strcpy(manifest.name, persona->name);
    memcpy(manifest.id, persona->id, sizeof(manifest.id));
    require(digest_of(kernel->bytes, kernel->size, manifest.components[0].digest));
    return manifest;
}

static void put_content_key(struct world *world, struct disk *disk, const struct p256_public *device,
                            const struct world_persona *persona, struct world_version version) {
    struct content_version content = {.version = version.version};
    uint8_t file[1024];
    size_t size = 0;
    memcpy(content.id, persona->id, sizeof(content.id));
    require(content_seal(persona->content_key, &content, device, 1, &world->random, file, sizeof(file), &size) ==
            CONTENT_OK);
    disk_put(disk, in(persona, version.folder, "content.key"), file, size, size);
    disk_put(disk, in(persona, version.folder, "content.own"), file, 0, VAULT_OWN_FILE_SIZE);
}

void world_deliver(struct world *world, struct disk *disk, const struct p256_public *device,
                   const struct world_persona *persona, struct world_version version) {
    static struct output kernel;
    static uint8_t file[MANIFEST_SIZE_MAX];
    uint8_t thumbprint[P256_THUMBPRINT_SIZE];
    struct cbor_bytes chain = {world->delegation, world->delegation_size};
    size_t size = 0;
    encrypt_kernel(world, persona, version.version, &kernel);
    struct manifest manifest = describe(persona, version, &kernel);
    require(p256_thumbprint(device, thumbprint) == P256_OK);
    require(manifest_write(&manifest, thumbprint, &chain, 1, &world->signer, file, sizeof(file), &size) == MANIFEST_OK);
    disk_put(disk, in(persona, version.folder, "manifest"), file, size, size);
    disk_put(disk, in(persona, version.folder, "kernel"), kernel.bytes, kernel.size, kernel.size);
    put_content_key(world, disk, device, persona, version);
    if (disk_find(disk, of(persona, "up")) == NULL)
        disk_put(disk, of(persona, "up"), file, 0, VAULT_UP_FILE_SIZE);
}

void world_write_grant(struct world *world, const struct p256_public *device, const struct world_persona *persona,
                       enum grant_kind kind, uint64_t number, uint8_t *file) {
    struct grant grant = {.kind = kind, .number = number, .unlock = persona->unlock};
    const struct grant_target target = {
        .device = device, .escrow = &world->escrow.public_key, .code = world->code, .cost = {PIN_MEMORY_MIN, 1}};
    struct cbor_bytes chain = {world->delegation, world->delegation_size};
    size_t size = 0;
    memset(file, 0, GRANT_SIZE_MAX);
    memcpy(grant.id, persona->id, sizeof(grant.id));
    require(grant_seal(&grant, persona->key, &target, &world->random) == GRANT_OK);
    require(grant_write(&grant, &chain, 1, &world->signer, file, GRANT_SIZE_MAX, &size) == GRANT_OK);
}

void world_grant(struct world *world, struct disk *disk, const struct p256_public *device,
                 const struct world_persona *persona, enum grant_kind kind, uint64_t number) {
    uint8_t file[GRANT_SIZE_MAX];
    world_write_grant(world, device, persona, kind, number, file);
    disk_put(disk, of(persona, "grant"), file, sizeof(file), VAULT_GRANT_FILE_SIZE);
    if (disk_find(disk, of(persona, "slots.a")) == NULL) {
        disk_put(disk, of(persona, "slots.a"), file, 0, VAULT_SLOTS_FILE_SIZE);
        disk_put(disk, of(persona, "slots.b"), file, 0, VAULT_SLOTS_FILE_SIZE);
    }
}

static uint64_t stopped_clock(void *context) {
    (void)context;
    return 0;
}

struct vault_setup world_setup(struct drive *drive, struct random_stream *random, const struct tpm_transport *tpm) {
    return (struct vault_setup){
        .files = drive_files(drive),
        .write = drive_write(drive),
        .tpm = tpm,
        .random = random,
        .board = WORLD_BOARD,
        .clock = stopped_clock,
        .pin_cost = {PIN_MEMORY_MIN, 1},
    };
}

void world_up(struct disk *disk, const struct world_persona *persona, uint64_t version) {
    uint8_t token[KEYS_SIZE];
    char text[2 * KEYS_SIZE + 2];
    require(keys_derive(persona->key, KEYS_UP, persona->id, version, token, sizeof(token)) == KEYS_OK);
    for (size_t i = 0; i < sizeof(token); i++)
        (void)snprintf(text + 2 * i, 3, "%02x", token[i]);
    text[2 * KEYS_SIZE] = '\n';
    disk_put(disk, of(persona, "up"), text, 2 * KEYS_SIZE + 1, VAULT_UP_FILE_SIZE);
}
