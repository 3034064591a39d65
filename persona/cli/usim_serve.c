// SPDX-License-Identifier: BSD-3-Clause
// flipside usim serve: a card for programs on this machine, through vsmartcard's reader driver for pcscd. It listens
// for cards and we connect, to the loopback address and nowhere else.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/hkdf.h"
#include "usim/card.h"
#include "usim_record.h"

enum { PORT = 35963, FRAME_MAX = 65535, OFF = 0, ON = 1, RESET = 2, ATR = 4 };

/* ---- State: both copies in one file, each overwritten in place */

static bool read_copy(void *context, unsigned copy, uint8_t *record) {
    return pread(*(int *)context, record, USIM_RECORD_SIZE, (off_t)copy * USIM_RECORD_SIZE) == USIM_RECORD_SIZE;
}

static bool write_copy(void *context, unsigned copy, const uint8_t *record) {
    int file = *(int *)context;
    return pwrite(file, record, USIM_RECORD_SIZE, (off_t)copy * USIM_RECORD_SIZE) == USIM_RECORD_SIZE &&
           fdatasync(file) == 0;
}

/* One at a time. That the file is there notes that the card was served. @return whether the state is there; *file is -1
 * when it can't be had */
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
    return lseek(*file, 0, SEEK_END) != 0;
}

/* ---- Frames: two bytes of length, then as many */

/* Whether what was moved, or not, is no reason to end. */
static bool is_moved(ssize_t moved) { return moved > 0 || (moved < 0 && (errno == EAGAIN || errno == EINTR)); }

