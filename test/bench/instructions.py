# SPDX-License-Identifier: BSD-3-Clause
"""The exact number of instructions that the switcher spends on a flip: single steps through QEMU's GDB stub, from the
vector that SYSTEM_SUSPEND takes to the first instruction of the other persona."""

import bisect
import collections
import subprocess
from dataclasses import dataclass

from gdbstub import PC, PSTATE, X0, StubError

SYSTEM_SUSPEND = 0xC400000E  # PSCI, DEN0022 5.17
SYSTEM_RESET = 0x84000009  # DEN0022 5.11
INSTRUCTION_SIZE = 4
EC_SHIFT, EC_HVC = 26, 0x16  # ESR_EL2: HVC returns to what follows it, a trapped SMC to itself
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


def find_caller(stub, handler, trigger):
    """Lets the machine run, does what makes a persona call the switcher, and stops in the switcher's function for it.

    Returns the virtual address of the persona's instruction that made the call. Nothing else stops the machine, so that
    the system gets on at its own pace: one that is stopped at whatever it traps for may be late for the switcher."""
    stub.breakpoint(handler)
    stub.go()
    trigger()
    stub.wait()
    stub.remove_breakpoint(handler)
    following = stub.system_register("ELR_EL2")
    return following - INSTRUCTION_SIZE if stub.system_register("ESR_EL2") >> EC_SHIFT == EC_HVC else following


def run_to_call(stub, caller, call, trigger):
    """Lets the machine run, does what makes a persona call the switcher, and stops when the call has come to EL2.

    caller is what find_caller() returned, call the PSCI function; returns the CPU. The vector's first instruction is the
    next one."""
    stub.breakpoint(caller)
    stub.go()
    trigger()
    while True:
        cpu = stub.wait()
        wanted = stub.register(X0) == call
        stub.step(cpu)  # no breakpoint stops a step
        if wanted:
            stub.remove_breakpoint(caller)
            return cpu
        stub.go()


@dataclass
class Steps:
    """What a CPU carried out at EL2."""

    functions: collections.Counter  # instructions by function
    before_log: int  # instructions up to the log's first entry
    after_log: int  # instructions from the log's last entry on

    @property
    def whole(self):
        return sum(self.functions.values())


def step_to_exit(stub, cpu, symbols):
    """Steps until the CPU has left EL2; returns what it carried out, from the vector's first instruction to ERET."""
    functions, entries = collections.Counter(), []
    log = symbols.address("log_add")
    for count in range(MOST):
        if stub.register(PSTATE) & EXCEPTION_LEVEL != EL2:
            return Steps(functions, entries[0], count - entries[-1])
        address = stub.register(PC)
        if address == log:
            entries.append(count)
        functions[symbols.function(address)] += 1
        stub.step(cpu)
    raise StubError(f"still at EL2 after {MOST} instructions")
