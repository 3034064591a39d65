// SPDX-License-Identifier: BSD-3-Clause
// flipside: what an administrator does with an organisation's keys, personas and devices.
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli.h"

static const struct verb *const verbs[] = {
    &verb_org_init,       &verb_org_show,      &verb_device_enroll,  &verb_device_list,    &verb_device_show,
    &verb_device_recover, &verb_device_remove, &verb_persona_create, &verb_persona_update, &verb_persona_issue,
    &verb_persona_list,   &verb_persona_show,  &verb_install,        &verb_deliver,        &verb_verify,
    &verb_uninstall,      &verb_inspect,       &verb_usim_create,    &verb_usim_show,      &verb_usim_issue,
    &verb_usim_export,    &verb_usim_import,   &verb_usim_remove,    &verb_usim_serve,
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static const char common_help[] =
    "\nFor all verbs:\n"
    "  --org=DIRECTORY         the organisation's directory; else the environment's FLIPSIDE_ORG\n"
    "  --passphrase-file=FILE  read the passphrase of the keys from FILE, - for standard input, and do not ask for it\n"
    "  --dry-run               check everything and change nothing\n"
    "  --json                  results as one JSON object\n"
    "  --help                  this\n"
    "\nExit status: 0 done; 1 something can't be read, written or does not fit; 2 wrong options;\n"
    "3 refused: a wrong passphrase, or an object that is not genuine.\n";

/* What is wrong with a file may be told in the file's words. */
void cli_error(const char *format, ...) {
    char text[2 * CLI_PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    cli_progress_end();
    (void)fputs("flipside: ", stderr);
    print_escaped(stderr, text, false);
    (void)fputc('\n', stderr);
}

/* What was asked for may be shown once and never again, and a full disk is no place where it was shown. */
static enum cli_exit finish(enum cli_exit status) {
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    cli_error("standard output: %s; what was done is done, but was not shown", strerror(errno));
    return status == CLI_GOOD ? CLI_FAILED : status;
}

static bool take(const struct option_value *option, const char *value) {
    if (option->to != NULL) {
        *option->to = value;
        return true;
    }
    if (option->list_count == NULL || *option->list_count == option->list_room) {
        cli_error("--%s is given more than %zu times", option->name, option->list_room);
        return false;
    }
    option->list[(*option->list_count)++] = value;
    return true;
}

/* @return what follows the name in `--name` or `--name=value`; NULL when it is another option */
static const char *rest_of(const char *argument, const char *name) {
    size_t length = strlen(name);
    const char *rest = argument + 2 + length;
    return strncmp(argument + 2, name, length) == 0 && (*rest == '\0' || *rest == '=') ? rest : NULL;
}

/* Takes argv[*at], and with it argv[*at + 1] when that is its value. */
static bool take_option(const struct option_value *option, const char *rest, int argc, char **argv, int *at) {
    if (option->flag != NULL) {
        if (*rest == '=')
            cli_error("--%s takes no value", option->name);
        return *option->flag = *rest == '\0';
    }
    if (*rest == '=')
        return take(option, rest + 1);
    if (*at + 1 < argc)
        return take(option, argv[++*at]);
    cli_error("--%s needs a value (see --help)", option->name);
    return false;
}

static bool take_any(struct cli *cli, const struct option_value *options, size_t count, int argc, char **argv,
                     int *at) {
    const struct option_value common[] = {{.name = "org", .to = &cli->organisation},
                                          {.name = "passphrase-file", .to = &cli->passphrase_file},
                                          {.name = "json", .flag = &cli->json},
                                          {.name = "dry-run", .flag = &cli->dry_run}};
    for (size_t i = 0; i < count + sizeof(common) / sizeof(common[0]); i++) {
        const struct option_value *option = i < count ? &options[i] : &common[i - count];
        const char *rest = rest_of(argv[*at], option->name);
        if (rest != NULL)
            return take_option(option, rest, argc, argv, at);
    }
    cli_error("unknown option %s (see --help)", argv[*at]);
    return false;
}

int cli_options(struct cli *cli, const struct option_value *options, size_t count, int argc, char **argv) {
    int plain = 0;
    bool only_plain = false;
    for (int at = 1; at < argc; at++) {
        if (!only_plain && strcmp(argv[at], "--") == 0)
            only_plain = true;
        else if (only_plain || strncmp(argv[at], "--", 2) != 0)
            argv[1 + plain++] = argv[at];
        else if (!take_any(cli, options, count, argc, argv, &at))
            return 0;
    }
    memmove(argv + argc - plain, argv + 1, (size_t)plain * sizeof(*argv));
    return argc - plain;
}

int cli_options_and(struct cli *cli, const struct option_value *options, size_t count, int argc, char **argv,
                    const char *needed) {
    int at = cli_options(cli, options, count, argc, argv);
    if (at == 0 || argc - at == 1)
        return at;
    cli_error("%s", needed);
    return 0;
}

bool cli_has_organisation(const struct cli *cli) { return cli->organisation != NULL && cli->organisation[0] != '\0'; }

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
        (void)fprintf(to, "  %-9s %-10s %s\n", verbs[i]->words[0], verbs[i]->words[1] == NULL ? "" : verbs[i]->words[1],
                      verbs[i]->summary);
    (void)fputs(common_help, to);
    return to == stdout ? CLI_GOOD : CLI_USAGE;
}

static bool is_first_word(const char *word) {
    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(word, verbs[i]->words[0]) == 0)
            return true;
    return false;
}

/* All verbs are told where nothing was asked for; else which word is wrong. */
static int no_verb(int argc, char **argv) {
    bool begins = argc > 1 && is_first_word(argv[1]);
    if (argc > 1 && strcmp(argv[begins && argc > 2 ? 2 : 1], "--help") == 0)
        return usage(stdout);
    if (argc < 2)
        return usage(stderr);
    if (begins && (argc == 2 || argv[2][0] == '-'))
        cli_error("'%s' is the first word of several verbs; 'flipside --help' lists them", argv[1]);
    else
        cli_error("there is no verb '%s%s%s'; 'flipside --help' lists all", argv[1], begins ? " " : "",
                  begins ? argv[2] : "");
    return CLI_USAGE;
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
    const struct rlimit none = {0, 0};
    struct cli cli = {.organisation = getenv("FLIPSIDE_ORG")};
    (void)setrlimit(RLIMIT_CORE, &none); /* keys must not come onto a disk by a fault */
    for (size_t i = 0; i < VERBS; i++) {
        int words = words_of(verbs[i], argc, argv);
        if (words == 0)
            continue;
        for (int j = words + 1; j < argc; j++)
            if (strcmp(argv[j], "--help") == 0)
                return (int)finish(printf("%s%s", verbs[i]->help, common_help) < 0 ? CLI_FAILED : CLI_GOOD);
        return (int)finish(verbs[i]->run(&cli, argc - words, argv + words));
    }
    return no_verb(argc, argv);
}
