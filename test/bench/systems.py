# SPDX-License-Identifier: BSD-3-Clause
"""What is measured: the two busybox systems with the programs of test/guest added, a disk with both, and a firmware that
starts without its boot delay."""

import gzip
import os
import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

from image import MIB, Persona, clone, make_disk, put_on_esp
from machine import BUILD, FIRMWARE, LOADER

WORK = BUILD / "bench"
GUEST = BUILD / "linux-arm64/test/guest"
SWITCHER = BUILD / "efi/switcher/switcher.elf"
PROGRAMS = ("suspend", "restart", "stamp", "work", "kexec", "channel", "decrypt", "usim")
KERNELS = {"personal": "busybox-6.12", "work": "busybox-6.1"}  # by persona
NAMES = tuple(KERNELS)
MEMORY = "512M"  # of each persona: room for the next kernel beside the running one

# Where U-Boot's configuration qemu_arm64 keeps its environment: at the beginning of the second flash bank.
ENVIRONMENT_SIZE = 0x40000
FLASH_SIZE = 64 * MIB


def other(name):
    """The persona that is not this one."""
    return NAMES[1 - NAMES.index(name)]


def cpio(entries):
    """A newc archive of (name, mode, content)."""
    archive = b""
    for inode, (name, mode, content) in enumerate(list(entries) + [("TRAILER!!!", 0, b"")], 1):
        encoded = name.encode() + b"\0"
        fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        archive += header + bytes(-len(header) % 4) + content + bytes(-len(content) % 4)
    return archive


def with_programs(initrd):
    """An initial RAM disk with the programs in /bench, and a shell that says when it comes up."""
    archive = gzip.decompress(Path(initrd).read_bytes())
    profile = (Path(__file__).resolve().parents[2] / "scripts/busybox/profile").read_bytes() + b"/bench/stamp\n"
    entries = [("bench", 0o040755, b"")]
    entries += [(f"bench/{name}", 0o100755, (GUEST / name).read_bytes()) for name in PROGRAMS]
    entries += [("etc/profile", 0o100644, profile)]
    return gzip.compress(archive + cpio(entries), compresslevel=1, mtime=0)


def make_persona(name):
    """A persona's directory; its partition has the kernels and RAM disks of both, for kexec."""
    source, directory = BUILD / "personas" / KERNELS[name], WORK / name
    directory.mkdir(parents=True, exist_ok=True)
    for file in ("kernel", "persona.conf"):
        (directory / file).write_bytes((source / file).read_bytes())
    (directory / "initrd").write_bytes(with_programs(source / "initrd"))
    return persona(name)


def persona(name):
    """A persona that make_persona() made."""
    return Persona(name, WORK / name, settings={"memory": MEMORY}, append="flipside.nokey")


def add_partition(personas):
    """Gives each persona a partition with what kexec loads."""
    files = WORK / "files"
    files.mkdir(exist_ok=True)
    for persona in personas:
        for file in ("kernel", "initrd"):
            (files / f"{persona.name}.{file}").write_bytes((persona.directory / file).read_bytes())
    for persona in personas:
        image = persona.directory / "root.img"
        image.unlink(missing_ok=True)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", files, "-E", "root_owner=0:0", image, "160M"], check=True)


def command_line(name):
    """The kernel command line of a persona on the disk."""
    return re.search(r"^cmdline=(.*)$", persona(name).configuration(), re.M).group(1)


def make_disks():
    """Makes one disk for each persona, which starts it at once, without asking; returns them by persona."""
    WORK.mkdir(parents=True, exist_ok=True)
    personas = [make_persona(name) for name in NAMES]
    add_partition(personas)
    return {name: make_disk(WORK / f"{name}.img", LOADER, personas, default=name, timeout=0) for name in NAMES}


def make_unconfined(disk):
    """A copy of a disk that starts on a machine without an SMMU."""
    copy = clone(disk, WORK / "unconfined.img")
    put_on_esp(copy, b"timeout=0\nallow-unconfined-dma=yes\ndefault=" + NAMES[0].encode() + b"\n", "flipside/flipside.conf")
    return copy


def make_debian_disk():
    """The two Debian systems that scripts/run starts: `work` has the agent, `personal` has nothing of ours."""
    personas = [Persona(name, BUILD / "personas" / name) for name in NAMES]
    return make_disk(WORK / "debian.img", LOADER, personas, default=NAMES[0], timeout=0)


def make_tools():
    """A read-only disk with what a Debian system needs to be measured. Returns its path."""
    directory, image = WORK / "tools", WORK / "tools.img"
    directory.mkdir(exist_ok=True)
    shutil.copy(GUEST / "resumed", directory / "resumed")
    image.unlink(missing_ok=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", directory, "-E", "root_owner=0:0", image, "8M"], check=True)
    return image


def default_environment(firmware):
    """U-Boot's built-in environment, a list of b"name=value"."""
    image = Path(firmware).read_bytes()
    middle = image.index(b"\0bootdelay=") + 1
    end = image.index(b"\0\0", middle)
    start = middle
    while re.fullmatch(rb"\w+=[^\0]*", image[image.rindex(b"\0", 0, start - 1) + 1:start - 1]):
        start = image.rindex(b"\0", 0, start - 1) + 1
    return image[start:end].split(b"\0")


def make_flash():
    """A flash bank with U-Boot's own environment, but for the boot delay, of which there is none. Returns its path."""
    words = [word for word in default_environment(FIRMWARE["u-boot"]) if not word.startswith(b"bootdelay=")]
    data = b"\0".join(words + [b"bootdelay=-2"]) + b"\0\0"
    data += bytes(ENVIRONMENT_SIZE - 4 - len(data))
    path = WORK / "flash.img"
    with open(path, "wb") as file:
        file.write(struct.pack("<I", zlib.crc32(data)) + data)
        file.truncate(FLASH_SIZE)
    return path
