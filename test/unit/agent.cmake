# SPDX-License-Identifier: BSD-3-Clause
flipside_unit_test(NAME agent
    SOURCES test_agent.c persona/agent/dbus.c persona/agent/inhibitor.c persona/agent/mark.c persona/agent/message.c persona/agent/port.c
            persona/agent/status.c persona/agent/tune.c crypto/cbor_read.c crypto/cbor_write.c
    INCLUDES persona/agent crypto/include
    DEFINITIONS _GNU_SOURCE)

# Both ends of the control protocol, with one another.
flipside_unit_test(NAME agent_protocol
    SOURCES test_agent_protocol.c fake/machine.c persona/agent/message.c crypto/cbor_read.c crypto/cbor_write.c switcher/control.c
            switcher/history.c switcher/log.c
    INCLUDES fake switcher switcher/include crypto/include persona/agent
    DEFINITIONS _GNU_SOURCE)
