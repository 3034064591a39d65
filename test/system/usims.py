# SPDX-License-Identifier: BSD-3-Clause
"""A device with a virtual USIM: its organisation, its flash, its profile."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import image
from agents import archive
from machine import BUILD, LOADER, ROOT, flash_file
from personas import ANSWER, Terminal

sys.path.insert(0, str(ROOT / "test/interop"))
from usim_network import Subscriber  # noqa: E402, F401

TOOL = BUILD / "host/persona/flipside"
GUEST = BUILD / "linux-arm64/test/guest/usim"
ICCID = "8988211000000000011"
IMSI = "001010000000001"
PIN = "1234"
ON, OFF, ATR = "01", "00", "04"
SELECT_USIM = "00a4040c07a0000000871002"
SUCCESS = b"\x00\x90\x00"


class Device:
    """A disk, its flash, its TPM, and the organisation that issues to it; all of it lies in DIRECTORY."""

    def __init__(self, directory, personas, pin=PIN, policy=("personal:authenticate", "work:authenticate"),
                 firmware="u-boot", tpm=False):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        self.directory, self.disk, self.pin, self.policy = directory, directory / "disk.img", pin, policy
        image.make_disk(self.disk, LOADER, personas, timeout=1)
        self.flash = flash_file(directory / "flash.img")
        self.firmware, self.tpm = firmware, directory / "tpm" if tpm else None
        (directory / "passphrase").write_text("correct horse\n")
        self.run("org", "init", "--name=Test")
        image.put_on_esp(self.disk, directory / "org/organisation", "flipside/organisation")
        conf = directory / "conf"
        image.get_from_esp(self.disk, "flipside/flipside.conf", conf)
        image.put_on_esp(self.disk, conf.read_bytes() + b"allow-unsigned=yes\n", "flipside/flipside.conf")

    def run(self, *words, positional=()):
        """Runs the command line; returns what it reports."""
        command = [TOOL, *words[:2], f"--org={self.directory / 'org'}", f"--passphrase-file={self.directory / 'passphrase'}",
                   "--json", *words[2:], *positional]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout else {}

    def terminal(self, **options):
        """The machine with its flash and its TPM, not started."""
        return Terminal(self.disk, flash=self.flash, firmware=self.firmware, tpm=self.tpm, **options)

    def enrol(self):
        """Starts the loader alone, which makes the device's key, and enrols the device."""
        with self.terminal() as terminal:
            terminal.expect("First start", ANSWER)
            assert re.search(r"personal .* ready, \d+ MB, not signed", terminal.picker())
            terminal.quit()
        image.get_from_esp(self.disk, "flipside/device/request", self.directory / "request")
        self.run("device", "enroll", "--name=first", "--yes", positional=[self.directory / "request"])

    def issue(self, card=(ICCID, IMSI), policy=None):
        """Makes a USIM, issues it to the device and puts it onto the disk; returns its (K, OPc)."""
        store, (iccid, imsi) = self.directory / "usims", card
        made = self.run("usim", "create", f"--store={store}", f"--iccid={iccid}", f"--imsi={imsi}", "--mnc-digits=2",
                        *([f"--pin={self.pin}"] if self.pin else []), *(f"--persona={entry}" for entry in policy or self.policy))
        self.iccid = made["iccid"]
        self.run("usim", "issue", f"--store={store}", "--device=first", f"--to={self.directory / 'out'}", positional=[self.iccid])
        done = subprocess.run([TOOL, "deliver", self.directory / "out", self.disk], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.run("usim", "export-auc", f"--store={store}", "--format=hostapd", f"--output={self.directory / 'auc'}")
        line = (self.directory / "auc").read_text().split("\n")
        fields = next(text.split() for text in line if text.startswith(imsi))
        return fields[1], fields[2]


def with_guest(source, target):
    """Makes a busybox persona's directory from another, with the program `usim` in it."""
    source, target = Path(source), Path(target)
    target.mkdir(parents=True, exist_ok=True)
    for file in ("kernel", "persona.conf", "root.img"):
        shutil.copy(source / file, target / file)
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch)
        (tree / "bin").mkdir()
        shutil.copy(GUEST, tree / "bin/usim")
        (tree / "bin/usim").chmod(0o755)
        initrd = (source / "initrd").read_bytes()
        (target / "initrd").write_bytes(initrd + bytes(-len(initrd) % 4) + archive(tree))
    return target


class Card:
    """The card as the running busybox persona reaches it."""

    def __init__(self, terminal):
        self.terminal = terminal
        terminal.call("port=/dev/$(grep -lx flipside.usim /sys/class/virtio-ports/*/name | cut -d/ -f5)")

    def frames(self, *frames):
        """Sends frames in one session of the port; returns the answers as bytes, status first; None: none came."""
        output = self.terminal.call("usim $port " + " ".join(frame or "''" for frame in frames))
        answers = re.findall(r"^answer (\w*)", output, re.MULTILINE)
        assert len(answers) == len(frames), output
        return [None if answer == "none" else bytes.fromhex(answer) for answer in answers]


def verify(pin):
    """VERIFY of PIN1 (TS 102 221 11.1.9)."""
    return f"0020000108{pin.encode().hex()}{'ff' * (8 - len(pin))}"


def challenge(network, sqn=None):
    """The next challenge, or one with this SQN, as AUTHENTICATE, and the RES that answers it."""
    rand, autn, _, _, res = network.vector(sqn)
    return f"008800812210{rand}10{autn}", res


def authenticate(card, network, sqn=None):
    """One authentication that must succeed; returns its command, to be tried again."""
    command, res = challenge(network, sqn)
    answers = card.frames(ON, SELECT_USIM, verify(PIN), command, "00c000002c")
    assert answers[:3] == [answers[0], SUCCESS, SUCCESS], answers
    assert answers[3] == b"\x00\x61\x2c", answers
    assert answers[4][1:3] == b"\xdb\x08" and answers[4][3:11].hex() == res, answers
    return command


def refused_as_not_fresh(card, command):
    """The same challenge once more gets AUTS; returns it."""
    answers = card.frames(ON, SELECT_USIM, verify(PIN), command, "00c0000010")
    assert answers[3] == b"\x00\x61\x10" and answers[4][1:3] == b"\xdc\x0e", answers
    return answers[4][3:17].hex()
