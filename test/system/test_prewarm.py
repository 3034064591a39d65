# SPDX-License-Identifier: BSD-3-Clause
"""Personas that are started and suspended at power-on, before the chosen one: with an agent, and without."""

import agents
import image
import pytest
from machine import BUILD, LOADER
from personas import ANSWER, BOOT, FLIP

PERSONAL, WORK = BUILD / "personas/busybox-6.12", BUILD / "personas/busybox-6.1"


def prepared(seconds):
    """What persona.conf says of a persona that is to be prepared."""
    return {"prewarm": "yes", "prewarm-seconds": seconds}


@pytest.fixture
def disk(tmp_path):
    """Makes a disk of `personal` and the personas given."""
    disk = tmp_path / "disk.img"

    def make(*personas):
        image.make_disk(disk, LOADER, [image.Persona("personal", PERSONAL), *personas], default="personal", timeout=3)
        return disk

    yield make
    disk.unlink(missing_ok=True)


def test_the_first_flip_resumes(start, disk, tmp_path):
    work = agents.with_agent(WORK, tmp_path / "work")
    terminal = start(disk(image.Persona("work", work, settings=prepared(600))))
    terminal.expect(r"^Starting the switcher, preparing work \(up to 600 s\), then personal", BOOT)
    terminal.expect(r"preparing work \(up to 600 s\)\.\.\.", ANSWER)
    terminal.expect(r"work is ready after \d+ s", BOOT)
    terminal.expect("starting personal", ANSWER)
    terminal.prompt("personal")
    assert terminal.states() == {"personal": "running", "work": "suspended"}
    up = {"personal": float(terminal.call("cut -d' ' -f1 /proc/uptime"))}
    terminal.flip("work")
    assert "starting work" not in terminal.output
    # It has been there since before personal was.
    assert float(terminal.call("cut -d' ' -f1 /proc/uptime")) > up["personal"]
    assert terminal.call("dmesg | grep -c 'PM: suspend exit'") == "1"
    assert terminal.kernel_trouble() == []
    terminal.flip("personal")
    terminal.flip("work")


def test_what_is_not_ready_is_left_as_it_was(start, disk):
    terminal = start(disk(image.Persona("work", WORK, settings=prepared(2)),
                          image.Persona("work-2", WORK, settings=prepared(3600))))
    terminal.expect("preparing work ", BOOT)
    terminal.expect(r"work was not ready in its time; it starts at the first flip to it", ANSWER)
    # Who does not want to wait presses a key.
    terminal.expect("preparing work-2", ANSWER)
    terminal.press_power()
    terminal.expect("work-2 is not waited for", ANSWER)
    terminal.expect("starting personal", ANSWER)
    terminal.prompt("personal")
    assert terminal.states() == {"personal": "running", "work": "loaded", "work-2": "loaded"}
    terminal.flip_to_start("work")
    terminal.prompt("work", FLIP)
    assert terminal.kernel_trouble() == []
