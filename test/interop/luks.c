// SPDX-License-Identifier: BSD-3-Clause
// Makes an encrypted root as flipside does: interop-luks TARGET KEY-FILE image|directory|empty PATH SIZE LABEL [sparse]
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "luks.h"

void cli_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

static void progress(void *context, uint64_t done, uint64_t all) {
    (void)context;
    (void)printf("%llu of %llu\n", (unsigned long long)done, (unsigned long long)all);
}

static enum luks_source source(const char *word) {
    return strcmp(word, "image") == 0 ? LUKS_IMAGE : strcmp(word, "directory") == 0 ? LUKS_DIRECTORY : LUKS_EMPTY;
}

int main(int argc, char **argv) {
    uint8_t key[LUKS_KEY_FILE_SIZE];
    size_t size = 0;
    if (argc < 7 || !file_read(argv[2], key, sizeof(key), &size) || size != sizeof(key))
        return CLI_USAGE;
    struct luks_request request = {.source = source(argv[3]),
                                   .path = argv[4],
                                   .size = strtoull(argv[5], NULL, 10),
                                   .label = argv[6],
                                   .key_file = key,
                                   .sparse = argc > 7,
                                   .progress = progress};
    return luks_make(&request, argv[1]) ? CLI_GOOD : CLI_FAILED;
}
