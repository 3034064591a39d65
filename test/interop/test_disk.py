# SPDX-License-Identifier: BSD-3-Clause
"""Disks: installed, delivered to, verified, and restored; and what is refused."""

import contextlib
import fcntl
import os
import struct
import subprocess

import pytest

from administrator import BOARDS, KERNEL, MIB, TOOL, Administrator, Disk, enrolment, hex_of, kernel_image
from objects import cose_key, encode, generate, public_of, decode, thumbprint

LOADER = "EFI/BOOT/BOOTAA64.EFI"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    organisation = Administrator(tmp_path_factory.mktemp("disk")).init().enroll(0, 1)
    organisation.create("--root=8M")
    organisation.issue()
    return organisation


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path / "disk.img")
    disk.put(LOADER, b"what was here before")
    disk.put("EFI/debian/grub.cfg", b"a neighbour")
    return disk


def started(made, disk, number=0):
    """The disk as it is after the device's first start."""
    made.install(disk.path)
    disk.put("flipside/device/request", enrolment(made.devices[number], keeping=1 + number % 2))
    return disk


def state(made, disk, identity, version=0, minimum=0, grant=0):
    root = thumbprint(public_of(decode((made.path / "root.pub").read_bytes(), "key")))
    persona = [identity, bytes(32), grant, 0, minimum, 0, version, 0, 0, 0]
    for copy, generation in (("a", 2), ("b", 1)):
        disk.put(f"flipside/device/state.{copy}",
                 encode([1, generation, 1, root, None, [persona], bytes(32)], "state").ljust(4096, b"\0"))


def identity_of(made):
    return bytes.fromhex(made.run("persona", "show", "work")["id"])


def test_uninstall_restores_exactly_what_was_there(made, disk):
    before = disk.tree()
    assert [f["keeps-the-old-one"] for f in made.install(disk.path, "--dry-run")["files"]][-1] is True
    assert disk.tree() == before
    made.install(disk.path)
    assert disk.get(LOADER) == KERNEL[:8192] and disk.get("flipside/organisation") == (made.path / "organisation").read_bytes()
    assert disk.get("flipside/board.dtb")[:4] == b"\xd0\x0d\xfe\xed" and b"BOOTAA64" in disk.get("startup.nsh")
    assert disk.get(f"flipside/replaced/{LOADER}") == b"what was here before"
    # A second installation brings it up to date and does not take our own loader for what was there before.
    (made.directory / "newer").write_bytes(KERNEL[:9000])
    made.run("install", disk.path, "--board", "qemu-virt", f"--loader={made.directory}/newer", f"--boards={BOARDS}")
    assert disk.get(LOADER) == KERNEL[:9000] and disk.get(f"flipside/replaced/{LOADER}") == b"what was here before"
    assert made.run("verify", disk.path)["faults"] == 0
    after = disk.tree()
    made.run("uninstall", "--dry-run", disk.path)
    assert disk.tree() == after
    made.run("uninstall", disk.path)
    assert disk.tree() == before
    assert "nothing was installed" in made.run("uninstall", disk.path, status=1)


def test_uninstall_leaves_what_others_changed_and_the_store(made, disk):
    before = disk.tree()
    started(made, disk)
    made.run("deliver", made.out, disk.path)
    disk.put(LOADER, b"somebody else's")
    assert "changed since" in made.run("uninstall", disk.path, status=3)
    assert made.run("verify", disk.path, status=3)["faults"] == 1
    assert made.run("uninstall", "--force", disk.path)["store-left"] is True
    assert disk.get("flipside/device/request") and disk.get("flipside/personas/work/grant")
    made.install(disk.path)
    assert made.run("verify", disk.path)["faults"] == 0, "the store is found again"
    made.run("uninstall", "--with-store", disk.path)
    assert {name for name in disk.tree() if "flipside" not in name} == set(before)


