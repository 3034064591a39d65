# SPDX-License-Identifier: BSD-3-Clause
"""Two Debian systems: one stock, where logind answers the key, and one with the package flipside-agent."""

import json
import time

import pytest

from personas import ANSWER, BOOT, Witness

# systemd under emulation, on a busy machine
LOGIN = 4 * BOOT


@pytest.mark.debian
def test_stock_systems_flip(start, debian_disk):
    terminal = start(debian_disk, snapshot=True, memory="3G")
    terminal.log_in("personal", LOGIN)
    # The login is there before all drivers are; the flip button's is one of them.
    terminal.call("udevadm settle --timeout=600", LOGIN)
    witness = Witness(terminal, "personal")
    assert terminal.call("uname -r").startswith("6.12")
    terminal.flip_to_start("work")
    terminal.log_in("work", LOGIN)
    terminal.call("udevadm settle --timeout=600", LOGIN)
    other = Witness(terminal, "work")
    assert terminal.call("uname -r").startswith("6.1.")
    terminal.flip("personal", timeout=LOGIN)
    witness.check()
    assert terminal.kernel_trouble() == []
    terminal.flip("work", timeout=LOGIN)
    other.check()
    assert terminal.kernel_trouble() == []
    agent_answers(terminal)
    lock_refuses(terminal)


def status(terminal):
    return json.loads(terminal.call("flipside-agent status --json").splitlines()[-1])


def agent_answers(terminal):
    """In `work` the package's service has answered, and said that the system is up once it was."""
    newest, before = status(terminal)["flips"][:2]
    assert newest["from"] == "personal" and newest["acknowledged"] == 0
    assert before["from"] == "work" and before["acknowledged"] > before["asked"]
    assert "tuned: yes" in terminal.call("flipside-agent tune show")
    deadline = time.monotonic() + BOOT
    while not status(terminal)["personas"][1]["agent"]:
        assert time.monotonic() < deadline, "the unit that says that the system is up has not"
        time.sleep(1)


def lock_refuses(terminal):
    """A lock at logind is respected, and the user told of who holds it."""
    terminal.call("systemd-run --quiet --unit=holder systemd-inhibit --what=sleep --who=archiver --why='backing up' "
                  "--mode=block sleep infinity")
    terminal.call("until systemd-inhibit --list | grep -q archiver; do sleep 0.2; done")
    terminal.press_power()
    terminal.expect("work does not want to flip now: archiver: backing up", ANSWER)
    terminal.settle("work")
    assert status(terminal)["flips"][0]["stage"] == "refused"
    terminal.call("systemctl stop holder")
    terminal.flip("personal", timeout=300)
