# SPDX-License-Identifier: BSD-3-Clause
"""Our objects are what their specifications say: Python reads ours, and ours read Python's. Directories of both have the
same files."""

import os
import subprocess

import pytest

from objects import (SCHEMA, aes_key_unwrap, aes_key_wrap, check_symbol, code_key, content_external, cose_key, decode, derive,
                     encode, file_label, from_scalar, generate, mac, pin_cipher, pin_external, public_of, read_stream, scalar_of, seal,
                     sealed_external, sha256, sign, thumbprint, unseal, verify, write_stream)

TOOL = os.environ.get("INTEROP_OBJECTS", "build/host/test/interop/interop-objects")
IDENTITY, VERSION, KERNEL = bytes(range(1, 17)), 7, 1
DEVICE_ID = b"\xdd" + bytes(15)
PAYLOAD, PIN, PLAIN = b"payload of a test", b"2580", bytes(i * 7 % 256 for i in range(10000))
COST = [64, 2]
CODE = "K7QF-2M8X-9RTB-4H6" + check_symbol("K7QF2M8X9RTB4H6")
STATE = (9, 3, b"\xaa" + bytes(31), [5, b"\xbb" + bytes(31)], [[IDENTITY, bytes(32), 2, 0, 5, 0, 6, 7, 2, 0]])


def run(verb, directory):
    return subprocess.run([TOOL, verb, directory], capture_output=True, text=True)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """Reads a file of a directory that our code made."""
    directory = tmp_path_factory.mktemp("ours")
    made = run("make", directory)
    assert made.returncode == 0, made.stdout + made.stderr
    return lambda name: (directory / name).read_bytes()


@pytest.fixture
def key(ours):
    return lambda name: from_scalar(ours(name + ".key"))


def test_signed(ours, key):
    assert verify(ours("signed"), "test", key("signing").public_key()) == PAYLOAD


def test_sealed(ours, key):
    for name in ("device", "escrow"):
        assert unseal(ours("sealed"), "test", b"external", key(name)) == PAYLOAD


def test_stream(ours):
    assert read_stream(ours("content.key"), file_label(IDENTITY, VERSION, KERNEL), ours("stream")) == PLAIN


def test_manifest(ours, key):
    [delegation], manifest = decode(ours("manifest"), "manifest-file")
    delegation = decode(verify(delegation, "delegation+cbor", key("root").public_key()), "delegation")
    assert delegation[6] == IDENTITY
    manifest = decode(verify(manifest, "manifest+cbor", public_of(delegation[2])), "manifest")
    assert manifest[2] == IDENTITY and manifest[4] == "Work ☕" and manifest[8] == [thumbprint(key("device").public_key())]
    assert manifest[13][0][4] == sha256(ours("stream"))
    assert manifest[14] == 60 and manifest[15] is True


def test_content(ours, key):
    assert unseal(ours("content-sealed"), "content-key", content_external(IDENTITY, VERSION), key("device")) == ours("content.key")
    _, identity, version, wrapped = decode(ours("content-wrapped"), "content-wrapped")
    assert (identity, version) == (IDENTITY, VERSION)
    assert aes_key_unwrap(derive(ours("persona.key"), "content", IDENTITY, VERSION), wrapped) == ours("content.key")


def test_slots(ours, key):
    _, identity, _, [pin, device, escrow], tag = decode(ours("slots"), "slots")
    external = pin_external(identity, pin[2], pin[3], pin[4])
    assert pin_cipher(PIN, pin[2], pin[3], ours("device.secret")).decrypt(pin[5], pin[6], external) == ours("persona.key")
    for slot, name in ((device, "device"), (escrow, "escrow")):
        assert unseal(slot[7], "slot", sealed_external(identity, slot[1]), key(name)) == ours("persona.key")
    assert tag == mac(derive(ours("persona.key"), "slots", identity, 0), ours("slots")[:-34])


def test_state(ours):
    _, generation, epoch, root, counter, personas, tag = decode(ours("state"), "state")
    assert (generation, epoch, root, counter, personas) == STATE
    assert tag == mac(derive(ours("device.secret"), "state", DEVICE_ID, 0), ours("state")[:-34])


def test_grant(ours, key):
    [], grant = decode(ours("grant"), "grant-file")
    grant = decode(verify(grant, "grant+cbor", key("root").public_key()), "grant")
    assert (grant[2], grant[3], grant[4], grant[6], grant[7]) == (1, IDENTITY, thumbprint(key("device").public_key()), 1, 2)
    assert grant[5] == derive(ours("persona.key"), "check", IDENTITY, 0)
    assert unseal(grant[9], "slot", sealed_external(IDENTITY, 3), key("escrow")) == ours("persona.key")
    wrapped = unseal(grant[8], "slot", sealed_external(IDENTITY, 2), key("device"))
    assert aes_key_unwrap(code_key(CODE, grant[10]), wrapped) == ours("persona.key")


def test_organisation(ours, key):
    organisation = decode(verify(ours("organisation"), "organisation+cbor", key("root").public_key()), "organisation")
    assert organisation == {1: 1, 2: cose_key(key("root").public_key()), 3: "Acme ☕", 4: 3}


def test_device_key(ours, key):
    _, keeping, public, both, digest = decode(ours("device-key"), "device-key")
    assert (keeping, public) == (2, cose_key(key("device").public_key()))
    assert both == scalar_of(key("device")) + ours("device.secret") and digest == sha256(ours("device-key")[:-34])


