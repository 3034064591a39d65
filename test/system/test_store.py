# SPDX-License-Identifier: BSD-3-Clause
"""Damaged stores: the picker says what is wrong, does not start it, and the other persona starts all the same."""

import os
import re

import image
import pytest
from machine import BUILD
from personas import BOOT

pytestmark = pytest.mark.short
PERSONA = "flipside/personas/personal"


def source(name):
    return BUILD / "personas/busybox-6.12" / name


def configure(disk, text):
    image.put_on_esp(disk, text, f"{PERSONA}/persona.conf")


def setting(disk, **settings):
    configure(disk, image.Persona("personal", source("."), settings={"title": "Personal", **settings}).configuration().encode())


def truncate(disk, name, divisor):
    content = source(name).read_bytes()
    image.put_on_esp(disk, content[: len(content) // divisor], f"{PERSONA}/{name}")


DAMAGES = {
    "missing kernel": (lambda disk: image.remove_from_esp(disk, f"{PERSONA}/kernel"), r"kernel"),
    "truncated kernel": (lambda disk: truncate(disk, "kernel", 2), r"kernel"),
    "empty kernel": (lambda disk: image.put_on_esp(disk, b"", f"{PERSONA}/kernel"), r"kernel"),
    "kernel of something else": (lambda disk: image.put_on_esp(disk, os.urandom(1 << 20), f"{PERSONA}/kernel"), r"kernel"),
    "missing initrd": (lambda disk: image.remove_from_esp(disk, f"{PERSONA}/initrd"), r"initrd"),
    "truncated initrd": (lambda disk: truncate(disk, "initrd", 2), r"initrd"),
    "rubbish configuration": (lambda disk: configure(disk, os.urandom(4096)), r"persona\.conf"),
    "unknown key": (lambda disk: setting(disk, colour="green"), r"persona\.conf"),
    "bad number": (lambda disk: setting(disk, memory="lots"), r"persona\.conf"),
    "too much memory asked for": (lambda disk: setting(disk, memory="8G"), r"memory|RAM|MiB"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_said_and_the_other_starts(start, own_disk, damage):
    change, reason = DAMAGES[damage]
    change(own_disk)
    terminal = start(own_disk)
    assert re.search(rf"^ +1 +personal .*(damaged|does not fit): .*({reason})", terminal.picker(), re.MULTILINE)
    # What is whole can be started, and is what the countdown starts.
    terminal.expect("Start 2 work in", 60)
    terminal.expect("starting work", 60)


def test_what_is_damaged_cannot_be_chosen(start, own_disk):
    truncate(own_disk, "kernel", 2)
    terminal = start(own_disk)
    terminal.picker()
    terminal.send("1")
    terminal.expect("can't be started", 60)
    terminal.send("\r")
    terminal.prompt("work")


def test_too_little_ram_for_both(start):
    terminal = start(memory="256M")
    personas = terminal.picker()
    assert re.search(r"does not fit: .*\d+ MB needed, \d+ MB there", personas)


def test_empty_store(start, own_disk):
    for name in ("personal", "work"):
        for file in ("kernel", "initrd", "persona.conf"):
            image.remove_from_esp(own_disk, f"flipside/personas/{name}/{file}")
    terminal = start(own_disk)
    terminal.expect("Nothing can be started", BOOT)
