// SPDX-License-Identifier: BSD-3-Clause
#include "elf.h"

#include <string.h>

/* From the System V gABI and "ELF for the Arm 64-bit Architecture". */
enum {
    ELFCLASS64 = 2,
    ELFDATA2LSB = 1,
    EV_CURRENT = 1,
    ET_DYN = 3,
    EM_AARCH64 = 183,
    PT_LOAD = 1,
    PT_DYNAMIC = 2,
    PT_INTERP = 3,
    PT_TLS = 7,
    PF_X = 1,
    PF_W = 2,
    DT_NULL = 0,
    DT_NEEDED = 1,
    DT_PLTRELSZ = 2,
    DT_RELA = 7,
    DT_RELASZ = 8,
    DT_RELAENT = 9,
    DT_RELSZ = 18,
    DT_TEXTREL = 22,
    DT_RELRSZ = 35,
    R_AARCH64_RELATIVE = 1027,
};

struct elf_header {
    uint8_t ident[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t program_headers; /* offset in the file */
    uint64_t section_headers;
    uint32_t flags;
    uint16_t header_size;
    uint16_t program_header_size;
    uint16_t program_header_count;
    uint16_t section_header_size;
    uint16_t section_header_count;
    uint16_t section_names;
};

struct program_header {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t virtual_address;
    uint64_t physical_address;
    uint64_t file_size;
    uint64_t memory_size;
    uint64_t alignment;
};

struct dynamic_entry {
    uint64_t tag;
    uint64_t value;
};

struct relocation {
    uint64_t offset;
    uint64_t info; /* symbol in the upper, type in the lower half */
    uint64_t addend;
};

_Static_assert(sizeof(struct elf_header) == 64 && sizeof(struct program_header) == 56, "the standard's layouts");
_Static_assert(sizeof(struct dynamic_entry) == 16 && sizeof(struct relocation) == 24, "the standard's layouts");

struct file {
    const uint8_t *bytes;
    uint64_t size;
};

/** Copies a structure out of the file, which may lie at any alignment. @return false when it is not all there */
static bool read_at(const struct file *file, uint64_t offset, void *out, size_t size) {
    if (offset > file->size || size > file->size - offset) {
        return false;
    }
    memcpy(out, file->bytes + offset, size);
    return true;
}

static uint64_t page_down(uint64_t value) { return value - value % ELF_PAGE_SIZE; }

/** The caller has made sure that it does not wrap. */
static uint64_t page_up(uint64_t value) { return page_down(value + (ELF_PAGE_SIZE - 1)); }

static enum elf_error check_header(const struct elf_header *header) {
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    if (memcmp(header->ident, ident, sizeof(ident)) != 0 || header->version != EV_CURRENT) {
        return ELF_NOT_ELF;
    }
    if (header->machine != EM_AARCH64) {
        return ELF_NOT_AARCH64;
    }
    if (header->type != ET_DYN) {
        return ELF_NOT_PIE;
    }
    if (header->header_size != sizeof(*header) || header->program_header_size != sizeof(struct program_header)) {
        return ELF_BAD_HEADER;
    }
    return ELF_OK;
}

static enum elf_error check_segment(const struct file *file, const struct program_header *header) {
    if (header->offset > file->size || header->file_size > file->size - header->offset) {
        return ELF_TRUNCATED;
    }
    if ((header->flags & PF_W) != 0 && (header->flags & PF_X) != 0) {
        return ELF_WRITABLE_AND_EXECUTABLE;
    }
    const uint64_t alignment = header->alignment;
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 ||
        header->virtual_address % alignment != header->offset % alignment) {
        return ELF_BAD_SEGMENT;
    }
    const uint64_t highest = UINT64_MAX - ELF_PAGE_SIZE; /* so that the end can be rounded up */
    if (header->file_size > header->memory_size || header->virtual_address > highest ||
        header->memory_size > highest - header->virtual_address) {
        return ELF_BAD_SEGMENT;
    }
    return ELF_OK;
}

/** Adds a PT_LOAD segment; the gABI has them in ascending order, so that a new one begins where all others have ended.
 */
