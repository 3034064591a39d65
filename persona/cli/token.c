// SPDX-License-Identifier: BSD-3-Clause
#include "token.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hkdf.h"

enum { SLOTS_ROOM = 64, LABEL_SIZE = 40, POINT_SIZE = 1 + 2 * P256_SIZE, POINT_HEAD = 2 };

/* A module may be one of all that p11-kit knows, or the one that the URI names. */
struct token {
    CK_FUNCTION_LIST **modules;
    CK_FUNCTION_LIST *alone[2];
    CK_FUNCTION_LIST *module;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    bool is_open;
    CK_OBJECT_HANDLE key; /* of token_key() */
};

/* OBJECT IDENTIFIER 1.2.840.10045.3.1.7, the curve P-256 (RFC 5480 2.1.1.1). */
static CK_BYTE curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

static enum cli_exit refuse(const char *what, CK_RV result) {
    cli_error("token: %s: %s", what, p11_kit_strerror(result));
    return result == CKR_PIN_INCORRECT || result == CKR_PIN_LOCKED ? CLI_REFUSED : CLI_FAILED;
}

/* ---- Finding the token */

static CK_RV load(struct token *token, P11KitUri *uri) {
    const char *path = p11_kit_uri_get_module_path(uri);
    if (path == NULL) {
        token->modules = p11_kit_modules_load_and_initialize(0);
        return token->modules == NULL ? CKR_GENERAL_ERROR : CKR_OK;
    }
    token->alone[0] = p11_kit_module_load(path, 0);
    if (token->alone[0] == NULL)
        return CKR_GENERAL_ERROR;
    token->modules = token->alone;
    return p11_kit_module_initialize(token->alone[0]);
}

static bool find_slot(struct token *token, CK_FUNCTION_LIST *module, P11KitUri *uri) {
    CK_SLOT_ID slots[SLOTS_ROOM];
    CK_ULONG count = SLOTS_ROOM;
    CK_TOKEN_INFO information;
    if (module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return false;
    for (CK_ULONG i = 0; i < count; i++) {
        if (module->C_GetTokenInfo(slots[i], &information) != CKR_OK ||
            !p11_kit_uri_match_token_info(uri, &information))
            continue;
        token->module = module;
        token->slot = slots[i];
        return true;
    }
    return false;
}

static enum cli_exit find(struct token *token, const char *text) {
    P11KitUri *uri = p11_kit_uri_new();
    enum cli_exit status = CLI_FAILED;
    if (uri == NULL)
        return CLI_FAILED;
    if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_MODULE, uri) != P11_KIT_URI_OK) {
        cli_error("%s: not the URI of a token, such as pkcs11:token=NAME", text);
    } else if (load(token, uri) != CKR_OK) {
        cli_error("%s: the token's module can't be loaded", text);
    } else {
        for (CK_FUNCTION_LIST **module = token->modules; *module != NULL && status != CLI_GOOD; module++)
            status = find_slot(token, *module, uri) ? CLI_GOOD : CLI_FAILED;
        if (status != CLI_GOOD)
            cli_error("%s: there is no such token", text);
    }
    p11_kit_uri_free(uri);
    return status;
}

static enum cli_exit log_in(struct token *token, const struct passphrase *pin) {
    CK_RV result =
        token->module->C_OpenSession(token->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &token->session);
    token->is_open = result == CKR_OK;
    if (result == CKR_OK && pin != NULL) {
        struct passphrase copy = *pin;
        result = token->module->C_Login(token->session, CKU_USER, (CK_UTF8CHAR *)copy.text, (CK_ULONG)copy.size);
        crypto_wipe(&copy, sizeof(copy));
        // Another of the token's keys is open: one login serves all.
        if (result == CKR_USER_ALREADY_LOGGED_IN)
            result = CKR_OK;
    }
    return result == CKR_OK ? CLI_GOOD : refuse("log in", result);
}

