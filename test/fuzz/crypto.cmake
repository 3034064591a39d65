# SPDX-License-Identifier: BSD-3-Clause
flipside_fuzz_target(NAME cbor SOURCES crypto/cbor_read.c crypto/cbor_write.c INCLUDES crypto/include)
