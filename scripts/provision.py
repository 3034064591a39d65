#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes a disk as an administrator would, by the verbs of flipside: a plain persona that is the user's own, and an
encrypted one that an organisation issues to this machine after its first start. See --help."""

import argparse
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from image import ImageError, Persona, make_disk
from machine import BUILD, LOADER, Machine, MachineError

TOOL = BUILD / "host/persona/flipside"
BOARDS = BUILD / "host/board"
BOOT_SECONDS = 600
# What a stock Debian initrd needs to open the root with the key file that the loader gives it.
OPEN_ROOT = "root=/dev/mapper/work cryptopts=target=work,source=PARTLABEL=work,key=/.extra/credentials/cryptsetup.passphrase,luks"
SETS = {
    "debian": {"personal": "personal", "work": "work"},
    "busybox": {"personal": "busybox-6.12", "work": "busybox-6.1"},
}


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/provision.py", description=__doc__.replace("\n", " "))
    parser.add_argument("disk", help="the image to make; replaced when the new one is whole")
    parser.add_argument("--organisation", required=True, metavar="DIRECTORY", help="made anew, with its passphrase in it")
    parser.add_argument("--persona-set", choices=SETS, default="debian")
    parser.add_argument("--firmware", default="u-boot")
    parser.add_argument("--memory", default="2G")
    parser.add_argument("--cpu", default="cortex-a72")
    parser.add_argument("--tpm", metavar="DIRECTORY", help="the machine's TPM, made anew; without, the device's key is in a file")
    parser.add_argument("--pin", required=True, help="the PIN that the user of `work` chooses")
    return parser.parse_args()


class Administrator:
    """Runs the verbs and shows each."""

    def __init__(self, directory):
        self.directory = Path(directory)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.passphrase = self.directory / "passphrase"
        self.passphrase.touch(mode=0o600)
        self.passphrase.write_text(secrets.token_urlsafe(24) + "\n")

    def run(self, *words):
        words = [str(word) for word in words]
        print("  flipside " + " ".join(word.replace(f"{BUILD}/", "build/") for word in words), flush=True)
        command = [TOOL, f"{words[0]}", *words[1:], f"--org={self.directory}/acme", f"--passphrase-file={self.passphrase}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit("provision: that failed")
        return done.stdout


class Owner:
    """Starts the machine without anyone at it."""

    def __init__(self, disk, options):
        self.disk, self.options = disk, options

    def start(self, what, work):
        print(f"  (the machine is started: {what})", flush=True)
        (BUILD / "log").mkdir(parents=True, exist_ok=True)
        machine = Machine(self.disk, firmware=self.options.firmware, memory=self.options.memory, cpu=self.options.cpu,
                          tpm=self.options.tpm, log=BUILD / "log/provision-serial.log")
        with machine:
            machine.expect(r"Digits and arrows choose", BOOT_SECONDS) if work else None
            (work or self.first)(machine)
            machine.quit()

    @staticmethod
    def first(machine):
        """The loader makes the device's key and writes the request."""
        machine.expect(r"First start", BOOT_SECONDS)
        machine.expect(r"Digits and arrows choose", BOOT_SECONDS)

    def choose_pin(self, machine, code):
        """The user unlocks `work`, the second of two, in the picker: a new one asks for the activation code and a new PIN."""
        machine.send("2")
        machine.send("u")
        pin = self.options.pin
        for prompt, typed in (("Activation code: ", code), ("New PIN: ", pin), ("The same again: ", pin)):
            machine.expect(prompt, BOOT_SECONDS)
            machine.send_line(typed)
        machine.expect(r"Decrypting work.* good", BOOT_SECONDS)
        machine.expect(r"Digits and arrows choose", BOOT_SECONDS)


def personas(options):
    """The user's own, and the organisation's; only Debian's root is encrypted, since busybox has no cryptsetup."""
    sources = {name: BUILD / "personas" / source for name, source in SETS[options.persona_set].items()}
    debian = options.persona_set == "debian"
    own = Persona("personal", sources["personal"], settings={"title": "Personal"})
    return own, Persona("work", sources["work"], issued=True, encrypted_root=debian)


def create(administrator, work):
    values = dict(line.split("=", 1) for line in work.configuration().splitlines())
    command_line = values["cmdline"].replace("root=PARTLABEL=work", OPEN_ROOT)
    words = ["--title=Work", "--board=qemu-virt", f"--kernel={work.directory}/kernel", f"--initrd={work.directory}/initrd",
             f"--cmdline={command_line}"]
    if work.encrypted_root:
        words.append(f"--root={work.root_image}")
    else:
        # The unlocker and what it decrypts lie in its partition until the PIN is there.
        words.append("--memory=384M")
    administrator.run("persona", "create", *words, "work")


def provision(options):
    disk = Path(f"{options.disk}.provisioning")
    if options.tpm:
        shutil.rmtree(options.tpm, ignore_errors=True)
    own, work = personas(options)
    make_disk(disk, None, [own, work])
    administrator, owner = Administrator(options.organisation), Owner(disk, options)
    out = administrator.directory / "out"
    administrator.run("org", "init", "--name=Acme Ltd")
    administrator.run("install", disk, "--board=qemu-virt", f"--loader={LOADER}", f"--boards={BOARDS}")
    owner.start("it makes its key and writes a request to be enrolled", None)
    administrator.run("device", "enroll", "--name=terminal", "--yes", disk)
    create(administrator, work)
    issued = administrator.run("persona", "issue", "--device=terminal", f"--to={out}", "work")
    code = re.search(r"activation-code +(\S+)", issued).group(1)
    administrator.run("deliver", out, disk)
    administrator.run("verify", disk)
    owner.start(f"its user types the activation code {code} and chooses the PIN {options.pin}",
                lambda machine: owner.choose_pin(machine, code))
    # What was issued is on the disk now; the encrypted root would take its room twice.
    shutil.rmtree(out)
    os.replace(disk, options.disk)


def main():
    options = arguments()
    try:
        provision(options)
    except (ImageError, MachineError, OSError) as error:
        sys.exit(f"provision: {error}")
    except KeyboardInterrupt:
        sys.exit("provision: interrupted; the next run begins anew")
    finally:
        Path(f"{options.disk}.provisioning").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
