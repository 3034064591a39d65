# SPDX-License-Identifier: BSD-3-Clause
"""Calls a method of oFono over D-Bus and prints what it returns as JSON, bytes in hexadecimal digits.

    ofono_client.py PATH INTERFACE METHOD [ARGUMENT...]      # "true" is a boolean property, hex:DIGITS an array of bytes
"""

import json
import sys

import dbus


def given(text):
    if text.startswith("hex:"):
        return dbus.ByteArray(bytes.fromhex(text[4:]))
    return dbus.Boolean(True, variant_level=1) if text == "true" else text


def plain(value):
    if isinstance(value, dbus.Array) and value.signature == "y":
        return bytes(value).hex()
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value


if __name__ == "__main__":
    path, interface, method, *arguments = sys.argv[1:]
    called = dbus.SystemBus().get_object("org.ofono", path, introspect=False).get_dbus_method(method, interface)
    print(json.dumps(plain(called(*map(given, arguments)))))
