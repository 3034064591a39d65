// SPDX-License-Identifier: BSD-3-Clause
// flipside usim serve: a card for programs on this machine, through vsmartcard's reader driver for pcscd. It listens
// for cards and we connect, to the loopback address and nowhere else.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/hkdf.h"
#include "usim.h"
#include "usim/card.h"

enum {
    PORT = 35963,
    FRAME_MAX = 65535,
    OFF = 0,
    ON = 1,
    RESET = 2,
    ATR = 4,
    STATE_SIZE = USIM_COPIES * USIM_RECORD_SIZE
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number) { stopped = signal_number; }

/* ---- State: both copies in one file, each overwritten in place */

static bool read_copy(void *context, unsigned copy, uint8_t *record) {
    return pread(*(int *)context, record, USIM_RECORD_SIZE, (off_t)copy * USIM_RECORD_SIZE) == USIM_RECORD_SIZE;
}

static bool write_copy(void *context, unsigned copy, const uint8_t *record) {
    int file = *(int *)context;
    return pwrite(file, record, USIM_RECORD_SIZE, (off_t)copy * USIM_RECORD_SIZE) == USIM_RECORD_SIZE &&
           fdatasync(file) == 0;
}

/* One holder at a time. @return whether the state is there; *file is -1 when it can't be had */
static bool open_state(const char *path, int *file) {
    *file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*file >= 0 && flock(*file, LOCK_EX | LOCK_NB) != 0) {
        (void)close(*file);
        *file = -1;
    }
    if (*file < 0) {
        cli_error("%s: %s", path, errno == EWOULDBLOCK ? "this card is being served already" : strerror(errno));
        return false;
    }
    off_t size = lseek(*file, 0, SEEK_END);
    if (size == 0 && ftruncate(*file, STATE_SIZE) == 0)
        return false;
    return size != 0;
}

/* ---- Frames: two bytes of length, then as many */

static bool receive(int socket, uint8_t *bytes, size_t size) {
    while (size > 0) {
        ssize_t got = recv(socket, bytes, size, 0);
        if (got < 0 && errno == EINTR && stopped == 0)
            continue;
        if (got <= 0)
            return false;
        bytes += got;
        size -= (size_t)got;
    }
    return true;
}

static bool send_frame(int socket, const uint8_t *bytes, size_t size) {
    uint8_t frame[2 + USIM_RESPONSE_MAX] = {(uint8_t)(size >> 8), (uint8_t)size};
    memcpy(frame + 2, bytes, size);
    bool good = send(socket, frame, 2 + size, MSG_NOSIGNAL) == (ssize_t)(2 + size);
    crypto_wipe(frame, sizeof(frame));
    return good;
}

static bool control(int socket, struct usim_card *card, uint8_t order) {
    uint8_t atr[USIM_ATR_MAX];
    switch (order) {
    case OFF:
        usim_card_power_off(card);
        return true;
    case ON:
    case RESET:
        usim_card_power_on(card, USIM_AUTHENTICATE);
        return true;
    case ATR:
        return send_frame(socket, atr, usim_card_atr(atr));
    default:
        return false;
    }
}

static bool answer(int socket, struct usim_card *card, const uint8_t *frame, size_t size) {
    uint8_t response[USIM_RESPONSE_MAX];
    if (size == 1)
        return control(socket, card, frame[0]);
    size_t response_size = usim_card_transmit(card, frame, size, response);
    bool good = response_size > 0 && send_frame(socket, response, response_size);
    crypto_wipe(response, sizeof(response));
    return good;
}

/* The reader sends a frame in two pieces, and the second waits until the first is acknowledged. */
static bool acknowledge(int socket) {
    const int one = 1;
    return setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one)) == 0;
}

static void serve(int socket, struct usim_card *card) {
    static uint8_t frame[FRAME_MAX];
    uint8_t head[2];
    while (stopped == 0 && receive(socket, head, sizeof(head)) && acknowledge(socket)) {
        size_t size = (size_t)head[0] << 8 | head[1];
        if (!receive(socket, frame, size) || (size > 0 && !answer(socket, card, frame, size)))
            return;
    }
}

static int connect_to_reader(uint16_t port) {
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int one = 1;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* Small frames back and forth: each must not wait for the next. */
    bool good = descriptor >= 0 && setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0 &&
                connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0;
    if (good)
        return descriptor;
    cli_error("no reader on 127.0.0.1:%u: %s (is pcscd running, with vsmartcard-vpcd?)", port, strerror(errno));
    if (descriptor >= 0)
        (void)close(descriptor);
    return -1;
}

