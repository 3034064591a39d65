// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_CREDENTIAL_H
#define LOADER_CREDENTIAL_H

/**
 * A secret for a persona's early user space, as a file in an archive that is appended to its initrd: kernels unpack one
 * archive after the other (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). cpio "newc", not
 * compressed, with the directories above the file; the same bytes for the same input. The file can be read by root
 * only. It lies in /.extra/credentials, where systemd's initrds look for what a boot loader gives.
 */

#include <stddef.h>
#include <stdint.h>

enum {
    CREDENTIAL_NAME_MAX = 63,    /* bytes of a name: letters, digits, `.`, `-` and `_` */
    CREDENTIAL_SIZE_MAX = 65536, /* bytes of a secret */
    CREDENTIAL_ALIGNMENT = 4,    /* bytes: where an archive behind another begins */
};

enum credential_error {
    CREDENTIAL_OK = 0,
    CREDENTIAL_BAD_NAME, /* empty, too long, beginning with a dot, or with a character that is not allowed */
    CREDENTIAL_TOO_LONG, /* more than CREDENTIAL_SIZE_MAX bytes */
    CREDENTIAL_NO_ROOM,  /* the buffer is too small */
};

/** @return bytes of the archive, a multiple of CREDENTIAL_ALIGNMENT; 0 when name or secret are none that are allowed */
size_t credential_size(const char *name, size_t secret_size);

/**
 * Writes the archive.
 * @param name   of the file
 * @param secret secret_size bytes; may be 0
 * @param buffer where to, room bytes; a secret from then on: the caller wipes it
 * @param size   its bytes; 0 on failure, when nothing of the buffer was written
 * @return any enum credential_error
 */
__attribute__((warn_unused_result)) enum credential_error
credential_write(const char *name, const void *secret, size_t secret_size, void *buffer, size_t room, size_t *size);

/** @return bytes of an initrd with the zero bytes behind it that an archive needs to begin at a good place */
uint64_t credential_offset(uint64_t initrd_size);

/** @return the error's text, one line without a full stop; never NULL */
const char *credential_error_text(enum credential_error error);

#endif
