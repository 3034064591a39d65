# SPDX-License-Identifier: BSD-3-Clause
"""The command line: an organisation, a persona, two devices that open what they were issued; and what it refuses."""

import gzip
import json
import os
import sqlite3
import struct
import subprocess

import pytest

from objects import (content_external, cose_key, decode, derive, encode, file_label, generate, mac, public_of, read_stream,
                     sealed_external, sha256, sign, thumbprint, unseal, verify)

TOOL = os.environ.get("FLIPSIDE", "build/host/persona/flipside")
INITRD = gzip.compress(b"070701" + b"0" * 8 * 11 + b"0000000b" + b"0" * 8 + b"TRAILER!!!\0\0\0\0", mtime=0)


def kernel_image():
    """A kernel with the header of Debian's, no larger than the loader's checks need."""
    size, pe = 200000, 64
    image = bytearray(i * 7 % 251 for i in range(size))
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


def bare(device):
    return encode(cose_key(device.public_key()), "key")


def enrolment(device):
    return sign(device, "enrolment+cbor", encode({1: 1, 2: cose_key(device.public_key()), 3: "qemu-virt", 4: 1}, "enrolment"))


class Organisation:
    def __init__(self, directory):
        self.directory, self.path = directory, directory / "org"
        (directory / "passphrase").write_text("correct horse\n")
        (directory / "kernel").write_bytes(KERNEL)
        (directory / "initrd").write_bytes(INITRD)
        self.devices = [generate(), generate()]
        for number, device in enumerate(self.devices):
            (directory / f"device{number}").write_bytes(enrolment(device) if number else bare(device))

    def run(self, *arguments, status=0, passphrase="passphrase"):
        words = [word for word in arguments if not word.startswith("--")]
        verb = 1 if words[0] == "inspect" else 2
        command = [TOOL, *words[:verb], f"--org={self.path}", f"--passphrase-file={self.directory / passphrase}", "--json",
                   *(word for word in arguments if word.startswith("--")), *words[verb:]]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == status, done.stdout + done.stderr
        assert done.stderr.startswith("flipside: ") or status == 0 or done.stdout, "a failure must be explained"
        return json.loads(done.stdout) if done.stdout else done.stderr

    def create(self, *arguments, **others):
        return self.run("persona", "create", f"--kernel={self.directory / 'kernel'}", f"--initrd={self.directory / 'initrd'}",
                        "--board=qemu-virt", "--cmdline=quiet", "--memory=40%", *arguments, "work", **others)

    def issue(self, *arguments, devices=(0, 1), **others):
        return self.run("persona", "issue", *(f"--device={self.directory}/device{n}" for n in devices),
                        f"--to={self.directory / 'out'}", *arguments, "work", **others)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    organisation = Organisation(tmp_path_factory.mktemp("cli"))
    assert organisation.run("org", "init", "--name=Test", "--dry-run")["dry-run"] is True
    assert not organisation.path.exists()
    organisation.run("org", "init", "--name=Test")
    organisation.create("--dry-run")
    assert not (organisation.path / "personas").exists()
    organisation.create()
    organisation.issue("--dry-run")
    assert not (organisation.directory / "out").exists()
    issued = organisation.issue()
    assert [d["thumbprint"] for d in issued["devices"]] == [thumbprint(d.public_key()).hex() for d in organisation.devices]
    return organisation


def test_devices_open_what_they_were_issued(made):
    persona = made.directory / "out/personas/work"
    root = public_of(decode((made.path / "root.pub").read_bytes(), "key"))
    [delegation], manifest = decode((persona / "manifest").read_bytes(), "manifest-file")
    delegation = decode(verify(delegation, "delegation+cbor", root), "delegation")
    manifest = decode(verify(manifest, "manifest+cbor", public_of(delegation[2])), "manifest")
    assert (manifest[3], manifest[5], manifest[7], manifest[9], manifest[10]) == ("work", 1, ["qemu-virt"], "quiet", [1, 40])
    keys = set()
    for device in made.devices:
        content_key = unseal((persona / "content").read_bytes(), "content-key", content_external(manifest[2], 1), device)
        for component, plain in zip(manifest[13], (KERNEL, INITRD), strict=True):
            stored = (persona / component[2]).read_bytes()
            assert (len(stored), sha256(stored)) == (component[3], component[4])
            assert read_stream(content_key, file_label(manifest[2], 1, component[1]), stored) == plain
        data = (made.directory / "out/devices" / thumbprint(device.public_key()).hex() / "work.slots").read_bytes()
        _, identity, _, slots, tag = decode(data, "slots")
        persona_key = unseal(slots[0][7], "slot", sealed_external(identity, 2), device)
        assert tag == mac(derive(persona_key, "slots", identity, 0), data[:-34])
        keys.add(persona_key)
    assert len(keys) == 2, "each device has a key of its own for the persona"


