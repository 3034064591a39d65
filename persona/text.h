// SPDX-License-Identifier: BSD-3-Clause
#ifndef TEXT_H
#define TEXT_H

/* What the objects of this folder have in common when they are read: each sets the reader's `failed`. */

#include "crypto/cbor.h"
#include "persona/config.h"

/* What is in a file of a fixed size: one item, and zeros after it. @return bytes of the item; 0: it is not so */
size_t text_unpadded(const uint8_t *file, size_t size);

/* Whether there is nothing but zeros. */
bool text_is_blank(const uint8_t *file, size_t size);

/* A number within bounds. */
uint64_t text_read_range(struct cbor_reader *reader, uint64_t least, uint64_t most);

/* Text for people, UTF-8 without control characters; `to` has `size` bytes. */
void text_read(struct cbor_reader *reader, char *to, size_t size);

/* A persona's or a board's name: [a-z0-9-]{1,31}; `to` has CONFIG_NAME_SIZE bytes. */
void text_read_name(struct cbor_reader *reader, char *to);

/* A plain file name; `to` has CONFIG_FILE_NAME_SIZE bytes. */
void text_read_file_name(struct cbor_reader *reader, char *to);

#endif
