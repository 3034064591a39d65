# SPDX-License-Identifier: BSD-3-Clause
"""What the switcher costs while nothing flips: the same work in a persona and in the same system without the switcher."""

import re

from measured import START, TICK_NS

# A second disk that always answers late enough for the system to have turned to something else.
DISK = ["-blockdev", "driver=null-co,node-name=null,size=1073741824,read-zeroes=on,latency-ns=200000",
        "-device", "virtio-blk-pci,drive=null,disable-legacy=on"]
IDLER_NS = 4  # instructions that the idler of `work` takes for a round
LOAD = {"cpu": "cpu", "disk": "disk /dev/vdb"}


def measure_work(terminal, rounds):
    """Times in ns that the work took from the CPU, by its kind."""
    times = {}
    for kind, arguments in LOAD.items():
        terminal.send_line(f"/bench/work {rounds} {arguments}")
        rows = terminal.expect(rf"((?:^work \d+ \d+\r?\n){{{rounds}}})", START).group(1)
        terminal.expect(r"^\w+# ", START)
        times[kind] = [TICK_NS * int(ticks) - IDLER_NS * int(idled) for ticks, idled in re.findall(r"work (\d+) (\d+)", rows)]
    return times
