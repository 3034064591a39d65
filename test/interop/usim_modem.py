# SPDX-License-Identifier: BSD-3-Clause
"""A modem for oFono, by AT commands (TS 27.007), with a card of `flipside usim serve` in it. What is asked of the card goes to
the card; the modem knows nothing of its content.

    usim_modem.py PORT COMMAND...      # COMMAND serves the card; "ready" is printed when PORT of loopback is listened to
"""

import re
import socket
import sys

from usim_card import Card

SELECT, READ_BINARY, READ_RECORD, GET_RESPONSE = 0xa4, 0xb0, 0xb2, 0xc0
APPLICATION = bytes.fromhex("7fff")
DIR, IMSI = 0x2f00, 0x6f07
GOOD = b"\x90\x00"


class Refused(Exception):
    """The command gets ERROR."""


class Modem:
    def __init__(self, card):
        self.card, self.verified = card, False
        self.applications = self.read_directory()
        # The card's first application is the one of the basic channel.
        self.require(bytes([0, SELECT, 4, 0x0c]) + self.counted(self.applications[0]))
        self.commands = [(re.compile(pattern), command) for pattern, command in (
            (r"\+CRSM=([\d,]+)", self.access), (r"\+CIMI", self.identity), (r"\+CPIN\?", self.pin_state),
            (r'\+CPIN="(\d+)"', self.enter_pin), (r"\+CPINR", self.pin_tries), (r"\+CLCK=\?", self.locks),
            (r'\+CLCK="SC",2', self.pin_lock), (r"\+CUAD", self.discover), (r'\+CCHO="([0-9A-F]+)"', self.open_channel),
            (r"\+CCHC=(\d+)", self.close_channel), (r'\+CGLA=(\d+),\d+,"([0-9A-F]+)"', self.transmit))]

    # --- the card ---

    @staticmethod
    def counted(data):
        return bytes([len(data)]) + data

    def require(self, command):
        """What a command that must succeed answers."""
        answer = self.card.transmit(command)
        if answer[-2:] != GOOD:
            raise Refused
        return answer[:-2]

    def select(self, file):
        """Selects a file of the master file or of the application, by its path (TS 102 221 11.1.1); returns the answer."""
        path = (b"" if file >> 8 == 0x2f else APPLICATION) + file.to_bytes(2, "big")
        return self.card.transmit(bytes([0, SELECT, 8, 4]) + self.counted(path))

    def read(self, file):
        """A transparent file, in the whole of its size that its control parameters say (TS 102 221 11.1.1.3)."""
        parameters = self.select(file)
        if parameters[-2:] != GOOD:
            raise Refused
        size = int.from_bytes(self.field(parameters[2:-2], 0x80), "big")
        return self.require(bytes([0, READ_BINARY, 0, 0, size]))

    @staticmethod
    def field(parameters, tag):
        while parameters:
            if parameters[0] == tag:
                return parameters[2:2 + parameters[1]]
            parameters = parameters[2 + parameters[1]:]
        raise Refused

    def read_directory(self):
        """The identifiers of the applications in EF DIR."""
        found, self.entries = [], []
        descriptor = self.field(self.select(DIR)[2:-2], 0x82)
        for number in range(descriptor[4]):
            entry = self.require(bytes([0, READ_RECORD, number + 1, 4, descriptor[3]]))
            if entry[0] == 0x61:
                self.entries.append(entry)
                found.append(self.field(entry[2:], 0x4f))
        return found

    def pin(self):
        """Whether PIN1 is asked for and was not given, and how many tries are left (TS 102 221 11.1.9, 9.5.2)."""
        parameters = self.card.transmit(bytes.fromhex("80f2000000"))
        if parameters[0] == 0x6c:  # the length that it has
            parameters = self.require(bytes.fromhex("80f20000") + parameters[1:])
        enabled = self.field(self.field(parameters[2:], 0xc6), 0x90)[0] & 0x80
        tries = self.card.transmit(bytes.fromhex("0020000100"))[1] & 15
        return bool(enabled), tries

    # --- commands ---

    def access(self, numbers):
        """+CRSM (8.18): a command that reads of a file, which is selected for it."""
        instruction, file, *parameters = map(int, numbers.split(","))
        answer = self.select(file)
        if answer[-2:] == GOOD and instruction != GET_RESPONSE:
            answer = self.card.transmit(bytes([0, instruction, *parameters]))
        return [f'+CRSM: {answer[-2]},{answer[-1]},"{answer[:-2].hex().upper()}"']

    def identity(self):
        """+CIMI (5.6), from EF IMSI (TS 31.102 4.2.2)."""
        data = self.read(IMSI)
        digits = "".join(f"{byte & 15:x}{byte >> 4:x}" for byte in data[1:1 + data[0]])
        return [digits[1:].rstrip("f")]

    def pin_state(self):
        enabled, tries = self.pin()
        if not enabled or self.verified:
            return ["+CPIN: READY"]
        return ["+CPIN: SIM PIN" if tries else "+CPIN: SIM PUK"]

    def enter_pin(self, digits):
        self.require(bytes.fromhex("0020000108") + digits.encode().ljust(8, b"\xff"))
        self.verified = True
        # What phonesim's driver knows the card's state by: it begins anew, with the PIN given.
        return ["+USIMSTATE: 0", "+USIMSTATE: 1"]

    def pin_tries(self):
        return [f"+CPINR: SIM PIN,{self.pin()[1]}"]

    def locks(self):
        return ['+CLCK: ("SC")']

    def pin_lock(self):
        return [f"+CLCK: {int(self.pin()[0])}"]

    def discover(self):
        return [f'+CUAD: "{b"".join(self.entries).hex().upper()}"']

    def open_channel(self, application):
        channel = self.require(bytes.fromhex("0070000001"))[0]
        self.require(bytes([channel, SELECT, 4, 0x0c]) + self.counted(bytes.fromhex(application)))
        return [f"+CCHO: {channel}"]

    def close_channel(self, channel):
        self.require(bytes([0, 0x70, 0x80, int(channel)]))
        return []

    def transmit(self, channel, command):
        """+CGLA (8.45): a command as it is, on a channel."""
        command = bytes.fromhex(command)
        answer = self.card.transmit(bytes([command[0] | int(channel)]) + command[1:]).hex().upper()
        return [f'+CGLA: {len(answer)},"{answer}"']

    def answer(self, line):
        """The lines that answer a command line."""
        for pattern, command in self.commands:
            match = pattern.fullmatch(line.removeprefix("AT"))
            try:
                if match:
                    return [*command(*match.groups()), "OK"]
            except Refused:
                break
        return ["ERROR"]

    def serve(self, port):
        with socket.create_server(("127.0.0.1", port)) as listener:
            print("ready", flush=True)
            connection, _ = listener.accept()
        waiting = b""
        while data := connection.recv(4096):
            *lines, waiting = (waiting + data).split(b"\r")
            for line in lines:
                text = line.decode().strip()
                answer = self.answer(text)
                print(f"{text} -> {answer}", flush=True)
                connection.sendall("".join(f"\r\n{part}\r\n" for part in answer).encode())


if __name__ == "__main__":
    Modem(Card(sys.argv[2:])).serve(int(sys.argv[1]))
