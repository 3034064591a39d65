// SPDX-License-Identifier: BSD-3-Clause
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"
#include "message.h"
#include "status.h"

enum { OK = 0, FAILED = 1, NOT_EXECUTABLE = 126, NOT_FOUND = 127, BY_SIGNAL = 128 };

static int connect_to_daemon(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = DAEMON_SOCKET};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    (void)fprintf(stderr, "flipside-agent: its service cannot be reached (%s): %s\n", DAEMON_SOCKET, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool receive_answer(int fd, struct message *answer) {
    uint8_t data[MESSAGE_TO_PERSONA];
    ssize_t size;
    do {
        size = recv(fd, data, sizeof data, 0);
    } while (size < 0 && errno == EINTR);
    if (size <= 0 || !message_read(data, (size_t)size, answer)) {
        (void)fprintf(stderr, "flipside-agent: its service gave no answer\n");
        return false;
    }
    if (answer->kind == MESSAGE_ERROR)
        (void)fprintf(stderr, "flipside-agent: %s\n", answer->text);
    return answer->kind != MESSAGE_ERROR;
}

/* Returns the connection; -1: it failed, and that was told. */
static int ask(const struct message_bytes *message, struct message *answer) {
    int fd = connect_to_daemon();
    if (fd < 0)
        return -1;
    if (send(fd, message->data, message->size, MSG_NOSIGNAL) == (ssize_t)message->size && receive_answer(fd, answer))
        return fd;
    close(fd);
    return -1;
}

static int ask_once(const struct message_bytes *message, struct message *answer) {
    int fd = ask(message, answer);
    if (fd < 0)
        return FAILED;
    close(fd);
    return OK;
}

int client_flip(const char *name) {
    struct message answer;
    struct message_bytes message = message_with_text(MESSAGE_FLIP, name);
    return ask_once(&message, &answer);
}

int client_up(void) {
    struct message answer;
    struct message_bytes message = message_plain(MESSAGE_UP);
    return ask_once(&message, &answer);
}

int client_status(bool json) {
    struct message answer;
    struct message_bytes message = message_plain(MESSAGE_STATUS);
    int status = ask_once(&message, &answer);
    if (status == OK)
        (json ? status_print_json : status_print)(&answer.status, stdout);
    return status == OK && fflush(stdout) != 0 ? FAILED : status;
}

static void execute(char *const command[]) {
    execvp(command[0], command);
    (void)fprintf(stderr, "flipside-agent: %s: %s\n", command[0], strerror(errno));
    _exit(errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

static int wait_for(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return FAILED;
    return WIFSIGNALED(status) ? BY_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The lock is the connection, which is this process's alone: it ends with it, however that may be. */
int client_inhibit(const char *why, char *const command[]) {
    struct message answer;
    struct message_bytes message = message_with_text(MESSAGE_INHIBIT, why);
    int lock = ask(&message, &answer);
    if (lock < 0)
        return FAILED;
    pid_t child = fork();
    if (child == 0)
        execute(command);
    int status = child < 0 ? FAILED : wait_for(child);
    close(lock);
    return status;
}
