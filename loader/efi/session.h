// SPDX-License-Identifier: BSD-3-Clause
#ifndef LOADER_SESSION_H
#define LOADER_SESSION_H

/** All that the loader knows, from its start to the hand-over, and the steps that it takes. */

#include "board/board.h"
#include "device_path.h"
#include "elf.h"
#include "files.h"
#include "firmware.h"
#include "kernel_image.h"
#include "persona/store.h"
#include "persona/vault.h"
#include "persona/vault_usim.h"
#include "region.h"

enum session_state {
    SESSION_READY = 0,  /* can be started */
    SESSION_LOCKED,     /* encrypted: session_unlock() makes it ready */
    SESSION_LEFT,       /* stays locked at this start: the unlocker asks for its PIN at the first flip to it */
    SESSION_LOCKED_OUT, /* too many wrong PINs: only the organisation can help */
    SESSION_REFUSED,    /* not signed, or not for this device */
    SESSION_DAMAGED,    /* its files are wrong */
    SESSION_NO_FIT,     /* there is not enough memory */
};

#define SESSION_CREDENTIAL "cryptsetup.passphrase" /* the volume key's file behind the initrd */

enum { SESSION_VERSION_SIZE = 21 /* bytes of a version in decimal digits, with the NUL */ };

/** Memory that the firmware gave. */
struct session_buffer {
    uint8_t *memory; /* NULL: none */
    uint64_t size;   /* bytes */
};

/** A persona of the store with its files; store.personas has the rest under the same index. */
struct session_persona {
    enum session_state state;
    char reason[STORE_REASON_SIZE]; /* why it is not ready, one line; or what to know though it is; or "" */
    struct session_buffer kernel_file;
    struct session_buffer unpacked; /* the Image, where the file is not one */
    struct session_buffer initrd;
    struct kernel_image image;
    uint64_t room;                     /* bytes of memory that it takes to open it, where the unlocker does; else 0 */
    uint64_t tpm;                      /* page of the TPM's registers, where the unlocker needs it; else 0 */
    struct memory_partition partition; /* SESSION_READY, SESSION_LOCKED: after session_plan() */
    /* of an encrypted one */
    uint64_t kernel_need; /* bytes of memory, as the manifest says, while it is locked */
    uint64_t initrd_need;
    uint32_t attempts_left;   /* SESSION_LOCKED; 0: it asks for no PIN, or for a new one */
    uint32_t delay_s;         /* before the next attempt */
    bool recovery;            /* its PIN is new since the old one was lost */
    bool code;                /* it asks for an activation code before that */
    uint32_t flip_timeout_s;  /* 0: the terminal's */
    uint8_t id[KEYS_ID_SIZE]; /* of its manifest */
    char version[SESSION_VERSION_SIZE];
    char up[VAULT_UP_SIZE];
};

struct session {
    struct board board;
    const void *tree; /* the firmware's device tree */
    size_t tree_size;
    struct elf_image switcher;
    struct files files;
    struct store_files access;
    struct vault vault;
    enum vault_error vault_error; /* of opening it */
    struct vault_usim usim;       /* after session_open_usim() */
    struct region_usim usim_part; /* the same, for the region; size 0: none */
    struct store store;
    bool store_found;
    char store_partition[DEVICE_PATH_PARTITION_SIZE]; /* where the store is; "": not known */
    bool start_failed; /* the user chose, or nobody did, and was told why that can't be */
    struct session_persona personas[STORE_PERSONAS_MAX];
    struct firmware_memory memory;
    struct memory_plan plan;
    struct region_request request;            /* of the personas that are ready and fit */
    size_t request_index[STORE_PERSONAS_MAX]; /* where those are in the store */
};

/**
 * Finds out which board this is and checks the switcher's image (find.c). Prints what it finds or what is wrong.
 * @return whether the loader can go on
 */
__attribute__((warn_unused_result)) bool session_open(struct session *session);

/**
 * Opens the device's part of the store (device.c); at the first start, makes it. Prints what the user is to know.
 * Encrypted personas can be opened when session->vault_error is VAULT_OK.
 */
void session_open_vault(struct session *session);

/**
 * Opens the device's USIM, if it has one (usim.c); the vault is open. Prints what the user is to know. One that cannot
 * be used is left out of the start.
 */
void session_open_usim(struct session *session);

/** Prints who this device is and where its key is kept. */
void session_print_device(const struct session *session);

/** Looks at an encrypted persona that is not open, and notes what that tells (device.c). @return what the vault says */
__attribute__((warn_unused_result)) enum vault_status session_look(struct session *session, size_t index);

/** Takes over what a manifest says of a persona that is not a file. */
void session_take_manifest(struct session *session, size_t index, const struct manifest *manifest);

/**
 * Asks for the PIN of an encrypted persona, as long as that makes sense, and reads its files (unlock.c). Prints why it
 * did not work.
 * @param change also asks for a new PIN, whether the persona was open already or not
 * @return whether the persona is ready
 */
bool session_unlock(struct session *session, size_t index, bool change);

/**
 * Reads and decrypts the files of a persona that was opened (decrypt.c), and puts the credential behind its initrd.
 * Prints what it does.
 * @return whether the persona is ready; if not, it is marked with the reason
 */
__attribute__((warn_unused_result)) bool session_decrypt(struct session *session, size_t index,
                                                         const struct vault_unlocked *unlocked);

/**
 * Makes every persona that is locked ready to be opened by the unlocker, with its encrypted files beside it (leave.c).
 * Prints which stay locked, and which are left out of this start, with the reason.
 */
void session_leave_locked(struct session *session);

/** Undoes session_leave_locked(), after a start that failed. */
void session_take_back(struct session *session);

/** Reads the store and all files of its personas, and checks them (load.c). Prints what it does. */
void session_load(struct session *session);

/** Gives back the memory of session_load(). */
void session_unload(struct session *session);

/** Notes that a persona can't be started. @param format of the reason */
__attribute__((format(printf, 4, 5))) void session_mark(struct session *session, size_t index, enum session_state state,
                                                        const char *format, ...);

/**
 * Plans memory for all personas that are ready; those that do not fit become SESSION_NO_FIT (plan.c).
 * @param locked also for those that are locked, by what their manifests say
 */
void session_plan(struct session *session, bool locked);

/** @return whether there is such a persona and the user can choose it: it is ready or locked */
bool session_can_choose(const struct session *session, size_t index);

/** @return the persona to start when nobody chooses: the store's default, else the first; SIZE_MAX: none can be */
size_t session_default(const struct session *session);

/**
 * Lets the user choose (picker.c); counts down unless a start has failed, which would fail again.
 * @return index of a persona that is ready or locked; SIZE_MAX: back to the firmware
 */
size_t session_pick(struct session *session);

/** Prints memory, plan, and what each persona reaches (detail.c). */
void session_print_detail(const struct session *session);

/**
 * Fills the switcher's region and leaves for the switcher (start.c). Returns only on failure, which has then been
 * printed and, where it is one persona's, noted with it.
 * @param chosen index of the persona to start first
 */
void session_start(struct session *session, size_t chosen);

/**
 * Says whether what devices write by themselves is confined to the running persona's memory, and which ones are not.
 * @return whether to start: confined, or flipside.conf allows it
 */
__attribute__((warn_unused_result)) bool session_check_dma(const struct session *session);

#endif
