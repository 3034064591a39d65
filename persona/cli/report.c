// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "cli.h"

struct report report_begin(const struct cli *cli) {
    if (cli->json)
        (void)fputs("{", stdout);
    return (struct report){.json = cli->json, .first = true};
}

/* RFC 8259 7 */
static void print_string(const char *text) {
    (void)putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            (void)printf("\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            (void)printf("\\u%04x", (unsigned)*text);
        else
            (void)putchar(*text);
    }
    (void)putchar('"');
}

static void print_name(struct report *report, const char *name) {
    if (!report->json) {
        (void)printf("%*s%-18s ", (int)(report->depth * 2), "", name);
        return;
    }
    if (!report->first)
        (void)putchar(',');
    report->first = false;
    if (name == NULL)
        return;
    print_string(name);
    (void)putchar(':');
}

static void end_line(const struct report *report) {
    if (!report->json)
        (void)putchar('\n');
}

void report_text(struct report *report, const char *name, const char *value) {
    print_name(report, name);
    if (report->json)
        print_string(value);
    else
        (void)fputs(value, stdout);
    end_line(report);
}

void report_number(struct report *report, const char *name, uint64_t value) {
    print_name(report, name);
    (void)printf("%llu", (unsigned long long)value);
    end_line(report);
}

void report_bool(struct report *report, const char *name, bool value) {
    print_name(report, name);
    (void)fputs(report->json ? (value ? "true" : "false") : value ? "yes" : "no", stdout);
    end_line(report);
}

void report_hex(struct report *report, const char *name, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    print_name(report, name);
    if (report->json)
        (void)putchar('"');
    for (size_t i = 0; i < size; i++)
        (void)printf("%02x", at[i]);
    if (report->json)
        (void)putchar('"');
    end_line(report);
}

void report_list_begin(struct report *report, const char *name) {
    print_name(report, name);
    if (report->json)
        (void)putchar('[');
    end_line(report);
    report->first = true;
    report->depth++;
}

void report_item_begin(struct report *report) {
    if (report->json)
        (void)fputs(report->first ? "{" : ",{", stdout);
    report->first = true;
}

void report_item_end(struct report *report) {
    if (report->json)
        (void)putchar('}');
    report->first = false;
}

void report_list_end(struct report *report) {
    if (report->json)
        (void)putchar(']');
    report->first = false;
    report->depth--;
}

void report_end(struct report *report) {
    if (report->json)
        (void)fputs("}\n", stdout);
}
