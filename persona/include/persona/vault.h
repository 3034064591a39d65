// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_VAULT_H
#define PERSONA_VAULT_H

/**
 * The encrypted personas of a device: who the device is, what it remembers, and the way from a PIN to a persona's key.
 * The same code runs in the loader and, in the tests, over a disk whose power is cut at every sector.
 *
 *     organisation                    its root key (organisation.h), put there by `flipside install`
 *     device/key                      4096 bytes: the device's key and secret (device_key.h)
 *     device/state.a  device/state.b  4096 bytes each (state.h)
 *     device/request                  1024 bytes: the request to be enrolled (enrolment.h)
 *     personas/NAME/grant             4096 bytes: the persona's key for this device (grant.h); zeros once it was taken
 *     personas/NAME/slots.a slots.b   16384 bytes each (slots.h)
 *     personas/NAME/up                what the running system says when a version came up: vault_unlocked.up
 *     personas/NAME/a/  b/            two versions: manifest, content.key, content.own (512 bytes), components
 *
 * What objects have less than a file's size is zeros; a file of nothing but zeros is as good as none. The device writes
 * these files only in place. A change is made in an order in which a cut at any point leaves the old or the new state:
 * key slots go to the copy that does not count, and count once the state says so, which has two copies itself; then the
 * other copy is wiped, which an earlier PIN would still open.
 *
 * Nothing is allocated here but by mbedTLS and Argon2, and nothing is printed: every function that fails leaves one
 * line for the user in vault.reason. A vault is large (some 200 KiB): keep it out of the stack.
 *
 * In turn: vault_open(); vault_look() at each persona; where that says `code`, vault_activate() with what the user
 * typed; the caller waits delay_s and asks for a PIN; vault_unlock(), and vault_set_pin() if the user wants;
 * vault_close().
 */

#include "crypto/pin.h"
#include "crypto/tpm.h"
#include "persona/content.h"
#include "persona/device_key.h"
#include "persona/enrolment.h"
#include "persona/grant.h"
#include "persona/manifest.h"
#include "persona/organisation.h"
#include "persona/slots.h"
#include "persona/state.h"
#include "persona/store.h"

enum {
    VAULT_KEY_FILE_SIZE = 4096, /* bytes of each file */
    VAULT_STATE_FILE_SIZE = 4096,
    VAULT_REQUEST_FILE_SIZE = 1024,
    VAULT_GRANT_FILE_SIZE = 4096,
    VAULT_SLOTS_FILE_SIZE = 16384,
    VAULT_OWN_FILE_SIZE = 512,         /* content.own */
    VAULT_UP_FILE_SIZE = 512,          /* up */
    VAULT_CONTENT_FILE_MAX = 65536,    /* content.key, at most */
    VAULT_PIN_MIN = 4,                 /* bytes of a new PIN; the most is PIN_SIZE_MAX */
    VAULT_PIN_LIMIT_MS = 2000,         /* that an attempt may take where pin_memory_kib is above PIN_MEMORY_FLOOR */
    VAULT_UP_SIZE = 2 * KEYS_SIZE + 1, /* bytes of an up-token in hexadecimal digits, with the NUL */
    VAULT_VERSIONS = 2,                /* a, b */
    VAULT_TPM_FAILURES = 16,           /* wrong PINs that the TPM lets through, all personas' together, ... */
    VAULT_TPM_INTERVAL_S = 1800,       /* ... and seconds until it forgets one */
    VAULT_CODE_DELAY_S = 2,            /* for the caller to wait after a wrong activation code */
};

