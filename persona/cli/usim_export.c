// SPDX-License-Identifier: BSD-3-Clause
// flipside usim export-auc
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "crypto/hkdf.h"
#include "usim.h"

enum { LINE_MAX_SIZE = 512 };

/* What an authentication centre takes. */
struct format {
    const char *name, *head; /* what comes before the first USIM */
    int (*line)(const struct usim_profile *profile, char *line, size_t room);
};

/* What is exported is all secret: it is put together in memory, written once with mode 0600, and wiped. */
struct export {
    const struct format *format;
    uint64_t count;
    char *text;
    size_t size, room;
};

struct keys {
    char k[2 * AKA_KEY_MAX + 1], opc[2 * AKA_KEY_MAX + 1];
    uint64_t sqn;
};

static struct keys keys_of(const struct usim_profile *profile) {
    struct keys keys;
    hex_write(keys.k, profile->secret.k, profile->secret.k_size);
    hex_write(keys.opc, profile->secret.opc, profile->secret.algorithm == AKA_TUAK ? 32 : 16);
    keys.sqn = aka_sqn_ms(&profile->array);
    return keys;
}

/* hostapd's milenage_db of hlr_auc_gw: IMSI Ki OPc AMF SQN. */
static int hostapd_line(const struct usim_profile *profile, char *line, size_t room) {
    struct keys keys = keys_of(profile);
    int size = profile->secret.algorithm == AKA_TUAK ? -1
                                                     : snprintf(line, room, "%s %s %s 8000 %012llx\n", profile->imsi,
                                                                keys.k, keys.opc, (unsigned long long)keys.sqn);
    crypto_wipe(&keys, sizeof(keys));
    return size;
}

/* Commands of osmo-hlr's terminal. */
static int osmo_hlr_line(const struct usim_profile *profile, char *line, size_t room) {
    struct keys keys = keys_of(profile);
    const char *imsi = profile->imsi;
    int size = 0;
    if (profile->secret.algorithm == AKA_TUAK)
        size = snprintf(line, room,
                        "subscriber imsi %s create\nsubscriber imsi %s update aud3g tuak k %s opc %s ind-bitlen %d\n",
                        imsi, imsi, keys.k, keys.opc, AKA_IND_BITS);
    else
        size =
            snprintf(line, room,
                     "subscriber imsi %s create\nsubscriber imsi %s update aud3g milenage k %s opc %s ind-bitlen %d\n",
                     imsi, imsi, keys.k, keys.opc, AKA_IND_BITS);
    crypto_wipe(&keys, sizeof(keys));
    return size;
}

/* A line for mongoimport --collection subscribers. Of the sequence number only a 64-bit integer is taken, which a plain
 * small number does not become. */
static int open5gs_line(const struct usim_profile *profile, char *line, size_t room) {
    struct keys keys = keys_of(profile);
    int size = profile->secret.algorithm == AKA_TUAK
                   ? -1
                   : snprintf(line, room,
                              "{\"imsi\":\"%s\",\"security\":{\"k\":\"%s\",\"opc\":\"%s\",\"op\":null,"
                              "\"amf\":\"8000\",\"sqn\":{\"$numberLong\":\"%llu\"}},\"schema_version\":1}\n",
                              profile->imsi, keys.k, keys.opc, (unsigned long long)keys.sqn);
    crypto_wipe(&keys, sizeof(keys));
    return size;
}

static bool make_room(struct export *export) {
    if (export->room - export->size >= LINE_MAX_SIZE)
        return true;
    size_t room = 2 * export->room + LINE_MAX_SIZE;
    char *text = malloc(room);
    if (text == NULL) {
        cli_error("no memory");
        return false;
    }
    if (export->size > 0)
        memcpy(text, export->text, export->size);
    if (export->text != NULL)
        crypto_wipe(export->text, export->room);
    free(export->text);
    export->text = text;
    export->room = room;
    return true;
}

