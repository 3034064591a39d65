// SPDX-License-Identifier: BSD-3-Clause
#include "pci.h"

enum {
    BUS_SIZE = 1 << 20,      /* bytes of ECAM; PCI Express Base 5.0, 7.2.2 */
    DEVICE_SIZE = 1 << 15,   /* bytes of ECAM */
    FUNCTION_SIZE = 1 << 12, /* bytes of ECAM */
    DEVICES = 32,
    FUNCTIONS = 8,
    BUSES = 256,
    NOBODY = 0xffff, /* vendor that no function has */

    /* Registers (PCI Local Bus 3.0, 6.1), as the 32 bits that they lie in. */
    REGISTER_VENDOR = 0x00,
    REGISTER_COMMAND = 0x04,
    REGISTER_CLASS = 0x08,
    REGISTER_HEADER = 0x0c,
    REGISTER_BUSES = 0x18, /* of bridges; PCI-to-PCI Bridge 1.2, 3.2.5.3 */

    HEADER_BRIDGE = 1,
    CLASS_HOST_BRIDGE = 0x0600,
};

/** One search: the buses still to look at, each once, so that a loop in the numbering comes to an end. */
struct search {
    const struct board_pci_host *host;
    pci_read_function *read;
    void *context;
    uint64_t *addresses;
    size_t max;
    size_t *count;
    bool is_known[BUSES];
    uint8_t buses[BUSES];
    size_t bus_count;
};

const char *pci_error_text(enum pci_error error) {
    switch (error) {
    case PCI_OK:
        return "no error";
    case PCI_BAD_HOST:
        return "a PCI host's configuration space does not hold its buses";
    case PCI_TOO_MANY:
        return "more PCI functions than supported";
    }
    return "unknown error";
}

static void add_bus(struct search *search, uint32_t bus) {
    if (bus >= search->host->first_bus && bus <= search->host->last_bus && !search->is_known[bus]) {
        search->is_known[bus] = true;
        search->buses[search->bus_count++] = (uint8_t)bus;
    }
}

static uint32_t read_register(const struct search *search, uint64_t function, uint32_t offset) {
    return search->read(search->context, function + offset);
}

/** Looks at one function that is there. */
static enum pci_error add_function(struct search *search, uint64_t function, uint32_t header) {
    if ((header & 0x7f) == HEADER_BRIDGE) {
        add_bus(search, read_register(search, function, REGISTER_BUSES) >> 8 & 0xff);
        return PCI_OK;
    }
    if (read_register(search, function, REGISTER_CLASS) >> 16 == CLASS_HOST_BRIDGE) {
        return PCI_OK;
    }
    if (*search->count == search->max) {
        return PCI_TOO_MANY;
    }
    search->addresses[(*search->count)++] = function + REGISTER_COMMAND;
    return PCI_OK;
}

static enum pci_error search_device(struct search *search, uint64_t device) {
    uint64_t functions = 1;

    for (uint64_t i = 0; i < functions; i++) {
        uint64_t function = device + i * FUNCTION_SIZE;

        if ((read_register(search, function, REGISTER_VENDOR) & 0xffff) == NOBODY) {
            continue;
        }
        uint32_t header = read_register(search, function, REGISTER_HEADER) >> 16 & 0xff;
        if (i == 0 && (header & 0x80) != 0) {
            functions = FUNCTIONS;
        }
        enum pci_error error = add_function(search, function, header);
        if (error != PCI_OK) {
            return error;
        }
    }
    return PCI_OK;
}

static enum pci_error search_bus(struct search *search, uint8_t bus) {
    uint64_t base = search->host->ecam.base + (uint64_t)(bus - search->host->first_bus) * BUS_SIZE;

    for (uint64_t device = 0; device < DEVICES; device++) {
        enum pci_error error = search_device(search, base + device * DEVICE_SIZE);

        if (error != PCI_OK) {
            return error;
        }
    }
    return PCI_OK;
}

enum pci_error pci_find_functions(const struct board_pci_host *host, pci_read_function *read, void *context,
                                  uint64_t *addresses, size_t max, size_t *count) {
    struct search search = {.host = host, .read = read, .context = context, .max = max};

    search.addresses = addresses;
    search.count = count;
    *count = 0;
    if (host->first_bus > host->last_bus ||
        host->ecam.size / BUS_SIZE < (uint64_t)(host->last_bus - host->first_bus) + 1) {
        return PCI_BAD_HOST;
    }
    add_bus(&search, host->first_bus);
    for (size_t i = 0; i < search.bus_count; i++) {
        enum pci_error error = search_bus(&search, search.buses[i]);

        if (error != PCI_OK) {
            return error;
        }
    }
    return PCI_OK;
}
