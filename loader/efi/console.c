// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"

#include <stdarg.h>
#include <stdio.h>

#include "crypto/hkdf.h"

enum { ESCAPE_CHARACTER = 0x1b, DELETE_CHARACTER = 0x7f };

static const struct efi_system_table *console;

void console_open(const struct efi_system_table *table) { console = table; }

/* Reads one UTF-8 sequence (RFC 3629); what is none, or needs more than 16 bits, is printed as a question mark. */
static efi_char next_character(const char **text) {
    const unsigned char *at = (const unsigned char *)*text;
    if (at[0] < 0x80) {
        *text += 1;
        return at[0];
    }
    if ((at[0] & 0xe0) == 0xc0 && (at[1] & 0xc0) == 0x80) {
        *text += 2;
        return (efi_char)((at[0] & 0x1f) << 6 | (at[1] & 0x3f));
    }
    if ((at[0] & 0xf0) == 0xe0 && (at[1] & 0xc0) == 0x80 && (at[2] & 0xc0) == 0x80) {
        *text += 3;
        return (efi_char)((at[0] & 0x0f) << 12 | (at[1] & 0x3f) << 6 | (at[2] & 0x3f));
    }
    *text += 1;
    return '?';
}

static void print_text(const char *text) {
    efi_char line[128];
    size_t length = 0;
    while (*text != '\0') {
        efi_char c = next_character(&text);
        if (c == '\n')
            line[length++] = '\r';
        line[length++] = c;
        if (length < sizeof(line) / sizeof(line[0]) - 3 && *text != '\0')
            continue;
        line[length] = 0;
        (void)console->console_out->output_string(console->console_out, line);
        length = 0;
    }
}

void console_print(const char *format, ...) {
    char text[CONSOLE_LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    print_text(text);
}

static unsigned key_of_character(efi_char character) {
    switch (character) {
    case '\r':
    case '\n':
        return CONSOLE_KEY_ENTER;
    case '\b':
    case DELETE_CHARACTER:
        return CONSOLE_KEY_BACKSPACE;
    case ESCAPE_CHARACTER:
        return CONSOLE_KEY_ESCAPE;
    default:
        return character < 0x100 ? character : CONSOLE_KEY_OTHER;
    }
}

static unsigned key_of_scan_code(uint16_t scan_code) {
    switch (scan_code) {
    case EFI_SCAN_UP:
        return CONSOLE_KEY_UP;
    case EFI_SCAN_DOWN:
        return CONSOLE_KEY_DOWN;
    case EFI_SCAN_DELETE: /* what terminals send for the backspace key may be either */
        return CONSOLE_KEY_BACKSPACE;
    case EFI_SCAN_ESC:
        return CONSOLE_KEY_ESCAPE;
    default:
        return CONSOLE_KEY_OTHER;
    }
}

unsigned console_key(void) {
    struct efi_input_key key = {0};
    if (console->console_in->read_key_stroke(console->console_in, &key) != EFI_SUCCESS)
        return CONSOLE_KEY_NONE;
    return key.unicode_char != 0 ? key_of_character(key.unicode_char) : key_of_scan_code(key.scan_code);
}

unsigned console_wait_key(void) {
    unsigned key;
    while ((key = console_key()) == CONSOLE_KEY_NONE)
        console_wait(CONSOLE_POLL_MS);
    return key;
}

size_t console_read_secret(const char *prompt, char *line, size_t room) {
    size_t length = 0;
    unsigned key = CONSOLE_KEY_NONE;
    console_print("%s", prompt);
    while (key != CONSOLE_KEY_ESCAPE && (key != CONSOLE_KEY_ENTER || length == 0)) {
        key = console_wait_key();
        if (key == CONSOLE_KEY_BACKSPACE && length > 0)
            line[--length] = 0;
        if (key >= ' ' && key <= '~' && length < room)
            line[length++] = (char)key;
    }
    console_print("\n");
    if (key == CONSOLE_KEY_ENTER)
        return length;
    crypto_wipe(line, room);
    return 0;
}

void console_wait(unsigned milliseconds) { (void)console->boot_services->stall((size_t)milliseconds * 1000); }