def test_wrong_targets(made, disk, tmp_path):
    empty = tmp_path / "empty.img"
    empty.write_bytes(bytes(MIB))
    assert "no GPT" in made.install(empty, status=1)
    assert "no EFI system partition" in made.install(Disk(tmp_path / "no-esp.img", esp=False).path, status=1)
    assert "No such file" in made.install(tmp_path / "absent.img", status=1)
    assert "no disk" in made.install(tmp_path, status=1)
    damaged = Disk(tmp_path / "damaged.img")
    with open(damaged.path, "r+b") as file:
        file.seek(2 * 512 + 40)  # the last sector of the first partition
        file.write(b"\xfe")
    assert "damaged" in made.install(damaged.path, status=1)
    made.directory.joinpath("text").write_text("no loader")
    assert "no arm64" in made.run("install", disk.path, "--board=qemu-virt", f"--loader={made.directory}/text",
                                  f"--boards={BOARDS}", status=1)
    assert "no board" in made.run("install", disk.path, "--board=tablet", f"--loader={made.directory}/loader",
                                  f"--boards={BOARDS}", status=1)
    made.run("install", disk.path, status=2)
    with open(disk.path, "r+b") as file:
        # As QEMU locks an image that it runs from: an open file description's lock on a byte.
        fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 100, 1, 0))
        assert "in use" in made.install(disk.path, status=1)
    made.install(disk.path)


