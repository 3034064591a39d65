// SPDX-License-Identifier: BSD-3-Clause
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "crypto/hkdf.h"
#include "initrd.h"
#include "load.h"

enum { MIB = 1024 * 1024 };

typedef bool read_function(const struct store_persona *persona, const struct store_files *files, uint64_t offset,
                           void *buffer, size_t size);

void session_mark(struct session *session, size_t index, enum session_state state, const char *format, ...) {
    struct session_persona *persona = &session->personas[index];
    va_list arguments;
    persona->state = state;
    va_start(arguments, format);
    (void)vsnprintf(persona->reason, sizeof(persona->reason), format, arguments);
    va_end(arguments);
}

void load_release(struct session_buffer *buffer) {
    if (buffer->memory != NULL)
        memset(buffer->memory, 0, (size_t)buffer->size);
    firmware_free(buffer->memory, buffer->size);
    *buffer = (struct session_buffer){0};
}

bool load_allocate(struct session *session, size_t index, struct session_buffer *buffer, uint64_t size) {
    *buffer = (struct session_buffer){firmware_allocate(size), size};
    if (buffer->memory == NULL)
        session_mark(session, index, SESSION_NO_FIT, "no memory to read it: %lu MB needed",
                     (unsigned long)(size / MIB + 1));
    return buffer->memory != NULL;
}

static bool read_file(struct session *session, size_t index, const char *what, read_function *read,
                      struct session_buffer *buffer) {
    console_print(" %s ", what);
    for (uint64_t done = 0; done < buffer->size;) {
        uint64_t size = buffer->size - done < LOAD_CHUNK ? buffer->size - done : LOAD_CHUNK;
        if (!read(&session->store.personas[index], &session->access, done, buffer->memory + done, (size_t)size)) {
            session_mark(session, index, SESSION_DAMAGED, "%s can't be read", what);
            return false;
        }
        done += size;
        console_print(".");
    }
    return true;
}

bool load_unpack_kernel(struct session *session, size_t index) {
    struct session_persona *persona = &session->personas[index];
    enum kernel_image_error error =
        kernel_image_open(&persona->image, persona->kernel_file.memory, (size_t)persona->kernel_file.size);
    if (error == KERNEL_IMAGE_OK && persona->image.format != KERNEL_IMAGE_RAW) {
        if (!load_allocate(session, index, &persona->unpacked, persona->image.unpacked_size))
            return false;
        error = kernel_image_unpack(&persona->image, persona->unpacked.memory, (size_t)persona->unpacked.size);
        load_release(&persona->kernel_file);
    }
    if (error != KERNEL_IMAGE_OK)
        session_mark(session, index, SESSION_DAMAGED, "%s", kernel_image_error_text(error));
    return error == KERNEL_IMAGE_OK;
}

static bool check_initrd(struct session *session, size_t index) {
    const struct session_buffer *initrd = &session->personas[index].initrd;
    enum initrd_error error = initrd_check(initrd->memory, (size_t)initrd->size);
    if (error != INITRD_OK)
        session_mark(session, index, SESSION_DAMAGED, "%s", initrd_error_text(error));
    return error == INITRD_OK;
}

static bool load_persona(struct session *session, size_t index) {
    const struct store_persona *entry = &session->store.personas[index];
    struct session_persona *persona = &session->personas[index];
    if (!load_allocate(session, index, &persona->kernel_file, entry->kernel_size) ||
        !read_file(session, index, "kernel", store_read_kernel, &persona->kernel_file) ||
        !load_unpack_kernel(session, index))
        return false;
    if (entry->initrd_size == 0)
        return true;
    return load_allocate(session, index, &persona->initrd, entry->initrd_size) &&
           read_file(session, index, "initrd", store_read_initrd, &persona->initrd) && check_initrd(session, index);
}

void load_release_persona(struct session_persona *persona) {
    load_release(&persona->kernel_file);
    load_release(&persona->unpacked);
    load_release(&persona->initrd);
}

static void load_plain(struct session *session, size_t index) {
    const struct store_persona *entry = &session->store.personas[index];
    if (session->vault_error != VAULT_NO_ORGANISATION && !session->store.terminal.allow_unsigned) {
        session_mark(session, index, SESSION_REFUSED,
                     "not signed by %s; allow-unsigned=yes in flipside.conf lets it start",
                     session->vault.organisation.name[0] != '\0' ? session->vault.organisation.name : "anybody");
        return;
    }
    console_print("Reading %s (%lu MB):", entry->name,
                  (unsigned long)((entry->kernel_size + entry->initrd_size + MIB - 1) / MIB));
    bool good = load_persona(session, index);
    console_print("%s\n", good ? " good" : "");
    if (good)
        return;
    console_print("  %s: %s\n", entry->name, session->personas[index].reason);
    load_release_persona(&session->personas[index]);
}

/* One that needs no PIN is opened at once. */
static void load_encrypted(struct session *session, size_t index) {
    if (session->vault_error != VAULT_OK) {
        session_mark(session, index, SESSION_REFUSED, "%s", session->vault.reason);
        return;
    }
    if (session_look(session, index) == VAULT_READY)
        session_unlock(session, index, false);
}

static void load_all(struct session *session) {
    for (size_t i = 0; i < session->store.persona_count; i++) {
        const struct store_persona *entry = &session->store.personas[i];
        if (entry->status == STORE_READY)
            load_plain(session, i);
        else if (entry->status == STORE_ENCRYPTED)
            load_encrypted(session, i);
        else
            session_mark(session, i, SESSION_DAMAGED, "%s", entry->reason);
    }
}

void session_unload(struct session *session) {
    for (size_t i = 0; i < STORE_PERSONAS_MAX; i++)
        load_release_persona(&session->personas[i]);
    memset(session->personas, 0, sizeof(session->personas));
    vault_close(&session->vault);
    vault_usim_wipe(&session->usim);
    crypto_wipe(&session->usim_part, sizeof(session->usim_part));
    crypto_wipe(&session->request, sizeof(session->request)); /* seeds, the USIM's keys */
}

void session_load(struct session *session) {
    enum store_error error = STORE_ABSENT;
    session_unload(session);
    session_open_vault(session);
    session_open_usim(session);
    memset(&session->store, 0, sizeof(session->store));
    config_terminal_defaults(&session->store.terminal);
    if (session->store_found)
        error = store_scan(&session->store, &session->access);
    if (error != STORE_OK)
        console_print("Personas: %s\n", store_error_text(error));
    if (session->store.terminal_reason[0] != '\0')
        console_print("flipside.conf is not followed: %s\n", session->store.terminal_reason);
    if (session->store.left_out > 0)
        console_print("%lu personas more than the %u that are supported are left out\n",
                      (unsigned long)session->store.left_out, STORE_PERSONAS_MAX);
    load_all(session);
}
