// SPDX-License-Identifier: BSD-3-Clause
// What the CPU holds at an entry, before anything else is done; offsets for the assembler.
#ifndef ATTACK_SNAPSHOT_H
#define ATTACK_SNAPSHOT_H

#define SNAPSHOT_STACK 248
#define SNAPSHOT_SYSTEM 256
#define SNAPSHOT_SYSTEMS 10
#define SNAPSHOT_VECTORS (SNAPSHOT_SYSTEM + 8 * SNAPSHOT_SYSTEMS)
#define SNAPSHOT_SIZE (SNAPSHOT_VECTORS + 512)

#endif
