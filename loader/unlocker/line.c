// SPDX-License-Identifier: BSD-3-Clause
#include "line.h"

#include "crypto/hkdf.h"

enum { BACKSPACE = '\b', DELETE = 0x7f, ESCAPE = 0x1b, KILL = 0x15 /* Control-U */ };

/* ECMA-48, 5.4: a sequence ends with a byte from @ on; the bracket that begins it is none. */
static bool in_escape(struct line *line, char byte) {
    if (!line->escape)
        return false;
    if (byte >= '@' && byte <= '~' && byte != '[' && byte != 'O')
        line->escape = false;
    return true;
}

bool line_take(struct line *line, char byte) {
    if (byte == '\r' || byte == '\n') {
        line->escape = false;
        return line->size > 0;
    }
    if (in_escape(line, byte))
        return false;
    if (byte == ESCAPE)
        line->escape = true;
    else if (byte == KILL)
        line_clear(line);
    else if ((byte == BACKSPACE || byte == DELETE) && line->size > 0)
        line->text[--line->size] = '\0';
    else if (byte >= ' ' && byte <= '~' && line->size < sizeof(line->text))
        line->text[line->size++] = byte;
    return false;
}

void line_clear(struct line *line) { crypto_wipe(line, sizeof(*line)); }
