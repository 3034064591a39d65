// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_PCI_H
#define LOADER_PCI_H

/**
 * Finding PCI functions, to know where Bus Master Enable is (PCI Local Bus 3.0, 6; PCI-to-PCI Bridge 1.2, 3.2).
 * Configuration space is only read. Access goes through a function, so that tests have a bus of their own.
 */

#include "board/board.h"

/**
 * Reads 32 bits of configuration space.
 * @param context as given to pci_find_functions()
 * @param address physical, in the host's ECAM, 4-byte aligned
 * @return the register; 0xffffffff where no function answers
 */
typedef uint32_t pci_read_function(void *context, uint64_t address);

enum pci_error {
    PCI_OK = 0,
    PCI_BAD_HOST, /* the ECAM does not hold the host's buses */
    PCI_TOO_MANY, /* more functions than the caller has room for */
};

/**
 * Lists the Command registers of all functions beneath a host that do DMA of their own: neither bridges, which stay
 * bus masters in suspend and only pass on what others do, nor host bridges. Bridges are followed to their secondary bus
 * where firmware has numbered it.
 * @param host      ECAM and bus numbers; functions are looked for from first_bus on
 * @param addresses room for max entries, physical addresses of Command registers (offset 4, 16 bits)
 * @param count     entries written
 * @return PCI_OK, PCI_BAD_HOST, PCI_TOO_MANY
 */
__attribute__((warn_unused_result)) enum pci_error pci_find_functions(const struct board_pci_host *host,
                                                                      pci_read_function *read, void *context,
                                                                      uint64_t *addresses, size_t max, size_t *count);

/** @return the error's text, one line without a full stop; never NULL */
const char *pci_error_text(enum pci_error error);

#endif
