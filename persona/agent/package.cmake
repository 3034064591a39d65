# SPDX-License-Identifier: BSD-3-Clause
# The agent as a Debian package, the same bytes wherever it is made: cmake --workflow --preset linux-arm64.
include(GNUInstallDirs)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME agent)
set(units ${CMAKE_CURRENT_BINARY_DIR}/units)
set(wanted ${units}/multi-user.target.wants)

# Enabled by being there, as long as the administrator does not mask it.
file(MAKE_DIRECTORY ${wanted})
foreach(unit flipside-agent flipside-agent-up flipside-agent-mark)
    file(CREATE_LINK ../${unit}.service ${wanted}/${unit}.service SYMBOLIC)
endforeach()

install(TARGETS flipside-agent DESTINATION sbin)
install(FILES flipside-agent.service flipside-agent-up.service flipside-agent-mark.service DESTINATION lib/systemd/system)
install(DIRECTORY ${wanted} DESTINATION lib/systemd/system)
install(FILES modules-load.conf DESTINATION lib/modules-load.d RENAME flipside-agent.conf)
install(FILES flipside-agent.8 DESTINATION share/man/man8)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION share/doc/flipside-agent RENAME copyright)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME flipside-agent)
set(CPACK_PACKAGE_VENDOR "The Flipside authors")
set(CPACK_PACKAGE_CONTACT "The Flipside authors <flipside@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Make way at once when the Flipside terminal is to flip")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_SOURCE_DIR}/postinst ${CMAKE_CURRENT_SOURCE_DIR}/prerm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/reproducible.cmake)
include(CPack)