enum cli_exit token_open(const char *uri, const struct passphrase *pin, struct token **token) {
    *token = calloc(1, sizeof(**token));
    if (*token == NULL) {
        cli_error("no memory");
        return CLI_FAILED;
    }
    enum cli_exit status = find(*token, uri);
    return status == CLI_GOOD ? log_in(*token, pin) : status;
}

void token_close(struct token *token) {
    if (token == NULL)
        return;
    if (token->is_open)
        (void)token->module->C_CloseSession(token->session);
    if (token->modules == token->alone && token->alone[0] != NULL) {
        (void)p11_kit_module_finalize(token->alone[0]);
        p11_kit_module_release(token->alone[0]);
    } else if (token->modules != NULL) {
        p11_kit_modules_finalize_and_release(token->modules);
    }
    free(token);
}

/* ---- Keys */

static void label_of(const char *name, char *label) { (void)snprintf(label, LABEL_SIZE, "flipside %s", name); }

/* @return how many there are, of which the first is `found` */
static CK_ULONG find_object(struct token *token, CK_OBJECT_CLASS class, const char *name, CK_OBJECT_HANDLE *found) {
    char label[LABEL_SIZE];
    CK_OBJECT_HANDLE objects[2];
    CK_ULONG count = 0;
    label_of(name, label);
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_LABEL, label, (CK_ULONG)strlen(label)}};
    if (token->module->C_FindObjectsInit(token->session, wanted, 2) != CKR_OK)
        return 0;
    if (token->module->C_FindObjects(token->session, objects, 2, &count) != CKR_OK)
        count = 0;
    (void)token->module->C_FindObjectsFinal(token->session);
    if (count > 0)
        *found = objects[0];
    return count;
}

/* CKA_EC_POINT: an OCTET STRING with the uncompressed point (SEC 1 2.3.3). */
static enum cli_exit read_point(struct token *token, CK_OBJECT_HANDLE object, const char *name,
                                struct p256_public *key) {
    CK_BYTE point[POINT_HEAD + POINT_SIZE];
    CK_ATTRIBUTE attribute = {CKA_EC_POINT, point, sizeof(point)};
    CK_RV result = token->module->C_GetAttributeValue(token->session, object, &attribute, 1);
    if (result != CKR_OK || attribute.ulValueLen != sizeof(point) || point[POINT_HEAD] != 0x04) {
        cli_error("token: key '%s' is no key on P-256", name);
        return CLI_FAILED;
    }
    memcpy(key->x, point + POINT_HEAD + 1, P256_SIZE);
    memcpy(key->y, point + POINT_HEAD + 1 + P256_SIZE, P256_SIZE);
    return p256_check(key) == P256_OK ? CLI_GOOD : CLI_FAILED;
}

enum cli_exit token_public(struct token *token, const char *name, struct p256_public *key) {
    CK_OBJECT_HANDLE object = 0;
    if (find_object(token, CKO_PUBLIC_KEY, name, &object) == 1)
        return read_point(token, object, name, key);
    cli_error("token: there is no key 'flipside %s', or more than one", name);
    return CLI_FAILED;
}

