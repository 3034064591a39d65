# SPDX-License-Identifier: BSD-3-Clause
"""The objects of crypto/ and persona/ made and read from their specifications (RFC 9052, RFC 9053, the .cddl files), with
Debian's cbor2, cryptography and argon2 and none of our code."""

import hashlib
import hmac
import os
import subprocess
from pathlib import Path

import argon2.low_level
import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

import cddl

TOP = Path(__file__).resolve().parents[2]
SCHEMA = cddl.Schema(TOP / "crypto/cose.cddl", TOP / "crypto/stream.cddl", TOP / "crypto/keys.cddl",
                     TOP / "persona/persona.cddl", TOP / "persona/cli/cli.cddl")
TYPE = "application/vnd.flipside."
RECIPIENT_HEADER = cbor2.dumps({1: -31})
STREAM_HEADER, TAG = 87, 16


def encode(value, rule=None):
    assert rule is None or SCHEMA.matches(rule, value), f"what was made is no {rule}"
    return cbor2.dumps(value, canonical=True)


def decode(data, rule):
    """An item that is deterministically encoded and matches its CDDL."""
    value = cbor2.loads(data)
    assert cbor2.dumps(value, canonical=True) == data, f"{rule} is not deterministically encoded"
    assert SCHEMA.matches(rule, value), f"{rule} does not match its CDDL: {value!r}"
    return value


def sha256(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def expand(prk, info, size=32):
    return HKDFExpand(SHA256(), size, info).derive(prk)


def derive(secret, use, identity, number, size=32):
    return expand(secret, encode(["flipside key 1", use, identity, number], "key-info"), size)


def generate():
    return ec.generate_private_key(ec.SECP256R1())


def scalar_of(key):
    return key.private_numbers().private_value.to_bytes(32, "big")


def from_scalar(scalar):
    return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())


def cose_key(public):
    numbers = public.public_numbers()
    return {1: 2, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}


def public_of(key):
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(key[-2], "big"), int.from_bytes(key[-3], "big"), ec.SECP256R1())
    return numbers.public_key()


def thumbprint(public):
    return sha256(encode(cose_key(public), "key"))


# COSE_Sign1


def sign(key, kind, payload):
    header = encode({1: -7, 3: TYPE + kind, 4: thumbprint(key.public_key())}, "signed-header")
    text = encode(["Signature1", header, b"", payload], "sig-structure")
    r, s = utils.decode_dss_signature(key.sign(text, ec.ECDSA(SHA256())))
    return encode(cbor2.CBORTag(18, [header, {}, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")]), "signed")


def verify(data, kind, public):
    header, _, payload, signature = decode(data, "signed").value
    assert decode(header, "signed-header") == {1: -7, 3: TYPE + kind, 4: thumbprint(public)}
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    text = encode(["Signature1", header, b"", payload], "sig-structure")
    public.verify(utils.encode_dss_signature(r, s), text, ec.ECDSA(SHA256()))
    return payload


# COSE_Encrypt


def wrapping_key(private, public):
    context = encode([-5, [None] * 3, [None] * 3, [256, RECIPIENT_HEADER]], "kdf-context")
    return HKDF(SHA256(), 32, None, context).derive(private.exchange(ec.ECDH(), public))


def seal(kind, payload, external, *recipients):
    key, iv = os.urandom(32), os.urandom(12)
    header = encode({1: 3, 3: TYPE + kind}, "sealed-header")
    ciphertext = AESGCM(key).encrypt(iv, payload, encode(["Encrypt", header, external], "enc-structure"))
    sealed_to = []
    for public in recipients:
        ephemeral = generate()
        unprotected = {4: thumbprint(public), -1: cose_key(ephemeral.public_key())}
        sealed_to.append([RECIPIENT_HEADER, unprotected, aes_key_wrap(wrapping_key(ephemeral, public), key)])
    return encode(cbor2.CBORTag(96, [header, {5: iv}, ciphertext, sealed_to]), "sealed")


def unseal(data, kind, external, private):
    header, unprotected, ciphertext, recipients = decode(data, "sealed").value
    assert decode(header, "sealed-header") == {1: 3, 3: TYPE + kind}
    [recipient] = [r for r in recipients if r[1][4] == thumbprint(private.public_key())]
    key = aes_key_unwrap(wrapping_key(private, public_of(recipient[1][-1])), recipient[2])
    return AESGCM(key).decrypt(unprotected[5], ciphertext, encode(["Encrypt", header, external], "enc-structure"))


# Streams


def stream_keys(key, name, shift, salt):
    prk = mac(salt, key)
    return [expand(prk, encode([f"flipside stream 1: {use}", name, shift], "stream-key-info"))
            for use in ("key", "commitment")]


def nonce(index, last):
    return bytes(3) + bytes([last]) + index.to_bytes(8, "big")


def write_stream(key, name, plain, shift=12):
    salt = os.urandom(32)
    file_key, commitment = stream_keys(key, name, shift, salt)
    chunks = [plain[at:at + (1 << shift)] for at in range(0, len(plain), 1 << shift)] or [b""]
    sealed = [AESGCM(file_key).encrypt(nonce(i, i == len(chunks) - 1), chunk, None) for i, chunk in enumerate(chunks)]
    return encode(["flipside stream", 1, shift, salt, commitment], "stream-header") + b"".join(sealed)


def read_stream(key, name, data):
    _, _, shift, salt, commitment = decode(data[:STREAM_HEADER], "stream-header")
    file_key, expected = stream_keys(key, name, shift, salt)
    assert commitment == expected
    step = (1 << shift) + TAG
    chunks = [data[at:at + step] for at in range(STREAM_HEADER, len(data), step)]
    return b"".join(AESGCM(file_key).decrypt(nonce(i, i == len(chunks) - 1), chunk, None) for i, chunk in enumerate(chunks))


def unpack(component, stored):
    """What a component's decrypted bytes decompress to, as its manifest says."""
    if 6 not in component:
        return stored
    plain = subprocess.run(["lz4", "-dc"], input=stored, stdout=subprocess.PIPE, check=True).stdout
    assert component[6] == [1, len(plain)]
    return plain


# PIN slots


def stretch(pin, salt, cost):
    return argon2.low_level.hash_secret_raw(pin, salt, time_cost=cost[1], memory_cost=cost[0], parallelism=1, hash_len=32,
                                            type=argon2.low_level.Type.ID)


def pin_cipher(pin, salt, cost, secret):
    return AESGCM(expand(mac(secret, stretch(pin, salt, cost)), b"flipside pin slot 1"))


def pin_external(identity, salt, cost, blob):
    return encode(["flipside slot 1", identity, 1, salt, cost, blob], "pin-external")


def sealed_external(identity, kind):
    return encode(["flipside slot 1", identity, kind], "sealed-external")


def content_external(identity, version):
    return encode(["flipside content 1", identity, version], "content-external")


def file_label(identity, version, kind):
    return encode(["flipside file 1", identity, version, kind], "file-label")


# Activation codes

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def check_symbol(symbols):
    """The last symbol of an activation code whose others these are."""
    total = 0
    for symbol in symbols:
        total = (total ^ SYMBOLS.index(symbol)) << 1
        total ^= 0x25 if total & 32 else 0
    return SYMBOLS[total]


def code_key(code, activation):
    """What an activation code, as it is shown, unwraps a grant with."""
    salt, *cost = activation
    return expand(stretch(code.replace("-", "").encode(), salt, cost), b"flipside activation 1")
