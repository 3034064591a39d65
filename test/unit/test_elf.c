// SPDX-License-Identifier: BSD-3-Clause
#include "elf.h"

#include <linux/elf.h> /* <elf.h> would be the loader's */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ELF64_R_INFO(symbol, type) ((uint64_t)(symbol) << 32 | (type))

enum { R_AARCH64_ABS64 = 257, R_AARCH64_RELATIVE = 1027, DT_FLAGS = 30, DT_RELRSZ = 35 };

/* The image that the tests damage: text at 0, rodata at 0x1000 with relocations and dynamic section, data at 0x3000. */
enum {
    TEXT = 0x0000,
    RODATA = 0x1000,
    DATA = 0x3000,
    FILE_SIZE = 0x2100,
    DATA_IN_FILE = 0x2000,
    MEMORY_SIZE = 0x5000,
    RELOCATIONS = RODATA + 0x100,
    DYNAMIC = RODATA + 0x200,
    ENTRY = 0x40,
    SEGMENTS = 4,
    RELOCATION_COUNT = 2,
    DYNAMIC_COUNT = 5,
};

/** As a file, one byte off any alignment, since the loader may find it like that. */
static struct {
    uint8_t odd;
    uint8_t file[FILE_SIZE];
} __attribute__((packed)) test;

static Elf64_Ehdr header;
static Elf64_Phdr segments[ELF_SEGMENTS_MAX + 2];
static Elf64_Rela relocations[RELOCATION_COUNT];
static Elf64_Dyn dynamic[DYNAMIC_COUNT];
static struct elf_image image;
static uint8_t loaded[MEMORY_SIZE + 1];

static int fresh_image(void **state) {
    (void)state;
    header = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                          .e_type = ET_DYN,
                          .e_machine = EM_AARCH64,
                          .e_version = EV_CURRENT,
                          .e_entry = ENTRY,
                          .e_phoff = sizeof(Elf64_Ehdr),
                          .e_ehsize = sizeof(Elf64_Ehdr),
                          .e_phentsize = sizeof(Elf64_Phdr),
                          .e_phnum = SEGMENTS};
    memset(segments, 0, sizeof(segments));
    segments[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0x800, TEXT, TEXT, 0x100, 0x100, 0x800};
    segments[1] = (Elf64_Phdr){PT_LOAD, PF_R, RODATA, RODATA, RODATA, 0x800, 0x800, 0x1000};
    segments[2] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, DATA_IN_FILE, DATA, DATA, 0x100, 0x1800, 0x1000};
    segments[3] = (Elf64_Phdr){PT_DYNAMIC, PF_R, DYNAMIC, DYNAMIC, DYNAMIC, sizeof(dynamic), sizeof(dynamic), 8};
    relocations[0] = (Elf64_Rela){DATA + 8, ELF64_R_INFO(0, R_AARCH64_RELATIVE), ENTRY};
    relocations[1] = (Elf64_Rela){RODATA + 16, ELF64_R_INFO(0, R_AARCH64_RELATIVE), DATA + 0x1800};
    dynamic[0] = (Elf64_Dyn){DT_RELA, {RELOCATIONS}};
    dynamic[1] = (Elf64_Dyn){DT_RELASZ, {sizeof(relocations)}};
    dynamic[2] = (Elf64_Dyn){DT_RELAENT, {sizeof(Elf64_Rela)}};
    dynamic[3] = (Elf64_Dyn){DT_FLAGS, {0}};
    dynamic[4] = (Elf64_Dyn){DT_NULL, {0}};
    return 0;
}

static enum elf_error parse_bytes(size_t size) {
    memset(test.file, 0, sizeof(test.file));
    memset(test.file + 0x800, 'x', 0x100);
    memset(test.file + RODATA, 'r', 0x100);
    memset(test.file + DATA_IN_FILE, 'd', 0x100);
    memcpy(test.file, &header, sizeof(header));
    memcpy(test.file + sizeof(header), segments, sizeof(segments));
    memcpy(test.file + RELOCATIONS, relocations, sizeof(relocations));
    memcpy(test.file + DYNAMIC, dynamic, sizeof(dynamic));
    return elf_parse(&image, test.file, size);
}

