// SPDX-License-Identifier: BSD-3-Clause
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct output {
    char *text;
    size_t size;
    size_t length; /* of the whole text, kept or not */
};

struct conversion {
    bool left;
    bool zero;
    size_t width;
    size_t precision; /* SIZE_MAX: none */
    int length;       /* how many l, less how many h */
    char kind;
};

static void put(struct output *output, char c) {
    if (output->length + 1 < output->size)
        output->text[output->length] = c;
    output->length++;
}

static void put_padded(struct output *output, const struct conversion *conversion, const char *text, size_t length) {
    size_t padding = conversion->width > length ? conversion->width - length : 0;
    char fill = conversion->zero && !conversion->left ? '0' : ' ';
    for (size_t i = 0; i < padding && !conversion->left; i++)
        put(output, fill);
    for (size_t i = 0; i < length; i++)
        put(output, text[i]);
    for (size_t i = 0; i < padding && conversion->left; i++)
        put(output, ' ');
}

static void put_unsigned(struct output *output, struct conversion *conversion, uint64_t value, bool negative) {
    const char *digits = conversion->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned base = conversion->kind == 'x' || conversion->kind == 'X' || conversion->kind == 'p' ? 16 : 10;
    char text[24];
    size_t at = sizeof(text);
    do {
        text[--at] = digits[value % base];
        value /= base;
    } while (value != 0);
    if (negative)
        text[--at] = '-';
    put_padded(output, conversion, text + at, sizeof(text) - at);
}

static size_t parse_number(const char **format, va_list *arguments) {
    size_t value = 0;
    if (**format == '*') {
        (*format)++;
        int given = va_arg(*arguments, int);
        return given < 0 ? 0 : (size_t)given;
    }
    for (; **format >= '0' && **format <= '9'; (*format)++)
        value = value * 10 + (size_t)(**format - '0');
    return value;
}

static struct conversion parse_conversion(const char **format, va_list *arguments) {
    struct conversion conversion = {.precision = SIZE_MAX};
    for (; **format == '-' || **format == '0'; (*format)++) {
        conversion.left |= **format == '-';
        conversion.zero |= **format == '0';
    }
    conversion.width = parse_number(format, arguments);
    if (**format == '.') {
        (*format)++;
        conversion.precision = parse_number(format, arguments);
    }
    for (; **format != '\0' && strchr("hlzj", **format) != NULL; (*format)++)
        conversion.length += **format == 'h' ? -1 : 1;
    conversion.kind = **format;
    return conversion;
}

static void convert(struct output *output, struct conversion *conversion, va_list *arguments) {
    switch (conversion->kind) {
    case 's': {
        const char *text = va_arg(*arguments, const char *);
        put_padded(output, conversion, text, strnlen(text, conversion->precision));
        return;
    }
    case 'c': {
        char c = (char)va_arg(*arguments, int);
        put_padded(output, conversion, &c, 1);
        return;
    }
    case 'd':
    case 'i': {
        int64_t value = conversion->length > 0 ? va_arg(*arguments, long) : va_arg(*arguments, int);
        put_unsigned(output, conversion, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
        return;
    }
    case 'p':
        put_unsigned(output, conversion, (uintptr_t)va_arg(*arguments, void *), false);
        return;
    case 'u':
    case 'x':
    case 'X':
        put_unsigned(output, conversion,
                     conversion->length > 0 ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned), false);
        return;
    default:
        put(output, conversion->kind);
    }
}

int vsnprintf(char *restrict text, size_t size, const char *restrict format, va_list arguments) {
    struct output output = {.text = text, .size = size};
    va_list rest;

    va_copy(rest, arguments);
    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '%') {
            put(&output, *at);
            continue;
        }
        at++;
        struct conversion conversion = parse_conversion(&at, &rest);
        if (conversion.kind == '\0')
            break;
        convert(&output, &conversion, &rest);
    }
    va_end(rest);
    if (size > 0)
        text[output.length < size ? output.length : size - 1] = '\0';
    return (int)output.length;
}

int snprintf(char *restrict text, size_t size, const char *restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, size, format, arguments);
    va_end(arguments);
    return length;
}
