// SPDX-License-Identifier: BSD-3-Clause
/*
 * The payload's shell on the serial line. It looks enough like that of a busybox persona for the machine tests to drive
 * both alike: prompt "NAME# ", `echo`, `expr`, `;`, `$?`. While it waits it answers the flip button as a stock system
 * does.
 */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "gic.h"
#include "machine.h"
#include "registers.h"
#include "serial.h"

enum { LINE_MAX = 256, WORDS_MAX = 12 };

void payload_main(const void *tree);
void payload_resumed(void);

static int status;
static bool fill; /* every register before the next suspend */

/* After an entry by PSCI, with what it left in the registers not looked at yet. */
void payload_resumed(void) {
    WRITE_SYSREG("vbar_el1", (uint64_t)(uintptr_t)vectors);
    registers_look();
    machine_map();
    serial_open(machine.serial);
    gic_open();
}

static void suspend(void) {
    machine_clean();
    int64_t error = fill ? registers_fill_and_suspend() : suspend_plain();
    if (error != 0)
        serial_print("SYSTEM_SUSPEND: %ld\n", (long)error);
}

static void answer_button(void) {
    if (machine.button == 0 || !gic_is_pending(machine.button))
        return;
    gic_write_bit(GIC_ICPENDR, machine.button);
    suspend();
}

/* Without quotes; $? is the status of the last command. */
static void echo(unsigned count, char *const *words) {
    for (unsigned i = 1; i < count; i++) {
        for (const char *at = words[i]; *at != '\0'; at++) {
            if (at[0] == '$' && at[1] == '?') {
                serial_print("%d", status);
                at++;
            } else if (*at != '\'' && *at != '"') {
                serial_write(*at);
            }
        }
        serial_write(i + 1 < count ? ' ' : '\n');
    }
}

/* `expr A + B`, by which the machine tests tell an answer from its echo. */
static int add(unsigned count, char *const *words) {
    if (count != 4 || strcmp(words[2], "+") != 0)
        return 2;
    serial_print("%ld\n", (long)(strtoul(words[1], NULL, 10) + strtoul(words[3], NULL, 10)));
    return 0;
}

static int add_target(unsigned count, char *const *words) {
    if (count != 4 || attack_target_count == ATTACK_TARGETS_MAX)
        return 2;
    struct attack_target *target = &attack_targets[attack_target_count++];
    memset(target, 0, sizeof(*target));
    strncpy(target->name, words[1], sizeof(target->name) - 1);
    target->first = strtoul(words[2], NULL, 16);
    target->last = strtoul(words[3], NULL, 16);
    return 0;
}

static int run(unsigned count, char *const *words) {
    struct attack_arguments arguments = {.count = 0};
    for (unsigned i = 2; i < count && arguments.count < ATTACK_ARGUMENTS_MAX; i++)
        arguments.values[arguments.count++] = strtoul(words[i], NULL, 0);
    for (const struct attack *attack = attacks_begin; attack < attacks_end; attack++)
        if (count > 1 && strcmp(attack->name, words[1]) == 0)
            return attack_run(attack, &arguments);
    for (const struct attack *attack = attacks_begin; attack < attacks_end; attack++)
        serial_print("%s %s\n", attack->name, attack->help);
    return 2;
}

static int execute(unsigned count, char *const *words) {
    if (strcmp(words[0], "echo") == 0)
        echo(count, words);
    else if (strcmp(words[0], "expr") == 0)
        return add(count, words);
    else if (strcmp(words[0], "target") == 0)
        return add_target(count, words);
    else if (strcmp(words[0], "forget") == 0)
        attack_target_count = 0;
    else if (strcmp(words[0], "run") == 0)
        return run(count, words);
    else if (strcmp(words[0], "fill") == 0)
        fill = count > 1 && strcmp(words[1], "on") == 0;
    else
        return 127;
    return 0;
}

static void execute_one(char *command) {
    char *words[WORDS_MAX];
    unsigned count = 0;
    for (char *at = command; *at != '\0' && count < WORDS_MAX;) {
        while (*at == ' ')
            *at++ = '\0';
        if (*at == '\0')
            break;
        words[count++] = at;
        while (*at != ' ' && *at != '\0')
            at++;
    }
    if (count > 0)
        status = execute(count, words);
}

static void execute_line(char *line) {
    while (line != NULL) {
        char *next = strchr(line, ';');
        if (next != NULL)
            *next++ = '\0';
        execute_one(line);
        line = next;
    }
}

static void read_line(char *line) {
    unsigned length = 0;
    for (;;) {
        int character = serial_read();
        if (character < 0) {
            answer_button();
            continue;
        }
        if (character == '\r' || character == '\n')
            break;
        if (length + 1 == LINE_MAX)
            continue;
        line[length++] = (char)character;
        serial_write((char)character);
    }
    line[length] = '\0';
    serial_write('\n');
}

void payload_main(const void *tree) {
    static char line[LINE_MAX];
    bool complete = machine_read_tree(tree);
    payload_resumed();
    serial_print("attack payload in %s, memory 0x%lx-0x%lx%s\n", machine.name, machine.memory_base,
                 machine.memory_base + machine.memory_size - 1, complete ? "" : ": the device tree lacks something");
    for (;;) {
        serial_print("%s# ", machine.name);
        read_line(line);
        execute_line(line);
    }
}
