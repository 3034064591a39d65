# SPDX-License-Identifier: BSD-3-Clause
"""Accesses outside a persona: a bus error there, a count in the log, and nothing else."""

import re

import pytest

from personas import Witness

FORBIDDEN = {
    "fw_cfg": 0x09020000,
    "power key": 0x09030000,
    "flash": 0x00000000,
    "keyboard": 0x0A003E00,
    "ITS": 0x08080000,
    "secure memory": 0x0E000000,
}


def partitions(terminal):
    """The personas' partitions as their kernels see them: start and end of each persona's RAM."""
    lines = terminal.call("grep -i 'system ram' /proc/iomem").splitlines()
    ranges = [re.match(r"\s*([0-9a-f]+)-([0-9a-f]+)", line).groups() for line in lines]
    return [(int(first, 16), int(last, 16)) for first, last in ranges]


def access(terminal, words):
    """devmem's outcome: 135 is 128 + SIGBUS."""
    return terminal.run(f"devmem {words}")[0]


@pytest.mark.parametrize("cpu", ["cortex-a72", pytest.param("max,pauth-impdef=on", marks=pytest.mark.soak)])
def test_accesses_outside_are_bus_errors(start, cpu):
    terminal = start(cpu=cpu)
    terminal.prompt("personal")
    witness = Witness(terminal, "personal")
    # A transport with no device in it, so that no driver has claimed it: its MagicValue (virtio 1.2, 4.2.2).
    assert terminal.call("devmem 0x0a000000 32") == "0x74726976", "what is the persona's own can be used"
    personal = partitions(terminal)
    terminal.flip("work")
    other = Witness(terminal, "work")
    work = partitions(terminal)
    assert all(a[1] < b[0] or b[1] < a[0] for a in personal for b in work), "the partitions overlap"

    # All of RAM that is neither partition is the switcher's or the firmware's: none of it is this persona's.
    end = max(last for _, last in personal + work)
    places = dict(FORBIDDEN, partition=personal[0][0], middle=(personal[0][0] + personal[0][1]) // 2 & ~0xFFF,
                  last=personal[-1][1] & ~0xFFF, above=(end + 1) & ~0xFFF)
    for name, address in places.items():
        assert access(terminal, f"{address:#x} 32") == 135, f"{name} at {address:#x} can be read"
        assert access(terminal, f"{address:#x} 32 0x12345678") == 135, f"{name} at {address:#x} can be written"
    other.check()
    faults = int(re.search(r"^work: .*, fault (\d+)", terminal.report(), re.MULTILINE).group(1))
    assert faults >= 2 * len(places)
    terminal.flip("personal")
    witness.check()
    assert terminal.kernel_trouble() == []
