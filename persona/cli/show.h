// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

/* What is shown in more than one place. */

#include "persona/manifest.h"
#include "record.h"

/* What a manifest says that was verified. */
void show_manifest_fields(struct report *report, const struct manifest *manifest);

/* A verb that lists what an organisation has: `list` fills the report's list of `what`. */
enum cli_exit show_list(struct cli *cli, int argc, char **argv, const char *what,
                        enum cli_exit (*list)(struct record *record, struct report *report));

/* A verb that shows one `what` of an organisation, which its argument names. */
enum cli_exit show_one(struct cli *cli, int argc, char **argv, const char *what,
                       enum cli_exit (*show)(const struct cli *cli, struct record *record, const char *name));

#endif
