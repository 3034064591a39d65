#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The running machine in the user's terminal: its serial line as it is, its hardware keys behind Ctrl-]."""

import argparse
import os
import select
import signal
import sys
import termios
import tty

from machine import BUILD, Machine, MachineError, display_arguments

ESCAPE = b"\x1d"  # Ctrl-]
KEYS = ("Ctrl-] then  p: power key (flip)   P: hold power key   v: volume-up + power (flip)   "
        "q: switch off   ?: these keys")


def machine_options(description):
    """The options that the terminal and the demonstration share; scripts/run has checked their values."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--disk", required=True)
    parser.add_argument("--firmware", default="u-boot")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--cpu", default="cortex-a72")
    parser.add_argument("--memory", default="2G")
    parser.add_argument("--persona-set", default="debian")
    parser.add_argument("--tpm", help="the directory of the machine's TPM; none without")
    parser.add_argument("--pin", help="of the persona work")
    parser.add_argument("--display", action="store_true")
    return parser.parse_args()


def make_machine(options, log, on_output=None):
    """The machine for those options, not started, and a line on where its screen is, or None."""
    display, note = display_arguments() if options.display else ([], None)
    (BUILD / "log").mkdir(parents=True, exist_ok=True)
    machine = Machine(options.disk, firmware=options.firmware, cpus=options.cpus, cpu=options.cpu,
                      memory=options.memory, tpm=options.tpm, display=display, log=BUILD / "log" / log, on_output=on_output)
    return machine, note


def show(text):
    """A line of ours between the machine's own."""
    os.write(sys.stdout.fileno(), f"\r\n-- {text} --\r\n".encode())


class Terminal:
    """The user's terminal in raw mode; as it was again when left, in whatever way."""

    def __enter__(self):
        self.saved = termios.tcgetattr(sys.stdin)
        tty.setraw(sys.stdin)
        return self

    def __exit__(self, *_):
        termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, self.saved)
        # The machine may have left colours on, the cursor hidden or pasted text bracketed.
        os.write(sys.stdout.fileno(), b"\x1b[0m\x1b[?25h\x1b[?2004l\r\n")


def press(machine, key):
    """Carries out a key after the escape key; returns False when it was to leave."""
    if key == b"q":
        return False
    if key == b"p":
        machine.press_power()
    elif key == b"P":
        show("holding the power key")
        machine.press_power_long()
    elif key == b"v":
        machine.press_chord()
    elif key == ESCAPE:
        machine.send(ESCAPE)
    else:
        show(KEYS)
    return True


def pass_through(machine):
    """Carries keys to the machine until the user leaves or it ends."""
    escaped = False
    while machine.running and not machine.ended:
        ready, _, _ = select.select([sys.stdin], [], [], 0.2)
        typed = os.read(sys.stdin.fileno(), 1024) if ready else b""
        if ready and not typed:
            return
        plain = b""
        for byte in (typed[i:i + 1] for i in range(len(typed))):
            if escaped:
                escaped = False
                if not press(machine, byte):
                    return
            elif byte == ESCAPE:
                escaped = True
            else:
                plain += byte
        if plain:
            machine.send(plain)


def main():
    options = machine_options(__doc__)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    machine, note = make_machine(options, "run-serial.log", lambda data: os.write(sys.stdout.fileno(), data))
    print(KEYS + (f"\n{note}" if note else ""), flush=True)
    try:
        with Terminal(), machine:
            try:
                pass_through(machine)
            except OSError:
                pass  # the machine ended while a key was sent
            ended = machine.ended
            machine.quit()
    except MachineError as error:
        sys.exit(f"run: {error}")
    print("The machine has switched itself off." if ended else "The machine is switched off.")


if __name__ == "__main__":
    main()