static enum elf_error add_segment(struct elf_image *image, const struct file *file,
                                  const struct program_header *header) {
    if (header->memory_size == 0) {
        return ELF_OK; /* what linkers make of an empty section */
    }
    if (image->segment_count == ELF_SEGMENTS_MAX) {
        return ELF_TOO_MANY_SEGMENTS;
    }
    const enum elf_error error = check_segment(file, header);
    if (error != ELF_OK) {
        return error;
    }
    if (image->segment_count == 0) {
        image->link_base = page_down(header->virtual_address);
    }
    const uint64_t start = page_down(header->virtual_address);
    const uint64_t end = page_up(header->virtual_address + header->memory_size);
    if (start < image->link_base) {
        return ELF_BAD_SEGMENT;
    }
    if (start - image->link_base < image->size) {
        return header->virtual_address - image->link_base < image->size - ELF_PAGE_SIZE ? ELF_BAD_SEGMENT
                                                                                        : ELF_SHARED_PAGE;
    }
    const unsigned int i = image->segment_count++;
    image->segments[i].offset = start - image->link_base;
    image->segments[i].size = end - start;
    image->segments[i].writable = (header->flags & PF_W) != 0;
    image->segments[i].executable = (header->flags & PF_X) != 0;
    image->contents[i].file_offset = header->offset;
    image->contents[i].file_size = header->file_size;
    image->contents[i].offset = header->virtual_address - image->link_base;
    image->size = end - image->link_base;
    image->alignment = header->alignment > image->alignment ? header->alignment : image->alignment;
    return ELF_OK;
}

/** Goes through the program headers. @param dynamic out: PT_DYNAMIC's, memory_size 0 when there is none */
static enum elf_error parse_segments(struct elf_image *image, const struct file *file, const struct elf_header *header,
                                     struct program_header *dynamic) {
    for (unsigned int i = 0; i < header->program_header_count; i++) {
        struct program_header segment;
        if (header->program_headers > file->size ||
            !read_at(file, header->program_headers + i * sizeof(segment), &segment, sizeof(segment))) {
            return ELF_TRUNCATED;
        }
        if (segment.type == PT_INTERP || segment.type == PT_TLS) {
            return ELF_NEEDS_LINKER;
        }
        if (segment.type == PT_DYNAMIC) {
            *dynamic = segment;
        }
        const enum elf_error error = segment.type == PT_LOAD ? add_segment(image, file, &segment) : ELF_OK;
        if (error != ELF_OK) {
            return error;
        }
    }
    return image->segment_count == 0 ? ELF_NO_SEGMENTS : ELF_OK;
}

static enum elf_error parse_entry(struct elf_image *image, uint64_t entry) {
    for (unsigned int i = 0; i < image->segment_count; i++) {
        const uint64_t start = image->link_base + image->contents[i].offset;
        if (image->segments[i].executable && entry >= start && entry - start < image->contents[i].file_size &&
            entry % 4 == 0) {
            image->entry = entry - image->link_base;
            return ELF_OK;
        }
    }
    return ELF_BAD_ENTRY;
}

/** @return whether [address, address + size) lies in what one segment has in the file; then its offset in the file */
static bool file_offset_of(const struct elf_image *image, uint64_t address, uint64_t size, uint64_t *offset) {
    for (unsigned int i = 0; i < image->segment_count; i++) {
        const uint64_t start = image->link_base + image->contents[i].offset;
        const uint64_t length = image->contents[i].file_size;
        if (address >= start && address - start <= length && size <= length - (address - start)) {
            *offset = image->contents[i].file_offset + (address - start);
            return true;
        }
    }
    return false;
}

struct dynamic {
    uint64_t relocations; /* address the image was linked for */
    uint64_t relocations_size;
    uint64_t relocation_size;
};

static enum elf_error read_dynamic_entry(struct dynamic *dynamic, const struct dynamic_entry *entry) {
    switch (entry->tag) {
    case DT_RELA:
        dynamic->relocations = entry->value;
        return ELF_OK;
    case DT_RELASZ:
        dynamic->relocations_size = entry->value;
        return ELF_OK;
    case DT_RELAENT:
        dynamic->relocation_size = entry->value;
        return ELF_OK;
    case DT_NEEDED:
        return ELF_NEEDS_LINKER;
    case DT_TEXTREL:
        return ELF_BAD_RELOCATION;
    case DT_PLTRELSZ:
    case DT_RELSZ:
    case DT_RELRSZ:
        return entry->value == 0 ? ELF_OK : ELF_BAD_RELOCATION;
    default:
        return ELF_OK;
    }
}

static enum elf_error parse_dynamic(struct elf_image *image, const struct file *file,
                                    const struct program_header *header) {
    struct dynamic dynamic = {0};
    uint64_t table;
    if (!file_offset_of(image, header->virtual_address, header->file_size, &table)) {
        return ELF_BAD_DYNAMIC;
    }
    for (uint64_t i = 0; i < header->file_size / sizeof(struct dynamic_entry); i++) {
        struct dynamic_entry entry;
        if (!read_at(file, table + i * sizeof(entry), &entry, sizeof(entry))) {
            return ELF_BAD_DYNAMIC;
        }
        if (entry.tag == DT_NULL) {
            break;
        }
        const enum elf_error error = read_dynamic_entry(&dynamic, &entry);
        if (error != ELF_OK) {
            return error;
        }
    }
    if (dynamic.relocations_size == 0) {
        return ELF_OK;
    }
    if (dynamic.relocation_size != sizeof(struct relocation) ||
        dynamic.relocations_size % sizeof(struct relocation) != 0 ||
        !file_offset_of(image, dynamic.relocations, dynamic.relocations_size, &image->relocations)) {
        return ELF_BAD_DYNAMIC;
    }
    image->relocation_count = dynamic.relocations_size / sizeof(struct relocation);
    return ELF_OK;
}

