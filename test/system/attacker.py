# SPDX-License-Identifier: BSD-3-Clause
"""A machine with hostile kernels (test/attack) as personas, and what they must not reach."""

import hashlib
import os
import re
import struct

import image
from machine import BUILD
from personas import Terminal

PAYLOAD = BUILD / "efi/test/attack/attack.image"
SWITCHER = BUILD / "efi/switcher/switcher.elf"
RESULTS = BUILD / "log/attacks"
ATTACK = 600
PAGE = 4096
RAM = 0x40000000
STACK = PAGE + 32768
# QEMU's virt, hidden from every persona: first and last byte.
HIDDEN = {
    "flash": (0x00000000, 0x07FFFFFF),
    "its": (0x08080000, 0x0809FFFF),
    "fw_cfg": (0x09020000, 0x09020017),
    "power-key": (0x09030000, 0x09030FFF),
    "smmu": (0x09050000, 0x0906FFFF),
    "keyboard-page": (0x0A003000, 0x0A003FFF),
    "platform-bus": (0x0C000000, 0x0DFFFFFF),
    "secure-memory": (0x0E000000, 0x0EFFFFFF),
}
# Power key, keyboard, EL2 timer, stop order (board/qemu-virt, switcher/gic.h).
SWITCHER_INTIDS = (39, 79, 26, 15)


def put_payload(disk, name):
    """Makes the persona NAME of a disk a hostile one."""
    image.put_on_esp(disk, PAYLOAD, f"flipside/personas/{name}/kernel")
    configuration = f"title=Attack\ncmdline=name={name}\nmemory=128M\nkernel=kernel\n"
    image.put_on_esp(disk, configuration.encode(), f"flipside/personas/{name}/persona.conf")


class Plan:
    """Where the loader puts what, from the picker's detail."""

    def __init__(self, terminal):
        terminal.picker()
        terminal.send("v")
        text = terminal.expect(r"RAM that personas can use(?:.*\n)*?Devices that work reaches:\r*\n(?:  .*\n)+", 120).group(0)
        text = text.replace("\r", "")
        plan = text[text.index("Plan:"):text.index("Devices of the board:")]
        self.ranges = {name: (int(first, 16), int(last, 16)) for name, first, last in
                       re.findall(r"^  (\S+) +(0x[0-9a-f]+)-(0x[0-9a-f]+)", plan, re.MULTILINE)}
        self.reach = {name: [(int(first, 16), int(last, 16)) for first, last in re.findall(r"(0x[0-9a-f]+)-(0x[0-9a-f]+)", part)]
                      for name, part in re.findall(r"Devices that (\S+) reaches:\n((?:  .*\n)+)", text)}
        channel = int(re.search(r"^  channel +(0x[0-9a-f]+)", text, re.MULTILINE).group(1), 16)
        clock = int(re.search(r"^  clock .*@([0-9a-f]+)", text, re.MULTILINE).group(1), 16)
        # What the switcher makes for each persona: no stage 2 has it, and it answers all the same.
        self.made = [(page, page + PAGE - 1) for page in (channel, clock)]
        self.end = RAM + int(terminal.memory.rstrip("G")) * (1 << 30)

    def gaps(self):
        """RAM that is nobody's: first and last byte of each piece."""
        at = RAM
        for first, last in sorted(self.ranges.values()) + [(self.end, self.end)]:
            if first > at:
                yield at, first - 1
            at = last + 1

    def targets(self, attacker):
        """All that the persona must not reach, by name."""
        targets = {name: place for name, place in self.ranges.items() if name != attacker}
        targets.update(HIDDEN)
        targets.update({f"unassigned-{number}": place for number, place in enumerate(self.gaps())})
        targets["above-memory"] = (self.end, self.end + 0xFFFF)
        return targets


