// SPDX-License-Identifier: BSD-3-Clause
// Who may do what with which file (TS 102 221 9), and which file a command means.
#include "command.h"

static bool pin_met(const struct usim_card *card, size_t pin) {
    return !card->state.pins[pin].enabled || card->verified[pin];
}

bool condition_met(const struct usim_card *card, enum file_condition condition) {
    switch (condition) {
    case ALWAYS:
        return true;
    case PIN1:
        return pin_met(card, 0);
    case PIN2:
        return pin_met(card, 1);
    case ADM:
    case NEVER:
        return false;
    }
    return false;
}

unsigned file_allows(const struct usim_card *card, int number, enum file_right right) {
    if (card->access == USIM_READ_ONLY && (right != FILE_READ || file_at(number)->keys))
        return SW_SECURITY;
    enum file_condition condition = file_condition((enum file_rule)file_at(number)->rule, right);
    return condition_met(card, condition) ? SW_OK : SW_SECURITY;
}

uint8_t *file_contents(struct usim_card *card, int number) { return card->state.files + file_offset(number); }

unsigned command_file(struct usim_card *card, const struct command *command, bool by_sfi, uint8_t sfi, int *number) {
    struct usim_channel *channel = command->channel;
    *number = by_sfi ? file_find_sfi(&card->profile, file_at(channel->directory)->id, sfi) : channel->file;
    if (*number == FILE_NONE)
        return by_sfi ? SW_FILE_NOT_FOUND : SW_NO_CURRENT_FILE;
    if (by_sfi) {
        channel->file = *number;
        channel->record = 0;
    }
    return SW_OK;
}
