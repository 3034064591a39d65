# SPDX-License-Identifier: BSD-3-Clause
"""Who has a terminal with a TPM in hand puts back its flash and its disk as they were, and cuts its power when he likes: the USIM
accepts no challenge twice, and no guess at a PIN comes back."""

import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import image
from conftest import DISKS, LOGS, file_name
from devices import Device as Terminals
from devices import choose_first_pin, line_of, type_pin
from machine import BUILD
from personas import ANSWER, BOOT, PERSONAS
from usims import ON, PIN, SELECT_USIM, Card, Device, Subscriber, authenticate, challenge, verify, with_guest

FLASH, DISK, TPM = "flash.img", "disk.img", "tpm"
ASK, GUESS = "0020000100", verify("0000")
LEFT = {tries: bytes((0, 0x63, 0xc0 + tries)) for tries in range(4)}
BLOCKED = b"\x00\x69\x83"
FRESH, NOT_FRESH = b"\x00\x61\x2c", b"\x00\x61\x10"
BURST, LINE = 12, 4  # challenges that the power is cut in, and how many a line of the terminal takes
CUTS = 10
EARLIER = "the device's state was put back to an earlier one"
OLD_CARD = "its state was put back to an earlier one"
PERSONA_PIN = "4711-of-the-test"
ATTEMPTS = 10


class Victim:
    """A terminal with a TPM whose USIM both personas may use, and the thief's notes: each challenge that it was ever sent."""

    def __init__(self, directory, firmware, machines):
        self.sources = {name: Path(f"{directory}-{name}") for name in PERSONAS}
        personas = [image.Persona(name, with_guest(BUILD / "personas" / source, self.sources[name]))
                    for name, source in zip(PERSONAS, ("busybox-6.12", "busybox-6.1"))]
        self.device = Device(directory, personas, firmware=firmware, tpm=True)
        self.log, self.machines, self.sent, self.loader_s = LOGS / f"{directory.name}.log", machines, [], 0
        LOGS.mkdir(parents=True, exist_ok=True)
        self.device.enrol()
        self.network = Subscriber(*self.device.issue(), 0)

    def remove(self):
        """Removes all of it."""
        for directory in (self.device.directory, *self.sources.values()):
            shutil.rmtree(directory)

    def keep(self, moment):
        """Copies all that there is to copy."""
        for part in (FLASH, DISK, TPM):
            self._copy(self.device.directory, self.device.directory / moment, part)

    def put_back(self, moment, *parts):
        """Makes these parts what they were."""
        for part in parts:
            self._copy(self.device.directory / moment, self.device.directory, part)

    @staticmethod
    def _copy(source, target, part):
        target.mkdir(exist_ok=True)
        if part != TPM:
            image.clone(source / part, target / part)
            return
        shutil.rmtree(target / part, ignore_errors=True)
        shutil.copytree(source / part, target / part)

    @contextmanager
    def power(self):
        """The power is on, whatever comes; at the end it is cut."""
        terminal = self.device.terminal(log=self.log)
        self.machines.append(terminal)
        with terminal:
            yield terminal

    @contextmanager
    def running(self):
        """On, up to the shell of `personal`."""
        with self.power() as terminal:
            begin = time.monotonic()
            terminal.expect(f"USIM: card {self.device.iccid}", BOOT)
            self.loader_s = time.monotonic() - begin
            terminal.prompt("personal")
            yield terminal

    def refused(self, *reasons):
        """A start in which there is no card, for these reasons."""
        with self.power() as terminal:
            for reason in reasons:
                terminal.expect(reason, BOOT)
            terminal.picker()
            assert "USIM: card" not in terminal.output

    def use(self, terminal):
        """An authentication, after a resynchronisation where the network is behind."""
        command, _ = challenge(self.network)
        answers = Card(terminal).frames(ON, SELECT_USIM, verify(PIN), command, "00c000002c", "00c0000010")
        if answers[3] == NOT_FRESH:
            self.network.resynchronise(answers[5][3:17].hex(), command[12:44])
            command = authenticate(Card(terminal), self.network)
        else:
            assert answers[3] == FRESH, answers
        self.sent.append(command)

    def replay(self, terminal):
        """All of them once more: none is fresh."""
        for first in range(0, len(self.sent), LINE):
            some = self.sent[first:first + LINE]
            answers = Card(terminal).frames(ON, SELECT_USIM, verify(PIN), *some)
            assert answers[3:] == len(some) * [NOT_FRESH], answers

    def cut_in_commands(self, terminal, answers, seconds):
        """Cuts the power so long after so many answers, with the card under way."""
        fresh = [challenge(self.network)[0] for _ in range(BURST)]
        self.sent += fresh
        Card(terminal)
        for first in range(0, BURST, LINE):
            terminal.call(f"echo {' '.join(fresh[first:first + LINE])} >>/tmp/sent")
        terminal.skip()
        terminal.send_line(f"while :; do usim $port {ON} {SELECT_USIM} {verify(PIN)} $(cat /tmp/sent); done")
        for _ in range(answers):
            terminal.expect(r"^answer 00612c", ANSWER)
        time.sleep(seconds)
        terminal.kill()


def turn_off(terminal):
    """In order: the card's state is closed."""
    terminal.send_line("poweroff -f")
    terminal.wait_off(10 * ANSWER)


def guess(terminal, left):
    """A wrong PIN, after which so many tries are left."""
    assert Card(terminal).frames(ON, SELECT_USIM, GUESS)[2] == LEFT[left]


def blocked(terminal):
    """All tries are used up: the right PIN does not help any more."""
    assert Card(terminal).frames(ON, SELECT_USIM, verify(PIN))[2] == BLOCKED


