// SPDX-License-Identifier: BSD-3-Clause
/* Says what time it is when user space comes up. */

#include "guest.h"

#include <inttypes.h>
#include <stdio.h>

int main(void) {
    printf("up %" PRIu64 "\n", counter());
    return 0;
}
