# SPDX-License-Identifier: BSD-3-Clause
"""The walk-through of persona/README.md: its commands are run, and between them the terminals do their part with the code
that the loader runs."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from administrator import BOARDS, INITRD, KERNEL, TOOL, Disk, kernel_image

README = Path(__file__).resolve().parents[2] / "persona/README.md"
DEVICE = os.environ.get("INTEROP_VAULT", "build/host/test/interop/interop-vault")


def blocks():
    text = README.read_text()
    return re.findall(r"^```sh\n(.*?)^```$", text[text.index("## From an organisation"):], re.MULTILINE | re.DOTALL)


class Walk:
    def __init__(self, directory):
        self.directory = directory
        for name, content in (("Image", KERNEL), ("Image-new", kernel_image(1)), ("initrd", INITRD), ("passphrase", b"secret\n"),
                              ("loader", KERNEL[:4096])):
            (directory / name).write_bytes(content)
        with open(directory / "root.img", "wb") as file:
            file.truncate(8 << 20)
        subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", directory / "root.img"], check=True)
        self.disks = {name: Disk(directory / f"{name}.img") for name in ("anna", "ben")}
        self.disks["ben"].put("EFI/BOOT/BOOTAA64.EFI", b"what Ben's terminal started before")
        # What an administrator types, and what the package brings.
        (directory / "bin").mkdir()
        (directory / "bin/flipside").write_text(f"""#!/bin/bash
case $1 in
org) set -- "$@" --passphrase-file=passphrase; [ "$2" = init ] && set -- "$@" --key-memory=1 ;;
persona) set -- "$@" --passphrase-file=passphrase ;;
device) set -- "$@" --passphrase-file=passphrase; [ "$2" = enroll ] && set -- "$@" --yes ;;
install) set -- "$@" --loader=loader --boards={Path(BOARDS).resolve()} ;;
esac
exec {Path(TOOL).resolve()} "$@"
""")
        (directory / "bin/flipside").chmod(0o755)
        self.environment = {"PATH": f"{directory}/bin:{os.environ['PATH']}", "FLIPSIDE_ORG": "acme"}

    def run(self, block):
        done = subprocess.run(["bash", "-euxo", "pipefail", "-c", block], cwd=self.directory, env=self.environment,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name, *words, status=0):
        """Lets the loader's code at a terminal's store, which is copied from its disk and back."""
        disk, store = self.disks[name], self.directory / f"{name}-store"
        subprocess.run(["rm", "-rf", store], check=True)
        subprocess.run(["mcopy", "-s", "-n", "-i", disk.esp, "::/flipside", store], check=True)
        (store / "device").mkdir(exist_ok=True)
        done = subprocess.run([Path(DEVICE).resolve(), store, *words], capture_output=True, text=True)
        assert done.returncode == status, done.stderr
        for file in [*store.glob("device/*"), *store.glob("personas/*/slots.*"), *store.glob("personas/*/grant"),
                     *store.glob("personas/*/*/content.own")]:
            disk.put(f"flipside/{file.relative_to(store)}", file.read_bytes())
        return dict(line.split() for line in done.stdout.splitlines())

    def unlock(self, name, pin, *code, status=0):
        return self.start(name, "keys", "work", pin, *code, status=status)


def test_walkthrough(tmp_path):
    walk, steps = Walk(tmp_path), blocks()
    before = walk.disks["ben"].tree()
    assert len(steps) == 7, "a step more or less: what the terminals do in between must be told here"
    assert "Acme Ltd" in walk.run(steps[0])
    walk.run(steps[1])
    for name in walk.disks:
        walk.unlock(name, "none", status=1)
    assert walk.run(steps[2]).count("whoever has the disk") == 2
    said = walk.run(steps[3])
    assert re.search(r"faults +0\n", said)
    codes = re.findall(r"activation-code +(\S+)\n", said)
    walk.unlock("anna", "1234", status=1)
    walk.unlock("anna", "1234", codes[1], status=1)
    first = {name: walk.unlock(name, pin, code) for name, pin, code in zip(("anna", "ben"), ("1234", "2345"), codes, strict=True)}
    assert first["anna"]["persona"] != first["ben"]["persona"] and first["anna"]["content"] == first["ben"]["content"]
    check_root(walk, first["anna"]["volume"])
    assert "version            2" in walk.run(steps[4])
    second = {name: walk.unlock(name, pin) for name, pin in (("anna", "1234"), ("ben", "2345"))}
    assert {n: k["persona"] for n, k in second.items()} == {n: k["persona"] for n, k in first.items()}
    assert second["anna"]["content"] != first["anna"]["content"]
    walk.start("ben", "attempts", "work", "1")
    [code] = re.findall(r"activation-code +(\S+)\n", walk.run(steps[5]))
    recovered = walk.unlock("ben", "3456", code)
    assert recovered == second["ben"] and walk.unlock("ben", "3456") == recovered
    walk.unlock("ben", "2345", status=1)
    walk.run(steps[6])
    assert {name: content for name, content in walk.disks["ben"].tree().items() if "flipside" not in name} == before


def check_root(walk, volume):
    """The partition opens with the key that the device derives."""
    if not os.path.exists("/usr/sbin/cryptsetup"):
        pytest.skip("no cryptsetup")
    (walk.directory / "volume").write_bytes(bytes.fromhex(volume))
    (walk.directory / "partition").write_bytes(walk.disks["anna"].root(32 << 20))
    subprocess.run(["/usr/sbin/cryptsetup", "open", "--test-passphrase", "--key-file", walk.directory / "volume",
                    walk.directory / "partition"], check=True)
