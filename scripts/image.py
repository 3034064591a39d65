# SPDX-License-Identifier: BSD-3-Clause
"""Disk images of a Flipside machine: an EFI system partition with the loader and the personas' kernels, and a partition
for each persona's own root file system. Everything is done on plain files: no mounts, no root."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

MIB = 1 << 20
SECTOR = 512
# EDK2 takes a file system for FAT32 by its number of clusters; at 4 KiB a cluster this is a FAT32 for everybody.
ESP_LEAST_MIB = 288
ESP_START_MIB = 1
LUKS_HEADER_MIB = 32


class ImageError(Exception):
    """A disk image could not be made or changed; the text says why."""


@dataclass
class Persona:
    """What a persona brings to a disk: its name, the directory that scripts/personas made, and changes to its settings.

    issued          it comes later, encrypted: there is room for it, and nothing of it on the system partition
    encrypted_root  so does its root file system: its partition is left empty
    """

    name: str
    directory: Path
    settings: dict = field(default_factory=dict)
    append: str = ""
    issued: bool = False
    encrypted_root: bool = False

    def __post_init__(self):
        self.directory = Path(self.directory)
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,31}", self.name):
            raise ImageError(f"'{self.name}' cannot be a persona's name: letters, digits, '.', '_' and '-' only, 31 at most")
        for needed in ("kernel", "initrd", "persona.conf"):
            if not (self.directory / needed).is_file():
                raise ImageError(f"{self.directory} has no {needed}; scripts/personas makes such a directory")

    @property
    def root_image(self):
        """The ext4 image for this persona's partition, or None if it has none."""
        image = self.directory / "root.img"
        return image if image.is_file() else None

    @property
    def partition_mib(self):
        """The size of this persona's partition; LUKS2 puts its header before the file system."""
        return _mib(os.stat(self.root_image).st_size) + (LUKS_HEADER_MIB if self.encrypted_root else 0)

    def configuration(self):
        """The text of this persona's persona.conf on the disk."""
        values = {}
        for line in (self.directory / "persona.conf").read_text().splitlines():
            line = line.strip()
            if line and not line.startswith("#"):
                key, _, value = line.partition("=")
                values[key] = value.replace("@NAME@", self.name)
        values.update(self.settings)
        if self.append:
            values["cmdline"] = f"{values.get('cmdline', '')} {self.append}".strip()
        return "".join(f"{key}={value}\n" for key, value in values.items())


