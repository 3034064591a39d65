// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE // mkdtemp, nanosleep
#include "swtpm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CONNECT_TRIES = 500, PATH_SIZE = 4096 };

static void require(bool condition, const char *what) {
    if (condition)
        return;
    perror(what);
    abort();
}

static void sleep_ms(unsigned milliseconds) {
    const struct timespec time = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

bool swtpm_is_there(void) { return system("swtpm --version >/dev/null 2>&1") == 0; }

static void run_program(const struct swtpm *swtpm) {
    char state[PATH_SIZE], server[PATH_SIZE];
    (void)snprintf(state, sizeof(state), "dir=%s", swtpm->state != NULL ? swtpm->state : swtpm->directory);
    (void)snprintf(server, sizeof(server), "type=unixio,path=%s/socket", swtpm->directory);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0 || dup2(nowhere, STDERR_FILENO) < 0) // it says there that we went away
        _exit(127);
    execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server, "--flags", "not-need-init",
           (char *)NULL);
    _exit(127);
}

static void switch_on(struct swtpm *swtpm) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", swtpm->directory);
    swtpm->process = fork();
    require(swtpm->process >= 0, "fork");
    if (swtpm->process == 0)
        run_program(swtpm);
    for (unsigned tries = 0; tries < CONNECT_TRIES; tries++) {
        swtpm->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(swtpm->socket, (struct sockaddr *)&address, sizeof(address)) == 0)
            return;
        close(swtpm->socket);
        sleep_ms(20);
    }
    require(false, "connecting to swtpm");
}

static void switch_off(struct swtpm *swtpm) {
    close(swtpm->socket);
    kill(swtpm->process, SIGKILL);
    waitpid(swtpm->process, NULL, 0);
}

void swtpm_open(struct swtpm *swtpm, const char *state) {
    *swtpm = (struct swtpm){.directory = "/tmp/flipside-tpm-XXXXXX"};
    require(mkdtemp(swtpm->directory) != NULL, "mkdtemp");
    swtpm->state = state;
    switch_on(swtpm);
}

void swtpm_make(struct swtpm *swtpm) { swtpm_open(swtpm, NULL); }

void swtpm_restart(struct swtpm *swtpm) {
    char path[PATH_SIZE];
    switch_off(swtpm);
    (void)snprintf(path, sizeof(path), "%s/socket", swtpm->directory);
    require(unlink(path) == 0 || errno == ENOENT, path);
    switch_on(swtpm);
}

void swtpm_remove(struct swtpm *swtpm) {
    char path[PATH_SIZE];
    switch_off(swtpm);
    DIR *directory = opendir(swtpm->directory);
    require(directory != NULL, swtpm->directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        (void)snprintf(path, sizeof(path), "%s/%s", swtpm->directory, entry->d_name);
        (void)unlink(path); // not the directory itself and the one above it
    }
    closedir(directory);
    require(rmdir(swtpm->directory) == 0, swtpm->directory);
}

static size_t submit(void *context, const uint8_t *command, size_t size, uint8_t *response, size_t capacity) {
    struct swtpm *swtpm = context;
    if (send(swtpm->socket, command, size, MSG_NOSIGNAL) != (ssize_t)size)
        return 0;
    ssize_t received = recv(swtpm->socket, response, capacity, 0);
    return received > 0 ? (size_t)received : 0;
}

static void wait_a_while(void *context, unsigned milliseconds) {
    struct swtpm *swtpm = context;
    swtpm->waits++;
    sleep_ms(milliseconds);
}

struct tpm_transport swtpm_transport(struct swtpm *swtpm) {
    return (struct tpm_transport){swtpm, submit, wait_a_while};
}
