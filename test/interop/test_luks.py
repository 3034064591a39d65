# SPDX-License-Identifier: BSD-3-Clause
"""Encrypted roots: cryptsetup opens what flipside makes, and the data is what was put in, by another AES-XTS."""

import os
import re
import subprocess

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOOL = os.environ.get("INTEROP_LUKS", "build/host/test/interop/interop-luks")
CRYPTSETUP = "/sbin/cryptsetup"
HEADER = 16 << 20
MIB = 1 << 20


def call(*words, status=0):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def make(tmp_path):
    (tmp_path / "key").write_bytes(os.urandom(64))

    def make_image(kind, path="-", size=0, *more, status=0):
        said = call(TOOL, tmp_path / "root.img", tmp_path / "key", kind, path, size, "work", *more, status=status)
        return tmp_path / "root.img" if status == 0 else said

    return make_image


def dump(image):
    return call(CRYPTSETUP, "luksDump", image)


def decrypted(image, directory):
    """The plain file system."""
    shown = call(CRYPTSETUP, "luksDump", "-q", "--dump-volume-key", "--key-file", directory / "key", image)
    key = bytes.fromhex("".join(re.search(r"MK dump:\s*((?:[0-9a-f]{2}\s+)+)", shown).group(1).split()))
    sector = int(re.search(r"sector: (\d+)", dump(image)).group(1))
    data, plain = image.read_bytes()[HEADER:], bytearray()
    for at in range(0, len(data), sector):
        decryptor = Cipher(algorithms.AES(key), modes.XTS((at // 512).to_bytes(16, "little"))).decryptor()
        plain += decryptor.update(data[at:at + sector])
    result = directory / "plain.img"
    result.write_bytes(plain)
    return result


def test_header(make, tmp_path):
    shown = dump(make("empty", "-", 8 * MIB))
    assert re.search(r"cipher: aes-xts-plain64\s+sector: 4096", shown) and "Key:        512 bits" in shown
    assert len(re.findall(r"^ +\d+: luks2$", shown, re.MULTILINE)) == 1 and "Iterations: 1000" in shown
    call(CRYPTSETUP, "open", "--test-passphrase", "--key-file", tmp_path / "key", tmp_path / "root.img")
    (tmp_path / "other").write_bytes(os.urandom(64))
    call(CRYPTSETUP, "open", "--test-passphrase", "--key-file", tmp_path / "other", tmp_path / "root.img", status=2)


@pytest.mark.parametrize("more", [[], ["sparse"]])
def test_directory(make, tmp_path, more):
    files = tmp_path / "files"
    (files / "etc").mkdir(parents=True)
    (files / "etc/marker").write_text("a marker that is nowhere else")
    image = make("directory", files, 16 * MIB, *more)
    holes = image.stat().st_blocks * 512 < image.stat().st_size - 8 * MIB
    assert holes == bool(more)
    assert b"a marker that is" not in image.read_bytes()
    plain = decrypted(image, tmp_path)
    call("/sbin/e2fsck", "-f", "-n", plain)
    assert "a marker that is nowhere else" in call("/sbin/debugfs", "-R", "cat /etc/marker", plain)
    assert "work" in call("/sbin/e2label", plain)


def test_image_of_any_kind(make, tmp_path):
    content = os.urandom(700 * 512)
    (tmp_path / "source").write_bytes(content)
    image = make("image", tmp_path / "source", 0, "sparse")
    assert "sector: 512" in dump(image)
    assert decrypted(image, tmp_path).read_bytes() == content


def test_blocks_that_are_in_use_are_kept(make, tmp_path):
    """A sparse image of an ext4 file system has all that a system reads, its zeros too."""
    call("/sbin/mke2fs", "-q", "-t", "ext4", "-b", "1024", tmp_path / "source", "24M")
    source = (tmp_path / "source").read_bytes()
    image = make("image", tmp_path / "source", 0, "sparse")
    assert "sector: 512" in dump(image)
    plain = decrypted(image, tmp_path)
    call("/sbin/e2fsck", "-f", "-n", plain)
    assert plain.read_bytes()[:MIB] == source[:MIB]


def test_faults(make, tmp_path):
    (tmp_path / "odd").write_bytes(b"x" * 1000)
    (tmp_path / "nothing").write_bytes(b"")
    (tmp_path / "files").mkdir()
    (tmp_path / "files/large").write_bytes(os.urandom(4 * MIB))
    assert "multiple of 512" in make("image", tmp_path / "odd", status=1)
    assert "not 0" in make("image", tmp_path / "nothing", status=1)
    assert "No such file" in make("image", tmp_path / "missing", status=1)
    assert "a larger one may do" in make("directory", tmp_path / "files", 2 * MIB, status=1)
    assert "multiple of 4096" in make("empty", "-", 1000, status=1)
    assert not (tmp_path / "root.img").exists() and not (tmp_path / "root.img.new").exists()
