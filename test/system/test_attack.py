# SPDX-License-Identifier: BSD-3-Clause
"""A hostile kernel in one persona: what it reads, writes, executes and calls, and what it leaves behind."""

import os
import re

import pytest

import image
from attacker import PAGE, SWITCHER_INTIDS, Attacker, Memory, Plan, find_page, put_payload, writable_part
from personas import Witness

CPUS = ["cortex-a72", "max,pauth-impdef=on"]
# How long a stubborn persona gets. A victim that is slower on a busy machine is asked again.
UNANSWERED_SECONDS = 4


def title(cpu):
    """The CPU type without its options."""
    return cpu.split(",")[0]


@pytest.fixture
def attack_disk(own_disk):
    """`personal` is hostile, `work` a busybox system."""
    put_payload(own_disk, "personal")
    return own_disk


def start_both(start, disk, cpu="cortex-a72", cpus=2, **options):
    """A victim with a witness and a hashed file, suspended; the attacker runs."""
    terminal = start(disk, cpu=cpu, cpus=cpus, **options)
    plan = Plan(terminal)
    terminal.send("2\r")
    terminal.prompt("work")
    witness = Witness(terminal, "work")
    terminal.call("dd if=/dev/urandom of=/run/secret bs=1k count=4096 2>/dev/null; sha256sum /run/secret >/run/sum")
    terminal.flip("personal")
    return terminal, Attacker(terminal, plan, title=title(cpu)), witness


def check_victim(terminal, witness):
    """Goes to the victim, which must be as it was, and comes back."""
    terminal.flip("work")
    witness.check()
    terminal.call("sha256sum -c -s /run/sum")
    assert terminal.kernel_trouble() == []
    terminal.flip("personal")


class Untouched:
    """The victim's and the switcher's memory: the same before and after, but for what the switcher itself writes."""

    def __init__(self, attacker, path, cpus=2):
        self.attacker, self.path, self.cpus = attacker, path, cpus

    def _look(self):
        return {name: Memory(self.attacker.terminal, self.attacker.plan.ranges[name], self.path / name)
                for name in ("work", "switcher")}

    def __enter__(self):
        self.before = self._look()

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        after = self._look()
        first = self.attacker.plan.ranges["switcher"][0]
        own = [(first + offset, first + offset + size) for offset, size in writable_part(self.cpus)]
        for name, memory in self.before.items():
            pages = [page for page in memory.changed(after[name])
                     if name == "work" or not any(begin <= page < end for begin, end in own)]
            self.attacker.note(f"{name}'s memory: {'BROKEN ' + hex(pages[0]) if pages else 'held'}, {len(memory.pages)} pages compared")
            assert not pages, f"{name}: {len(pages)} pages changed, the first at {pages[0]:#x}"


@pytest.mark.parametrize("cpu", CPUS)
def test_accesses_and_calls(start, attack_disk, tmp_path, cpu):
    terminal, attacker, witness = start_both(start, attack_disk, cpu)
    # Linux, too, must not have left anything.
    attacker.holds("registers")
    attacker.take_aim()
    with Untouched(attacker, tmp_path):
        attacker.holds("memory")
        attacker.holds("edges")
        attacker.holds("lpis")
        attacker.holds("system-registers")
        attacker.holds("entries")
        attacker.holds("calls")
        attacker.holds("channel")
    check_victim(terminal, witness)


def give_victim_secret(attacker, path):
    """Leaves a page of its own in the victim's memory; returns its address and content."""
    terminal, secret = attacker.terminal, os.urandom(24).hex().encode()
    terminal.flip("work")
    terminal.call(f"for i in $(seq 84); do printf {secret.decode()}; done >/run/told")
    place = find_page(terminal, attacker.plan.ranges["work"], secret, path / "memory")
    terminal.flip("personal")
    return place, secret


def test_dma(start, attack_disk, tmp_path):
    record = tmp_path / "network"
    terminal, attacker, witness = start_both(
        start, attack_disk, extra=["-object", f"filter-dump,id=dump,netdev=net,file={record}"])
    place, secret = give_victim_secret(attacker, tmp_path)
    attacker.take_aim()
    attacker.command(f"target secret {place:#x} {place + PAGE - 1:#x}")
    with Untouched(attacker, tmp_path):
        attacker.confined("dma-disk")
        attacker.confined("dma-net")
        attacker.confined(f"dma-messages {' '.join(map(str, SWITCHER_INTIDS))}")
    with open(attack_disk, "rb") as disk:
        assert secret not in disk.read(image.ESP_START_MIB * image.MIB), "the victim's secret is on the disk"
    sent = record.read_bytes()
    assert len(sent) > 60 and secret not in sent, "the victim's secret went out"
    attacker.command("run arm 1")
    terminal.skip()
    terminal.press_power()
    terminal.expect("no flip: personal suspended, but the device at 0x[0-9a-f]+ is still at work", 60)
    terminal.settle("personal")
    attacker.command("run devices")
    attacker.note("a flip with busy devices: held, refused")
    check_victim(terminal, witness)


