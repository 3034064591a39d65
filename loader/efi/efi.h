// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_EFI_H
#define LOADER_EFI_H

/**
 * What the loader uses of the Unified Extensible Firmware Interface, version 2.10 (chapters are given at each part).
 * Table entries that are not used are there as untyped pointers, to keep the others in their places.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t efi_status; /* 2.3.1 */
typedef void *efi_handle;
typedef uint16_t efi_char;

/* Appendix D */
#define EFI_ERROR_BIT (UINT64_C(1) << 63)
#define EFI_SUCCESS UINT64_C(0)
#define EFI_LOAD_ERROR (EFI_ERROR_BIT | 1)
#define EFI_INVALID_PARAMETER (EFI_ERROR_BIT | 2)
#define EFI_UNSUPPORTED (EFI_ERROR_BIT | 3)
#define EFI_BUFFER_TOO_SMALL (EFI_ERROR_BIT | 5)
#define EFI_NOT_READY (EFI_ERROR_BIT | 6)
#define EFI_DEVICE_ERROR (EFI_ERROR_BIT | 7)
#define EFI_OUT_OF_RESOURCES (EFI_ERROR_BIT | 9)
#define EFI_WRITE_PROTECTED (EFI_ERROR_BIT | 8)
#define EFI_VOLUME_FULL (EFI_ERROR_BIT | 11)
#define EFI_VOLUME_CORRUPTED (EFI_ERROR_BIT | 10)
#define EFI_NOT_FOUND (EFI_ERROR_BIT | 14)

struct efi_guid {
    uint32_t a;
    uint16_t b;
    uint16_t c;
    uint8_t d[8];
};

struct efi_table_header { /* 4.2 */
    uint64_t signature;
    uint32_t revision;
    uint32_t size;
    uint32_t crc32;
    uint32_t reserved;
};

/* 7.2: memory */
enum efi_memory_type {
    EFI_LOADER_CODE = 1,
    EFI_LOADER_DATA = 2,
    EFI_BOOT_SERVICES_CODE = 3,
    EFI_BOOT_SERVICES_DATA = 4,
    EFI_CONVENTIONAL_MEMORY = 7,
};
enum efi_allocate_type { EFI_ALLOCATE_ANY_PAGES, EFI_ALLOCATE_MAX_ADDRESS, EFI_ALLOCATE_ADDRESS };
enum { EFI_PAGE_SIZE = 4096 };
#define EFI_MEMORY_WB UINT64_C(8)

struct efi_memory_descriptor {
    uint32_t type;
    uint64_t physical_start;
    uint64_t virtual_start;
    uint64_t number_of_pages;
    uint64_t attribute;
};

/* 12.3: keyboard */
struct efi_input_key {
    uint16_t scan_code;
    efi_char unicode_char;
};
enum efi_scan_code { EFI_SCAN_UP = 1, EFI_SCAN_DOWN = 2, EFI_SCAN_DELETE = 8, EFI_SCAN_ESC = 0x17 };
struct efi_simple_text_input {
    efi_status (*reset)(struct efi_simple_text_input *, bool extended);
    efi_status (*read_key_stroke)(struct efi_simple_text_input *, struct efi_input_key *);
    void *wait_for_key;
};

/* 12.4: text */
struct efi_simple_text_output {
    void *reset;
    efi_status (*output_string)(struct efi_simple_text_output *, const efi_char *);
};

struct efi_boot_services { /* 4.4 */
    struct efi_table_header header;
    void *task_priority[2];
    efi_status (*allocate_pages)(enum efi_allocate_type, enum efi_memory_type, size_t pages, uint64_t *address);
    efi_status (*free_pages)(uint64_t address, size_t pages);
    efi_status (*get_memory_map)(size_t *size, void *map, size_t *key, size_t *descriptor_size, uint32_t *version);
    efi_status (*allocate_pool)(enum efi_memory_type, size_t size, void **block);
    efi_status (*free_pool)(void *block);
    void *events[6];
    void *protocols[3];
    efi_status (*handle_protocol)(efi_handle, const struct efi_guid *, void **interface);
    void *handles[5];
    void *images[2];
    efi_status (*exit)(efi_handle, efi_status, size_t data_size, const efi_char *data);
    void *unload_image;
    efi_status (*exit_boot_services)(efi_handle image, size_t map_key);
    void *get_next_monotonic_count;
    efi_status (*stall)(size_t microseconds);
    efi_status (*set_watchdog_timer)(size_t seconds, uint64_t code, size_t data_size, const efi_char *data);
    void *drivers[2];
    void *open_protocols[3];
    void *library[2];
    efi_status (*locate_protocol)(const struct efi_guid *, void *registration, void **interface);
};

/* Offsets as everybody has them: a missing entry would be a call into nowhere. */
_Static_assert(offsetof(struct efi_boot_services, exit_boot_services) == 0xe8, "UEFI 2.10, 4.4");
_Static_assert(offsetof(struct efi_boot_services, locate_protocol) == 0x140, "UEFI 2.10, 4.4");

