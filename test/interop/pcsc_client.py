# SPDX-License-Identifier: BSD-3-Clause
"""A PC/SC program that does what it is told, line by line: `connect READER`, `transmit HEX`, `disconnect DISPOSITION`.
It answers each with the library's code, and a response."""

import ctypes
import sys

SCOPE_SYSTEM, SHARE_SHARED, PROTOCOL_T0, RESPONSE_MAX = 2, 2, 1, 258


class Header(ctypes.Structure):
    _fields_ = [("protocol", ctypes.c_ulong), ("size", ctypes.c_ulong)]


def main():
    library = ctypes.CDLL("libpcsclite.so.1")
    context, card, number = ctypes.c_long(), ctypes.c_long(), ctypes.c_ulong
    header, response, size = Header(PROTOCOL_T0, 16), ctypes.create_string_buffer(RESPONSE_MAX), number()
    assert library.SCardEstablishContext(number(SCOPE_SYSTEM), None, None, ctypes.byref(context)) == 0
    for line in sys.stdin:
        order, _, argument = line.strip().partition(" ")
        size.value = 0
        if order == "connect":
            code = library.SCardConnect(context, argument.encode(), number(SHARE_SHARED), number(PROTOCOL_T0),
                                        ctypes.byref(card), ctypes.byref(number()))
        elif order == "transmit":
            command, size.value = bytes.fromhex(argument), RESPONSE_MAX
            code = library.SCardTransmit(card, ctypes.byref(header), command, number(len(command)), None, response,
                                         ctypes.byref(size))
        else:
            code = library.SCardDisconnect(card, number(int(argument)))
        answer = response.raw[:size.value].hex() if code == 0 else ""
        print(f"{code & 0xffffffff:x} {answer}".strip(), flush=True)


if __name__ == "__main__":
    main()
