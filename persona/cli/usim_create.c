// SPDX-License-Identifier: BSD-3-Clause
// flipside usim create, flipside usim show
#include <stdlib.h>
#include <string.h>

#include "crypto/hkdf.h"
#include "persona/config.h"
#include "usim/suci.h"
#include "usim_known.h"

enum { LIST_MAX = 8, SPN_MAX = 16 };

struct wishes {
    const char *store, *iccid, *imsi, *mnc_digits, *algorithm, *op_file, *pin, *pin_file, *name, *routing;
    const char *personas[USIM_PERSONAS_MAX], *keys[USIM_HN_KEYS_MAX], *services[LIST_MAX];
    size_t persona_count, key_count, service_count;
    bool gsm, ask_pin;
};

/* OP, or TOP, in hexadecimal digits in a file: on the command line anyone on the machine reads it. */
static bool take_op(struct usim_profile *profile, const char *path) {
    char text[2 * AKA_KEY_MAX + 2] = {0};
    uint8_t op[AKA_KEY_MAX];
    size_t size = 0, op_size = profile->secret.algorithm == AKA_TUAK ? 32 : 16;
    if (path == NULL)
        return true;
    bool good = file_read(path, text, sizeof(text) - 1, &size);
    text[strcspn(text, "\r\n")] = '\0';
    good = good && usim_take_hex("OP", text, op, op_size) && aka_derive_opc(&profile->secret, op);
    crypto_wipe(text, sizeof(text));
    crypto_wipe(op, sizeof(op));
    return good;
}

/* PIN1, from one of three places at most. */
static bool take_pin(struct usim_profile *profile, const struct wishes *wishes) {
    const struct secret_wish wish = {.what = "PIN", .option = "pin-file", .file = wishes->pin_file, .twice = true};
    struct passphrase pin;
    profile->pins[0].enabled = wishes->pin != NULL || wishes->pin_file != NULL || wishes->ask_pin;
    if (!profile->pins[0].enabled)
        return true;
    if (wishes->pin != NULL)
        return usim_take_pin(profile->pins[0].value, wishes->pin, false);
    bool good = secret_get(&wish, &pin);
    pin.text[sizeof(pin.text) - 1] = '\0'; /* far behind a PIN's end */
    good = good && usim_take_pin(profile->pins[0].value, pin.text, false);
    crypto_wipe(&pin, sizeof(pin));
    return good;
}

static bool take_algorithm(struct random_stream *random, struct usim_profile *profile, const char *name) {
    if (name == NULL || strcmp(name, "milenage") == 0)
        return true;
    if (strcmp(name, "tuak") != 0) {
        cli_error("--algorithm=%s: milenage or tuak", name);
        return false;
    }
    profile->secret.algorithm = AKA_TUAK;
    profile->secret.k_size = 32;
    return random_bytes(random, profile->secret.k, 32) == RANDOM_OK &&
           random_bytes(random, profile->secret.opc, 32) == RANDOM_OK;
}

/* The last one: no persona is called otherwise, and of two accesses nobody knows which is meant. */
static bool is_other_persona(const struct usim_policy *policy) {
    const char *name = policy->personas[policy->persona_count].name;
    bool good = config_is_name(name);
    if (!good)
        cli_error("--persona=%s: a persona's name is [a-z0-9-]{1,31}", name);
    for (size_t i = 0; i < policy->persona_count && good; i++) {
        good = strcmp(policy->personas[i].name, name) != 0;
        if (!good)
            cli_error("--persona=%s is given twice", name);
    }
    return good;
}

/* NAME:read or NAME:authenticate */
static bool take_persona(struct usim_policy *policy, const char *text) {
    const char *colon = strchr(text, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);
    bool authenticate = colon != NULL && strcmp(colon + 1, "authenticate") == 0;
    if (length == 0 || length > USIM_PERSONA_NAME_MAX || (!authenticate && strcmp(colon + 1, "read") != 0)) {
        cli_error("--persona=%s: NAME:read or NAME:authenticate is needed", text);
        return false;
    }
    memcpy(policy->personas[policy->persona_count].name, text, length);
    policy->personas[policy->persona_count].access = authenticate ? USIM_AUTHENTICATE : USIM_READ_ONLY;
    return is_other_persona(policy) && ++policy->persona_count > 0;
}

