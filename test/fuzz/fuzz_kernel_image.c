// SPDX-License-Identifier: BSD-3-Clause
/* Any file as a kernel: as it is, as patches of a good Image (raw and compressed), and behind a good zboot header. */
#include "kernel_image.h"

#include "gzip_stored.h"
#include "patched.h"

#include <stdlib.h>
#include <string.h>

enum { GOOD_SIZE = 1024, PE_AT = 64, SECTIONS_AT = PE_AT + 24, PAYLOAD_AT = 64, UNPACK_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static void check(const uint8_t *file, size_t size) {
    struct kernel_image image;
    if (kernel_image_open(&image, file, size) != KERNEL_IMAGE_OK) {
        return;
    }
    require(image.contents >= file && image.contents_size <= size - (size_t)(image.contents - file));
    require(image.memory_size >= image.unpacked_size && image.text_offset < 2 * 1024 * 1024);
    if (image.unpacked_size > UNPACK_MAX) {
        return;
    }
    uint8_t *buffer = malloc(image.unpacked_size + 1);
    require(buffer != NULL);
    const enum kernel_image_error error = kernel_image_unpack(&image, buffer, image.unpacked_size);
    require(error != KERNEL_IMAGE_BUFFER_TOO_SMALL);
    require(image.format != KERNEL_IMAGE_RAW || memcmp(buffer, file, size) == 0);
    free(buffer);
}

/** An Image with one PE section. */
static void make_image(uint8_t *file) {
    memset(file, 0, GOOD_SIZE);
    memcpy(file, "MZ@\xfa", 4);
    file[17] = 8; /* image_size 0x800 */
    file[24] = 0x0a;
    memcpy(file + 56, "ARM\x64", 4);
    file[60] = PE_AT;
    memcpy(file + PE_AT, "PE\0\0\x64\xaa\1", 7);
    file[SECTIONS_AT + 17] = 2; /* raw size 0x200 */
    file[SECTIONS_AT + 21] = 2; /* at 0x200 */
}

static void check_gzip(const uint8_t *image) {
    uint8_t file[GOOD_SIZE + GZIP_STORED_OVERHEAD + GZIP_STORED_BLOCK_OVERHEAD];
    check(file, gzip_stored(file, image, GOOD_SIZE));
}

static void check_zboot(const uint8_t *data, size_t size) {
    uint8_t *file = calloc(1, PAYLOAD_AT + size);
    require(file != NULL);
    memcpy(file, "MZ\0\0zimg", 8);
    file[8] = PAYLOAD_AT;
    memcpy(file + 12, &(uint32_t){(uint32_t)size}, 4);
    memcpy(file + 24, "gzip", 5);
    memcpy(file + PAYLOAD_AT, data, size);
    check(file, PAYLOAD_AT + size);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t image[GOOD_SIZE];
    check(data, size);
    make_image(image);
    patched(image, GOOD_SIZE, data, size);
    check(image, GOOD_SIZE);
    check_gzip(image);
    check_zboot(data, size);
    return 0;
}