def test_inspect(made):
    persona = made.directory / "out/personas/work"
    shown = made.run("inspect", str(persona / "manifest"))
    assert shown["signature"] == "good" and shown["components"][0]["kind"] == "kernel"
    assert made.run("inspect", str(persona / "kernel"))["kind"] == "encrypted file"
    assert made.run("inspect", str(persona / "content"))["recipients"] == 2
    assert made.run("inspect", str(made.path / "root.pub"))["kind"] == "public key"
    assert made.run("inspect", str(made.path / "signing.delegation"))["manifests"] is True
    assert made.run("inspect", str(made.directory / "device1"))["key-kept-in"] == "tpm"
    [slots, _] = sorted((made.directory / "out/devices").glob("*/work.slots"))
    assert [slot["type"] for slot in made.run("inspect", str(slots))["slots"]] == ["device", "escrow"]


def test_inspect_refuses_what_is_not_genuine(made, tmp_path):
    altered = bytearray((made.directory / "out/personas/work/manifest").read_bytes())
    altered[-1] ^= 1
    (tmp_path / "manifest").write_bytes(altered)
    assert made.run("inspect", str(tmp_path / "manifest"), status=3)["signature"] == "the manifest was altered"
    (tmp_path / "other").write_bytes(encode(cose_key(generate().public_key())))
    shown = made.run("inspect", f"--root={tmp_path}/other", str(made.directory / "out/personas/work/manifest"), status=3)
    assert shown == {"kind": "manifest", "signature": "signed for another organisation"}
    (tmp_path / "text").write_text("hello")
    assert made.run("inspect", str(tmp_path / "text"), status=3)["kind"] == "unknown"


def test_refusals(made):
    (made.directory / "wrong").write_text("incorrect horse\n")
    (made.directory / "device9").write_bytes(encode({**cose_key(generate().public_key()), -2: bytes(32)}))
    assert "already holds" in made.run("org", "init", "--name=Test", status=1)
    assert "already" in made.create(status=1)
    assert "issued to this device already" in made.issue(status=1)
    assert "not a device's public key" in made.issue(devices=(9,), status=1)
    assert "unknown option" in made.create("--colour=red", status=2)
    assert "--memory" in made.run("persona", "create", f"--kernel={made.directory}/kernel", "--board=b", "--memory=120%", "play", status=1)
    assert "no persona" in made.run("persona", "issue", f"--device={made.directory}/device0", "--to=/nowhere", "play", status=1)
    assert "kernel" in made.run("persona", "create", f"--kernel={made.directory}/initrd", "--board=b", "--dry-run", "play", status=1)
    assert "wrong passphrase" in made.run("persona", "create", f"--kernel={made.directory}/kernel", "--board=b", "play",
                                          passphrase="wrong", status=3)


def test_records(made):
    database = sqlite3.connect(made.path / "organisation.db")
    assert database.execute("SELECT name FROM organisation").fetchall() == [("Test",)]
    assert database.execute("SELECT count(*), max(version) FROM issue").fetchone() == (2, 1)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_secrets_are_not_in_the_open(made):
    """The keys' files are private, and nothing of a device's output holds a plain kernel."""
    for name in ("root", "signing", "escrow"):
        assert decode((made.path / f"{name}.key").read_bytes(), "key-file")[2] == name
        assert (made.path / f"{name}.key").stat().st_mode & 0o077 == 0
    for path in (made.directory / "out").rglob("*"):
        assert path.is_dir() or KERNEL[1000:1032] not in path.read_bytes()


def test_help():
    for verb in ([], ["org", "init"], ["persona", "create"], ["persona", "issue"], ["inspect"]):
        shown = subprocess.run([TOOL, *verb, "--help"], capture_output=True, text=True)
        assert shown.returncode == 0 and "usage: flipside" in shown.stdout and "Exit status" in shown.stdout
    assert subprocess.run([TOOL], capture_output=True).returncode == 2
