# SPDX-License-Identifier: BSD-3-Clause
# The host tools as a Debian package: cmake --workflow --preset package, after that of the loader, efi.
include(GNUInstallDirs)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/flipside-tools RENAME copyright COMPONENT tools)
install(CODE "if(NOT EXISTS \"${FLIPSIDE_LOADER}\")
                  message(WARNING \"There is no ${FLIPSIDE_LOADER}: the package has no loader, and flipside install needs --loader. Build the preset efi first.\")
              endif()" COMPONENT tools)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME flipside-tools)
set(CPACK_PACKAGE_VENDOR "The Flipside authors")
set(CPACK_PACKAGE_CONTACT "The Flipside authors <flipside@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Make, sign and issue the personas of Flipside terminals")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Programs that it calls, and the first SQLite that knows unixepoch(), which the library's symbols do not tell; libp11-kit
# loads the tokens' modules.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "mtools, e2fsprogs, libsqlite3-0 (>= 3.38)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cryptsetup-bin, softhsm2, vsmartcard-vpcd, bash-completion")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/persona/agent/reproducible.cmake)
include(CPack)