def find_page(terminal, place, marker, path):
    """Address of a page in a range of physical memory that begins with the marker."""
    terminal.qmp("pmemsave", val=place[0], size=place[1] - place[0] + 1, filename=str(path))
    content = path.read_bytes()
    path.unlink()
    at = content.find(marker)
    while at >= 0 and at % PAGE:
        at = content.find(marker, at + 1)
    assert at >= 0, "the victim's secret is not in its memory"
    return place[0] + at


class Memory:
    """Pages of physical memory by their hashes."""

    def __init__(self, terminal, place, path):
        self.first, last = place
        terminal.qmp("pmemsave", val=self.first, size=last - self.first + 1, filename=str(path))
        self.pages = []
        with open(path, "rb") as file:
            while page := file.read(PAGE):
                self.pages.append(hashlib.blake2b(page, digest_size=16).digest())
        path.unlink()

    def changed(self, other):
        """Addresses of the pages that differ."""
        return [self.first + PAGE * number for number, pair in enumerate(zip(self.pages, other.pages)) if pair[0] != pair[1]]


def writable_part(cpus):
    """Where in its region the switcher writes, as (offset, size): its data, and the stacks behind its image."""
    elf = SWITCHER.read_bytes()
    offset, = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    segments = [struct.unpack_from("<IIQQQQQQ", elf, offset + number * size) for number in range(count)]
    loaded = [segment for segment in segments if segment[0] == 1]
    end = -(-max(segment[3] + segment[6] for segment in loaded) // PAGE) * PAGE
    return [(segment[3], segment[6]) for segment in loaded if segment[1] & 2] + [(end, cpus * STACK)]


class Attacker:
    """The persona that attacks, on a terminal whose loader told its plan."""

    def __init__(self, terminal, plan, name="personal", title=""):
        self.terminal, self.plan, self.name, self.title, self.results = terminal, plan, name, title, []

    def command(self, words, timeout=ATTACK):
        """A line for the payload; its status and output."""
        return self.terminal.run(words, timeout)

    def dma_faults(self):
        """How many of its devices' accesses the SMMU refused, as the switcher counts them."""
        report = self.terminal.report()
        self.terminal.settle(self.name)
        return int(re.search(rf"^{self.name}: .*, DMA fault (\d+)", report, re.MULTILINE).group(1))

    def take_aim(self, names=None):
        """Tells the payload the places that it must not reach."""
        self.command("forget")
        for name, (first, last) in self.plan.targets(self.name).items():
            if names is None or name in names:
                assert self.command(f"target {name} {first:#x} {last:#x}")[0] == 0

    def run(self, attack, timeout=ATTACK):
        """Runs an attack to its end, and notes its result; returns (whether it held, its lines)."""
        status, output = self.command(f"run {attack}", timeout)
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        assert any(line.startswith(f"ATTACK {attack.split()[0]}: ") for line in lines), f"no result of {attack}: {output}"
        for line in lines:
            if line.startswith("ATTACK "):
                self.note(line.removeprefix("ATTACK "))
        return status == 0, lines

    def note(self, line):
        """A row of the table of results."""
        self.results.append(line)
        RESULTS.mkdir(parents=True, exist_ok=True)
        with open(RESULTS / f"{os.getpid()}.txt", "a", encoding="utf-8") as file:
            file.write(f"{self.title:<12} {line}\n")

    def confined(self, attack, timeout=ATTACK):
        """Runs an attack by devices that must not succeed: each attempt is one that the SMMU refuses."""
        before = self.dma_faults()
        lines = self.holds(attack, timeout)
        attempts = int(re.search(r"held, (\d+) attempts", lines[-1]).group(1))
        faults = self.dma_faults() - before
        self.note(f"{attack.split()[0]}: {faults} DMA faults counted for {attempts} attempts")
        assert faults >= attempts, f"{attack}: {faults} DMA faults for {attempts} attempts"

    def holds(self, attack, timeout=ATTACK):
        """Runs an attack that must not succeed."""
        held, lines = self.run(attack, timeout)
        assert held, "\n".join(lines)
        return lines