/* SCHEME:ID:KEY, of the home network */
static bool take_key(struct usim_profile *profile, const char *text) {
    struct usim_hn_key *key = &profile->hn_keys[profile->hn_key_count];
    char *end = NULL;
    uint8_t scheme = text[0] == 'A' ? USIM_SCHEME_A : text[0] == 'B' ? USIM_SCHEME_B : USIM_SCHEME_NULL;
    unsigned long id = text[0] != '\0' && text[1] == ':' ? strtoul(text + 2, &end, 10) : 256;
    if (scheme == USIM_SCHEME_NULL || id > 255 || *end != ':') {
        cli_error("--suci-key=%s: A:ID:KEY or B:ID:KEY is needed, ID from 0 to 255, KEY in hexadecimal digits", text);
        return false;
    }
    key->id = (uint8_t)id;
    key->size = strlen(end + 1) / 2;
    if (key->size > 0 && key->size <= USIM_HN_KEY_MAX && !usim_take_hex("--suci-key", end + 1, key->key, key->size))
        return false;
    if (key->size > USIM_HN_KEY_MAX || !suci_key_fits((enum usim_scheme)scheme, key)) {
        cli_error("--suci-key=%s: not a public key of profile %c (TS 33.501 C.3.4)", text, text[0]);
        return false;
    }
    profile->schemes[profile->scheme_count++] = (struct usim_suci_scheme){scheme, (uint8_t)(++profile->hn_key_count)};
    return true;
}

static bool take_service(struct usim_profile *profile, const char *text) {
    char known[8 * USIM_SERVICES_SIZE * 4] = "";
    uint64_t number = 0;
    if (!cli_number("service", text, 1, 8 * USIM_SERVICES_SIZE, &number))
        return false;
    if (usim_service_is_carried((unsigned)number)) {
        usim_service_on(profile, (unsigned)number);
        return true;
    }
    for (unsigned service = 1; service <= 8 * USIM_SERVICES_SIZE; service++)
        if (usim_service_is_carried(service))
            (void)snprintf(known + strlen(known), sizeof(known) - strlen(known), " %u", service);
    cli_error("--service=%s: terminals would miss it, since the card does not have it; it has%s", text, known);
    return false;
}

static bool take_lists(struct usim_profile *profile, const struct wishes *wishes) {
    bool good = true;
    for (size_t i = 0; i < wishes->persona_count; i++)
        good &= take_persona(&profile->policy, wishes->personas[i]);
    for (size_t i = 0; i < wishes->key_count; i++)
        good &= take_key(profile, wishes->keys[i]);
    for (size_t i = 0; i < wishes->service_count; i++)
        good &= take_service(profile, wishes->services[i]);
    if (wishes->gsm) {
        usim_service_on(profile, USIM_SERVICE_GSM_ACCESS);
        usim_service_on(profile, USIM_SERVICE_GSM_SECURITY);
    }
    return good;
}

/* Characters that are the same in ASCII and in the default alphabet that the file has (TS 23.038 6.2.1). */
static bool is_plain(const char *name) {
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !\"#%&'()*+,-./:;<=>?") ==
           strlen(name);
}

/* EF SPN (TS 31.102 4.2.12): shown beside the network's name, then the name. */
static bool take_name(struct usim_profile *profile, const char *name, uint8_t *spn) {
    if (name == NULL)
        return true;
    if (strlen(name) > SPN_MAX || !is_plain(name)) {
        cli_error("--name=%s: at most %d of A-Z a-z 0-9, blanks and !\"#%%&'()*+,-./:;<=>?", name, SPN_MAX);
        return false;
    }
    memset(spn, 0xff, 1 + SPN_MAX);
    spn[0] = 0x01;
    for (size_t i = 0; name[i] != '\0'; i++)
        spn[1 + i] = (uint8_t)name[i];
    profile->contents[profile->content_count++] = (struct usim_content){0x7ff0, 0x6f46, {spn, 1 + SPN_MAX}};
    return true;
}

static bool take_routing(struct usim_profile *profile, const char *digits) {
    if (digits == NULL)
        return true;
    size_t length = strlen(digits);
    if (length == 0 || length > USIM_ROUTING_DIGITS || strspn(digits, "0123456789") != length) {
        cli_error("--routing-indicator=%s: 1 to %d digits are needed", digits, USIM_ROUTING_DIGITS);
        return false;
    }
    memcpy(profile->routing_indicator, digits, length + 1);
    return true;
}

