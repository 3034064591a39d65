// SPDX-License-Identifier: BSD-3-Clause
#ifndef PERSONA_CONFIG_H
#define PERSONA_CONFIG_H

/**
 * The two configuration files of a store: flipside.conf for the terminal, persona.conf for each persona.
 *
 * Both are UTF-8 text, one `key=value` a line; blanks around key and value do not count, nor do empty lines and lines
 * that begin with `#`; lines end with LF or CR LF. A key may come once. What is not known is an error, so that a
 * misspelt key is not silently without effect.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONFIG_FILE_MAX = 8192,          /* bytes of a configuration file */
    CONFIG_NAME_SIZE = 32,           /* bytes, with the final NUL: [a-z0-9-]{1,31} */
    CONFIG_TITLE_SIZE = 64,          /* bytes, with the final NUL */
    CONFIG_COMMAND_LINE_SIZE = 2048, /* bytes, with the final NUL; the limit of arm64 kernels */
    CONFIG_FILE_NAME_SIZE = 64,      /* bytes, with the final NUL */
    CONFIG_TIMEOUT_DEFAULT = 5,      /* seconds */
    CONFIG_TIMEOUT_MAX = 3600,       /* seconds */
    CONFIG_FLIP_TIMEOUT_MAX = 300,   /* seconds */
    CONFIG_PREWARM_DEFAULT = 120,    /* seconds */
    CONFIG_PREWARM_MAX = 3600,       /* seconds */
};

enum config_error {
    CONFIG_OK = 0,
    CONFIG_FILE_TOO_LONG,  /* more than CONFIG_FILE_MAX bytes */
    CONFIG_BAD_CHARACTER,  /* a control character, or bytes that are not UTF-8 */
    CONFIG_NO_EQUALS_SIGN, /* a line that is neither `key=value` nor a comment */
    CONFIG_UNKNOWN_KEY,
    CONFIG_KEY_TWICE,
    CONFIG_NO_VALUE,      /* nothing after the equals sign, where something is needed */
    CONFIG_TOO_LONG,      /* the value is longer than the key allows */
    CONFIG_BAD_NUMBER,    /* not decimal digits (and the unit that the key allows) */
    CONFIG_OUT_OF_RANGE,  /* a number, but outside what the key allows */
    CONFIG_BAD_NAME,      /* not [a-z0-9-]{1,31} */
    CONFIG_BAD_FILE_NAME, /* a path separator, a colon, or only dots */
    CONFIG_NOT_YES_OR_NO,
    CONFIG_NO_KERNEL, /* persona.conf without `kernel=` (line 0) */
};

struct config_fault {
    enum config_error error;
    unsigned line; /* from 1; 0: the file as a whole */
};

enum config_memory_kind {
    CONFIG_MEMORY_EQUAL = 0, /* an equal part of what others leave */
    CONFIG_MEMORY_PERCENT,
    CONFIG_MEMORY_BYTES,
};

struct config_memory {
    enum config_memory_kind kind;
    uint64_t value; /* percent (1 to 100) or bytes; 0 for an equal part */
};

/** flipside.conf: `timeout`, `default`, `flip-timeout`, `allow-unconfined-dma`, `allow-unsigned`; all may be left out.
 */
struct config_terminal {
    uint32_t timeout_s;                     /* the picker's countdown: 0 to CONFIG_TIMEOUT_MAX */
    uint32_t flip_timeout_s;                /* 1 to CONFIG_FLIP_TIMEOUT_MAX; 0: not given, the board's counts */
    char default_persona[CONFIG_NAME_SIZE]; /* "": not given */
    bool allow_unconfined_dma;              /* start although a device could reach the other persona's memory */
    bool allow_unsigned;                    /* start plain personas although the terminal is an organisation's */
};

/**
 * persona.conf: `kernel` is needed; `title`, `cmdline`, `memory`, `initrd`, `default`, `prewarm`, `prewarm-seconds` and
 * `alarm-flip` may be left out.
 */
struct config_persona {
    char title[CONFIG_TITLE_SIZE]; /* "": not given */
    char command_line[CONFIG_COMMAND_LINE_SIZE];
    struct config_memory memory;
    char kernel[CONFIG_FILE_NAME_SIZE];
    char initrd[CONFIG_FILE_NAME_SIZE]; /* "": none */
    bool is_default;
    bool prewarm;       /* started at power-on and suspended when it is up */
    uint32_t prewarm_s; /* in this time: 1 to CONFIG_PREWARM_MAX */
    bool alarm_flip;    /* an alarm of its clock that comes due while it is suspended asks for a flip to it */
};

/** Fills in what counts when there is no flipside.conf. */
void config_terminal_defaults(struct config_terminal *config);

/**
 * Reads flipside.conf.
 * @param config on an error, the defaults
 * @param text   the file's bytes; no NUL needed
 * @param size   bytes
 * @return the first error and its line
 */
__attribute__((warn_unused_result)) struct config_fault config_parse_terminal(struct config_terminal *config,
                                                                              const char *text, size_t size);

/** Reads persona.conf, as config_parse_terminal(); on an error, config is all zero. */
__attribute__((warn_unused_result)) struct config_fault config_parse_persona(struct config_persona *config,
                                                                             const char *text, size_t size);

/** @return whether text is a persona's name: [a-z0-9-]{1,31} */
bool config_is_name(const char *text);

/** @return whether it is UTF-8 without control characters, tabs excepted */
bool config_is_text(const char *text, size_t size);

/** @return whether it is the name of a file beside persona.conf: ASCII, nothing that leads elsewhere on any file system
 */
bool config_is_file_name(const char *text, size_t size);

/** @return the error's text, one line without a full stop; never NULL */
const char *config_error_text(enum config_error error);

#endif
