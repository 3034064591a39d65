# SPDX-License-Identifier: BSD-3-Clause
"""What the switcher costs while nothing flips: the same work in a persona and in the same system without the switcher."""

import re
from statistics import median

from measured import START, TICK_NS

# A second disk that always answers late enough for the system to have turned to something else. Its driver goes by the
# DMA API, as behind the SMMU it must.
DISK = ["-blockdev", "driver=null-co,node-name=null,size=1073741824,read-zeroes=on,latency-ns=60000",
        "-device", "virtio-blk-pci,drive=null,disable-legacy=on,iommu_platform=on"]
IDLER_NS = 4  # instructions that the idler of `work` takes for a round
LOAD = {"rest": "rest", "cpu": "cpu", "disk": "disk /dev/vdb"}


def measure_channel(terminal, rounds):
    """Instructions of a message to the switcher and its answer, from a program and back to it."""
    terminal.send_line(f"/bench/channel {rounds} /dev/vport*p1")
    rows = terminal.expect(rf"((?:^exchanged \d+ \d+\r?\n){{{rounds}}})", START).group(1)
    terminal.expect(r"^\w+# ", START)
    return [TICK_NS * int(ticks) / int(count) for count, ticks in re.findall(r"exchanged (\d+) (\d+)", rows)]


def measure_decryption(terminal, rounds):
    """Instructions for a byte of an encrypted file, with the CPU's own for cryptography and without, by that."""
    found = {}
    for kind in ("extensions", "plain"):
        terminal.send_line(f"/bench/decrypt {rounds} {kind}")
        rows = terminal.expect(rf"((?:^decrypted \d+ \d+\r?\n){{{rounds}}})", START).group(1)
        terminal.expect(r"^\w+# ", START)
        found[kind] = [TICK_NS * int(ticks) / int(size) for size, ticks in re.findall(r"decrypted (\d+) (\d+)", rows)]
    return found


def measure_work(terminal, rounds):
    """Times in ns that the work took from the CPU, by its kind.

    The disk answers by the host's clock, so the machine's own tick comes more or less often in a round: what ticks cost
    while nothing works is subtracted."""
    spent = {}
    for kind, arguments in LOAD.items():
        terminal.send_line(f"/bench/work {rounds} {arguments}")
        rows = terminal.expect(rf"((?:^work \d+ \d+\r?\n){{{rounds}}})", START).group(1)
        terminal.expect(r"^\w+# ", START)
        spent[kind] = [(TICK_NS * int(ticks), IDLER_NS * int(idled)) for ticks, idled in re.findall(r"work (\d+) (\d+)", rows)]
    tick_share = median((whole - idle) / whole for whole, idle in spent.pop("rest"))
    return {kind: [whole * (1 - tick_share) - idle for whole, idle in rows] for kind, rows in spent.items()}
