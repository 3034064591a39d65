// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_LOAD_H
#define LOADER_LOAD_H

/** What plain and encrypted personas have in common when their files are read. All mark the persona on failure. */

#include "session.h"

enum { LOAD_CHUNK = 8 * 1024 * 1024 /* bytes; large files take a while on a slow medium: a dot each */ };

/** Gets memory for a file. @param size bytes @return false when there is none */
__attribute__((warn_unused_result)) bool load_allocate(struct session *session, size_t index,
                                                       struct session_buffer *buffer, uint64_t size);

/** Wipes memory of load_allocate() and gives it back. */
void load_release(struct session_buffer *buffer);

/** Gives back all memory of a persona. */
void load_release_persona(struct session_persona *persona);

/** Recognises the kernel in kernel_file, and unpacks it if it is compressed. @return whether it can be started */
__attribute__((warn_unused_result)) bool load_unpack_kernel(struct session *session, size_t index);

#endif
