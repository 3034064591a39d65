# SPDX-License-Identifier: BSD-3-Clause
"""The attention keys: chord, long press, and a persona that does not answer."""

import image
from machine import BUILD
from personas import Witness


def test_chord_single_keys_and_long_press(start):
    terminal = start()
    terminal.prompt("personal")
    single_keys_do_nothing(terminal)
    chord_flips(terminal)
    long_press_reports(terminal)


def chord_flips(terminal):
    witness = Witness(terminal, "personal")
    terminal.flip("work", terminal.press_chord)
    terminal.flip("personal", terminal.press_chord)
    witness.check()


def single_keys_do_nothing(terminal):
    terminal.press_keys("volumeup")
    terminal.press_keys("power")
    terminal.call("sleep 3")
    assert terminal.states() == {"personal": "running", "work": "loaded"}
    terminal.settle("personal")


def long_press_reports(terminal):
    assert terminal.states() == {"personal": "running", "work": "suspended"}
    terminal.flip("work")
    assert terminal.states() == {"personal": "suspended", "work": "running"}
    report = terminal.report()
    assert "personal: started" in report and "personal: suspended" in report and "work: started" in report
    terminal.settle("work")


def test_persona_that_ignores_the_key(start, own_disk):
    image.put_on_esp(own_disk, b"timeout=3\ndefault=personal\nflip-timeout=3\n", "flipside/flipside.conf")
    configuration = image.Persona("personal", BUILD / "personas/busybox-6.12", append="flipside.nokey").configuration()
    image.put_on_esp(own_disk, configuration.encode(), "flipside/personas/personal/persona.conf")
    terminal = start(own_disk)
    terminal.prompt("personal")
    witness = Witness(terminal, "personal")

    terminal.press_power()
    terminal.expect("personal did not answer", 120)
    terminal.settle("personal")
    witness.check()

    terminal.press_power_long()
    terminal.expect("personal was cut off", 120)
    terminal.prompt("work")
    second = Witness(terminal, "work")

    # What was cut off starts afresh.
    terminal.press_power()
    terminal.expect("starting personal", 120)
    terminal.prompt("personal")
    assert terminal.call("cat /proc/sys/kernel/random/boot_id") != witness.identity.split()[0]
    terminal.cut_off("personal", to="work")
    second.check()
