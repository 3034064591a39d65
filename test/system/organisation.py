# SPDX-License-Identifier: BSD-3-Clause
"""An organisation as its administrator runs it, by the verbs of `flipside`, and the terminals that it issues personas to."""

import re
import subprocess

from machine import BUILD, LOADER

TOOL = BUILD / "host/persona/flipside"
BOARDS = BUILD / "host/board"


class Organisation:
    """Its directory, with all keys under one passphrase."""

    def __init__(self, directory):
        self.directory = directory
        self.code = None  # the activation code that was shown last
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "passphrase").write_text("correct horse\n")
        self.call("org", "init", "--name=Acme Ltd", "--key-memory=1")

    def call(self, *words):
        """Runs a verb, which must succeed, and returns what it printed."""
        verb = 2 if words[0] in ("org", "device", "persona") else 1
        command = [TOOL, *words[:verb], f"--org={self.directory}/acme", f"--passphrase-file={self.directory}/passphrase"]
        done = subprocess.run([str(word) for word in [*command, *words[verb:]]], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        code = re.search(r"activation-code +(\S+)", done.stdout)
        self.code = code.group(1) if code else self.code
        return done.stdout

    def install(self, disk):
        """Puts the loader and the organisation's key onto a disk."""
        self.call("install", "--board=qemu-virt", f"--loader={LOADER}", f"--boards={BOARDS}", disk)

    def create(self, name, source, *options):
        """Makes a persona of what scripts/personas made."""
        self.call("persona", "create", f"--kernel={source / 'kernel'}", f"--initrd={source / 'initrd'}", "--board=qemu-virt",
                  *options, name)

    def enroll(self, disk, thumbprint=None):
        """Enrols the terminal whose disk that is, after its first start, by what its screen showed or without that, and
        returns its name."""
        self.call("device", "enroll", "--name=terminal", f"--thumbprint={thumbprint}" if thumbprint else "--yes", disk)
        return "terminal"

    def issue(self, name, device):
        """Issues a persona to a terminal; returns where it lies."""
        out = self.directory / "out"
        self.call("persona", "issue", f"--device={device}", f"--to={out}", name)
        return out

    def deliver(self, name, device, disk):
        """Issues a persona to a terminal and puts it onto its disk."""
        self.call("deliver", self.issue(name, device), disk)

    def recover(self, name, device, disk):
        """Gives a terminal the key of its persona once more, so that its user can set a new PIN."""
        to = self.directory / "recovery"
        self.call("device", "recover", f"--device={device}", f"--to={to}", name)
        self.call("deliver", to, disk)
