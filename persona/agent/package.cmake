# SPDX-License-Identifier: BSD-3-Clause
# The agent and the reader driver as Debian packages, the same bytes wherever it is made: cmake --workflow --preset linux-arm64.
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
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL agent ifd)
set(CPACK_PACKAGE_NAME flipside)
set(CPACK_PACKAGE_VENDOR "The Flipside authors")
set(CPACK_PACKAGE_CONTACT "The Flipside authors <flipside@localhost>")
set(CPACK_DEBIAN_AGENT_PACKAGE_NAME flipside-agent)
set(CPACK_DEBIAN_IFD_PACKAGE_NAME flipside-ifd)
# Each package's own, its first line the summary.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_COMPONENT_AGENT_DESCRIPTION "make way at once when the Flipside terminal is to flip
One of the two systems of such a terminal runs at a time. With this program
it suspends as soon as it is asked to, or says why it can't.")
set(CPACK_COMPONENT_IFD_DESCRIPTION "PC/SC driver for the virtual USIM of a Flipside terminal
The terminal's USIM is beneath both of its systems. With this driver pcscd
has it as a card in a reader.")
set(CPACK_DEBIAN_IFD_PACKAGE_DEPENDS "libc6 (>= 2.25), pcscd")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_AGENT_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_SOURCE_DIR}/postinst ${CMAKE_CURRENT_SOURCE_DIR}/prerm)
set(ifd ${CMAKE_SOURCE_DIR}/persona/ifd)
set(CPACK_DEBIAN_IFD_PACKAGE_CONTROL_EXTRA ${ifd}/postinst ${ifd}/postrm ${ifd}/conffiles)
foreach(component AGENT IFD)
    set(CPACK_DEBIAN_${component}_PACKAGE_CONTROL_STRICT_PERMISSION ON)
endforeach()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/reproducible.cmake)
include(CPack)
