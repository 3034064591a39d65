// SPDX-License-Identifier: BSD-3-Clause
#include "serial.h"

#include <stdarg.h>
#include <stdio.h>

#include "machine.h"

enum {
    UARTDR = 0x00,
    UARTFR = 0x18,
    UARTLCR_H = 0x2c,
    UARTCR = 0x30,
    UARTIMSC = 0x38,
    FR_RXFE = 1 << 4,
    FR_TXFF = 1 << 5,
    LCR_H_8_BITS_FIFO = 0x70,
    CR_RXE_TXE_UARTEN = 0x301,
};

static uint64_t port;

void serial_open(uint64_t base) {
    port = base;
    if (port == 0)
        return;
    write32(port + UARTIMSC, 0);
    write32(port + UARTLCR_H, LCR_H_8_BITS_FIFO);
    write32(port + UARTCR, CR_RXE_TXE_UARTEN);
}

int serial_read(void) {
    if (port == 0 || (read32(port + UARTFR) & FR_RXFE) != 0)
        return -1;
    return (int)(read32(port + UARTDR) & 0xff);
}

static void put(char character) {
    while ((read32(port + UARTFR) & FR_TXFF) != 0)
        ;
    write32(port + UARTDR, (unsigned char)character);
}

void serial_write(char character) {
    if (port == 0)
        return;
    if (character == '\n')
        put('\r');
    put(character);
}

void serial_print(const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (const char *at = text; *at != '\0'; at++)
        serial_write(*at);
}
