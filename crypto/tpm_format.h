// SPDX-License-Identifier: BSD-3-Clause
#ifndef TPM_FORMAT_H
#define TPM_FORMAT_H

/** The TPM's own formats (TPM 2.0 Library Specification, part 2), by its names: what the commands in use need of them.
 */

#include "crypto/tpm.h"

/* Part 2, 6.5.2: TPM_CC */
enum {
    TPM_CC_NV_UNDEFINE_SPACE = 0x122,
    TPM_CC_HIERARCHY_CHANGE_AUTH = 0x129,
    TPM_CC_NV_DEFINE_SPACE = 0x12a,
    TPM_CC_CREATE_PRIMARY = 0x131,
    TPM_CC_NV_INCREMENT = 0x134,
    TPM_CC_DICTIONARY_ATTACK_LOCK_RESET = 0x139,
    TPM_CC_DICTIONARY_ATTACK_PARAMETERS = 0x13a,
    TPM_CC_STARTUP = 0x144,
    TPM_CC_SHUTDOWN = 0x145,
    TPM_CC_NV_READ = 0x14e,
    TPM_CC_CREATE = 0x153,
    TPM_CC_LOAD = 0x157,
    TPM_CC_UNSEAL = 0x15e,
    TPM_CC_FLUSH_CONTEXT = 0x165,
    TPM_CC_NV_READ_PUBLIC = 0x169,
    TPM_CC_START_AUTH_SESSION = 0x176,
    TPM_CC_GET_CAPABILITY = 0x17a,
    TPM_CC_GET_RANDOM = 0x17b,
};

/* Part 2, 6.6.3: TPM_RC, without the number of the handle, session or parameter that is wrong */
enum {
    TPM_RC_FORMAT_1 = 0x80, /* this bit: the number is there */
    TPM_RC_FORMAT_1_MASK = 0xbf,
    TPM_RC_ASYMMETRIC = 0x81,
    TPM_RC_HASH = 0x83,
    TPM_RC_VALUE = 0x84,
    TPM_RC_HIERARCHY = 0x85,
    TPM_RC_HANDLE = 0x8b,
    TPM_RC_AUTH_FAIL = 0x8e,
    TPM_RC_SCHEME = 0x92,
    TPM_RC_SYMMETRIC = 0x96,
    TPM_RC_INTEGRITY = 0x9f,
    TPM_RC_BAD_AUTH = 0xa2,
    TPM_RC_CURVE = 0xa6,
    TPM_RC_INITIALIZE = 0x100,
    TPM_RC_FAILURE = 0x101,
    TPM_RC_COMMAND_CODE = 0x143,
    TPM_RC_NV_UNINITIALIZED = 0x14a,
    TPM_RC_NV_SPACE = 0x14b,
    TPM_RC_NV_DEFINED = 0x14c,
    TPM_RC_OBJECT_MEMORY = 0x902,
    TPM_RC_SESSION_MEMORY = 0x903,
    TPM_RC_MEMORY = 0x904,
    TPM_RC_SESSION_HANDLES = 0x905,
    TPM_RC_OBJECT_HANDLES = 0x906,
    TPM_RC_YIELDED = 0x908,
    TPM_RC_TESTING = 0x90a,
    TPM_RC_NV_RATE = 0x920,
    TPM_RC_LOCKOUT = 0x921,
    TPM_RC_RETRY = 0x922,
};

