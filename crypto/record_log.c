// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/record_log.h"

#include <string.h>

#include "crypto/hkdf.h"

#define BLANK UINT32_C(0xffffffff)

/* The fields in front, which are the additional authenticated data, too; little-endian. */
struct header {
    uint64_t sequence;
    uint8_t nonce[AEAD_NONCE_SIZE];
    uint32_t size;
};

enum { HEADER_SIZE = sizeof(struct header), TRIES = 4 };

_Static_assert(sizeof(struct header) == 24 && HEADER_SIZE % RECORD_LOG_WORD == 0, "words without gaps");
_Static_assert((int)RECORD_LOG_SALT_SIZE + 4 == (int)AEAD_NONCE_SIZE, "a nonce is the salt and a count");

/* One record as it lies in flash; static, since it is too large for the stack of an exception handler. */
static uint8_t record[HEADER_SIZE + RECORD_LOG_CONTENT_MAX + AEAD_TAG_SIZE + RECORD_LOG_WORD];

static uint32_t record_size(const struct record_log *log) {
    return (HEADER_SIZE + log->size + AEAD_TAG_SIZE + RECORD_LOG_WORD - 1) & ~(uint32_t)(RECORD_LOG_WORD - 1);
}

static uint32_t records_in_block(const struct record_log *log) { return log->flash.block_size / record_size(log); }

static uint32_t offset_of(const struct record_log *log, unsigned block, uint32_t index) {
    return block * log->flash.block_size + index * record_size(log);
}

static unsigned block_of(const struct record_log *log, uint32_t offset) { return offset / log->flash.block_size; }

static void read_words(const struct record_log *log, uint32_t offset, void *to, size_t size) {
    for (uint32_t done = 0; done < size; done += RECORD_LOG_WORD) {
        uint32_t word = log->flash.read(log->flash.context, offset + done);
        memcpy((uint8_t *)to + done, &word, sizeof word);
    }
}

/* The highest sequence number below a bound; 0: none. Nothing of it is known to be authentic. */
static uint64_t find_below(const struct record_log *log, uint64_t bound, uint32_t *offset) {
    uint64_t found = 0;
    for (unsigned block = 0; block < RECORD_LOG_BLOCKS; block++)
        for (uint32_t i = 0; i < records_in_block(log); i++) {
            struct header header;
            read_words(log, offset_of(log, block, i), &header, sizeof header);
            if (header.sequence >= bound || header.sequence <= found || header.size != log->size)
                continue;
            found = header.sequence;
            *offset = offset_of(log, block, i);
        }
    return found;
}

static bool open_record(struct record_log *log, uint32_t offset, uint8_t *content) {
    struct header header;
    read_words(log, offset, record, record_size(log));
    memcpy(&header, record, sizeof header);
    struct aead_binding binding = {.data = record, .data_size = HEADER_SIZE};
    memcpy(binding.nonce, header.nonce, sizeof binding.nonce);
    return aead_decrypt(&log->aead, &binding, record + HEADER_SIZE, log->size, content,
                        record + HEADER_SIZE + log->size) == AEAD_OK;
}

enum record_log_error record_log_open(struct record_log *log, const struct record_flash *flash, const uint8_t *key,
                                      const uint8_t *salt, void *content, size_t size) {
    uint64_t bound = UINT64_MAX; /* all ones is what blank flash says */
    uint32_t offset = 0;
    memset(log, 0, sizeof *log);
    log->flash = *flash;
    memcpy(log->salt, salt, sizeof log->salt);
    enum aead_error error = aead_open(&log->aead, key);
    if (size == 0 || size > RECORD_LOG_CONTENT_MAX)
        return RECORD_LOG_BAD_SIZE;
    memset(content, 0, size);
    log->size = (uint32_t)size;
    if (records_in_block(log) == 0)
        return RECORD_LOG_BAD_SIZE;
    if (error != AEAD_OK)
        return RECORD_LOG_FAILED;
    while ((bound = find_below(log, bound, &offset)) != 0) {
        if (!open_record(log, offset, content))
            continue;
        log->sequence = bound;
        log->newest = offset;
        log->next = offset + record_size(log);
        return RECORD_LOG_OK;
    }
    return RECORD_LOG_EMPTY;
}

