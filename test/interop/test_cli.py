# SPDX-License-Identifier: BSD-3-Clause
"""The command line: an organisation, a persona, two devices that open what they were issued; and what it refuses."""

import os
import shutil
import sqlite3
import subprocess

import pytest

from administrator import INITRD, KERNEL, TOOL, Administrator, enrolment, hex_of, kernel_image
from objects import (content_external, cose_key, decode, derive, encode, file_label, generate, public_of,
                     read_stream, sealed_external, sha256, thumbprint, unpack, unseal, verify)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    organisation = Administrator(tmp_path_factory.mktemp("cli"))
    assert organisation.run("org", "init", "--name=Test", "--dry-run")["dry-run"] is True
    assert not organisation.path.exists()
    organisation.init()
    organisation.run("device", "enroll", "--yes", "--dry-run", organisation.directory / "request0")
    assert organisation.run("device", "list")["devices"] == []
    organisation.enroll(0, 1)
    organisation.create("--dry-run")
    assert not (organisation.path / "personas").exists()
    organisation.create()
    organisation.issue("--dry-run")
    assert not organisation.out.exists()
    issued = organisation.issue()
    assert [(d["device"], d["thumbprint"], d["grant"]) for d in issued["devices"]] == [
        ("dev0", hex_of(organisation.devices[0]), 1), ("dev1", hex_of(organisation.devices[1]), 1)]
    return organisation


@pytest.fixture
def copy(made, tmp_path):
    """The same organisation, for a test that changes it."""
    shutil.copytree(made.directory, tmp_path / "copy")
    organisation = Administrator.__new__(Administrator)
    organisation.__dict__ = dict(made.__dict__, directory=tmp_path / "copy", path=tmp_path / "copy/org", out=tmp_path / "copy/out")
    return organisation


def keys_of(organisation):
    """The organisation's root, and the signing key that it names."""
    root = public_of(decode((organisation.path / "root.pub").read_bytes(), "key"))
    delegation = decode(verify((organisation.path / "signing.delegation").read_bytes(), "delegation+cbor", root), "delegation")
    return root, public_of(delegation[2])


def grant_of(organisation, device):
    """A device's grant, verified; and the persona's key that the device finds in it."""
    data = (organisation.out / "devices" / hex_of(device) / "work.grant").read_bytes()
    _, signed = decode(data, "grant-file")
    grant = decode(verify(signed, "grant+cbor", keys_of(organisation)[1]), "grant")
    return grant, unseal(grant[8], "slot", sealed_external(grant[3], 2), device)


def test_devices_open_what_they_were_issued(made):
    persona = made.out / "personas/work"
    [delegation], manifest = decode((persona / "manifest").read_bytes(), "manifest-file")
    assert delegation == (made.path / "signing.delegation").read_bytes()
    manifest = decode(verify(manifest, "manifest+cbor", keys_of(made)[1]), "manifest")
    assert (manifest[3], manifest[5], manifest[7], manifest[9], manifest[10]) == ("work", 1, ["qemu-virt"], "quiet", [1, 40])
    keys = set()
    for device in made.devices:
        content_key = unseal((persona / "content.key").read_bytes(), "content-key", content_external(manifest[2], 1), device)
        for component, plain in zip(manifest[13], (KERNEL, INITRD), strict=True):
            stored = (persona / component[2]).read_bytes()
            assert (len(stored), sha256(stored)) == (component[3], component[4])
            assert unpack(component, read_stream(content_key, file_label(manifest[2], 1, component[1]), stored)) == plain
        grant, persona_key = grant_of(made, device)
        assert (grant[2], grant[3], grant[6], grant[7]) == (1, manifest[2], 1, 2)
        assert grant[4] == thumbprint(device.public_key()) and grant[5] == derive(persona_key, "check", manifest[2], 0)
        keys.add(persona_key)
    assert len(keys) == 2, "each device has a key of its own for the persona"


