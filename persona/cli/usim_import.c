// SPDX-License-Identifier: BSD-3-Clause
// flipside usim import
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "crypto/hkdf.h"
#include "usim_known.h"

enum {
    COLUMNS = 5,
    LINE_SIZE = 512,
    BAD_LISTED = 1000 /* lines that the report lists */,
    PROGRESS_STEP = 100 /* lines */
};

/* iccid,imsi,k,opc and, where PIN1 is to be asked for, pin */
enum column { ICCID, IMSI, K, OPC, PIN };

static const char *const names[COLUMNS] = {"iccid", "imsi", "k", "opc", "pin"};

struct import {
    struct usim_directory directory;
    struct usim_known known;
    struct usim_batch batch;
    const struct cli *cli;
    unsigned mnc_digits;
    uint64_t line, total, good, same, bad;
    uint64_t bad_lines[BAD_LISTED];
    bool failed; /* of no line's fault: those that follow would fail, too */
};

/* ---- A line */

/* Blanks around it and quotation marks are the spreadsheet's. */
static char *trim(char *column) {
    column += strspn(column, " \t");
    size_t length = strlen(column);
    while (length > 0 && strchr(" \t\r", column[length - 1]) != NULL)
        length--;
    if (length >= 2 && column[0] == '"' && column[length - 1] == '"') {
        column++;
        length -= 2;
    }
    column[length] = '\0';
    return column;
}

static size_t split(char *line, char **columns) {
    size_t count = 0;
    for (char *next = line; next != NULL && count < COLUMNS + 1; count++) {
        char *column = trim(strsep(&next, ","));
        if (count < COLUMNS)
            columns[count] = column;
    }
    return count;
}

static bool parse(struct import *import, char **columns, size_t count, struct usim_profile *profile) {
    if (count != PIN && count != COLUMNS) {
        cli_error("iccid,imsi,k,opc or iccid,imsi,k,opc,pin is needed%s",
                  strpbrk(columns[ICCID], ";\t") == NULL ? "" : ", with commas in between");
        return false;
    }
    bool good = usim_profile_new(&import->directory.random, profile) && usim_take_iccid(profile, columns[ICCID]) &&
                usim_take_imsi(profile, columns[IMSI], import->mnc_digits) &&
                usim_take_hex("K", columns[K], profile->secret.k, 16) &&
                usim_take_hex("OPc", columns[OPC], profile->secret.opc, 16);
    if (good && count == COLUMNS && columns[PIN][0] != '\0') {
        good = usim_take_pin(profile->pins[0].value, columns[PIN], false);
        profile->pins[0].enabled = true;
    }
    return good;
}

/* Whether the USIM that is there is the one of the line, so that a batch may be imported again after an interruption.
 */
static bool is_same(const struct usim_directory *directory, const struct usim_profile *profile) {
    struct usim_entry entry;
    bool good = usim_load(directory, profile->iccid, &entry) == CLI_GOOD;
    const struct usim_profile *there = &entry.profile;
    bool same =
        good && strcmp(there->imsi, profile->imsi) == 0 && there->mnc_digits == profile->mnc_digits &&
        there->secret.algorithm == profile->secret.algorithm && memcmp(there->secret.k, profile->secret.k, 16) == 0 &&
        memcmp(there->secret.opc, profile->secret.opc, 16) == 0 && there->pins[0].enabled == profile->pins[0].enabled &&
        (!there->pins[0].enabled ||
         memcmp(there->pins[0].value, profile->pins[0].value, sizeof(profile->pins[0].value)) == 0);
    crypto_wipe(&entry, sizeof(entry));
    if (good && !same)
        cli_error("ICCID %s is there already with other values, and was left as it is", profile->iccid);
    return same;
}

static void end_batch(struct import *import) {
    size_t wanted = import->batch.count;
    if (wanted == 0)
        return;
    size_t placed = usim_batch_end(&import->directory, &import->batch);
    import->good -= wanted - placed;
    import->failed |= placed != wanted;
}

