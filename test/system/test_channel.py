# SPDX-License-Identifier: BSD-3-Clause
"""The channel to the switcher as stock kernels see it: a virtio port, and an agent's part played from the shell."""

import pytest

from personas import PERSONAS

HELLO = b"\x83\x00\x01\x64test"
STATUS = b"\x81\x03"
ACKNOWLEDGE = b"\x81\x05"


def text(value):
    return bytes([0x60 + len(value)]) + value.encode()


def refuse(reason):
    return b"\x82\x04" + text(reason)


def flip(name):
    return b"\x82\x02" + text(name)


def decode(data):
    """One CBOR item of those that the switcher sends (RFC 8949): integers, texts, arrays. Returns it and the rest."""
    kind, information, data = data[0] >> 5, data[0] & 31, data[1:]
    if information >= 24:
        size = 1 << information - 24
        information, data = int.from_bytes(data[:size], "big"), data[size:]
    if kind == 0:
        return information, data
    if kind == 3:
        return data[:information].decode(), data[information:]
    assert kind == 4, f"item of type {kind}"
    items = []
    for _ in range(information):
        item, data = decode(data)
        items.append(item)
    return items, data


class Agent:
    """Plays an agent in a persona's shell, which holds the port open as descriptor 3."""

    def __init__(self, terminal):
        self.terminal = terminal
        port = terminal.call("grep -lx flipside.control /sys/class/virtio-ports/*/name").split("/")[-2]
        terminal.call(f"exec 3<>/dev/{port}")
        self.send(HELLO)
        assert self.receive() == [0, 1]

    def send(self, message, then=""):
        """Sends a message; returns what appears on the terminal meanwhile."""
        frame = len(message).to_bytes(2, "big") + message
        return self.terminal.call("printf '" + "".join(f"\\{byte:03o}" for byte in frame) + f"' >&3{then}")

    def receive(self):
        """The next message; one read gets the whole of it."""
        dump = self.terminal.call("dd bs=4096 count=1 <&3 2>/dev/null | od -An -v -tx1")
        data = bytes.fromhex(dump)
        assert int.from_bytes(data[:2], "big") == len(data) - 2
        item, rest = decode(data[2:])
        assert rest == b""
        return item

    def status(self):
        """Persona states by name, flips newest first, the persona's own counters."""
        self.send(STATUS)
        kind, now, running, personas, flips, counters = self.receive()
        assert kind == 18
        assert all(since <= now for _, _, since, _ in personas)
        return personas[running][0], {name: state for name, state, _, _ in personas}, flips, counters

    def suspend(self):
        """Acknowledges a request and suspends; the shell goes on when the persona is back."""
        self.send(ACKNOWLEDGE, "; (sleep 0.2; echo mem >/sys/power/state) & true")


@pytest.fixture
def terminal(start):
    terminal = start()
    terminal.prompt(PERSONAS[0])
    return terminal


@pytest.fixture
def agent(terminal):
    return Agent(terminal)


def test_status_requests_and_silence(terminal, agent):
    shows_status(agent)
    agent_answers(terminal, agent)
    agent_asks(terminal, agent)
    silent_agent_is_passed_over(terminal, agent)
    assert terminal.kernel_trouble() == []


def shows_status(agent):
    running, states, flips, counters = agent.status()
    assert running == PERSONAS[0]
    assert states == {PERSONAS[0]: 1, PERSONAS[1]: 0}
    assert flips == []
    assert counters[5] == 0, "accesses outside its own"


def agent_answers(terminal, agent):
    first, second = PERSONAS
    terminal.press_power()
    assert agent.receive() == [16, second]
    assert f"{first} does not want to flip now: updating" in agent.send(refuse("updating"))
    terminal.press_power()
    assert agent.receive() == [16, second]
    agent.suspend()
    terminal.await_persona(second)
    terminal.flip(first)
    running, states, flips, _ = agent.status()
    assert (running, states) == (first, {first: 1, second: 2})
    assert [entry[2] for entry in flips] == [4, 4, 5]
    asked, acknowledged, suspended, resumed = flips[1][3:]
    assert 0 < asked < acknowledged < suspended < resumed
    assert flips[0][4] == 0, "nobody acknowledged it: the other persona has no agent"


def agent_asks(terminal, agent):
    first, second = PERSONAS
    agent.send(flip(first))
    assert agent.receive()[:2] == [19, 4]
    agent.send(flip(second))
    assert agent.receive() == [16, second]
    agent.suspend()
    terminal.await_persona(second)
    terminal.flip(first)


def silent_agent_is_passed_over(terminal, agent):
    terminal.flip(PERSONAS[1])
    terminal.flip(PERSONAS[0])
    assert [entry[4] for entry in agent.status()[2][:2]] == [0, 0]


def test_driver_reload_and_reboot(terminal, agent):
    terminal.call("exec 3<&-; rmmod virtio_mmio && insmod $(grep virtio_mmio /etc/modules)")
    assert Agent(terminal).status()[0] == PERSONAS[0]
    terminal.send_line("reboot -f")
    terminal.expect("flipside: starting personal", 60)
    terminal.prompt(PERSONAS[0])
    assert Agent(terminal).status()[2] == []
    terminal.press_power()
    terminal.await_persona(PERSONAS[1])