enum vault_error {
    VAULT_OK = 0,
    /* of the device: no encrypted persona can be started */
    VAULT_NO_ORGANISATION,  /* there is no file `organisation`, and no device key: this terminal has none */
    VAULT_BAD_ORGANISATION, /* it is damaged, or missing where there is a device key */
    VAULT_WRONG_ROOT,       /* it is of another root than the one that this device was set up for */
    VAULT_NO_ENTROPY,       /* nothing gives random numbers */
    VAULT_KEY_LOST,         /* the device's key is missing or damaged, while its request is there */
    VAULT_NO_TPM,           /* the device's key is sealed in a TPM, and there is none */
    VAULT_OTHER_TPM,        /* it is another TPM, or it was cleared */
    VAULT_TPM_FAILED,       /* the TPM does not work; vault.tpm_error has more */
    VAULT_STATE_LOST,       /* the state is missing or damaged */
    VAULT_ROLLED_BACK,      /* the state is an earlier one: the disk was put back */
    /* of a persona */
    VAULT_NO_PERSONA,     /* nothing of an encrypted persona is in that folder */
    VAULT_REFUSED,        /* its objects are damaged, forged, or not meant for this place */
    VAULT_TOO_MANY,       /* the device remembers as many personas as it can */
    VAULT_CODE_NEEDED,    /* vault_activate() comes first */
    VAULT_CODE_BAD,       /* no activation code, or one that was mistyped: nothing was tried */
    VAULT_WRONG_CODE,     /* another activation code */
    VAULT_PIN_NEEDED,     /* no PIN was given */
    VAULT_NO_PIN,         /* a PIN was given to be changed where none is used */
    VAULT_PIN_BAD,        /* a new PIN that is shorter than VAULT_PIN_MIN or longer than PIN_SIZE_MAX */
    VAULT_WRONG_PIN,      /* vault_look() tells how many attempts are left */
    VAULT_LOCKED_OUT,     /* STATE_ATTEMPTS_MAX wrong ones: only the organisation can help, with a grant */
    VAULT_TPM_LOCKED_OUT, /* the TPM takes no PIN for a while; no attempt was counted */
    VAULT_NO_MEMORY,      /* less memory free than the PIN's cost asks for */
    /* of the medium */
    VAULT_READ_FAILED,  /* a file can't be read */
    VAULT_WRITE_FAILED, /* a file can't be written; nothing changed, or only an attempt that is counted */
    VAULT_DISK_FULL,    /* the same, since there is no room, or it is write-protected */
    VAULT_FAILED,       /* the cryptographic library failed: no memory */
};

/** What a vault works with; all of it must outlive the vault. */
struct vault_setup {
    struct store_files files;
    struct store_write write;
    const struct tpm_transport *tpm; /* NULL: there is no TPM */
    struct random_stream *random;    /* NULL: nothing gave entropy, and nothing is opened */
    const char *board;               /* name of the kind of board */
    pin_clock *clock;                /* to find what a PIN may cost here */
    void *clock_context;
    uint32_t pin_memory_kib;  /* the most memory that checking a PIN may take, KiB */
    struct pin_cost pin_cost; /* of new PINs; all zero: what the device can do in VAULT_PIN_LIMIT_MS is found out */
};

/** One of a persona's two versions, as it was found. */
struct vault_version {
    bool there;                     /* its manifest is genuine and meant for this device, board and persona */
    char reason[STORE_REASON_SIZE]; /* why not; "" when nothing is in its folder */
    struct manifest manifest;       /* if `there`: its devices point into `file` */
    bool genuine;                   /* `manifest` was verified, and `file` has that digest */
    uint8_t digest[DIGEST_SIZE];
    uint8_t file[MANIFEST_SIZE_MAX];
};

/** The device; a secret, as are the functions' buffers in it. */
struct vault {
    struct vault_setup setup;
    enum vault_error error;         /* of the last call */
    char reason[STORE_REASON_SIZE]; /* the same for the user, one line without a full stop; "" when all went well */
    bool first_start;               /* this vault_open() made the device's key: the request is to be enrolled */
    enum enrolment_keeping keeping; /* where the device's key is */
    bool guarded;                   /* ENROLMENT_TPM: nobody can lift the TPM's lock-out */
    enum tpm_error tpm_error;       /* the TPM's last one */
    struct organisation organisation;
    uint8_t thumbprint[P256_THUMBPRINT_SIZE]; /* of the device's key */
    /* private to persona/vault*.c from here on */
    bool tpm_open;
    struct tpm tpm;
    struct device_key key;
    struct p256_software software;
    struct p256_agreer agreer;
    struct delegation_trust trust;
    struct state state;
    char name[CONFIG_NAME_SIZE]; /* folder of the persona that the rest is about */
    struct vault_version versions[VAULT_VERSIONS];
    uint8_t id[KEYS_ID_SIZE];
    bool slots_good; /* they were found, and are the ones that count */
    struct slots slots;
    uint8_t slots_file[VAULT_SLOTS_FILE_SIZE];
    bool grant_waits;
    struct grant grant;
    bool code_known; /* the right code was given, for the grant with this salt */
    uint8_t code_salt[PIN_SALT_SIZE];
    uint8_t code_key[GRANT_CODE_KEY_SIZE];
    uint8_t buffer[VAULT_CONTENT_FILE_MAX];
};

