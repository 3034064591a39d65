# SPDX-License-Identifier: BSD-3-Clause
"""The virtual USIM from a persona's user space: a device that has one, and what its answers cost."""

import re
import shutil
import sys

from machine import ROOT
from measured import START, TICK_NS
from systems import WORK, persona
from usims import Device

sys.path.insert(0, str(ROOT / "test/interop"))
from usim_network import Subscriber  # noqa: E402

PORT = "/dev/$(grep -lx flipside.usim /sys/class/virtio-ports/*/name | cut -d/ -f5)"
MOST = 12  # challenges that fit into a line for the shell, which has 1,024 characters


def make_device(name, flash):
    """A device to which a USIM was issued, with one persona and a flash of its own: a copy of FLASH."""
    device = Device(WORK / "usim", [persona(name)], pin=None, policy=(f"{name}:authenticate",))
    shutil.copy(flash, device.flash)
    device.enrol()
    device.subscriber = Subscriber(*device.issue(), 0)
    return device


def rows(terminal, arguments, pattern, count):
    """What the guest's program tells, so many lines: pairs of numbers."""
    terminal.send_line(f"/bench/usim {PORT} {arguments}")
    text = terminal.expect(rf"((?:^{pattern} \d+ \d+\r?\n){{{count}}})", START).group(1)
    terminal.expect(r"^\w+# ", START)
    return [tuple(map(int, row)) for row in re.findall(r"(\d+) (\d+)", text)]


def measure(terminal, subscriber, rounds):
    """Instructions, by round: of a command and its answer, from a program and back to it; and of AUTHENTICATE on the card,
    for so many challenges of the network's, all of which it must answer with RES."""
    trips = [TICK_NS * ticks / count for count, ticks in rows(terminal, f"--measure {rounds}", "exchanged", rounds)]
    authentications = []
    for done in range(0, rounds, MOST):
        challenges = [subscriber.vector()[:2] for _ in range(min(MOST, rounds - done))]
        line = " ".join(f"10{rand}10{autn}" for rand, autn in challenges)
        authentications += [TICK_NS * (ticks - without) for ticks, without in
                            rows(terminal, f"--authenticate {line}", "authenticated", len(challenges))]
    return {"round_trip": trips, "authentication": authentications}
