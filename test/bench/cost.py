# SPDX-License-Identifier: BSD-3-Clause
"""What the switcher costs while nothing flips: the same work in a persona and in the same system without the switcher."""

import re

from measured import START, TICK_NS

# A second disk that answers at once, so that the host's disk has no part in the figures.
DISK = ["-blockdev", "driver=null-co,node-name=null,size=1073741824,read-zeroes=on",
        "-device", "virtio-blk-pci,drive=null,disable-legacy=on"]
LOAD = {"cpu": "cpu", "disk": "disk /dev/vdb"}


def measure_work(terminal, rounds):
    """Times in ns, by kind of work, in which the CPU was busy with it."""
    times = {}
    for kind, arguments in LOAD.items():
        terminal.send_line(f"/bench/work {rounds} {arguments}")
        rows = terminal.expect(rf"((?:^work \d+ \d+\r?\n){{{rounds}}})", START).group(1)
        terminal.expect(r"^\w+# ", START)
        times[kind] = [TICK_NS * int(busy) for busy in re.findall(r"work \d+ (\d+)", rows)]
    return times