static bool receive(int socket, uint8_t *bytes, size_t size) {
    while (size > 0) {
        if (!stop_or_ready(socket, POLLIN))
            return false;
        ssize_t got = recv(socket, bytes, size, MSG_DONTWAIT);
        if (!is_moved(got))
            return false;
        bytes += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* A reader that takes nothing off does not keep the card from ending. */
static bool send_all(int socket, const uint8_t *bytes, size_t size) {
    while (size > 0) {
        if (!stop_or_ready(socket, POLLOUT))
            return false;
        ssize_t sent = send(socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (!is_moved(sent))
            return false;
        bytes += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

static bool send_frame(int socket, const uint8_t *bytes, size_t size) {
    uint8_t frame[2 + USIM_RESPONSE_MAX] = {(uint8_t)(size >> 8), (uint8_t)size};
    memcpy(frame + 2, bytes, size);
    bool good = send_all(socket, frame, 2 + size);
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
    while (receive(socket, head, sizeof(head)) && acknowledge(socket)) {
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

static void print(const struct cli *cli, const char *iccid, uint16_t port) {
    if (cli->json) {
        struct report report = report_begin(cli);
        report_text(&report, "iccid", iccid);
        report_number(&report, "port", port);
        report_bool(&report, "dry-run", cli->dry_run);
        report_end(&report);
    } else {
        (void)printf("%s %s\n", iccid, cli->dry_run ? "can be served" : "is in the reader");
    }
    (void)fflush(stdout);
}

struct service {
    const struct cli *cli;
    struct usim_directory directory;
    struct usim_entry entry;
    char state[CLI_PATH_SIZE];
    bool fresh; /* it was never served before */
    uint16_t port;
};

/* The reader asks a card at once that comes to it, so that one comes when it can answer. One that no reader took was
 * not served. The directory is locked until then: nobody issues or removes the USIM in between. */
static bool meet_reader(struct service *service, struct usim_card *card) {
    int descriptor = connect_to_reader(service->port);
    if (descriptor < 0 && service->fresh)
        (void)unlink(service->state);
    usim_directory_unlock(&service->directory);
    if (descriptor < 0)
        return false;
    print(service->cli, card->profile.iccid, service->port);
    serve(descriptor, card);
    (void)close(descriptor);
    return true;
}

static enum cli_exit serve_card(struct service *service, struct usim_card *card) {
    const struct usim_random random = {&service->directory.random, fill};
    enum usim_error error = usim_card_open(card, &random, service->fresh);
    if (error != USIM_OK) {
        cli_error("%s: %s", card->profile.iccid, usim_error_text(error));
        return CLI_REFUSED;
    }
    bool met = meet_reader(service, card);
    error = usim_card_close(card);
    if (error != USIM_OK)
        cli_error("%s", usim_error_text(error));
    return met && error == USIM_OK ? CLI_GOOD : CLI_FAILED;
}

static enum cli_exit serve_state(struct service *service) {
    static struct usim_card card;
    int file = -1;
    if (!usim_path(&service->directory, service->entry.profile.iccid, USIM_SERVED, service->state))
        return CLI_FAILED;
    service->fresh = !open_state(service->state, &file);
    if (file < 0)
        return CLI_FAILED;
    card.profile = service->entry.profile;
    card.store.storage = (struct usim_storage){.context = &file, .read = read_copy, .write = write_copy};
    memcpy(card.store.key, service->directory.key, SEAL_KEY_SIZE);
    enum cli_exit result = serve_card(service, &card);
    (void)close(file);
    crypto_wipe(&card, sizeof(card));
    return result;
}

/* The record knows of an issue that an older copy of the store does not. */
static enum cli_exit check_record(const struct cli *cli, const struct usim_directory *directory,
                                  const struct usim_profile *profile) {
    const struct usim_holder nobody = {.kind = USIM_NOBODY};
    struct record record;
    uint8_t card[USIM_CARD_SIZE];
    if (!cli_has_organisation(cli))
        return CLI_GOOD;
    if (!usim_card_of(directory, profile, card) || !record_open(&record, cli))
        return CLI_FAILED;
    enum cli_exit result = usim_record_check(&record, profile, card, &nobody);
    record_close(&record);
    return result;
}

static enum cli_exit check_holder(const struct cli *cli, const struct usim_directory *directory,
                                  const struct usim_profile *profile) {
    struct usim_holder holder;
    enum cli_exit result = usim_holder_read(directory, profile, &holder);
    if (result == CLI_GOOD)
        result = usim_holder_check(profile, &holder);
    if (result == CLI_GOOD && holder.kind == USIM_DEVICE) {
        cli_error("%s was issued to a device; a USIM has one holder, so create another to serve", profile->iccid);
        result = CLI_REFUSED;
    }
    return result == CLI_GOOD ? check_record(cli, directory, profile) : result;
}

static enum cli_exit serve_profile(struct service *service) {
    const struct usim_profile *profile = &service->entry.profile;
    enum cli_exit result = check_holder(service->cli, &service->directory, profile);
    if (result != CLI_GOOD || !service->cli->dry_run)
        return result == CLI_GOOD ? serve_state(service) : result;
    print(service->cli, profile->iccid, service->port);
    return CLI_GOOD;
}

static enum cli_exit serve_from(const struct cli *cli, const char *store, const char *iccid, uint16_t port) {
    static struct service service;
    service = (struct service){.cli = cli, .port = port};
    enum cli_exit result = usim_directory_open(cli, store, cli->dry_run ? USIM_READ : USIM_CHANGE, &service.directory);
    if (result == CLI_GOOD)
        result = usim_load(&service.directory, iccid, &service.entry);
    stop_when_asked();
    if (result == CLI_GOOD)
        result = serve_profile(&service);
    usim_directory_close(&service.directory);
    crypto_wipe(&service, sizeof(service));
    return result;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    const char *store = NULL, *port = NULL;
    uint64_t number = PORT;
    const struct option_value options[] = {{.name = "store", .to = &store}, {.name = "port", .to = &port}};
    int at = cli_options_and(cli, options, 2, argc, argv, "the ICCID of one USIM is needed");
    if (at == 0)
        return CLI_USAGE;
    if (port != NULL && !cli_number("port", port, 1, 65535, &number))
        return CLI_FAILED;
    return serve_from(cli, store, argv[at], (uint16_t)number);
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
