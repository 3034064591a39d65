// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_TPM_H
#define LOADER_TPM_H

/** The way to the board's TPM through the firmware (TCG EFI Protocol Specification, family 2.0). */

#include "crypto/tpm.h"

/**
 * Finds the TPM that the firmware drives.
 * @param transport for tpm_open(); good until firmware_leave()
 * @return false when the firmware has no EFI_TCG2_PROTOCOL, or that says that there is no TPM 2.0
 */
__attribute__((warn_unused_result)) bool firmware_tpm(struct tpm_transport *transport);

#endif
