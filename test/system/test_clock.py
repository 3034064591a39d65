# SPDX-License-Identifier: BSD-3-Clause
"""The real-time clock: each persona has its own time, and its own alarm even while it is suspended."""

import time

import pytest

from conftest import BUILD, DISKS, LOADER
from personas import ANSWER, Witness

import image

YEAR = 365 * 24 * 3600
CLOCK = "/sys/class/rtc/rtc0"


@pytest.fixture
def terminal(start):
    """A machine whose persona `work`, and no other, may ask for a flip by its alarm."""
    disk = DISKS / "clock.img"
    image.make_disk(disk, LOADER, [image.Persona("personal", BUILD / "personas/busybox-6.12"),
                                   image.Persona("work", BUILD / "personas/busybox-6.1", {"alarm-flip": "yes"})], timeout=3)
    terminal = start(disk)
    terminal.prompt("personal")
    yield terminal
    disk.unlink()


def clock(terminal):
    """Seconds since 1970 by the persona's clock."""
    return int(terminal.call(f"cat {CLOCK}/since_epoch"))


def set_clock(terminal, seconds):
    """Sets the persona's clock; the shell's own time goes with it."""
    terminal.call(f"date -u -s @{seconds} && hwclock -w -u")


def interrupts(terminal):
    """How many alarms the persona's driver has had."""
    return sum(map(int, terminal.call("grep rtc-pl031 /proc/interrupts").split()[1:3]))


def alarm(terminal):
    """When the persona's alarm is due; empty when there is none or it was."""
    return terminal.call(f"cat {CLOCK}/wakealarm")


def leave_with_alarm(terminal, name, to):
    """Flips away from the persona NAME, whose alarm comes due soon afterwards; returns how many it had before."""
    for seconds in (8, 20, 60):
        before = interrupts(terminal)
        terminal.call(f"echo 0 >{CLOCK}/wakealarm; echo +{seconds} >{CLOCK}/wakealarm")
        due = time.monotonic() + seconds
        terminal.flip(to)
        if time.monotonic() < due - 2:
            return before
        terminal.flip(name)
    pytest.fail("the machine is too slow to flip within a minute")


def test_each_persona_has_its_own_clock(terminal):
    witness = Witness(terminal, "personal")
    host, start = clock(terminal), time.monotonic()
    set_clock(terminal, host + YEAR)
    terminal.flip("work")
    other = Witness(terminal, "work")
    assert abs(clock(terminal) - host - (time.monotonic() - start)) < ANSWER
    terminal.flip("personal")
    assert abs(clock(terminal) - host - YEAR - (time.monotonic() - start)) < ANSWER

    # An alarm of the one while the other runs: the user is told, and the alarm comes once he goes there.
    before = leave_with_alarm(terminal, "personal", "work")
    terminal.expect("an alarm of personal is due; flip to it to answer", ANSWER)
    assert alarm(terminal) == "" and interrupts(terminal) == 0
    terminal.flip("personal")
    assert alarm(terminal) == "" and interrupts(terminal) == before + 1

    # An alarm that may ask for a flip does.
    terminal.flip("work")
    before = leave_with_alarm(terminal, "work", "personal")
    terminal.expect("an alarm of work is due", ANSWER)
    terminal.await_persona("work")
    other.check()
    assert alarm(terminal) == "" and interrupts(terminal) == before + 1

    # In sleep too, at once.
    before = leave_with_alarm(terminal, "work", "personal")
    terminal.send_line("echo mem >/sys/power/state")
    terminal.expect("an alarm of work is due", ANSWER)
    terminal.await_persona("work")
    assert alarm(terminal) == "" and interrupts(terminal) == before + 1
    assert terminal.kernel_trouble() == []
    terminal.flip("personal")
    witness.check()
    assert terminal.kernel_trouble() == []
    assert terminal.report().count("alarm due") >= 3
