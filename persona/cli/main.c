// SPDX-License-Identifier: BSD-3-Clause
// flipside: what an administrator does with an organisation's keys, personas and devices.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct verb *const verbs[] = {&verb_org_init, &verb_persona_create, &verb_persona_issue, &verb_inspect};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static const char common_help[] =
    "\nFor all verbs:\n"
    "  --org=DIRECTORY         the organisation's directory; else the environment's FLIPSIDE_ORG\n"
    "  --passphrase-file=FILE  read the passphrase of the keys from FILE and do not ask for it\n"
    "  --dry-run               check everything and change nothing\n"
    "  --json                  results as one JSON object\n"
    "  --help                  this\n"
    "\nExit status: 0 done; 1 something can't be read, written or does not fit; 2 wrong options;\n"
    "3 refused: a wrong passphrase, or an object that is not genuine.\n";

void cli_error(const char *format, ...) {
    va_list arguments;
    (void)fputs("flipside: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

static bool take(const struct option_value *option, const char *value) {
    if (option->list_count == NULL) {
        *option->to = value;
        return true;
    }
    if (*option->list_count == option->list_room) {
        cli_error("--%s is given more than %zu times", option->name, option->list_room);
        return false;
    }
    option->list[(*option->list_count)++] = value;
    return true;
}

/* @return the value after `--name=`; NULL when it is another option */
static const char *value_of(const char *argument, const char *name) {
    size_t length = strlen(name);
    bool same = strncmp(argument, "--", 2) == 0 && strncmp(argument + 2, name, length) == 0;
    return same && argument[2 + length] == '=' ? argument + 2 + length + 1 : NULL;
}

static bool take_any(struct cli *cli, const struct option_value *options, size_t count, const char *argument) {
    const struct option_value common[] = {{.name = "org", .to = &cli->organisation},
                                          {.name = "passphrase-file", .to = &cli->passphrase_file}};
    if (strcmp(argument, "--json") == 0)
        return cli->json = true;
    if (strcmp(argument, "--dry-run") == 0)
        return cli->dry_run = true;
    for (size_t i = 0; i < count + 2; i++) {
        const struct option_value *option = i < count ? &options[i] : &common[i - count];
        const char *value = value_of(argument, option->name);
        if (value != NULL)
            return take(option, value);
    }
    cli_error("unknown option %s (see --help; values are given as --option=value)", argument);
    return false;
}

int cli_options(struct cli *cli, const struct option_value *options, size_t count, int argc, char **argv) {
    int at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--") == 0)
            return at + 1;
        if (!take_any(cli, options, count, argv[at]))
            return 0;
    }
    return at;
}

bool cli_number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *value) {
    char *end = NULL;
    *value = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && *value >= least && *value <= most)
        return true;
    cli_error("--%s=%s: a number from %llu to %llu is needed", option, text, (unsigned long long)least,
              (unsigned long long)most);
    return false;
}

static int usage(FILE *to) {
    (void)fputs("usage: flipside VERB [OPTIONS] (flipside VERB --help says more)\n\n", to);
    for (size_t i = 0; i < VERBS; i++)
        (void)fprintf(to, "  %-8s %-7s %s\n", verbs[i]->words[0], verbs[i]->words[1] == NULL ? "" : verbs[i]->words[1],
                      verbs[i]->summary);
    (void)fputs(common_help, to);
    return to == stdout ? CLI_GOOD : CLI_USAGE;
}

/* @return how many words of the arguments name the verb; 0: another one */
static int words_of(const struct verb *verb, int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], verb->words[0]) != 0)
        return 0;
    if (verb->words[1] == NULL)
        return 1;
    return argc >= 3 && strcmp(argv[2], verb->words[1]) == 0 ? 2 : 0;
}

int main(int argc, char **argv) {
    struct cli cli = {.organisation = getenv("FLIPSIDE_ORG")};
    for (size_t i = 0; i < VERBS; i++) {
        int words = words_of(verbs[i], argc, argv);
        if (words == 0)
            continue;
        for (int j = words + 1; j < argc; j++)
            if (strcmp(argv[j], "--help") == 0)
                return printf("%s%s", verbs[i]->help, common_help) < 0;
        return (int)verbs[i]->run(&cli, argc - words, argv + words);
    }
    return usage(argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
}
