# SPDX-License-Identifier: BSD-3-Clause
"""TUAK beside a model of it in Python: its functions in all sizes, and the card that authenticates with it."""

import itertools
import json
import os
import random
import secrets
import subprocess

import pytest

from tuak import Tuak, exclusive_or
from usim_card import Card

FUNCTIONS = os.environ.get("INTEROP_TUAK", "build/host/test/interop/interop-tuak")
TOOL = os.environ.get("FLIPSIDE", "build/host/persona/flipside")
SELECT_USIM = bytes.fromhex("00a4040c07a0000000871002")
AMF = bytes.fromhex("8000")


def functions_of(model, rand, sqn, amf):
    """All that comes out, in the order of interop-tuak."""
    return [model.topc, model.f1(rand, sqn, amf), model.f1_star(rand, sqn, amf), *model.f2345(rand), model.f5_star(rand)]


def test_model():
    """The fourth test set of TS 35.233: the model is TUAK."""
    rand, sqn, amf = (bytes.fromhex(text) for text in ("6887e55425a966bd86c9661a5fa72be8", "0dea2ee2c5af", "df1e"))
    model = Tuak(bytes.fromhex("b8da837a50652d6ac7c97da14f6acc61"),
                 bytes.fromhex("0952be13556c32ebc58195d9dd930493e12a9003669988ffde5fa1f0fe35cc01"), mac=16, res=16)
    assert [part.hex() for part in functions_of(model, rand, sqn, amf)] == [
        "2bc16eb657a68e1f446f08f57c0efb1d493527a2e652ce281eb6ca0e4487760a", "749214087958dd8f58bfcdf869d8ae3f",
        "619e865afe80e382aee13063f9dfb56d", "4041ce438e3e38e8aa96562eed83ac43", "3e3bc01bea0cd914c4c2c83ce2d92757",
        "666a8e6f577b1aa77b7fd53cebb8a3d6", "1f880d005119", "45e617d77fe5"]


def test_functions_in_all_sizes():
    """Random inputs, several of each combination of sizes, one to three iterations of the permutation."""
    seed = secrets.randbits(64)
    numbers = random.Random(seed)
    lines, expected = [], []
    for k, mac, res, ck, ik, iterations in itertools.product((16, 32), (8, 16, 32), (4, 8, 16, 32), (16, 32), (16, 32), (1, 2, 3)):
        key, top, rand, sqn, amf = (numbers.randbytes(size) for size in (k, 32, 16, 6, 2))
        lines.append(f"{key.hex()} {top.hex()} {rand.hex()} {sqn.hex()} {amf.hex()} {mac} {res} {ck} {ik} {iterations}\n")
        model = Tuak(key, top, mac=mac, res=res, ck=ck, ik=ik, iterations=iterations)
        expected.append([part.hex() for part in functions_of(model, rand, sqn, amf)])
    done = subprocess.run([FUNCTIONS], input="".join(lines), capture_output=True, text=True, check=True)
    for line, want, got in itertools.zip_longest(lines, expected, done.stdout.splitlines()):
        assert want == got.split(), f"seed {seed}: {line}"


@pytest.fixture
def issued(tmp_path):
    """A card with TUAK, and its K and TOPc as the network gets them."""
    (tmp_path / "passphrase").write_text("a passphrase of the store\n")
    common = [f"--store={tmp_path / 'store'}", f"--passphrase-file={tmp_path / 'passphrase'}"]
    top = secrets.token_bytes(32)
    (tmp_path / "top").write_text(top.hex() + "\n")
    made = subprocess.run([TOOL, "usim", "create", "--json", *common, "--iccid=898821100000000001", "--imsi=001010123456789",
                           "--algorithm=tuak", f"--op-file={tmp_path / 'top'}"], capture_output=True, text=True, check=True)
    iccid = json.loads(made.stdout)["iccid"]
    subprocess.run([TOOL, "usim", "export-auc", *common, "--format=osmo-hlr", f"--output={tmp_path / 'auc'}"], check=True)
    words = (tmp_path / "auc").read_text().split()
    k, topc = (bytes.fromhex(words[words.index(name) + 1]) for name in ("k", "opc"))
    card = Card([TOOL, "usim", "serve", *common, iccid])
    yield card, k, topc, top
    card.close()


def authenticate(card, model, sqn, rand=None):
    """AUTHENTICATE with a challenge of the model's; returns its RAND and the card's answer."""
    rand = rand or secrets.token_bytes(16)
    number = sqn.to_bytes(6, "big")
    concealed = exclusive_or(number, model.f2345(rand)[3])
    autn = concealed + AMF + model.f1(rand, number, AMF)
    return rand, card.transmit(bytes.fromhex(f"008800812210{rand.hex()}10{autn.hex()}"))


def test_card(issued):
    """Sequence numbers go on, one is used again, one has a wrong MAC."""
    card, k, topc, top = issued
    model = Tuak(k, topc=topc)
    assert Tuak(k, top).topc == topc
    assert card.transmit(SELECT_USIM) == b"\x90\x00"
    for sqn in (32 * number + number % 32 for number in range(1, 50)):
        rand, answer = authenticate(card, model, sqn)
        res, ck, ik, _ = model.f2345(rand)
        assert answer == b"\xdb\x08" + res + b"\x10" + ck + b"\x10" + ik + b"\x90\x00"
    rand, answer = authenticate(card, model, sqn)
    number = sqn.to_bytes(6, "big")
    auts = exclusive_or(number, model.f5_star(rand)) + model.f1_star(rand, number, bytes(2))
    assert answer == b"\xdc\x0e" + auts + b"\x90\x00"
    _, answer = authenticate(card, Tuak(k, topc=bytes(32)), sqn + 32)
    assert answer == b"\x98\x62"
