// SPDX-License-Identifier: BSD-3-Clause
// flipside usim import
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hkdf.h"
#include "usim.h"

enum { COLUMNS = 5, LINE_SIZE = 512, BAD_LISTED = 1000 /* lines that the report lists */ };

/* iccid,imsi,k,opc and, where PIN1 is to be asked for, pin */
enum column { ICCID, IMSI, K, OPC, PIN };

struct import {
    struct usim_directory directory;
    const struct cli *cli;
    unsigned mnc_digits;
    uint64_t line, good, bad;
    uint64_t bad_lines[BAD_LISTED];
};

static size_t split(char *line, char **columns) {
    size_t count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *next = line; next != NULL && count < COLUMNS + 1; count++) {
        char *column = strsep(&next, ",");
        if (count < COLUMNS)
            columns[count] = column;
    }
    return count;
}

static bool take_line(struct import *import, char **columns, size_t count) {
    struct usim_profile profile;
    bool good = count == PIN || count == COLUMNS;
    if (!good)
        cli_error("iccid,imsi,k,opc or iccid,imsi,k,opc,pin is needed");
    good = good && usim_profile_new(&import->directory, &profile) && usim_take_iccid(&profile, columns[ICCID]) &&
           usim_take_imsi(&profile, columns[IMSI], import->mnc_digits) &&
           usim_take_hex("K", columns[K], profile.secret.k, 16) &&
           usim_take_hex("OPc", columns[OPC], profile.secret.opc, 16);
    if (good && count == COLUMNS && columns[PIN][0] != '\0') {
        good = usim_take_pin(profile.pins[0].value, columns[PIN], false);
        profile.pins[0].enabled = true;
    }
    good = good && usim_is_new(&import->directory, &profile) &&
           (import->cli->dry_run || usim_save(&import->directory, &profile));
    crypto_wipe(&profile, sizeof(profile));
    return good;
}

static void note_bad(struct import *import) {
    cli_error("line %llu was left out", (unsigned long long)import->line);
    if (import->bad < BAD_LISTED)
        import->bad_lines[import->bad] = import->line;
    import->bad++;
}

static void import_line(struct import *import, char *line) {
    char *columns[COLUMNS] = {0};
    size_t count = split(line, columns);
    if (line[0] == '\0' || line[0] == '#' || (import->line == 1 && strcmp(line, "iccid") == 0))
        return;
    if (take_line(import, columns, count))
        import->good++;
    else
        note_bad(import);
}

/* What follows of a line that has no room. @return whether there is more of the file */
static bool skip_rest(FILE *file) {
    int character = fgetc(file);
    while (character != '\n' && character != EOF)
        character = fgetc(file);
    return character != EOF;
}

static uint64_t count_lines(FILE *file) {
    uint64_t count = 0;
    int last = '\n';
    for (int character = fgetc(file); character != EOF; character = fgetc(file)) {
        count += character == '\n';
        last = character;
    }
    rewind(file);
    return count + (last != '\n');
}

static void import_file(struct import *import, FILE *file) {
    char line[LINE_SIZE];
    uint64_t total = count_lines(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        bool whole = strchr(line, '\n') != NULL || !skip_rest(file);
        import->line++;
        cli_progress_end();
        if (whole && strlen(line) < LINE_SIZE - 1) {
            import_line(import, line);
        } else {
            cli_error("a line has %d characters at most", LINE_SIZE - 2);
            note_bad(import);
        }
        cli_progress_count("importing", import->line, total);
    }
    cli_progress_end();
    crypto_wipe(line, sizeof(line));
}

static void print(const struct import *import) {
    struct report report = report_begin(import->cli);
    report_number(&report, "imported", import->good);
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

static enum cli_exit import_from(struct import *import, const char *path) {
    static char buffer[BUFSIZ]; /* of the file, which is all keys: the library's own would not be wiped */
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        cli_error("%s: %s", path, strerror(errno));
        return CLI_FAILED;
    }
    (void)setvbuf(file, buffer, _IOFBF, sizeof(buffer));
    import_file(import, file);
    (void)fclose(file);
    crypto_wipe(buffer, sizeof(buffer));
    print(import);
    return import->bad == 0 ? CLI_GOOD : CLI_FAILED;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    const char *store = NULL, *mnc_digits = NULL;
    static struct import import;
    import = (struct import){.cli = cli, .mnc_digits = 2};
    uint64_t number = 2;
    const struct option_value options[] = {{.name = "store", .to = &store}, {.name = "mnc-digits", .to = &mnc_digits}};
    int at = cli_options(cli, options, 2, argc, argv);
    if (at == 0 || (mnc_digits != NULL && !cli_number("mnc-digits", mnc_digits, 2, 3, &number)))
        return CLI_USAGE;
    if (argc - at != 1) {
        cli_error("one CSV file is needed");
        return CLI_USAGE;
    }
    import.mnc_digits = (unsigned)number;
    enum cli_exit result = usim_directory_open(cli, store, true, &import.directory);
    if (result == CLI_GOOD)
        result = import_from(&import, argv[at]);
    usim_directory_close(&import.directory);
    return result;
}

const struct verb verb_usim_import = {
    {"usim", "import"},
    "make USIM profiles of a batch",
    "usage: flipside usim import --store=DIRECTORY [--mnc-digits=2|3] FILE\n\n"
    "Makes a profile of each line of FILE: iccid,imsi,k,opc or iccid,imsi,k,opc,pin, K and OPc of Milenage in\n"
    "hexadecimal digits; a PIN is then asked for. Lines that are not right, and USIMs that are there already, are "
    "told\n"
    "and left out, and the rest is imported. A first line with names and lines that begin with # are skipped.\n\n"
    "  --store=DIRECTORY       where the profiles are\n"
    "  --mnc-digits=2|3        of the network code in the IMSIs (2)\n",
    run,
};
