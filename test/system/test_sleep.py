# SPDX-License-Identifier: BSD-3-Clause
"""Sleep with no flip: the alarm clock wakes the same persona, attention goes over to the other at once."""

import time

from personas import Witness

ALARM = "echo 0 >/sys/class/rtc/rtc0/wakealarm; echo +{seconds} >/sys/class/rtc/rtc0/wakealarm; echo mem >/sys/power/state"


def test_alarm_wakes_the_same_persona(start):
    terminal = start()
    terminal.prompt("personal")
    witness = Witness(terminal, "personal")
    for _ in range(3):
        before = float(terminal.call("cut -d' ' -f1 /proc/uptime"))
        terminal.call(ALARM.format(seconds=4), 120)
        assert float(terminal.call("cut -d' ' -f1 /proc/uptime")) - before > 2
        witness.check()
    assert terminal.kernel_trouble() == []
    assert terminal.states() == {"personal": "running", "work": "loaded"}
    report = terminal.report()
    assert report.count("personal: asleep") == 3 and report.count("personal: woken") == 3
    terminal.settle("personal")


def fall_asleep(terminal):
    """Sends the persona to sleep with no alarm."""
    terminal.send_line("dmesg -n 8; echo mem >/sys/power/state; dmesg -n 4")
    terminal.expect("Suspending console", 120)
    time.sleep(3)  # what is left to do is not shown any more
    terminal.skip()


def test_keys_in_sleep(start):
    terminal = start()
    terminal.prompt("personal")
    witness = Witness(terminal, "personal")
    a_long_press_only_wakes(terminal, witness)
    attention_flips_at_once(terminal, witness)
    assert terminal.kernel_trouble() == []


def a_long_press_only_wakes(terminal, witness):
    fall_asleep(terminal)
    terminal.press_power_long()
    terminal.await_persona("personal")
    witness.check()
    assert terminal.states() == {"personal": "running", "work": "loaded"}
    terminal.settle("personal")


def attention_flips_at_once(terminal, witness):
    fall_asleep(terminal)
    terminal.flip("work")
    other = Witness(terminal, "work")
    terminal.flip("personal")
    witness.check()
    fall_asleep(terminal)
    terminal.flip("work")
    other.check()