static bool fill_in(struct random_stream *random, const struct wishes *wishes, struct usim_profile *profile,
                    uint8_t *spn) {
    uint64_t mnc_digits = 2;
    if (!usim_profile_new(random, profile))
        return false;
    if (wishes->mnc_digits != NULL && !cli_number("mnc-digits", wishes->mnc_digits, 2, 3, &mnc_digits))
        return false;
    return usim_take_iccid(profile, wishes->iccid) && usim_take_imsi(profile, wishes->imsi, (unsigned)mnc_digits) &&
           take_routing(profile, wishes->routing) && take_algorithm(random, profile, wishes->algorithm) &&
           take_op(profile, wishes->op_file) && take_name(profile, wishes->name, spn) && take_lists(profile, wishes) &&
           take_pin(profile, wishes);
}

/* Before anything is made or asked for. */
static bool make_profile(const struct wishes *wishes, struct usim_profile *profile, uint8_t *spn) {
    struct random_stream random;
    if (!host_random(&random))
        return false;
    bool good = fill_in(&random, wishes, profile, spn);
    random_stream_wipe(&random);
    enum usim_error error = good ? usim_profile_check(profile) : USIM_OK;
    if (error != USIM_OK)
        cli_error("%s: check the keys and digits that were given", usim_error_text(error));
    return good && error == USIM_OK;
}

static enum cli_exit add_new(const struct cli *cli, struct usim_known *known, const struct usim_profile *profile) {
    struct usim_tag tag;
    enum usim_news news = usim_known_compare(known, profile);
    if (news == USIM_THERE)
        cli_error("%s has a USIM %s already; it was left as it is", known->directory->path, profile->iccid);
    if (news != USIM_NEW)
        return CLI_FAILED;
    if (cli->dry_run)
        return CLI_GOOD;
    if (!usim_save(known->directory, profile, &tag) || !usim_known_add(known, profile, &tag, 0))
        return CLI_FAILED;
    usim_known_keep(known);
    return CLI_GOOD;
}

static enum cli_exit add_to(const struct cli *cli, const struct usim_directory *directory,
                            const struct usim_profile *profile) {
    struct usim_known known;
    enum cli_exit result = usim_known_open(&known, directory);
    if (result == CLI_GOOD)
        result = add_new(cli, &known, profile);
    usim_known_close(&known);
    return result;
}

static enum cli_exit create_one(const struct cli *cli, const struct wishes *wishes,
                                const struct usim_profile *profile) {
    struct usim_directory directory;
    enum cli_exit result = usim_directory_open(cli, wishes->store, USIM_MAKE, &directory);
    if (result == CLI_GOOD)
        result = add_to(cli, &directory, profile);
    usim_directory_close(&directory);
    if (result == CLI_GOOD) {
        struct report report = report_begin(cli);
        usim_report(&report, profile);
        report_bool(&report, "dry-run", cli->dry_run);
        report_end(&report);
    }
    return result;
}

static bool is_complete(const struct wishes *wishes, bool words_left) {
    if (words_left || wishes->iccid == NULL || wishes->imsi == NULL)
        cli_error("--iccid and --imsi are needed, and no further arguments");
    else if (wishes->store == NULL || wishes->store[0] == '\0')
        cli_error("where are the profiles to be? Give --store=DIRECTORY");
    else if ((wishes->pin != NULL) + (wishes->pin_file != NULL) + wishes->ask_pin > 1)
        cli_error("of --pin-file, --ask-pin and --pin one is enough");
    else
        return true;
    return false;
}

static enum cli_exit create(struct cli *cli, int argc, char **argv) {
    struct wishes wishes = {0};
    struct usim_profile profile;
    uint8_t spn[1 + SPN_MAX];
    const struct option_value options[] = {
        {.name = "store", .to = &wishes.store},
        {.name = "iccid", .to = &wishes.iccid},
        {.name = "imsi", .to = &wishes.imsi},
        {.name = "mnc-digits", .to = &wishes.mnc_digits},
        {.name = "algorithm", .to = &wishes.algorithm},
        {.name = "op-file", .to = &wishes.op_file},
        {.name = "pin-file", .to = &wishes.pin_file},
        {.name = "ask-pin", .flag = &wishes.ask_pin},
        {.name = "pin", .to = &wishes.pin},
        {.name = "name", .to = &wishes.name},
        {.name = "routing-indicator", .to = &wishes.routing},
        {.name = "gsm", .flag = &wishes.gsm},
        {.name = "persona",
         .list = wishes.personas,
         .list_room = USIM_PERSONAS_MAX,
         .list_count = &wishes.persona_count},
        {.name = "suci-key", .list = wishes.keys, .list_room = USIM_HN_KEYS_MAX, .list_count = &wishes.key_count},
        {.name = "service", .list = wishes.services, .list_room = LIST_MAX, .list_count = &wishes.service_count},
    };
    int at = cli_options(cli, options, sizeof(options) / sizeof(options[0]), argc, argv);
    if (at == 0 || !is_complete(&wishes, at != argc))
        return CLI_USAGE;
    memset(&profile, 0, sizeof(profile));
    enum cli_exit result = make_profile(&wishes, &profile, spn) ? create_one(cli, &wishes, &profile) : CLI_FAILED;
    crypto_wipe(&profile, sizeof(profile));
    return result;
}

