// SPDX-License-Identifier: BSD-3-Clause
// Personas that stay locked while another one is started: the unlocker in the place of their kernel, and their files,
// as they are on the disk, in the place of its initrd.
#include <stdio.h>
#include <string.h>

#include "bundle.h"
#include "console.h"
#include "embedded.h"
#include "load.h"
#include "tpm.h"

static bool fail(struct session *session, size_t index, const char *what, const char *reason) {
    session_mark(session, index, SESSION_LOCKED, "%s%s%s", what, what[0] != '\0' ? ": " : "", reason);
    return false;
}

static bool describe(struct session *session, size_t index, const struct vault_left *left, struct bundle *bundle) {
    const struct manifest_component *kernel = manifest_component(left->manifest, MANIFEST_KERNEL);
    const struct manifest_component *initrd = manifest_component(left->manifest, MANIFEST_INITRD);
    struct bundle_about *about = &bundle->about;
    const uint64_t tpm = left->bound ? firmware_tpm_registers(session->tree) : 0;
    *bundle = (struct bundle){0};
    if (session->board.console == 0)
        return fail(session, index, "", "there is no serial line to ask for its PIN on");
    if (left->bound && tpm == 0)
        return fail(session, index, "", "its PIN is bound to the TPM, which has no registers to hand over");
    if (random_bytes(session->vault.setup.random, about->seed, sizeof(about->seed)) != RANDOM_OK)
        return fail(session, index, "", "there are no random numbers");
    about->version = left->manifest->version;
    about->failed_attempts = left->failed_attempts;
    about->flip_button = session->board.flip_button_intid;
    about->distributor = session->board.gic.distributor.base;
    about->console = session->board.console;
    about->tpm = session->personas[index].tpm = tpm;
    memcpy(about->id, left->manifest->id, sizeof(about->id));
    memcpy(about->check, left->check, sizeof(about->check));
    (void)snprintf(about->name, sizeof(about->name), "%s", session->store.personas[index].name);
    (void)snprintf(about->title, sizeof(about->title), "%s", session->store.personas[index].config.title);
    bundle->parts[BUNDLE_SLOTS] = (struct bundle_part){left->slots, VAULT_SLOTS_FILE_SIZE};
    bundle->parts[BUNDLE_CONTENT] = (struct bundle_part){left->content, sizeof(left->content)};
    bundle->parts[BUNDLE_KERNEL] = (struct bundle_part){NULL, (size_t)kernel->size};
    bundle->parts[BUNDLE_INITRD] = (struct bundle_part){NULL, initrd != NULL ? (size_t)initrd->size : 0};
    about->unpacked[BUNDLE_KERNEL] = kernel->unpacked;
    about->unpacked[BUNDLE_INITRD] = initrd != NULL ? initrd->unpacked : 0;
    session->personas[index].room = bundle_room(bundle, kernel->memory, left->pin_memory_kib);
    return true;
}

static bool read_all(struct session *session, const char *path, uint8_t *to, size_t size) {
    for (size_t done = 0; done < size;) {
        const size_t part = size - done < LOAD_CHUNK ? size - done : LOAD_CHUNK;
        if (session->access.read(session->access.context, path, done, to + done, part) != STORE_FILE_OK)
            return false;
        console_print(".");
        done += part;
    }
    return true;
}

/* Its signature covers the digest: what the unlocker gets needs no other check. */
static bool read_component(struct session *session, size_t index, const struct vault_left *left,
                           enum manifest_kind kind, const struct bundle_part *part) {
    const struct manifest_component *component = manifest_component(left->manifest, kind);
    uint8_t *to = session->personas[index].initrd.memory + (part->bytes - session->personas[index].initrd.memory);
    uint8_t digest[DIGEST_SIZE];
    char path[STORE_PATH_SIZE];
    uint64_t size = 0;
    if (component == NULL)
        return true;
    (void)snprintf(path, sizeof(path), "%s/%s", left->directory, component->file);
    if (session->access.size(session->access.context, path, &size) != STORE_FILE_OK)
        return fail(session, index, component->file, "missing");
    enum manifest_error error = manifest_check_component(left->manifest, kind, size, NULL);
    if (error == MANIFEST_OK && !read_all(session, path, to, part->size))
        return fail(session, index, component->file, "can't be read");
    if (error == MANIFEST_OK)
        error = digest_of(to, part->size, digest) ? manifest_check_component(left->manifest, kind, size, digest)
                                                  : MANIFEST_FAILED;
    return error == MANIFEST_OK || fail(session, index, component->file, manifest_error_text(error));
}

static bool read_bundle(struct session *session, size_t index, const struct vault_left *left, struct bundle *bundle) {
    struct session_buffer *buffer = &session->personas[index].initrd;
    size_t size = bundle_size(bundle);
    if (size == 0)
        return fail(session, index, "", bundle_error_text(BUNDLE_TOO_LARGE));
    if (!load_allocate(session, index, buffer, size))
        return fail(session, index, "", "no memory to read its files");
    if (bundle_write(bundle, buffer->memory, size) != BUNDLE_OK ||
        bundle_read(bundle, buffer->memory, size) != BUNDLE_OK)
        return fail(session, index, "", bundle_error_text(BUNDLE_DAMAGED));
    return read_component(session, index, left, MANIFEST_KERNEL, &bundle->parts[BUNDLE_KERNEL]) &&
           read_component(session, index, left, MANIFEST_INITRD, &bundle->parts[BUNDLE_INITRD]);
}

static bool leave(struct session *session, size_t index) {
    static struct vault_left left;
    static struct bundle bundle;
    struct session_persona *persona = &session->personas[index];
    if (vault_leave(&session->vault, session->store.personas[index].name, &left) != VAULT_OK)
        return fail(session, index, "", session->vault.reason);
    session_take_manifest(session, index, left.manifest);
    console_print("Reading %s, which stays locked: ", session->store.personas[index].name);
    bool good = describe(session, index, &left, &bundle) && read_bundle(session, index, &left, &bundle);
    console_print("%s\n", good ? " good" : "");
    if (good && kernel_image_open(&persona->image, unlocker_image, (size_t)(unlocker_image_end - unlocker_image)) !=
                    KERNEL_IMAGE_OK)
        good = fail(session, index, "", "the unlocker is damaged");
    return good;
}

void session_leave_locked(struct session *session) {
    for (size_t i = 0; i < session->store.persona_count; i++) {
        struct session_persona *persona = &session->personas[i];
        if (persona->state != SESSION_LOCKED)
            continue;
        if (leave(session, i)) {
            session_mark(session, i, SESSION_LEFT, "stays locked; its PIN is asked for at the first flip to it");
            continue;
        }
        console_print("%s is left out of this start: %s (u unlocks it before another is started)\n",
                      session->store.personas[i].name, persona->reason);
        load_release_persona(persona);
        persona->room = persona->tpm = 0;
    }
}

void session_take_back(struct session *session) {
    for (size_t i = 0; i < session->store.persona_count; i++) {
        if (session->personas[i].room == 0)
            continue;
        load_release_persona(&session->personas[i]);
        session->personas[i].room = session->personas[i].tpm = 0;
        session_mark(session, i, SESSION_LOCKED, "%s", "");
    }
}
