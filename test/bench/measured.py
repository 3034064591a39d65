# SPDX-License-Identifier: BSD-3-Clause
"""A machine that is measured: one CPU that counts instructions, one nanosecond each."""

import re
import struct

from gdbstub import Stub
from instructions import Symbols
from machine import Machine
from systems import SWITCHER, WORK

TICK_NS = 16  # the architected timer of QEMU's cortex-a72 counts at 62.5 MHz
START = 1800  # seconds of the host; only a machine in trouble takes so long

# The switcher's log, as switcher/log.h and log.c lay it out.
LOG_START, LOG_FLIP_ASKED, LOG_SUSPEND, LOG_RESUME, LOG_SLEEP, LOG_WAKE = 1, 2, 3, 4, 5, 6
LOG_ENTRIES = 256
SLOT = struct.Struct("<QQQQHHI")  # ticket, time, a, b, event, persona, CPU


class Measured(Machine):
    """A terminal with both personas; or, with a kernel given, one system without the switcher.

    name   distinguishes its files from those of other machines
    flash  the firmware's second flash bank, or None
    more   arguments for QEMU
    """

    def __init__(self, name, disk, flash=None, more=(), **options):
        self.name = name
        self.stub_path = WORK / f"{name}.gdb"
        self.stub_path.unlink(missing_ok=True)
        extra = ["-gdb", f"unix:{self.stub_path},server=on,wait=off"]
        # Alarms go by the machine's time, as all else here.
        extra += ["-rtc", "clock=vm", *more]
        if flash:
            extra += ["-drive", f"if=pflash,unit=1,format=raw,readonly=on,file={flash}"]
        options = {"cpus": 1, "icount": True, "snapshot": True, "log": WORK / f"{name}.log", **options}
        super().__init__(disk, extra=extra, **options)
        self._symbols = None

    # --- what the programs in the personas say ---

    def await_up(self):
        """Waits for a system's shell; returns the counter when it came up."""
        ticks = int(self.expect(r"^up (\d+)\r?\n", START).group(1))
        self.expect(r"^\w+# ", START)
        return ticks

    def await_leaving(self):
        """Waits for a system to restart; returns the counter when it began to."""
        return int(self.expect(r"^leaving (\d+)\r?\n", START).group(1))

    def suspends(self, count):
        """Waits for what `suspend` tells at its end; returns a list of (kind, before, after)."""
        rows = self.expect(rf"((?:^(?:flip|sleep) \d+ \d+\r?\n){{{count}}})", START).group(1)
        self.expect(r"^\w+# ", START)
        return [(kind, int(before), int(after)) for kind, before, after in re.findall(r"(\w+) (\d+) (\d+)", rows)]

    # --- the switcher ---

    def stub(self):
        """Stops the machine and returns a client of its GDB stub."""
        return Stub(self.stub_path)

    @property
    def symbols(self):
        """The switcher's symbols where it lies in this machine's memory."""
        if self._symbols is None:
            symbols = Symbols(SWITCHER)
            with self.stub() as stub:
                symbols.base = stub.system_register("VBAR_EL2") - symbols.all["vectors"]
            self._symbols = symbols
        return self._symbols

    def switcher_log(self):
        """The switcher's log: a list of (counter, event), oldest first."""
        path = WORK / f"{self.name}.ring"
        size = LOG_ENTRIES * SLOT.size
        self.qmp("pmemsave", val=self.symbols.address("ring"), size=size, filename=str(path))
        slots = sorted(SLOT.iter_unpack(path.read_bytes()[:size]))
        return [(time, event) for ticket, time, _, _, event, _, _ in slots if ticket]
