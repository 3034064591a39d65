# SPDX-License-Identifier: BSD-3-Clause
flipside_unit_test(NAME block_use SOURCES test_block_use.c persona/cli/block_use.c INCLUDES persona/cli)