def test_what_goes_onto_devices_is_signed_by_the_root(made):
    root, _ = keys_of(made)
    organisation = decode(verify((made.path / "organisation").read_bytes(), "organisation+cbor", root), "organisation")
    assert organisation == {1: 1, 2: cose_key(root), 3: "Test", 4: 1}


def test_devices_are_listed_with_where_their_key_is(made):
    listed = made.run("device", "list")["devices"]
    assert [(d["device"], d["key-kept-in"]) for d in listed] == [("dev0", "tpm"), ("dev1", "file")]
    shown = made.run("device", "show", hex_of(made.devices[1])[:8])
    assert "whoever has the disk" in shown["its-key-is"] and shown["personas"][0]["persona"] == "work"
    assert "no device" in made.run("device", "show", "dev9", status=1)


def test_enrolment_is_refused(made, tmp_path):
    request = made.directory / "request0"
    assert "already" in made.run("device", "enroll", "--yes", request, status=1)
    other = generate()
    (tmp_path / "new").write_bytes(enrolment(other))
    assert "another thumbprint" in made.run("device", "enroll", "--thumbprint=" + "0" * 64, tmp_path / "new", status=3)
    assert "no terminal" in made.run("device", "enroll", tmp_path / "new", status=3)
    assert "a device dev0 already" in made.run("device", "enroll", "--yes", "--name=dev0", tmp_path / "new", status=1)
    altered = bytearray(enrolment(other))
    altered[100] ^= 1
    (tmp_path / "altered").write_bytes(altered)
    made.run("device", "enroll", "--yes", tmp_path / "altered", status=3)
    (tmp_path / "bare").write_bytes(encode(cose_key(other.public_key()), "key"))
    made.run("device", "enroll", "--yes", tmp_path / "bare", status=3)
    made.run("device", "enroll", "--name=No Name", tmp_path / "new", status=2)


def test_update_only_goes_up(copy):
    copy.directory.joinpath("kernel").write_bytes(kernel_image(1))
    assert copy.run("persona", "update", "--dry-run", "--cmdline=debug", "work")["version"] == 2
    assert "2 to" in copy.run("persona", "update", "--version=1", "work", status=1)
    assert "--minimum-version" in copy.run("persona", "update", "--minimum-version=9", "work", status=1)
    updated = copy.run("persona", "update", f"--kernel={copy.directory / 'kernel'}", "--cmdline=debug", "--version=5",
                       "--minimum-version=5", "work")
    assert (updated["version"], updated["minimum-version"]) == (5, 5)
    before = [grant_of(copy, device) for device in copy.devices]
    assert [d["grant"] for d in copy.issue(devices=())["devices"]] == [1, 1]
    assert [grant_of(copy, device) for device in copy.devices] == before, "what a device has keeps its key"
    _, manifest = decode((copy.out / "personas/work/manifest").read_bytes(), "manifest-file")
    manifest = decode(verify(manifest, "manifest+cbor", keys_of(copy)[1]), "manifest")
    assert (manifest[4], manifest[5], manifest[9], manifest[10]) == ("work", 5, "debug", [1, 40])
    content_key = unseal((copy.out / "personas/work/content.key").read_bytes(), "content-key",
                         content_external(manifest[2], 5), copy.devices[1])
    for component, plain in zip(manifest[13], (kernel_image(1), INITRD), strict=True):
        stored = (copy.out / "personas/work" / component[2]).read_bytes()
        assert unpack(component, read_stream(content_key, file_label(manifest[2], 5, component[1]), stored)) == plain
    assert [v["version"] for v in copy.run("persona", "show", "work")["versions"]] == [1, 5]
    assert copy.run("persona", "list")["personas"] == [{"persona": "work", "version": 5, "devices": 2}]


