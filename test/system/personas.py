# SPDX-License-Identifier: BSD-3-Clause
"""A Flipside terminal as its user meets it: the picker, two personas with a shell each, the hardware keys."""

import re
import time

from machine import Machine, Timeout

PERSONAS = ("personal", "work")
# Seconds that only a machine in trouble takes; never how long something should take.
BOOT = 300
FLIP = 180
ANSWER = 60
STARTS = 5  # of a machine whose firmware gives up
KERNEL_TROUBLE = (r"BUG:|WARNING:|Oops|Internal error|I/O error|rcu.*stall|soft lockup|blocked for more than|NETDEV WATCHDOG|"
                  r"EXT4-fs error|nobody cared|PM: .*(failed|error)|virtio.*timeout")


def other(name):
    """The persona that is not this one."""
    return PERSONAS[1 - PERSONAS.index(name)]


class Terminal(Machine):
    """A machine whose disk has the personas `personal` (the default) and `work`."""

    picked = False  # whether the picker has been looked at
    seen = frozenset()  # the personas whose shells have answered, and which a flip goes back to

    def start(self):
        """Starts it, with a TPM up to the loader: U-Boot gives that less time than a busy host takes to run it, and then starts
        nothing. Once more, then."""
        for _ in range(STARTS):
            super().start()
            if not self.tpm or self.firmware != "u-boot":
                return self
            if self.expect_any([r"^Flipside loader", "TPM startup failed"], BOOT)[0] == 0:
                return self
            self._end()
        raise Timeout(f"U-Boot did not start the TPM in {STARTS} starts")

    def _end(self):
        """Ends the machine so that it can be started again."""
        self.kill()
        with self._changed:
            self._changed.wait_for(lambda: self.ended)
            self.ended, self.position = False, len(self.output)

    # --- the picker ---

    def picker(self, timeout=BOOT):
        """Waits for the picker, before which no key may be sent: the firmware would take it. Returns its list of personas."""
        self.picked = True
        return self.expect(r"^Personas\s*\n((?:.*\n)*?)Digits and arrows choose", timeout).group(1).replace("\r", "")

    def await_start(self, pattern, timeout):
        """Waits for what a persona says once it is up. Where the picker comes first, and no test looks at it, its countdown
        is cut short."""
        if not self.picked:
            self.picked = True
            if self.expect_any([pattern, "Digits and arrows choose"], timeout)[0] == 0:
                return
            self.send("\r")
        self.expect(pattern, timeout)

    # --- a persona's shell ---

    def prompt(self, name, timeout=BOOT):
        """Waits for a persona's shell that comes up by itself."""
        self.await_start(rf"^{name}# ", timeout)
        self.settle(name)

    def settle(self, name):
        """Goes on from a quiet prompt: what is left of earlier prompts and typed characters is behind it.

        What is typed while a system suspends can be lost in part, so it is something that does no harm in parts."""
        for _ in range(5):
            number = 10**9 + time.monotonic_ns() % 10**9  # as long as nothing else that is on the line
            self.send_line()
            self.send_line(f"expr {number} + 1")
            try:
                self.expect(rf"{number + 1}\s", ANSWER / 4)
            except Timeout:
                continue
            self.expect(rf"{name}# ", ANSWER)
            self.seen |= {name}
            return
        raise Timeout(f"{name} shows a prompt and does not answer")

    def log_in(self, name, timeout=BOOT):
        """Waits for a Debian system's login prompt and gets a shell whose prompt is like that of a busybox persona."""
        self.await_start(rf"{name} login: ", timeout)
        self.send_line("root")
        self.expect(rf"root@{name}:~# ", timeout)
        self.send_line(f"stty columns 500; PS1='{name}''# '")
        self.settle(name)
        # The login is there before all drivers are; the flip button's is one of them, and logind must have seen it.
        self.call("udevadm settle --timeout=600; for i in $(seq 300); do journalctl -b --no-pager -u systemd-logind | "
                  "grep -q 'Watching system buttons' && break; sleep 1; done", timeout)

    def call(self, command, timeout=ANSWER):
        """Runs a command in the persona's shell that must succeed; returns its output."""
        status, output = self.run(command, timeout)
        assert status == 0, f"'{command}' ended with {status}: {output}"
        return output

    def kernel_trouble(self):
        """The kernel's messages that must not be there."""
        return self.call(f"dmesg | grep -E '{KERNEL_TROUBLE}' || true").splitlines()

    # --- going from one to the other ---

    def await_persona(self, name, timeout=FLIP):
        """Waits for the persona that the machine goes over to: types Enter until its shell answers.

        Not so while it starts: its prompt comes by itself, and QEMU's serial line stays deaf to a kernel whose driver comes
        up in the middle of what is typed. One that has been there is typed to sooner."""
        pause = 0.3 if name in self.seen else 1
        deadline = time.monotonic() + timeout
        while True:
            try:
                if self.expect_any([rf"{name}# ", rf"flipside: starting {name}"], pause)[0] == 1:
                    self.expect(rf"{name}# ", BOOT)
                break
            except Timeout:
                if time.monotonic() > deadline:
                    raise
                self.send_line()
        self.settle(name)

    def flip(self, name, press=None, timeout=FLIP):
        """Asks for a flip with the power key, or what else presses, and waits for the persona NAME."""
        self.skip()
        (press or self.press_power)()
        self.await_persona(name, timeout)

    def flip_to_start(self, name):
        """Asks for a flip to a persona that will start afresh; asks again when the running one did not answer yet."""
        for _ in range(5):
            self.skip()
            self.press_power()
            if self.expect_any([rf"starting {name}", "did not answer"], FLIP)[0] == 0:
                self.seen -= {name}
                return
        raise Timeout(f"no flip to {name} after five presses")

    def cut_off(self, name, to):
        """Asks for a flip, to which the persona NAME must not answer, then holds the power key; goes over to TO."""
        self.skip()
        self.press_power()
        time.sleep(2)  # the key is up by then, so that the second press is one of its own
        self.press_power_long()
        self.expect(f"{name} was cut off", FLIP)
        self.seen -= {name}
        self.await_persona(to)

    # --- what the switcher says ---

    def report(self):
        """Holds the power key while nothing is asked for: the switcher prints states, log and counters. Returns the text."""
        self.skip()
        self.press_power_long()
        return self.expect(r"flipside: personal is \w+(?:.*\n)+?work: \d+ flips; traps: .*\n", ANSWER).group(0).replace("\r", "")

    def states(self):
        """The personas' states by name, as the switcher sees them."""
        return dict(re.findall(r"flipside: (\S+) is (.+)$", self.report(), re.MULTILINE))


class Witness:
    """A process in a persona that proves, whenever asked, that it goes on in the very system that it was started in."""

    LOOK = ("echo $(cat /proc/sys/kernel/random/boot_id) $(cut -d' ' -f1,22 /proc/$(cat /run/witness)/stat) / "
            "$(cat /run/count)")

    def __init__(self, terminal, name):
        self.terminal, self.name, self.checks = terminal, name, 0
        terminal.call("(while :; do echo $((n += 1)) >/run/count.new; mv /run/count.new /run/count; sleep 0.2; done) "
                      ">/dev/null 2>&1 & echo $! >/run/witness; until [ -s /run/count ]; do sleep 0.1; done")
        self.identity, self.count = self._look()

    def _look(self):
        identity, _, count = self.terminal.call(self.LOOK).partition(" / ")
        return identity, int(count)

    def check(self):
        """Fails unless the very same process, by boot, number and start time, goes on counting."""
        deadline = time.monotonic() + ANSWER
        while True:
            identity, count = self._look()
            assert identity == self.identity, f"{self.name} is not the system that it was: {identity}, was {self.identity}"
            if count > self.count:
                break
            assert time.monotonic() < deadline, f"the process in {self.name} stands still at {count}"
        self.count = count
        self.checks += 1
