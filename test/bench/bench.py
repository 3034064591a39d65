# SPDX-License-Identifier: BSD-3-Clause
"""Measures flips and what they are compared with, two machines at a time; run by scripts/bench."""

import argparse
import concurrent.futures
import json
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "scripts"), str(TOP / "test/system")]

import boots  # noqa: E402
import cost  # noqa: E402
import flips  # noqa: E402
import keys  # noqa: E402
import report  # noqa: E402
import restarts  # noqa: E402
import systems  # noqa: E402
import usim  # noqa: E402
from gdbstub import StubError  # noqa: E402
from image import ImageError  # noqa: E402
from machine import MachineError  # noqa: E402
from measured import Measured  # noqa: E402

FIRST = systems.NAMES[0]  # has the shell when a machine is up
MACHINES = 2  # at a time
CRYPTO = TOP / "build/host/test/bench/bench-crypto"
USIM = CRYPTO.with_name("bench-usim")
FAILURES = (MachineError, StubError, ImageError, OSError, subprocess.CalledProcessError)  # of a measurement; the others go on


class Bench:
    """What the measurements share: disks, firmware, the number of rounds."""

    def __init__(self, rounds):
        self.rounds = rounds
        self.start = time.monotonic()
        self.say("Making disks")
        self.disks = systems.make_disks()
        self.flash = systems.make_flash()
        self.unconfined = systems.make_unconfined(self.disks[FIRST])

    def say(self, text):
        """Tells how far it is, on standard error."""
        print(f"[{time.monotonic() - self.start:4.0f} s] {text}", file=sys.stderr, flush=True)

    def machine(self, name, first=FIRST, **options):
        """A machine with both personas that starts one of them at once."""
        return Measured(name, self.disks[first], self.flash, **options)

    # --- the measurements; each returns what it adds to the results ---

    def flips(self):
        """Flips and sleeps by turns."""
        with self.machine("flips") as machine:
            machine.await_up()
            flips.prepare(machine)
            flip, floor = flips.measure(machine, FIRST, 2 * self.rounds)
        return {"flip": flip, "floor": floor}

    def instructions(self, cpus):
        """Steps through flips. The machine goes by the host's clock: QEMU cannot step one that counts instructions."""
        with self.machine(f"instructions-{cpus}", cpus=cpus, icount=False) as machine:
            machine.await_up()
            flips.prepare(machine)
            return {f"steps_{cpus}": flips.count_instructions(machine, FIRST, 2)}

    def instructions_unconfined(self):
        """The same on a machine without an SMMU."""
        with Measured("instructions-unconfined", self.unconfined, self.flash, icount=False, cpus=1, smmu=False) as machine:
            machine.await_up()
            flips.prepare(machine)
            return {"steps_unconfined": flips.count_instructions(machine, FIRST, 2)}

    def keys(self):
        """From the key to the other system's programs, in Debian, with the agent and without."""
        tools = ["-drive", f"if=none,id=tools,format=raw,readonly=on,file={systems.make_tools()}",
                 "-device", "virtio-blk-pci,drive=tools,disable-legacy=on,iommu_platform=on"]
        with Measured("keys", systems.make_debian_disk(), self.flash, memory="3G", more=tools) as machine:
            return {"keys": keys.measure(machine, FIRST, self.rounds)}

    def reboots(self, target):
        """Restarts from the other system into this one."""
        with self.machine(f"reboot-{target}", target) as machine:
            machine.await_up()
            return {f"reboot_{target}": restarts.measure_reboots(machine, self.rounds)}

    def boots(self):
        """From power-on to the first persona's entry: its files plain, and encrypted and signed."""
        times = {}
        for name, disk in (("plain", self.disks[FIRST]), ("encrypted", boots.make_encrypted(FIRST))):
            with Measured(f"boot-{name}", disk, self.flash) as machine:
                machine.await_up()
                times[name] = boots.entered(machine)
                machine.quit()
        return {"boot": times}

    def kexecs(self):
        """From one system into the other and back."""
        with self.machine("kexec") as machine:
            machine.await_up()
            return {"kexec": restarts.measure_kexecs(machine, FIRST, self.rounds)}

    def work(self):
        """Work in a persona."""
        with self.machine("work", more=cost.DISK) as machine:
            machine.await_up()
            channel = cost.measure_channel(machine, self.rounds)
            decryption = cost.measure_decryption(machine, self.rounds)
            return {"work": cost.measure_work(machine, self.rounds), "channel": channel, "decryption": decryption}

    def work_alone(self):
        """The same work in the same system without the switcher; no SMMU, so that none costs it anything either."""
        directory = systems.WORK / FIRST
        system = {"firmware": None, "machine": "virtualization=off", "smmu": False, "memory": systems.MEMORY, "kernel": directory / "kernel",
                  "initrd": directory / "initrd", "append": systems.command_line(FIRST)}
        with Measured("work-alone", self.disks[FIRST], more=cost.DISK, **system) as machine:
            machine.await_up()
            return {"work_alone": cost.measure_work(machine, self.rounds)}

    def usim(self):
        """The virtual USIM, from a persona."""
        device = usim.make_device(FIRST, self.flash)
        with Measured("usim", device.disk, more=["-drive", f"if=pflash,unit=1,format=raw,file={device.flash}"]) as machine:
            machine.await_up()
            return {"usim_card": usim.measure(machine, device.subscriber, self.rounds)}

    def crypto(self):
        """Encryption, PINs and the USIM on the host, beside other libraries; before the machines take the CPUs."""
        measured = {kind: json.loads(subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout)
                    for kind, program in (("crypto", CRYPTO), ("usim", USIM))}
        self.say("Measured: cryptography")
        return measured

    def run(self):
        """Carries all out, the longest first; returns the results, and the names of what failed."""
        jobs = [("keys in Debian, with the agent and without", self.keys)]
        jobs += [(f"restart into {name}", lambda name=name: self.reboots(name)) for name in systems.NAMES]
        jobs += [("power-on, plain and encrypted", self.boots), ("kexec", self.kexecs),
                 ("work in a persona", self.work), ("the same work without us", self.work_alone), ("the USIM from a persona", self.usim),
                 ("flips and sleeps", self.flips), ("instructions of a flip, 1 CPU", lambda: self.instructions(1)),
                 ("instructions of a flip, 2 CPUs", lambda: self.instructions(2)),
                 ("instructions of a flip without an SMMU", self.instructions_unconfined)]
        results, failed = report.Results(self.crypto()), []
        with concurrent.futures.ThreadPoolExecutor(MACHINES) as pool:
            waiting = {pool.submit(measure): name for name, measure in jobs}
            try:
                for done in concurrent.futures.as_completed(waiting):
                    try:
                        results.update(done.result())
                    except FAILURES as error:
                        failed.append(waiting[done])
                        self.say(f"FAILED: {waiting[done]}: {error}")
                    else:
                        self.say(f"Measured: {waiting[done]}")
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return results, failed


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--json", metavar="FILE", type=Path)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--profile", action="store_true")
    return parser.parse_args()


def main():
    options = arguments()
    try:
        bench = Bench(options.rounds)
        results, failed = bench.run()
    except FAILURES as error:
        sys.exit(f"bench: {error}")
    figures = report.figures(results, options.rounds)
    print(report.table(figures, results))
    if options.profile and "steps_1" in results:
        print(report.profile(results))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
        bench.say(f"Written: {options.json}")
    if failed:
        sys.exit(f"bench: could not measure: {'; '.join(failed)}. Why is above; the machines' logs are in {systems.WORK}.")


if __name__ == "__main__":
    main()
