// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_TPM_H
#define LOADER_TPM_H

/**
 * The way to the board's TPM: through the firmware (TCG EFI Protocol Specification, family 2.0); where that has no
 * driver for it, through its registers, which the device tree names (tis.h).
 */

#include "tis.h"

enum tpm_way {
    TPM_WAY_NONE = 0,  /* there is no TPM 2.0 */
    TPM_WAY_FIRMWARE,  /* EFI_TCG2_PROTOCOL */
    TPM_WAY_REGISTERS, /* those of firmware_tpm_registers() */
    TPM_WAY_BLOCKED,   /* there are registers, but no way through them: firmware_tpm_fault() */
};

/**
 * Finds the TPM. Where the firmware has the protocol, the registers are left to it, whatever it says of the TPM.
 * @param tree      the firmware's device tree, checked
 * @param transport for tpm_open(), good until firmware_leave(); set with TPM_WAY_FIRMWARE and TPM_WAY_REGISTERS only
 */
__attribute__((warn_unused_result)) enum tpm_way firmware_tpm(const void *tree, struct tpm_transport *transport);

/**
 * Finds a TPM's registers in a device tree ("tcg,tpm-tis-mmio").
 * @return the base of locality 0's, 4096 bytes; 0: there are none
 */
uint64_t firmware_tpm_registers(const void *tree);

/** @return why the registers failed: the last command, or firmware_tpm() with TPM_WAY_BLOCKED; NULL: they did not */
const char *firmware_tpm_fault(void);

#endif
