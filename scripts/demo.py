#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration: two systems, six flips, and in each visit the proof that everything is where it was."""

import re
import secrets
import sys
import time
from dataclasses import dataclass

from machine import Ended, Machine, MachineError, Timeout
from terminal import machine_options, make_machine

FLIPS = 6
BOOT_SECONDS = 900
COMMAND_SECONDS = 600
# A flip takes a second or two; an unanswered key, as while a system is still starting, is pressed again after this.
ANSWER_SECONDS = 60
PRESSES = 4


class Failed(Exception):
    """The demonstration did not hold; the text says what did not."""


@dataclass
class System:
    """One of the two systems: how to know it on the serial line, and what was left in it."""

    name: str
    prompt: str
    login: bool
    directory: str
    process: str = ""
    started: str = ""
    boot: str = ""
    lines: tuple = ()
    visits: int = 0

    @property
    def file(self):
        """The file on its own disk."""
        return f"{self.directory}/flipside-demo"


def systems(persona_set):
    names = ("personal", "work")
    if persona_set == "debian":
        return [System(name, rf"root@{name}:[^\n]*# $", True, "/root") for name in names]
    return [System(name, rf"{name}# $", False, "/disk") for name in names]


class Demo:
    """Drives the machine and tells what happens."""

    def __init__(self, machine: Machine, persona_set, pin):
        self.machine, self.pin = machine, pin
        self.started = time.monotonic()
        self.systems = systems(persona_set)

    def say(self, text):
        seconds = int(time.monotonic() - self.started)
        print(f"[{seconds // 60:2d}:{seconds % 60:02d}] {text}", flush=True)

    def ask(self, system, command):
        """Runs a command in a system; its output, or a failure that says what it was."""
        status, text = self.machine.run(command, COMMAND_SECONDS)
        if status != 0:
            raise Failed(f"{system.name}: '{command}' failed with {status}: {text}")
        return text.strip()

    def arrive_first_time(self, system):
        """Waits for a system to start, logs in, and leaves a process and a file in it."""
        if system.login:
            self.machine.expect(rf"{system.name} login: ", BOOT_SECONDS)
            self.machine.send_line("root")
        self.machine.expect(system.prompt, BOOT_SECONDS)
        if system.login:
            # The login is there before all drivers are; the flip button's is one of them.
            self.ask(system, "udevadm settle --timeout=600")
        kernel = self.ask(system, "uname -r")
        self.ask(system, "sleep 1000000 & echo $! >/run/demo-process")
        system.process = self.ask(system, "cat /run/demo-process")
        system.started = self.process_start(system)
        system.boot = self.ask(system, "cat /proc/sys/kernel/random/boot_id")
        disk = self.ask(system, f"df {system.directory} | tail -n 1").split()[0]
        system.lines = (f"{system.name} {secrets.token_hex(8)}",)
        self.ask(system, f"echo {system.lines[0]} >{system.file} && sync")
        self.say(f"{system.name} is up: Linux {kernel}; process {system.process} runs in it; "
                 f"'{system.lines[0]}' is written to {system.file} on its disk {disk}")

    def process_start(self, system):
        """When the process was started, in the kernel's ticks: with the process number it names one process for good."""
        return self.ask(system, f"cat /proc/{system.process}/stat").rpartition(")")[2].split()[19]

    def check_visit(self, system):
        """Proves that the system is the one that was left; returns what to tell."""
        if self.ask(system, "cat /proc/sys/kernel/random/boot_id") != system.boot:
            raise Failed(f"{system.name} was started anew: its boot identifier changed")
        if self.process_start(system) != system.started:
            raise Failed(f"{system.name}: process {system.process} is not the one that was started")
        found = tuple(self.ask(system, f"cat {system.file}").split("\n"))
        found = tuple(line.strip() for line in found)
        if found != system.lines:
            raise Failed(f"{system.name}: {system.file} has {found}, not {system.lines}")
        system.visits += 1
        line = f"visit {system.visits}"
        self.ask(system, f"echo {line} >>{system.file} && sync")
        system.lines += (line,)
        uptime = self.ask(system, "cat /proc/uptime").split()[0]
        return f"up {float(uptime):.0f} s, process {system.process} still there, {system.file} as left, written on"

    def answers(self, system, seconds):
        """Whether the system's shell answers in that time; asks it by Enter, since it has no reason to say anything."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.machine.send_line()
            try:
                self.machine.expect(system.prompt, 0.1)
                return True
            except Ended:
                raise
            except Timeout:
                continue
        return False

    def starts(self, system, seconds):
        """Whether the switcher says in that time that it starts the system, which asks for its PIN if it is locked."""
        try:
            self.machine.expect(rf"flipside: starting {system.name}", seconds)
            if self.pin:
                self.machine.expect(rf"PIN for {system.name} \(\d+ attempts? left\): ", BOOT_SECONDS)
                self.machine.send_line(self.pin)
                self.say(f"{system.name} is locked; the PIN is {self.pin}")
            return True
        except Ended:
            raise
        except Timeout:
            return False

    def press(self, system, arrives):
        """Presses the power key until the system arrives, as ARRIVES tells; returns the seconds from the last press."""
        for attempt in range(PRESSES):
            if attempt:
                self.say("no answer to the key; pressing it again")
            self.machine.skip()
            pressed = time.monotonic()
            self.machine.press_power()
            if arrives(system, ANSWER_SECONDS):
                return time.monotonic() - pressed
        raise Failed(f"{system.name} did not come after {PRESSES} presses of the power key")

    def run(self):
        first, second = self.systems
        self.say(f"Power on; waiting for {first.name}")
        self.arrive_first_time(first)
        self.say(f"Power key: flip to {second.name}, which starts")
        self.press(second, self.starts)
        self.arrive_first_time(second)
        times = []
        for number in range(1, FLIPS + 1):
            source, target = (second, first) if number % 2 else (first, second)
            seconds = self.press(target, self.answers)
            times.append(seconds)
            # The shell's line was used to ask for a prompt; what is still in it must not be taken for an answer.
            time.sleep(0.5)
            self.machine.skip()
            self.say(f"flip {number}: {source.name} -> {target.name} in {seconds:.2f} s: {self.check_visit(target)}")
        self.say(f"{FLIPS} flips, each system each time as it was left; "
                 f"median {sorted(times)[len(times) // 2]:.2f} s from key to prompt.")


def main():
    options = machine_options(__doc__)
    machine, note = make_machine(options, "demo-serial.log")
    if note:
        print(note)
    print(f"The machine: {options.cpus} x {re.sub(',.*', '', options.cpu)}, {options.memory} RAM, {options.firmware}; "
          "all that it says goes to build/log/demo-serial.log.", flush=True)
    try:
        with machine:
            Demo(machine, options.persona_set, options.pin).run()
            machine.quit()
    except (Failed, MachineError) as error:
        sys.exit(f"demo: FAILED: {error}")
    except KeyboardInterrupt:
        sys.exit("demo: interrupted")


if __name__ == "__main__":
    main()
