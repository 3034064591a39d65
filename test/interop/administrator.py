# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the command line share: an administrator's directory, devices, disks."""

import gzip
import json
import os
import struct
import subprocess

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from objects import cose_key, encode, generate, sign, stretch, thumbprint

TOOL = os.environ.get("FLIPSIDE", "build/host/persona/flipside")
BOARDS = os.environ.get("FLIPSIDE_BOARDS", "build/host/board")
MIB = 1 << 20
INITRD = gzip.compress(b"070701" + b"0" * 8 * 11 + b"0000000b" + b"0" * 8 + b"TRAILER!!!\0\0\0\0", mtime=0)
SINGLE = ("inspect", "install", "deliver", "verify", "uninstall")


def kernel_image(mark=0):
    """A kernel with the header of Debian's, no larger than the loader's checks need."""
    size, pe = 200000, 64
    image = bytearray((i * 7 + mark) % 251 for i in range(size))
    image[:512] = bytes(512)
    image[:4] = b"MZ@\xfa"
    struct.pack_into("<QQ", image, 16, 0x40000, 0x0A)
    image[56:60] = b"ARM\x64"
    struct.pack_into("<I", image, 60, pe)
    image[pe:pe + 6] = b"PE\0\0\x64\xaa"
    struct.pack_into("<H", image, pe + 6, 2)
    struct.pack_into("<H", image, pe + 20, 160)
    for number, (start, length) in enumerate(((4096, 95904), (100000, 100000))):
        struct.pack_into("<II", image, pe + 24 + 160 + number * 40 + 16, length, start)
    return bytes(image)


KERNEL = kernel_image()


def request_of(device, board="qemu-virt", keeping=1):
    """A request as a device signs it."""
    payload = encode({1: 1, 2: cose_key(device.public_key()), 3: board, 4: keeping}, "enrolment")
    return sign(device, "enrolment+cbor", payload)


def enrolment(device, board="qemu-virt", keeping=1):
    """A request as a device writes it, padded to its file's size."""
    return padded(request_of(device, board, keeping))


def padded(request):
    return request.ljust(1024, b"\0")


def on_a_small_disk(command, path, size):
    """Runs a command where `path` is a disk of its own. Its status, what it put out and told, and the names of the files that
    are there then."""
    script = f'mkdir -p "{path}" && mount -t tmpfs -o size={size} none "{path}" && echo mounted; "$@"; echo "--- $?"; find "{path}" -type f'
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", *map(str, command)],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if not done.stdout.startswith("mounted"):
        pytest.skip("no name space of one's own here")
    output, ended = done.stdout.removeprefix("mounted\n").split("--- ")
    status, *files = ended.splitlines()
    return int(status), output, done.stderr, files


def make_store(path, passphrase):
    """A directory of USIMs whose key is as its format has it (persona/cli/cli.cddl), but cheap to try, since it is opened many
    times. The key."""
    path.mkdir()
    key, head = os.urandom(32), ["flipside key file", 2, "usim", bytes(32), os.urandom(16), [64, 1], os.urandom(12)]
    start = b"\x88" + b"".join(encode(item) for item in head)
    wrapped = AESGCM(stretch(passphrase, head[4], head[5])).encrypt(head[6], key, start)
    (path / "usim.key").write_bytes(encode([*head, wrapped], "key-file"))
    (path / "usim.key").chmod(0o600)
    return key


def hex_of(device):
    return thumbprint(device.public_key()).hex()


