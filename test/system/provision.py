# SPDX-License-Identifier: BSD-3-Clause
"""An organisation and its devices, through the administrator's command line, and what the devices' pickers ask."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import image
from machine import BUILD, LOADER
from personas import ANSWER, BOOT

FLIPSIDE = BUILD / "host/persona/flipside"
VAULT = BUILD / "host/test/interop/interop-vault"
SOURCE = BUILD / "personas/busybox-6.1"
ESP = f"@@{image.ESP_START_MIB * image.MIB}"
CONFIGURATION = "timeout=3\ndefault=personal\nallow-unsigned=yes\n"


class Organisation:
    """An organisation in a directory, and where it puts what it issues."""

    def __init__(self, directory, name="Acme Ltd"):
        self.directory, self.issued = Path(directory), Path(directory) / "issued"
        self.directory.mkdir(parents=True)
        (self.directory / "passphrase").write_text("a passphrase for the test\n")
        self.call("org", "init", f"--name={name}")

    def call(self, *words):
        """Runs a verb that must succeed; returns what it says as an object."""
        command = [FLIPSIDE, *words, f"--org={self.directory / 'keys'}", f"--passphrase-file={self.directory / 'passphrase'}", "--json"]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr}"
        return json.loads(done.stdout)

    def install(self, disk):
        """Puts the loader and the organisation onto a disk that has a plain persona, `personal`."""
        configuration = self.directory / "conf"
        configuration.write_text(CONFIGURATION)
        self.call("install", disk, "--board=qemu-virt", f"--loader={LOADER}", f"--boards={BUILD / 'efi/board'}", f"--conf={configuration}")

    def create(self, name="work", *options):
        """Makes a persona of the busybox system."""
        options = options or ("--board=qemu-virt",)
        self.call("persona", "create", f"--kernel={SOURCE / 'kernel'}", f"--initrd={SOURCE / 'initrd'}", "--memory=256M",
                  f"--cmdline=console=ttyAMA0 loglevel=4 flipside.name={name}", *options, name)

    def update(self, *options, name="work"):
        """Makes the next version."""
        self.call("persona", "update", *options, name)

    def enroll(self, disk, thumbprint):
        """Enrols the device of a disk by what its screen showed; returns its name."""
        return self.call("device", "enroll", f"--thumbprint={thumbprint}", disk)["device"]

    def issue(self, disk, device, name="work"):
        """Issues a persona, or its newest version, and puts it onto the device's disk."""
        self.call("persona", "issue", f"--device={device}", f"--to={self.issued}", name)
        self.call("deliver", self.issued, disk, name)

    def recover(self, disk, device, name="work"):
        """Gives a persona's key to its device once more."""
        to = self.directory / "recovery"
        self.call("device", "recover", f"--device={device}", f"--to={to}", name)
        self.call("deliver", to, disk, name)


def plain_disk(path):
    """A disk with the plain persona `personal` and no loader yet."""
    return image.make_disk(path, None, [image.Persona("personal", BUILD / "personas/busybox-6.12")], timeout=3)


# --- the picker ---

def device_detail(terminal):
    """What the picker's detail says of the device: (thumbprint, where its key is); the picker waits then."""
    terminal.send("v")
    match = terminal.expect(r"thumbprint +([0-9a-f ]+)\s+its key is +(.*)\n(?:.*\n)*?TPM: .*\n", ANSWER)
    terminal.picker()
    return re.sub(r"\s", "", match.group(1)), match.group(2).strip()


def type_pin(terminal, pin, prompt="PIN: "):
    """Types a PIN where it is asked for."""
    terminal.expect(prompt, BOOT)
    terminal.send(f"{pin}\r")


def type_new_pin(terminal, pin):
    """Types a new PIN twice."""
    type_pin(terminal, pin, "New PIN: ")
    type_pin(terminal, pin, "The same again: ")


# --- the store of a disk ---

def store_of(disk, directory):
    """Copies a disk's store to a directory, and returns where it is."""
    directory.mkdir()
    subprocess.run(["mcopy", "-s", "-n", "-i", f"{disk}{ESP}", "::/flipside", directory], check=True, capture_output=True)
    return directory / "flipside"


def make_attempts(disk, directory, count, name="work"):
    """Makes wrong attempts at a PIN, without the waiting that the loader puts between them."""
    store = store_of(disk, directory)
    subprocess.run([VAULT, store, "attempts", name, str(count)], check=True)
    for state in ("state.a", "state.b"):
        image.put_on_esp(disk, store / "device" / state, f"flipside/device/{state}")
    shutil.rmtree(directory)


def keys_of(disk, directory, pin, name="work"):
    """The keys of a persona, by name, on a disk that has no more than a PIN between them and a thief."""
    store = store_of(disk, directory)
    done = subprocess.run([VAULT, store, "keys", name, pin], check=True, capture_output=True, text=True)
    shutil.rmtree(directory)
    return {key: bytes.fromhex(value) for key, value in (line.split() for line in done.stdout.splitlines())}