static bool fill(void *context, void *bytes, size_t size) { return random_bytes(context, bytes, size) == RANDOM_OK; }

static void print(const struct cli *cli, const struct usim_card *card, uint16_t port) {
    if (cli->json) {
        struct report report = report_begin(cli);
        report_text(&report, "iccid", card->profile.iccid);
        report_number(&report, "port", port);
        report_end(&report);
    } else {
        (void)printf("%s is in the reader\n", card->profile.iccid);
    }
    (void)fflush(stdout);
}

static enum cli_exit serve_card(const struct cli *cli, struct usim_directory *directory, struct usim_card *card,
                                uint16_t port, bool fresh) {
    const struct usim_random random = {&directory->random, fill};
    enum usim_error error = usim_card_open(card, &random, fresh);
    if (error != USIM_OK) {
        cli_error("%s: %s", card->profile.iccid, usim_error_text(error));
        return CLI_REFUSED;
    }
    int descriptor = connect_to_reader(port);
    if (descriptor >= 0) {
        print(cli, card, port);
        serve(descriptor, card);
        (void)close(descriptor);
    }
    error = usim_card_close(card);
    if (error != USIM_OK)
        cli_error("%s", usim_error_text(error));
    return descriptor >= 0 && error == USIM_OK ? CLI_GOOD : CLI_FAILED;
}

static enum cli_exit serve_from(const struct cli *cli, struct usim_directory *directory, const char *iccid,
                                uint16_t port) {
    static struct usim_card card;
    char path[CLI_PATH_SIZE];
    struct usim_entry entry;
    int file = -1;
    enum cli_exit result = usim_load(directory, iccid, &entry);
    if (result == CLI_GOOD && usim_is_noted(directory, &entry.profile, USIM_ISSUED)) {
        cli_error("%s was issued to a device; a USIM has one holder, so create another to serve", iccid);
        result = CLI_REFUSED;
    }
    if (result != CLI_GOOD) {
        crypto_wipe(&entry, sizeof(entry));
        return result;
    }
    bool there = path_of(path, "%s/%s%s", directory->path, entry.profile.iccid, USIM_SERVED) && open_state(path, &file);
    if (file >= 0) {
        card.profile = entry.profile;
        card.store.storage = (struct usim_storage){.context = &file, .read = read_copy, .write = write_copy};
        memcpy(card.store.key, directory->key, SEAL_KEY_SIZE);
        result = serve_card(cli, directory, &card, port, !there);
        (void)close(file);
    }
    crypto_wipe(&card, sizeof(card));
    crypto_wipe(&entry, sizeof(entry));
    return file >= 0 ? result : CLI_FAILED;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    const char *store = NULL, *port = NULL;
    uint64_t number = PORT;
    struct usim_directory directory;
    /* Without SA_RESTART: waiting ends. */
    const struct sigaction action = {.sa_handler = stop};
    const struct option_value options[] = {{.name = "store", .to = &store}, {.name = "port", .to = &port}};
    int at = cli_options(cli, options, 2, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (argc - at != 1) {
        cli_error("the ICCID of one USIM is needed");
        return CLI_USAGE;
    }
    if (port != NULL && !cli_number("port", port, 1, 65535, &number))
        return CLI_FAILED;
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    enum cli_exit result = usim_directory_open(cli, store, USIM_READ, &directory);
    if (result == CLI_GOOD)
        result = serve_from(cli, &directory, argv[at], (uint16_t)number);
    usim_directory_close(&directory);
    return result;
}

const struct verb verb_usim_serve = {
    {"usim", "serve"},
    "be a smart card for programs on this machine",
    "usage: flipside usim serve --store=DIRECTORY [--port=NUMBER] ICCID\n\n"
    "Puts the USIM into the reader of vsmartcard-vpcd, which pcscd offers to all PC/SC programs of this machine, until "
    "it\n"
    "is interrupted or the reader goes away. For development and tests: anyone on this machine may use the card. One\n"
    "that was issued to a device is not served, and one that was served is not issued.\n\n"
    "  --store=DIRECTORY       where the profiles are\n"
    "  --port=NUMBER           the reader's (35963), on 127.0.0.1\n",
    run,
};
