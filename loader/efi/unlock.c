// SPDX-License-Identifier: BSD-3-Clause
// Asking for PINs.
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "crypto/hkdf.h"
#include "session.h"

/** A PIN as it was typed; a secret. */
struct typed {
    char text[PIN_SIZE_MAX];
    size_t size; /* bytes; 0: the user gave up */
};

static void wipe(struct typed *typed) { crypto_wipe(typed, sizeof(*typed)); }

static void read_pin(const char *prompt, struct typed *typed) {
    typed->size = console_read_secret(prompt, typed->text, sizeof(typed->text));
}

/* Asks until both are the same, or the user gives up. */
static void read_new_pin(struct typed *typed) {
    struct typed again;
    bool same = false;
    console_print("%u to %u characters; Esc: back\n", VAULT_PIN_MIN, PIN_SIZE_MAX);
    do {
        read_pin("New PIN: ", typed);
        again.size = 0;
        if (typed->size > 0)
            read_pin("The same again: ", &again);
        same = typed->size == again.size && crypto_equal(typed->text, again.text, typed->size);
        if (!same && again.size > 0)
            console_print("These are two different ones.\n");
    } while (!same && again.size > 0);
    if (!same)
        wipe(typed);
    wipe(&again);
}

/* @return whether the time is over; else the user gave up */
static bool wait_delay(uint32_t seconds) {
    for (; seconds > 0; seconds--) {
        console_print("\rAfter wrong PINs: %u s until the next attempt (Esc: back)   ", seconds);
        for (unsigned waited = 0; waited < 1000; waited += CONSOLE_POLL_MS) {
            if (console_key() == CONSOLE_KEY_ESCAPE) {
                console_print("\n");
                return false;
            }
            console_wait(CONSOLE_POLL_MS);
        }
    }
    console_print("\r%-64s\r", "");
    return true;
}

static void ask_pin(const struct session *session, size_t index, struct typed *typed) {
    const struct session_persona *persona = &session->personas[index];
    typed->size = 0;
    if (!wait_delay(persona->delay_s))
        return;
    console_print("%s: %u attempt%s left; Esc: back\n", session->store.personas[index].name, persona->attempts_left,
                  persona->attempts_left == 1 ? "" : "s");
    read_pin("PIN: ", typed);
}

static const char *news_of(const struct session *session, size_t index) {
    return session->personas[index].recovery ? "was recovered by your organisation" : "is new on this device";
}

/* @return whether the code is right, or none is asked for; else the user gave up */
static bool ask_code(struct session *session, size_t index) {
    char typed[ACTIVATION_TYPED_MAX];
    const char *name = session->store.personas[index].name;
    enum vault_error error = VAULT_WRONG_CODE;
    if (!session->personas[index].code)
        return true;
    console_print("%s %s: type the activation code that you have from your organisation; Esc: back\n", name,
                  news_of(session, index));
    while (error == VAULT_WRONG_CODE || error == VAULT_CODE_BAD) {
        size_t size = console_read_secret("Activation code: ", typed, sizeof(typed));
        if (size == 0)
            return false;
        error = vault_activate(&session->vault, name, typed, size);
        crypto_wipe(typed, sizeof(typed));
        if (error != VAULT_OK)
            console_print("%s: %s\n", name, session->vault.reason);
        if (error == VAULT_WRONG_CODE)
            console_wait(VAULT_CODE_DELAY_S * 1000);
    }
    return error == VAULT_OK;
}

static void ask_new_pin(struct session *session, size_t index, struct typed *typed) {
    typed->size = 0;
    if (!ask_code(session, index))
        return;
    console_print("%s %s: choose its PIN. ", session->store.personas[index].name, news_of(session, index));
    read_new_pin(typed);
}

enum outcome { OPEN, AGAIN, GIVEN_UP };

/* One attempt, where the status says that one is possible. */
static enum outcome attempt(struct session *session, size_t index, enum vault_status status,
                            struct vault_unlocked *unlocked) {
    struct typed typed = {.size = 0};
    const char *name = session->store.personas[index].name;
    if (status == VAULT_ASKS_PIN)
        ask_pin(session, index, &typed);
    if (status == VAULT_ASKS_NEW_PIN)
        ask_new_pin(session, index, &typed);
    if (status != VAULT_READY && typed.size == 0) {
        vault_forget_code(&session->vault);
        return GIVEN_UP;
    }
    if (typed.size > 0)
        console_print("A moment...\n");
    enum vault_error error =
        vault_unlock(&session->vault, name, typed.size > 0 ? typed.text : NULL, typed.size, unlocked);
    wipe(&typed);
    if (error == VAULT_OK)
        return OPEN;
    console_print("%s: %s\n", name, session->vault.reason);
    return error == VAULT_WRONG_PIN || error == VAULT_PIN_BAD ? AGAIN : GIVEN_UP;
}

static bool open_persona(struct session *session, size_t index, struct vault_unlocked *unlocked) {
    enum outcome outcome = AGAIN;
    while (outcome == AGAIN) {
        enum vault_status status = session_look(session, index);
        if (status == VAULT_IS_LOCKED_OUT || status == VAULT_CANT_BE_OPENED) {
            console_print("%s: %s\n", session->store.personas[index].name, session->personas[index].reason);
            return false;
        }
        outcome = attempt(session, index, status, unlocked);
    }
    return outcome == OPEN;
}

static void change_pin(struct session *session, size_t index, const struct vault_unlocked *unlocked) {
    struct typed typed;
    const char *name = session->store.personas[index].name;
    if (unlocked->manifest->unlock != MANIFEST_UNLOCK_PIN) {
        console_print("%s has no PIN\n", name);
        return;
    }
    read_new_pin(&typed);
    if (typed.size == 0)
        return;
    console_print("A moment...\n");
    enum vault_error error = vault_set_pin(&session->vault, name, unlocked->persona_key, typed.text, typed.size);
    wipe(&typed);
    console_print("%s: %s\n", name, error == VAULT_OK ? "the PIN was changed" : session->vault.reason);
}

static bool has_other_version(const struct session *session, const struct vault_unlocked *unlocked) {
    char path[STORE_PATH_SIZE];
    uint64_t size = 0;
    (void)snprintf(path, sizeof(path), "%s/manifest", unlocked->directory);
    char *version = path + strlen(unlocked->directory) - 1;
    *version = *version == 'a' ? 'b' : 'a';
    return session->access.size(session->access.context, path, &size) == STORE_FILE_OK;
}

/* A version that is only tried may be chosen again: when its tries are used up, the one before it comes back. */
static bool decrypt(struct session *session, size_t index, const struct vault_unlocked *unlocked) {
    bool good = session_decrypt(session, index, unlocked);
    if (!good && unlocked->trial && session->personas[index].state == SESSION_DAMAGED &&
        has_other_version(session, unlocked))
        session->personas[index].state = SESSION_LOCKED;
    return good;
}

bool session_unlock(struct session *session, size_t index, bool change) {
    static struct vault_unlocked unlocked;
    bool good = open_persona(session, index, &unlocked);
    if (good && change)
        change_pin(session, index, &unlocked);
    if (good && unlocked.notice[0] != '\0')
        console_print("%s: %s\n", session->store.personas[index].name, unlocked.notice);
    if (good && unlocked.trial)
        console_print("%s: this version is new and is tried\n", session->store.personas[index].name);
    if (good && session->personas[index].state == SESSION_LOCKED)
        good = decrypt(session, index, &unlocked);
    vault_unlocked_wipe(&unlocked);
    return good;
}
