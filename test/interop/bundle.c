// SPDX-License-Identifier: BSD-3-Clause
// Makes what the loader gives to a persona that stays locked, from plain files:
// interop-bundle OUT PIN KERNEL INITRD NAME CONSOLE DISTRIBUTOR BUTTON; prints the LUKS key file in hexadecimal digits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bundle.h"
#include "crypto/hkdf.h"
#include "persona/content.h"
#include "persona/manifest.h"
#include "persona/slots.h"

enum { PIN_MEMORY = 16 * 1024 /* KiB */, VERSION = 3 };

struct file {
    uint8_t *bytes;
    size_t size;
};

static struct random_stream generator;

static void check(bool good, const char *what) {
    if (good)
        return;
    (void)fprintf(stderr, "interop-bundle: %s\n", what);
    exit(1);
}

static struct file read_file(const char *path) {
    struct file file = {0};
    FILE *stream = fopen(path, "rb");
    check(stream != NULL && fseek(stream, 0, SEEK_END) == 0, path);
    file.size = (size_t)ftell(stream);
    file.bytes = malloc(file.size);
    rewind(stream);
    check(file.bytes != NULL && fread(file.bytes, 1, file.size, stream) == file.size, path);
    (void)fclose(stream);
    return file;
}

static bool put(void *context, const void *data, size_t size) {
    struct file *file = context;
    memcpy(file->bytes + file->size, data, size);
    file->size += size;
    return true;
}

static struct bundle_part encrypt(const char *path, enum manifest_kind kind, const struct content_version *version,
                                  const uint8_t *content_key) {
    static uint8_t chunk[1 << STREAM_CHUNK_SHIFT];
    uint8_t name[STREAM_NAME_MAX];
    struct file plain = read_file(path);
    struct file out = {malloc((size_t)stream_encrypted_size(plain.size, STREAM_CHUNK_SHIFT)), 0};
    struct stream_key key = {content_key, name, content_name(version, (unsigned)kind, name)};
    struct stream_writer writer;
    check(out.bytes != NULL &&
              stream_write_open(&writer, &key, STREAM_CHUNK_SHIFT, chunk, &generator, put, &out) == STREAM_OK &&
              stream_write(&writer, plain.bytes, plain.size) == STREAM_OK && stream_write_end(&writer) == STREAM_OK,
          path);
    stream_write_close(&writer);
    free(plain.bytes);
    return (struct bundle_part){out.bytes, out.size};
}

static struct bundle_part make_slots(const uint8_t *id, const uint8_t *persona_key, const char *pin) {
    static struct slots slots;
    static uint8_t file[SLOTS_FILE_MAX];
    struct bundle_part part = {file, 0};
    slots_begin(&slots, id);
    check(slots_add_pin(&slots, persona_key, pin, strlen(pin), (struct pin_cost){PIN_MEMORY, 1}, NULL, &generator) ==
                  SLOTS_OK &&
              slots_write(&slots, persona_key, file, sizeof(file), &part.size) == SLOTS_OK,
          "slots");
    return part;
}

static void open_generator(void) {
    uint8_t seed[32];
    struct random_pool pool;
    struct random_input input = {seed, sizeof(seed)};
    check(getrandom(seed, sizeof(seed), 0) == sizeof(seed) && random_init(&pool, &input, 1) == RANDOM_OK &&
              random_stream_open(&generator, &pool, "bundle") == RANDOM_OK,
          "random numbers");
}

static void print_key_file(const uint8_t *persona_key, const uint8_t *id) {
    uint8_t volume[KEYS_VOLUME_SIZE];
    check(keys_derive(persona_key, KEYS_VOLUME, id, 0, volume, sizeof(volume)) == KEYS_OK, "keys");
    for (size_t i = 0; i < sizeof(volume); i++)
        (void)printf("%02x", volume[i]);
    (void)printf("\n");
}

int main(int argc, char **argv) {
    static uint8_t content_file[CONTENT_WRAPPED_SIZE_MAX];
    uint8_t persona_key[KEYS_SIZE], content_key[STREAM_KEY_SIZE];
    struct content_version version = {.version = VERSION};
    struct bundle bundle = {0};
    check(argc == 9, "wrong arguments");
    open_generator();
    check(random_bytes(&generator, persona_key, sizeof(persona_key)) == RANDOM_OK &&
              random_bytes(&generator, content_key, sizeof(content_key)) == RANDOM_OK &&
              random_bytes(&generator, version.id, sizeof(version.id)) == RANDOM_OK,
          "random numbers");
    memcpy(bundle.about.id, version.id, sizeof(version.id));
    bundle.about.version = version.version;
    (void)snprintf(bundle.about.name, sizeof(bundle.about.name), "%s", argv[5]);
    (void)snprintf(bundle.about.title, sizeof(bundle.about.title), "%s", argv[5]);
    bundle.about.console = strtoull(argv[6], NULL, 0);
    bundle.about.distributor = strtoull(argv[7], NULL, 0);
    bundle.about.flip_button = (uint32_t)strtoul(argv[8], NULL, 0);
    bundle.parts[BUNDLE_SLOTS] = make_slots(version.id, persona_key, argv[2]);
    bundle.parts[BUNDLE_CONTENT].bytes = content_file;
    check(content_wrap(content_key, &version, persona_key, content_file, sizeof(content_file),
                       &bundle.parts[BUNDLE_CONTENT].size) == CONTENT_OK,
          "content key");
    bundle.parts[BUNDLE_KERNEL] = encrypt(argv[3], MANIFEST_KERNEL, &version, content_key);
    bundle.parts[BUNDLE_INITRD] = encrypt(argv[4], MANIFEST_INITRD, &version, content_key);
    size_t size = bundle_size(&bundle);
    uint8_t *bytes = malloc(size);
    check(bytes != NULL && bundle_write(&bundle, bytes, size) == BUNDLE_OK, "bundle");
    FILE *out = fopen(argv[1], "wb");
    check(out != NULL && fwrite(bytes, 1, size, out) == size && fclose(out) == 0, argv[1]);
    print_key_file(persona_key, version.id);
    return 0;
}
