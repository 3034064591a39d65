// SPDX-License-Identifier: BSD-3-Clause
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "initrd.h"
#include "session.h"

enum { READ_CHUNK = 8 * 1024 * 1024, MIB = 1024 * 1024 };

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

static void release(struct session_buffer *buffer) {
    firmware_free(buffer->memory, buffer->size);
    *buffer = (struct session_buffer){0};
}

static bool allocate(struct session *session, size_t index, struct session_buffer *buffer, uint64_t size) {
    *buffer = (struct session_buffer){firmware_allocate(size), size};
    if (buffer->memory == NULL)
        session_mark(session, index, SESSION_NO_FIT, "no memory to read it: %lu MB needed",
                     (unsigned long)(size / MIB + 1));
    return buffer->memory != NULL;
}

/* Large files take a while on a slow medium: a dot each chunk. */
static bool read_file(struct session *session, size_t index, const char *what, read_function *read,
                      struct session_buffer *buffer) {
    console_print(" %s ", what);
    for (uint64_t done = 0; done < buffer->size;) {
        uint64_t size = buffer->size - done < READ_CHUNK ? buffer->size - done : READ_CHUNK;
        if (!read(&session->store.personas[index], &session->access, done, buffer->memory + done, (size_t)size)) {
            session_mark(session, index, SESSION_DAMAGED, "%s can't be read", what);
            return false;
        }
        done += size;
        console_print(".");
    }
    return true;
}

static bool unpack_kernel(struct session *session, size_t index) {
    struct session_persona *persona = &session->personas[index];
    enum kernel_image_error error =
        kernel_image_open(&persona->image, persona->kernel_file.memory, (size_t)persona->kernel_file.size);
    if (error == KERNEL_IMAGE_OK && persona->image.format != KERNEL_IMAGE_RAW) {
        if (!allocate(session, index, &persona->unpacked, persona->image.unpacked_size))
            return false;
        error = kernel_image_unpack(&persona->image, persona->unpacked.memory, (size_t)persona->unpacked.size);
        release(&persona->kernel_file);
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
    if (!allocate(session, index, &persona->kernel_file, entry->kernel_size) ||
        !read_file(session, index, "kernel", store_read_kernel, &persona->kernel_file) ||
        !unpack_kernel(session, index))
        return false;
    if (entry->initrd_size == 0)
        return true;
    return allocate(session, index, &persona->initrd, entry->initrd_size) &&
           read_file(session, index, "initrd", store_read_initrd, &persona->initrd) && check_initrd(session, index);
}

static void release_persona(struct session_persona *persona) {
    release(&persona->kernel_file);
    release(&persona->unpacked);
    release(&persona->initrd);
}

static void load_all(struct session *session) {
    for (size_t i = 0; i < session->store.persona_count; i++) {
        const struct store_persona *entry = &session->store.personas[i];
        if (entry->status != STORE_READY) {
            session_mark(session, i, SESSION_DAMAGED, "%s", entry->reason);
            continue;
        }
        console_print("Reading %s (%lu MB):", entry->name,
                      (unsigned long)((entry->kernel_size + entry->initrd_size + MIB - 1) / MIB));
        bool good = load_persona(session, i);
        console_print("%s\n", good ? " good" : "");
        if (good)
            continue;
        console_print("  %s: %s\n", entry->name, session->personas[i].reason);
        release_persona(&session->personas[i]);
    }
}

void session_unload(struct session *session) {
    for (size_t i = 0; i < STORE_PERSONAS_MAX; i++)
        release_persona(&session->personas[i]);
    memset(session->personas, 0, sizeof(session->personas));
}

void session_load(struct session *session) {
    enum store_error error = STORE_ABSENT;
    session_unload(session);
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
