// SPDX-License-Identifier: BSD-3-Clause
#include "attack.h"

#include <stdarg.h>
#include <stdio.h>

#include "serial.h"

enum { TOLD_MAX = 8 };

struct attack_target attack_targets[ATTACK_TARGETS_MAX];
unsigned attack_target_count;

static struct {
    const struct attack *attack;
    unsigned long attempts;
    unsigned long successes;
    char note[160];
} running;

void attack_try(void) { running.attempts++; }

void attack_broken(const char *format, ...) {
    char text[160];
    va_list arguments;
    if (running.successes++ >= TOLD_MAX)
        return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    serial_print("ATTACK %s: BROKEN %s\n", running.attack->name, text);
}

void attack_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(running.note, sizeof(running.note), format, arguments);
    va_end(arguments);
}

int attack_run(const struct attack *attack, const struct attack_arguments *arguments) {
    running.attack = attack;
    running.attempts = running.successes = 0;
    running.note[0] = '\0';
    attack->run(arguments);
    if (running.successes == 0)
        serial_print("ATTACK %s: held, %lu attempts%s%s\n", attack->name, running.attempts,
                     running.note[0] != '\0' ? "; " : "", running.note);
    else
        serial_print("ATTACK %s: BROKEN, %lu of %lu attempts\n", attack->name, running.successes, running.attempts);
    return running.successes != 0;
}
