# SPDX-License-Identifier: BSD-3-Clause
"""The virtual USIM beneath two personas: over the channel, flips, power cuts, and against who must not have it."""

import re
import secrets
import socket
import subprocess
import sys
import time

import pytest

import image
import leaks
from conftest import DISKS
from machine import BUILD, ROOT
from personas import ANSWER, BOOT, PERSONAS
from usims import (ATR, OFF, ON, PIN, SELECT_USIM, SUCCESS, Card, Device, Subscriber, authenticate, challenge, refused_as_not_fresh,
                   verify, with_guest)

LOGIN = 4 * BOOT  # systemd under emulation, on a busy machine
MARKS = {name: secrets.token_hex(16) for name in PERSONAS}
ANOTHER = ("898821100000000002", "001010000000002")  # ICCID without its check digit, IMSI
IS_OFF, REFUSED, BAD_FRAME = b"\x01", b"\x02", b"\x03"


@pytest.fixture
def device(request):
    """A device with a USIM that `personal` alone may use."""
    sources = {"personal": "busybox-6.12", "work": "busybox-6.1"}
    personas = [image.Persona(name, with_guest(BUILD / "personas" / source, DISKS / f"usim-{name}"))
                for name, source in sources.items()]
    made = Device(DISKS / "usim", personas, policy=("personal:authenticate",))
    made.enrol()
    made.secrets = made.issue()
    made.wanted = {form: pattern for name, key in zip(("K", "OPc"), made.secrets)
                   for form, pattern in leaks.forms(name, bytes.fromhex(key), cipher=name == "K").items()}
    yield made


def holds_none(path, wanted):
    """Fails if a file has a secret in any form."""
    found = leaks.search_file(path, wanted)
    assert not found, f"{path} has {found}"


def memory_holds_none(terminal, device):
    """The same of both personas' RAM, as QEMU sees it; K and OPc are in the switcher's, and there they are found."""
    ranges = {name: tuple(int(value, 16) for value in terminal.partitions[name]) for name in PERSONAS}
    memory = leaks.Memory(terminal, device.directory, ranges)
    for number, key in enumerate(leaks.state_keys(memory, bytes.fromhex(device.secrets[0]), device.flash)):
        device.wanted |= leaks.forms(f"key {number} of the state", key, cipher=number == 1)
    kept = set()
    for base, size in memory.rest():
        kept |= memory.search(base, size, device.wanted)
    assert {"K", "OPc", "key 0 of the state"} <= kept, kept
    marks = {name: mark.encode() for name, mark in MARKS.items()}
    for name, (base, size) in ranges.items():
        assert memory.search(base, size, device.wanted | marks) == {name}, name


def leave_mark(terminal, name):
    """What is typed is in this persona's memory: there it has to be found, or nothing else would be either."""
    terminal.call(f"mark={MARKS[name]}")


def test_the_search_finds_what_is_planted(tmp_path):
    """Each form by itself, over the border of two pieces; the expanded keys are FIPS 197's own (A.1 and A.3)."""
    k = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    wanted = leaks.forms("K", k, cipher=True)
    assert wanted["round key 10 of K"].hex() == "d014f9a8c9ee2589e13f0cc8b6630ca6"
    longer = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    assert leaks.round_keys(longer)[-1].hex() == "fe4890d1e6188d0b046df344706c631e"
    for name, pattern in wanted.items():
        for at in (0, leaks.PAGE - 5, 2 * leaks.PAGE - 5, 3 * leaks.PAGE - len(pattern)):
            planted = bytearray(4 * leaks.PAGE)
            planted[at:at + len(pattern)] = pattern
            (tmp_path / "planted").write_bytes(planted)
            assert leaks.search_file(tmp_path / "planted", wanted, 2 * leaks.PAGE) == {name}


def find_partitions(terminal):
    """Where the running persona's partition is, by its own device tree."""
    text = terminal.call("od -An -v -tx1 /proc/device-tree/memory*/reg | tr -d ' \\n'")
    found = re.search(r"([0-9a-f]{16})([0-9a-f]{16})", text)
    return found.group(1), found.group(2)


def start(device, request_log):
    terminal = device.terminal(log=request_log).start()
    terminal.partitions = {}
    terminal.expect(f"USIM: card {device.iccid}", ANSWER)
    terminal.prompt("personal")
    terminal.partitions["personal"] = find_partitions(terminal)
    leave_mark(terminal, "personal")
    return terminal


def other_persona_gets_nothing(terminal):
    """In `work`, which the policy does not name: no order and no command comes to the card."""
    terminal.flip_to_start("work")
    terminal.prompt("work")
    terminal.partitions["work"] = find_partitions(terminal)
    leave_mark(terminal, "work")
    card = Card(terminal)
    answers = card.frames(ON, ATR, SELECT_USIM, "00a4000c023f00", verify("9999"), OFF, "", "77")
    assert answers == [REFUSED] * 8, answers
    terminal.flip("personal")


