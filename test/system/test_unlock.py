# SPDX-License-Identifier: BSD-3-Clause
"""Encrypted personas on a device: first start, PIN, flips, restarts, lock-out, recovery, updates; and no secret anywhere else."""

import re
import shutil

import image
import pytest
from attacker import Plan
from machine import Ended
from personas import ANSWER, BOOT, Witness
from provision import (Organisation, device_detail, keys_of, make_attempts, plain_disk, type_new_pin, type_pin)

FIRST_PIN = "4711-of-the-test"
SECOND_PIN = "a second PIN, longer"
THIRD_PIN = "0815-after-recovery"
FILE_KEPT = "in a file on the disk, for want of a TPM: whoever has the disk has it"
UP_TOKEN = "cat /proc/device-tree/chosen/flipside,up-token | tr -d '\\0'; echo"
VERSION = "cat /proc/device-tree/chosen/flipside,version | tr -d '\\0'; echo"
CREDENTIAL = "sha256sum </.extra/credentials/c*"


class Device:
    """A disk that was set up for a new organisation, started once, enrolled, and given the persona `work`."""

    def __init__(self, start, directory, firmware="u-boot", tpm=None):
        self.start_machine, self.firmware, self.tpm = start, firmware, tpm
        self.directory, self.disk = directory, directory / "disk.img"
        self.organisation = Organisation(directory / "acme")
        plain_disk(self.disk)
        self.organisation.install(self.disk)
        self.organisation.create()
        terminal = self.start()
        terminal.expect("First start: this device has made its key", BOOT)
        terminal.picker()
        thumbprint, self.keeping = device_detail(terminal)
        terminal.quit()
        self.name = self.organisation.enroll(self.disk, thumbprint)
        self.organisation.issue(self.disk, self.name)

    def start(self, **options):
        """Starts the machine; what it writes stays."""
        return self.start_machine(self.disk, firmware=self.firmware, memory="1G", **{"tpm": self.tpm, **options})

    def came_up(self, token):
        """Leaves the mark of a version that came up, as its system does."""
        image.put_on_esp(self.disk, token.encode().ljust(512, b"\0"), "flipside/personas/work/up")

    def issue(self):
        self.organisation.issue(self.disk, self.name)


def listed(terminal):
    """The picker's line of `work`."""
    return re.search(r"^ +\d +work .*", terminal.picker(), re.MULTILINE).group(0)


def start_work(terminal, *pins):
    """Chooses `work`, types PINs, of which the last is right, and waits for its shell."""
    terminal.send("2\r")
    for pin in pins:
        type_pin(terminal, pin)
    terminal.prompt("work")


class Search:
    """Looks for secrets in a running machine's memory and on a disk."""

    def __init__(self, **secrets):
        self.secrets = secrets

    def _places(self, data):
        for name, secret in self.secrets.items():
            at = data.find(secret)
            while at >= 0:
                yield name, at
                at = data.find(secret, at + 1)

    def memory(self, terminal, plan, path):
        """Where in RAM they are, by the owner of the place: {(owner, secret)}."""
        ram, size = 0x40000000, 1 << 30
        terminal.qmp("pmemsave", val=ram, size=size, filename=str(path))
        data = path.read_bytes()
        path.unlink()

        def owner(address):
            return next((name for name, (first, last) in plan.ranges.items() if first <= address <= last), f"{address:#x}")

        return {(owner(ram + at), name) for name, at in self._places(data)}

    def disk(self, disk):
        """Which of them are on a disk."""
        return {name for name, _ in self._places(disk.read_bytes())}


@pytest.mark.parametrize("firmware", ["u-boot", "edk2"])
def test_first_start_to_a_flip_and_no_secret_is_left(start, tmp_path, firmware):
    device = Device(start, tmp_path, firmware)
    assert device.keeping == FILE_KEPT
    terminal = device.start()
    plan = Plan(terminal)
    assert "locked, 256 MB, version 1" in listed(terminal)
    terminal.send("2\r")
    terminal.expect("work is new on this device: choose its PIN", ANSWER)
    type_pin(terminal, FIRST_PIN, "New PIN: ")
    type_pin(terminal, SECOND_PIN, "The same again: ")
    terminal.expect("two different ones", ANSWER)
    type_pin(terminal, FIRST_PIN[:4] + "oops\b\b\b\b" + FIRST_PIN[4:], "New PIN: ")
    type_pin(terminal, FIRST_PIN, "The same again: ")
    terminal.prompt("work")
    assert terminal.call(VERSION) == "1"
    assert "-r--------" in terminal.call("ls -l /.extra/credentials")
    witness = Witness(terminal, "work")
    terminal.flip("personal")
    assert terminal.run("ls /.extra /proc/device-tree/chosen/flipside,up-token")[0] != 0
    found_at = tmp_path / "memory"
    assert FIRST_PIN not in terminal.output
    terminal.monitor("stop")
    shutil.copyfile(device.disk, tmp_path / "copy.img")
    keys = keys_of(tmp_path / "copy.img", tmp_path / "store", FIRST_PIN)
    search = Search(pin=FIRST_PIN.encode(), **keys)
    # The volume key is the work system's: in its memory, and in the switcher's copy of its initrd.
    found = search.memory(terminal, plan, found_at)
    assert ("work", "volume") in found and ("switcher", "volume") in found
    assert found <= {("work", "volume"), ("switcher", "volume")}, found
    terminal.monitor("cont")
    terminal.flip("work")
    witness.check()
    credential = terminal.call(CREDENTIAL)
    terminal.quit()
    assert search.disk(device.disk) == set()

    terminal = device.start()
    assert "locked, 256 MB, version 1" in listed(terminal)
    start_work(terminal, FIRST_PIN[:-1], FIRST_PIN)
    assert "wrong PIN" in terminal.output and "9 attempts left" in terminal.output
    assert terminal.call(CREDENTIAL) == credential
    terminal.quit()
