# SPDX-License-Identifier: BSD-3-Clause
"""Personas whose root is encrypted, as `flipside` makes it and as the loader hands over the key."""

import os
import subprocess

from image import Persona
from machine import BUILD

TOOL = BUILD / "host/test/interop/interop-luks"
KEY_FILE = ".extra/credentials/cryptsetup.passphrase"
KEY_FILE_SIZE = 64


def boot_words(name):
    """What the kernel command line needs besides, for a stock Debian initrd to open the partition NAME."""
    return f"root=/dev/mapper/{name} cryptopts=target={name},source=PARTLABEL={name},key=/{KEY_FILE},luks"


def cpio(entries):
    """A cpio archive (newc) of (name, mode, content)."""
    archive = b""
    for number, (name, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")]):
        fields = [number + 1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        entry = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        entry += bytes(-len(entry) % 4) + content
        archive += entry + bytes(-len(entry) % 4)
    return archive


def credential(key):
    """The archive with the key file that goes behind an initrd."""
    folders = [(".extra", 0o40755, b""), (".extra/credentials", 0o40700, b"")]
    return cpio([*folders, (KEY_FILE, 0o100400, key)])


def encrypted(name, source, directory):
    """A persona like SOURCE whose root is encrypted and whose initrd has the key behind it, in DIRECTORY."""
    directory.mkdir(parents=True, exist_ok=True)
    key, initrd = os.urandom(KEY_FILE_SIZE), (source / "initrd").read_bytes()
    key_file = directory / "key"
    key_file.write_bytes(key)
    subprocess.run([TOOL, directory / "root.img", key_file, "image", source / "root.img", "0", "", "sparse"], check=True,
                   stdout=subprocess.DEVNULL)
    (directory / "initrd").write_bytes(initrd + bytes(-len(initrd) % 4) + credential(key))
    for file in ("kernel", "persona.conf"):
        (directory / file).write_bytes((source / file).read_bytes())
    return Persona(name, directory, append=boot_words(name))
