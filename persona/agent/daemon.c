// SPDX-License-Identifier: BSD-3-Clause
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "inhibitor.h"
#include "message.h"
#include "port.h"
#include "tune.h"

#define SYSTEM_BUS "/run/dbus/system_bus_socket"

enum {
    CLIENTS_MAX = 16,
    CLIENT_PACKET_MAX = 512, /* bytes of what a client may ask */
    ANSWER_MS = 2000,        /* what the switcher takes to answer, and clients to be told that it does not */
    SEARCH_MS = 1000,        /* between two looks for a port that is not there */
    ASIDE_MS = 20,           /* the switcher opens the port soon after a start or a suspend */
    ASIDE_MOST_MS = 1000,    /* unless it waits for the driver to reset it */
    SEND_AGAIN_MS = 10,
    SEND_TIMES = 50,
};

enum { FD_SIGNALS, FD_LISTENER, FD_PORT, FD_CLIENTS, FDS = FD_CLIENTS + CLIENTS_MAX };

struct client {
    int fd; /* -1: a free place */
    bool inhibits;
    struct message asked; /* what the switcher is to answer, while it is daemon.asking; else why it inhibits */
};

static struct {
    struct port port;
    int signals, listener;
    int64_t port_at;       /* ms, when to look at the port again; 0: when poll() says so */
    int64_t aside_for;     /* ms, the last time that it was put aside for */
    bool greeted;          /* the switcher knows of us since the port was opened */
    bool up;               /* the system is up, as the switcher is told after each hello */
    bool tune;             /* to be applied again to the devices that came since */
    bool requested;        /* to flip; not answered yet */
    struct client *asking; /* whose request the switcher has; one at a time, since answers have no number */
    int64_t answer_until;  /* ms, valid with asking */
    int status;            /* for the exit, when the daemon is to end */
    bool ends;
    struct client clients[CLIENTS_MAX];
} agent;

static int64_t milliseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tell(const char *what) { (void)fprintf(stderr, "flipside-agent: %s\n", what); }

static void tell_error(const char *what) { (void)fprintf(stderr, "flipside-agent: %s: %s\n", what, strerror(errno)); }

/* --- clients --- */

static void drop_client(struct client *client) {
    if (agent.asking == client)
        agent.asking = NULL;
    close(client->fd);
    client->fd = -1;
    client->inhibits = false;
}

