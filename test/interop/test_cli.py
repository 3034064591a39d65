# SPDX-License-Identifier: BSD-3-Clause
"""The command line: an organisation, a persona, two devices that open what they were issued; and what it refuses."""

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess

import pytest

from administrator import INITRD, KERNEL, TOOL, Administrator, enrolment, hex_of, kernel_image, make_store, on_a_small_disk, request_of
from objects import (aes_key_unwrap, check_symbol, code_key, content_external, cose_key, decode, derive, encode, file_label,
                     generate, public_of, read_stream, sealed_external, sha256, thumbprint, unpack, unseal, verify)
from usim_card import Card


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
    assert len({d["activation-code"] for d in issued["devices"]}) == 2
    return organisation


@pytest.fixture
def copy(made, tmp_path):
    """The same organisation, for a test that changes it."""
    shutil.copytree(made.directory, tmp_path / "copy")
    organisation = Administrator.__new__(Administrator)
    organisation.__dict__ = dict(made.__dict__, directory=tmp_path / "copy", path=tmp_path / "copy/org", out=tmp_path / "copy/out",
                                 codes=dict(made.codes))
    return organisation


def keys_of(organisation):
    """The organisation's root, and the signing key that it names."""
    root = public_of(decode((organisation.path / "root.pub").read_bytes(), "key"))
    delegation = decode(verify((organisation.path / "signing.delegation").read_bytes(), "delegation+cbor", root), "delegation")
    return root, public_of(delegation[2])


def note_of(organisation, data, kind, rule):
    """What the organisation noted down, verified."""
    [delegation], signed = decode(data, "note")
    assert delegation == (organisation.path / "signing.delegation").read_bytes()
    return decode(verify(signed, kind, keys_of(organisation)[1]), rule)


def grant_of(organisation, device):
    """A device's grant, verified; and the persona's key that the device finds in it."""
    data = (organisation.out / "devices" / hex_of(device) / "work.grant").read_bytes()
    _, signed = decode(data, "grant-file")
    grant = decode(verify(signed, "grant+cbor", keys_of(organisation)[1]), "grant")
    code = organisation.codes[f"dev{organisation.devices.index(device)}"]
    assert grant[10][1:] == [8192, 4]
    wrapped = unseal(grant[8], "slot", sealed_external(grant[3], 2), device)
    return grant, aes_key_unwrap(code_key(code, grant[10]), wrapped)


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


def test_flip_policy(copy):
    create = ["persona", "create", f"--kernel={copy.directory}/kernel", "--board=qemu-virt"]
    copy.run(*create, "--prewarm=yes", "--alarm-flip=yes", "play")
    shown = copy.run("persona", "show", "play")
    assert (shown["prewarm"], shown["alarm-flip"]) == (120, True)
    inspected = copy.run("inspect", copy.path / "personas/play/1/manifest")
    assert (inspected["prewarm"], inspected["alarm-flip"]) == (120, True)
    copy.run("persona", "update", "--prewarm-seconds=30", "play")
    copy.run("persona", "update", "--alarm-flip=no", "play")
    shown = copy.run("persona", "show", "play")
    assert shown["prewarm"] == 30 and "alarm-flip" not in shown, "what is not given stays as it is"
    copy.run("persona", "update", "--prewarm=no", "play")
    assert "prewarm" not in copy.run("persona", "show", "play")
    for option in ("--prewarm=1", "--prewarm-seconds=3601", "--alarm-flip=maybe", "--prewarm=yes\nalarm-flip=yes", "--cmdline=a\ndefault=yes",
                   "--title=a\nmemory=10%"):
        assert option.split("\n")[0] in copy.run(*create, option, "other", status=1)


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


