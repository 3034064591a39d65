// SPDX-License-Identifier: BSD-3-Clause
/* Any file as the switcher's ELF image: what is accepted loads within its size, its segments apart and never W and X.
 */
#include "elf.h"

#include "patched.h"

#include <linux/elf.h> /* <elf.h> would be the loader's */
#include <stdlib.h>
#include <string.h>

enum { GOOD_SIZE = 0x3000, LOAD_SIZE_MAX = 1 << 20, RELATIVE = 1027 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Text at 0x1000, data with relocations and dynamic section at 0x2000. */
static void make_good(uint8_t *file) {
    const Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                               .e_type = ET_DYN,
                               .e_machine = EM_AARCH64,
                               .e_version = EV_CURRENT,
                               .e_entry = 0x1000,
                               .e_phoff = sizeof(Elf64_Ehdr),
                               .e_ehsize = sizeof(Elf64_Ehdr),
                               .e_phentsize = sizeof(Elf64_Phdr),
                               .e_phnum = 3};
    const Elf64_Phdr segments[] = {
        {PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0, 0x100, 0x100, 0x1000},
        {PT_LOAD, PF_R | PF_W, 0x2000, 0x2000, 0, 0x1000, 0x3000, 0x1000},
        {PT_DYNAMIC, PF_R, 0x2000, 0x2000, 0, 4 * sizeof(Elf64_Dyn), 4 * sizeof(Elf64_Dyn), 8},
    };
    const Elf64_Dyn dynamic[] = {
        {DT_RELA, {0x2100}}, {DT_RELASZ, {2 * sizeof(Elf64_Rela)}}, {DT_RELAENT, {sizeof(Elf64_Rela)}}, {DT_NULL, {0}}};
    const Elf64_Rela relocations[] = {{0x2200, RELATIVE, 0x1000}, {0x2208, RELATIVE, 0x2200}};
    memset(file, 0, GOOD_SIZE);
    memcpy(file, &header, sizeof(header));
    memcpy(file + sizeof(header), segments, sizeof(segments));
    memcpy(file + 0x2000, dynamic, sizeof(dynamic));
    memcpy(file + 0x2100, relocations, sizeof(relocations));
}

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static void check(const uint8_t *file, size_t size) {
    struct elf_image image;
    uint64_t end = 0;
    if (elf_parse(&image, file, size) != ELF_OK) {
        return;
    }
    require(image.segment_count >= 1 && image.segment_count <= ELF_SEGMENTS_MAX && image.entry < image.size);
    for (unsigned int i = 0; i < image.segment_count; i++) {
        const struct elf_segment *segment = &image.segments[i];
        require(segment->offset >= end && segment->size > 0 && segment->size <= image.size - segment->offset);
        require(segment->offset % ELF_PAGE_SIZE == 0 && segment->size % ELF_PAGE_SIZE == 0);
        require(!(segment->writable && segment->executable));
        end = segment->offset + segment->size;
    }
    require(end == image.size);
    if (image.size > LOAD_SIZE_MAX) {
        return;
    }
    uint64_t entry;
    uint8_t *memory = malloc(image.size);
    require(memory != NULL && elf_load(&image, memory, image.size, 0, &entry) == ELF_OK && entry == image.entry);
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check(data, size);
    uint8_t *file = malloc(GOOD_SIZE);
    require(file != NULL);
    make_good(file);
    patched(file, GOOD_SIZE, data, size);
    check(file, GOOD_SIZE);
    free(file);
    return 0;
}
