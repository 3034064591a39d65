# SPDX-License-Identifier: BSD-3-Clause
# Run by CPack when the files lie ready, before it packs them: what would depend on who builds, and when, is set. What is left is
# the mode of the package's members, which follows the umask: 022, for the same bytes.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
    set(ENV{SOURCE_DATE_EPOCH} 1735689600)
endif()
file(CHMOD_RECURSE ${CPACK_TEMPORARY_DIRECTORY} DIRECTORY_PERMISSIONS
     OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
