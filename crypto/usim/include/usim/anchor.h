// SPDX-License-Identifier: BSD-3-Clause
#ifndef USIM_ANCHOR_H
#define USIM_ANCHOR_H

/**
 * What is remembered of a device's USIMs in two places: with the card's state, and where that cannot be put back along
 * with it (on a device, the vault's state, which a TPM's counter guards where there is one). No value ever goes down.
 */

#include <stdint.h>

struct usim_anchor {
    uint64_t issue; /* number of the last issue that was taken; 0: none */
    uint64_t start; /* number of the last power-on of a card; 0: there was none */
    uint64_t limit; /* no SEQ beyond it was ever accepted here, whatever the card; raised before a card is used */
};

#endif
