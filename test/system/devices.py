# SPDX-License-Identifier: BSD-3-Clause
"""Terminals of an organisation: their disks, what is on them, and what their pickers ask."""

import re
import shutil
import subprocess

import image
from machine import BUILD
from organisation import Organisation
from personas import ANSWER, BOOT, Terminal

VAULT = BUILD / "host/test/interop/interop-vault"
WORK = BUILD / "personas/busybox-6.1"
ESP = f"@@{image.ESP_START_MIB * image.MIB}"
RAM = 0x40000000
RAM_SIZE = 1 << 30


class Device:
    """A terminal in a directory, with the plain persona `personal`: installed by an organisation, started once, enrolled."""

    def __init__(self, directory, firmware="u-boot", tpm=None):
        self.directory, self.firmware, self.tpm = directory, firmware, tpm
        self.disk = directory / "disk.img"
        self.organisation = Organisation(directory / "organisation")
        image.make_disk(self.disk, None, [image.Persona("personal", BUILD / "personas/busybox-6.12")])
        self.organisation.install(self.disk)
        self.configure("allow-unsigned=yes")
        with self.machine() as terminal:
            terminal.expect("First start: this device has made its key", BOOT)
            terminal.picker()
            thumbprint, self.keeping = detail(terminal)
            terminal.quit()
        self.name = self.organisation.enroll(self.disk, thumbprint)

    def machine(self, **options):
        """The machine, not started; what it writes stays."""
        return Terminal(self.disk, firmware=self.firmware, memory="1G", **{"tpm": self.tpm, **options})

    def configure(self, *lines):
        """Writes flipside.conf anew."""
        self.put("flipside.conf", "".join(f"{line}\n" for line in ("timeout=3", "default=personal", *lines)).encode())

    def create(self, name="work", *options):
        """Makes a persona and gives it to the device."""
        self.organisation.create(name, WORK, "--memory=256M", f"--cmdline=console=ttyAMA0 loglevel=4 flipside.name={name}", *options)
        self.deliver(name)

    def update(self, *options):
        """Makes the next version of `work` and gives it to the device."""
        self.organisation.call("persona", "update", *options, "work")
        self.deliver("work")

    def deliver(self, name):
        """Puts the newest version of a persona onto the disk."""
        self.organisation.deliver(name, self.name, self.disk)

    def put(self, path, source):
        """Puts a file, or bytes, into the store."""
        image.put_on_esp(self.disk, source, f"flipside/{path}")

    def get(self, path):
        """The bytes of a file of the store."""
        target = self.directory / "file"
        image.get_from_esp(self.disk, f"flipside/{path}", target)
        return target.read_bytes()

    def alter(self, path, at=-1):
        """Changes one bit of a file of the store."""
        content = bytearray(self.get(path))
        content[at] ^= 1
        self.put(path, bytes(content))

    def put_persona(self, source, name):
        """Puts a directory of objects into the store as version a of a persona of any name."""
        for folder in (f"::/flipside/personas/{name}", f"::/flipside/personas/{name}/a"):
            subprocess.run(["mmd", "-i", f"{self.disk}{ESP}", folder], check=True)
        for file in sorted(source.iterdir()):
            self.put(f"personas/{name}/a/{file.name}", file)

    def came_up(self, token):
        """Leaves the mark of a version of `work` that came up, as its system does."""
        self.put("personas/work/up", token.encode().ljust(512, b"\0"))

    def _store(self):
        directory = self.directory / "store"
        directory.mkdir()
        subprocess.run(["mcopy", "-s", "-n", "-i", f"{self.disk}{ESP}", "::/flipside", directory], check=True, capture_output=True)
        return directory / "flipside"

    def make_attempts(self, count):
        """Makes wrong attempts at the PIN of `work`, without the time that the loader waits between them."""
        store = self._store()
        tpm = [f"--tpm={self.tpm}"] if self.tpm else []
        subprocess.run([VAULT, *tpm, store, "attempts", "work", str(count)], check=True)
        for state in ("state.a", "state.b"):
            self.put(f"device/{state}", store / "device" / state)
        shutil.rmtree(store.parent)

    def keys(self, pin):
        """The keys of `work` by name, which the PIN alone guards: no TPM."""
        store = self._store()
        done = subprocess.run([VAULT, store, "keys", "work", pin], check=True, capture_output=True, text=True)
        shutil.rmtree(store.parent)
        return {key: bytes.fromhex(value) for key, value in (line.split() for line in done.stdout.splitlines())}


# --- the picker ---

def detail(terminal):
    """What the picker's detail says of the device: (thumbprint, where its key is)."""
    terminal.send("v")
    match = terminal.expect(r"thumbprint +([0-9a-f ]+)\s+its key is +(.*)\n", ANSWER)
    terminal.picker()
    return re.sub(r"\s", "", match.group(1)), match.group(2).strip()


def tpm_attempts_left(terminal):
    """What the picker's detail says of the TPM's own count."""
    terminal.send("v")
    left = int(terminal.expect(r"^TPM: .* (\d+) of 16 attempts left", ANSWER).group(1))
    terminal.picker()
    return left


def line_of(terminal, name):
    """What the list says of a persona."""
    return re.search(rf"^ +\d +{name} .*", terminal.picker(), re.MULTILINE).group(0)


def type_pin(terminal, pin, prompt="PIN: "):
    """Types a PIN where it is asked for."""
    terminal.expect(prompt, BOOT)
    terminal.send(f"{pin}\r")


def type_code(terminal, code):
    """Types an activation code."""
    type_pin(terminal, code, "Activation code: ")


def type_new_pin(terminal, pin, code=None):
    """Types the activation code, if it is asked for, and a new PIN twice."""
    if code:
        type_code(terminal, code)
    type_pin(terminal, pin, "New PIN: ")
    type_pin(terminal, pin, "The same again: ")


def choose_first_pin(terminal, pin, code):
    """From the picker of a device to which `work` was issued, and back to the picker."""
    terminal.picker()
    terminal.send("2u")
    type_new_pin(terminal, pin, code)
    terminal.picker()


def read_anew(terminal):
    """All that is open is locked again."""
    terminal.send("r")
    terminal.picker()


def unlock(terminal, key, *pins):
    """Chooses a persona, types PINs, of which the last is right, and waits for the picker; returns what was said."""
    terminal.skip()
    begin = terminal.position
    terminal.send(f"{key}u")
    for pin in pins:
        type_pin(terminal, pin)
    terminal.expect("Decrypting .* good", BOOT)
    terminal.picker()
    return terminal.output[begin:terminal.position].replace("\r", "")


# --- secrets ---

class Search:
    """Looks for secrets, by name, in a machine's memory and on a disk."""

    def __init__(self, **secrets):
        self.secrets = secrets

    def _find(self, data):
        for name, secret in self.secrets.items():
            at = data.find(secret)
            while at >= 0:
                yield name, at
                at = data.find(secret, at + 1)

    def memory(self, terminal, plan, path):
        """Where in RAM they are, by whose place it is: {(owner, secret)}; where it is nobody's, the address."""
        terminal.qmp("pmemsave", val=RAM, size=RAM_SIZE, filename=str(path))
        data = path.read_bytes()
        path.unlink()

        def owner(address):
            return next((name for name, (first, last) in plan.ranges.items() if first <= address <= last), f"{address:#x}")

        return {(owner(RAM + at), name) for name, at in self._find(data)}

    def disk(self, disk):
        """Which of them are on a disk."""
        return {name for name, _ in self._find(disk.read_bytes())}