def kernel_on_devices(organisation):
    """The kernel of the newest version as a device finds it, and what the manifest says of it."""
    organisation.issue(devices=())
    persona = organisation.out / "personas/work"
    _, manifest = decode((persona / "manifest").read_bytes(), "manifest-file")
    manifest = decode(verify(manifest, "manifest+cbor", keys_of(organisation)[1]), "manifest")
    content_key = unseal((persona / "content.key").read_bytes(), "content-key", content_external(manifest[2], manifest[5]),
                         organisation.devices[0])
    label = file_label(manifest[2], manifest[5], 1)
    return unpack(manifest[13][0], read_stream(content_key, label, (persona / "kernel").read_bytes())), manifest[13][0]


def test_kernels_are_compressed_unless_told_otherwise(copy):
    def shown():
        return copy.run("persona", "show", "work")["components"][0]

    kernel, component = kernel_on_devices(copy)
    assert kernel == KERNEL and component[6] == [1, len(KERNEL)] and component[3] < len(KERNEL) == component[5]
    assert (shown()["compression"], shown()["unpacked"], shown()["memory"]) == ("lz4", len(KERNEL), len(KERNEL))
    copy.run("persona", "update", "--compress=none", "work")
    kernel, component = kernel_on_devices(copy)
    assert kernel == KERNEL and 6 not in component and component[3] > len(KERNEL)
    assert "compression" not in shown()
    copy.run("persona", "update", "--compress=lz4", "--cmdline=debug", "work")
    assert kernel_on_devices(copy)[0] == KERNEL and shown()["compression"] == "lz4"
    noise = bytearray(KERNEL)
    noise[1024:] = os.urandom(len(noise) - 1024)
    (copy.directory / "kernel").write_bytes(noise)
    copy.run("persona", "update", f"--kernel={copy.directory / 'kernel'}", "work")
    assert kernel_on_devices(copy)[0] == bytes(noise) and "compression" not in shown(), "it would gain nothing"
    assert "lz4 or none" in copy.run("persona", "update", "--compress=zip", "work", status=1)


def test_recovery_grants_the_same_key_again(copy):
    device = copy.devices[0]
    first, key = grant_of(copy, device)
    assert copy.run("device", "recover", "--device=dev0", f"--to={copy.out}", "--dry-run", "work")["grant"] == 1
    assert copy.run("device", "recover", "--device=dev0", f"--to={copy.out}", "work")["grant"] == 2
    second, same_key = grant_of(copy, device)
    assert (second[2], second[6], same_key, second[5]) == (2, 2, key, first[5])
    # From what the device has: its slots with the escrow slot of the grant that it took.
    slots = encode([1, first[3], 1, [{1: 3, 7: second[9]}], bytes(32)], "slots").ljust(16384, b"\0")
    (copy.directory / "slots").write_bytes(slots)
    recovered = copy.run("device", "recover", "--device=dev0", f"--slots={copy.directory / 'slots'}", f"--to={copy.out}", "work")
    assert recovered["grant"] == 3 and grant_of(copy, device)[1] == key
    other = grant_of(copy, copy.devices[1])[0]
    (copy.directory / "slots").write_bytes(encode([1, first[3], 1, [{1: 3, 7: other[9]}], bytes(32)], "slots"))
    assert "not the key" in copy.run("device", "recover", "--device=dev0", f"--slots={copy.directory / 'slots'}",
                                     f"--to={copy.out}", "work", status=3)
    assert "wrong passphrase" in copy.run("device", "recover", "--device=dev0", f"--to={copy.out}", "work", status=3,
                                          passphrase="wrong")


def test_a_root_is_encrypted_for_each_device(copy):
    if shutil.which("cryptsetup") is None and not os.path.exists("/usr/sbin/cryptsetup"):
        pytest.skip("no cryptsetup")
    assert "--root-size" in copy.run("persona", "create", f"--kernel={copy.directory}/kernel", "--board=qemu-virt",
                                     f"--root={copy.directory}", "play", status=1)
    copy.run("persona", "create", f"--kernel={copy.directory}/kernel", "--board=qemu-virt", "--unlock=device", "--root=8M", "play")
    copy.run("persona", "issue", "--device=dev0", "--device=dev1", f"--to={copy.out}", "play")
    for device in copy.devices:
        folder = copy.out / "devices" / hex_of(device)
        _, signed = decode((folder / "play.grant").read_bytes(), "grant-file")
        grant = decode(verify(signed, "grant+cbor", keys_of(copy)[1]), "grant")
        assert grant[7] == 1
        key = derive(unseal(grant[8], "slot", sealed_external(grant[3], 2), device), "volume", grant[3], 0, 64)
        (copy.directory / "volume").write_bytes(key)
        subprocess.run(["/usr/sbin/cryptsetup", "open", "--test-passphrase", "--key-file", copy.directory / "volume",
                        folder / "play.root"], check=True)


