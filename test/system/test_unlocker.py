# SPDX-License-Identifier: BSD-3-Clause
"""A persona that stays locked while the other one runs: its PIN is asked for at the first flip, with nothing lost, and no
key stays behind where it does not belong."""

import mmap
import re

import image
import pytest
from conftest import DISKS
from devices import tpm_attempts_left
from machine import BUILD, LOADER
from organisation import Organisation
from personas import ANSWER, BOOT, FLIP, Witness

PIN = "8349-of-the-test"
WRONG = "8348-of-the-test"
RAM = 0x40000000
SIZE = 1 << 30
SOURCES = BUILD / "personas"
COMMAND_LINE = "console=ttyAMA0 loglevel=4 flipside.name=work"


@pytest.fixture
def disk():
    """personal, which is plain, and a partition for work."""
    path = image.make_disk(DISKS / "unlocker.img", LOADER, [image.Persona("personal", SOURCES / "busybox-6.12")], timeout=2)
    image.put_on_esp(path, b"timeout=2\ndefault=personal\nallow-unsigned=yes\n", "flipside/flipside.conf")
    yield path
    path.unlink()


def provision(start, disk, directory, tpm):
    """First start, enrolment, and the user's first PIN."""
    organisation = Organisation(directory)
    organisation.install(disk)
    organisation.create("work", SOURCES / "busybox-6.1", f"--cmdline={COMMAND_LINE}", "--memory=384M")
    terminal = start(disk, memory="1G", tpm=tpm)
    terminal.expect("First start", BOOT)
    terminal.picker()
    terminal.quit()
    organisation.deliver("work", organisation.enroll(disk), disk)
    terminal = start(disk, memory="1G", tpm=tpm)
    terminal.picker()
    terminal.send("2")
    terminal.send("u")
    for prompt, typed in (("Activation code: ", organisation.code), ("New PIN: ", PIN), ("The same again: ", PIN)):
        terminal.expect(prompt, ANSWER)
        terminal.send_line(typed)
    terminal.expect("Decrypting work.* good", FLIP)
    terminal.picker()
    terminal.quit()


def enter(terminal, pin):
    terminal.expect(r"PIN for work \(\d+ attempts? left\): ", FLIP)
    terminal.send_line(pin)


def first_flip(terminal, witness):
    terminal.flip_to_start("work")
    terminal.expect("work is locked", FLIP)
    enter(terminal, WRONG)
    terminal.expect("Wrong PIN", FLIP)
    terminal.expect(r"\(9 attempts left\)", FLIP)
    # Half of a PIN is typed when the user flips back: it is gone.
    terminal.send(PIN[:4])
    terminal.flip("personal")
    witness.check()
    terminal.skip()
    terminal.press_power()
    enter(terminal, PIN)
    terminal.expect("Decrypting work", FLIP)
    terminal.prompt("work")


def partition(terminal):
    """Where the running persona's memory is: (first, last)."""
    ranges = terminal.call("cat /proc/device-tree/memory@*/reg | od -A n -v -t x8 --endian=big 2>/dev/null || "
                           "cat /proc/device-tree/memory@*/reg | od -A n -v -t x1 | tr -d ' \\n'")
    digits = re.sub(r"[^0-9a-f]", "", ranges)
    return int(digits[:16], 16), int(digits[:16], 16) + int(digits[16:32], 16)


def found(dump, secret):
    """Where in RAM a secret is."""
    with open(dump, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as ram:
        at, places = ram.find(secret), []
        while at >= 0:
            places.append(RAM + at)
            at = ram.find(secret, at + 1)
    return places


def check_secrets(terminal, dump, key):
    """The key file is in the memory of `work` alone; the PIN is nowhere, not even there."""
    first, last = partition(terminal)
    terminal.monitor(f'pmemsave {RAM:#x} {SIZE:#x} "{dump}"')
    places = found(dump, key)
    assert places and all(first <= place < last for place in places)
    assert found(dump, PIN.encode()) == []
    dump.unlink()


@pytest.mark.parametrize("with_tpm", [True, pytest.param(False, marks=pytest.mark.soak)])
def test_first_flip_asks_for_the_pin(start, disk, tmp_path, with_tpm):
    tpm = tmp_path / "tpm" if with_tpm else None
    provision(start, disk, tmp_path, tpm)
    terminal = start(disk, memory="1G", tpm=tpm)
    terminal.expect("Reading work, which stays locked.* good", BOOT)
    terminal.prompt("personal")
    witness = Witness(terminal, "personal")
    first_flip(terminal, witness)
    assert PIN not in terminal.output and WRONG not in terminal.output
    key = bytes.fromhex(terminal.call("od -A n -v -t x1 /.extra/credentials/cryptsetup.passphrase | tr -d ' \\n'"))
    assert len(key) == 64
    assert terminal.call("cat /proc/device-tree/chosen/flipside,version").rstrip("\0") == "1"
    check_secrets(terminal, tmp_path / "ram", key)
    terminal.flip("personal")
    witness.check()
    terminal.flip("work")
    assert terminal.kernel_trouble() == []
    # A restart begins with the PIN again.
    terminal.send_line("reboot -f")
    terminal.expect("work is locked", FLIP)
    terminal.expect(r"\(10 attempts left\)", ANSWER)
    terminal.flip("personal")
    witness.check()
    if with_tpm:
        wrong_pins_and_a_power_cut(start, disk, terminal, tpm)


def wrong_pins_and_a_power_cut(start, disk, terminal, tpm):
    """What was tried at the flip is on no disk; the TPM has it all the same, after a cut too: this one, and the one before."""
    terminal.skip()
    terminal.press_power()
    enter(terminal, WRONG)
    terminal.expect("Wrong PIN", FLIP)
    terminal.kill()
    terminal = start(disk, memory="1G", tpm=tpm)
    terminal.picker()
    assert tpm_attempts_left(terminal) <= 14