enum cli_exit token_generate(struct token *token, const char *name, struct p256_public *key) {
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_HANDLE public_object = 0, private_object = 0;
    char label[LABEL_SIZE];
    label_of(name, label);
    CK_ULONG length = (CK_ULONG)strlen(label);
    CK_ATTRIBUTE public_wanted[] = {{CKA_EC_PARAMS, curve, sizeof(curve)},
                                    {CKA_TOKEN, &yes, sizeof(yes)},
                                    {CKA_VERIFY, &yes, sizeof(yes)},
                                    {CKA_LABEL, label, length}};
    CK_ATTRIBUTE private_wanted[] = {{CKA_TOKEN, &yes, sizeof(yes)},     {CKA_PRIVATE, &yes, sizeof(yes)},
                                     {CKA_SENSITIVE, &yes, sizeof(yes)}, {CKA_EXTRACTABLE, &no, sizeof(no)},
                                     {CKA_SIGN, &yes, sizeof(yes)},      {CKA_DERIVE, &yes, sizeof(yes)},
                                     {CKA_LABEL, label, length}};
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    if (find_object(token, CKO_PUBLIC_KEY, name, &public_object) > 0) {
        cli_error("token: it holds a key '%s' already; it was left as it is", label);
        return CLI_FAILED;
    }
    CK_RV result = token->module->C_GenerateKeyPair(token->session, &mechanism, public_wanted, 4, private_wanted, 7,
                                                    &public_object, &private_object);
    return result == CKR_OK ? read_point(token, public_object, name, key) : refuse("make a key", result);
}

static enum p256_error sign(void *context, const uint8_t *digest, uint8_t *signature) {
    struct token *token = context;
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE copy[P256_DIGEST_SIZE];
    CK_ULONG size = P256_SIGNATURE_SIZE;
    memcpy(copy, digest, sizeof(copy));
    CK_RV result = token->module->C_SignInit(token->session, &mechanism, token->key);
    if (result == CKR_OK)
        result = token->module->C_Sign(token->session, copy, sizeof(copy), signature, &size);
    if (result == CKR_OK && size == P256_SIGNATURE_SIZE)
        return P256_OK;
    memset(signature, 0, P256_SIGNATURE_SIZE);
    return P256_UNAVAILABLE;
}

/* The shared secret is made in the token as an object of this session, which is read and taken away at once. */
static CK_RV derive(struct token *token, CK_MECHANISM *mechanism, uint8_t *shared) {
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ULONG length = P256_SIZE;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_HANDLE secret = 0;
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof(class)},       {CKA_KEY_TYPE, &type, sizeof(type)},
                             {CKA_VALUE_LEN, &length, sizeof(length)}, {CKA_TOKEN, &no, sizeof(no)},
                             {CKA_SENSITIVE, &no, sizeof(no)},         {CKA_EXTRACTABLE, &yes, sizeof(yes)}};
    CK_ATTRIBUTE value = {CKA_VALUE, shared, P256_SIZE};
    CK_RV result = token->module->C_DeriveKey(token->session, mechanism, token->key, wanted, 6, &secret);
    if (result != CKR_OK)
        return result;
    result = token->module->C_GetAttributeValue(token->session, secret, &value, 1);
    (void)token->module->C_DestroyObject(token->session, secret);
    return result == CKR_OK && value.ulValueLen != P256_SIZE ? CKR_GENERAL_ERROR : result;
}

static enum p256_error agree(void *context, const struct p256_public *other, uint8_t *shared) {
    CK_BYTE point[POINT_SIZE] = {0x04};
    if (p256_check(other) != P256_OK)
        return P256_BAD_KEY;
    memcpy(point + 1, other->x, P256_SIZE);
    memcpy(point + 1 + P256_SIZE, other->y, P256_SIZE);
    CK_ECDH1_DERIVE_PARAMS parameters = {CKD_NULL, 0, NULL, sizeof(point), point};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof(parameters)};
    if (derive(context, &mechanism, shared) == CKR_OK)
        return P256_OK;
    crypto_wipe(shared, P256_SIZE);
    return P256_UNAVAILABLE;
}

enum cli_exit token_key(struct token *token, const char *name, struct p256_signer *signer, struct p256_agreer *agreer) {
    struct p256_public key;
    if (find_object(token, CKO_PRIVATE_KEY, name, &token->key) != 1) {
        cli_error("token: there is no private key 'flipside %s', or more than one", name);
        return CLI_FAILED;
    }
    enum cli_exit status = token_public(token, name, &key);
    *signer = (struct p256_signer){key, token, sign};
    *agreer = (struct p256_agreer){key, token, agree};
    return status;
}