enum {
    TPM_ST_NO_SESSIONS = 0x8001, /* part 2, 6.9 */
    TPM_ST_SESSIONS = 0x8002,
    TPM_SU_CLEAR = 0,     /* 6.10 */
    TPM_SE_HMAC = 0,      /* 6.11 */
    TPM_ALG_AES = 0x0006, /* 6.3 */
    TPM_ALG_KEYEDHASH = 0x0008,
    TPM_ALG_SHA256 = 0x000b,
    TPM_ALG_NULL = 0x0010,
    TPM_ALG_ECC = 0x0023,
    TPM_ALG_CFB = 0x0043,
    TPM_ECC_NIST_P256 = 0x0003, /* 6.4 */
    TPM_CAP_HANDLES = 1,        /* 6.12 */
    TPM_CAP_TPM_PROPERTIES = 6,
    TPM_PT_MANUFACTURER = 0x105,    /* 6.13 */
    TPM_PT_PERMANENT = 0x200,       /* TPMA_PERMANENT, 8.6 */
    TPM_PT_LOCKOUT_COUNTER = 0x20e, /* and the next three: MAX_AUTH_FAIL, LOCKOUT_INTERVAL, LOCKOUT_RECOVERY */
    TPM_HT_HMAC_SESSION = 0x02,     /* 7.2: the highest byte of a handle; of TPM2_GetCapability's, loaded sessions */
    TPM_HT_TRANSIENT = 0x80,
    TPM_HT_SHIFT = 24,
    TPM_RH_OWNER = 0x40000001, /* 7.4 */
    TPM_RH_NULL = 0x40000007,
    TPM_RS_PW = 0x40000009,
    TPM_RH_LOCKOUT = 0x4000000a,
    TPMA_PERMANENT_LOCKOUT_AUTH_SET = 1 << 2,
    TPMA_PERMANENT_IN_LOCKOUT = 1 << 9,
    TPMA_SESSION_CONTINUE = 0x01,   /* 8.4 */
    TPMA_SESSION_DECRYPT = 0x20,    /* the command's first parameter is encrypted */
    TPMA_SESSION_ENCRYPT = 0x40,    /* the response's is */
    TPMA_OBJECT_FIXED_TPM = 1 << 1, /* 8.3 */
    TPMA_OBJECT_FIXED_PARENT = 1 << 4,
    TPMA_OBJECT_SENSITIVE_DATA_ORIGIN = 1 << 5,
    TPMA_OBJECT_USER_WITH_AUTH = 1 << 6,
    TPMA_OBJECT_NO_DA = 1 << 10,
    TPMA_OBJECT_RESTRICTED = 1 << 16,
    TPMA_OBJECT_DECRYPT = 1 << 17,
    TPMA_NV_AUTHWRITE = 1 << 2, /* 13.4 */
    TPMA_NV_COUNTER = 1 << 4,   /* TPM_NT_COUNTER in bits 7 to 4 */
    TPMA_NV_AUTHREAD = 1 << 18,
    TPMA_NV_NO_DA = 1 << 25,
    TPMA_NV_WRITTEN = 1 << 29,
};

enum {
    TPM_HEADER_SIZE = 10,                           /* bytes of tag, size, and command or response code */
    TPM_NAME_MAX = 2 + TPM_DIGEST_BYTES,            /* bytes of an entity's name (part 1, 16) */
    TPM_NONCE_MIN = 16,                             /* bytes (part 1, 17.6.3.1) */
    TPM_COORDINATE_MAX = 32,                        /* bytes on P-256 */
    TPM_SEALED_PUBLIC_SIZE = 14 + TPM_DIGEST_BYTES, /* bytes of a sealed object's public area */
    TPM_PASSWORD_AREA_SIZE = 4 + 2 + 1 + 2, /* bytes of a session area: handle, no nonce, attributes, no password */
    /* bytes of a sealed object's private area: what TPM2_Load has room for. TPMs make 158 (part 1, 23.4). */
    TPM_PRIVATE_MAX =
        TPM_COMMAND_MAX - (TPM_HEADER_SIZE + 4 + 4 + TPM_PASSWORD_AREA_SIZE + 2 + 2 + TPM_SEALED_PUBLIC_SIZE),
};

struct tpm_bytes {
    const uint8_t *start;
    size_t size;
};

/** A response being read. An error sticks: what is read after it is 0 or empty. */
struct tpm_reader {
    const uint8_t *next;
    size_t left; /* bytes */
    bool failed;
};

/** A command being written. An error sticks: nothing is written after it. */
struct tpm_writer {
    uint8_t *start;
    size_t room; /* bytes in all */
    size_t size; /* bytes written */
    bool failed;
};

/** What a command is about, as it goes into its HMAC. */
struct tpm_entity {
    uint32_t handle;
    uint8_t name[TPM_NAME_MAX];
    size_t name_size;
};

/** A command that the session authorises. */
struct tpm_call {
    uint32_t code;
    struct tpm_entity entities[2]; /* the first is authorised */
    size_t entity_count;
    struct tpm_bytes auth; /* the first one's authorisation value */
    uint8_t encryption;    /* TPMA_SESSION_DECRYPT, TPMA_SESSION_ENCRYPT: of the first parameter, a sized one */
    const struct tpm_bytes *new_auth; /* the first one's from the response on; NULL: the same */
};

