// SPDX-License-Identifier: BSD-3-Clause
// READ RECORD, UPDATE RECORD, SEARCH RECORD and INCREASE (TS 102 221 11.1.5 to 11.1.8).
#include <string.h>

#include "command.h"

enum {
    NEXT = 2,
    PREVIOUS = 3,
    ABSOLUTE = 4, /* in SEARCH RECORD: forward from P1 */
    BACKWARD = 5,
    ENHANCED = 6,
    MODE = 7,
    BY_SFI = 0x80,
    SFI = 0x1f,
};

static uint8_t count_of(int number) { return (uint8_t)(file_at(number)->size / file_at(number)->record); }

static uint8_t *record_at(struct usim_card *card, int number, uint8_t record) {
    return file_contents(card, number) + (size_t)(record - 1) * file_at(number)->record;
}

static unsigned locate(struct usim_card *card, const struct command *command, enum file_right right, int *number) {
    uint8_t sfi = command->p2 >> 3;
    unsigned sw = command_file(card, command, sfi != 0, sfi, number);
    if (sw != SW_OK)
        return sw;
    if (file_at(*number)->record == 0)
        return SW_FILE_STRUCTURE;
    return file_allows(card, *number, right);
}

/* Beside the current record; 0: there is none. The last one is before none (8.2.2.2), and in a cyclic file it is
 * followed by the first (8.2.2.3). */
static uint8_t record_beside(uint8_t current, bool backward, int number) {
    uint8_t count = count_of(number);
    bool cyclic = file_at(number)->kind == FILE_CYCLIC;
    if (backward && current > 1)
        return (uint8_t)(current - 1);
    if (backward)
        return current == 0 || cyclic ? count : 0;
    if (current < count)
        return (uint8_t)(current + 1);
    return cyclic ? 1 : 0;
}

/* Which record is meant; 0: one that is not there. */
static uint8_t record_of(const struct command *command, int number) {
    uint8_t current = command->channel->record, mode = command->p2 & MODE;
    if (mode == NEXT || mode == PREVIOUS)
        return record_beside(current, mode == PREVIOUS, number);
    if (command->p1 == 0)
        return current;
    return command->p1 <= count_of(number) ? command->p1 : 0;
}

/* P1 has no significance but in absolute mode (11.1.5.2). */
static bool mode_fits(const struct command *command) {
    uint8_t mode = command->p2 & MODE;
    return mode == ABSOLUTE || mode == NEXT || mode == PREVIOUS;
}

unsigned card_read_record(struct usim_card *card, const struct command *command, struct reply *reply) {
    int number = FILE_NONE;
    if (command->size > 0)
        return SW_LENGTH;
    if (!mode_fits(command))
        return SW_PARAMETERS;
    unsigned sw = locate(card, command, FILE_READ, &number);
    if (sw != SW_OK)
        return sw;
    uint8_t record = record_of(command, number);
    if (record == 0)
        return SW_RECORD_NOT_FOUND;
    sw = command_expects(command, file_at(number)->record);
    if (sw != SW_OK)
        return sw;
    if ((command->p2 & MODE) != ABSOLUTE)
        command->channel->record = record;
    reply_bytes(reply, record_at(card, number, record), file_at(number)->record);
    return SW_OK;
}

/* The oldest record of a cyclic file becomes its first. */
static void turn(struct usim_card *card, int number) {
    uint8_t *first = file_contents(card, number);
    size_t record = file_at(number)->record, rest = file_at(number)->size - record;
    memmove(first + record, first, rest);
}

unsigned card_update_record(struct usim_card *card, const struct command *command, struct reply *reply) {
    int number = FILE_NONE;
    (void)reply;
    if (!mode_fits(command))
        return SW_PARAMETERS;
    unsigned sw = locate(card, command, FILE_UPDATE, &number);
    if (sw != SW_OK)
        return sw;
    bool cyclic = file_at(number)->kind == FILE_CYCLIC;
    if (cyclic && (command->p2 & MODE) != PREVIOUS)
        return SW_PARAMETERS;
    if (command->size != file_at(number)->record)
        return SW_LENGTH;
    uint8_t record = cyclic ? 1 : record_of(command, number);
    if (record == 0)
        return SW_RECORD_NOT_FOUND;
    if (cyclic)
        turn(card, number);
    if ((command->p2 & MODE) != ABSOLUTE)
        command->channel->record = record;
    memcpy(record_at(card, number, record), command->data, command->size);
    return card_save(card);
}

/* ---- SEARCH RECORD */

