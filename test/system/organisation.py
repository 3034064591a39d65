# SPDX-License-Identifier: BSD-3-Clause
"""An organisation as its administrator runs it, by the verbs of `flipside`, and the terminals that it issues personas to."""

import subprocess

from machine import BUILD, LOADER

TOOL = BUILD / "host/persona/flipside"
BOARDS = BUILD / "host/board"


class Organisation:
    """Its directory, with all keys under one passphrase."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "passphrase").write_text("correct horse\n")
        self.call("org", "init", "--name=Acme Ltd")

    def call(self, *words):
        """Runs a verb, which must succeed, and returns what it printed."""
        verb = 2 if words[0] in ("org", "device", "persona") else 1
        command = [TOOL, *words[:verb], f"--org={self.directory}/acme", f"--passphrase-file={self.directory}/passphrase"]
        done = subprocess.run([str(word) for word in [*command, *words[verb:]]], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def install(self, disk):
        """Puts the loader and the organisation's key onto a disk."""
        self.call("install", "--board=qemu-virt", f"--loader={LOADER}", f"--boards={BOARDS}", disk)

    def create(self, name, source, *options):
        """Makes a persona of what scripts/personas made."""
        self.call("persona", "create", f"--kernel={source / 'kernel'}", f"--initrd={source / 'initrd'}", "--board=qemu-virt",
                  *options, name)

    def enroll(self, disk):
        """Enrols the terminal whose disk that is, after its first start, and returns its name."""
        self.call("device", "enroll", "--name=terminal", "--yes", disk)
        return "terminal"

    def deliver(self, name, device, disk):
        """Issues a persona to a terminal and puts it onto its disk."""
        out = self.directory / "out"
        self.call("persona", "issue", f"--device={device}", f"--to={out}", name)
        self.call("deliver", out, disk)
