# SPDX-License-Identifier: BSD-3-Clause
flipside_fuzz_target(NAME config SOURCES persona/config.c INCLUDES persona/include)
