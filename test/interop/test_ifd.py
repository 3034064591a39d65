# SPDX-License-Identifier: BSD-3-Clause
"""The reader driver in the stock pcscd, against a switcher that we play at the other end of a terminal's line."""

import os
import pty
import subprocess
import sys
import threading
import tty

import pytest
from test_usim import HERE, World, pytestmark, says, wait_for  # noqa: F401

DRIVER = os.path.abspath(os.environ.get("FLIPSIDE_IFD", "build/host/persona/ifd/libifdflipside.so"))
READER = "Flipside USIM 00 00"
ATR = bytes.fromhex("3b9f01801f878031e073fe211b674a4c753034054b3e")
OK, IS_OFF = b"\x00", b"\x01"
LEAVE_CARD, RESET_CARD, UNPOWER_CARD = range(3)
DONE, NO_CARD = "0", "8010000c"  # SCARD_S_SUCCESS, SCARD_E_NO_SMARTCARD


class Switcher:
    """The port, with a card that answers each command with 9000 while it is on."""

    def __init__(self):
        self.end, self.port = pty.openpty()
        tty.setraw(self.end)
        tty.setraw(self.port)
        self.powered = False
        threading.Thread(target=self.serve, daemon=True).start()

    def answer(self, request):
        if len(request) > 1:
            return OK + b"\x90\x00" if self.powered else IS_OFF
        self.powered = request[0] in (1, 2) or (self.powered and request[0] != 0)
        if request[0] == 0:
            return OK
        return OK + ATR if self.powered else IS_OFF

    def serve(self):
        while True:
            size = int.from_bytes(self.read(2), "big")
            answer = self.answer(self.read(size))
            os.write(self.end, len(answer).to_bytes(2, "big") + answer)

    def read(self, size):
        data = b""
        while len(data) < size:
            data += os.read(self.end, size - len(data))
        return data


class Client:
    """A program in the persona."""

    def __init__(self, world):
        self.process = subprocess.Popen(world.command([sys.executable, "-B", HERE / "pcsc_client.py"]), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, *order):
        self.process.stdin.write(" ".join(map(str, order)) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.switcher = Switcher()
    (tmp_path / "reader").write_text(f'FRIENDLYNAME "Flipside USIM"\nDEVICENAME /dev/null:{os.ttyname(made.switcher.port)}\n'
                                     f"LIBPATH {DRIVER}\nCHANNELID 0\n")
    _, log = made.start("pcscd", "--foreground", "--debug", "--config", tmp_path / "reader", name="pcscd")
    wait_for("pcscd", says(log, "daemon ready"))
    yield made
    made.close()


def test_a_card_is_there_again_after_each_flip(world):
    """Whatever the program does with what it had, and however soon: pcscd itself looks once in 0.4 s."""
    client = Client(world)
    wait_for("the card", lambda: client("connect", READER) == DONE)
    for disposition in (LEAVE_CARD, RESET_CARD, UNPOWER_CARD) * 2:
        assert client("transmit", "00b0000000") == f"{DONE} 9000"
        world.switcher.powered = False
        assert client("transmit", "00b0000000") == NO_CARD
        assert client("disconnect", disposition) == DONE
        wait_for("the card again", lambda: client("connect", READER) == DONE, 10)
    client.close()