def test_a_break_by_devices_is_told(start, attack_disk, tmp_path):
    """The same with no SMMU and the setting that allows it: the secret gets out by every way, the victim's memory changes."""
    image.put_on_esp(attack_disk, b"timeout=3\ndefault=personal\nallow-unconfined-dma=yes\n", "flipside/flipside.conf")
    record = tmp_path / "network"
    terminal, attacker, _ = start_both(start, attack_disk, smmu=False, cpus=1,
                                       extra=["-object", f"filter-dump,id=dump,netdev=net,file={record}"])
    place, secret = give_victim_secret(attacker, tmp_path)
    attacker.command(f"target secret {place:#x} {place + PAGE - 1:#x}")
    before = Memory(terminal, (place, place + PAGE - 1), tmp_path / "page")
    status, output = attacker.command("run dma-net")
    assert secret in record.read_bytes()
    status, output = attacker.command("run dma-disk")
    assert status == 1 and "is on the disk (buffer to read)" in output and "(buffer to read in an indirect table)" in output
    assert before.changed(Memory(terminal, (place, place + PAGE - 1), tmp_path / "page")) == [place]


def test_what_can_be_read_is_what_the_loader_says(start, attack_disk):
    _, attacker, _ = start_both(start, attack_disk, cpus=1)
    plan = attacker.plan
    lines = attacker.holds(f"probe 0 {plan.end + (1 << 30):#x} 0x1000")
    allowed = plan.reach["personal"] + [plan.ranges["personal"]] + plan.made
    ranges = [tuple(int(word, 16) for word in re.match(r"READABLE (\S+)-(\S+)", line).groups())
              for line in lines if line.startswith("READABLE")]
    assert plan.ranges["personal"] in ranges
    for first, last in ranges:
        while first <= last:
            within = [end for begin, end in allowed if begin <= first <= end]
            assert within, f"{first:#x}-{last:#x} can be read"
            first = within[0] + 1


def test_a_break_is_told(start, attack_disk):
    """The attacks can see a success: their own memory, given as a place that they must not reach."""
    _, attacker, _ = start_both(start, attack_disk, cpus=1)
    first, last = attacker.plan.ranges["personal"]
    place = (first + last) // 2 & ~0xFFFF
    attacker.command(f"target own {place:#x} {place + 0xFFFF:#x}")
    status, output = attacker.command("run memory")
    assert status == 1
    for way in ("ldrb", "BROKEN, "):
        assert way in output


@pytest.mark.parametrize("cpu", CPUS)
def test_keys_survive_the_interrupt_controller(start, attack_disk, cpu):
    terminal, attacker, witness = start_both(start, attack_disk, cpu)
    intids = " ".join(map(str, SWITCHER_INTIDS))
    for attack in (f"interrupts {intids}", "cpu-interface", "unended", "active"):
        attacker.holds(attack)
        check_victim(terminal, witness)
        attacker.holds(attack)
        terminal.flip("work", terminal.press_chord)
        witness.check()
        terminal.flip("personal", terminal.press_chord)
        attacker.note(f"keys after {attack.split()[0]}: held")


@pytest.mark.parametrize("cpus", [1, 2])
def test_a_stubborn_persona_is_cut_off(start, attack_disk, cpus):
    image.put_on_esp(attack_disk, f"timeout=3\ndefault=personal\nflip-timeout={UNANSWERED_SECONDS}\n".encode(),
                     "flipside/flipside.conf")
    terminal, attacker, witness = start_both(start, attack_disk, cpus=cpus)
    for attack in ("spin", "exceptions", "doze", "caller", "trapper"):
        attacker.take_aim(["work"])
        attacker.command("run arm 1")
        attacker.take_aim(["switcher"])
        terminal.skip()
        terminal.send_line(f"run {attack}")
        terminal.expect("STUBBORN", 60)
        terminal.press_power()
        terminal.expect("personal did not answer", 120)
        terminal.press_power_long()
        terminal.expect("personal was cut off", 120)
        terminal.await_persona("work")
        witness.check()
        terminal.call("sha256sum -c -s /run/sum")
        terminal.flip_to_start("personal")
        terminal.await_persona("personal")
        attacker.note(f"{attack} on {cpus} CPU: held")


@pytest.mark.parametrize("cpu", CPUS)
def test_nothing_is_left_behind(start, attack_disk, cpu):
    put_payload(attack_disk, "work")
    terminal = start(attack_disk, cpu=cpu)
    plan = Plan(terminal)
    terminal.send("1\r")
    attackers = {name: Attacker(terminal, plan, name, title(cpu)) for name in ("personal", "work")}
    terminal.await_persona("personal")
    attackers["personal"].holds("registers")
    for name, before in (("work", "personal"), ("personal", "work")) * 2:
        attackers[name].command("fill on")
        attackers[before].take_aim([name])
        attackers[before].command("run arm")
        terminal.flip(name)
        attackers[name].holds("registers")
        attackers[name].holds("devices")
