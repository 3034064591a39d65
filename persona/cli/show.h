// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

/* What is shown in more than one place. */

#include "cli.h"
#include "persona/manifest.h"

/* What a manifest says that was verified. */
void show_manifest_fields(struct report *report, const struct manifest *manifest);

#endif
