// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "console.h"
#include "cpu.h"
#include "embedded.h"
#include "session.h"

#define BOARD_FILE "board.dtb" /* in the store's directory: overrides what is compiled in */

enum { BOARD_FILE_MAX = 256 * 1024 };

static uint64_t board_file[BOARD_FILE_MAX / sizeof(uint64_t)];

static void print_board_error(const struct session *session, const char *description, enum board_error error) {
    console_print("Board description %s: %s%s%s\n", description, board_error_text(error),
                  session->board.fault[0] != '\0' ? ": " : "", session->board.fault);
}

static enum board_error parse_board(struct session *session, const void *description, size_t size) {
    return board_parse(&session->board, description, size, session->tree, session->tree_size);
}

/* A board's own description on the disk serves to try a new one without building; it must then be right. */
static bool find_in_file(struct session *session, bool *found) {
    uint64_t size = 0;
    enum store_file_result result = STORE_FILE_ABSENT;
    if (session->store_found)
        result = session->access.size(session->access.context, BOARD_FILE, &size);
    *found = result != STORE_FILE_ABSENT;
    if (!*found)
        return false;
    if (result == STORE_FILE_OK && size <= BOARD_FILE_MAX)
        result = session->access.read(session->access.context, BOARD_FILE, 0, board_file, (size_t)size);
    if (result != STORE_FILE_OK || size > BOARD_FILE_MAX) {
        console_print("Board description %s: can't be read, or above %u bytes\n", BOARD_FILE, BOARD_FILE_MAX);
        return false;
    }
    enum board_error error = parse_board(session, board_file, (size_t)size);
    if (error != BOARD_OK)
        print_board_error(session, BOARD_FILE, error);
    return error == BOARD_OK;
}

static bool find_embedded(struct session *session) {
    const uint8_t *at = embedded_boards;
    for (;;) {
        uint64_t size;
        memcpy(&size, at, sizeof(size));
        if (size == 0)
            break;
        at += sizeof(size);
        enum board_error error = parse_board(session, at, (size_t)size);
        if (error == BOARD_OK)
            return true;
        if (error != BOARD_NOT_THIS) {
            print_board_error(session, "compiled in", error);
            return false;
        }
        at += (size + 7) / 8 * 8;
    }
    console_print("This board is not known: put its description on the disk as \\flipside\\" BOARD_FILE "\n");
    return false;
}

static bool find_board(struct session *session) {
    bool in_file = false;
    enum firmware_error error = firmware_device_tree(&session->tree, &session->tree_size);
    if (error != FIRMWARE_OK) {
        console_print("%s\n", firmware_error_text(error));
        return false;
    }
    if (find_in_file(session, &in_file))
        return true;
    return !in_file && find_embedded(session);
}

bool session_open(struct session *session) {
    if (cpu_exception_level() != 2) {
        console_print("The firmware started this program at EL%u; it must be EL2 (QEMU: -machine virtualization=on)\n",
                      cpu_exception_level());
        return false;
    }
    enum elf_error error = elf_parse(&session->switcher, switcher_image, (size_t)(switcher_image_end - switcher_image));
    if (error != ELF_OK) {
        console_print("The switcher in this program: %s\n", elf_error_text(error));
        return false;
    }
    session->store_found = files_open(&session->files, firmware_device());
    firmware_partition(firmware_device(), session->store_partition);
    session->access = files_access(&session->files);
    if (!session->store_found)
        console_print("The disk that this program came from can't be read\n");
    if (!find_board(session))
        return false;
    console_print("Board: %s, %u CPU%s\n", session->board.title, session->board.cpu_count,
                  session->board.cpu_count == 1 ? "" : "s");
    return true;
}
