// SPDX-License-Identifier: BSD-3-Clause
/* Restarts the system at once, with none of the orderly shutdown that would take its time before. */

#include "guest.h"

#include <sys/reboot.h>

int main(void) { leave(RB_AUTOBOOT); }