static enum elf_error parse(void) { return parse_bytes(FILE_SIZE); }

static uint64_t loaded_word(size_t offset) {
    uint64_t word;
    memcpy(&word, loaded + offset, sizeof(word));
    return word;
}

static void test_layout(void **state) {
    (void)state;
    assert_int_equal(parse(), ELF_OK);
    assert_int_equal(image.size, MEMORY_SIZE);
    assert_int_equal(image.alignment, 0x1000);
    assert_int_equal(image.entry, ENTRY);
    assert_int_equal(image.segment_count, 3);
    const struct elf_segment expected[] = {
        {TEXT, 0x1000, false, true}, {RODATA, 0x1000, false, false}, {DATA, 0x2000, true, false}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(image.segments[i].offset, expected[i].offset);
        assert_int_equal(image.segments[i].size, expected[i].size);
        assert_int_equal(image.segments[i].writable, expected[i].writable);
        assert_int_equal(image.segments[i].executable, expected[i].executable);
    }
}

static void test_load(void **state) {
    (void)state;
    const uint64_t run_address = 0x7ff00000;
    uint64_t entry;
    memset(loaded, 0xa5, sizeof(loaded));
    assert_int_equal(parse(), ELF_OK);
    assert_int_equal(elf_load(&image, loaded, MEMORY_SIZE, run_address, &entry), ELF_OK);
    assert_int_equal(entry, run_address + ENTRY);
    assert_int_equal(loaded[TEXT], 'x');
    assert_int_equal(loaded[TEXT + 0x100], 0);
    assert_int_equal(loaded[RODATA], 'r');
    assert_int_equal(loaded[DATA], 'd');
    assert_int_equal(loaded[DATA + 0x100], 0);
    assert_int_equal(loaded[MEMORY_SIZE - 1], 0);
    assert_int_equal(loaded[MEMORY_SIZE], 0xa5);
    assert_int_equal(loaded_word(DATA + 8), run_address + ENTRY);
    assert_int_equal(loaded_word(RODATA + 16), run_address + DATA + 0x1800);
}

static void test_load_of_an_image_linked_elsewhere(void **state) {
    (void)state;
    const uint64_t link_base = 0x40000000;
    uint64_t entry;
    header.e_entry += link_base;
    for (size_t i = 0; i < SEGMENTS; i++) {
        segments[i].p_vaddr += link_base;
    }
    for (size_t i = 0; i < RELOCATION_COUNT; i++) {
        relocations[i].r_offset += link_base;
        relocations[i].r_addend += (Elf64_Sxword)link_base;
    }
    dynamic[0].d_un.d_val += link_base;
    assert_int_equal(parse(), ELF_OK);
    assert_int_equal(image.entry, ENTRY);
    assert_int_equal(elf_load(&image, loaded, MEMORY_SIZE, 0x1000, &entry), ELF_OK);
    assert_int_equal(entry, 0x1000 + ENTRY);
    assert_int_equal(loaded_word(DATA + 8), 0x1000 + ENTRY);
}

static void test_bad_destination(void **state) {
    (void)state;
    uint64_t entry;
    assert_int_equal(parse(), ELF_OK);
    assert_int_equal(elf_load(&image, loaded, MEMORY_SIZE - 1, 0, &entry), ELF_BAD_DESTINATION);
    assert_int_equal(elf_load(&image, loaded, MEMORY_SIZE, 0x800, &entry), ELF_BAD_DESTINATION);
    assert_int_equal(elf_load(&image, loaded, MEMORY_SIZE, UINT64_MAX - 0xfff, &entry), ELF_BAD_DESTINATION);
}

static void test_no_relocations(void **state) {
    (void)state;
    header.e_phnum = 3;
    assert_int_equal(parse(), ELF_OK);
    assert_int_equal(image.relocation_count, 0);
    fresh_image(state);
    dynamic[1].d_un.d_val = 0;
    assert_int_equal(parse(), ELF_OK);
    assert_int_equal(image.relocation_count, 0);
}

