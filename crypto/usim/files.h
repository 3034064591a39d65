// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_FILES_H
#define USIM_FILES_H

/* The card's files: one table of them all, with each one's identifier, short identifier, size, service and access. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usim/profile.h"

enum {
    FID_MF = 0x3f00,
    FID_CURRENT_ADF = 0x7fff,
    FID_ADF_USIM = 0x7ff0, /* in the table only: an ADF has no identifier that SELECT takes but 7fff */
    FID_DF_5GS = 0x5fc0,
    FID_DF_GSM_ACCESS = 0x5f3b,
    FID_ARR_MF = 0x2f06,
    FID_ARR_USIM = 0x6f06,
    FID_SMS = 0x6f3c,
    FID_GBABP = 0x6fd6,
    FID_GBANL = 0x6fda,
    FID_SUPI_NAI = 0x4f09,
    AID_SIZE = 16,
    GBANL_RECORD = 127, /* bytes, so that all lengths in it are of one byte */
};

enum file_kind { FILE_DIRECTORY, FILE_TRANSPARENT, FILE_LINEAR, FILE_CYCLIC };

/* Who may do something with a file (TS 102 221 9.2); ADM has no key on this card. */
enum file_condition { ALWAYS, PIN1, PIN2, ADM, NEVER };

/* Access rules, each a record of the ARR files, from 1. */
enum file_rule {
    RULE_PUBLIC = 1, /* read ALWAYS, update ADM */
    RULE_PIN_ADM,    /* read PIN1, update ADM */
    RULE_PIN_PIN,    /* read and update PIN1 */
    RULE_PUBLIC_PIN, /* read ALWAYS, update PIN1 */
    RULE_PIN_PIN2,   /* read PIN1, update PIN2 */
    RULE_COUNTER,    /* read PIN1, update PIN2, increase PIN1 */
    RULE_DIRECTORY,  /* of MF, ADF and DF, whose access mode byte is of other commands: never */
    RULE_COUNT = RULE_DIRECTORY,
};

enum file_right { FILE_READ, FILE_UPDATE, FILE_INCREASE, FILE_RIGHTS };

struct file {
    uint16_t id;
    uint16_t directory; /* id of the DF that it lies in */
    uint8_t sfi;        /* 0: none */
    uint8_t service;    /* that must be on for the file to be there; 0: it always is */
    uint8_t kind;       /* enum file_kind */
    uint8_t rule;       /* enum file_rule */
    uint16_t size;      /* bytes, of all records */
    uint8_t record;     /* bytes of a record */
    uint8_t fill;       /* what the file contains at first where nothing else is said */
    bool keys;          /* terminals keep in it what they got by authenticating: not for who may only read */
};

enum { FILE_NONE = -1 };

/* @return the file with this number, which is below file_count */
const struct file *file_at(int number);

extern const int file_count;

extern const uint8_t usim_aid[AID_SIZE];

/* @return where the file's contents begin within those of all files */
size_t file_offset(int number);

/* @return the number of a file in a directory; FILE_NONE */
int file_find(const struct usim_profile *profile, uint16_t directory, uint16_t id);

int file_find_sfi(const struct usim_profile *profile, uint16_t directory, uint8_t sfi);

enum file_condition file_condition(enum file_rule rule, enum file_right right);

/* Fills in all files' contents as a new card has them: what follows from the profile, then what it says itself.
 * @return USIM_BAD_VALUE when it names a file that is not there, or has too much for it */
__attribute__((warn_unused_result)) enum usim_error files_begin(const struct usim_profile *profile, uint8_t *contents);

#endif