struct search {
    uint8_t first; /* record */
    bool backward;
    bool at_value; /* offset is a value, behind whose first occurrence the text is looked for */
    uint8_t offset;
    const uint8_t *text;
    size_t size;
};

static bool matches(const uint8_t *record, size_t size, const struct search *search) {
    size_t at = search->offset;
    if (search->at_value) {
        at = 0;
        while (at < size && record[at] != search->offset)
            at++;
        at++;
    }
    for (; at + search->size <= size; at++)
        if (memcmp(record + at, search->text, search->size) == 0)
            return true;
    return false;
}

/* The first bytes of an enhanced search: direction, then offset or value. */
static bool begin_enhanced(const struct command *command, int number, struct search *search) {
    if (command->size < 3 || (command->data[0] & 0xf0) != 0 || (command->data[0] & ABSOLUTE) == 0)
        return false;
    search->backward = (command->data[0] & 1) != 0;
    if ((command->data[0] & 2) != 0)
        search->first = record_beside(command->channel->record, search->backward, number);
    search->at_value = (command->data[0] & 8) != 0;
    search->offset = command->data[1];
    search->text = command->data + 2;
    search->size = command->size - 2;
    return true;
}

static unsigned begin_search(const struct command *command, int number, struct search *search) {
    uint8_t mode = command->p2 & MODE;
    *search = (struct search){.first = command->p1 == 0 ? command->channel->record : command->p1,
                              .backward = mode == BACKWARD,
                              .text = command->data,
                              .size = command->size};
    if (command->size == 0)
        return SW_LENGTH;
    if (mode == ENHANCED && !begin_enhanced(command, number, search))
        return SW_WRONG_DATA;
    if (search->size > file_at(number)->record)
        return SW_LENGTH;
    return search->first >= 1 && search->first <= count_of(number) ? SW_OK : SW_RECORD_NOT_FOUND;
}

/* In the order of the records' numbers up to the last or down to the first: only where it begins at the next or
 * previous record does a cyclic file's order go on behind its end (11.1.7; SEARCH RECORD in ISO/IEC 7816-4). */
unsigned card_search_record(struct usim_card *card, const struct command *command, struct reply *reply) {
    int number = FILE_NONE;
    struct search search;
    if ((command->p2 & MODE) < ABSOLUTE || (command->p2 & MODE) > ENHANCED)
        return SW_PARAMETERS;
    unsigned sw = locate(card, command, FILE_READ, &number);
    if (sw == SW_OK)
        sw = begin_search(command, number, &search);
    if (sw != SW_OK)
        return sw;
    for (unsigned record = search.first; record >= 1 && record <= count_of(number);
         record = search.backward ? record - 1 : record + 1)
        if (matches(record_at(card, number, (uint8_t)record), file_at(number)->record, &search))
            reply_byte(reply, record);
    if (reply->size == 0)
        return SW_NOT_FOUND_IN_RECORDS;
    command->channel->record = reply->data[0];
    return SW_OK;
}

/* ---- INCREASE */

/* Adds to a copy of the last value. @return false when it would not fit */
static bool add(const uint8_t *value, size_t size, const struct command *command, uint8_t *sum) {
    unsigned carry = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned added = i < command->size ? command->data[command->size - 1 - i] : 0;
        unsigned digit = value[size - 1 - i] + added + carry;
        sum[size - 1 - i] = (uint8_t)digit;
        carry = digit >> 8;
    }
    return carry == 0;
}

unsigned card_increase(struct usim_card *card, const struct command *command, struct reply *reply) {
    int number = FILE_NONE;
    uint8_t sum[255];
    bool by_sfi = (command->p1 & BY_SFI) != 0;
    if ((command->p1 & (uint8_t) ~(BY_SFI | SFI)) != 0 || (!by_sfi && command->p1 != 0) || command->p2 != 0)
        return SW_PARAMETERS;
    unsigned sw = command_file(card, command, by_sfi, command->p1 & SFI, &number);
    if (sw != SW_OK)
        return sw;
    if (file_at(number)->kind != FILE_CYCLIC)
        return SW_FILE_STRUCTURE;
    sw = file_allows(card, number, FILE_INCREASE);
    if (sw != SW_OK)
        return sw;
    size_t size = file_at(number)->record;
    if (command->size == 0 || command->size > size)
        return SW_LENGTH;
    if (!add(record_at(card, number, 1), size, command, sum))
        return SW_INCREASE;
    turn(card, number);
    memcpy(record_at(card, number, 1), sum, size);
    reply_bytes(reply, sum, size);
    reply_bytes(reply, command->data, command->size);
    command->channel->record = 1;
    return card_save(card);
}
