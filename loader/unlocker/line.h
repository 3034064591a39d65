// SPDX-License-Identifier: BSD-3-Clause
#ifndef UNLOCKER_LINE_H
#define UNLOCKER_LINE_H

/** A line that is typed and not shown, taken byte by byte as a serial line brings it. */

#include <stdbool.h>
#include <stddef.h>

#include "crypto/pin.h"

/** A secret: wiped by its owner with line_clear(). */
struct line {
    char text[PIN_SIZE_MAX];
    size_t size;
    bool escape; /* in the middle of an escape sequence: an arrow key, for one */
};

/** Takes a byte; printable ASCII counts, backspace takes one back. @return whether the line ended with it */
bool line_take(struct line *line, char byte);

/** Wipes a line and begins anew. */
void line_clear(struct line *line);

#endif
