// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client.h"
#include "daemon.h"
#include "mark.h"
#include "tune.h"

enum { OK = 0, FAILED = 1, USAGE = 2 };

static const char help[] =
    "usage: flipside-agent COMMAND\n"
    "\n"
    "  status [--json]                     who runs, who is suspended, the last flips, what was trapped\n"
    "  flip NAME                           flip to the persona NAME; ends when this system is back\n"
    "  inhibit --why TEXT COMMAND [WORD...] run COMMAND and refuse to flip meanwhile\n"
    "  tune on|off|show                    settings that make suspend fast\n"
    "  run [--up] [--no-tune]              be the service: answer requests to flip\n"
    "  up                                  tell that this system has come up\n"
    "  mark                                tell the loader that this version of the system has come up\n"
    "  --help, --version\n"
    "\n"
    "See flipside-agent(8).\n";

static int wrong_usage(void) {
    (void)fputs(help, stderr);
    return USAGE;
}

static int run(int count, char **words) {
    bool up = false;
    bool tune = true;
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], "--up") == 0)
            up = true;
        else if (strcmp(words[i], "--no-tune") == 0)
            tune = false;
        else
            return wrong_usage();
    }
    return daemon_run(up, tune);
}

static int up(int count, char **words) {
    (void)words;
    return count == 0 ? client_up() : wrong_usage();
}

/* A system whose loader asks for no mark has nothing to do, and did it. */
static int mark(int count, char **words) {
    struct mark mark;
    (void)words;
    if (count != 0)
        return wrong_usage();
    enum mark_error error = mark_read("/proc/device-tree/chosen", &mark);
    if (error == MARK_OK)
        error = mark_put(&mark);
    if (error == MARK_OK || error == MARK_NOT_ASKED)
        return OK;
    bool system = error == MARK_NO_STORE || error == MARK_NO_FILE || error == MARK_NOT_WRITTEN;
    (void)fprintf(stderr, "flipside-agent: the mark that this system came up: %s%s%s\n", mark_error_text(error),
                  system ? ": " : "", system ? strerror(errno) : "");
    return FAILED;
}

static int flip(int count, char **words) { return count == 1 ? client_flip(words[0]) : wrong_usage(); }

static int status(int count, char **words) {
    if (count > 1 || (count == 1 && strcmp(words[0], "--json") != 0))
        return wrong_usage();
    return client_status(count == 1);
}

static int inhibit(int count, char **words) {
    if (count < 3 || strcmp(words[0], "--why") != 0)
        return wrong_usage();
    return client_inhibit(words[1], words + 2);
}

static int tune(int count, char **words) {
    bool done = true;
    if (count != 1)
        return wrong_usage();
    (void)mkdir(DAEMON_DIRECTORY, 0755);
    if (strcmp(words[0], "show") == 0)
        tune_show("", TUNE_KEPT, stdout);
    else if (strcmp(words[0], "on") == 0)
        done = tune_on("", TUNE_KEPT);
    else if (strcmp(words[0], "off") == 0)
        done = tune_off("", TUNE_KEPT);
    else
        return wrong_usage();
    if (!done)
        (void)fprintf(stderr, "flipside-agent: not all settings could be changed: %s\n", strerror(errno));
    return done ? OK : FAILED;
}

static int print_help(int count, char **words) {
    (void)count;
    (void)words;
    return fputs(help, stdout) < 0 ? FAILED : OK;
}

static int print_version(int count, char **words) {
    (void)count;
    (void)words;
    return puts("flipside-agent " FLIPSIDE_VERSION) < 0 ? FAILED : OK;
}

int main(int count, char **words) {
    static const struct {
        const char *name;
        int (*run)(int count, char **words);
    } commands[] = {
        {"run", run},   {"mark", mark},         {"up", up},
        {"flip", flip}, {"status", status},     {"inhibit", inhibit},
        {"tune", tune}, {"--help", print_help}, {"--version", print_version},
    };
    for (size_t i = 0; count > 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(words[1], commands[i].name) == 0)
            return commands[i].run(count - 2, words + 2);
    return wrong_usage();
}
