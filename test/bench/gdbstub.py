# SPDX-License-Identifier: BSD-3-Clause
"""A client of QEMU's GDB stub (GDB Remote Serial Protocol): breakpoints, single steps, registers and memory.

    with Stub("build/bench/gdb.sock") as stub:      # QEMU was started with -gdb unix:PATH,server=on,wait=off
        stub.breakpoint(0x48010c00)
        stub.go()
        stub.wait()

The machine stands still while a stub is connected and neither go() nor step() runs it.
"""

import re
import socket
import struct
import time

X0, SP, PC, PSTATE = 0, 31, 32, 33  # numbers of registers in the stub's aarch64 core description
STEP_ENABLE, STEP_WITHOUT_INTERRUPTS = 1, 2  # QEMU's own
STOP_TIMEOUT = 300  # seconds; only a machine in trouble takes so long


class StubError(Exception):
    """The stub did not answer as the protocol says; the text says what came."""


class Stub:
    """A connection to the stub at a unix socket. Connecting stops the machine."""

    def __init__(self, path, timeout=20):
        self._socket = self._connect(str(path), timeout)
        self._socket.settimeout(STOP_TIMEOUT)
        self._pending = b""
        self._system_registers = None
        self.command("?")
        # Steps without interrupts, but with the clock going on: a CPU that counts instructions does not step while a
        # timer of a clock that stands still has run out.
        self.command(f"Qqemu.sstep={STEP_ENABLE | STEP_WITHOUT_INTERRUPTS:#x}")

    @staticmethod
    def _connect(path, timeout):
        deadline = time.monotonic() + timeout
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(path)
                return connection
            except OSError as error:
                connection.close()
                if time.monotonic() > deadline:
                    raise StubError(f"no GDB stub at {path}: {error}") from None
                time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.detach()

    def detach(self):
        """Leaves the machine running, without breakpoints."""
        try:
            self.command("D")
        except (OSError, StubError):
            pass  # the machine has ended
        self._socket.close()

    # --- packets ---

    def _send(self, text):
        data = text.encode()
        self._socket.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xFF))

    def _read(self, count_or_end):
        """Reads up to and with a byte, or so many bytes."""
        while True:
            if isinstance(count_or_end, int):
                size = count_or_end if len(self._pending) >= count_or_end else 0
            else:
                size = self._pending.find(count_or_end) + 1
            if size:
                data, self._pending = self._pending[:size], self._pending[size:]
                return data
            more = self._socket.recv(65536)
            if not more:
                raise StubError("the machine ended")
            self._pending += more

    def _receive(self):
        self._read(b"$")  # what precedes it are acknowledgements
        data = self._read(b"#")[:-1]
        self._read(2)
        self._socket.sendall(b"+")
        return re.sub(rb"}(.)", lambda m: bytes([m.group(1)[0] ^ 0x20]), data, flags=re.DOTALL)

    def command(self, text):
        """Sends a packet and returns the answer, as bytes."""
        self._send(text)
        answer = self._receive()
        if re.fullmatch(rb"E[0-9a-fA-F]{2}", answer):
            raise StubError(f"'{text}' was answered by {answer.decode()}")
        return answer

    # --- running ---

    def breakpoint(self, address):
        """Stops the machine before the instruction at a virtual address, at any exception level."""
        self.command(f"Z1,{address:x},4")

    def remove_breakpoint(self, address):
        """Takes a breakpoint back."""
        self.command(f"z1,{address:x},4")

    def go(self):
        """Lets the machine run; wait() tells when it stops."""
        self._send("c")

    def stop(self):
        """Stops a machine that runs. Returns the number of the CPU that stopped, from 0."""
        self._socket.sendall(b"\x03")
        return self.wait()

    def wait(self):
        """Waits until the machine stops. Returns the number of the CPU that stopped, from 0."""
        while True:
            answer = self._receive()
            if answer[:1] in b"WX":
                raise StubError("the machine ended")
            if answer[:1] in b"TS":
                return self._stopped_cpu(answer)

    def _stopped_cpu(self, answer):
        match = re.search(rb"thread:(?:p[0-9a-f]+\.)?([0-9a-f]+);", answer)
        cpu = int(match.group(1), 16) - 1 if match else 0
        self.select(cpu)
        return cpu

    def select(self, cpu):
        """Makes the registers of a CPU, from 0, those that are read."""
        self.command(f"Hg{cpu + 1:x}")

    def step(self, cpu=0):
        """Carries out one instruction on a CPU; the others and interrupts stand still."""
        self._send(f"vCont;s:{cpu + 1:x}")
        self.wait()

    # --- registers and memory ---

    def register(self, number):
        """A register of the CPU that stopped last."""
        return int.from_bytes(bytes.fromhex(self.command(f"p{number:x}").decode()), "little")

    def system_register(self, name):
        """A system register by its name in the architecture, such as VBAR_EL2."""
        if self._system_registers is None:
            self._system_registers = dict(self._named_registers("system-registers.xml"))
        if name not in self._system_registers:
            raise StubError(f"the stub does not know {name}")
        return self.register(self._system_registers[name])

    def _named_registers(self, annex):
        for tag in re.findall(r"<reg\s[^>]*>", self._description(annex)):
            fields = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            yield fields["name"], int(fields["regnum"])

    def _description(self, annex):
        """A part of the target description. The stub numbers its registers as it is asked for target.xml."""
        if annex != "target.xml":
            self._description("target.xml")
        text = b""
        while True:
            part = self.command(f"qXfer:features:read:{annex}:{len(text):x},7f0")
            text += part[1:]
            if part[:1] == b"l":
                return text.decode()

    def read(self, address, size):
        """Memory at a virtual address of the CPU that stopped last."""
        data = b""
        while len(data) < size:
            piece = min(1024, size - len(data))
            data += bytes.fromhex(self.command(f"m{address + len(data):x},{piece:x}").decode())
        return data

    def words(self, address, count):
        """Memory as 64-bit words."""
        return struct.unpack(f"<{count}Q", self.read(address, 8 * count))
