// SPDX-License-Identifier: BSD-3-Clause
// Ways to touch memory, each one instruction with the address in x0, so that an exception can skip it.
// Contract of each: void access(uint64_t address); changes x1 to x5 and v0 to v3.

#include "access.h"

    .arch   armv8.5-a+memtag
    .macro  access kind, bytes, text:req, instruction:vararg
    .section .text.accesses, "ax"
9:  \instruction
    ret
    .section .rodata.names, "a"
8:  .asciz  "\text"
    .section .accesses, "aw"
    .quad   9b, 8b
    .long   \kind, \bytes
    .endm

    access  ACCESS_MUST_ABORT, 1, "ldrb", ldrb w1, [x0]
    access  ACCESS_MUST_ABORT, 2, "ldrh", ldrh w1, [x0]
    access  ACCESS_MUST_ABORT, 4, "ldr w", ldr w1, [x0]
    access  ACCESS_MUST_ABORT, 8, "ldr x", ldr x1, [x0]
    access  ACCESS_MUST_ABORT, 8, "ldr post-indexed", ldr x1, [x0], #8
    access  ACCESS_MUST_ABORT, 16, "ldp", ldp x1, x2, [x0]
    access  ACCESS_MUST_ABORT, 8, "ldpsw", ldpsw x1, x2, [x0]
    access  ACCESS_MUST_ABORT, 16, "ldnp", ldnp x1, x2, [x0]
    access  ACCESS_MUST_ABORT, 8, "ldtr", ldtr x1, [x0]
    access  ACCESS_MUST_ABORT, 8, "ldar", ldar x1, [x0]
    access  ACCESS_MUST_ABORT, 8, "ldxr", ldxr x1, [x0]
    access  ACCESS_MUST_ABORT, 16, "ldxp", ldxp x1, x2, [x0]
    access  ACCESS_MUST_ABORT, 16, "ldr q", ldr q0, [x0]
    access  ACCESS_MUST_ABORT, 32, "ldp q", ldp q0, q1, [x0]
    access  ACCESS_MUST_ABORT, 64, "ld1", ld1 {v0.16b-v3.16b}, [x0]
    access  ACCESS_MUST_ABORT, 64, "ld4", ld4 {v0.16b-v3.16b}, [x0]
    access  ACCESS_MUST_ABORT, 1, "strb", strb wzr, [x0]
    access  ACCESS_MUST_ABORT, 2, "strh", strh wzr, [x0]
    access  ACCESS_MUST_ABORT, 4, "str w", str wzr, [x0]
    access  ACCESS_MUST_ABORT, 8, "str x", str xzr, [x0]
    access  ACCESS_MUST_ABORT, 8, "str pre-indexed", str xzr, [x0, #0]!
    access  ACCESS_MUST_ABORT, 16, "stp", stp xzr, xzr, [x0]
    access  ACCESS_MUST_ABORT, 16, "stnp", stnp xzr, xzr, [x0]
    access  ACCESS_MUST_ABORT, 8, "sttr", sttr xzr, [x0]
    access  ACCESS_MUST_ABORT, 8, "stlr", stlr xzr, [x0]
    access  ACCESS_MUST_ABORT, 16, "str q", str q0, [x0]
    access  ACCESS_MUST_ABORT, 32, "stp q", stp q0, q1, [x0]
    access  ACCESS_MUST_ABORT, 64, "st1", st1 {v0.16b-v3.16b}, [x0]
    access  ACCESS_MUST_ABORT, 64, "st4", st4 {v0.16b-v3.16b}, [x0]
    access  ACCESS_MUST_ABORT, 8, "ldadd", ldadd x1, x2, [x0]
    access  ACCESS_MUST_ABORT, 8, "swp", swp x1, x2, [x0]
    access  ACCESS_MUST_ABORT, 8, "cas", cas x1, x2, [x0]
    access  ACCESS_MUST_ABORT, 16, "casp", casp x2, x3, x4, x5, [x0]
    access  ACCESS_MUST_ABORT, 64, "dc zva", dc zva, x0
    access  ACCESS_HINT, 1, "prfm load", prfm pldl1keep, [x0]
    access  ACCESS_HINT, 1, "prfm store", prfm pstl1keep, [x0]
    access  ACCESS_HINT, 1, "at s1e1r", at s1e1r, x0
    access  ACCESS_HINT, 1, "at s1e1w", at s1e1w, x0
    access  ACCESS_HINT, 1, "at s12e1r", at s12e1r, x0
    access  ACCESS_HINT, 1, "dc civac", dc civac, x0
    access  ACCESS_HINT, 1, "dc cvac", dc cvac, x0
    access  ACCESS_HINT, 1, "dc cvau", dc cvau, x0
    access  ACCESS_HINT, 1, "dc ivac", dc ivac, x0
    access  ACCESS_HINT, 1, "dc isw", dc isw, xzr
    access  ACCESS_HINT, 1, "dc csw", dc csw, xzr
    access  ACCESS_HINT, 1, "dc cisw", dc cisw, xzr
    access  ACCESS_HINT, 1, "ic ivau", ic ivau, x0
    access  ACCESS_HINT, 1, "dc gva", dc gva, x0
    access  ACCESS_HINT, 1, "stg", stg x0, [x0]
    access  ACCESS_HINT, 1, "ldg", ldg x1, [x0]

// void access_execute(uint64_t address): jumps there. If there is an instruction, it goes where that leads.
    .text
    .global access_execute
access_execute:
    stp     x29, x30, [sp, #-16]!
    blr     x0
    ldp     x29, x30, [sp], #16
    ret