enum vault_status {
    VAULT_READY = 0,      /* vault_unlock() without a PIN */
    VAULT_ASKS_PIN,       /* vault_unlock() with the PIN */
    VAULT_ASKS_NEW_PIN,   /* a grant waits: vault_unlock() with a PIN that the user chooses, asked for twice */
    VAULT_IS_LOCKED_OUT,  /* no attempt is left */
    VAULT_CANT_BE_OPENED, /* damaged, forged, or not for this place: `reason` */
};

/** What the picker shows of a persona. */
struct vault_persona {
    enum vault_status status;
    char reason[STORE_REASON_SIZE];  /* VAULT_CANT_BE_OPENED, VAULT_IS_LOCKED_OUT: why; else what the user should know
                                        (a version or a grant that was refused), or "" */
    char title[CONFIG_TITLE_SIZE];   /* of the newest version that is good; the name if none is */
    uint32_t attempts_left;          /* VAULT_ASKS_PIN */
    uint32_t delay_s;                /* seconds to wait before the next attempt */
    bool recovery;                   /* VAULT_ASKS_NEW_PIN: the PIN is new since the old one was lost */
    bool code;                       /* VAULT_ASKS_NEW_PIN: vault_activate() first, with the activation code */
    const struct manifest *manifest; /* of the newest version that is good, in the vault until it looks at another
                                        persona; NULL: none is */
};

/** A persona that is open; a secret that its owner wipes with vault_unlocked_wipe(). */
struct vault_unlocked {
    uint8_t persona_key[KEYS_SIZE];
    uint8_t content_key[STREAM_KEY_SIZE]; /* of this version's files: content_name() */
    const struct manifest *manifest;      /* of the version to start, in the vault until it looks at another persona */
    char directory[STORE_PATH_SIZE];      /* where its components are: "personas/NAME/a" */
    char up[VAULT_UP_SIZE];               /* to be written to personas/NAME/up by the system when it has come up */
    bool trial;                           /* a version that has not come up yet; the other one is started when it
                                             does not within STATE_TRIES_MAX starts */
    char notice[STORE_REASON_SIZE];       /* what the user should know: that a newer version did not come up; or "" */
};

/** What opens a persona away from the disk, with its PIN. Pointers lead into the vault, until it looks at another one.
 */
struct vault_left {
    const struct manifest *manifest; /* of the version that is to be opened */
    char directory[STORE_PATH_SIZE]; /* where its components are */
    const uint8_t *slots;            /* VAULT_SLOTS_FILE_SIZE bytes */
    uint8_t content[VAULT_OWN_FILE_SIZE];
    uint8_t
        check[KEYS_SIZE]; /* of the persona's key (KEYS_CHECK), as the state has it: the slots are not checked yet */
    uint32_t failed_attempts; /* at its PIN, since the last right one */
    uint32_t pin_memory_kib;  /* that an attempt takes */
    bool bound;               /* the PIN, to the TPM */
};

/**
 * Opens the device's part of the store. At the first start it makes the device's key and secret, sealed in the TPM
 * where there is a good one, the state, and the request; a first start that was cut is begun anew.
 * @param vault to be closed also on failure
 * @param setup copied
 * @return VAULT_OK, VAULT_NO_ORGANISATION to VAULT_ROLLED_BACK, VAULT_READ_FAILED, VAULT_WRITE_FAILED, VAULT_DISK_FULL,
 *         VAULT_FAILED
 */
__attribute__((warn_unused_result)) enum vault_error vault_open(struct vault *vault, const struct vault_setup *setup);

/** Wipes all of a vault, and ends the use of the TPM (tpm_close()). */
void vault_close(struct vault *vault);

/** @return whether a folder has an encrypted persona, good or not: a manifest in a/ or b/, or a grant */
__attribute__((warn_unused_result)) bool vault_has(const struct store_files *files, const char *name);

/**
 * Looks at a persona without opening it: verifies its manifests, its grant and its slots as far as that goes without
 * its key. Wipes a grant that was taken already.
 * @param name    of its folder
 * @param persona all of it is written, also on failure
 * @return VAULT_OK even when it can't be opened; VAULT_NO_PERSONA
 */
