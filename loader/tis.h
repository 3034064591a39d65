// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_TIS_H
#define LOADER_TIS_H

/**
 * The way to a TPM 2.0 through its registers (TCG PC Client Platform TPM Profile for TPM 2.0, 6.5: the FIFO interface,
 * which is that of the TPM Interface Specification 1.3, at locality 0). The loader takes it where the firmware has no
 * driver for the TPM, the unlocker always.
 *
 * The locality is asked for before each command and given up after it, so that nobody is kept out; a command that
 * somebody was cut off in is aborted first. No wait is without an end.
 */

#include "crypto/tpm.h"

enum tis_error {
    TIS_OK = 0,
    TIS_ABSENT,      /* no device answers there */
    TIS_UNSUPPORTED, /* it has another interface than the FIFO (CRB) */
    TIS_TAKEN,       /* another locality does not give it up */
    TIS_NOT_READY,   /* it does not become ready for a command */
    TIS_STOPPED,     /* it stopped taking the command, or giving the response */
    TIS_TOO_SLOW,    /* no response within two minutes */
    TIS_BAD_SIZE,    /* the response says that it is smaller than a header, or larger than the caller's room */
};

/** The machine beneath: addresses are physical, and mapped as a device's at the same address. */
struct tis_machine {
    uint8_t (*read8)(uint64_t address);
    void (*write8)(uint64_t address, uint8_t value);
    uint32_t (*read32)(uint64_t address);
    void (*write32)(uint64_t address, uint32_t value);
    uint64_t (*milliseconds)(void); /* since some time in the past */
    void (*relax)(void);            /* waits for a moment: some milliseconds at most */
};

/** A TPM's registers in use. */
struct tis {
    const struct tis_machine *machine;
    uint64_t base;        /* of locality 0's registers: 4096 bytes */
    enum tis_error error; /* of the last command: why it had no response */
};

/**
 * @param milliseconds as in struct tis_machine
 * @param relax        the same
 * @return a machine where the registers are mapped at their addresses
 */
struct tis_machine tis_mapped(uint64_t (*milliseconds)(void), void (*relax)(void));

/**
 * Begins to use the registers, and sees whether there is such a TPM (TPM_ACCESS, TPM_INTERFACE_ID).
 * @param tis     used until the last command
 * @param machine as long
 * @param base    of the registers
 * @return TIS_OK, TIS_ABSENT, TIS_UNSUPPORTED
 */
__attribute__((warn_unused_result)) enum tis_error tis_open(struct tis *tis, const struct tis_machine *machine,
                                                            uint64_t base);

/** @return the way to the TPM, for tpm_open(); tis->error says why a command had no response */
struct tpm_transport tis_transport(struct tis *tis);

/** @return the error's text, one line without a full stop; never NULL */
const char *tis_error_text(enum tis_error error);

#endif
