// SPDX-License-Identifier: BSD-3-Clause
#include "lock.h"

#include "arch.h"
#include "cpu.h"

static uint32_t held;

void lock_acquire(void) {
    while (__atomic_exchange_n(&held, 1, __ATOMIC_ACQUIRE) != 0) {
        cpu_stop_if_ordered();
        arch_relax();
    }
}

void lock_release(void) { __atomic_store_n(&held, 0, __ATOMIC_RELEASE); }

void lock_break(void) { __atomic_store_n(&held, 1, __ATOMIC_RELEASE); }