static void test_empty_segment(void **state) {
    (void)state;
    segments[4] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_W};
    header.e_phnum = 5;
    assert_int_equal(parse(), ELF_OK);
    assert_int_equal(image.segment_count, 3);
}

static void test_every_truncation(void **state) {
    (void)state;
    for (size_t size = 0; size < FILE_SIZE; size++) {
        assert_int_equal(parse_bytes(size), ELF_TRUNCATED);
    }
}

static void test_bad_header(void **state) {
    header.e_ident[0] = 0;
    assert_int_equal(parse(), ELF_NOT_ELF);
    fresh_image(state);
    header.e_ident[EI_CLASS] = ELFCLASS32;
    assert_int_equal(parse(), ELF_NOT_ELF);
    fresh_image(state);
    header.e_ident[EI_DATA] = ELFDATA2MSB;
    assert_int_equal(parse(), ELF_NOT_ELF);
    fresh_image(state);
    header.e_version = 2;
    assert_int_equal(parse(), ELF_NOT_ELF);
    fresh_image(state);
    header.e_machine = EM_X86_64;
    assert_int_equal(parse(), ELF_NOT_AARCH64);
    fresh_image(state);
    header.e_type = ET_EXEC;
    assert_int_equal(parse(), ELF_NOT_PIE);
    fresh_image(state);
    header.e_phentsize = 55;
    assert_int_equal(parse(), ELF_BAD_HEADER);
    fresh_image(state);
    header.e_phoff = UINT64_MAX - 8;
    assert_int_equal(parse(), ELF_TRUNCATED);
    fresh_image(state);
    header.e_phnum = 0;
    assert_int_equal(parse(), ELF_NO_SEGMENTS);
    fresh_image(state);
    header.e_entry = RODATA;
    assert_int_equal(parse(), ELF_BAD_ENTRY);
    fresh_image(state);
    header.e_entry = TEXT + 0x100;
    assert_int_equal(parse(), ELF_BAD_ENTRY);
    fresh_image(state);
    header.e_entry = ENTRY + 2;
    assert_int_equal(parse(), ELF_BAD_ENTRY);
}

static void test_bad_segments(void **state) {
    segments[1].p_filesz = 0x801;
    assert_int_equal(parse(), ELF_BAD_SEGMENT);
    fresh_image(state);
    segments[1].p_align = 0;
    assert_int_equal(parse(), ELF_BAD_SEGMENT);
    fresh_image(state);
    segments[1].p_align = 0x1800;
    assert_int_equal(parse(), ELF_BAD_SEGMENT);
    fresh_image(state);
    segments[1].p_offset += 8;
    assert_int_equal(parse(), ELF_BAD_SEGMENT);
    fresh_image(state);
    segments[2].p_memsz = UINT64_MAX - DATA;
    assert_int_equal(parse(), ELF_BAD_SEGMENT);
    fresh_image(state);
    segments[2].p_vaddr = UINT64_MAX - 0xfff;
    assert_int_equal(parse(), ELF_BAD_SEGMENT);
    fresh_image(state);
    segments[2].p_vaddr = 0;
    assert_int_equal(parse(), ELF_BAD_SEGMENT);
    fresh_image(state);
    segments[2].p_vaddr = RODATA;
    assert_int_equal(parse(), ELF_SHARED_PAGE);
    fresh_image(state);
    segments[1].p_flags = PF_R | PF_W | PF_X;
    assert_int_equal(parse(), ELF_WRITABLE_AND_EXECUTABLE);
    fresh_image(state);
    segments[3].p_type = PT_INTERP;
    assert_int_equal(parse(), ELF_NEEDS_LINKER);
    fresh_image(state);
    segments[3].p_type = PT_TLS;
    assert_int_equal(parse(), ELF_NEEDS_LINKER);
}

