// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_CONSOLE_H
#define LOADER_CONSOLE_H

/** The firmware's text console: serial line, display and keyboards alike (UEFI 2.10, 12.3 and 12.4). */

#include "efi.h"

enum console_key {
    CONSOLE_KEY_NONE = 0, /* nothing was pressed */
    CONSOLE_KEY_UP = 0x100,
    CONSOLE_KEY_DOWN,
    CONSOLE_KEY_ENTER,
    CONSOLE_KEY_ESCAPE,
    CONSOLE_KEY_BACKSPACE,
    CONSOLE_KEY_OTHER, /* no character and none of these */
    /* Below 0x100: the character. */
};

enum {
    CONSOLE_LINE_MAX = 1024, /* bytes of one console_print(); what is longer is cut */
    CONSOLE_POLL_MS = 20,    /* milliseconds between two looks at the keyboard */
};

/** Nothing is printed or read before this. @param table the firmware's */
void console_open(const struct efi_system_table *table);

/** Prints UTF-8 text as snprintf() would; a line feed also returns the carriage. */
__attribute__((format(printf, 1, 2))) void console_print(const char *format, ...);

/** @return the next key pressed, a character or one of enum console_key; CONSOLE_KEY_NONE at once when there is none */
unsigned console_key(void);

/** @return the next key pressed, waited for */
unsigned console_wait_key(void);

/**
 * Reads a line that is not shown, such as a PIN: printable ASCII characters, which are the same on each keyboard and
 * line. Backspace takes one back; Enter ends the line, unless it is empty; Escape gives up.
 * @param prompt printed before it
 * @param line   room bytes, without a final NUL; a secret: the caller wipes it
 * @param room   bytes; what is typed beyond them is dropped
 * @return bytes of the line; 0: given up, and `line` is wiped
 */
__attribute__((warn_unused_result)) size_t console_read_secret(const char *prompt, char *line, size_t room);

/** Waits. @param milliseconds how long */
void console_wait(unsigned milliseconds);

#endif