def _run(*command, **options):
    """Runs a tool quietly; its own words are in the error when it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise ImageError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def copy_sparse(source, target, offset=0):
    """Copies a file into an open file at an offset in bytes, leaving holes as holes."""
    with open(source, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        position = 0
        while position < size:
            try:
                start = os.lseek(file.fileno(), position, os.SEEK_DATA)
            except OSError:
                break  # nothing but a hole up to the end
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            while start < end:
                chunk = os.pread(file.fileno(), min(4 * MIB, end - start), start)
                os.pwrite(target.fileno(), chunk, offset + start)
                start += len(chunk)
            position = end


def clone(source, target):
    """Makes a copy of a disk image for one to change, holes kept; the copy replaces TARGET when it is whole."""
    temporary = Path(f"{target}.new")
    with open(temporary, "wb") as file:
        file.truncate(os.stat(source).st_size)
        copy_sparse(source, file)
    os.replace(temporary, target)
    return Path(target)


def _mib(size):
    return (size + MIB - 1) // MIB


def _esp_mib(files):
    return max(ESP_LEAST_MIB, _mib(sum(os.stat(file).st_size for file in files)) * 5 // 4 + 64)


def _partition_table(disk, partitions):
    lines = ["label: gpt"]
    start = ESP_START_MIB
    for label, kind, size in partitions:
        lines.append(f"start={start * MIB // SECTOR}, size={size * MIB // SECTOR}, type={kind}, name={label}")
        start += size
    _run("sfdisk", "--quiet", disk, input="\n".join(lines) + "\n")


def _fill_esp(disk, loader, personas, default, timeout, scratch):
    allow = ["allow-unsigned=yes"] if any(persona.issued for persona in personas) else []
    esp = f"{disk}@@{ESP_START_MIB * MIB}"
    directories = ["EFI", "EFI/BOOT", "flipside", "flipside/personas"]
    personas = [persona for persona in personas if not persona.issued]
    directories += [f"flipside/personas/{persona.name}" for persona in personas]
    _run("mmd", "-i", esp, *(f"::/{directory}" for directory in directories))
    if loader:
        _run("mcopy", "-i", esp, loader, "::/EFI/BOOT/BOOTAA64.EFI")
    lines = [f"timeout={timeout}"] + ([f"default={default}"] if default else []) + allow
    scratch.write_text("\n".join(lines) + "\n")
    _run("mcopy", "-i", esp, scratch, "::/flipside/flipside.conf")
    for persona in personas:
        folder = f"::/flipside/personas/{persona.name}"
        _run("mcopy", "-i", esp, persona.directory / "kernel", persona.directory / "initrd", folder)
        scratch.write_text(persona.configuration())
        _run("mcopy", "-i", esp, scratch, f"{folder}/persona.conf")


def make_disk(out, loader, personas, default=None, timeout=5):
    """Makes a disk image at OUT.

    out       the image's path; it appears there only when whole
    loader    the EFI application to boot, or None for a disk without one
    personas  a list of Persona, at most eight
    default   the name of the persona that the picker starts by itself; the first when None
    timeout   how long the picker counts down, in seconds
    """
    out = Path(out)
    names = [persona.name for persona in personas]
    if len(set(names)) != len(names):
        raise ImageError("two personas have the same name")
    if default is None and names:
        default = names[0]
    if loader and not Path(loader).is_file():
        raise ImageError(f"there is no loader at {loader}")
    out.parent.mkdir(parents=True, exist_ok=True)

    # An issued one has two versions.
    files = [persona.directory / name for persona in personas for name in ("kernel", "initrd") for _ in range(1 + persona.issued)]
    esp_size = _esp_mib(files + ([loader] if loader else []))
    partitions = [("esp", "uefi", esp_size)]
    partitions += [(p.name, "linux", p.partition_mib) for p in personas if p.root_image]

    temporary, scratch = Path(f"{out}.new"), Path(f"{out}.scratch")
    try:
        with open(temporary, "wb") as file:
            file.truncate((ESP_START_MIB + sum(size for _, _, size in partitions) + 1) * MIB)
        _partition_table(temporary, partitions)
        # mkfs.vfat has no way to make a file system in a part of a file that is smaller than the rest of it.
        with open(scratch, "wb") as file:
            file.truncate(esp_size * MIB)
        _run("mkfs.vfat", "-F", "32", "-s", "8", "-n", "FLIPSIDE", scratch)
        offset = ESP_START_MIB * MIB
        with open(temporary, "r+b") as file:
            copy_sparse(scratch, file, offset)
            offset += esp_size * MIB
            for persona in personas:
                if persona.root_image:
                    if not persona.encrypted_root:
                        copy_sparse(persona.root_image, file, offset)
                    offset += persona.partition_mib * MIB
        _fill_esp(temporary, loader, personas, default, timeout, scratch)
        os.replace(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
        scratch.unlink(missing_ok=True)
    return out


def put_on_esp(disk, source, path):
    """Puts a file at PATH on the system partition, over what is there. SOURCE is a path, or the content as bytes."""
    if not isinstance(source, bytes):
        return _run("mcopy", "-o", "-i", f"{disk}@@{ESP_START_MIB * MIB}", source, f"::/{path}")
    scratch = Path(f"{disk}.scratch")
    scratch.write_bytes(source)
    try:
        return put_on_esp(disk, scratch, path)
    finally:
        scratch.unlink()


def get_from_esp(disk, path, target):
    """Copies PATH on the system partition to the file TARGET."""
    return _run("mcopy", "-n", "-o", "-i", f"{disk}@@{ESP_START_MIB * MIB}", f"::/{path}", target)


def remove_from_esp(disk, path):
    """Removes the file PATH from the system partition."""
    return _run("mdel", "-i", f"{disk}@@{ESP_START_MIB * MIB}", f"::/{path}")


def partition_offset(disk, label):
    """Where the partition with that label starts, in bytes."""
    for line in _run("sfdisk", "--dump", disk).splitlines():
        if f'name="{label}"' in line:
            return int(re.search(r"start=\s*(\d+)", line).group(1)) * SECTOR
    raise ImageError(f"{disk} has no partition {label}")


def put_in_partition(disk, label, source, path):
    """Copies a file to PATH in the ext4 file system of the partition with that label; its directory must be there."""
    return _run("debugfs", "-w", "-R", f"write {source} {path}", f"{disk}?offset={partition_offset(disk, label)}")
