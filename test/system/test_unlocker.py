# SPDX-License-Identifier: BSD-3-Clause
"""A persona that stays locked while the other one runs: its PIN is asked for at the first flip, with nothing lost."""

import image
import pytest
from conftest import DISKS
from locked import locked
from machine import BUILD, LOADER
from personas import ANSWER, FLIP, Witness

PIN = "8349-of-the-test"
WRONG = "8348-of-the-test"


@pytest.fixture
def locked_disk():
    source = BUILD / "personas"
    work, key = locked("work", source / "busybox-6.1", DISKS / "locked", PIN)
    disk = image.make_disk(DISKS / "locked.img", LOADER, [image.Persona("personal", source / "busybox-6.12"), work], timeout=1)
    yield disk, key
    disk.unlink()


def enter(terminal, pin):
    terminal.expect(r"PIN for work \(\d+ attempts? left\): ", ANSWER)
    terminal.send_line(pin)


def test_first_flip_asks_for_the_pin(start, locked_disk):
    disk, key = locked_disk
    terminal = start(disk)
    terminal.prompt("personal")
    witness = Witness(terminal, "personal")
    terminal.flip_to_start("work")
    terminal.expect("work is locked", FLIP)
    enter(terminal, WRONG)
    terminal.expect("Wrong PIN", FLIP)
    terminal.expect(r"\(9 attempts left\)", ANSWER)
    # Half of a PIN is typed when the user flips back: it is gone.
    terminal.send(PIN[:4])
    terminal.flip("personal")
    witness.check()
    terminal.skip()
    terminal.press_power()
    enter(terminal, PIN)
    terminal.expect("Decrypting work", FLIP)
    terminal.prompt("work")
    assert PIN not in terminal.output and PIN[:4] not in terminal.output.split("Witness")[-1]
    assert terminal.call("od -A n -v -t x1 /.extra/credentials/cryptsetup.passphrase | tr -d ' \\n'") == key.hex()
    assert terminal.call("cat /proc/device-tree/chosen/flipside,version").rstrip("\0") == "3"
    terminal.flip("personal")
    witness.check()
    terminal.flip("work")
    assert terminal.kernel_trouble() == []