static bool is_blank(const struct record_log *log, uint32_t offset, uint32_t size) {
    for (uint32_t done = 0; done < size; done += RECORD_LOG_WORD)
        if (log->flash.read(log->flash.context, offset + done) != BLANK)
            return false;
    return true;
}

/* A place for a record: behind the newest, where it is blank; else the start of the other block, erased. */
static bool find_place(struct record_log *log) {
    uint32_t size = record_size(log);
    unsigned block = log->sequence == 0 ? RECORD_LOG_BLOCKS - 1 : block_of(log, log->newest);
    uint32_t end = (block + 1) * log->flash.block_size;
    for (; log->sequence != 0 && block_of(log, log->next) == block && log->next + size <= end; log->next += size)
        if (is_blank(log, log->next, size))
            return true;
    block = RECORD_LOG_BLOCKS - 1 - block;
    log->next = block * log->flash.block_size;
    return log->flash.erase(log->flash.context, block) && is_blank(log, log->next, log->flash.block_size);
}

static bool seal(struct record_log *log, const void *content) {
    struct header header = {.sequence = log->sequence + 1, .size = log->size};
    uint32_t count = ++log->writes;
    memcpy(header.nonce, log->salt, sizeof log->salt);
    memcpy(header.nonce + sizeof log->salt, &count, sizeof count);
    memset(record, 0xff, record_size(log));
    memcpy(record, &header, sizeof header);
    struct aead_binding binding = {.data = record, .data_size = HEADER_SIZE};
    memcpy(binding.nonce, header.nonce, sizeof binding.nonce);
    return count != 0 && aead_encrypt(&log->aead, &binding, content, log->size, record + HEADER_SIZE,
                                      record + HEADER_SIZE + log->size) == AEAD_OK;
}

/* In order: what is cut has no tag. */
static bool program(struct record_log *log) {
    for (uint32_t done = 0; done < record_size(log); done += RECORD_LOG_WORD) {
        uint32_t word;
        memcpy(&word, record + done, sizeof word);
        if (!log->flash.program(log->flash.context, log->next + done, word) ||
            log->flash.read(log->flash.context, log->next + done) != word)
            return false;
    }
    return true;
}

enum record_log_error record_log_append(struct record_log *log, const void *content) {
    if (log->size == 0 || records_in_block(log) == 0)
        return RECORD_LOG_BAD_SIZE;
    for (unsigned i = 0; i < TRIES; i++) {
        if (!seal(log, content))
            return RECORD_LOG_FAILED;
        if (!find_place(log))
            return RECORD_LOG_BROKEN;
        if (!program(log))
            continue; /* the place is not blank any more: the next one */
        log->sequence++;
        log->newest = log->next;
        log->next += record_size(log);
        return RECORD_LOG_OK;
    }
    return RECORD_LOG_BROKEN;
}

void record_log_close(struct record_log *log) {
    aead_close(&log->aead);
    crypto_wipe(log, sizeof *log);
}

const char *record_log_error_text(enum record_log_error error) {
    static const char *const texts[] = {
        [RECORD_LOG_OK] = "no error",
        [RECORD_LOG_EMPTY] = "there is no record yet",
        [RECORD_LOG_BAD_SIZE] = "a record has no size, or does not fit into a block",
        [RECORD_LOG_BROKEN] = "the flash does not keep what is written to it",
        [RECORD_LOG_FAILED] = "the record can't be sealed",
    };
    return (unsigned)error < sizeof texts / sizeof texts[0] ? texts[error] : "unknown error";
}
