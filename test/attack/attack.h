// SPDX-License-Identifier: BSD-3-Clause
#ifndef ATTACK_ATTACK_H
#define ATTACK_ATTACK_H

/**
 * An attack: a function that tries everything of one kind and says what came of it. README.md tells how to add one.
 * All runs at EL1 on one CPU with identity-mapped memory, caches on and interrupts masked.
 */

#include <stddef.h>
#include <stdint.h>

enum { ATTACK_ARGUMENTS_MAX = 8, ATTACK_TARGETS_MAX = 48 };

/** What the driver gave after the attack's name: numbers. */
struct attack_arguments {
    unsigned count;
    uint64_t values[ATTACK_ARGUMENTS_MAX];
};

struct attack {
    const char *name;
    void (*run)(const struct attack_arguments *arguments);
    const char *help; /* its arguments, or "" */
};

/** Puts an attack into the table. */
#define ATTACK(identifier, text, function, arguments)                                                                  \
    __attribute__((used, section(".attacks." #identifier))) static const struct attack entry_##identifier = {          \
        text, function, arguments}

extern const struct attack attacks_begin[], attacks_end[];

/** A place that the persona must not reach, as the driver named it. */
struct attack_target {
    char name[24];
    uint64_t first; /* address of its first byte */
    uint64_t last;  /* of its last */
};

extern struct attack_target attack_targets[ATTACK_TARGETS_MAX];
extern unsigned attack_target_count;

/** Counts one attempt of the running attack. */
void attack_try(void);

/** One attempt succeeded: prints the line that says so, for the first few. */
__attribute__((format(printf, 1, 2))) void attack_broken(const char *format, ...);

/** Something worth knowing in the result, shown when the attack held. */
__attribute__((format(printf, 1, 2))) void attack_note(const char *format, ...);

/**
 * Runs an attack and prints its result: "ATTACK name: held, N attempts" or "ATTACK name: BROKEN, ...".
 * @return 0: held; 1: broken
 */
int attack_run(const struct attack *attack, const struct attack_arguments *arguments);

#endif