def test_an_activation_code_is_shown_once_and_kept_nowhere(copy):
    code = copy.codes["dev0"]
    assert check_symbol(code.replace("-", "")[:-1]) == code[-1]
    # What is issued again is the same grant, of which nobody knows the code but who read it.
    assert all("activation-code" not in device for device in copy.issue()["devices"])
    for file in [file for file in copy.directory.rglob("*") if file.is_file()]:
        content = file.read_bytes()
        assert code.encode() not in content and code.replace("-", "").encode() not in content, file
    assert copy.run("inspect", copy.out / "devices" / hex_of(copy.devices[0]) / "work.grant")["asks-for-activation-code"]
    recovered = copy.run("device", "recover", "--device=dev0", f"--to={copy.out}", "work")
    assert recovered["activation-code"] not in copy.codes["dev1"] and recovered["activation-code"] != code
    assert "activation-code" not in copy.run("device", "recover", "--device=dev0", f"--to={copy.out}", "--no-activation-code", "work")
    _, signed = decode((copy.out / "devices" / hex_of(copy.devices[0]) / "work.grant").read_bytes(), "grant-file")
    assert 10 not in decode(verify(signed, "grant+cbor", keys_of(copy)[1]), "grant")


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
        image = (folder / "play.root").read_bytes()
        assert note_of(copy, (folder / "play.root.signed").read_bytes(), "root-image+cbor", "root-image") == [
            1, grant[3], thumbprint(device.public_key()), len(image), sha256(image)]
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
    assert "which organisation" in made.run("org", "show", "--org=", status=1)
    assert "a name of at most" in made.run("org", "init", "--name=", status=2, org=made.directory / "new")
    assert "--token or --key-memory" in made.run("org", "init", "--name=x", "--token=pkcs11:token=x", "--key-memory=1", status=2)
    assert not (made.directory / "new").exists()
    kernel = f"--kernel={made.directory}/kernel"
    assert "give both" in made.run("persona", "create", kernel, "--board=b", "--root-size=1G", "play", status=2)
    assert "a persona has a kernel" in made.run("persona", "update", "--kernel=", "work", status=2)
    assert "No such file" in made.run("persona", "create", f"{kernel}.none", "--board=b", "--dry-run", "play", status=1)
    assert "Is a directory" in made.run("inspect", made.directory, status=1)


