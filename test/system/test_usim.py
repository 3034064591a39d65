# SPDX-License-Identifier: BSD-3-Clause
"""The virtual USIM beneath two personas: over the channel, flips, power cuts, and against who must not have it."""

import os
import subprocess

import pytest

import image
from conftest import DISKS
from machine import BUILD
from personas import ANSWER, PERSONAS
from usims import PIN, Card, Device, with_guest

ON, OFF, ATR = "01", "00", "04"
SELECT_USIM = "00a4040c07a0000000871002"
SUCCESS = b"\x00\x90\x00"
IS_OFF, REFUSED, BAD_FRAME = b"\x01", b"\x02", b"\x03"
STEP = 32  # from one SEQ to the next: IND is in the low five bits (TS 33.102 C.1.1.1)


def verify(pin):
    """VERIFY of PIN1 (TS 102 221 11.1.9)."""
    return f"0020000108{pin.encode().hex()}{'ff' * (8 - len(pin))}"


class Authority:
    """An authentication centre: osmo-auc-gen, which knows nothing of this project."""

    def __init__(self, k, opc):
        self.k, self.opc, self.sqn = k, opc, 0

    def challenge(self):
        """The next challenge, as AUTHENTICATE, and the RES that answers it."""
        self.sqn += STEP
        done = subprocess.run(["osmo-auc-gen", "-3", "-a", "MILENAGE", "-k", self.k, "-o", self.opc, "-f", "8000",
                               "-s", str(self.sqn), "-r", os.urandom(16).hex()], check=True, capture_output=True, text=True)
        values = dict(line.split(":", 1) for line in done.stdout.replace("\t", "").splitlines() if ":" in line)
        return f"008800812210{values['RAND'].strip()}10{values['AUTN'].strip()}", values["RES"].strip()

    def resynchronise(self, auts, rand):
        """Takes the card's sequence number out of its AUTS."""
        done = subprocess.run(["osmo-auc-gen", "-3", "-a", "MILENAGE", "-k", self.k, "-o", self.opc, "-r", rand, "-A", auts],
                              check=True, capture_output=True, text=True)
        value = next(line for line in done.stdout.splitlines() if "SQN.MS" in line)
        self.sqn = int(value.split("=")[-1].split(":")[-1].strip().split()[0])


def authenticate(card, authority):
    """One authentication that must succeed; returns its command, to be tried again."""
    command, res = authority.challenge()
    answers = card.frames(ON, SELECT_USIM, verify(PIN), command, "00c0000035")
    assert answers[:3] == [answers[0], SUCCESS, SUCCESS], answers
    assert answers[3] == b"\x00\x61\x35", answers
    assert answers[4][1:3] == b"\xdb\x08" and answers[4][3:11].hex() == res.lower(), answers
    return command


def refused_as_not_fresh(card, command):
    """The same challenge once more gets AUTS; returns it."""
    answers = card.frames(ON, SELECT_USIM, verify(PIN), command, "00c0000010")
    assert answers[3] == b"\x00\x61\x10" and answers[4][1:3] == b"\xdc\x0e", answers
    return answers[4][3:17].hex()


@pytest.fixture
def device(request):
    """A device with a USIM that `personal` alone may use."""
    sources = {"personal": "busybox-6.12", "work": "busybox-6.1"}
    personas = [image.Persona(name, with_guest(BUILD / "personas" / source, DISKS / f"usim-{name}"))
                for name, source in sources.items()]
    made = Device(DISKS / "usim", personas, policy=("personal:authenticate",))
    made.enrol()
    made.secrets = made.issue()
    yield made


def holds_none(path, secrets, start=0, size=None):
    """Fails if a file has K or OPc anywhere, as bytes or as hexadecimal digits."""
    with open(path, "rb") as file:
        file.seek(start)
        kept = b""
        left = size
        while left is None or left > 0:
            piece = file.read(1 << 22 if left is None else min(left, 1 << 22))
            if not piece:
                return
            left = None if left is None else left - len(piece)
            data = kept + piece
            for secret in secrets:
                assert bytes.fromhex(secret) not in data and secret.encode() not in data.lower(), f"a key is in {path}"
            kept = data[-64:]


