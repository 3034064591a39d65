// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_LUKS_H
#define CLI_LUKS_H

/* The encrypted root of a persona: a LUKS2 image (LUKS2 On-Disk Format Specification 1.1) that goes onto its partition
 * as it is, and that any system's cryptsetup opens.
 *
 * The volume key is random, aes-xts-plain64, 512 bits. Its one key slot is opened by the key file that the device
 * derives from the persona's key (crypto/README.md); since that is as random as a key, the slot's PBKDF2 is the
 * shortest that LUKS2 allows. Neither root nor device mapper is needed: the data is encrypted here, sector by sector.
 *
 * All that lies on the partition is encrypted, blocks that hold nothing too, so that nobody sees how full it is. With
 * `sparse`, blocks that an ext4 file system says are free are left out: the image is then a file with holes, for disks
 * that are themselves files. Blocks of zeros that are in use are encrypted in any case, since a system reads them. */

#include "cli.h"
#include "crypto/keys.h"

enum {
    LUKS_KEY_FILE_SIZE = KEYS_VOLUME_SIZE, /* bytes */
    LUKS_LABEL_MAX = 16,                   /* bytes of an ext4 file system's label */
};

enum luks_source {
    LUKS_IMAGE,     /* a file system in a file, or a block device; of any kind */
    LUKS_DIRECTORY, /* what is in a directory, in a new ext4 file system; owners as they are there */
    LUKS_EMPTY,     /* a new, empty ext4 file system */
};

struct luks_request {
    enum luks_source source;
    const char *path;        /* of the image or directory; not for LUKS_EMPTY */
    uint64_t size;           /* bytes of a new file system, a multiple of 4096; of an image, with its digest */
    const uint8_t *digest;   /* what an image must have, DIGEST_SIZE bytes: another one is refused; NULL: any */
    const char *label;       /* of a new file system, at most LUKS_LABEL_MAX bytes; NULL: none */
    const uint8_t *key_file; /* LUKS_KEY_FILE_SIZE bytes; the caller wipes it */
    bool sparse;
    /* Called now and then, and at the end, with bytes done and bytes in all; NULL: not. */
    void (*progress)(void *context, uint64_t done, uint64_t all);
    void *context;
};

/* Makes a LUKS2 image. It appears at `target`, over what is there, when it is whole, and only its owner may read it.
 * Wrong: a source that can't be read, is empty or is no whole number of sectors; an image with another digest; mke2fs
 * missing, or too little room for what is in the directory; a target that can't be written; what libcryptsetup says. */
__attribute__((warn_unused_result)) bool luks_make(const struct luks_request *request, const char *target);

#endif
