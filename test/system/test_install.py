# SPDX-License-Identifier: BSD-3-Clause
"""Bootloader replacement: what stood on a disk before starts again once Flipside is taken away."""

import image
import pytest
from devices import WORK
from organisation import Organisation
from personas import BOOT, Terminal

# A kernel is an EFI application by itself, which says what it is as soon as the firmware starts it.
BEFORE = r"EFI stub: .*"
AFTER = "Exiting boot services"


@pytest.mark.parametrize("firmware", ["u-boot", "edk2"])
def test_what_started_before_starts_again(tmp_path, firmware):
    disk = image.make_disk(tmp_path / "disk.img", WORK / "kernel", [image.Persona("personal", WORK)])

    def machine():
        return Terminal(disk, firmware=firmware, memory="1G")

    organisation = Organisation(tmp_path / "organisation")
    organisation.install(disk)
    with machine() as terminal:
        terminal.expect("First start: this device has made its key", BOOT)
        terminal.picker()
        assert "EFI stub" not in terminal.output
        terminal.quit()
    organisation.call("verify", disk)
    organisation.call("uninstall", disk)
    with machine() as terminal:
        terminal.expect(BEFORE, BOOT)
        terminal.expect(AFTER, BOOT)
        assert "Flipside" not in terminal.output
        terminal.quit()
    # Its identity was kept, so that the personas on the disk can still be opened.
    organisation.install(disk)
    with machine() as terminal:
        terminal.picker()
        assert "First start" not in terminal.output and "not signed by Acme Ltd" in terminal.output
        terminal.quit()
