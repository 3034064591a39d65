// SPDX-License-Identifier: BSD-3-Clause
/* Any file as either configuration: what is accepted keeps its limits, what is not leaves nothing behind. */
#include "persona/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static void check_terminal(const char *text, size_t size) {
    struct config_terminal config;
    const struct config_fault fault = config_parse_terminal(&config, text, size);

    require(config.timeout_s <= CONFIG_TIMEOUT_MAX && config.flip_timeout_s <= CONFIG_FLIP_TIMEOUT_MAX);
    require(config.default_persona[0] == '\0' || config_is_name(config.default_persona));
    require(fault.error == CONFIG_OK || config.timeout_s == CONFIG_TIMEOUT_DEFAULT);
}

static void check_persona(const char *text, size_t size) {
    struct config_persona config;
    const struct config_fault fault = config_parse_persona(&config, text, size);

    require((fault.error == CONFIG_OK) == (config.kernel[0] != '\0'));
    require(strpbrk(config.kernel, "/\\:") == NULL && strpbrk(config.initrd, "/\\:") == NULL);
    require(strlen(config.title) < sizeof(config.title));
    require(strlen(config.command_line) < sizeof(config.command_line));
    require(config.memory.kind != CONFIG_MEMORY_PERCENT || (config.memory.value >= 1 && config.memory.value <= 100));
    require(fault.error != CONFIG_OK || (config.prewarm_s >= 1 && config.prewarm_s <= CONFIG_PREWARM_MAX));
    require(config.memory.kind != CONFIG_MEMORY_BYTES || config.memory.value >= 1 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_terminal((const char *)data, size);
    check_persona((const char *)data, size);
    return 0;
}