static enum cli_exit show_one(void *context, const struct usim_entry *entry) {
    struct report *report = context;
    report_item_begin(report);
    usim_report(report, &entry->profile);
    report_item_end(report);
    return CLI_GOOD;
}

static enum cli_exit show_all(const struct cli *cli, const struct usim_directory *directory) {
    struct report report = report_begin(cli);
    report_list_begin(&report, "usims");
    enum cli_exit result = usim_each(directory, show_one, &report);
    report_list_end(&report);
    report_end(&report);
    return result;
}

static enum cli_exit show_in(const struct cli *cli, const struct usim_directory *directory, const char *iccid) {
    struct usim_entry entry;
    if (iccid == NULL)
        return show_all(cli, directory);
    enum cli_exit result = usim_load(directory, iccid, &entry);
    if (result == CLI_GOOD) {
        struct report report = report_begin(cli);
        report_list_begin(&report, "usims");
        result = show_one(&report, &entry);
        report_list_end(&report);
        report_end(&report);
    }
    crypto_wipe(&entry, sizeof(entry));
    return result;
}

static enum cli_exit show(struct cli *cli, int argc, char **argv) {
    const char *store = NULL;
    struct usim_directory directory;
    const struct option_value options[] = {{.name = "store", .to = &store}};
    int at = cli_options(cli, options, 1, argc, argv);
    if (at == 0)
        return CLI_USAGE;
    if (argc - at > 1) {
        cli_error("one ICCID at most is shown; without one, all are");
        return CLI_USAGE;
    }
    enum cli_exit result = usim_directory_open(cli, store, USIM_READ, &directory);
    if (result == CLI_GOOD)
        result = show_in(cli, &directory, argc > at ? argv[at] : NULL);
    usim_directory_close(&directory);
    return result;
}

const struct verb verb_usim_create = {
    {"usim", "create"},
    "make a USIM's profile",
    "usage: flipside usim create --store=DIRECTORY --iccid=DIGITS --imsi=DIGITS [OPTIONS]\n\n"
    "Makes a profile with a random K and OPc, and keeps it sealed in DIRECTORY. Its key is made with the first one.\n\n"
    "  --store=DIRECTORY       where the profiles are\n"
    "  --iccid=DIGITS          18 digits; the check digit is added, or may be given\n"
    "  --imsi=DIGITS           6 to 15 digits\n"
    "  --mnc-digits=2|3        of the network code in the IMSI (2)\n"
    "  --algorithm=NAME        milenage (default) or tuak\n"
    "  --op-file=FILE          the operator's OP or TOP in hexadecimal digits; else OPc is random\n"
    "  --pin-file=FILE         PIN1, 4 to 8 digits in FILE, - for standard input; the card then asks for it, else not\n"
    "  --ask-pin               the same, asked for on the terminal\n"
    "  --pin=DIGITS            the same; everyone on this machine can see it while this runs, and it stays in the\n"
    "                          shell's history\n"
    "  --gsm                   2G access (services 27 and 38)\n"
    "  --name=TEXT             the operator's name, at most 16 unaccented letters, digits, blanks and signs\n"
    "  --routing-indicator=DIGITS  of the home network, 1 to 4 digits\n"
    "  --suci-key=A|B:ID:KEY   a public key of the home network, the preferred one first; up to 4\n"
    "  --service=NUMBER        another service of the service table that the card has: 125 makes it compute SUCIs\n"
    "                          itself, 130 is for a subscriber who has no IMSI\n"
    "  --persona=NAME:ACCESS   a persona that may use it, ACCESS read or authenticate; without any, all may\n",
    create,
};

const struct verb verb_usim_show = {
    {"usim", "show"},
    "show USIM profiles without their secrets",
    "usage: flipside usim show --store=DIRECTORY [ICCID]\n\n"
    "Shows one profile, or all, with nothing that is secret.\n\n"
    "  --store=DIRECTORY       where the profiles are\n",
    show,
};