/* @return false when it is the line's fault */
static bool take(struct import *import, const struct usim_profile *profile) {
    enum usim_news news = usim_known_compare(&import->known, profile);
    if (news == USIM_THERE && is_same(&import->directory, profile)) {
        import->same++;
        return true;
    }
    if (news != USIM_NEW)
        return false;
    struct usim_tag tag = {{0}};
    import->failed = (!import->cli->dry_run && !usim_batch_add(&import->directory, &import->batch, profile, &tag)) ||
                     !usim_known_add(&import->known, profile, &tag, import->line);
    import->good += !import->failed;
    if (import->batch.count == USIM_BATCH_MAX)
        end_batch(import);
    return true;
}

static void note_bad(struct import *import) {
    cli_error("line %llu was left out", (unsigned long long)import->line);
    if (import->bad < BAD_LISTED)
        import->bad_lines[import->bad] = import->line;
    import->bad++;
}

/* A first line with names must have ours, in our order: K and OPc can't be told apart by what they are. */
static bool is_header(struct import *import, char **columns, size_t count) {
    if (import->line != 1 || columns[ICCID][0] == '\0' || strspn(columns[ICCID], "0123456789") > 0)
        return false;
    bool known = false, ours = count == PIN || count == COLUMNS;
    for (size_t i = 0; i < count && i < COLUMNS; i++) {
        ours = ours && strcasecmp(columns[i], names[i]) == 0;
        for (size_t j = 0; j < COLUMNS; j++)
            known = known || strcasecmp(columns[i], names[j]) == 0;
    }
    if (known && !ours) {
        cli_error("the first line names other columns than iccid,imsi,k,opc or iccid,imsi,k,opc,pin");
        import->failed = true;
    }
    return known;
}

static void import_line(struct import *import, char *line) {
    char *columns[COLUMNS] = {0};
    struct usim_profile profile;
    if (line[strspn(line, " \t\r")] == '\0' || line[0] == '#')
        return;
    size_t count = split(line, columns);
    if (is_header(import, columns, count))
        return;
    if (!parse(import, columns, count, &profile) || !take(import, &profile))
        note_bad(import);
    crypto_wipe(&profile, sizeof(profile));
}

/* ---- The file */

/* Reads a line without its end. @return false at the end of the file; `whole`: it has room, and is text */
static bool read_line(FILE *file, char *line, bool *whole) {
    size_t length = 0;
    int character = getc(file);
    if (character == EOF)
        return false;
    for (*whole = true; character != EOF && character != '\n'; character = getc(file)) {
        *whole = *whole && character != '\0' && length < LINE_SIZE - 2;
        if (*whole)
            line[length++] = (char)character;
    }
    line[length] = '\0';
    return true;
}

/* @return lines of a file that can be read twice; 0: of another */
static uint64_t count_lines(FILE *file) {
    struct stat status;
    uint64_t count = 0;
    int last = '\n';
    if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode))
        return 0;
    for (int character = getc(file); character != EOF; character = getc(file)) {
        count += character == '\n';
        last = character;
    }
    rewind(file);
    return count + (last != '\n');
}

static void import_lines(struct import *import, FILE *file) {
    static const char mark[] = "\xef\xbb\xbf"; /* UTF-8, as some spreadsheets begin a file */
    char line[LINE_SIZE] = "";
    bool whole = false;
    while (!import->failed && !stop_is_asked() && read_line(file, line, &whole)) {
        bool marked = import->line++ == 0 && memcmp(line, mark, sizeof(mark) - 1) == 0;
        if (whole) {
            import_line(import, line + (marked ? sizeof(mark) - 1 : 0));
        } else {
            cli_error("a line has %d characters at most, and none that is no text", LINE_SIZE - 2);
            note_bad(import);
        }
        if (import->line == 1 || import->line % PROGRESS_STEP == 0 || import->line == import->total)
            cli_progress_count("importing", import->line, import->total);
    }
    crypto_wipe(line, sizeof(line));
}

