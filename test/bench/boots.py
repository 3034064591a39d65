# SPDX-License-Identifier: BSD-3-Clause
"""Power-on with encrypted personas: a disk that an organisation provisioned, and when the first system is entered."""

import shutil

from image import make_disk, put_on_esp
from machine import LOADER, Machine
from measured import LOG_START, START, TICK_NS
from organisation import Organisation
from systems import MEMORY, NAMES, WORK, command_line


def start(disk, until):
    """One start of the machine, by the host's clock, up to something that it says."""
    with Machine(disk, cpus=1, log=WORK / "encrypted.log") as machine:
        machine.expect(until, START)
        machine.quit()


def make_encrypted(first):
    """The disk of make_disks() with both systems encrypted and signed, opened by the device's own key; FIRST starts.

    The device has been started twice: it has its key, and has taken what was issued to it."""
    disk = make_disk(WORK / "encrypted.img", LOADER, [], timeout=0)
    shutil.rmtree(WORK / "organisation", ignore_errors=True)
    organisation = Organisation(WORK / "organisation")
    organisation.install(disk)
    start(disk, "First start")
    device = organisation.enroll(disk)
    for name in NAMES:
        organisation.create(name, WORK / name, f"--cmdline={command_line(name)}", "--unlock=device", f"--memory={MEMORY}")
        organisation.deliver(name, device, disk)
    put_on_esp(disk, f"timeout=0\ndefault={first}\n".encode(), "flipside/flipside.conf")
    start(disk, rf"^{first}# ")
    return disk


def entered(terminal):
    """When the switcher entered the first system, in ns since power-on."""
    return TICK_NS * min(time for time, event in terminal.switcher_log() if event == LOG_START)
