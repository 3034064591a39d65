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
    CONSOLE_KEY_OTHER, /* no character and no arrow */
    /* Below 0x100: the character. */
};

enum { CONSOLE_LINE_MAX = 1024 /* bytes of one console_print(); what is longer is cut */ };

/** Nothing is printed or read before this. @param table the firmware's */
void console_open(const struct efi_system_table *table);

/** Prints UTF-8 text as snprintf() would; a line feed also returns the carriage. */
__attribute__((format(printf, 1, 2))) void console_print(const char *format, ...);

/** @return the next key pressed, a character or one of enum console_key; CONSOLE_KEY_NONE at once when there is none */
unsigned console_key(void);

/** Waits. @param milliseconds how long */
void console_wait(unsigned milliseconds);

#endif
