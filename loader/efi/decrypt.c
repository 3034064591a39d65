// SPDX-License-Identifier: BSD-3-Clause
// The encrypted files of a persona that is open: checked, decrypted, decompressed, and with the volume key behind the
// initrd.
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "cpu.h"
#include "credential.h"
#include "crypto/hkdf.h"
#include "load.h"
#include "unlz4.h"

enum {
    CHUNK_MAX = 1 << STREAM_CHUNK_SHIFT_MAX,
    WINDOW_MAX = 32 * 1024 * 1024, /* bytes; a file that is no longer is read once, in one go */
    WINDOW_ALIGNMENT = 64 * 1024,  /* bytes, at least a cluster: U-Boot reads what begins inside one sector by sector */
};

/** An encrypted file being read: in large pieces, since firmware looks each one up anew. */
struct source {
    const struct store_files *files;
    char path[STORE_PATH_SIZE];
    uint64_t size; /* bytes */
    uint8_t *window;
    size_t window_room; /* bytes */
    uint64_t window_at;
    size_t window_size; /* bytes; 0: nothing is in it */
    struct digest digest;
    uint64_t digested; /* bytes from the beginning */
};

/* The digest goes on where it stopped, whatever else was read in between. */
static void digest_window(struct source *source) {
    const uint64_t end = source->window_at + source->window_size;
    if (source->window_at > source->digested || end <= source->digested)
        return;
    digest_add(&source->digest, source->window + (source->digested - source->window_at),
               (size_t)(end - source->digested));
    source->digested = end;
}

static bool fill_window(struct source *source, uint64_t offset) {
    source->window_at = offset - offset % WINDOW_ALIGNMENT;
    const uint64_t left = source->size - source->window_at;
    source->window_size = (size_t)(left < source->window_room ? left : source->window_room);
    if (source->files->read(source->files->context, source->path, source->window_at, source->window,
                            source->window_size) != STORE_FILE_OK) {
        source->window_size = 0;
        return false;
    }
    digest_window(source);
    return true;
}

static bool get(void *context, uint64_t offset, void *data, size_t size) {
    struct source *source = context;
    uint8_t *to = data;
    while (size > 0) {
        if (offset >= source->size)
            return false;
        if ((offset < source->window_at || offset - source->window_at >= source->window_size) &&
            !fill_window(source, offset))
            return false;
        const uint64_t inside = offset - source->window_at;
        const size_t part = size < source->window_size - inside ? size : (size_t)(source->window_size - inside);
        cpu_copy(to, source->window + inside, part);
        to += part;
        offset += part;
        size -= part;
    }
    return true;
}

/* What the reader did not ask for belongs to the digest all the same. */
static bool check_digest(struct source *source, const struct manifest *manifest, enum manifest_kind kind) {
    uint8_t digest[DIGEST_SIZE];
    bool good = true;
    while (good && source->digested < source->size)
        good = fill_window(source, source->digested);
    good = digest_end(&source->digest, digest) && good;
    return good && manifest_check_component(manifest, kind, source->size, digest) == MANIFEST_OK;
}

/** What a component is decrypted with and to. */
struct component {
    struct session *session;
    size_t index;
    const struct vault_unlocked *unlocked;
    enum manifest_kind kind;
    const char *what; /* for the user */
    struct session_buffer *buffer;
    const struct manifest_component *entry; /* what the manifest says of it */
    uint64_t room_behind;                   /* bytes behind the plaintext, and what it takes to align them */
    uint64_t size;                          /* out: of the plaintext */
};

static bool fail(const struct component *component, const char *reason) {
    session_mark(component->session, component->index, SESSION_DAMAGED, "%s: %s", component->what, reason);
    return false;
}

/* Memory for what a component becomes. @param size bytes of that */
static bool allocate(struct component *component, uint64_t size) {
    component->size = size;
    return load_allocate(component->session, component->index, component->buffer,
                         credential_offset(size) + component->room_behind);
}

static bool decrypt_all(struct component *component, struct stream_reader *reader, uint8_t *to) {
    for (uint64_t done = 0; done < reader->size;) {
        const uint64_t left = reader->size - done;
        const size_t size = (size_t)(left < LOAD_CHUNK ? left : LOAD_CHUNK);
        enum stream_error error = stream_read(reader, done, to + done, size);
        if (error != STREAM_OK)
            return fail(component, stream_error_text(error));
        done += size;
        console_print(".");
    }
    return true;
}

/* Straight to its place, unless it has to be decompressed. */
static bool decrypt_to(struct component *component, struct stream_reader *reader, struct session_buffer *packed) {
    if (component->entry->packing == MANIFEST_AS_IT_IS)
        return allocate(component, reader->size) && decrypt_all(component, reader, component->buffer->memory);
    return load_allocate(component->session, component->index, packed, reader->size) &&
           decrypt_all(component, reader, packed->memory);
}

static bool unpack(struct component *component, const struct session_buffer *packed) {
    if (component->entry->packing == MANIFEST_AS_IT_IS)
        return true;
    if (!allocate(component, component->entry->unpacked))
        return false;
    enum unlz4_error error =
        unlz4(packed->memory, (size_t)packed->size, component->buffer->memory, (size_t)component->size);
    return error == UNLZ4_OK || fail(component, unlz4_error_text(error));
}