def test_words_that_are_no_verb():
    for words, fault in ((["vanish"], "no verb 'vanish'"), (["persona", "vanish"], "no verb 'persona vanish'"),
                         (["persona"], "several verbs"), (["usim", "--json"], "several verbs"), (["vanish", "--help"], "no verb 'vanish'")):
        done = subprocess.run([TOOL, *words], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (2, "") and fault in done.stderr and len(done.stderr.splitlines()) == 1
    assert subprocess.run([TOOL, "persona", "--help"], capture_output=True, text=True).stdout.startswith("usage: flipside VERB")


def test_a_dry_run_changes_nothing(copy):
    before = content_of(copy.directory)
    store = f"--store={copy.directory}/usims"
    for words in (["org", "init", "--name=x", f"--org={copy.directory}/new"],
                  ["persona", "create", f"--kernel={copy.directory}/kernel", "--board=qemu-virt", "--root=8M", "play"],
                  ["persona", "update", "--cmdline=x", "work"], ["persona", "issue", "--device=dev0", f"--to={copy.directory}/to", "work"],
                  ["device", "recover", "--device=dev0", f"--to={copy.directory}/to", "work"], ["device", "remove", "dev0"],
                  ["usim", "create", store, "--iccid=898821100000000001", "--imsi=001010123456789"]):
        assert copy.run(*words, "--dry-run")["dry-run"] is True
    assert content_of(copy.directory) == before


def test_a_persona_is_not_issued_to_another_board(copy):
    (copy.directory / "other").write_bytes(enrolment(generate(), board="tablet"))
    copy.run("device", "enroll", "--yes", "--name=tablet", copy.directory / "other")
    assert "board" in copy.run("persona", "issue", "--device=tablet", f"--to={copy.out}", "work", status=1)


def test_a_usim_is_for_a_signed_persona_not_for_its_name(copy):
    make_store(copy.directory / "usims", b"correct horse")
    copy.run("usim", "create", f"--store={copy.directory}/usims", "--iccid=898821100000000001", "--imsi=001010123456789",
             "--persona=work:authenticate", "--persona=stranger:read")
    issued = copy.run("usim", "issue", f"--store={copy.directory}/usims", "--device=dev0", f"--to={copy.out}",
                      "8988211000000000011")
    assert issued["personas"] == [{"name": "work", "signed": True}, {"name": "stranger", "signed": False}]


def test_a_usim_has_one_holder(copy):
    """One that was served here has accepted challenges that a device would accept again, and the other way round."""
    store, common = f"--store={copy.directory}/usims", ["--iccid=898821100000000001", "--imsi=001010123456789"]
    issue = ["usim", "issue", store, "--device=dev0", f"--to={copy.out}"]
    make_store(copy.directory / "usims", b"correct horse")
    copy.run("usim", "create", store, *common)
    copy.run("usim", "create", store, "--iccid=898821100000000002", "--imsi=001010123456788")
    serve = [TOOL, "usim", "serve", store, f"--passphrase-file={copy.directory / 'passphrase'}"]
    Card([*serve, "8988211000000000011"]).close()
    assert "was served on this machine" in copy.run(*issue, "8988211000000000011", status=3)
    Card([*serve, "8988211000000000011"]).close()
    copy.run(*issue, "8988211000000000029")
    refused = subprocess.run([*serve, "8988211000000000029"], capture_output=True, text=True, timeout=30)
    assert refused.returncode == 3 and "was issued to a device" in refused.stderr
    assert not (copy.directory / "usims/8988211000000000029.state").exists()
    copy.run(*issue, "8988211000000000029")


def test_no_memory_with_keys_comes_onto_the_disk(tmp_path):
    """A fault leaves no core file: looked at while the command waits for its passphrase."""
    os.mkfifo(tmp_path / "passphrase")
    with subprocess.Popen([TOOL, "org", "init", "--name=Test", f"--org={tmp_path / 'org'}",
                           f"--passphrase-file={tmp_path / 'passphrase'}"], stderr=subprocess.DEVNULL) as command:
        passphrase = os.open(tmp_path / "passphrase", os.O_WRONLY)  # returns once the command reads
        assert resource.prlimit(command.pid, resource.RLIMIT_CORE) == (0, 0)
        command.kill()
        os.close(passphrase)


@pytest.mark.parametrize("name", ["escrow.pub", "storage.pub"])
def test_public_keys_are_bound_to_the_passphrase(copy, name):
    """Whoever can write to the directory does not get what is sealed to the organisation's keys."""
    (copy.path / name).write_bytes(encode(cose_key(generate().public_key()), "key"))
    assert "altered" in copy.run("persona", "update", "--cmdline=x", "work", status=3)


def rows_of(database):
    return database.execute("SELECT name, thumbprint, request FROM device ORDER BY name").fetchall()


def put(database, name, device, request=None):
    database.execute("INSERT OR REPLACE INTO device (name, thumbprint, request) VALUES (?, ?, ?)",
                     (name, thumbprint(device.public_key()), request or request_of(device)))


def swap(database, copy):
    (one, *first), (two, *second) = rows_of(database)
    database.execute("DELETE FROM device")
    for row in ((one, *second), (two, *first)):
        database.execute("INSERT INTO device (name, thumbprint, request) VALUES (?, ?, ?)", row)


def put_back(database, copy):
    """The row of an earlier device of this name, with all that was right of it then."""
    old, new = generate(), generate()
    shutil.copytree(copy.path, copy.directory / "earlier")
    for device, path in ((old, copy.directory / "earlier"), (new, copy.path)):
        (copy.directory / "request").write_bytes(enrolment(device))
        copy.run("device", "enroll", "--yes", "--name=dev2", copy.directory / "request", org=path)
    put(database, "dev2", old)


def old_roll(database, copy):
    roll = database.execute("SELECT object FROM roll").fetchone()[0]
    (copy.directory / "request").write_bytes(enrolment(generate()))
    copy.run("device", "enroll", "--yes", "--name=dev2", copy.directory / "request")
    database.execute("UPDATE roll SET object = ?", (roll,))


def flip_roll(database, copy):
    roll = bytearray(database.execute("SELECT object FROM roll").fetchone()[0])
    roll[len(roll) // 2] ^= 1
    database.execute("UPDATE roll SET object = ?", (bytes(roll),))


def take_off(database, copy):
    """A device is removed, and whoever can write to the database wants it back."""
    (copy.directory / "request").write_bytes(enrolment(generate()))
    copy.run("device", "enroll", "--yes", "--name=dev2", copy.directory / "request")
    row = database.execute("SELECT * FROM device WHERE name = 'dev2'").fetchone()
    roll = database.execute("SELECT object FROM roll").fetchone()
    copy.run("device", "remove", "--yes", "dev2")
    return row, roll


def removed_row(database, copy):
    row, _ = take_off(database, copy)
    database.execute("INSERT INTO device VALUES (?, ?, ?, ?)", row)


def removed_roll(database, copy):
    _, roll = take_off(database, copy)
    database.execute("UPDATE roll SET object = ?", roll)


STRANGER = generate()
OTHER_REQUEST = request_of(STRANGER)
FORGERIES = {
    "a stranger's request": ("dev1 is not as it was enrolled", lambda database, copy: database.execute(
        "UPDATE device SET request = ? WHERE name = 'dev1'", (OTHER_REQUEST,))),
    "a stranger's key": ("dev1 is not as it was enrolled", lambda database, copy: put(database, "dev1", STRANGER)),
    "another thumbprint": ("dev0 is not as it was enrolled", lambda database, copy: database.execute(
        "UPDATE device SET thumbprint = ? WHERE name = 'dev0'", (bytes(32),))),
    "no thumbprint": ("dev0 is not as it was enrolled", lambda database, copy: database.execute(
        "UPDATE device SET thumbprint = x'' WHERE name = 'dev0'")),
    "exchanged": ("dev0 is not as it was enrolled", swap),
    "renamed": ("dev0 was enrolled, but its row is missing", lambda database, copy: database.execute(
        "UPDATE device SET name = 'dev9' WHERE name = 'dev0'")),
    "added": ("dev5 was not enrolled", lambda database, copy: put(database, "dev5", STRANGER)),
    "added before": ("anna was not enrolled", lambda database, copy: put(database, "anna", STRANGER)),
    "added with the start of a name": ("dev was not enrolled", lambda database, copy: put(database, "dev", STRANGER)),
    "taken away": ("dev1 was enrolled, but its row is missing", lambda database, copy: database.execute(
        "DELETE FROM device WHERE name = 'dev1'")),
    "put back": ("dev2 is not as it was enrolled", put_back),
    "an old roll": ("dev2 was not enrolled", old_roll),
    "a removed one's row": ("dev2 was not enrolled", removed_row),
    "a removed one's roll": ("dev2 was enrolled, but its row is missing", removed_roll),
    "no roll": ("dev0 was not enrolled", lambda database, copy: database.execute("DELETE FROM roll")),
    "an altered roll": ("the roll of devices: ", flip_roll),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_devices_are_those_that_were_enrolled(copy, name):
    """Whoever can write to the database gets no key sealed to another device."""
    database = sqlite3.connect(copy.path / "organisation.db", isolation_level=None)
    fault, forge = FORGERIES[name]
    forge(database, copy)
    before = {path: path.read_bytes() for path in copy.out.rglob("*") if path.is_file()}
    (copy.directory / "new").write_bytes(enrolment(generate()))
    for words in (["persona", "issue", f"--to={copy.out}", "work"], ["device", "recover", "--device=dev0", f"--to={copy.out}", "work"],
                  ["device", "show", "dev0"], ["device", "enroll", "--yes", "--name=new", copy.directory / "new"],
                  ["persona", "issue", "--device=dev1", "--dry-run", f"--to={copy.out}", "work"]):
        told = copy.run(*words, status=3)
        assert fault in told and (name == "an altered roll" or "a copy of it that you trust" in told)
    assert {path: path.read_bytes() for path in copy.out.rglob("*") if path.is_file()} == before
    assert database.execute("SELECT count(*) FROM device WHERE name = 'new'").fetchone() == (0,)


def test_the_roll_is_signed_by_the_signing_key(made):
    roll = sqlite3.connect(made.path / "organisation.db").execute("SELECT object FROM roll").fetchone()[0]
    assert note_of(made, roll, "devices+cbor", "roll") == [1, [
        [f"dev{number}", thumbprint(device.public_key()), sha256(made.requests[number])]
        for number, device in enumerate(made.devices)]]


def test_enrolment_needs_the_signing_key(copy):
    (copy.directory / "new").write_bytes(enrolment(generate()))
    assert "wrong passphrase" in copy.run("device", "enroll", "--yes", "--name=new", copy.directory / "new", status=3, passphrase="wrong")
    assert [device["device"] for device in copy.run("device", "list")["devices"]] == ["dev0", "dev1"]
    copy.run("device", "enroll", "--yes", "--name=new", copy.directory / "new")
    assert [device["device"] for device in copy.run("device", "list")["devices"]] == ["dev0", "dev1", "new"]


def sealed_to(organisation, device):
    """Whether a device is among those that the content key was sealed to."""
    persona = organisation.out / "personas/work"
    _, manifest = decode((persona / "manifest").read_bytes(), "manifest-file")
    manifest = decode(verify(manifest, "manifest+cbor", keys_of(organisation)[1]), "manifest")
    try:
        return bool(unseal((persona / "content.key").read_bytes(), "content-key", content_external(manifest[2], manifest[5]), device))
    except ValueError:  # no recipient of its thumbprint
        return False


def content_of(path):
    return {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_a_device_is_removed(copy):
    usim = ["usim", "issue", f"--store={copy.directory}/usims", "--device=dev1", f"--to={copy.out}", "8988211000000000011"]
    make_store(copy.directory / "usims", b"correct horse")
    copy.run("usim", "create", f"--store={copy.directory}/usims", "--iccid=898821100000000001", "--imsi=001010123456789")
    assert copy.run(*usim)["number"] == 1
    _, key = grant_of(copy, copy.devices[1])
    assert sealed_to(copy, copy.devices[0]) and sealed_to(copy, copy.devices[1])
    before = content_of(copy.path)
    assert copy.run("device", "remove", "--dry-run", "dev1")["personas"] == copy.run("device", "show", "dev1")["personas"]
    assert "no terminal" in copy.run("device", "remove", "dev1", status=3)
    assert "wrong passphrase" in copy.run("device", "remove", "--yes", "dev1", status=3, passphrase="wrong")
    assert "no device dev7" in copy.run("device", "remove", "--yes", "dev7", status=1)
    assert "one is needed" in copy.run("device", "remove", "dev0", "dev1", status=2)
    (copy.path / "signing.key").rename(copy.directory / "signing.key")
    copy.run("device", "remove", "--yes", "dev1", status=1)
    (copy.directory / "signing.key").rename(copy.path / "signing.key")
    tables = "SELECT name, hex(thumbprint) FROM device", "SELECT hex(object) FROM roll", "SELECT persona, device, hex(grant) FROM issue"

    def rows():
        database = sqlite3.connect(copy.path / "organisation.db")
        return [database.execute(table).fetchall() for table in tables]

    kept = rows()
    assert {path: data for path, data in content_of(copy.path).items() if path.name != "organisation.db"} == \
        {path: data for path, data in before.items() if path.name != "organisation.db"} and len(kept[0]) == 2
    removed = copy.run("device", "remove", "--yes", hex_of(copy.devices[1])[:8])
    assert (removed["device"], removed["dry-run"]) == ("dev1", False)
    assert [(had["persona"], had["version"], had["grant"]) for had in removed["personas"]] == [("work", 1, 1)]
    assert "goes on starting" in removed["it-keeps"] and "or its disk" in removed["which-opens-to"]
    # It is nobody's any more.
    assert [device["device"] for device in copy.run("device", "list")["devices"]] == ["dev0"]
    assert [row["device"] for row in copy.run("persona", "show", "work")["issued-to"]] == ["dev0"]
    for words in (["device", "show", "dev1"], ["device", "remove", "--yes", "dev1"], usim,
                  ["persona", "issue", "--device=dev1", f"--to={copy.out}", "work"],
                  ["device", "recover", "--device=dev1", f"--to={copy.out}", "work"]):
        assert "no device dev1 is enrolled" in copy.run(*words, status=1)
    copy.run("persona", "update", "--cmdline=debug", "work")
    assert [device["device"] for device in copy.issue(devices=())["devices"]] == ["dev0"]
    assert sealed_to(copy, copy.devices[0]) and not sealed_to(copy, copy.devices[1])
    # Found again, under another name, it goes on with the key and the numbers that it had.
    copy.run("device", "enroll", "--yes", "--name=found", copy.directory / "request1")
    shutil.rmtree(copy.out)
    assert [(device["device"], device["grant"]) for device in copy.issue(devices=())["devices"]] == [("dev0", 1), ("found", 1)]
    assert grant_of(copy, copy.devices[1])[1] == key and sealed_to(copy, copy.devices[1])
    recovered = copy.run("device", "recover", "--device=found", f"--to={copy.out}", "work")
    copy.codes["dev1"] = recovered["activation-code"]
    assert recovered["grant"] == 2 and grant_of(copy, copy.devices[1])[1] == key
    assert copy.run(*[word.replace("dev1", "found") for word in usim])["number"] == 2
    # And again: what is kept is what it has now.
    copy.run("device", "remove", "--yes", "found")
    copy.run("device", "enroll", "--yes", "--name=dev1", copy.directory / "request1")
    assert copy.run("device", "show", "dev1")["personas"][0]["grant"] == 2


def test_a_full_disk_is_told(copy):
    copy.run("persona", "create", f"--kernel={copy.directory}/kernel", "--board=qemu-virt", "--root=16M", "play")
    issue = ["persona", "issue", f"--org={copy.path}", f"--passphrase-file={copy.directory / 'passphrase'}", "--device=dev0", "play"]
    status, _, told, files = on_a_small_disk([TOOL, *issue, f"--to={copy.directory / 'small'}"], copy.directory / "small", "2m")
    assert status == 1 and "No space left on device" in told and len(told.splitlines()) == 1 and not any(".new" in name for name in files)
    assert copy.run("persona", "show", "play")["issued-to"] == [], "nor is it noted as issued"


def test_two_at_once_do_not_issue_two_keys(copy):
    """Else one of them would be the device's, and the other the one that escrow opens."""
    copy.run("persona", "create", f"--kernel={copy.directory}/kernel", "--board=qemu-virt", "play")
    command = [TOOL, "persona", "issue", f"--org={copy.path}", f"--passphrase-file={copy.directory / 'passphrase'}", "--json", "--device=dev0", "play"]
    issues = [subprocess.Popen([*command, f"--to={copy.directory / f'out{number}'}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
              for number in (1, 2)]
    assert [issue.wait() for issue in issues] == [0, 0]
    grants = [(copy.directory / f"out{number}/devices" / hex_of(copy.devices[0]) / "play.grant").read_bytes() for number in (1, 2)]
    assert grants[0] == grants[1]


def test_a_store_of_usims_has_a_passphrase_of_its_own(copy):
    store = f"--store={copy.directory}/usims"
    (copy.directory / "of-the-usims").write_text("another\n")
    make_store(copy.directory / "usims", b"another")
    copy.run("usim", "create", store, "--iccid=898821100000000001", "--imsi=001010123456789", passphrase="of-the-usims")
    issue = ["usim", "issue", store, "--device=dev0", f"--to={copy.out}"]
    assert "wrong passphrase" in copy.run(*issue, "8988211000000000011", status=3)
    own = f"--store-passphrase-file={copy.directory / 'of-the-usims'}"
    assert copy.run(*issue, own, "--dry-run", "8988211000000000011")["number"] == 0
    assert copy.run(*issue, own, "898821100000000001")["iccid"] == "8988211000000000011"
    assert "one holder" in copy.run("usim", "issue", store, own, "--device=dev1", f"--to={copy.out}", "898821100000000001", status=3)


def test_a_usim_is_removed_once_its_device_is(copy):
    """Then no other device gets it: not by an older copy of the store, nor of the organisation's directory."""
    store, iccid, database = copy.directory / "usims", "8988211000000000011", copy.path / "organisation.db"
    remove, issue = (["usim", verb, f"--store={store}", *rest, iccid]
                     for verb, *rest in (("remove", "--yes"), ("issue", "--device=dev0", f"--to={copy.out}")))
    make_store(store, b"correct horse")
    copy.run("usim", "create", f"--store={store}", "--iccid=898821100000000001", "--imsi=001010123456789")
    shutil.copytree(store, copy.directory / "usims-before")
    before = database.read_bytes()
    copy.run(*[word.replace("dev0", "dev1") for word in issue])
    for option in ("--yes", "--dry-run"):
        assert "the device dev1, which is enrolled" in copy.run(*remove[:3], option, iccid, status=3)
    assert "give --org" in copy.run(*remove, "--org=", status=3)
    (copy.directory / "stranger").mkdir()
    stranger = Administrator(copy.directory / "stranger", devices=0).init()
    assert "knows nothing" in copy.run(*remove, org=stranger.path, status=3)
    # The store of before the issue: the record knows which device has it, and removes it no sooner.
    older = [word.replace(str(store), f"{store}-before") for word in issue]
    assert "organisation.db says" in copy.run(*older, status=3)
    assert "organisation.db says" in copy.run("usim", "serve", f"--store={store}-before", "--dry-run", iccid, status=3)
    assert "which is enrolled" in copy.run(*remove[:2], f"--store={store}-before", "--yes", iccid, status=3)
    copy.run("device", "remove", "--yes", "dev1")
    removed = copy.run(*remove)
    assert (removed["had-by"], removed["thumbprint"]) == ("device", hex_of(copy.devices[1]))
    assert [path.name for path in store.iterdir() if path.name != "usim.key"] == [f"{iccid}.removed"]
    # Its file comes back, and the device; and the record is an older one, or says what somebody wrote there.
    shutil.copy(copy.directory / f"usims-before/{iccid}.profile", store)
    copy.run("device", "enroll", "--yes", "--name=dev1", copy.directory / "request1")
    assert "was removed" in copy.run(*[word.replace("dev0", "dev1") for word in issue], status=3)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE usim_holder SET thumbprint = ?", (bytes.fromhex(hex_of(copy.devices[0])),))
        connection.commit()
    assert "was removed" in copy.run(*issue, status=3)
    database.write_bytes(before)
    assert "was removed" in copy.run(*issue, status=3)


def test_the_database_is_not_relied_on(copy):
    database = sqlite3.connect(copy.path / "organisation.db", isolation_level=None)
    (copy.directory / "new").write_bytes(enrolment(generate()))
    copy.run("device", "enroll", "--yes", "--name=dev2", copy.directory / "new")
    # A device of the organisation's that was not given the persona does not get it by a row that says so.
    database.execute("INSERT INTO issue (persona, device, version, grant_number, grant) VALUES ('work', 'dev2', 1, 1, x'')")
    assert "dev2 has work, but has no grant" in copy.run("persona", "issue", f"--to={copy.out}", "work", status=3)
    database.execute("UPDATE issue SET grant = (SELECT grant FROM issue WHERE device = 'dev1') WHERE device = 'dev2'")
    assert "another device" in copy.run("persona", "issue", f"--to={copy.out}", "work", status=3)
    database.execute("DELETE FROM issue WHERE device = 'dev2'")
    database.execute("UPDATE persona SET id = ?", (bytes(16),))
    assert "another persona" in copy.run("persona", "issue", f"--to={copy.out}", "work", status=3)


def test_a_root_image_is_the_one_that_was_noted(copy):
    image = copy.directory / "root.img"
    subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", image, "4M"], check=True)
    copy.run("persona", "create", f"--kernel={copy.directory}/kernel", "--board=qemu-virt", f"--root={image}", "play")
    shown = copy.run("persona", "show", "play")
    assert (shown["root"], shown["root-from"], shown["root-size"]) == ("image", str(image), image.stat().st_size)
    assert shown["root-digest"] == sha256(image.read_bytes()).hex()
    note = (copy.path / "personas/play/1/root").read_bytes()
    assert note_of(copy, note, "root+cbor", "root-note") == [
        1, bytes.fromhex(shown["id"]), 1, 1, str(image).encode(), image.stat().st_size, sha256(image.read_bytes())]
    issue = ["persona", "issue", "--device=dev0", f"--to={copy.out}", "play"]
    whole = image.read_bytes()
    altered = bytearray(whole)
    altered[3 * 1048576] ^= 1  # in a block that is free
    for content in (altered, whole + bytes(4096), whole[:-4096]):
        image.write_bytes(content)
        told = copy.run(*issue, status=1)
        assert "is not the image any more" in told and f"persona update --root={image}" in told
        assert not (copy.out / "devices" / hex_of(copy.devices[0]) / "play.root").exists()
    # What was noted is signed: for this persona, in this version.
    path = copy.path / "personas/play/1/root"
    flipped = bytearray(note)
    flipped[-100] ^= 1
    for content, fault in ((flipped, "play/1/root: "), ((copy.path / "personas/work/1/root").read_bytes(), "another persona")):
        path.write_bytes(content)
        assert fault in copy.run(*issue, status=3)
    path.write_bytes(note)
    assert copy.run("persona", "update", f"--root={image}", "play")["version"] == 2
    copy.run(*issue)
    assert (copy.out / "devices" / hex_of(copy.devices[0]) / "play.root").exists()
    (copy.path / "personas/play/2/root").write_bytes(note)
    assert "of another persona or version" in copy.run(*issue, status=3)


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