def with_mac(items, rule, secret, identity):
    """An array whose last item authenticates what is before it."""
    whole = encode(items + [bytes(32)], rule)[:-34]
    return whole + encode(mac(derive(secret, rule, identity, 0), whole))


def make_manifest(root, signing, device, stream):
    delegation = {1: 1, 2: cose_key(signing.public_key()), 3: 1, 4: 0, 5: 3, 6: IDENTITY}
    component = {1: KERNEL, 2: "kernel", 3: len(stream), 4: sha256(stream), 5: 1 << 26, 6: [1, 1 << 25]}
    manifest = {1: 1, 2: IDENTITY, 3: "work", 4: "Work ☕", 5: VERSION, 6: 5, 7: ["qemu-virt"],
                8: [thumbprint(device.public_key())], 9: "quiet", 10: [2, 1 << 30], 11: 2, 13: [component], 14: 60, 15: True}
    signed = sign(signing, "manifest+cbor", encode(manifest, "manifest"))
    return encode([[sign(root, "delegation+cbor", encode(delegation, "delegation"))], signed], "manifest-file")


def make_slots(persona_key, secret, device, escrow):
    salt, nonce = os.urandom(16), os.urandom(12)
    wrapped = pin_cipher(PIN, salt, COST, secret).encrypt(nonce, persona_key, pin_external(IDENTITY, salt, COST, b"blob"))
    slots = [{1: 1, 2: salt, 3: COST, 4: b"blob", 5: nonce, 6: wrapped}]
    for kind, to in ((2, device), (3, escrow)):
        slots.append({1: kind, 7: seal("slot", persona_key, sealed_external(IDENTITY, kind), to.public_key())})
    return with_mac([1, IDENTITY, 4, slots], "slots", persona_key, IDENTITY)


def make_grant(root, persona_key, device, escrow):
    activation = [os.urandom(16), 8, 1]
    slots = [seal("slot", payload, sealed_external(IDENTITY, kind), to.public_key())
             for kind, to, payload in ((2, device, aes_key_wrap(code_key(CODE, activation), persona_key)), (3, escrow, persona_key))]
    grant = {1: 1, 2: 1, 3: IDENTITY, 4: thumbprint(device.public_key()), 5: derive(persona_key, "check", IDENTITY, 0),
             6: 1, 7: 2, 8: slots[0], 9: slots[1], 10: activation}
    return encode([[], sign(root, "grant+cbor", encode(grant, "grant"))], "grant-file")


def make_device_key(device, secret):
    items = [1, 2, cose_key(device.public_key()), scalar_of(device) + secret]
    whole = encode(items + [bytes(32)], "device-key")[:-34]
    return whole + encode(sha256(whole))


def make_directory(directory):
    """The same files as interop-objects make; returns what of them is not a secret, by name."""
    root, signing, device, escrow = generate(), generate(), generate(), generate()
    persona_key, content_key, secret = os.urandom(32), os.urandom(32), os.urandom(32)
    stream = write_stream(content_key, file_label(IDENTITY, VERSION, KERNEL), PLAIN)
    wrapped = aes_key_wrap(derive(persona_key, "content", IDENTITY, VERSION), content_key)
    secrets = {"root.key": scalar_of(root), "signing.key": scalar_of(signing), "device.key": scalar_of(device),
               "escrow.key": scalar_of(escrow), "persona.key": persona_key, "content.key": content_key,
               "device.secret": secret}
    objects = {"signed": sign(signing, "test", PAYLOAD),
               "sealed": seal("test", PAYLOAD, b"external", escrow.public_key(), device.public_key()),
               "stream": stream,
               "manifest": make_manifest(root, signing, device, stream),
               "content-sealed": seal("content-key", content_key, content_external(IDENTITY, VERSION), device.public_key()),
               "content-wrapped": encode([1, IDENTITY, VERSION, wrapped], "content-wrapped"),
               "slots": make_slots(persona_key, secret, device, escrow),
               "grant": make_grant(root, persona_key, device, escrow),
               "organisation": sign(root, "organisation+cbor", encode({1: 1, 2: cose_key(root.public_key()), 3: "Acme", 4: 3},
                                                                      "organisation")),
               "device-key": make_device_key(device, secret),
               "state": with_mac([1, *STATE], "state", secret, DEVICE_ID)}
    for name, data in (secrets | objects).items():
        (directory / name).write_bytes(data)
    return objects


def test_ours_read_what_python_made(tmp_path):
    make_directory(tmp_path)
    checked = run("check", tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count(": good") == 20


@pytest.mark.parametrize("name", ["signed", "sealed", "stream", "manifest", "content-sealed", "content-wrapped", "slots", "grant",
                                  "organisation", "device-key", "state"])
def test_ours_refuse_what_was_altered(tmp_path, name):
    altered = bytearray(make_directory(tmp_path)[name])
    altered[-1] ^= 1
    (tmp_path / name).write_bytes(altered)
    checked = run("check", tmp_path)
    assert checked.returncode == 1 and checked.stdout.count(": good") < 20


@pytest.mark.parametrize("rule, value", [("key", {1: 2, -1: 1, -2: bytes(32)}), ("key", {1: 2, -1: 1, -2: b"", -3: b""}),
                                         ("content-wrapped", [1, bytes(16), 1, bytes(40), 0]), ("slots", [1, bytes(16), 0, [{}], bytes(32)]),
                                         ("memory", [1, 101]), ("name", "Work"), ("iv", bytes(11))])
def test_the_schema_refuses(rule, value):
    assert not SCHEMA.matches(rule, value)