static void answer_bytes(struct client *client, const void *data, size_t size) {
    if (send(client->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        drop_client(client);
}

static void answer(struct client *client, const struct message_bytes *message) {
    answer_bytes(client, message->data, message->size);
}

static void answer_error(struct client *client, const char *text) {
    struct message_bytes message = message_local_error(text);
    answer(client, &message);
}

static void answer_done(struct client *client) {
    struct message_bytes message = message_plain(MESSAGE_DONE);
    answer(client, &message);
}

/* Takes the request whose answer came, or will not come, off. */
static struct client *end_asking(void) {
    struct client *client = agent.asking;
    agent.asking = NULL;
    return client;
}

static void fail_asking(const char *text) {
    if (agent.asking != NULL)
        answer_error(end_asking(), text);
}

static struct client *inhibiting_client(void) {
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        if (agent.clients[i].fd >= 0 && agent.clients[i].inhibits)
            return &agent.clients[i];
    return NULL;
}

/* --- the port --- */

static void lose_port(void) {
    port_close(&agent.port);
    agent.greeted = false;
    agent.requested = false;
    agent.port_at = milliseconds_now() + SEARCH_MS;
    agent.aside_for = 0;
    fail_asking("the channel to the switcher was closed");
}

/* The kernel reports a port that the other side has closed as hung up, all the time: ask again later. */
static void put_aside(void) {
    agent.aside_for = agent.aside_for == 0 ? ASIDE_MS : agent.aside_for * 2;
    if (agent.aside_for > ASIDE_MOST_MS)
        agent.aside_for = ASIDE_MOST_MS;
    agent.port_at = milliseconds_now() + agent.aside_for;
}

/* Just after a suspend the switcher may not have the port open for a moment. */
static enum port_result send_soon(const struct message_bytes *message) {
    const struct timespec moment = {.tv_nsec = SEND_AGAIN_MS * 1000000};
    enum port_result result = port_send(&agent.port, message);
    for (unsigned i = 0; agent.greeted && result == PORT_EMPTY && i < SEND_TIMES; i++) {
        nanosleep(&moment, NULL);
        result = port_send(&agent.port, message);
    }
    return result;
}

static bool tell_switcher(const struct message_bytes *message) {
    enum port_result result = send_soon(message);
    if (result == PORT_GONE)
        lose_port();
    return result == PORT_OK;
}

static bool tell_switcher_plain(enum message_kind kind) {
    struct message_bytes message = message_plain(kind);
    return tell_switcher(&message);
}

static bool tell_up(void) { return !agent.greeted || !agent.up || tell_switcher_plain(MESSAGE_UP); }

static void greet(void) {
    struct message_bytes hello = message_hello(FLIPSIDE_VERSION);
    if (agent.greeted)
        return;
    agent.greeted = tell_switcher(&hello);
    if (!tell_up())
        agent.greeted = false;
    if (agent.greeted)
        tell("the switcher knows of this agent");
}

static void ask_again(void);

static void take_message(const uint8_t *data, size_t size) {
    struct message message;
    if (!message_read(data, size, &message)) {
        tell("the switcher sent what is no message");
        return;
    }
    switch (message.kind) {
    case MESSAGE_FLIP_REQUEST:
        agent.requested = true;
        break;
    case MESSAGE_FLIP_CANCELLED:
        agent.requested = false;
        break;
    case MESSAGE_STATUS_REPLY:
        if (agent.asking != NULL && agent.asking->asked.kind == MESSAGE_STATUS)
            answer_bytes(end_asking(), data, size);
        break;
    case MESSAGE_ERROR:
        tell(message.text);
        if (message.number == MESSAGE_BAD_VERSION) {
            agent.status = DAEMON_BAD_VERSION;
            agent.ends = true;
        }
        if (agent.asking != NULL)
            answer_bytes(end_asking(), data, size);
        break;
    default:
        break;
    }
}

/* --- a request to flip --- */

static void refuse(const char *reason) {
    struct message_bytes message = message_with_text(MESSAGE_REFUSE, reason);
    char text[MESSAGE_TEXT_MAX + 32];
    (void)snprintf(text, sizeof text, "refused to flip: %s", reason);
    tell(text);
    (void)tell_switcher(&message);
    if (agent.asking != NULL && agent.asking->asked.kind == MESSAGE_FLIP)
        answer_error(end_asking(), text);
}

static bool suspend(void) {
    int state = open("/sys/power/state", O_WRONLY | O_CLOEXEC);
    bool done = state >= 0 && write(state, "mem", strlen("mem")) == (ssize_t)strlen("mem");
    int error = errno;
    if (state >= 0)
        close(state);
    errno = error;
    return done;
}

/* What was on its way is lost, and the switcher opens the port anew a moment later. */
static void resumed(void) {
    port_resumed(&agent.port);
    agent.aside_for = 0;
    if (agent.asking != NULL && agent.asking->asked.kind == MESSAGE_FLIP)
        answer_done(end_asking());
    ask_again();
}

static void make_way(void) {
    if (!tell_switcher_plain(MESSAGE_ACKNOWLEDGE))
        return;
    if (suspend()) {
        resumed();
        return;
    }
    char reason[128];
    (void)snprintf(reason, sizeof reason, "the system does not suspend: %s", strerror(errno));
    refuse(reason);
}

static void answer_request(void) {
    char reason[MESSAGE_TEXT_MAX + 1];
    const struct client *holder = inhibiting_client();
    agent.requested = false;
    if (holder != NULL) {
        refuse(holder->asked.text);
        return;
    }
    switch (inhibitor_ask(SYSTEM_BUS, reason, sizeof reason)) {
    case INHIBITOR_HELD:
        refuse(reason);
        break;
    case INHIBITOR_NONE:
        make_way();
        break;
    case INHIBITOR_UNKNOWN:
        /* The switcher presses the button soon, and logind, which reacts to it, knows its locks. */
        tell("logind does not tell of its locks; the button is left to ask it");
        break;
    }
}

static void receive_all(void) {
    uint8_t data[MESSAGE_TO_PERSONA];
    size_t size;
    enum port_result result;
    while ((result = port_receive(&agent.port, data, &size)) == PORT_OK)
        take_message(data, size);
    if (result == PORT_GONE)
        lose_port();
    else if (result == PORT_ASIDE || !agent.greeted)
        put_aside();
    else
        agent.aside_for = 0;
}

static void serve_port(void) {
    agent.port_at = 0;
    if (agent.port.fd < 0 && !port_open(&agent.port)) {
        agent.port_at = milliseconds_now() + SEARCH_MS;
        return;
    }
    greet();
    if (agent.port.fd >= 0)
        receive_all();
    /* Only now, when a request that is over already would have been called off. */
    if (agent.requested)
        answer_request();
}

/* --- what clients ask --- */

static void ask_switcher(struct client *client, const struct message_bytes *message) {
    if (!agent.greeted || !tell_switcher(message)) {
        if (client->fd >= 0)
            answer_error(client, "there is no channel to the switcher");
        return;
    }
    agent.asking = client;
    agent.answer_until = milliseconds_now() + ANSWER_MS;
}

static void carry_out(struct client *client) {
    struct message_bytes message;
    switch (client->asked.kind) {
    case MESSAGE_STATUS:
        message = message_plain(MESSAGE_STATUS);
        ask_switcher(client, &message);
        break;
    case MESSAGE_FLIP:
        message = message_with_text(MESSAGE_FLIP, client->asked.text);
        if (strlen(client->asked.text) <= MESSAGE_NAME_MAX)
            ask_switcher(client, &message);
        else
            answer_error(client, "a persona's name is not that long");
        break;
    case MESSAGE_INHIBIT:
        client->inhibits = true;
        answer_done(client);
        break;
    case MESSAGE_UP:
        agent.up = true;
        if (agent.tune && !tune_on("", TUNE_KEPT))
            tell_error("some settings could not be applied");
        (void)tell_up();
        answer_done(client);
        break;
    default:
        drop_client(client);
        break;
    }
}

/* What was asked before a suspend may not have been answered. */
static void ask_again(void) {
    if (agent.asking != NULL)
        carry_out(end_asking());
}

static void serve_client(struct client *client) {
    uint8_t data[CLIENT_PACKET_MAX];
    ssize_t size = recv(client->fd, data, sizeof data, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    /* A lock ends with whatever else its holder says, too. */
    if (size <= 0 || client->inhibits)
        drop_client(client);
    else if (message_read_client(data, (size_t)size, &client->asked))
        carry_out(client);
    else
        answer_error(client, "the service does not know of such a request");
}

static void accept_client(void) {
    int fd = accept4(agent.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    for (unsigned i = 0; fd >= 0 && i < CLIENTS_MAX; i++) {
        if (agent.clients[i].fd >= 0)
            continue;
        agent.clients[i] = (struct client){.fd = fd};
        return;
    }
    if (fd >= 0)
        close(fd);
}

/* --- the daemon --- */

static bool listen_for_clients(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = DAEMON_SOCKET};
    (void)mkdir(DAEMON_DIRECTORY, 0755);
    agent.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (agent.listener < 0)
        return false;
    if (connect(agent.listener, (struct sockaddr *)&address, sizeof address) == 0) {
        errno = EADDRINUSE;
        return false;
    }
    (void)unlink(DAEMON_SOCKET);
    mode_t mask = umask(0117); /* its owner and group may ask for flips */
    bool bound = bind(agent.listener, (struct sockaddr *)&address, sizeof address) == 0;
    umask(mask);
    return bound && listen(agent.listener, CLIENTS_MAX) == 0;
}

static bool take_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return false;
    agent.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return agent.signals >= 0;
}

/* sd_notify(3): what waits for this service may go on. */
static void notify_ready(void) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || strlen(path) >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, strlen(path));
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, "READY=1", strlen("READY=1"), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    close(fd);
}

