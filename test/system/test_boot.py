# SPDX-License-Identifier: BSD-3-Clause
"""From firmware to prompt: both firmwares, the picker and its keys, CPU types and counts."""

import pytest

from personas import PERSONAS, Witness, other

UP, DOWN = "\x1b[A", "\x1b[B"


@pytest.mark.parametrize("firmware", ["u-boot", "edk2"])
def test_default_persona_starts_after_countdown(start, firmware):
    terminal = start(firmware=firmware)
    terminal.picker()
    terminal.prompt("personal")
    assert terminal.call("uname -r").startswith("6.12")
    each_persona_has_its_own_random_seed(terminal)


def each_persona_has_its_own_random_seed(terminal):
    seen = []
    for name in PERSONAS:
        # With the same seed both kernels, of different versions though they are, would lie at the same offset.
        seen.append(terminal.call("grep -m 1 ' _stext$' /proc/kallsyms").split()[0])
        terminal.flip(other(name))
    assert int(seen[0], 16) and int(seen[1], 16) and seen[0] != seen[1]


@pytest.mark.parametrize("firmware", ["u-boot", "edk2"])
def test_picker_keys_choose_the_other(start, firmware):
    terminal = start(firmware=firmware)
    terminal.picker()
    for key, chosen in ((DOWN, "2 work"), (DOWN, "1 personal"), (UP, "2 work"), ("1", "1 personal"), ("2", "2 work")):
        terminal.send(key)
        terminal.expect(f"Start {chosen} ", 60)
    terminal.send("\r")
    terminal.prompt("work")
    assert terminal.call("uname -r").startswith("6.1.")


USB_KEYBOARD = ("-display", "none", "-device", "qemu-xhci", "-device", "usb-kbd")


@pytest.mark.parametrize("firmware", ["u-boot", "edk2"])
def test_usb_keyboard_chooses_the_other(start, firmware):
    # The only keyboard: what the monitor sends goes to one of them.
    terminal = start(firmware=firmware, keyboard=False, display=USB_KEYBOARD)
    terminal.picker()
    for key, chosen in (("down", "2 work"), ("up", "1 personal"), ("2", "2 work")):
        terminal.press_keys(key)
        terminal.expect(f"Start {chosen} ", 60)
    terminal.press_keys("ret")
    terminal.prompt("work")
    terminal.flip_to_start("personal")
    terminal.prompt("personal")


def test_eight_cpus(start):
    terminal = start(cpus=8)
    terminal.prompt("personal")
    witness = Witness(terminal, "personal")
    terminal.flip("work")
    assert terminal.call("nproc") == "8"
    terminal.flip("personal")
    assert terminal.call("nproc") == "8"
    witness.check()
    assert terminal.kernel_trouble() == []


def test_detail_in_the_picker(start):
    terminal = start()
    terminal.picker()
    terminal.send("v")
    for word in ("Plan:", "switcher", "Devices of the board:", "pl011@9000000", "flip button", "TPM: none"):
        terminal.expect(word, 60)
    terminal.send("\r")
    terminal.prompt("personal")


CPU_TYPES = ["cortex-a72", "cortex-a76", "max,pauth-impdef=on"]
# Each type and each number once: what depends on the one does not depend on the other.
CPUS = {1: "cortex-a76", 2: "max,pauth-impdef=on", 4: "cortex-a72"}


@pytest.mark.parametrize("cpu,cpus", [pytest.param(cpu, cpus, marks=[] if CPUS[cpus] == cpu else pytest.mark.soak)
                                      for cpus in CPUS for cpu in CPU_TYPES])
def test_there_and_back_twice(start, cpu, cpus):
    terminal = start(cpu=cpu, cpus=cpus)
    terminal.prompt("personal")
    witnesses = {"personal": Witness(terminal, "personal")}
    for name in PERSONAS[1:] + PERSONAS + PERSONAS[:1]:
        terminal.flip(name)
        if name in witnesses:
            witnesses[name].check()
        else:
            witnesses[name] = Witness(terminal, name)
        assert terminal.call("nproc") == str(cpus)
        assert terminal.kernel_trouble() == []
    assert all(witness.checks for witness in witnesses.values())
