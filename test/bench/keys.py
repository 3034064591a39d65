# SPDX-License-Identifier: BSD-3-Clause
"""From the power key to the other system's programs, with the agent and without, in two Debian systems."""

import re

from flips import Log
from measured import LOG_FLIP_ASKED, START, TICK_NS
from systems import other

TOOLS = "/mnt"


def log_in(terminal, name):
    """Waits for the system's login, and for all that a flip needs; starts the program that tells when it is back."""
    terminal.expect(rf"{name} login: ", START)
    terminal.send_line("root")
    terminal.expect(rf"root@{name}:~# ", START)
    terminal.send_line("PS1=; stty -echo; dmesg -n 1")
    # The login is there before the flip button's driver, and logind must have found that.
    run(terminal, "udevadm settle --timeout=1800; until journalctl -b --no-pager -u systemd-logind | "
                  "grep -q 'Watching system buttons'; do sleep 1; done; systemctl is-system-running --wait")
    run(terminal, f"mount -o ro /dev/vdb {TOOLS} && ({TOOLS}/resumed &)")


def run(terminal, command):
    """Runs a command in the shell; what it says is of no interest."""
    terminal.send_line(f"{command}; echo don''e")
    terminal.expect(r"^done\r?$", START)


def flip(terminal, log):
    """Presses the key; returns the time in ns until a program of the other system runs."""
    log.read()
    terminal.press_power()
    back = int(terminal.expect(r"^resumed (\d+)\r?\n", START).group(1))
    log.read()
    asked = max(time for time, event in log.entries if event == LOG_FLIP_ASKED)
    return TICK_NS * (back - asked)


def there_and_back(terminal, log, rounds):
    """Flips to the other system and back; returns the times of the first ways."""
    times = []
    for _ in range(rounds):
        settle(terminal)
        times.append(flip(terminal, log))
        settle(terminal)
        flip(terminal, log)
    return times


def settle(terminal):
    """What the last resume left to do is done, and a press now is another wish than the last."""
    run(terminal, "sleep 2.5")


def measure(terminal, first, rounds):
    """Times in ns of flips from the second system, which has the agent: with it, and with it stopped."""
    log = Log(terminal)
    log_in(terminal, first)
    settle(terminal)
    terminal.press_power()
    log_in(terminal, other(first))
    times = {"agent": there_and_back(terminal, log, rounds)}
    run(terminal, "systemctl stop flipside-agent")
    times["agentless"] = there_and_back(terminal, log, rounds)
    return times