/** Relocated words lie in one segment that is not executable, and point into the image or to its end. */
static bool relocation_is_good(const struct elf_image *image, const struct relocation *relocation) {
    if (relocation->info != R_AARCH64_RELATIVE || relocation->addend < image->link_base ||
        relocation->addend - image->link_base > image->size || relocation->offset < image->link_base) {
        return false;
    }
    const uint64_t offset = relocation->offset - image->link_base;
    for (unsigned int i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if (offset >= segment->offset && offset - segment->offset <= segment->size - sizeof(uint64_t)) {
            return !segment->executable;
        }
    }
    return false;
}

static struct relocation relocation_at(const struct elf_image *image, uint64_t i) {
    struct relocation relocation;
    memcpy(&relocation, image->file + image->relocations + i * sizeof(relocation), sizeof(relocation));
    return relocation;
}

static enum elf_error check_relocations(const struct elf_image *image) {
    for (uint64_t i = 0; i < image->relocation_count; i++) {
        const struct relocation relocation = relocation_at(image, i);
        if (!relocation_is_good(image, &relocation)) {
            return ELF_BAD_RELOCATION;
        }
    }
    return ELF_OK;
}

enum elf_error elf_parse(struct elf_image *image, const void *bytes, size_t size) {
    const struct file file = {bytes, size};
    struct elf_header header;
    struct program_header dynamic = {0};
    *image = (struct elf_image){.file = bytes, .alignment = ELF_PAGE_SIZE};
    if (!read_at(&file, 0, &header, sizeof(header))) {
        return ELF_TRUNCATED;
    }
    enum elf_error error = check_header(&header);
    if (error == ELF_OK) {
        error = parse_segments(image, &file, &header, &dynamic);
    }
    if (error == ELF_OK) {
        error = parse_entry(image, header.entry);
    }
    if (error == ELF_OK && dynamic.type == PT_DYNAMIC) {
        error = parse_dynamic(image, &file, &dynamic);
    }
    return error == ELF_OK ? check_relocations(image) : error;
}

enum elf_error elf_load(const struct elf_image *image, void *destination, size_t destination_size, uint64_t run_address,
                        uint64_t *entry) {
    uint8_t *memory = destination;
    if (destination_size < image->size || run_address % image->alignment != 0 ||
        run_address > UINT64_MAX - image->size) {
        return ELF_BAD_DESTINATION;
    }
    memset(memory, 0, image->size);
    for (unsigned int i = 0; i < image->segment_count; i++) {
        memcpy(memory + image->contents[i].offset, image->file + image->contents[i].file_offset,
               image->contents[i].file_size);
    }
    for (uint64_t i = 0; i < image->relocation_count; i++) {
        const struct relocation relocation = relocation_at(image, i);
        const uint64_t value = relocation.addend - image->link_base + run_address;
        memcpy(memory + (relocation.offset - image->link_base), &value, sizeof(value));
    }
    *entry = run_address + image->entry;
    return ELF_OK;
}

const char *elf_error_text(enum elf_error error) {
    switch (error) {
    case ELF_OK:
        return "no error";
    case ELF_TRUNCATED:
        return "ELF file is truncated";
    case ELF_NOT_ELF:
        return "not a 64-bit little-endian ELF file";
    case ELF_NOT_AARCH64:
        return "ELF file is not for AArch64";
    case ELF_NOT_PIE:
        return "ELF file is not position-independent";
    case ELF_BAD_HEADER:
        return "ELF header is malformed";
    case ELF_NO_SEGMENTS:
        return "ELF file has nothing to load";
    case ELF_TOO_MANY_SEGMENTS:
        return "ELF file has too many segments";
    case ELF_BAD_SEGMENT:
        return "ELF segment is malformed";
    case ELF_SHARED_PAGE:
        return "two ELF segments share a page";
    case ELF_WRITABLE_AND_EXECUTABLE:
        return "ELF segment is both writable and executable";
    case ELF_BAD_ENTRY:
        return "ELF entry is outside the code";
    case ELF_NEEDS_LINKER:
        return "ELF file needs a dynamic linker";
    case ELF_BAD_DYNAMIC:
        return "ELF dynamic section is malformed";
    case ELF_BAD_RELOCATION:
        return "ELF file has a relocation that is not supported";
    case ELF_BAD_DESTINATION:
        return "no suitable memory for the ELF image";
    }
    return "unknown error";
}
