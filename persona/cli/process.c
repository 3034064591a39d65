// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT, ERR, PIPES };

/* Both ends of the pipes for standard output and standard error; -1: closed. */
struct pipes {
    int read[PIPES];
    int write[PIPES];
};

static void close_all(int *files) {
    for (int i = 0; i < PIPES; i++) {
        if (files[i] >= 0)
            (void)close(files[i]);
        files[i] = -1;
    }
}

static bool open_pipes(struct pipes *pipes) {
    int ends[2];
    *pipes = (struct pipes){{-1, -1}, {-1, -1}};
    for (int i = 0; i < PIPES; i++) {
        if (pipe2(ends, O_CLOEXEC) != 0)
            return false;
        pipes->read[i] = ends[0];
        pipes->write[i] = ends[1];
    }
    return true;
}

static int spawn(const struct process *process, const struct pipes *pipes, pid_t *child) {
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    if (process->input >= 0)
        error = posix_spawn_file_actions_adddup2(&actions, process->input, STDIN_FILENO);
    else
        error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    for (int i = 0; i < PIPES && error == 0; i++)
        error = posix_spawn_file_actions_adddup2(&actions, pipes->write[i], STDOUT_FILENO + i);
    if (error == 0)
        /* posix_spawn() changes no argument. */
        error = posix_spawnp(child, process->arguments[0], &actions, NULL, (char *const *)(uintptr_t)process->arguments,
                             environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Keeps the first words, with what would end the line made to blanks. */
static void keep_error(struct process *process, const char *bytes, size_t size) {
    size_t length = strlen(process->error);
    for (size_t i = 0; i < size && length + 1 < sizeof(process->error); i++)
        process->error[length++] = (char)((unsigned char)bytes[i] < 0x20 ? ' ' : bytes[i]);
    process->error[length] = '\0';
}

static bool take(struct process *process, int which, const char *bytes, size_t size) {
    if (which == OUT)
        return process->output == NULL || process->output(process->context, bytes, size);
    keep_error(process, bytes, size);
    return true;
}

/* Reads both until both are closed. */
static bool read_pipes(struct process *process, struct pipes *pipes) {
    static char bytes[1 << 16];
    bool good = true;
    while (pipes->read[OUT] >= 0 || pipes->read[ERR] >= 0) {
        struct pollfd polled[PIPES] = {{pipes->read[OUT], POLLIN, 0}, {pipes->read[ERR], POLLIN, 0}};
        if (poll(polled, PIPES, -1) < 0 && errno != EINTR)
            return false;
        for (int i = 0; i < PIPES; i++) {
            if (polled[i].revents == 0)
                continue;
            ssize_t got = read(pipes->read[i], bytes, sizeof(bytes));
            if (got > 0) {
                good = take(process, i, bytes, (size_t)got) && good;
            } else if (got == 0 || errno != EINTR) {
                (void)close(pipes->read[i]);
                pipes->read[i] = -1;
            }
        }
    }
    return good;
}

static bool wait_for(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool process_run(struct process *process) {
    struct pipes pipes;
    pid_t child = 0;
    process->error[0] = '\0';
    int error = open_pipes(&pipes) ? spawn(process, &pipes, &child) : errno;
    close_all(pipes.write);
    bool good = error == 0 && read_pipes(process, &pipes);
    close_all(pipes.read);
    if (error == 0)
        good = wait_for(child) && good;
    else
        (void)snprintf(process->error, sizeof(process->error), "%s can't be run: %s", process->arguments[0],
                       strerror(error));
    size_t length = strlen(process->error);
    while (length > 0 && process->error[length - 1] == ' ')
        process->error[--length] = '\0';
    return good;
}
