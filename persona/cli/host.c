// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"
#include "crypto/hkdf.h"

bool path_of(char *path, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path, CLI_PATH_SIZE, format, arguments);
    va_end(arguments);
    if (length >= 0 && length < CLI_PATH_SIZE)
        return true;
    cli_error("a path is too long");
    return false;
}

bool file_read(const char *path, void *bytes, size_t room, size_t *size) {
    FILE *file = fopen(path, "rb");
    *size = 0;
    if (file == NULL) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    // No copy of what may be a secret stays behind in a buffer.
    (void)setvbuf(file, NULL, _IONBF, 0);
    *size = fread(bytes, 1, room, file);
    bool whole = fgetc(file) == EOF && ferror(file) == 0;
    (void)fclose(file);
    if (!whole)
        cli_error("%s: can't be read, or is longer than the %zu bytes that such a file has", path, room);
    return whole;
}

static bool write_all(int file, const uint8_t *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* Beside its place first, since a file that is half written must not be found there. */
bool file_write(const char *path, const void *bytes, size_t size, bool secret) {
    char beside[CLI_PATH_SIZE];
    if (!path_of(beside, "%s.new", path))
        return false;
    /* What an interrupted run left, or somebody laid there, would keep its own owner and mode. */
    (void)unlink(beside);
    int file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, secret ? 0600 : 0644);
    bool good = file >= 0 && write_all(file, bytes, size) && fsync(file) == 0;
    if (file >= 0)
        good = close(file) == 0 && good;
    good = good && rename(beside, path) == 0;
    if (!good) {
        cli_error("%s: %s", path, strerror(errno));
        (void)unlink(beside);
    }
    return good;
}

bool directory_make(const char *path) {
    char part[CLI_PATH_SIZE];
    if (!path_of(part, "%s", path))
        return false;
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(part, 0777);
        *slash = '/';
    }
    if (mkdir(part, 0777) == 0 || errno == EEXIST)
        return true;
    cli_error("%s: %s", path, strerror(errno));
    return false;
}

bool host_random(struct random_stream *random) {
    uint8_t seed[64];
    struct random_pool pool;
    struct random_input input = {.data = seed, .size = sizeof(seed)};
    bool good = getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed) && random_init(&pool, &input, 1) == RANDOM_OK;
    if (good) {
        good = random_stream_open(random, &pool, "flipside") == RANDOM_OK;
        random_wipe(&pool);
    }
    crypto_wipe(seed, sizeof(seed));
    if (!good)
        cli_error("the kernel gives no random numbers");
    return good;
}

/* One line from the terminal, not shown. */
static bool ask(const char *question, struct passphrase *passphrase) {
    struct termios before, hidden;
    FILE *terminal = fopen("/dev/tty", "r+");
    if (terminal == NULL || tcgetattr(fileno(terminal), &before) != 0) {
        cli_error("there is no terminal to ask for the passphrase on: give --passphrase-file=FILE");
        if (terminal != NULL)
            (void)fclose(terminal);
        return false;
    }
    (void)setvbuf(terminal, NULL, _IONBF, 0);
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    (void)fprintf(terminal, "%s: ", question);
    (void)fflush(terminal);
    (void)tcsetattr(fileno(terminal), TCSAFLUSH, &hidden);
    bool good = fgets(passphrase->text, sizeof(passphrase->text), terminal) != NULL;
    (void)tcsetattr(fileno(terminal), TCSAFLUSH, &before);
    (void)fprintf(terminal, "\n");
    (void)fclose(terminal);
    passphrase->size = good ? strcspn(passphrase->text, "\n") : 0;
    return good;
}

static bool ask_twice(struct passphrase *passphrase) {
    struct passphrase again;
    bool good = ask("New passphrase", passphrase) && ask("The same again", &again);
    bool same = good && passphrase->size == again.size && memcmp(passphrase->text, again.text, again.size) == 0;
    crypto_wipe(&again, sizeof(again));
    if (good && !same)
        cli_error("the two passphrases differ; nothing was done");
    return same;
}

bool passphrase_get(const struct cli *cli, bool twice, struct passphrase *passphrase) {
    bool good = false;
    memset(passphrase, 0, sizeof(*passphrase));
    if (cli->passphrase_file != NULL) {
        good = file_read(cli->passphrase_file, passphrase->text, sizeof(passphrase->text), &passphrase->size);
        while (passphrase->size > 0 && passphrase->text[passphrase->size - 1] == '\n')
            passphrase->size--;
    } else {
        good = twice ? ask_twice(passphrase) : ask("Passphrase", passphrase);
    }
    if (good && passphrase->size == 0) {
        cli_error("the passphrase is empty");
        good = false;
    }
    if (!good)
        crypto_wipe(passphrase, sizeof(*passphrase));
    return good;
}
