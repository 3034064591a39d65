// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_ENTROPY_H
#define LOADER_ENTROPY_H

/** All the randomness that firmware, its device tree, a TPM and the counter give. */

#include "crypto/random.h"
#include "crypto/tpm.h"

/**
 * Fills a pool.
 * @param pool a secret: the caller wipes it
 * @param tree the firmware's
 * @param tpm  NULL: there is none, or it is not to be asked
 * @return as random_init()
 */
__attribute__((warn_unused_result)) enum random_error entropy_fill(struct random_pool *pool, const void *tree,
                                                                   const struct tpm_transport *tpm);

#endif
