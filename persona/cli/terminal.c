// SPDX-License-Identifier: BSD-3-Clause
// What is asked on the terminal, and secrets that are kept in files instead: passphrases and PINs.
#define _GNU_SOURCE
#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <termios.h>

#include "cli.h"
#include "crypto/hkdf.h"

/* ---- Asking: what is typed is not shown, and who interrupts the question gets the terminal back as it was */

static struct termios shown;
static int terminal_file;

static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

enum { INTERRUPTS = sizeof(interrupts) / sizeof(interrupts[0]) };

/* Its handler is the default one again: it ends the process once we return. */
static void show_again(int signal_number) {
    (void)tcsetattr(terminal_file, TCSAFLUSH, &shown);
    (void)raise(signal_number);
}

static void hide(struct sigaction *before) {
    const struct sigaction action = {.sa_handler = show_again, .sa_flags = (int)SA_RESETHAND};
    struct termios hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    for (size_t i = 0; i < INTERRUPTS; i++)
        if (sigaction(interrupts[i], &action, &before[i]) == 0 && before[i].sa_handler == SIG_IGN)
            (void)sigaction(interrupts[i], &before[i], NULL);
    (void)tcsetattr(terminal_file, TCSAFLUSH, &hidden);
}

static void unhide(const struct sigaction *before) {
    (void)tcsetattr(terminal_file, TCSAFLUSH, &shown);
    for (size_t i = 0; i < INTERRUPTS; i++)
        (void)sigaction(interrupts[i], &before[i], NULL);
}

static FILE *open_terminal(const struct secret_wish *wish) {
    FILE *terminal = fopen("/dev/tty", "r+");
    if (terminal != NULL && tcgetattr(fileno(terminal), &shown) == 0)
        return terminal;
    cli_error("there is no terminal to ask for the %s on: give --%s=FILE", wish->what, wish->option);
    if (terminal != NULL)
        (void)fclose(terminal);
    return NULL;
}

/* One line from the terminal. */
static bool ask(const struct secret_wish *wish, const char *before, const char *question,
                struct passphrase *passphrase) {
    struct sigaction actions[INTERRUPTS] = {{.sa_handler = SIG_DFL}};
    FILE *terminal = open_terminal(wish);
    if (terminal == NULL)
        return false;
    (void)setvbuf(terminal, NULL, _IONBF, 0);
    terminal_file = fileno(terminal);
    hide(actions);
    (void)fprintf(terminal, "%s%s: ", before, question);
    bool good = fgets(passphrase->text, sizeof(passphrase->text), terminal) != NULL;
    unhide(actions);
    (void)fprintf(terminal, "\n");
    (void)fclose(terminal);
    passphrase->size = good ? strcspn(passphrase->text, "\n") : 0;
    passphrase->text[passphrase->size] = '\0';
    if (good && passphrase->size == sizeof(passphrase->text) - 1) {
        cli_error("the %s is longer than %zu bytes", wish->what, sizeof(passphrase->text) - 2);
        good = false;
    }
    return good;
}

static bool ask_twice(const struct secret_wish *wish, struct passphrase *passphrase) {
    struct passphrase again;
    bool good = ask(wish, "New ", wish->what, passphrase) && ask(wish, "", "The same again", &again);
    bool same = good && passphrase->size == again.size && memcmp(passphrase->text, again.text, again.size) == 0;
    crypto_wipe(&again, sizeof(again));
    if (good && !same)
        cli_error("the two %ss differ; nothing was done", wish->what);
    return same;
}

static bool ask_once(const struct secret_wish *wish, struct passphrase *passphrase) {
    char question[32];
    (void)snprintf(question, sizeof(question), "%s", wish->what);
    question[0] = (char)toupper((unsigned char)question[0]);
    return ask(wish, "", question, passphrase);
}

/* ---- From a file: its only line */

static bool from_standard_input(const struct secret_wish *wish, struct passphrase *passphrase) {
    static bool used;
    if (used) {
        cli_error("standard input was read already: give --%s another file", wish->option);
        return false;
    }
    used = true;
    return file_read_stream(stdin, "standard input", passphrase->text, sizeof(passphrase->text), &passphrase->size);
}

static bool from_file(const struct secret_wish *wish, struct passphrase *passphrase) {
    bool good = strcmp(wish->file, "-") == 0
                    ? from_standard_input(wish, passphrase)
                    : file_read(wish->file, passphrase->text, sizeof(passphrase->text), &passphrase->size);
    while (passphrase->size > 0 && strchr("\r\n", passphrase->text[passphrase->size - 1]) != NULL)
        passphrase->text[--passphrase->size] = '\0';
    return good;
}

bool secret_get(const struct secret_wish *wish, struct passphrase *passphrase) {
    memset(passphrase, 0, sizeof(*passphrase));
    bool good = wish->file != NULL ? from_file(wish, passphrase)
                : wish->twice      ? ask_twice(wish, passphrase)
                                   : ask_once(wish, passphrase);
    if (good && passphrase->size == 0) {
        cli_error("the %s is empty", wish->what);
        good = false;
    }
    if (!good)
        crypto_wipe(passphrase, sizeof(*passphrase));
    return good;
}

bool passphrase_get(const struct cli *cli, bool twice, struct passphrase *passphrase) {
    const struct secret_wish wish = {
        .what = "passphrase", .option = "passphrase-file", .file = cli->passphrase_file, .twice = twice};
    return secret_get(&wish, passphrase);
}

bool terminal_confirm(const char *question, const char *otherwise) {
    char answer[8] = "";
    FILE *terminal = fopen("/dev/tty", "r+");
    if (terminal == NULL) {
        cli_error("there is no terminal to ask on: give %s", otherwise);
        return false;
    }
    (void)setvbuf(terminal, NULL, _IONBF, 0);
    (void)fprintf(terminal, "%s (yes/no) ", question);
    bool good = fgets(answer, sizeof(answer), terminal) != NULL && strncmp(answer, "yes", 3) == 0;
    (void)fclose(terminal);
    if (!good)
        cli_error("not confirmed; nothing was done");
    return good;
}
