// SPDX-License-Identifier: BSD-3-Clause
#define _POSIX_C_SOURCE 200809L
#include "usim_holder.h"

#include <string.h>

#include "crypto/cbor.h"
#include "crypto/hkdf.h"

static const char card_label[] = "flipside usim 1 subscription";

/* persona/cli/cli.cddl */
enum { FORMAT = 1, REMOVAL_ITEMS = 4, REMOVAL_MAX = 128 };

static bool is_noted(const struct usim_directory *directory, const char *iccid, const char *suffix) {
    char path[CLI_PATH_SIZE];
    return !usim_path(directory, iccid, suffix, path) || path_is_there(path);
}

/* ---- Issued */

void usim_holder_name(struct usim_holder *holder) {
    hex_write(holder->hex, holder->thumbprint, sizeof(holder->thumbprint));
}

static enum cli_exit read_issued(const struct usim_directory *directory, const char *iccid,
                                 struct usim_holder *holder) {
    char path[CLI_PATH_SIZE], text[sizeof(holder->hex)] = "";
    size_t size = 0;
    if (!usim_path(directory, iccid, USIM_ISSUED, path) || !file_read(path, text, sizeof(text) - 1, &size))
        return CLI_FAILED;
    if (!usim_take_hex(path, text, holder->thumbprint, sizeof(holder->thumbprint)))
        return CLI_REFUSED;
    holder->kind = USIM_DEVICE;
    usim_holder_name(holder);
    return CLI_GOOD;
}

bool usim_holder_write(const struct usim_directory *directory, const struct usim_profile *profile,
                       const struct usim_holder *holder) {
    char path[CLI_PATH_SIZE];
    return usim_path(directory, profile->iccid, USIM_ISSUED, path) &&
           file_write(path, holder->hex, strlen(holder->hex), false);
}

enum cli_exit usim_holder_read(const struct usim_directory *directory, const struct usim_profile *profile,
                               struct usim_holder *holder) {
    struct usim_removal removal;
    *holder = (struct usim_holder){.kind = USIM_NOBODY};
    if (is_noted(directory, profile->iccid, USIM_REMOVED)) {
        enum cli_exit result = usim_removal_read(directory, profile->iccid, &removal);
        *holder = removal.holder;
        return result;
    }
    if (is_noted(directory, profile->iccid, USIM_ISSUED))
        return read_issued(directory, profile->iccid, holder);
    if (is_noted(directory, profile->iccid, USIM_SERVED))
        holder->kind = USIM_THIS_MACHINE;
    return CLI_GOOD;
}

enum cli_exit usim_holder_check(const struct usim_profile *profile, const struct usim_holder *holder) {
    if (!holder->removed)
        return CLI_GOOD;
    cli_error("%s was removed, and its file was put back or left by an interruption: 'flipside usim remove' takes it "
              "away; create another",
              profile->iccid);
    return CLI_REFUSED;
}

/* ---- Removed */

bool usim_card_of(const struct usim_directory *directory, const struct usim_profile *profile, uint8_t *card) {
    uint8_t info[sizeof(card_label) + sizeof(profile->imsi) + sizeof(profile->secret.k)] = {0};
    memcpy(info, card_label, sizeof(card_label));
    memcpy(info + sizeof(card_label), profile->imsi, strlen(profile->imsi));
    memcpy(info + sizeof(card_label) + sizeof(profile->imsi), profile->secret.k, profile->secret.k_size);
    bool good = hkdf_expand(directory->key, info, sizeof(info), card, USIM_CARD_SIZE) == HKDF_OK;
    crypto_wipe(info, sizeof(info));
    if (!good)
        cli_error("%s", usim_error_text(USIM_FAILED));
    return good;
}

bool usim_removal_write(const struct usim_directory *directory, const struct usim_profile *profile,
                        const struct usim_holder *holder) {
    uint8_t plain[REMOVAL_MAX], sealed[REMOVAL_MAX + SEAL_OVERHEAD], card[USIM_CARD_SIZE];
    char path[CLI_PATH_SIZE];
    struct cbor_writer writer = cbor_write(plain, sizeof(plain));
    cbor_write_array(&writer, REMOVAL_ITEMS);
    cbor_write_uint(&writer, FORMAT);
    cbor_write_text(&writer, profile->iccid);
    if (!usim_card_of(directory, profile, card))
        return false;
    cbor_write_bytes(&writer, card, sizeof(card));
    if (holder->kind == USIM_DEVICE)
        cbor_write_bytes(&writer, holder->thumbprint, sizeof(holder->thumbprint));
    else
        cbor_write_null(&writer);
    if (writer.failed || usim_seal(directory->key, SEAL_REMOVAL, plain, writer.size, sealed) != USIM_OK) {
        cli_error("%s: %s", profile->iccid, usim_error_text(USIM_FAILED));
        return false;
    }
    return usim_path(directory, profile->iccid, USIM_REMOVED, path) &&
           file_write(path, sealed, writer.size + SEAL_OVERHEAD, true);
}

static bool parse_removal(const uint8_t *plain, size_t size, const char *iccid, struct usim_removal *removal) {
    struct cbor_reader reader = cbor_read(plain, size);
    (void)cbor_read_array_of(&reader, REMOVAL_ITEMS, REMOVAL_ITEMS);
    bool good = cbor_read_uint(&reader) == FORMAT;
    good = cbor_text_equal(cbor_read_text(&reader, USIM_ICCID_DIGITS), iccid) && good;
    cbor_read_exactly(&reader, removal->card, sizeof(removal->card));
    removal->holder.kind = cbor_read_if_null(&reader) ? USIM_THIS_MACHINE : USIM_DEVICE;
    if (removal->holder.kind == USIM_DEVICE)
        cbor_read_exactly(&reader, removal->holder.thumbprint, sizeof(removal->holder.thumbprint));
    return cbor_read_end(&reader) && good;
}

enum cli_exit usim_removal_read(const struct usim_directory *directory, const char *iccid,
                                struct usim_removal *removal) {
    char path[CLI_PATH_SIZE];
    uint8_t sealed[REMOVAL_MAX + SEAL_OVERHEAD], plain[REMOVAL_MAX];
    size_t size = 0;
    memset(removal, 0, sizeof(*removal));
    if (!usim_path(directory, iccid, USIM_REMOVED, path) || !file_read(path, sealed, sizeof(sealed), &size))
        return CLI_FAILED;
    if (size <= SEAL_OVERHEAD ||
        usim_unseal(directory->key, SEAL_REMOVAL, sealed, plain, size - SEAL_OVERHEAD) != USIM_OK ||
        !parse_removal(plain, size - SEAL_OVERHEAD, iccid, removal)) {
        cli_error("%s: altered or damaged; put it back from a copy: it says who had the USIM", path);
        return CLI_REFUSED;
    }
    (void)snprintf(removal->iccid, sizeof(removal->iccid), "%s", iccid);
    removal->holder.removed = true;
    if (removal->holder.kind == USIM_DEVICE)
        usim_holder_name(&removal->holder);
    return CLI_GOOD;
}
