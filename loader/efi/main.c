// SPDX-License-Identifier: BSD-3-Clause
#include "allocate.h"
#include "console.h"
#include "session.h"

/**
 * The loader, from start.S.
 * @return to the firmware, only when nothing was started
 */
efi_status loader_main(efi_handle image, struct efi_system_table *table);

/* Static: too large for the stack that the firmware gives. */
static struct session session;

static void run(void) {
    session_load(&session);
    for (;;) {
        session_plan(&session, true);
        size_t chosen = session_pick(&session);
        if (chosen == SIZE_MAX)
            return;
        if (session.personas[chosen].state == SESSION_READY || session_unlock(&session, chosen, false))
            session_start(&session, chosen);
        session.start_failed = true;
    }
}

efi_status loader_main(efi_handle image, struct efi_system_table *table) {
    firmware_open(image, table);
    console_open(table);
    allocate_open(table->boot_services);
    console_print("\nFlipside loader " FLIPSIDE_VERSION "\n");
    if (!session_open(&session)) {
        console_print("Nothing can be started; back to the firmware\n");
        files_close(&session.files);
        return EFI_LOAD_ERROR;
    }
    run();
    session_unload(&session);
    files_close(&session.files);
    return EFI_SUCCESS;
}
