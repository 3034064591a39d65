// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"

#include <stdarg.h>

/* DDI 0183, 3.2 and 3.3. */
enum {
    UARTDR = 0x000,
    UARTFR = 0x018,
    UARTCR = 0x030,

    UARTFR_BUSY = 1 << 3,
    UARTFR_TXFF = 1 << 5,

    UARTCR_UARTEN = 1 << 0,
    UARTCR_LBE = 1 << 7,
    UARTCR_TXE = 1 << 8,
    UARTCR_CTSEN = 1 << 15,
};

enum {
    DIGITS_MAX = 20,       /* of a uint64_t in decimal */
    TRANSMIT_WAIT_MS = 20, /* a full FIFO of 32 characters drains in less than this from 19,200 baud on */
    LOCK_WAIT_MS = 200,    /* more than any line takes */
};

static uint64_t console_base;
static uint32_t console_lock;

void console_init(uint64_t base) { console_base = base; }

static uint64_t deadline_after(uint32_t milliseconds) {
    return arch_counter() + arch_counter_frequency() * milliseconds / 1000;
}

/* A CPU that died while it printed must not silence the others: after a while the lock is taken over. */
static void lock(void) {
    uint64_t deadline = deadline_after(LOCK_WAIT_MS);
    while (__atomic_exchange_n(&console_lock, 1, __ATOMIC_ACQUIRE) != 0 && arch_counter() < deadline)
        arch_relax();
}

static void unlock(void) { __atomic_store_n(&console_lock, 0, __ATOMIC_RELEASE); }

/* Returns false when the flag did not clear in time: the UART has no clock, or a baud rate of 0. */
static bool wait_clear(uint32_t flag) {
    if ((arch_read32(console_base + UARTFR) & flag) == 0)
        return true;
    uint64_t deadline = deadline_after(TRANSMIT_WAIT_MS);
    while (arch_counter() < deadline) {
        if ((arch_read32(console_base + UARTFR) & flag) == 0)
            return true;
        arch_relax();
    }
    return (arch_read32(console_base + UARTFR) & flag) == 0;
}

/* One line being printed. */
struct writer {
    uint32_t control; /* UARTCR as the persona has it */
    bool stuck;       /* once a character does not go out, the rest of the text is given up */
};

static uint32_t control_for_printing(uint32_t control) {
    return (control | UARTCR_UARTEN | UARTCR_TXE) & ~(uint32_t)(UARTCR_LBE | UARTCR_CTSEN);
}

static void begin(struct writer *writer) {
    writer->control = arch_read32(console_base + UARTCR);
    writer->stuck = false;
    if (control_for_printing(writer->control) != writer->control)
        arch_write32(console_base + UARTCR, control_for_printing(writer->control));
}

static void end(const struct writer *writer) {
    if (control_for_printing(writer->control) == writer->control)
        return;
    /* Disabled sooner, the UART would keep what is still in the FIFO. */
    if (!writer->stuck)
        (void)wait_clear(UARTFR_BUSY);
    arch_write32(console_base + UARTCR, writer->control);
}

static void put_raw(struct writer *writer, char character) {
    if (!writer->stuck)
        writer->stuck = !wait_clear(UARTFR_TXFF);
    if (!writer->stuck)
        arch_write32(console_base + UARTDR, (uint8_t)character);
}

static void put(struct writer *writer, char character) {
    if (character == '\n')
        put_raw(writer, '\r');
    put_raw(writer, character);
}

static void put_text(struct writer *writer, const char *text) {
    for (; *text != '\0'; text++)
        put(writer, *text);
}

static void put_number(struct writer *writer, uint64_t value, unsigned base) {
    char digits[DIGITS_MAX];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0)
        put(writer, digits[--count]);
}

static void put_signed(struct writer *writer, int32_t value) {
    int64_t wide = value;
    if (wide < 0)
        put(writer, '-');
    put_number(writer, (uint64_t)(wide < 0 ? -wide : wide), 10);
}

/* Prints one conversion; returns its last character in the format. */
static const char *put_conversion(struct writer *writer, const char *conversion, va_list *arguments) {
    const char *at = conversion;
    bool wide = *at == 'l';
    if (wide)
        at++;
    if (*at == 's' && !wide) {
        const char *text = va_arg(*arguments, const char *);
        put_text(writer, text != NULL ? text : "(none)");
    } else if (*at == 'c' && !wide) {
        put(writer, (char)va_arg(*arguments, int));
    } else if (*at == 'd' && !wide) {
        put_signed(writer, va_arg(*arguments, int32_t));
    } else if (*at == 'u' || *at == 'x') {
        uint64_t value = wide ? va_arg(*arguments, uint64_t) : va_arg(*arguments, uint32_t);
        put_number(writer, value, *at == 'u' ? 10 : 16);
    } else if (*at == '%' && !wide) {
        put(writer, '%');
    } else {
        /* What cannot be converted is shown, and the format's end is not passed. */
        put(writer, '%');
        return conversion - 1;
    }
    return at;
}

void console_print(const char *format, ...) {
    if (console_base == 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    struct writer writer;
    lock();
    begin(&writer);
    for (const char *at = format; *at != '\0'; at++) {
        if (*at == '%')
            at = put_conversion(&writer, at + 1, &arguments);
        else
            put(&writer, *at);
    }
    end(&writer);
    unlock();
    va_end(arguments);
}