static void import_file(struct import *import, FILE *file, const char *path) {
    import->total = count_lines(file);
    import_lines(import, file);
    if (ferror(file) != 0 && !stop_is_asked()) {
        cli_error("%s: %s", path, strerror(errno));
        import->failed = true;
    }
    end_batch(import);
    cli_progress_end();
    if (!import->cli->dry_run && !import->failed)
        usim_known_keep(&import->known);
    if (stop_is_asked() || (import->failed && import->line > 1))
        cli_error("stopped in line %llu of %s: what was imported stays, and importing it again goes on from there",
                  (unsigned long long)import->line, path);
}

static void print(const struct import *import) {
    struct report report = report_begin(import->cli);
    report_number(&report, "imported", import->good);
    report_number(&report, "there-already", import->same);
    report_number(&report, "left-out", import->bad);
    report_bool(&report, "dry-run", import->cli->dry_run);
    report_list_begin(&report, "left-out-lines");
    for (uint64_t i = 0; i < import->bad && i < BAD_LISTED; i++) {
        report_item_begin(&report);
        report_number(&report, "line", import->bad_lines[i]);
        report_item_end(&report);
    }
    report_list_end(&report);
    report_end(&report);
}

/* Interrupted, it says how far it came. */
static enum cli_exit import_stream(struct import *import, FILE *file, const char *path) {
    static char buffer[BUFSIZ]; /* has keys, so that it is wiped */
    enum cli_exit result = usim_known_open(&import->known, &import->directory);
    if (result != CLI_GOOD)
        return result;
    (void)setvbuf(file, buffer, _IOFBF, sizeof(buffer));
    stop_when_asked();
    import_file(import, file, path);
    crypto_wipe(buffer, sizeof(buffer));
    print(import);
    if (import->good + import->same + import->bad == 0 && !import->failed && !stop_is_asked()) {
        cli_error("%s: no line has a USIM", path);
        import->failed = true;
    }
    return import->bad == 0 && !import->failed && !stop_is_asked() ? CLI_GOOD : CLI_FAILED;
}

static enum cli_exit import_from(struct import *import, const char *store, const char *path) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL) {
        cli_error("%s: %s", path, strerror(errno));
        return CLI_FAILED;
    }
    enum cli_exit result = usim_directory_open(import->cli, store, USIM_MAKE, &import->directory);
    if (result == CLI_GOOD)
        result = import_stream(import, file, path);
    usim_known_close(&import->known);
    usim_directory_close(&import->directory);
    if (file != stdin)
        (void)fclose(file);
    return result;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    const char *store = NULL, *mnc_digits = NULL;
    static struct import import;
    import = (struct import){.cli = cli, .mnc_digits = 2};
    uint64_t number = 2;
    const struct option_value options[] = {{.name = "store", .to = &store}, {.name = "mnc-digits", .to = &mnc_digits}};
    int at = cli_options_and(cli, options, 2, argc, argv, "one CSV file is needed, - for standard input");
    if (at == 0)
        return CLI_USAGE;
    if (mnc_digits != NULL && !cli_number("mnc-digits", mnc_digits, 2, 3, &number))
        return CLI_FAILED;
    import.mnc_digits = (unsigned)number;
    return import_from(&import, store, argv[at]);
}

const struct verb verb_usim_import = {
    {"usim", "import"},
    "make USIM profiles of a batch",
    "usage: flipside usim import --store=DIRECTORY [--mnc-digits=2|3] FILE\n\n"
    "Makes a profile of each line of FILE: iccid,imsi,k,opc or iccid,imsi,k,opc,pin, K and OPc of Milenage in\n"
    "hexadecimal digits; a PIN is then asked for. FILE - is standard input. Lines that are not right, and those whose\n"
    "ICCID or IMSI another USIM has, are told and left out, and the rest is imported. USIMs that are there already "
    "with\n"
    "the same values are counted and no fault: what was interrupted is imported again. A first line with these names\n"
    "and lines that begin with # are skipped; blanks and quotation marks around values do not count.\n\n"
    "  --store=DIRECTORY       where the profiles are\n"
    "  --mnc-digits=2|3        of the network code in the IMSIs (2)\n",
    run,
};
