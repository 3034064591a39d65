# SPDX-License-Identifier: BSD-3-Clause
"""A Debian system whose root is encrypted, with nothing in it for that but stock packages."""

import mmap
import shutil

import image
import pytest
from conftest import DISKS
from encrypted import encrypted
from machine import BUILD, LOADER
from personas import BOOT

LOGIN = 4 * BOOT
MARKER = "of which nothing may be seen on the disk: "


@pytest.fixture
def encrypted_disk():
    directory = DISKS / "luks"
    persona = encrypted("work", BUILD / "personas/work", directory)
    yield image.make_disk(DISKS / "luks.img", LOADER, [persona], timeout=1)
    shutil.rmtree(directory)
    (DISKS / "luks.img").unlink()


def is_on_disk(disk, text):
    with open(disk, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(text.encode()) >= 0


@pytest.mark.debian
def test_root_is_encrypted(start, encrypted_disk):
    terminal = start(encrypted_disk)
    terminal.log_in("work", LOGIN)
    assert terminal.call("findmnt -n -o SOURCE /").endswith("/dev/mapper/work")
    assert "aes-xts-plain64" in terminal.call("cryptsetup status work")
    # The key file was for the initrd alone.
    assert terminal.run("test -e /.extra")[0] == 1
    assert terminal.kernel_trouble() == []
    terminal.call(f"printf '{MARKER[:20]}%s%d' '{MARKER[20:]}' 4711 >/root/marker; sync")
    assert terminal.call("cat /root/marker") == f"{MARKER}4711"
    terminal.quit()
    assert not is_on_disk(encrypted_disk, MARKER)
    # The search finds what is there: the name of a folder on the system partition.
    assert is_on_disk(encrypted_disk, "flipside.conf") or is_on_disk(encrypted_disk, "timeout=1")