static void test_too_many_segments(void **state) {
    (void)state;
    for (size_t i = 2; i <= ELF_SEGMENTS_MAX; i++) {
        segments[i] = segments[2];
        segments[i].p_vaddr = DATA + (i - 2) * 0x2000;
    }
    header.e_phnum = ELF_SEGMENTS_MAX;
    assert_int_equal(parse(), ELF_OK);
    header.e_phnum = ELF_SEGMENTS_MAX + 1;
    assert_int_equal(parse(), ELF_TOO_MANY_SEGMENTS);
}

static void test_bad_dynamic(void **state) {
    segments[3].p_vaddr = DATA + 0x1000;
    assert_int_equal(parse(), ELF_BAD_DYNAMIC);
    fresh_image(state);
    dynamic[0].d_un.d_val = DATA + 0x100 - 24; /* half of it beyond the file's part of the segment */
    assert_int_equal(parse(), ELF_BAD_DYNAMIC);
    fresh_image(state);
    dynamic[1].d_un.d_val = 25;
    assert_int_equal(parse(), ELF_BAD_DYNAMIC);
    fresh_image(state);
    dynamic[1].d_un.d_val = UINT64_MAX / 24 * 24;
    assert_int_equal(parse(), ELF_BAD_DYNAMIC);
    fresh_image(state);
    dynamic[2].d_un.d_val = 16;
    assert_int_equal(parse(), ELF_BAD_DYNAMIC);
    fresh_image(state);
    dynamic[3] = (Elf64_Dyn){DT_NEEDED, {1}};
    assert_int_equal(parse(), ELF_NEEDS_LINKER);
    const Elf64_Sxword refused[] = {DT_TEXTREL, DT_RELSZ, DT_PLTRELSZ, DT_RELRSZ};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        fresh_image(state);
        dynamic[3] = (Elf64_Dyn){refused[i], {24}};
        assert_int_equal(parse(), ELF_BAD_RELOCATION);
    }
}

static void test_bad_relocations(void **state) {
    relocations[1].r_info = ELF64_R_INFO(0, R_AARCH64_ABS64);
    assert_int_equal(parse(), ELF_BAD_RELOCATION);
    fresh_image(state);
    relocations[1].r_info = ELF64_R_INFO(1, R_AARCH64_RELATIVE);
    assert_int_equal(parse(), ELF_BAD_RELOCATION);
    const uint64_t places[] = {TEXT, RODATA + 0xffc, 0x2000, MEMORY_SIZE - 7, UINT64_MAX - 4};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        fresh_image(state);
        relocations[1].r_offset = places[i];
        assert_int_equal(parse(), ELF_BAD_RELOCATION);
    }
    fresh_image(state);
    relocations[1].r_addend = MEMORY_SIZE + 1;
    assert_int_equal(parse(), ELF_BAD_RELOCATION);
    fresh_image(state);
    relocations[1].r_addend = -1;
    assert_int_equal(parse(), ELF_BAD_RELOCATION);
}

static void test_texts(void **state) {
    (void)state;
    for (int i = ELF_OK; i <= ELF_BAD_DESTINATION; i++) {
        assert_string_not_equal(elf_error_text((enum elf_error)i), "unknown error");
    }
    assert_string_equal(elf_error_text((enum elf_error)99), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_layout, fresh_image),
        cmocka_unit_test_setup(test_load, fresh_image),
        cmocka_unit_test_setup(test_load_of_an_image_linked_elsewhere, fresh_image),
        cmocka_unit_test_setup(test_bad_destination, fresh_image),
        cmocka_unit_test_setup(test_no_relocations, fresh_image),
        cmocka_unit_test_setup(test_empty_segment, fresh_image),
        cmocka_unit_test_setup(test_every_truncation, fresh_image),
        cmocka_unit_test_setup(test_bad_header, fresh_image),
        cmocka_unit_test_setup(test_bad_segments, fresh_image),
        cmocka_unit_test_setup(test_too_many_segments, fresh_image),
        cmocka_unit_test_setup(test_bad_dynamic, fresh_image),
        cmocka_unit_test_setup(test_bad_relocations, fresh_image),
        cmocka_unit_test_setup(test_texts, fresh_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
