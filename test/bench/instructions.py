# SPDX-License-Identifier: BSD-3-Clause
"""The exact number of instructions that the switcher spends on a flip: single steps through QEMU's GDB stub, from the
vector that SYSTEM_SUSPEND takes to the first instruction of the other persona."""

import bisect
import collections
import subprocess

from gdbstub import PC, PSTATE, X0

SYSTEM_SUSPEND = 0xC400000E  # PSCI, DEN0022 5.17
LOWER_EL_SYNC = 0x400  # offset of the vector for synchronous exceptions from a persona
EXCEPTION_LEVEL = 3 << 2  # PSTATE.EL, at bits 3:2
EL2 = 2 << 2
MOST = 100_000


class Symbols:
    """The functions of an ELF image, found by an address of the image as it lies in memory."""

    def __init__(self, elf, base=0):
        self.base = base
        self.addresses, self.names = [], []
        listing = subprocess.run(["aarch64-linux-gnu-nm", "-n", str(elf)], capture_output=True, text=True, check=True).stdout
        self.all = {}
        for line in listing.splitlines():
            fields = line.split()
            if len(fields) != 3 or fields[2].startswith("$"):
                continue
            self.all[fields[2]] = int(fields[0], 16)
            if fields[1] in "tT":
                self.addresses.append(int(fields[0], 16))
                self.names.append(fields[2])

    def address(self, name):
        """Where a symbol is in memory."""
        return self.base + self.all[name]

    def function(self, address):
        """The function that an address belongs to."""
        index = bisect.bisect_right(self.addresses, address - self.base) - 1
        return self.names[index] if index >= 0 else "?"


def wait_for_suspend(stub, vectors):
    """Lets the machine run until a persona's SYSTEM_SUSPEND has come to EL2; returns the CPU. Its vector's first
    instruction is the next one."""
    entry = vectors + LOWER_EL_SYNC
    stub.breakpoint(entry)
    while True:
        stub.go()
        cpu = stub.wait()
        if stub.register(X0) == SYSTEM_SUSPEND:
            stub.remove_breakpoint(entry)
            return cpu
        # Past the breakpoint, or it would stop there again.
        stub.remove_breakpoint(entry)
        stub.step(cpu)
        stub.breakpoint(entry)


def count_to_exit(stub, cpu, each=None):
    """Steps until the CPU has left EL2; returns the number of instructions, the last of which is ERET.

    each is called with the address of every instruction before it is carried out."""
    for count in range(MOST):
        if stub.register(PSTATE) & EXCEPTION_LEVEL != EL2:
            return count
        if each:
            each(stub.register(PC))
        stub.step(cpu)
    raise RuntimeError(f"still at EL2 after {MOST} instructions")


def profile(stub, cpu, symbols):
    """Steps until the CPU has left EL2; returns the number of instructions by function."""
    counts = collections.Counter()

    def note(address):
        counts[symbols.function(address)] += 1

    count_to_exit(stub, cpu, note)
    return counts
