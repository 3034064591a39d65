# SPDX-License-Identifier: BSD-3-Clause
"""Machines for the tests: each with a disk of its own, ended with the test, its last words shown when it fails."""

import fcntl
import functools
import http.server
import os
import re
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import agents  # noqa: E402
import image  # noqa: E402
from machine import BUILD, LOADER  # noqa: E402
from personas import PERSONAS, Terminal  # noqa: E402

LAST_LINES = 60
DISKS = BUILD / "disks/test"
LOGS = BUILD / "log/system"


def pytest_collection_modifyitems(items):
    """Leaves the long runs out unless they are asked for. What takes longest comes first and what is short last, so that
    all workers end together."""
    items.sort(key=lambda item: ("debian" not in item.keywords, "short" in item.keywords))
    if os.environ.get("FLIPSIDE_SOAK"):
        return
    skip = pytest.mark.skip(reason="only with --soak")
    for item in items:
        if "soak" in item.keywords:
            item.add_marker(skip)


@contextmanager
def locked(path):
    """Only one of several test processes at a time."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def newest(files):
    """When the youngest of the files was changed."""
    return max(os.stat(file).st_mtime_ns for file in files)


def base_disk(name, sources, **options):
    """A disk that tests copy or use as a snapshot, made anew when something of it has changed."""
    DISKS.mkdir(parents=True, exist_ok=True)
    disk = DISKS / f"{name}.img"
    personas = [image.Persona(persona, BUILD / "personas" / source) for persona, source in sources.items()]
    files = [LOADER, Path(image.__file__)] + [p.directory / file for p in personas for file in ("kernel", "initrd", "root.img")]
    with locked(f"{disk}.lock"):
        if not disk.exists() or disk.stat().st_mtime_ns < newest(files):
            image.make_disk(disk, LOADER, personas, **options)
    return disk


@pytest.fixture(scope="session")
def busybox_disk():
    """personal (kernel 6.12, the default) and work (kernel 6.1), both busybox."""
    return base_disk("busybox", {"personal": "busybox-6.12", "work": "busybox-6.1"}, timeout=3)


@pytest.fixture(scope="session")
def debian_disk():
    """The two stock Debian systems."""
    return base_disk("debian", {"personal": "personal", "work": "work"}, timeout=3)


@pytest.fixture(scope="session")
def agent_disk():
    """personal (kernel 6.12) with the agent, work (kernel 6.1) without: both busybox."""
    disk = DISKS / "agent.img"
    sources = [BUILD / "personas/busybox-6.12", BUILD / "personas/busybox-6.1"]
    files = [LOADER, agents.AGENT, agents.INITTAB] + [source / "initrd" for source in sources]
    DISKS.mkdir(parents=True, exist_ok=True)
    with locked(f"{disk}.lock"):
        if not disk.exists() or disk.stat().st_mtime_ns < newest(files):
            directory = agents.with_agent(sources[0], DISKS / "agent-persona")
            personas = [image.Persona(name, source) for name, source in zip(PERSONAS, (directory, sources[1]))]
            image.make_disk(disk, LOADER, personas, timeout=3)
    return disk


@pytest.fixture
def own_disk(busybox_disk, request):
    """A copy of the busybox disk for the test to change; gone afterwards."""
    disk = image.clone(busybox_disk, DISKS / f"{file_name(request)}.img")
    yield disk
    disk.unlink()


def file_name(request):
    """A file name for what belongs to this test."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", request.node.name).strip("-")


@pytest.fixture
def start(busybox_disk, request):
    """Starts a machine: start(cpus=4, ...) with the arguments of Machine; on the busybox disk, unchanged, unless one is given.

    All machines of a test are ended with it, whatever became of it."""
    machines = []

    def start_machine(disk=None, **options):
        LOGS.mkdir(parents=True, exist_ok=True)
        options.setdefault("log", LOGS / f"{file_name(request)}.log")
        options.setdefault("snapshot", disk is None)
        terminal = Terminal(disk or busybox_disk, **options)
        machines.append(terminal)
        return terminal.start()

    request.node.machines = machines
    yield start_machine
    for machine in machines:
        machine.kill()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows what the machines said last when a test fails."""
    report = (yield).get_result()
    if report.failed:
        for number, machine in enumerate(getattr(item, "machines", [])):
            lines = machine.output.replace("\r", "").splitlines()[-LAST_LINES:]
            report.sections.append((f"serial line of machine {number + 1}", "\n".join(lines)))


class Server(http.server.ThreadingHTTPServer):
    """Files over HTTP on the loopback address, which a machine sees as 10.0.2.2."""

    daemon_threads = True

    def __init__(self, directory):
        handler = functools.partial(Quiet, directory=str(directory))
        super().__init__(("127.0.0.1", 0), handler)

    def url(self, name):
        """Where a machine finds the file."""
        return f"http://10.0.2.2:{self.server_address[1]}/{name}"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Does not write each request on the terminal."""

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """A web server with one directory, tmp_path."""
    with Server(tmp_path) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()
