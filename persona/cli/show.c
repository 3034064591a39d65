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
