# SPDX-License-Identifier: BSD-3-Clause
"""A persona's end is its own: reboot, power-off and panic leave the other one as it is."""

import pytest

from personas import PERSONAS, Witness, other


def both_running(start, **options):
    """A machine with a witness in both personas; `personal` runs."""
    terminal = start(**options)
    terminal.prompt("personal")
    witnesses = {"personal": Witness(terminal, "personal")}
    terminal.flip("work")
    witnesses["work"] = Witness(terminal, "work")
    terminal.flip("personal")
    return terminal, witnesses


@pytest.mark.parametrize("cpus", [pytest.param(1, marks=pytest.mark.soak), 4])
def test_reboot_restarts_that_persona_alone(start, cpus):
    terminal, witnesses = both_running(start, cpus=cpus)
    for name in PERSONAS:
        terminal.send_line("echo before >/run/note; reboot -f")
        terminal.expect(f"starting {name}", 120)
        terminal.prompt(name)
        assert terminal.call("cat /run/note 2>/dev/null || echo none") == "none"
        assert terminal.call("nproc") == str(cpus)
        witnesses[name] = Witness(terminal, name)
        terminal.flip(other(name))
        witnesses[other(name)].check()
        assert terminal.kernel_trouble() == []


def test_power_off_leaves_the_other_and_the_last_takes_the_machine(start):
    terminal, witnesses = both_running(start)
    for name in PERSONAS:
        terminal.send_line("poweroff -f")
        terminal.expect(f"{name} is off", 120)
        terminal.await_persona(other(name))
        witnesses[other(name)].check()
        # A flip to what is off starts it.
        terminal.press_power()
        terminal.expect(f"starting {name}", 120)
        terminal.prompt(name)
        witnesses[name] = Witness(terminal, name)
        terminal.flip(other(name))
        witnesses[other(name)].check()
    for name in PERSONAS:
        witnesses[name].check()
        terminal.send_line("poweroff -f")
        if name == PERSONAS[0]:
            terminal.await_persona(other(name))
    terminal.wait_off(120)


def test_panic_leaves_the_other(start):
    terminal, witnesses = both_running(start)
    reboots_after_a_panic(terminal, witnesses["work"])
    terminal.flip("personal")
    stays_after_a_panic(terminal, witnesses["work"])


def stays_after_a_panic(terminal, witness):
    terminal.send_line("echo 0 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger")
    terminal.expect("Kernel panic - not syncing", 120)
    terminal.cut_off("personal", to="work")
    witness.check()
    terminal.press_power()
    terminal.prompt("personal")
    terminal.flip("work")
    witness.check()


def reboots_after_a_panic(terminal, witness):
    terminal.send_line("echo 1 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger")
    terminal.expect("starting personal", 120)
    terminal.prompt("personal")
    terminal.flip("work")
    witness.check()