struct tpm_reader tpm_read(const uint8_t *data, size_t size);
uint8_t tpm_get_u8(struct tpm_reader *reader);
uint16_t tpm_get_u16(struct tpm_reader *reader);
uint32_t tpm_get_u32(struct tpm_reader *reader);
uint64_t tpm_get_u64(struct tpm_reader *reader);
/** Takes the next bytes. @return empty and failed set when there are fewer */
struct tpm_bytes tpm_get_bytes(struct tpm_reader *reader, size_t size);
/** Reads a TPM2B of at most `most` bytes; failed is set for longer ones. */
struct tpm_bytes tpm_get_sized(struct tpm_reader *reader, size_t most);
/** @return whether all went well and nothing is left */
__attribute__((warn_unused_result)) bool tpm_read_end(const struct tpm_reader *reader);

struct tpm_writer tpm_write(uint8_t *data, size_t room);
void tpm_put_u8(struct tpm_writer *writer, uint8_t value);
void tpm_put_u16(struct tpm_writer *writer, uint32_t value);
void tpm_put_u32(struct tpm_writer *writer, uint32_t value);
void tpm_put_bytes(struct tpm_writer *writer, const void *bytes, size_t size);
/** Writes a TPM2B. */
void tpm_put_sized(struct tpm_writer *writer, const void *bytes, size_t size);

/** Makes of a response code our error (part 2, 6.6). */
enum tpm_error tpm_error_of(uint32_t code);

/** Begins a command without sessions in the TPM's buffer. */
struct tpm_writer tpm_begin(struct tpm *tpm, uint32_t tag, uint32_t code);

/** Begins a command in the TPM's buffer that an empty password authorises, without the session. */
struct tpm_writer tpm_begin_without_password(struct tpm *tpm, uint32_t code, uint32_t handle);

/** Reads the parameters of its response, which must be the rest of it but for the session area. */
struct tpm_reader tpm_parameters_without_password(struct tpm_reader *body);

/**
 * Sends the command that was written, again while the TPM says so.
 * @param body of the response, behind its header; the tag was checked to be the command's
 * @return TPM_OK or what the response code means
 */
__attribute__((warn_unused_result)) enum tpm_error tpm_exchange(struct tpm *tpm, struct tpm_writer *command,
                                                                struct tpm_reader *body);

/** Frees an object or a session (TPM2_FlushContext). */
void tpm_flush(struct tpm *tpm, uint32_t handle);

/** Makes the parent and begins the session, unless they are there. @return as of tpm_seal() */
__attribute__((warn_unused_result)) enum tpm_error tpm_need_session(struct tpm *tpm);

/** Makes the parent, unless it is there (TPM2_CreatePrimary). @param x, y its public point, coordinates */
__attribute__((warn_unused_result)) enum tpm_error tpm_make_parent(struct tpm *tpm, uint8_t *x, uint8_t *y);

/** Begins a session that is salted to the parent (TPM2_StartAuthSession). */
__attribute__((warn_unused_result)) enum tpm_error tpm_start_session(struct tpm *tpm, const uint8_t *x,
                                                                     const uint8_t *y);

/** Checks an authorisation value and leaves zeros at its end out. @param auth NULL: none */
__attribute__((warn_unused_result)) enum tpm_error tpm_take_auth(const struct tpm_auth *auth, struct tpm_bytes *taken);

/** @return an entity without a public area, whose name is its handle (part 1, 16) */
struct tpm_entity tpm_permanent(uint32_t handle);

/** Names an entity by its public area. @return false when the library failed */
__attribute__((warn_unused_result)) bool tpm_name_entity(struct tpm_entity *entity, uint32_t handle,
                                                         const void *public_area, size_t size);

/** @return the parent as an entity */
struct tpm_entity tpm_parent_entity(const struct tpm *tpm);

/** Begins a command that the session authorises; the caller then writes its parameters. */
struct tpm_writer tpm_call_begin(struct tpm *tpm, const struct tpm_call *call);

/**
 * Encrypts, authorises and sends the command; checks and decrypts its response (part 1, 17.6 and 19.3).
 * @param parameters of the response, in the TPM's buffer until the next command
 */
__attribute__((warn_unused_result)) enum tpm_error
tpm_call_end(struct tpm *tpm, const struct tpm_call *call, struct tpm_writer *command, struct tpm_reader *parameters);

/** The same for a command whose response has no parameters. */
__attribute__((warn_unused_result)) enum tpm_error tpm_call_finish(struct tpm *tpm, const struct tpm_call *call,
                                                                   struct tpm_writer *command);

#endif