enum efi_reset_type { EFI_RESET_COLD, EFI_RESET_WARM, EFI_RESET_SHUTDOWN };
struct efi_runtime_services { /* 4.5 */
    struct efi_table_header header;
    void *time[4];
    void *virtual_memory[2];
    void *variables[3];
    void *get_next_high_monotonic_count;
    void (*reset_system)(enum efi_reset_type, efi_status, size_t data_size, const void *data);
};
_Static_assert(offsetof(struct efi_runtime_services, reset_system) == 0x68, "UEFI 2.10, 4.5");

struct efi_configuration_table { /* 4.6 */
    struct efi_guid guid;
    const void *table;
};

struct efi_system_table { /* 4.3 */
    struct efi_table_header header;
    const efi_char *firmware_vendor;
    uint32_t firmware_revision;
    efi_handle console_in_handle;
    struct efi_simple_text_input *console_in;
    efi_handle console_out_handle;
    struct efi_simple_text_output *console_out;
    efi_handle error_handle;
    struct efi_simple_text_output *error;
    struct efi_runtime_services *runtime_services;
    struct efi_boot_services *boot_services;
    size_t configuration_table_count;
    const struct efi_configuration_table *configuration_tables;
};

struct efi_loaded_image { /* 9.1 */
    uint32_t revision;
    efi_handle parent;
    struct efi_system_table *system_table;
    efi_handle device;
};
#define EFI_LOADED_IMAGE_GUID                                                                                          \
    {                                                                                                                  \
        0x5b1b31a1, 0x9562, 0x11d2, { 0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }                                 \
    }

struct efi_time { /* 8.3 */
    uint8_t bytes[16];
};

struct efi_file_info { /* 13.5.16 */
    uint64_t size;
    uint64_t file_size;
    uint64_t physical_size;
    struct efi_time times[3];
    uint64_t attribute;
    efi_char name[];
};
#define EFI_FILE_INFO_GUID                                                                                             \
    {                                                                                                                  \
        0x09576e92, 0x6d3f, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }                                 \
    }
#define EFI_FILE_MODE_READ UINT64_C(1)
#define EFI_FILE_MODE_WRITE UINT64_C(2)
#define EFI_FILE_MODE_CREATE (UINT64_C(1) << 63)
#define EFI_FILE_DIRECTORY UINT64_C(0x10)

struct efi_file { /* 13.5 */
    uint64_t revision;
    efi_status (*open)(struct efi_file *, struct efi_file **opened, const efi_char *name, uint64_t mode,
                       uint64_t attributes);
    efi_status (*close)(struct efi_file *);
    efi_status (*delete)(struct efi_file *);
    efi_status (*read)(struct efi_file *, size_t *size, void *buffer);
    efi_status (*write)(struct efi_file *, size_t *size, const void *buffer);
    void *get_position;
    efi_status (*set_position)(struct efi_file *, uint64_t position);
    efi_status (*get_info)(struct efi_file *, const struct efi_guid *, size_t *size, void *buffer);
    void *set_info;
    efi_status (*flush)(struct efi_file *);
};

struct efi_simple_file_system { /* 13.4 */
    uint64_t revision;
    efi_status (*open_volume)(struct efi_simple_file_system *, struct efi_file **root);
};
#define EFI_DEVICE_PATH_GUID                                                                                           \
    {                                                                                                                  \
        0x09576e91, 0x6d3f, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }                                 \
    }
#define EFI_SIMPLE_FILE_SYSTEM_GUID                                                                                    \
    {                                                                                                                  \
        0x964e5b22, 0x6459, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }                                 \
    }

struct efi_rng { /* 37.5 */
    void *get_info;
    efi_status (*get_rng)(struct efi_rng *, const struct efi_guid *algorithm, size_t size, uint8_t *value);
};
#define EFI_RNG_GUID                                                                                                   \
    {                                                                                                                  \
        0x3152bca5, 0xeade, 0x433d, { 0x86, 0x2e, 0xc0, 0x1c, 0xdc, 0x29, 0x1f, 0x44 }                                 \
    }

/* TCG EFI Protocol Specification, family 2.0, 6 */
struct efi_tcg2_capability {
    uint8_t size;
    uint8_t structure_version[2];
    uint8_t protocol_version[2];
    uint32_t hash_algorithms;
    uint32_t event_logs;
    uint8_t present;
    uint16_t command_max; /* bytes */
    uint16_t response_max;
    uint32_t manufacturer;
    uint32_t bank_count;
    uint32_t active_banks;
};
_Static_assert(sizeof(struct efi_tcg2_capability) == 36, "TCG EFI Protocol Specification, 6.4.2");

struct efi_tcg2 {
    efi_status (*get_capability)(struct efi_tcg2 *, struct efi_tcg2_capability *);
    void *get_event_log;
    void *hash_log_extend_event;
    efi_status (*submit_command)(struct efi_tcg2 *, uint32_t size, const uint8_t *command, uint32_t response_size,
                                 uint8_t *response);
};
#define EFI_TCG2_GUID                                                                                                  \
    {                                                                                                                  \
        0x607f766c, 0x7455, 0x42be, { 0x93, 0x0b, 0xe4, 0xd7, 0x6d, 0xb2, 0x72, 0x0f }                                 \
    }

/* EBBR 2.0, 2.3: the device tree's configuration table */
#define EFI_DEVICE_TREE_GUID                                                                                           \
    {                                                                                                                  \
        0xb1b621d5, 0xf19c, 0x41a5, { 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0 }                                 \
    }

#endif