static void watch(struct pollfd fds[FDS]) {
    fds[FD_SIGNALS] = (struct pollfd){.fd = agent.signals, .events = POLLIN};
    fds[FD_LISTENER] = (struct pollfd){.fd = agent.listener, .events = POLLIN};
    fds[FD_PORT] = (struct pollfd){.fd = agent.port_at == 0 ? agent.port.fd : -1, .events = POLLIN};
    for (unsigned i = 0; i < CLIENTS_MAX; i++) {
        const struct client *client = &agent.clients[i];
        bool waits = agent.asking != NULL && !client->inhibits;
        fds[FD_CLIENTS + i] = (struct pollfd){.fd = waits ? -1 : client->fd, .events = POLLIN};
    }
}

static int time_left(void) {
    int64_t until = agent.port_at;
    if (agent.asking != NULL && (until == 0 || agent.answer_until < until))
        until = agent.answer_until;
    int64_t left = until - milliseconds_now();
    return until == 0 ? -1 : left < 0 ? 0 : (int)left;
}

static void serve(void) {
    struct pollfd fds[FDS];
    watch(fds);
    if (poll(fds, FDS, time_left()) < 0)
        return;
    agent.ends |= fds[FD_SIGNALS].revents != 0;
    if (fds[FD_PORT].revents != 0 || (agent.port_at != 0 && milliseconds_now() >= agent.port_at))
        serve_port();
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        if (fds[FD_CLIENTS + i].revents != 0 && agent.clients[i].fd == fds[FD_CLIENTS + i].fd &&
            (agent.asking == NULL || agent.clients[i].inhibits))
            serve_client(&agent.clients[i]);
    if (fds[FD_LISTENER].revents != 0)
        accept_client();
    if (agent.asking != NULL && milliseconds_now() >= agent.answer_until)
        fail_asking("the switcher does not answer");
}

static void put_settings_back(void) {
    if (agent.tune && !tune_off("", TUNE_KEPT))
        tell_error("some settings could not be put back");
}

int daemon_run(bool up, bool tune) {
    agent.port.fd = -1;
    agent.up = up;
    agent.tune = tune;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        agent.clients[i].fd = -1;
    if (!take_signals() || !listen_for_clients()) {
        tell_error(DAEMON_SOCKET);
        return DAEMON_FAILED;
    }
    if (tune && !tune_on("", TUNE_KEPT))
        tell_error("some settings could not be applied");
    notify_ready();
    serve_port();
    while (!agent.ends)
        serve();
    put_settings_back();
    (void)unlink(DAEMON_SOCKET);
    port_close(&agent.port);
    return agent.status;
}