def make_victim(request, firmware):
    request.node.machines = []
    return Victim(DISKS / file_name(request), firmware, request.node.machines)


@pytest.fixture
def victim(request):
    made = make_victim(request, "u-boot")
    yield made
    made.remove()


@pytest.fixture(params=["u-boot", "edk2"])
def each_victim(request):
    made = make_victim(request, request.param)
    yield made
    made.remove()


def test_a_cut_and_what_was_put_back(victim):
    """The short form of what the others do at length."""
    victim.keep("issued")
    with victim.running() as terminal:
        victim.use(terminal)
        victim.cut_in_commands(terminal, 3, 0.01)
    victim.keep("first")
    victim.put_back("issued", DISK, FLASH)
    victim.refused(f"Encrypted personas can't be opened: {EARLIER}; ", "No USIM in this start")
    victim.put_back("first", DISK, FLASH)
    with victim.running() as terminal:
        victim.replay(terminal)
        victim.use(terminal)
        for left in (2, 1, 0):
            guess(terminal, left)
        blocked(terminal)
    victim.put_back("first", FLASH)
    victim.refused(f"No USIM in this start: the USIM can't be used: {OLD_CARD}; ")


@pytest.mark.soak
def test_the_power_is_cut_at_any_time(each_victim):
    """In the middle of commands, and of the loader, which notes the power-on on disk, flash and TPM: whatever was sent is sent
    again, and no cut looks like something that was put back."""
    victim = each_victim
    for cut in range(CUTS):
        with victim.running() as terminal:
            victim.replay(terminal)
            victim.use(terminal)
            victim.cut_in_commands(terminal, 1 + cut, cut * 0.003)
        with victim.power():
            time.sleep(1.2 * cut * victim.loader_s / CUTS)  # the last one is just behind it
    with victim.running() as terminal:
        victim.replay(terminal)
        victim.use(terminal)


@pytest.mark.soak
def test_what_was_put_back_is_noticed(each_victim):
    victim = each_victim
    with victim.running() as terminal:
        victim.use(terminal)
        turn_off(terminal)
    victim.keep("first")
    with victim.running() as terminal:
        victim.replay(terminal)
        victim.use(terminal)
        guesses_over_flip_and_restart(terminal)
    victim.keep("last")
    for parts, reasons in (([DISK], [f"Encrypted personas can't be opened: {EARLIER}; ", "No USIM in this start"]),
                           ([DISK, FLASH], [f"Encrypted personas can't be opened: {EARLIER}; ", "No USIM in this start"]),
                           ([FLASH], [f"No USIM in this start: the USIM can't be used: {OLD_CARD}; "])):
        victim.put_back("first", *parts)
        victim.refused(*reasons)
        victim.put_back("last", DISK, FLASH)
    with victim.running() as terminal:
        victim.keep("on")
        assert Card(terminal).frames(ON, SELECT_USIM, ASK)[2] == LEFT[1]
        guess(terminal, 0)
        blocked(terminal)
    what_is_not_noticed(victim)


def guesses_over_flip_and_restart(terminal):
    """Two of three, by each persona one; what restarts then has no more."""
    guess(terminal, 2)
    terminal.flip_to_start("work")
    terminal.prompt("work")
    guess(terminal, 1)
    terminal.send_line("reboot -f")
    terminal.expect("starting work", ANSWER)
    terminal.prompt("work")
    assert Card(terminal).frames(ON, SELECT_USIM, ASK)[2] == LEFT[1]


def what_is_not_noticed(victim):
    """The bounds of it, as switcher/THREATS.md has them: the flash of another moment of the last power-on gives the guesses of
    that power-on back, but no challenge; and who puts back the TPM's memory, too, gets all as it was."""
    victim.put_back("on", FLASH)
    with victim.running() as terminal:
        assert Card(terminal).frames(ON, SELECT_USIM, ASK)[2] == LEFT[1]
        victim.replay(terminal)
    victim.put_back("first", DISK, FLASH, TPM)
    with victim.running() as terminal:
        assert Card(terminal).frames(ON, SELECT_USIM, verify(PIN), victim.sent[-1])[3] == FRESH


@pytest.mark.soak
@pytest.mark.parametrize("firmware", ["u-boot", "edk2"])
def test_no_guess_at_a_personas_pin_comes_back(tmp_path, firmware):
    """The power is cut before, in and after the check of a wrong PIN, and the disk is put back."""
    device = Terminals(tmp_path, firmware, tpm=tmp_path / "tpm")
    device.create()
    with device.machine() as terminal:
        choose_first_pin(terminal, PERSONA_PIN, device.organisation.code)
        terminal.quit()
    earlier = image.clone(device.disk, tmp_path / "earlier.img")
    left = ATTEMPTS
    for seconds in (0, 0.1, 0.4, None):
        with device.machine() as terminal:
            left = attempts_left(terminal, left)
            type_pin(terminal, "0000")
            terminal.expect("A moment", ANSWER)
            if seconds is None:
                terminal.expect("wrong PIN", BOOT)
                left -= 1
            else:
                time.sleep(seconds)
    image.clone(earlier, device.disk)
    with device.machine() as terminal:
        terminal.expect(f"Encrypted personas can't be opened: {EARLIER}; ", BOOT)
        assert "refused" in line_of(terminal, "work")


def attempts_left(terminal, most):
    """What the picker says when it is asked for `work`: never more than before."""
    terminal.picker()
    terminal.send("2\r")
    left = int(terminal.expect(r"work: (\d+) attempts? left", BOOT).group(1))
    assert left <= most
    return left
