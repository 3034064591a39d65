// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "persona/config.h"

struct report report_begin(const struct cli *cli) {
    if (cli->json)
        (void)fputs("{", stdout);
    return (struct report){.json = cli->json, .first = true};
}

/* What comes out of files may hold anything: control characters that a terminal obeys, and bytes that are no text. */
void print_escaped(FILE *to, const char *text, bool json) {
    bool is_text = config_is_text(text, strlen(text));
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (json && (byte == '"' || byte == '\\'))
            (void)fprintf(to, "\\%c", byte);
        else if (byte >= 0x20 && byte != 0x7f && (is_text || byte < 0x80))
            (void)fputc(byte, to);
        else
            (void)fprintf(to, json ? "\\u%04x" : "\\x%02x", byte);
    }
}

/* RFC 8259 7 */
static void print_string(const char *text) {
    (void)putchar('"');
    print_escaped(stdout, text, true);
    (void)putchar('"');
}

static void print_name(struct report *report, const char *name) {
    if (!report->json) {
        const char *bullet = report->item ? "- " : report->depth > 0 ? "  " : "";
        (void)printf("%*s%s%-18s ", (int)(report->depth * 4), "", bullet, name);
        report->item = false;
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
        print_escaped(stdout, value, false);
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
    report->item = true;
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

/* A line of progress is on the terminal. */
static bool progressing;

static void say_progress(const char *what, uint64_t done, uint64_t total, const char *unit) {
    if (isatty(STDERR_FILENO) == 0)
        return;
    (void)fprintf(stderr, "\r\033[K%s", what);
    if (total > 0)
        (void)fprintf(stderr, ": %llu of %llu%s", (unsigned long long)done, (unsigned long long)total, unit);
    else if (done > 0)
        (void)fprintf(stderr, ": %llu%s", (unsigned long long)done, unit);
    (void)fflush(stderr);
    progressing = true;
}

void cli_progress(const char *what, uint64_t done, uint64_t total) {
    say_progress(what, total == 0 ? 0 : done >> 20, total >> 20, " MB");
}

void cli_progress_count(const char *what, uint64_t done, uint64_t total) { say_progress(what, done, total, ""); }

void cli_progress_end(void) {
    if (progressing)
        (void)fputs("\r\033[K", stderr);
    progressing = false;
}
