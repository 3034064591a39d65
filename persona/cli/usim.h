// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_USIM_H
#define CLI_USIM_H

/* A directory of USIM profiles: each sealed under one key, which lies in usim.key under a passphrase. */

#include "cli.h"
#include "crypto/aead.h"
#include "usim/profile.h"
#include "usim/seal.h"

enum { USIM_BATCH_MAX = 256 };

struct usim_directory {
    const char *path;
    bool is_absent; /* there is none yet, and --dry-run makes none */
    uint8_t key[SEAL_KEY_SIZE];
    struct random_stream random;
    int lock;
};

enum usim_use {
    USIM_READ,
    USIM_CHANGE, /* nobody else changes it meanwhile */
    USIM_MAKE,   /* the same; with its key, it is made where there is none */
};

/* Opens the directory of --store with its key; who is to change it clears away what an interrupted flipside left there.
 * The caller closes it, also on failure. */
enum cli_exit usim_directory_open(const struct cli *cli, const char *path, enum usim_use use,
                                  struct usim_directory *directory);

/* Lets others change it, before it is closed. */
void usim_directory_unlock(struct usim_directory *directory);

void usim_directory_close(struct usim_directory *directory);

/* The path of a USIM's file (usim_holder.h). @param path CLI_PATH_SIZE */
bool usim_path(const struct usim_directory *directory, const char *iccid, const char *suffix, char *path);

/* What names a profile's contents: the nonce of the sealed file, which is a MAC of what is in it. */
struct usim_tag {
    uint8_t bytes[AEAD_NONCE_SIZE];
};

/* A profile with the bytes that it points into. A secret: wiped by the caller. */
struct usim_entry {
    struct usim_profile profile;
    uint8_t encoded[USIM_PROFILE_MAX];
    struct usim_tag tag;
};

/* `iccid`: with or without its check digit. */
enum cli_exit usim_load(const struct usim_directory *directory, const char *iccid, struct usim_entry *entry);

/* Reads the tag of the file that is there. @return false, and not told, when it can't be read */
bool usim_tag_read(const struct usim_directory *directory, const char *iccid, struct usim_tag *tag);

/* Stores a profile, which is new. */
bool usim_save(const struct usim_directory *directory, const struct usim_profile *profile, struct usim_tag *tag);

/* Profiles that are stored together, with one wait for the disk. */
struct usim_batch {
    char iccids[USIM_BATCH_MAX][USIM_ICCID_DIGITS + 1];
    size_t count;
};

/* Writes a profile, which is new, beside its place. */
bool usim_batch_add(const struct usim_directory *directory, struct usim_batch *batch,
                    const struct usim_profile *profile, struct usim_tag *tag);

/* Puts all of them in their places, and empties the batch. @return how many are there now */
size_t usim_batch_end(const struct usim_directory *directory, struct usim_batch *batch);

/* Calls `each` for all profiles in the order of their ICCIDs, until it returns another exit than CLI_GOOD. */
enum cli_exit usim_each(const struct usim_directory *directory,
                        enum cli_exit (*each)(void *context, const struct usim_entry *entry), void *context);

/* Files in the directory that begin with an ICCID. */
enum usim_files { USIM_PROFILES, USIM_REMOVALS, USIM_LEFTOVERS };

/* Calls `each` for all such files in their order, until it returns another exit than CLI_GOOD. */
enum cli_exit usim_each_file(const struct usim_directory *directory, enum usim_files files,
                             enum cli_exit (*each)(void *context, const char *name), void *context);

/* A profile with nothing but what all have: services, PINs at random, disabled PIN1, Milenage with random K and OPc. */
bool usim_profile_new(struct random_stream *random, struct usim_profile *profile);

/* What was given in text; each says what is wrong with it. */
bool usim_take_iccid(struct usim_profile *profile, const char *text);
bool usim_take_imsi(struct usim_profile *profile, const char *text, unsigned mnc_digits);
bool usim_take_pin(uint8_t *pin, const char *text, bool whole);
bool usim_take_hex(const char *what, const char *text, uint8_t *bytes, size_t size);

/* What may be shown of a profile. */
void usim_report(struct report *report, const struct usim_profile *profile);

#endif
