// SPDX-License-Identifier: BSD-3-Clause
#ifndef SWITCHER_INJECT_H
#define SWITCHER_INJECT_H

/** Exceptions given to the running persona at EL1, as if the processor had taken them (Arm ARM, AArch64.TakeException).
 */

#include "arch.h"

/** A synchronous external abort. @param syndrome of the abort taken to EL2; @param frame becomes that of the persona's
 * vector */
void inject_external_abort(struct trap_frame *frame, const struct trap_syndrome *syndrome);

/** An undefined instruction at ELR. */
void inject_undefined(struct trap_frame *frame);

#endif
