# SPDX-License-Identifier: BSD-3-Clause
# The host tools as a Debian package: cmake --workflow --preset package.
include(GNUInstallDirs)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/flipside-tools RENAME copyright COMPONENT tools)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME flipside-tools)
set(CPACK_PACKAGE_VENDOR "The Flipside authors")
set(CPACK_PACKAGE_CONTACT "The Flipside authors <flipside@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Make, sign and issue the personas of Flipside terminals")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Programs that it calls; libp11-kit loads the tokens' modules.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "mtools, e2fsprogs")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cryptsetup-bin, softhsm2, bash-completion")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
include(CPack)