class Administrator:
    def __init__(self, directory, devices=2):
        self.directory, self.path, self.out = directory, directory / "org", directory / "out"
        (directory / "passphrase").write_text("correct horse\n")
        (directory / "wrong").write_text("incorrect horse\n")
        (directory / "kernel").write_bytes(KERNEL)
        (directory / "initrd").write_bytes(INITRD)
        (directory / "loader").write_bytes(KERNEL[:8192])
        self.devices = [generate() for _ in range(devices)]
        self.requests = [request_of(device, keeping=1 + number % 2) for number, device in enumerate(self.devices)]
        self.codes = {}  # activation codes by device, as they were shown last
        for number, request in enumerate(self.requests):
            (directory / f"request{number}").write_bytes(padded(request))

    def run(self, *arguments, status=0, passphrase="passphrase", org=None):
        words = [str(word) for word in arguments]
        verb = 1 if words[0] in SINGLE else 2
        command = [TOOL, *words[:verb], f"--org={org or self.path}", f"--passphrase-file={self.directory / passphrase}",
                   "--json", *words[verb:]]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, start_new_session=True)
        assert done.returncode == status, done.stdout + done.stderr
        assert done.stderr.startswith("flipside: ") or status == 0 or done.stdout, "a failure must be explained"
        if status != 0 and done.stderr:
            return done.stderr
        result = json.loads(done.stdout)
        for item in [result, *(result.get("devices") or [])]:
            if "activation-code" in item:
                self.codes[item["device"]] = item["activation-code"]
        return result

    def init(self):
        self.run("org", "init", "--name=Test", "--key-memory=1")
        return self

    def enroll(self, *numbers):
        for number in numbers:
            self.run("device", "enroll", f"--name=dev{number}", f"--thumbprint={hex_of(self.devices[number])}",
                     self.directory / f"request{number}")
        return self

    def create(self, *arguments, **others):
        return self.run("persona", "create", f"--kernel={self.directory / 'kernel'}", f"--initrd={self.directory / 'initrd'}",
                        "--board=qemu-virt", "--cmdline=quiet", "--memory=40%", *arguments, "work", **others)

    def issue(self, *arguments, devices=(0, 1), **others):
        return self.run("persona", "issue", *(f"--device=dev{n}" for n in devices), f"--to={self.out}", *arguments, "work",
                        **others)

    def install(self, disk, *arguments, **others):
        return self.run("install", disk, "--board=qemu-virt", f"--loader={self.directory / 'loader'}", f"--boards={BOARDS}",
                        *arguments, **others)


class Disk:
    """An image with an EFI system partition and one for a persona's root."""

    def __init__(self, path, esp=True, label="work", root_mib=40):
        self.path, self.esp = path, f"{path}@@1M"
        with open(path, "wb") as file:
            file.truncate((34 + root_mib) * MIB)
        kind = "uefi" if esp else "linux"
        table = f"label: gpt\nstart=2048, size={32 * 2048}, type={kind}, name=esp\n" \
                f"start={33 * 2048}, size={root_mib * 2048 - 2048}, type=linux, name={label}\n"
        subprocess.run(["sfdisk", "--quiet", path], input=table, text=True, check=True)
        subprocess.run(["mformat", "-i", self.esp, "-T", str(32 * 2048), "-h", "16", "-s", "63", "-c", "2", "::"], check=True)

    def put(self, path, content):
        above = path.split("/")[:-1]
        for number in range(len(above)):
            subprocess.run(["mmd", "-D", "s", "-i", self.esp, "::/" + "/".join(above[:number + 1])], capture_output=True)
        scratch = f"{self.path}.put"
        with open(scratch, "wb") as file:
            file.write(content)
        subprocess.run(["mcopy", "-o", "-i", self.esp, scratch, f"::/{path}"], check=True)

    def get(self, path):
        return subprocess.run(["mtype", "-i", self.esp, f"::/{path}"], capture_output=True, check=True).stdout

    def tree(self):
        """All files with their content."""
        listing = subprocess.run(["mdir", "-/", "-b", "-i", self.esp, "::/"], capture_output=True, text=True, check=True)
        names = [line[3:] for line in listing.stdout.splitlines()]
        return {name: None if name.endswith("/") else self.get(name) for name in names}

    def root(self, size):
        with open(self.path, "rb") as file:
            file.seek(33 * MIB)
            return file.read(size)
