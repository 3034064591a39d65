# SPDX-License-Identifier: BSD-3-Clause
"""flipside-agent in one persona and none in the other: both ways to flip, in the same machine."""

import pytest
from agents import await_agent, status
from personas import ANSWER, PERSONAS

FIRST, SECOND = PERSONAS


@pytest.fixture
def terminal(start, agent_disk):
    terminal = start(agent_disk, snapshot=True)
    terminal.prompt(FIRST)
    await_agent(terminal)
    return terminal


def test_flips_settings_and_refusals(terminal):
    flips_on_request(terminal)
    flips_by_itself(terminal)
    refuses_with_a_reason(terminal)
    shows_settings(terminal)
    assert terminal.kernel_trouble() == []


def flips_on_request(terminal):
    assert {(p["name"], p["state"]) for p in status(terminal)["personas"]} == {(FIRST, "running"), (SECOND, "loaded")}
    terminal.flip(SECOND)
    terminal.flip(FIRST)
    seen = status(terminal)
    assert seen["self"] == FIRST
    back, forth = seen["flips"]
    assert (forth["from"], forth["to"], forth["stage"]) == (FIRST, SECOND, "flipped")
    assert forth["asked"] < forth["acknowledged"] < forth["suspended"] < forth["resumed"] < seen["now"]
    assert (back["from"], back["acknowledged"]) == (SECOND, 0), "the other persona has no agent"
    assert seen["counters"]["fault"] == 0
    text = terminal.call("flipside-agent status")
    assert f"{SECOND} to {FIRST}: flipped" in text and "agent (this system)" in text


def flips_by_itself(terminal):
    for _ in range(3):
        terminal.send_line(f"flipside-agent flip {SECOND}; echo returned-$?")
        terminal.await_persona(SECOND)
        terminal.skip()
        terminal.press_power()
        terminal.expect("returned-0", ANSWER)
        terminal.await_persona(FIRST)
    assert all(flip["acknowledged"] for flip in status(terminal)["flips"] if flip["from"] == FIRST)
    for name in ("nobody", FIRST, "x" * 40):
        done, output = terminal.run(f"flipside-agent flip {name}")
        assert done == 1 and "flipside-agent: " in output


def refuses_with_a_reason(terminal):
    terminal.send_line("flipside-agent inhibit --why 'writing a disc' sh -c 'echo started; exec sleep 1000' &")
    terminal.expect("started", ANSWER)
    terminal.settle(FIRST)
    terminal.press_power()
    terminal.expect(f"{FIRST} does not want to flip now: writing a disc", ANSWER)
    terminal.settle(FIRST)
    done, output = terminal.run(f"flipside-agent flip {SECOND}")
    assert done == 1 and "writing a disc" in output
    assert [flip["stage"] for flip in status(terminal)["flips"][:2]] == ["refused", "refused"]
    terminal.call("kill $(pidof sleep); wait")
    terminal.flip(SECOND)
    terminal.flip(FIRST)
    done, _ = terminal.run("flipside-agent inhibit --why nothing sh -c 'exit 7'")
    assert done == 7


def shows_settings(terminal):
    shown = terminal.call("flipside-agent tune show")
    assert "tuned: yes" in shown and "sync_on_suspend: 0" in shown and "[deep]" in shown
    asynchronous, devices = shown.rsplit(": ", 1)[1].split(" of ")
    assert int(asynchronous) == int(devices) > 10
    terminal.call("flipside-agent tune off")
    shown = terminal.call("flipside-agent tune show")
    assert "tuned: no" in shown and "sync_on_suspend: 1" in shown
    assert int(shown.rsplit(": ", 1)[1].split(" of ")[0]) < int(devices)


def test_driver_reload_and_reboot(terminal):
    terminal.call("rmmod virtio_mmio && insmod $(grep virtio_mmio /etc/modules)")
    await_agent(terminal)
    terminal.flip(SECOND)
    terminal.flip(FIRST)
    assert status(terminal)["flips"][1]["acknowledged"], "the agent that opened the port anew answered"
    terminal.send_line("reboot -f")
    terminal.expect(f"starting {FIRST}", ANSWER)
    terminal.prompt(FIRST)
    await_agent(terminal)
    terminal.flip(SECOND)
