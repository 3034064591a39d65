# SPDX-License-Identifier: BSD-3-Clause
"""Busybox personas with flipside-agent in them."""

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from machine import BUILD, ROOT
from personas import ANSWER

AGENT = BUILD / "linux-arm64/persona/agent/flipside-agent"
INITTAB = ROOT / "scripts/busybox/inittab"
RUN = "::respawn:/bin/flipside-agent run --up\n"


def archive(tree):
    """A cpio archive of a directory, as a kernel unpacks it over its first initramfs."""
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    done = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=tree, check=True, capture_output=True,
                          input="\n".join(names).encode() + b"\n")
    return done.stdout


def with_agent(source, target):
    """Makes a persona's directory from another: the same system with the agent, started by its init."""
    source, target = Path(source), Path(target)
    target.mkdir(parents=True, exist_ok=True)
    for file in ("kernel", "persona.conf", "root.img"):
        shutil.copy(source / file, target / file)
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch)
        (tree / "bin").mkdir()
        (tree / "etc").mkdir()
        shutil.copy(AGENT, tree / "bin/flipside-agent")
        (tree / "bin/flipside-agent").chmod(0o755)
        (tree / "etc/inittab").write_text(INITTAB.read_text() + RUN)
        initrd = (source / "initrd").read_bytes()
        (target / "initrd").write_bytes(initrd + bytes(-len(initrd) % 4) + archive(tree))
    return target


def status(terminal):
    """What the agent in the running persona says."""
    return json.loads(terminal.call("flipside-agent status --json").splitlines()[-1])


def await_agent(terminal):
    """Waits until the agent has its port and the switcher knows that it is up."""
    deadline = time.monotonic() + ANSWER
    while True:
        done, output = terminal.run("flipside-agent status --json")
        if done == 0 and json.loads(output.splitlines()[-1])["personas"][0]["agent"]:
            return
        assert time.monotonic() < deadline, f"no agent: {output}"
