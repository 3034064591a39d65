# SPDX-License-Identifier: BSD-3-Clause
# Read by CPack before it packs: files get one time, that of the version, instead of when they were built.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
    set(ENV{SOURCE_DATE_EPOCH} 1735689600)
endif()