static enum cli_exit add(void *context, const struct usim_entry *entry) {
    struct export *export = context;
    if (!make_room(export))
        return CLI_FAILED;
    int size = export->format->line(&entry->profile, export->text + export->size, LINE_MAX_SIZE);
    if (size < 0 || size >= LINE_MAX_SIZE) {
        cli_error("%s: the format %s has no TUAK", entry->profile.iccid, export->format->name);
        return CLI_FAILED;
    }
    export->size += (size_t)size;
    export->count++;
    return CLI_GOOD;
}

static enum cli_exit add_all(const struct usim_directory *directory, struct export *export, int count, char **iccids) {
    enum cli_exit result = CLI_GOOD;
    struct usim_entry entry;
    if (!make_room(export))
        return CLI_FAILED;
    export->size = (size_t)snprintf(export->text, LINE_MAX_SIZE, "%s", export->format->head);
    if (count == 0)
        return usim_each(directory, add, export);
    for (int i = 0; i < count && result == CLI_GOOD; i++) {
        result = usim_load(directory, iccids[i], &entry);
        if (result == CLI_GOOD)
            result = add(export, &entry);
        crypto_wipe(&entry, sizeof(entry));
    }
    return result;
}

static const struct format *find_format(const char *name) {
    /* osmo-hlr takes changes only once it is told so. */
    static const struct format formats[] = {
        {"hostapd", "", hostapd_line}, {"osmo-hlr", "enable\n", osmo_hlr_line}, {"open5gs", "", open5gs_line}};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(name, formats[i].name) == 0)
            return &formats[i];
    cli_error("--format=%s: hostapd, osmo-hlr or open5gs is needed", name);
    return NULL;
}

static enum cli_exit export_to(const struct cli *cli, const char *store, const char *output, struct export *export,
                               int count, char **iccids) {
    struct usim_directory directory;
    enum cli_exit result = usim_directory_open(cli, store, USIM_READ, &directory);
    if (result == CLI_GOOD)
        result = add_all(&directory, export, count, iccids);
    usim_directory_close(&directory);
    if (result == CLI_GOOD && !cli->dry_run && !file_write(output, export->text, export->size, true))
        result = CLI_FAILED;
    return result;
}

static void print(const struct cli *cli, const struct export *export, const char *output) {
    struct report report = report_begin(cli);
    report_text(&report, "format", export->format->name);
    report_number(&report, "usims", export->count);
    report_text(&report, "output", output);
    report_bool(&report, "dry-run", cli->dry_run);
    report_end(&report);
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    const char *store = NULL, *format = NULL, *output = NULL;
    struct export export = {0};
    const struct option_value options[] = {
        {.name = "store", .to = &store}, {.name = "format", .to = &format}, {.name = "output", .to = &output}};
    int at = cli_options(cli, options, 3, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (format == NULL || output == NULL || strcmp(output, "-") == 0) {
        cli_error("--format=FORMAT and --output=FILE are needed: what is exported is secret and is not printed");
        return CLI_USAGE;
    }
    export.format = find_format(format);
    if (export.format == NULL)
        return CLI_FAILED;
    enum cli_exit result = export_to(cli, store, output, &export, argc - at, argv + at);
    if (result == CLI_GOOD)
        print(cli, &export, output);
    if (export.text != NULL)
        crypto_wipe(export.text, export.room);
    free(export.text);
    return result;
}

const struct verb verb_usim_export = {
    {"usim", "export-auc"},
    "write the network's side of USIM profiles",
    "usage: flipside usim export-auc --store=DIRECTORY --format=FORMAT --output=FILE [ICCID...]\n\n"
    "Writes K, OPc and the sequence number of each USIM, or of all, for an authentication centre.\n"
    "FILE is as secret as the USIMs are. The sequence number is the one that the profile has, not that of a card in "
    "use:\n"
    "a centre that starts from it is set right by the card's first answer (AUTS), which all three understand.\n\n"
    "  --store=DIRECTORY       where the profiles are\n"
    "  --format=FORMAT         hostapd (milenage file of hlr_auc_gw), osmo-hlr (commands of its terminal, which has\n"
    "                          none for the sequence number), open5gs (JSON lines for mongoimport; what a subscriber\n"
    "                          may use is not in them)\n"
    "  --output=FILE           where to write\n",
    run,
};
