// SPDX-License-Identifier: BSD-3-Clause
#include "show.h"

void show_manifest_fields(struct report *report, const struct manifest *manifest) {
    static const char *const kinds[] = {"", "kernel", "initrd", "root"};
    report_text(report, "name", manifest->name);
    report_hex(report, "id", manifest->id, sizeof(manifest->id));
    report_text(report, "title", manifest->title);
    report_number(report, "version", manifest->version);
    report_number(report, "minimum-version", manifest->minimum_version);
    report_text(report, "command-line", manifest->command_line);
    report_text(report, "unlock", manifest->unlock == MANIFEST_UNLOCK_PIN ? "pin" : "device");
    if (manifest->flip_timeout_s > 0)
        report_number(report, "flip-timeout", manifest->flip_timeout_s);
    if (manifest->prewarm_s > 0)
        report_number(report, "prewarm", manifest->prewarm_s);
    if (manifest->alarm_flip)
        report_bool(report, "alarm-flip", true);
    report_number(report, "devices", manifest->device_count);
    report_list_begin(report, "boards");
    for (size_t i = 0; i < manifest->board_count; i++) {
        report_item_begin(report);
        report_text(report, "name", manifest->boards[i]);
        report_item_end(report);
    }
    report_list_end(report);
    report_list_begin(report, "components");
    for (size_t i = 0; i < manifest->component_count; i++) {
        const struct manifest_component *component = &manifest->components[i];
        report_item_begin(report);
        report_text(report, "kind", kinds[component->kind]);
        report_text(report, "file", component->file);
        report_number(report, "size", component->size);
        report_number(report, "memory", component->memory);
        if (component->packing == MANIFEST_LZ4) {
            report_text(report, "compression", "lz4");
            report_number(report, "unpacked", component->unpacked);
        }
        report_hex(report, "digest", component->digest, sizeof(component->digest));
        report_item_end(report);
    }
    report_list_end(report);
}

enum cli_exit show_list(struct cli *cli, int argc, char **argv, const char *what,
                        enum cli_exit (*list)(struct record *record, struct report *report)) {
    struct record record;
    char name[CONFIG_NAME_SIZE];
    int at = cli_options(cli, NULL, 0, argc, argv);
    if (at != argc) {
        if (at != 0)
            cli_error("%s list takes no arguments", what);
        return CLI_USAGE;
    }
    if (!record_open(&record, cli))
        return CLI_FAILED;
    (void)snprintf(name, sizeof(name), "%ss", what);
    struct report report = report_begin(cli);
    report_list_begin(&report, name);
    enum cli_exit status = list(&record, &report);
    report_list_end(&report);
    report_end(&report);
    record_close(&record);
    return status;
}

enum cli_exit show_one(struct cli *cli, int argc, char **argv, const char *what,
                       enum cli_exit (*show)(const struct cli *cli, struct record *record, const char *name)) {
    struct record record;
    int at = cli_options(cli, NULL, 0, argc, argv);
    if (at == 0 || at != argc - 1) {
        if (at != 0)
            cli_error("one is needed: flipside %s show NAME", what);
        return CLI_USAGE;
    }
    if (!record_open(&record, cli))
        return CLI_FAILED;
    enum cli_exit status = show(cli, &record, argv[at]);
    record_close(&record);
    return status;
}