def test_inspect(made):
    persona = made.out / "personas/work"
    shown = made.run("inspect", persona / "manifest")
    assert shown["signature"] == "good" and shown["components"][0]["kind"] == "kernel"
    assert made.run("inspect", persona / "kernel")["kind"] == "encrypted file"
    assert made.run("inspect", persona / "content.key")["recipients"] == 2
    assert made.run("inspect", made.path / "root.pub")["kind"] == "public key"
    assert made.run("inspect", made.path / "signing.delegation")["manifests"] is True
    assert made.run("inspect", made.path / "organisation")["name"] == "Test"
    assert made.run("inspect", made.directory / "request1")["key-kept-in"] == "file"
    grant = made.run("inspect", made.out / "devices" / hex_of(made.devices[0]) / "work.grant")
    assert (grant["for"], grant["number"], grant["signature"]) == ("issue", 1, "good")


def test_inspect_refuses_what_is_not_genuine(made, tmp_path):
    altered = bytearray((made.out / "personas/work/manifest").read_bytes())
    altered[-1] ^= 1
    (tmp_path / "manifest").write_bytes(altered)
    assert made.run("inspect", tmp_path / "manifest", status=3)["signature"] == "the manifest was altered"
    (tmp_path / "other").write_bytes(encode(cose_key(generate().public_key())))
    shown = made.run("inspect", f"--root={tmp_path}/other", made.out / "personas/work/manifest", status=3)
    assert shown == {"kind": "manifest", "signature": "signed for another organisation"}
    (tmp_path / "text").write_text("hello")
    assert made.run("inspect", tmp_path / "text", status=3)["kind"] == "unknown"


def test_what_is_not_verified_is_shown_escaped(tmp_path):
    import cbor2
    header = cbor2.dumps({1: -7, 3: "x\x1b[2J\u0085", 4: bytes(32)}, canonical=True)
    (tmp_path / "evil").write_bytes(cbor2.dumps(cbor2.CBORTag(18, [header, {}, b"", bytes(64)]), canonical=True))
    shown = subprocess.run([TOOL, "inspect", tmp_path / "evil"], capture_output=True, env={"PATH": os.environ["PATH"]}).stdout
    assert b"\x1b" not in shown and b"\\x1b[2J" in shown


def test_refusals(made):
    assert "already holds" in made.run("org", "init", "--name=Test", status=1)
    assert "already" in made.create(status=1)
    assert "no device nobody" in made.run("persona", "issue", "--device=nobody", "--to=/nowhere", "work", status=1)
    assert "unknown option" in made.create("--colour=red", status=2)
    assert "needs a value" in made.run("persona", "issue", "work", "--to", status=2)
    assert "takes no value" in made.run("device", "enroll", "--yes=1", "x", status=2)
    assert "--memory" in made.run("persona", "create", f"--kernel={made.directory}/kernel", "--board=b", "--memory=120%", "play", status=1)
    assert "no persona" in made.run("persona", "issue", "--device=dev0", "--to=/nowhere", "play", status=1)
    assert "kernel" in made.run("persona", "create", f"--kernel={made.directory}/initrd", "--board=b", "--dry-run", "play", status=1)
    assert "wrong passphrase" in made.run("persona", "create", f"--kernel={made.directory}/kernel", "--board=b", "play",
                                          passphrase="wrong", status=3)
    assert "no organisation" in made.run("device", "list", status=1, org=made.directory)