static bool decrypt(struct component *component, struct source *source, uint8_t *chunk, struct session_buffer *packed) {
    static struct stream_reader reader;
    const struct manifest *manifest = component->unlocked->manifest;
    struct content_version version = {.version = manifest->version};
    uint8_t name[STREAM_NAME_MAX];
    struct stream_key key = {.key = component->unlocked->content_key, .name = name};
    memcpy(version.id, manifest->id, sizeof(version.id));
    key.name_size = content_name(&version, component->kind, name);
    enum stream_error error = stream_read_open(&reader, &key, source->size, chunk, CHUNK_MAX, get, source);
    bool good = error == STREAM_OK ? decrypt_to(component, &reader, packed) : fail(component, stream_error_text(error));
    stream_read_close(&reader);
    if (!good)
        return false;
    return check_digest(source, manifest, component->kind) ||
           fail(component, manifest_error_text(MANIFEST_WRONG_DIGEST));
}

static bool find(struct component *component, struct source *source) {
    const struct manifest *manifest = component->unlocked->manifest;
    const struct manifest_component *entry = component->entry = manifest_component(manifest, component->kind);
    // A change of the PIN reads the manifest anew: then the disk may have failed.
    if (entry == NULL)
        return fail(component, manifest_error_text(MANIFEST_NO_COMPONENT));
    (void)snprintf(source->path, sizeof(source->path), "%s/%s", component->unlocked->directory, entry->file);
    enum store_file_result result = source->files->size(source->files->context, source->path, &source->size);
    if (result != STORE_FILE_OK)
        return fail(component, result == STORE_FILE_ABSENT ? "missing" : "can't be read");
    enum manifest_error error = manifest_check_component(manifest, component->kind, source->size, NULL);
    return error == MANIFEST_OK || fail(component, manifest_error_text(error));
}

/* Nothing is decompressed before all of it is known to be what was signed. */
static bool read_component(struct component *component) {
    static struct source source;
    struct session_buffer work = {0}, packed = {0}; /* work: chunk, then window */
    source = (struct source){.files = &component->session->access};
    console_print(" %s ", component->what);
    if (!find(component, &source))
        return false;
    source.window_room = (size_t)(source.size < WINDOW_MAX ? source.size : WINDOW_MAX);
    if (!load_allocate(component->session, component->index, &work, CHUNK_MAX + source.window_room))
        return false;
    source.window = work.memory + CHUNK_MAX;
    digest_begin(&source.digest);
    bool good = decrypt(component, &source, work.memory, &packed);
    load_release(&work);
    good = good && unpack(component, &packed);
    load_release(&packed);
    return good;
}

/* The volume key as a file behind the initrd, or as the whole of it. */
static bool append_credential(struct session *session, size_t index, const struct vault_unlocked *unlocked,
                              uint64_t initrd_size) {
    struct session_buffer *initrd = &session->personas[index].initrd;
    uint64_t offset = credential_offset(initrd_size);
    uint8_t key[KEYS_VOLUME_SIZE];
    size_t size = 0;
    bool good = keys_derive(unlocked->persona_key, KEYS_VOLUME, unlocked->manifest->id, 0, key, sizeof(key)) == KEYS_OK;
    memset(initrd->memory + initrd_size, 0, (size_t)(offset - initrd_size));
    good = good && credential_write(SESSION_CREDENTIAL, key, sizeof(key), initrd->memory + offset,
                                    (size_t)(initrd->size - offset), &size) == CREDENTIAL_OK;
    crypto_wipe(key, sizeof(key));
    initrd->size = offset + size;
    if (!good)
        session_mark(session, index, SESSION_DAMAGED, "the volume key could not be made");
    return good;
}

static bool read_initrd(struct session *session, size_t index, const struct vault_unlocked *unlocked) {
    struct session_buffer *initrd = &session->personas[index].initrd;
    const uint64_t room = credential_size(SESSION_CREDENTIAL, KEYS_VOLUME_SIZE);
    struct component component = {
        session, index, unlocked, MANIFEST_INITRD, "initrd", initrd, NULL, room, 0,
    };
    bool there = manifest_component(unlocked->manifest, MANIFEST_INITRD) != NULL;
    if (there ? !read_component(&component) : !load_allocate(session, index, initrd, room))
        return false;
    // Whether it is whole was checked before it was signed, and it is what was signed.
    return append_credential(session, index, unlocked, component.size);
}

static bool read_files(struct session *session, size_t index, const struct vault_unlocked *unlocked) {
    struct component kernel = {
        session, index, unlocked, MANIFEST_KERNEL, "kernel", &session->personas[index].kernel_file, NULL, 0, 0,
    };
    if (!read_component(&kernel))
        return false;
    session->personas[index].kernel_file.size = kernel.size;
    return load_unpack_kernel(session, index) && read_initrd(session, index, unlocked);
}

bool session_decrypt(struct session *session, size_t index, const struct vault_unlocked *unlocked) {
    const struct store_persona *entry = &session->store.personas[index];
    struct session_persona *persona = &session->personas[index];
    session_take_manifest(session, index, unlocked->manifest);
    console_print("Decrypting %s, version %s:", entry->name, persona->version);
    bool good = read_files(session, index, unlocked);
    console_print("%s\n", good ? " good" : "");
    if (!good) {
        console_print("  %s: %s\n", entry->name, persona->reason);
        load_release_persona(persona);
        return false;
    }
    memcpy(persona->up, unlocked->up, sizeof(persona->up));
    session_mark(session, index, SESSION_READY, "%s", unlocked->notice);
    return true;
}
