# SPDX-License-Identifier: BSD-3-Clause
"""Personas that are locked when the machine starts."""

import subprocess

from image import Persona
from machine import BUILD

TOOL = BUILD / "host/test/interop/interop-bundle"
UNLOCKER = BUILD / "efi/loader/unlocker.image"
# The machine's PL011, its interrupt controller's distributor and the flip button's interrupt.
PLACES = ("0x09000000", "0x08000000", "142")


def locked(name, source, directory, pin):
    """A persona like SOURCE that the unlocker starts, in DIRECTORY; returns (persona, its LUKS key file)."""
    directory.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([TOOL, directory / "initrd", pin, source / "kernel", source / "initrd", name, *PLACES], check=True,
                          capture_output=True, text=True)
    (directory / "kernel").write_bytes(UNLOCKER.read_bytes())
    (directory / "root.img").write_bytes((source / "root.img").read_bytes())
    (directory / "persona.conf").write_bytes((source / "persona.conf").read_bytes())
    return Persona(name, directory, settings={"memory": "512M"}), bytes.fromhex(done.stdout)