@pytest.fixture
def attached(made, disk):
    """The image as a block device with its partitions, an ext4 file system on the second one, and what is to be undone."""
    done = subprocess.run(["losetup", "--find", "--show", disk.path], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no loop device can be had here: {done.stderr.strip()}")
    device, undo = done.stdout.strip(), contextlib.ExitStack()
    undo.callback(subprocess.run, ["losetup", "--detach", device], check=True)
    with undo:
        subprocess.run(["partx", "--add", device], capture_output=True)
        undo.callback(subprocess.run, ["partx", "--delete", device], capture_output=True)
        if not os.path.exists(f"{device}p2"):
            pytest.skip("this machine makes no partitions of loop devices")
        yield device, undo


def is_refused(made, device, reason):
    """By every verb that would change the disk, which is as it was then; a look at it is allowed."""
    with open(device, "rb") as file:
        before = file.read(33 * MIB)
        for verb in (lambda: made.install(device, status=1), lambda: made.run("uninstall", device, status=1),
                     lambda: made.run("deliver", made.out, device, status=1)):
            assert reason in verb()
        made.install(device, "--dry-run")
        file.seek(0)
        assert file.read(33 * MIB) == before


def test_a_block_device_that_is_free_is_installed_to(made, attached):
    device, _ = attached
    made.install(device)
    assert made.run("verify", device)["faults"] == 0
    assert "is a partition" in made.install(f"{device}p1", status=1)
    assert "is a partition" in made.run("verify", f"{device}p1", status=1)
    made.run("uninstall", device)


def test_a_mounted_disk_is_refused(made, attached, tmp_path):
    device, undo = attached
    (tmp_path / "place").mkdir()
    subprocess.run(["mke2fs", "-q", "-t", "ext4", f"{device}p2"], check=True)
    if subprocess.run(["mount", f"{device}p2", tmp_path / "place"], capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted here")
    undo.callback(subprocess.run, ["umount", tmp_path / "place"])
    is_refused(made, device, f"mounted at {tmp_path / 'place'}; unmount it first")
    subprocess.run(["umount", tmp_path / "place"], check=True)
    made.install(device)


def test_a_disk_with_swap_space_is_refused(made, attached):
    device, undo = attached
    subprocess.run(["mkswap", "-q", f"{device}p2"], check=True)
    if subprocess.run(["swapon", f"{device}p2"], capture_output=True).returncode != 0:
        pytest.skip("no swap space can be used here")
    undo.callback(subprocess.run, ["swapoff", f"{device}p2"], capture_output=True)
    is_refused(made, device, f"swap space, {device}p2; end that with swapoff first")
    subprocess.run(["swapoff", f"{device}p2"], check=True)
    made.install(device)


def test_a_disk_beneath_a_loop_device_is_refused(made, attached):
    device, undo = attached
    above = subprocess.run(["losetup", "--find", "--show", f"{device}p2"], capture_output=True, text=True, check=True).stdout.strip()
    undo.callback(subprocess.run, ["losetup", "--detach", above])
    is_refused(made, device, f"lies beneath {os.path.basename(above)}")


def test_a_disk_beneath_luks_is_refused(made, attached):
    device, undo = attached
    name = f"flipside-test-{os.getpid()}"
    table = f"0 2048 linear {device}p2 0"
    if subprocess.run(["dmsetup", "create", name, "--table", table], capture_output=True).returncode != 0:
        pytest.skip("this kernel has no device mapper")
    undo.callback(subprocess.run, ["dmsetup", "remove", name])
    is_refused(made, device, "lies beneath dm-")


def test_an_attached_image_is_refused(made, attached, disk):
    assert "is attached as" in made.install(disk.path, status=1)


def test_another_organisation_is_refused(made, disk, tmp_path):
    other = Administrator(tmp_path).init()
    made.install(disk.path)
    assert "another organisation, 'Test'" in other.install(disk.path, status=3)
    assert "another organisation" in other.run("verify", disk.path, status=3)
    assert "another organisation" in other.run("deliver", made.out, disk.path, status=3)


def test_deliver(made, disk):
    assert "start the device once" in (made.install(disk.path) and made.run("deliver", made.out, disk.path, status=1))
    started(made, disk)
    before = disk.tree()
    assert made.run("deliver", made.out, disk.path, "--dry-run")["personas"][0]["new-root"] is True
    assert disk.tree() == before
    [delivered] = made.run("deliver", made.out, disk.path)["personas"]
    assert (delivered["new-version"], delivered["directory"], delivered["new-grant"], delivered["new-root"]) == (True, "a", True, True)
    folder = "flipside/personas/work"
    sizes = {name: len(disk.get(f"{folder}/{name}")) for name in ("grant", "slots.a", "slots.b", "up", "a/content.own")}
    assert sizes == {"grant": 4096, "slots.a": 16384, "slots.b": 16384, "up": 512, "a/content.own": 512}
    for name in ("manifest", "content.key", "kernel", "initrd"):
        assert disk.get(f"{folder}/a/{name}") == (made.out / "personas/work" / name).read_bytes()
    root = (made.out / "devices" / hex_of(made.devices[0]) / "work.root").read_bytes()
    assert disk.root(len(root)) == root and root[:6] == b"LUKS\xba\xbe"
    checked = made.run("verify", disk.path)
    assert checked["faults"] == 0 and checked["personas"][0]["grant"] == "good" and checked["key-kept-in"] == "tpm"
    # Once more changes nothing, and takes nothing back from the device.
    disk.put(f"{folder}/slots.a", b"key slots".ljust(16384, b"\0"))
    assert made.run("deliver", made.out, disk.path)["personas"][0]["new-version"] is False
    assert disk.get(f"{folder}/slots.a").startswith(b"key slots")
    # Not even when the grant was taken and the device's state says nothing: its slots tell that there are a user's data.
    disk.put(f"{folder}/grant", bytes(4096))
    assert made.run("deliver", "--dry-run", made.out, disk.path)["personas"][0]["new-root"] is False
    assert made.run("deliver", "--dry-run", "--fresh-root", made.out, disk.path)["personas"][0]["new-root"] is True


def test_an_update_goes_beside_what_is_in_use(made, disk, tmp_path):
    started(made, disk)
    made.run("deliver", made.out, disk.path)
    identity, folder = identity_of(made), "flipside/personas/work"
    newer = Administrator.__new__(Administrator)
    newer.__dict__ = dict(made.__dict__, path=tmp_path / "org", out=tmp_path / "out")
    subprocess.run(["cp", "-r", made.path, newer.path], check=True)
    before = disk.root(4096)
    for version, directory, in_use in ((2, "b", 1), (3, "b", 1), (4, "a", 3)):
        # Version 2 does not come up: version 3 takes its place; version 3 does, and version 1 is not needed any more.
        state(made, disk, identity, version=in_use, grant=1)
        (newer.directory / "kernel-new").write_bytes(kernel_image(version))
        newer.run("persona", "update", f"--kernel={newer.directory}/kernel-new", "work")
        newer.issue(devices=())
        [delivered] = newer.run("deliver", newer.out, disk.path)["personas"]
        assert (delivered["version"], delivered["directory"]) == (version, directory)
        assert (delivered["new-grant"], delivered["new-root"]) == (False, False)
        assert newer.run("verify", disk.path)["faults"] == 0
    assert disk.root(4096) == before
    assert "older version" in made.run("deliver", made.out, disk.path, status=3)
    assert [p["versions"] for p in newer.run("verify", disk.path)["personas"]]
    # A recovery's grant is taken beside the version that is there.
    newer.run("device", "recover", "--device=dev0", f"--to={tmp_path / 'recovery'}", "work")
    [delivered] = newer.run("deliver", tmp_path / "recovery", disk.path, "work")["personas"]
    assert (delivered["new-version"], delivered["new-grant"], delivered["new-root"]) == (False, True, False)
    assert made.run("verify", disk.path)["personas"][0]["grant"] == "good"


def test_delivery_is_refused(made, disk, tmp_path):
    started(made, disk)
    stranger = generate()
    disk.put("flipside/device/request", enrolment(stranger))
    assert "not enrolled, or was removed" in made.run("deliver", made.out, disk.path, status=3)
    done = subprocess.run([TOOL, "deliver", made.out, disk.path], capture_output=True, text=True)
    assert done.returncode == 3 and "not issued to the device" in done.stderr, "nor without the record"
    disk.put("flipside/device/request", enrolment(made.devices[0], board="tablet"))
    assert "board" in made.run("deliver", made.out, disk.path, status=3)
    disk.put("flipside/device/request", enrolment(made.devices[0]))
    state(made, disk, identity_of(made), version=7, minimum=7)
    assert "older version" in made.run("deliver", made.out, disk.path, status=3)
    disk.put("flipside/device/state.a", bytes(4096))
    disk.put("flipside/device/state.b", bytes(4096))
    bundle = tmp_path / "bundle"
    for name in ("kernel", "manifest", "content.key"):
        subprocess.run(["rm", "-rf", bundle], check=True)
        subprocess.run(["cp", "-r", made.out, bundle], check=True)
        altered = bytearray((bundle / "personas/work" / name).read_bytes())
        altered[len(altered) // 2] ^= 1
        (bundle / "personas/work" / name).write_bytes(altered)
        if name != "content.key":
            made.run("deliver", bundle, disk.path, status=3)
    [grant] = (made.out / "devices" / hex_of(made.devices[1])).glob("*.grant")
    target = bundle / "devices" / hex_of(made.devices[0]) / "work.grant"
    subprocess.run(["rm", "-rf", bundle], check=True)
    subprocess.run(["cp", "-r", made.out, bundle], check=True)
    target.write_bytes(grant.read_bytes())
    assert "another device" in made.run("deliver", bundle, disk.path, status=3)
    assert "flipside/personas" not in " ".join(disk.tree()), "what is refused leaves nothing behind"
    assert "nothing to deliver" in made.run("deliver", tmp_path / "absent", disk.path, status=1)
    made.run("deliver", made.out, status=2)


def test_a_removed_device_gets_nothing(made, disk, tmp_path):
    """Of what was issued to it before, where the record is at hand."""
    started(made, disk)
    subprocess.run(["cp", "-r", made.path, tmp_path / "org"], check=True)
    made.run("device", "remove", "--yes", "dev0", org=tmp_path / "org")
    before = disk.tree()
    assert "was removed" in made.run("deliver", made.out, disk.path, status=3, org=tmp_path / "org")
    assert disk.tree() == before
    made.run("deliver", made.out, disk.path)


def test_an_altered_root_is_not_delivered(made, disk, tmp_path):
    started(made, disk)
    folder = tmp_path / "bundle/devices" / hex_of(made.devices[0])
    subprocess.run(["cp", "-r", made.out, tmp_path / "bundle"], check=True)
    other = made.out / "devices" / hex_of(made.devices[1])
    root, note = (folder / "work.root").read_bytes(), (folder / "work.root.signed").read_bytes()
    altered, forged = bytearray(root), bytearray(note)
    altered[-1] ^= 1
    forged[-1] ^= 1
    before = disk.tree(), disk.root(4096)
    for name, content, fault in (("work.root", altered, "was altered since it was issued"),
                                 ("work.root", root[:-4096], "was altered since it was issued"),
                                 ("work.root.signed", forged, "work.root.signed: "),
                                 ("work.root.signed", (other / "work.root.signed").read_bytes(), "of another persona or device")):
        (folder / "work.root").write_bytes(root)
        (folder / "work.root.signed").write_bytes(note)
        (folder / name).write_bytes(content)
        assert fault in made.run("deliver", tmp_path / "bundle", disk.path, status=3)
    (folder / "work.root").write_bytes(root)
    (folder / "work.root.signed").unlink()
    assert "No such file" in made.run("deliver", tmp_path / "bundle", disk.path, status=1)
    assert (disk.tree(), disk.root(4096)) == before
    (folder / "work.root.signed").write_bytes(note)
    assert made.run("deliver", tmp_path / "bundle", disk.path)["personas"][0]["new-root"] is True


def test_no_room(made, tmp_path):
    disk = started(made, Disk(tmp_path / "disk.img"))
    disk.put("filler", bytes(30 * MIB))
    disk.put("filler2", bytes(MIB - 65536))
    assert "MB are needed" in made.run("deliver", made.out, disk.path, status=1)
    assert made.run("verify", disk.path)["faults"] == 0
    small = started(made, Disk(tmp_path / "small.img", root_mib=16))
    assert "partition work has" in made.run("deliver", made.out, small.path, status=1)
    unlabelled = started(made, Disk(tmp_path / "unlabelled.img", label="other"))
    assert "no partition labelled work" in made.run("deliver", made.out, unlabelled.path, status=1)


def test_a_directory_is_delivered_to(made, tmp_path):
    """A mounted EFI system partition; for a persona without a root of its own."""
    made.run("persona", "create", f"--kernel={made.directory}/kernel", "--board=qemu-virt", "play")
    made.run("persona", "issue", "--device=dev1", f"--to={tmp_path / 'out'}", "play")
    esp = tmp_path / "esp"
    (esp / "flipside/device").mkdir(parents=True)
    (esp / "flipside/organisation").write_bytes((made.path / "organisation").read_bytes())
    (esp / "flipside/device/request").write_bytes(enrolment(made.devices[1], keeping=2))
    [delivered] = made.run("deliver", tmp_path / "out", esp)["personas"]
    assert delivered["persona"] == "play"
    assert len((esp / "flipside/personas/play/grant").read_bytes()) == 4096
    checked = made.run("verify", esp, status=3)
    assert checked["board"] == "not installed by 'flipside install'" and checked["personas"][0]["grant"] == "good"
    altered = bytearray((esp / "flipside/personas/play/a/kernel").read_bytes())
    altered[5] ^= 1
    (esp / "flipside/personas/play/a/kernel").write_bytes(altered)
    [kernel] = made.run("verify", esp, status=3)["personas"][0]["versions"][0]["components"]
    assert "altered" in kernel["state"]


def test_enrol_from_a_disk(made, disk):
    device = generate()
    made.install(disk.path)
    assert "start the device once" in made.run("device", "enroll", "--yes", disk.path, status=1)
    disk.put("flipside/device/request", enrolment(device))
    assert made.run("device", "enroll", "--yes", "--dry-run", disk.path)["thumbprint"] == hex_of(device)
