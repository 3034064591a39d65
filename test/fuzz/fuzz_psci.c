// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as what personas and users do, on all CPUs at once: whatever it is, no CPU gets into the wrong persona, the
// machine comes to rest and the attention key works.
#include "fake/storm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    storm(data, size);
    return 0;
}