def test_a_card_beneath_two_personas(device, request):
    log = BUILD / "log/system/usim.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    network = Subscriber(*device.secrets, 0)
    terminal = start(device, log)
    request.node.machines = [terminal]
    try:
        card = Card(terminal)
        atr = card.frames(ATR, SELECT_USIM, ON, ATR)
        assert atr[:2] == [IS_OFF, IS_OFF] and atr[2] == atr[3] and atr[2][1] == 0x3b
        first = authenticate(card, network)
        refused_as_not_fresh(card, first)
        assert card.frames(ON, SELECT_USIM, first, verify("0000")) == [atr[2], SUCCESS, b"\x00\x69\x82", b"\x00\x63\xc2"]
        # A session that is open over a flip: two programs, one port, and the card is off for whoever was suspended.
        terminal.call(f"(printf '\\0\\001\\001' >&3; dd bs=64 count=1 <&3 >/dev/null 2>&1; sleep 100000) 3<>$port & sleep 1")
        other_persona_gets_nothing(terminal)
        terminal.call("kill %1; sleep 1")
        assert card.frames(ATR, "00a4000c023f00") == [IS_OFF, IS_OFF]
        # Guesses are counted over the flip.
        assert card.frames(ON, SELECT_USIM, verify("1111"))[2] == b"\x00\x63\xc1"
        second = authenticate(card, network)
        statuses = terminal.call("usim $port --attack 4000", 10 * ANSWER).split()[1:]
        assert int(statuses[0]) > 1000 and int(statuses[3]) > 100, statuses
        computing = f"008800812210{'5a' * 16}10{'a5' * 16}"  # MACs are computed to find it wrong
        assert "vectors kept" in terminal.call(f"usim $port {ON} {SELECT_USIM} {verify(PIN)} --vectors 500 {computing}")
        assert card.frames(ON, SELECT_USIM, verify("1111"))[2] == b"\x00\x63\xc2"
        memory_holds_none(terminal, device)
        assert terminal.kernel_trouble() == []
    finally:
        terminal.kill()  # as by pulling the plug
    storage_holds_none(device)
    after_the_cut(device, request, network, (first, second), log)
    storage_holds_none(device)
    network = Subscriber(*device.issue(ANOTHER, policy=("personal:authenticate", "work:authenticate")), 0)
    taken = by_turns(device, request, network, log)
    first_flash = device.flash.read_bytes()
    after_the_stop(device, request, network, taken, log)
    device.flash.write_bytes(first_flash)
    with device.terminal(log=log) as terminal:
        terminal.expect("No USIM in this start: the USIM can't be used: its state was put back", ANSWER)
        terminal.quit()


def after_the_cut(device, request, network, used, log):
    """Nothing that was accepted is accepted again, and a guess costs what it costs."""
    terminal = start(device, log)
    request.node.machines.append(terminal)
    try:
        card = Card(terminal)
        assert card.frames(ON, SELECT_USIM, "0020000100")[2] == b"\x00\x63\xc2"
        for command in used:
            auts = refused_as_not_fresh(card, command)
        network.resynchronise(auts, used[-1][12:44])
        authenticate(card, network)
        terminal.send_line("poweroff -f")
        terminal.wait_off(10 * ANSWER)
    finally:
        terminal.quit()


def storage_holds_none(device):
    """All of the disk, partition table to last block, and all of the flash; on the disk what is in clear is found."""
    mark = {"a mark in clear": MARKS["personal"].encode()}
    image.put_on_esp(device.disk, MARKS["personal"].encode(), "flipside/mark")
    assert leaks.search_file(device.disk, device.wanted | mark) == set(mark)
    holds_none(device.flash, device.wanted)


def by_turns(device, request, network, log):
    """A card that both may use: they take turns over flips, one network for both. It begins beyond all that the card
    before it accepted. @return what its array has: {IND: SEQ}; None: all others'"""
    terminal = start(device, log)
    request.node.machines.append(terminal)
    try:
        command, _ = challenge(network)
        network.resynchronise(refused_as_not_fresh(Card(terminal), command), command[12:44])
        taken = {None: network.sqn >> 5}
        for turn in range(2):
            for name in PERSONAS:
                if turn == 0 and name == "work":
                    terminal.flip_to_start("work")
                    terminal.prompt("work")
                elif turn > 0 or name == "work":
                    terminal.flip(name)
                authenticate(Card(terminal), network)
                taken[network.sqn % 32] = network.sqn >> 5
        keeps(Card(terminal), network, taken)
        assert terminal.kernel_trouble() == []
        terminal.send_line("poweroff -f")
        terminal.await_persona("personal")
        terminal.send_line("poweroff -f")
        terminal.wait_off(10 * ANSWER)
    finally:
        terminal.quit()
    return taken


