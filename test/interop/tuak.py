# SPDX-License-Identifier: BSD-3-Clause
"""TUAK as TS 35.231 writes it down, bit by bit; the permutation is the one of Python's hashlib.

TUAK pads its 768 bits of input for Keccak-f[1600] with a capacity of 512 bits as SHAKE256 does (11111 0...0 1, clause 6),
so that one permutation is SHAKE256's first 1,088 bits of output, and each further one the next 1,088."""

import hashlib

ALGONAME = b"TUAK1.0"
SIZES = {4: (0, 0, 0), 8: (0, 0, 1), 16: (0, 1, 0), 32: (1, 0, 0)}  # INSTANCE[2..4], by bytes of MAC or RES
RATE = 136  # bytes


def bits(value):
    """An input of the functions as its bits, number 0 first: the most significant of the first byte."""
    return [byte >> (7 - i) & 1 for byte in value for i in range(8)]


def value(out, first, size):
    """An output: its last bit is OUT[first]."""
    found = out[first:first + 8 * size][::-1]
    return bytes(int("".join(map(str, found[i:i + 8])), 2) for i in range(0, 8 * size, 8))


class Tuak:
    """The functions with one K; sizes in bytes."""

    def __init__(self, k, top=None, topc=None, mac=8, res=8, ck=16, ik=16, iterations=1):
        self.k, self.mac, self.res, self.ck, self.ik, self.iterations = k, mac, res, ck, ik, iterations
        self.topc = topc or value(self.out([0] * 7, top), 0, 32)

    def out(self, instance, top, rand=b"", amf=b"", sqn=b""):
        """OUT[0..1087] for INSTANCE[0..6] and what else is in IN."""
        fields = ((0, top), (264, ALGONAME), (320, rand), (448, amf), (464, sqn), (512, self.k))
        block = [0] * 768
        for first, field in fields:
            block[first:first + 8 * len(field)] = bits(field)[::-1]
        block[256:264] = [*instance, int(len(self.k) == 32)][::-1]
        data = bytes(sum(bit << i for i, bit in enumerate(block[at:at + 8])) for at in range(0, 768, 8))
        squeezed = hashlib.shake_256(data).digest(RATE * self.iterations)[-RATE:]
        return [byte >> i & 1 for byte in squeezed for i in range(8)]

    def f1(self, rand, sqn, amf):
        return value(self.out([0, 0, *SIZES[self.mac], 0, 0], self.topc, rand, amf, sqn), 0, self.mac)

    def f1_star(self, rand, sqn, amf):
        return value(self.out([1, 0, *SIZES[self.mac], 0, 0], self.topc, rand, amf, sqn), 0, self.mac)

    def f2345(self, rand):
        """RES, CK, IK and AK."""
        out = self.out([0, 1, *SIZES[self.res], int(self.ck == 32), int(self.ik == 32)], self.topc, rand)
        return value(out, 0, self.res), value(out, 256, self.ck), value(out, 512, self.ik), value(out, 768, 6)

    def f5_star(self, rand):
        return value(self.out([1, 1, 0, 0, 0, 0, 0], self.topc, rand), 768, 6)


def exclusive_or(first, second):
    return bytes(a ^ b for a, b in zip(first, second))