__attribute__((warn_unused_result)) enum vault_error vault_look(struct vault *vault, const char *name,
                                                                struct vault_persona *persona);

/**
 * Takes the activation code that a grant asks for (activation.h). A right one counts until the grant is taken, or until
 * vault_forget_code(). A wrong one costs nothing but VAULT_CODE_DELAY_S: nobody gets far with 75 bits.
 * @param typed size bytes, as the user typed them
 * @return VAULT_OK, also where none is asked for; VAULT_NO_PERSONA, VAULT_CODE_BAD, VAULT_WRONG_CODE, VAULT_REFUSED,
 *         VAULT_NO_MEMORY, VAULT_NO_ENTROPY, VAULT_FAILED
 */
__attribute__((warn_unused_result)) enum vault_error vault_activate(struct vault *vault, const char *name,
                                                                    const char *typed, size_t size);

/** Wipes the code that vault_activate() took: the user went away. */
void vault_forget_code(struct vault *vault);

/**
 * Opens a persona: takes the grant that waits, if one does, else opens its slot; chooses the version to start, and
 * opens its content key. An attempt at a PIN is counted on the disk before it is made.
 * @param name as of vault_look(), which needs not be called before
 * @param pin  pin_size bytes; VAULT_ASKS_NEW_PIN: the new one, which is set; NULL: none
 * @param unlocked all zero on failure
 * @return VAULT_OK, VAULT_NO_PERSONA, VAULT_REFUSED, VAULT_TOO_MANY, VAULT_CODE_NEEDED, VAULT_PIN_NEEDED,
 *         VAULT_PIN_BAD, VAULT_WRONG_PIN, VAULT_LOCKED_OUT, VAULT_TPM_LOCKED_OUT, VAULT_TPM_FAILED, VAULT_OTHER_TPM,
 * VAULT_NO_MEMORY, VAULT_NO_ENTROPY, VAULT_READ_FAILED, VAULT_WRITE_FAILED, VAULT_DISK_FULL, VAULT_FAILED
 */
__attribute__((warn_unused_result)) enum vault_error
vault_unlock(struct vault *vault, const char *name, const void *pin, size_t pin_size, struct vault_unlocked *unlocked);

/**
 * Gives what opens a persona later, when there is no disk to read from: it stays locked while another one runs. Of its
 * versions it is the one that is known to come up, else the newest that was open before.
 * @param left all zero on failure
 * @return VAULT_OK, VAULT_NO_PERSONA, VAULT_READ_FAILED; VAULT_REFUSED: it asks for no PIN, or for a new one, no
 *         attempt is left, or no version of it was open yet
 */
__attribute__((warn_unused_result)) enum vault_error vault_leave(struct vault *vault, const char *name,
                                                                 struct vault_left *left);

/**
 * Changes a persona's PIN: the old one opens it until the new one does.
 * @param persona_key of vault_unlock(), KEYS_SIZE bytes
 * @param pin         pin_size bytes, VAULT_PIN_MIN to PIN_SIZE_MAX
 * @return VAULT_OK, VAULT_NO_PERSONA, VAULT_REFUSED, VAULT_NO_PIN, VAULT_PIN_BAD, VAULT_TPM_FAILED, VAULT_OTHER_TPM,
 *         VAULT_NO_MEMORY, VAULT_NO_ENTROPY, VAULT_READ_FAILED, VAULT_WRITE_FAILED, VAULT_DISK_FULL, VAULT_FAILED
 */
__attribute__((warn_unused_result)) enum vault_error
vault_set_pin(struct vault *vault, const char *name, const uint8_t *persona_key, const void *pin, size_t pin_size);

/**
 * Wipes a persona's keys from this device: slots, grant, and content keys become zeros, and no older ones are taken any
 * more. What is left of it on the disk can't be read; only a new grant of the organisation's brings it back.
 * @return VAULT_OK, VAULT_NO_PERSONA, VAULT_WRITE_FAILED, VAULT_DISK_FULL, VAULT_TPM_FAILED, VAULT_FAILED
 */
__attribute__((warn_unused_result)) enum vault_error vault_wipe(struct vault *vault, const char *name);

/** Wipes what was unlocked. */
void vault_unlocked_wipe(struct vault_unlocked *unlocked);

/** @return the error's text, one line without a full stop; never NULL. vault.reason says more */
const char *vault_error_text(enum vault_error error);

#endif