def keeps(card, network, taken):
    """The card's array is, IND by IND, what was accepted: no more, since that is refused, and AUTS has the highest; and no
    less, since what comes next for an IND is taken, however far it is behind the highest."""
    others = taken.pop(None)
    for ind, seq in taken.items():
        command, _ = challenge(network, seq << 5 | ind)
        answer = network.generate("-A", refused_as_not_fresh(card, command), "-r", command[12:44])
        assert int(answer["SQN.MS"]) == network.sqn, answer
    oldest = min(taken, key=taken.get)
    unused = next(ind for ind in range(32) if ind not in taken)
    for ind, seq in ((oldest, taken[oldest] + 1), (unused, others + 1)):
        authenticate(card, network, seq << 5 | ind)
        taken[ind] = seq
    taken[None] = others


def after_the_stop(device, request, network, taken, log):
    """The network goes on where it was, without a resynchronisation, and the array is what it was."""
    terminal = start(device, log)
    request.node.machines.append(terminal)
    try:
        keeps(Card(terminal), network, taken)
        authenticate(Card(terminal), network)
    finally:
        terminal.quit()


class Network:
    """The network's side on this machine: hostapd's EAP server, whose authentication centre is osmo-auc-gen."""

    def __init__(self, device):
        self.directory, self.processes = device.directory, []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.path("users").write_text('"0"* AKA\n"6"* AKA\'\n* AKA,AKA\',SIM\n')
        self.path("clients").write_text("127.0.0.1 radius\n")
        self.path("radius.conf").write_text(
            f"driver=none\neap_server=1\neap_user_file={self.path('users')}\neap_sim_db=unix:{self.path('auc.socket')}\n"
            f"radius_server_clients={self.path('clients')}\nradius_server_auth_port={self.port}\n"
            "eap_sim_aka_result_ind=0\neap_sim_id=0\n"
            "eap_sim_db_timeout=30\n")  # the centre is a script, which a busy machine lets wait
        self.start("ready", sys.executable, "-B", ROOT / "test/interop/usim_network.py", self.path("auc.socket"),
                   self.path("auc"), self.path("resynchronised"))
        self.start("AP-ENABLED", "hostapd", self.path("radius.conf"))

    def path(self, name):
        return self.directory / name

    def start(self, word, *command):
        """Starts a program and waits until it says the word."""
        log = self.path(f"{len(self.processes)}.log")
        with open(log, "w") as file:
            self.processes.append(subprocess.Popen([str(part) for part in command], stdout=file, stderr=subprocess.STDOUT))
        deadline = time.monotonic() + ANSWER
        while word not in log.read_text():
            assert time.monotonic() < deadline and self.processes[-1].poll() is None, log.read_text()
            time.sleep(0.1)

    def resynchronised(self):
        return self.path("resynchronised").exists()

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def debian_device():
    personas = [image.Persona(name, BUILD / "personas" / name) for name in PERSONAS]
    made = Device(DISKS / "usim-debian", personas)
    made.enrol()
    made.issue()
    network = Network(made)
    yield made, network
    network.close()
    made.disk.unlink()


def eapol_test(terminal, network):
    """EAP-AKA in a persona: eapol_test, wpa_supplicant's code, through pcscd, the reader driver, the channel and the switcher."""
    terminal.call("printf 'fast_reauth=0\\nnetwork={\\nkey_mgmt=IEEE8021X\\neap=AKA\\npcsc=\"\"\\neapol_flags=0\\n"
                  f"pin=\"{PIN}\"\\n}}\\n' >/run/aka.conf")
    text = terminal.call(f"eapol_test -c /run/aka.conf -a 10.0.2.2 -p {network.port} -s radius -R 'Flipside USIM 00 00' -t 60 "
                         "| tail -n 40", 4 * ANSWER)
    assert text.rstrip().endswith("SUCCESS"), text


@pytest.mark.debian
@pytest.mark.soak
def test_stock_programs_authenticate_in_both_personas(start, debian_device):
    """By turns over flips, and once more after a restart; the network never has to be told where the card is."""
    device, network = debian_device
    for _ in range(2):
        terminal = start(device.disk, flash=device.flash, memory="3G")
        for name in PERSONAS:
            if name == "work":
                terminal.flip_to_start("work")
            terminal.log_in(name, LOGIN)
            terminal.call("systemctl start pcscd.socket; until ip route | grep -q default; do sleep 1; done", LOGIN)
            eapol_test(terminal, network)
        for name in PERSONAS:
            terminal.flip(name, timeout=LOGIN)
            eapol_test(terminal, network)
            assert terminal.kernel_trouble() == []
        terminal.send_line("poweroff -f")
        terminal.await_persona("personal", LOGIN)
        terminal.send_line("poweroff -f")
        terminal.wait_off(LOGIN)
    assert not network.resynchronised()
