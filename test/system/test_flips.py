# SPDX-License-Identifier: BSD-3-Clause
"""Many flips in a row, all that a user relies on looked at in both systems: an agent in one, none in the other."""

import hashlib
import os
import re
import time

import pytest

from agents import await_agent, status
from personas import BOOT, PERSONAS, Witness

FILES = 4
FILE_KIB = 512
# Each system's clock follows one counter; a second or two go by while it is read over the serial line.
CLOCK_SECONDS = 5


class Visitor:
    """Looks at one persona at each visit: its process, disk, network and clock."""

    def __init__(self, terminal, server, name):
        self.terminal, self.server, self.name = terminal, server, name
        self.witness = Witness(terminal, name)
        terminal.call(f"for i in $(seq {FILES}); do dd if=/dev/urandom of=/disk/$i bs=1k count={FILE_KIB} 2>/dev/null; done; "
                      "cd /disk; sha256sum * >/run/sums 2>/dev/null; sync", timeout=120)
        self.clock_offset, self.uptime = self.look_at_clock()

    def look_at_clock(self):
        """How far the persona's clock is from that of the machine that the test runs on, and how long the persona is up."""
        now, uptime = self.terminal.call("echo $(date +%s) $(cut -d' ' -f1 /proc/uptime)").split()
        return float(now) - time.time(), float(uptime)

    def check_disk(self):
        """Reads everything back from the disk itself, and writes a little."""
        self.terminal.call("echo 3 >/proc/sys/vm/drop_caches; cd /disk && sha256sum -c -s /run/sums; date >/disk/last; sync /disk/last", 120)

    def check_network(self):
        """Fetches the host's file, and checks that all of it came."""
        assert self.terminal.call(f"wget -q -T 60 -O - {self.server.url('data')} | sha256sum", 120).split()[0] == self.server.sum

    def check_clock(self):
        """The clock is right and uptime has gone on."""
        offset, uptime = self.look_at_clock()
        assert abs(offset - self.clock_offset) < CLOCK_SECONDS
        assert uptime > self.uptime
        self.uptime = uptime

    def check(self, thorough):
        """One visit."""
        self.witness.check()
        self.check_network()
        self.check_clock()
        if thorough:
            self.check_disk()
            assert self.terminal.kernel_trouble() == []


def flip_in_a_row(terminal, server, tmp_path, count):
    data = os.urandom(128 * 1024)
    (tmp_path / "data").write_bytes(data)
    server.sum = hashlib.sha256(data).hexdigest()
    terminal.expect(r"^DMA confined", BOOT)
    terminal.prompt("personal")
    await_agent(terminal)
    visitors = {}
    for number in range(count + 1):
        name = PERSONAS[number % 2]
        if number:
            terminal.flip(name)
        if name not in visitors:
            visitors[name] = Visitor(terminal, server, name)
        thorough = number % 10 in (0, 1) or number >= count - 1
        visitors[name].check(thorough)
        if number and thorough and name == "personal":
            check_ways(terminal)
    # In all that time no device reached for what is not its persona's.
    assert re.findall(r"DMA fault (\d+)", terminal.report()) == ["0", "0"]


def check_ways(terminal):
    """The persona with the agent was asked by it, the other by the button."""
    for flip in status(terminal)["flips"]:
        assert flip["stage"] == "flipped" and bool(flip["acknowledged"]) == (flip["from"] == "personal")


def test_100_flips(start, agent_disk, server, tmp_path):
    flip_in_a_row(start(agent_disk, snapshot=True), server, tmp_path, 100)


@pytest.mark.soak
def test_1000_flips(start, agent_disk, server, tmp_path):
    flip_in_a_row(start(agent_disk, snapshot=True), server, tmp_path, 1000)