def memory_holds_none(terminal, secrets, directory):
    """The same of both personas' RAM, as QEMU sees it."""
    ranges = {name: tuple(int(value, 16) for value in terminal.partitions[name]) for name in PERSONAS}
    for name, (base, size) in ranges.items():
        file = directory / f"{name}.ram"
        terminal.qmp("pmemsave", val=base, size=size, filename=str(file))
        holds_none(file, secrets)
        file.unlink()


def find_partitions(terminal):
    """Where the running persona's partition is, by its own device tree."""
    text = terminal.call("od -An -v -tx1 /proc/device-tree/memory*/reg | tr -d ' \\n'")
    return text[:16], text[16:32]


def start(device, request_log):
    terminal = device.terminal(log=request_log).start()
    terminal.partitions = {}
    terminal.expect("USIM: card 8988211000000000011", ANSWER)
    terminal.prompt("personal")
    terminal.partitions["personal"] = find_partitions(terminal)
    return terminal


def other_persona_gets_nothing(terminal):
    """In `work`, which the policy does not name: no order and no command comes to the card."""
    terminal.flip_to_start("work")
    terminal.prompt("work")
    terminal.partitions["work"] = find_partitions(terminal)
    card = Card(terminal)
    answers = card.frames(ON, ATR, SELECT_USIM, "00a4000c023f00", verify("9999"), OFF, "", "77")
    assert answers == [REFUSED] * 8, answers
    terminal.flip("personal")


def test_a_card_beneath_two_personas(device, request):
    log = BUILD / "log/system/usim.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    authority = Authority(*device.secrets)
    terminal = start(device, log)
    request.node.machines = [terminal]
    try:
        card = Card(terminal)
        atr = card.frames(ATR, SELECT_USIM, ON, ATR)
        assert atr[:2] == [IS_OFF, IS_OFF] and atr[2] == atr[3] and atr[2][1] == 0x3b
        first = authenticate(card, authority)
        refused_as_not_fresh(card, first)
        assert card.frames(ON, SELECT_USIM, first, verify("0000")) == [atr[2], SUCCESS, b"\x00\x69\x82", b"\x00\x63\xc2"]
        # A session that is open over a flip: two programs, one port, and the card is off for whoever was suspended.
        terminal.call(f"(printf '\\0\\001\\001' >&3; dd bs=64 count=1 <&3 >/dev/null 2>&1; sleep 100000) 3<>$port & sleep 1")
        other_persona_gets_nothing(terminal)
        terminal.call("kill %1; sleep 1")
        assert card.frames(ATR, "00a4000c023f00") == [IS_OFF, IS_OFF]
        # Guesses are counted over the flip.
        assert card.frames(ON, SELECT_USIM, verify("1111"))[2] == b"\x00\x63\xc1"
        second = authenticate(card, authority)
        statuses = terminal.call("usim $port --attack 4000", 10 * ANSWER).split()[1:]
        assert int(statuses[0]) > 1000 and int(statuses[3]) > 100, statuses
        assert card.frames(ON, SELECT_USIM, verify("1111"))[2] in (b"\x00\x63\xc2", b"\x00\x63\xc1")
        memory_holds_none(terminal, device.secrets, device.directory)
        assert terminal.kernel_trouble() == []
    finally:
        terminal.kill()  # as by pulling the plug
    after_the_cut(device, request, authority, (first, second), log)


def after_the_cut(device, request, authority, used, log):
    """Nothing that was accepted is accepted again, and a guess costs what it costs."""
    terminal = start(device, log)
    request.node.machines.append(terminal)
    try:
        card = Card(terminal)
        assert card.frames(ON, SELECT_USIM, "0020000100")[2][1:] in (b"\x63\xc2", b"\x63\xc1")
        for command in used:
            auts = refused_as_not_fresh(card, command)
        authority.resynchronise(auts, used[-1][12:44])
        authenticate(card, authority)
    finally:
        terminal.quit()
    holds_none(device.disk, device.secrets)
    holds_none(device.flash, device.secrets)