def test_a_persona_is_not_issued_to_another_board(copy):
    (copy.directory / "other").write_bytes(enrolment(generate(), board="tablet"))
    copy.run("device", "enroll", "--yes", "--name=tablet", copy.directory / "other")
    assert "board" in copy.run("persona", "issue", "--device=tablet", f"--to={copy.out}", "work", status=1)


@pytest.mark.parametrize("name", ["escrow.pub", "storage.pub"])
def test_public_keys_are_bound_to_the_passphrase(copy, name):
    """Whoever can write to the directory does not get what is sealed to the organisation's keys."""
    (copy.path / name).write_bytes(encode(cose_key(generate().public_key()), "key"))
    assert "altered" in copy.run("persona", "update", "--cmdline=x", "work", status=3)


def test_the_database_is_not_relied_on(copy):
    database = sqlite3.connect(copy.path / "organisation.db")
    stranger = generate()
    database.execute("UPDATE device SET request = ? WHERE name = 'dev1'", (enrolment(stranger)[:-20],))
    database.commit()
    copy.run("persona", "issue", f"--to={copy.out}", "work", status=3)
    database.execute("UPDATE device SET request = ? WHERE name = 'dev1'", (enrolment(copy.devices[1]),))
    database.execute("UPDATE persona SET id = ?", (bytes(16),))
    database.commit()
    assert "another persona" in copy.run("persona", "issue", f"--to={copy.out}", "work", status=3)


def test_records(made):
    database = sqlite3.connect(made.path / "organisation.db")
    assert database.execute("SELECT count(*), max(version), max(grant_number) FROM issue").fetchone() == (2, 1, 1)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list(made.path.rglob("*.new"))


def test_secrets_are_not_in_the_open(made):
    """The keys' files are private, and nothing of a device's output holds a plain kernel."""
    for name in ("root", "signing", "escrow", "storage"):
        assert decode((made.path / f"{name}.key").read_bytes(), "key-file")[2] == name
        assert (made.path / f"{name}.key").stat().st_mode & 0o077 == 0
    for path in [*made.out.rglob("*"), *made.path.rglob("*")]:
        assert path.is_dir() or KERNEL[1000:1032] not in path.read_bytes()


def test_token(tmp_path):
    """Keys that never leave a PKCS#11 token do all that keys in files do."""
    module = "/usr/lib/softhsm/libsofthsm2.so"
    if not os.path.exists(module):
        pytest.skip("no SoftHSM")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(tmp_path / "softhsm.conf")
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "acme", "--so-pin", "12345678", "--pin", "correct horse"],
                   check=True, capture_output=True)
    organisation = Administrator(tmp_path)
    token = f"pkcs11:token=acme?module-path={module}"
    assert "no such token" in organisation.run("org", "init", "--name=T", f"--token=pkcs11:token=no?module-path={module}", status=1)
    assert organisation.run("org", "init", "--name=T", f"--token={token}", "--dry-run")["keys-kept-in"] == "token"
    organisation.run("org", "init", "--name=T", f"--token={token}", status=3, passphrase="wrong")
    organisation.run("org", "init", "--name=T", f"--token={token}")
    assert not list(organisation.path.glob("*.key"))
    organisation.enroll(0, 1).create()
    organisation.issue()
    _, key = grant_of(organisation, organisation.devices[0])
    organisation.run("device", "recover", "--device=dev0", f"--to={organisation.out}", "work")
    assert grant_of(organisation, organisation.devices[0])[1] == key
    organisation.run("persona", "update", "--cmdline=x", "work", status=3, passphrase="wrong")
    (organisation.path / "escrow.pub").write_bytes(encode(cose_key(generate().public_key()), "key"))
    assert "not the key in the token" in organisation.run("persona", "update", "--cmdline=x", "work", status=3)
    assert "already" in organisation.run("org", "init", "--name=T", f"--token={token}", status=1, org=tmp_path / "second")
