# SPDX-License-Identifier: BSD-3-Clause
"""The search for the USIM's secrets, in whatever form they may lie somewhere: in memory, on the disk, in flash."""

import hashlib
import hmac
import mmap

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PIECE, PAGE = 1 << 22, 4096
RAM, RAM_SIZE = 0x40000000, 2 << 30  # QEMU's virt, as these machines have it
RECORD, STORE = 4096, 512 << 10  # the card's record (crypto/usim/include/usim/state.h), and the end of the flash that has it
AROUND = 32 << 10  # bytes around K in the switcher's memory: the card is not larger


def sbox():
    """FIPS 197, 5.1.1: the inverse in GF(2^8), then an affine map."""
    powers, logarithms, value = [0] * 256, [0] * 256, 1
    for power in range(255):
        powers[power], logarithms[value] = value, power
        value ^= value << 1 ^ (0x11b if value & 0x80 else 0)
    inverse = [0] + [powers[-logarithms[byte] % 255] for byte in range(1, 256)]
    return [0x63 ^ byte ^ rotated(byte, 1) ^ rotated(byte, 2) ^ rotated(byte, 3) ^ rotated(byte, 4) for byte in inverse]


def rotated(byte, bits):
    return (byte << bits | byte >> 8 - bits) & 0xff


def round_keys(key):
    """AES-128's and AES-256's key expansion (FIPS 197, 5.2): what is computed of a key before it is used."""
    substitute, words, rcon = sbox(), [key[at:at + 4] for at in range(0, len(key), 4)], 1
    count = len(words)
    while len(words) < 4 * (count + 7):
        word = words[-1]
        if len(words) % count == 0:
            word = bytes(substitute[byte] for byte in word[1:] + word[:1])
            word = bytes([word[0] ^ rcon]) + word[1:]
            rcon = rcon << 1 ^ (0x11b if rcon & 0x80 else 0)
        elif count == 8 and len(words) % count == 4:
            word = bytes(substitute[byte] for byte in word)
        words.append(bytes(a ^ b for a, b in zip(word, words[-count])))
    return [b"".join(words[at:at + 4]) for at in range(count, len(words) - 3, 4)]


def swapped(data, size):
    """Each word of SIZE bytes with its last byte first."""
    return b"".join(data[at:at + size][::-1] for at in range(0, len(data), size))


def forms(name, secret, cipher=False):
    """{how it lies there: bytes} of a secret. @param cipher: one that AES is keyed with, whose round keys are as good"""
    found = {f"{name}": secret, f"{name}, last byte first": secret[::-1], f"{name} in digits": secret.hex().encode(),
             f"{name} in capital digits": secret.hex().upper().encode()}
    for size in (4, 8):
        found[f"{name} in swapped words of {size}"] = swapped(secret, size)
    for number, key in enumerate(round_keys(secret) if cipher else (), 1):
        found[f"round key {number} of {name}"] = key
        found[f"round key {number} of {name} in swapped words"] = swapped(key, 4)
    return found


def search(data, wanted):
    """@return the names of what is in a piece of data"""
    return {name for name, pattern in wanted.items() if pattern in data}


def search_file(path, wanted, piece_size=PIECE):
    """The same of a whole file; pages that are all zero, which most are, are passed over."""
    found, kept, longest = set(), b"", max(map(len, wanted.values()))
    with open(path, "rb") as file:
        while piece := file.read(piece_size):
            pages = (piece[at:at + PAGE] for at in range(0, len(piece), PAGE))
            full = b"".join(page for page in pages if page.count(0) < len(page))
            found |= search(kept + full, wanted)
            kept = (kept + full)[-longest:]
    return found


class Memory:
    """The RAM of a machine that runs, as QEMU sees it. PARTITIONS: {persona: (base, size)}."""

    def __init__(self, terminal, directory, partitions):
        self.terminal, self.path, self.partitions = terminal, directory / "ram", partitions

    def search(self, base, size, wanted):
        self.terminal.qmp("pmemsave", val=base, size=size, filename=str(self.path))
        found = search_file(self.path, wanted)
        self.path.unlink()
        return found

    def rest(self):
        """What is no persona's: the switcher's, and what firmware and loader left."""
        at, parts = RAM, []
        for base, size in sorted(self.partitions.values()):
            parts.append((at, base - at))
            at = base + size
        return [part for part in parts + [(at, RAM + RAM_SIZE - at)] if part[1] > 0]

    def around(self, secret):
        """What is near a secret wherever it is in what is no persona's, from an address that is a multiple of 8."""
        for base, size in self.rest():
            self.terminal.qmp("pmemsave", val=base, size=size, filename=str(self.path))
            with open(self.path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
                at = data.find(secret)
                while at >= 0:
                    yield data[max(0, (at & ~7) - AROUND):at + AROUND]
                    at = data.find(secret, at + 1)
            self.path.unlink()


def opens(key, record):
    """What the card's state is encrypted with (crypto/usim/seal.c), if this is its key: if it opens a record of it."""
    derived = hmac.new(key, b"flipside usim 1 encryption\0\2", hashlib.sha256).digest()
    try:
        return derived if AESGCM(derived).decrypt(record[:12], record[12:], None) else None
    except InvalidTag:
        return None


def state_keys(memory, k, flash):
    """The key that the state is sealed under, and what it is encrypted with; found in the switcher's memory by trial,
    so that it can be looked for where it must not be."""
    data = flash.read_bytes()[-STORE:]
    pages = [data[at:at + RECORD] for at in range(0, len(data), RECORD)]
    record = next(page for page in pages if len(set(page)) > 100)
    for piece in memory.around(k):
        for at in range(0, len(piece) - 31, 8):
            key = piece[at:at + 32]
            if len(set(key)) > 16 and (derived := opens(key, record)):
                return key, derived
    raise AssertionError("the state's key is not found in the switcher's memory")
