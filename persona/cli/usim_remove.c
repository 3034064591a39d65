// SPDX-License-Identifier: BSD-3-Clause
// flipside usim remove
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "crypto/hkdf.h"
#include "usim_record.h"

struct removal {
    struct usim_directory directory;
    struct usim_entry entry;
    struct usim_holder holder;
};

/* `usim serve` locks the state, and takes the directory's lock before: it can't begin meanwhile. */
static enum cli_exit check_not_served(const struct removal *removal) {
    char path[CLI_PATH_SIZE];
    const char *iccid = removal->entry.profile.iccid;
    if (!usim_path(&removal->directory, iccid, USIM_SERVED, path))
        return CLI_FAILED;
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool served = file >= 0 && flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (file >= 0)
        (void)close(file);
    if (!served)
        return CLI_GOOD;
    cli_error("%s is being served just now: end that 'flipside usim serve' first (interrupt it)", iccid);
    return CLI_REFUSED;
}

/* Whether the device that has it is still enrolled, is in the organisation's record. */
static enum cli_exit check_device(const struct cli *cli, struct removal *removal) {
    struct record record;
    const struct usim_profile *profile = &removal->entry.profile;
    bool named = cli_has_organisation(cli);
    if (!named && removal->holder.kind != USIM_DEVICE)
        return CLI_GOOD;
    if (!named) {
        cli_error("%s was issued to the device %.16s: give --org=DIRECTORY, where it is seen whether that is still "
                  "enrolled",
                  profile->iccid, removal->holder.hex);
        return CLI_REFUSED;
    }
    if (!record_open(&record, cli))
        return CLI_FAILED;
    enum cli_exit status = usim_record_check_removal(&record, profile, &removal->holder);
    record_close(&record);
    return status;
}

static enum cli_exit check(const struct cli *cli, struct removal *removal) {
    enum cli_exit status = usim_holder_read(&removal->directory, &removal->entry.profile, &removal->holder);
    if (status == CLI_GOOD)
        status = check_not_served(removal);
    if (status == CLI_GOOD)
        status = check_device(cli, removal);
    return status;
}

static bool confirm(const struct removal *removal) {
    char question[512];
    const struct usim_profile *profile = &removal->entry.profile;
    const char *had_by = removal->holder.kind == USIM_DEVICE         ? "the device "
                         : removal->holder.kind == USIM_THIS_MACHINE ? "this machine, which served it"
                                                                     : "nobody so far";
    (void)snprintf(question, sizeof(question),
                   "The profile and its K will be gone\n    ICCID %s\n    IMSI  %s\n    had by %s%s\nRemove it?",
                   profile->iccid, profile->imsi, had_by, removal->holder.hex);
    return terminal_confirm(question, "--yes");
}

static bool take_away(const struct removal *removal) {
    const struct usim_profile *profile = &removal->entry.profile;
    if (removal->holder.kind != USIM_NOBODY && !usim_removal_write(&removal->directory, profile, &removal->holder))
        return false;
    return usim_take_away(&removal->directory, profile);
}

static void print(const struct cli *cli, const struct removal *removal) {
    static const char *const words[] = {
        [USIM_NOBODY] = "nobody", [USIM_DEVICE] = "device", [USIM_THIS_MACHINE] = "this machine"};
    struct report report = report_begin(cli);
    report_text(&report, "iccid", removal->entry.profile.iccid);
    report_text(&report, "imsi", removal->entry.profile.imsi);
    report_text(&report, "had-by", words[removal->holder.kind]);
    report_text(&report, "thumbprint", removal->holder.hex);
    report_bool(&report, "dry-run", cli->dry_run);
    report_end(&report);
}

static enum cli_exit remove_from(const struct cli *cli, const char *store, const char *iccid, bool yes,
                                 struct removal *removal) {
    enum cli_exit status = usim_directory_open(cli, store, cli->dry_run ? USIM_READ : USIM_CHANGE, &removal->directory);
    if (status == CLI_GOOD)
        status = usim_load(&removal->directory, iccid, &removal->entry);
    if (status == CLI_GOOD)
        status = check(cli, removal);
    if (status == CLI_GOOD && !cli->dry_run && !yes && !confirm(removal))
        status = CLI_REFUSED;
    if (status == CLI_GOOD && !cli->dry_run && !take_away(removal))
        status = CLI_FAILED;
    if (status == CLI_GOOD)
        print(cli, removal);
    return status;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv) {
    static struct removal removal;
    const char *store = NULL;
    bool yes = false;
    const struct option_value options[] = {{.name = "store", .to = &store}, {.name = "yes", .flag = &yes}};
    int at = cli_options_and(cli, options, 2, argc, argv, "the ICCID of one USIM is needed");
    if (at == 0)
        return CLI_USAGE;
    enum cli_exit status = remove_from(cli, store, argv[at], yes, &removal);
    usim_directory_close(&removal.directory);
    crypto_wipe(&removal, sizeof(removal));
    return status;
}

const struct verb verb_usim_remove = {
    {"usim", "remove"},
    "take a USIM's profile out of the store",
    "usage: flipside usim remove --store=DIRECTORY [--yes] ICCID\n\n"
    "Overwrites the profile and takes it away; what the disk, its snapshots and its backups keep of it is out of "
    "reach,\n"
    "and opens to the passphrase. The network is not told: take the subscriber out of its authentication centre.\n\n"
    "One that a device has is removed once the device is ('flipside device remove'), which --org is needed to see; "
    "one\n"
    "that is being served, once that has ended. Whoever had a USIM had its keys: a sealed note stays beside, and "
    "neither\n"
    "this ICCID nor this IMSI with this K is ever taken into the store again, or issued from an older copy of it. The\n"
    "IMSI with another K and ICCID is: that is how a subscriber gets another card. Of one that nobody had nothing "
    "stays.\n\n"
    "  --store=DIRECTORY       where the profiles are\n"
    "  --yes                   do not ask\n",
    run,
};
