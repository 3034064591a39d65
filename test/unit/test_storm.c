// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake/storm.h"
#include "pseudorandom.h"

enum { STORMS = 1500, SIZE_MAX_BYTES = 2000 };

static void random_storms(void **state) {
    (void)state;
    struct pseudorandom generator = {.state = 7};
    static uint8_t data[SIZE_MAX_BYTES];
    for (unsigned i = 0; i < STORMS; i++) {
        size_t size = (size_t)pseudorandom_below(&generator, SIZE_MAX_BYTES);
        for (size_t j = 0; j < size; j++)
            data[j] = (uint8_t)pseudorandom_next(&generator);
        storm(data, size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_storms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
