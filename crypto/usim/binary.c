// SPDX-License-Identifier: BSD-3-Clause
// READ BINARY and UPDATE BINARY (TS 102 221 11.1.3, 11.1.4).
#include <string.h>

#include "command.h"

enum { BY_SFI = 0x80, SFI = 0x1f };

/* Finds the file and the offset in it. */
static unsigned locate(struct usim_card *card, const struct command *command, enum file_right right, int *number,
                       size_t *offset) {
    bool by_sfi = (command->p1 & BY_SFI) != 0;
    if (by_sfi && (command->p1 & (uint8_t) ~(BY_SFI | SFI)) != 0)
        return SW_PARAMETERS;
    *offset = by_sfi ? command->p2 : (size_t)command->p1 << 8 | command->p2;
    unsigned sw = command_file(card, command, by_sfi, command->p1 & SFI, number);
    if (sw != SW_OK)
        return sw;
    if (file_at(*number)->kind != FILE_TRANSPARENT)
        return SW_FILE_STRUCTURE;
    sw = file_allows(card, *number, right);
    if (sw != SW_OK)
        return sw;
    return *offset < file_at(*number)->size ? SW_OK : SW_OFFSET;
}

unsigned card_read_binary(struct usim_card *card, const struct command *command, struct reply *reply) {
    int number = FILE_NONE;
    size_t offset = 0;
    if (command->size > 0)
        return SW_LENGTH;
    unsigned sw = locate(card, command, FILE_READ, &number, &offset);
    if (sw != SW_OK)
        return sw;
    size_t left = file_at(number)->size - offset;
    if (command->expected == 0 || command->expected > left)
        return SW_EXACT_LENGTH | (unsigned)(left < 256 ? left : 0);
    reply_bytes(reply, file_contents(card, number) + offset, command->expected);
    return SW_OK;
}

unsigned card_update_binary(struct usim_card *card, const struct command *command, struct reply *reply) {
    int number = FILE_NONE;
    size_t offset = 0;
    (void)reply;
    if (command->size == 0)
        return SW_LENGTH;
    unsigned sw = locate(card, command, FILE_UPDATE, &number, &offset);
    if (sw != SW_OK)
        return sw;
    if (command->size > file_at(number)->size - offset)
        return SW_LENGTH;
    memcpy(file_contents(card, number) + offset, command->data, command->size);
    return card_save(card);
}
