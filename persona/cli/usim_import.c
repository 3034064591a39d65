// SPDX-License-Identifier: BSD-3-Clause
// flipside usim import
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hkdf.h"
#include "usim.h"

enum { COLUMNS = 5, LINE_SIZE = 512 };

/* iccid,imsi,k,opc and, where PIN1 is to be asked for, pin */
enum column { ICCID, IMSI, K, OPC, PIN };

struct import {
    struct usim_directory directory;
    const struct cli *cli;
    unsigned mnc_digits;
    uint64_t line, good, bad;
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
    good = good && (import->cli->dry_run || usim_save(&import->directory, &profile));
    crypto_wipe(&profile, sizeof(profile));
    return good;
}

static void import_line(struct import *import, char *line) {
    char *columns[COLUMNS] = {0};
    size_t count = split(line, columns);
    if (line[0] == '\0' || line[0] == '#' || (import->line == 1 && strcmp(line, "iccid") == 0))
        return;
    if (take_line(import, columns, count)) {
        import->good++;
        return;
    }
    import->bad++;
    cli_error("line %llu was left out", (unsigned long long)import->line);
}

static uint64_t count_lines(FILE *file) {
    char line[LINE_SIZE];
    uint64_t count = 0;
    while (fgets(line, sizeof(line), file) != NULL)
        count += strchr(line, '\n') != NULL;
    crypto_wipe(line, sizeof(line));
    rewind(file);
    return count;
}

static void import_file(struct import *import, FILE *file) {
    char line[LINE_SIZE];
    uint64_t total = count_lines(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        import->line++;
        if (strchr(line, '\n') == NULL && feof(file) == 0) {
            cli_error("line %llu is too long", (unsigned long long)import->line);
            import->bad++;
            break;
        }
        import_line(import, line);
        cli_progress("importing", import->line, total);
    }
    cli_progress_end();
    crypto_wipe(line, sizeof(line));
}

static void print(const struct import *import) {
    struct report report = report_begin(import->cli);
    report_number(&report, "imported", import->good);
    report_number(&report, "left-out", import->bad);
    report_bool(&report, "dry-run", import->cli->dry_run);
    report_end(&report);
}

static enum cli_exit import_from(struct import *import, const char *path) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        cli_error("%s: %s", path, strerror(errno));
        return CLI_FAILED;
    }
    import_file(import, file);
    (void)fclose(file);
    print(import);
    return import->bad == 0 ? CLI_GOOD : CLI_FAILED;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    const char *store = NULL, *mnc_digits = NULL;
    struct import import = {.cli = cli, .mnc_digits = 2};
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
    enum cli_exit result = usim_directory_open(cli, store, !cli->dry_run, &import.directory);
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
    "hexadecimal digits; a PIN is then asked for. Lines that are not right are told and left out, and the rest is\n"
    "imported. A first line with names and lines that begin with # are skipped.\n\n"
    "  --store=DIRECTORY       where the profiles are\n"
    "  --mnc-digits=2|3        of the network code in the IMSIs (2)\n",
    run,
};
