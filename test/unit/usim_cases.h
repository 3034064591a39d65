// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_CASES_H
#define USIM_CASES_H

/* Commands and what the standards say of them. 221: TS 102 221; 31.102: TS 31.102; 7816: ISO/IEC 7816-4. */

#include <stddef.h>

enum usim_start {
    OFF_MF,    /* powered on: the MF is current, no PIN verified */
    IN_USIM,   /* the USIM is selected, no PIN verified */
    READY,     /* and PIN1 verified */
    READY2,    /* and PIN2 verified */
    NO_PIN,    /* the USIM is selected, PIN1 disabled in the profile */
    PLAIN,     /* the same of a profile without any optional service */
    CARD_SUCI, /* READY, and the card computes SUCIs */
    READ_ONLY, /* READY, for a persona that may read */
};

struct usim_case {
    enum usim_start start;
    const char *commands; /* in hexadecimal digits, separated by ";": the last one counts, the others must not fail */
    const char *data;     /* that comes with the status word; NULL: any; "*" at its end: and more */
    unsigned sw;
    const char *clause;
};

extern const struct usim_case usim_cases[];
extern const size_t usim_case_count;

/* Files as TS 31.102 and TS 102 221 have them: apart from the card's own table. */
struct usim_file_case {
    const char *path; /* from the MF; 7fff is the USIM */
    unsigned sfi;     /* 0: none */
    unsigned size;    /* bytes, or of a record */
    char kind;        /* t: transparent, l: linear fixed, c: cyclic */
    char read;        /* a: always, p: PIN1 */
    char update;      /* p: PIN1, 2: PIN2, n: not by a terminal */
    const char *clause;
};

extern const struct usim_file_case usim_file_cases[];
extern const size_t usim_file_case_count;

#endif
