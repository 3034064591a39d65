# SPDX-License-Identifier: BSD-3-Clause
"""USIM profiles on the command line: a batch imported, shown without secrets, and the network's side exported; what is
exported is read here and put to the test with osmo-auc-gen, which has nothing in common with our card."""

import json
import os
import re
import shutil
import sqlite3
import subprocess

import pexpect
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from administrator import TOOL

K, OPC = "465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf"  # TS 35.208 4.3, set 1
GOOD = [f"8988211000000000{number:02},00101012345{number:04},{K[:-2]}{number:02x},{OPC},{pin}".rstrip(",")
        for number, pin in ((1, ""), (2, "1234"), (3, ""))]
# What is wrong with each, as it is told.
BAD = {
    "898821100000000004,001010123450004,465b,cd63": "K: 32 hexadecimal digits are needed",
    f"898821100000000004,001010123450004,{K},{OPC[:-1]}x": "OPc: 32 hexadecimal digits are needed",
    f"89882110000000004,001010123450004,{K},{OPC}": "18 digits are needed",
    f"8988211000000000040,001010123450004,{K},{OPC}": "check digit must be",
    f"898821100000000004,00101,{K},{OPC}": "6 to 15 digits are needed",
    f"898821100000000004,00101012345000x,{K},{OPC}": "6 to 15 digits are needed",
    f"898821100000000004,001010123450004,{K},{OPC},12": "a PIN has 4 to 8 digits",
    f"898821100000000004,001010123450004,{K}": "iccid,imsi,k,opc or iccid,imsi,k,opc,pin is needed",
    f"898821100000000004,001010123450004,{K},{OPC},1234,x": "iccid,imsi,k,opc or iccid,imsi,k,opc,pin is needed",
    GOOD[0]: "is there already",
    "x" * 600: "a line has 510 characters at most",
    "y" * 511: "a line has 510 characters at most",
}


class Store:
    def __init__(self, directory):
        self.directory, self.path = directory, directory / "store"
        (directory / "passphrase").write_text("of the store\n")

    def command(self, verb, *arguments):
        return [TOOL, "usim", verb, f"--store={self.path}", f"--passphrase-file={self.directory / 'passphrase'}",
                *(str(argument) for argument in arguments)]

    def run(self, verb, *arguments, status=0):
        done = subprocess.run([*self.command(verb, *arguments), "--json"], capture_output=True, text=True)
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout or "{}"), done.stderr

    def batch(self, lines, end="\n"):
        (self.directory / "batch.csv").write_text("\n".join(lines) + end)
        return self.directory / "batch.csv"

    def export(self, kind, *iccids):
        path = self.directory / f"{kind}.export"
        path.unlink(missing_ok=True)
        self.run("export-auc", f"--format={kind}", f"--output={path}", *iccids)
        assert path.stat().st_mode & 0o077 == 0
        return path.read_text()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("usims"))
    report, told = store.run("import", store.batch(["iccid,imsi,k,opc,pin", "# the first batch", "", *GOOD], end=""))
    assert (report["imported"], report["left-out"], report["left-out-lines"], told) == (3, 0, [], "")
    return store


def test_a_batch_is_imported(store):
    usims = store.run("show")[0]["usims"]
    assert [(usim["imsi"], usim["pin"]) for usim in usims] == [("001010123450001", False), ("001010123450002", True),
                                                              ("001010123450003", False)]
    assert all(len(usim["iccid"]) == 19 and luhn(usim["iccid"]) for usim in usims)
    assert store.run("show", usims[1]["iccid"])[0]["usims"] == [usims[1]]


def luhn(digits):
    """ITU-T E.118, by ISO/IEC 7812-1 annex B."""
    doubled = [int(digit) * (2 if at % 2 else 1) for at, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def test_bad_lines_are_told_and_the_rest_is_imported(store, tmp_path):
    mixed = Store(tmp_path)
    lines = [GOOD[0], *BAD, GOOD[1]]
    report, told = mixed.run("import", mixed.batch(lines), status=1)
    assert (report["imported"], report["left-out"]) == (2, len(BAD))
    assert [item["line"] for item in report["left-out-lines"]] == list(range(2, len(BAD) + 2))
    faults = told.splitlines()
    assert len(faults) == 2 * len(BAD)
    for number, (fault, (what, left_out)) in enumerate(zip(BAD.values(), zip(faults[::2], faults[1::2])), 2):
        assert fault in what and left_out == f"flipside: line {number} was left out"
    assert K not in told and OPC not in told
    assert len(mixed.run("show")[0]["usims"]) == 2


def test_a_dry_run_changes_nothing(store, tmp_path):
    new = Store(tmp_path)
    assert new.run("import", "--dry-run", new.batch(GOOD))[0]["imported"] == 3
    assert not new.path.exists()
    assert store.run("import", "--dry-run", store.batch(GOOD), status=1)[0]["left-out"] == 3
    new.run("import", tmp_path / "absent.csv", status=1)


def test_progress_is_shown_on_a_terminal(tmp_path):
    store = Store(tmp_path)
    command = store.command("import", store.batch([GOOD[0], "bad", GOOD[1]], end=""))
    child = pexpect.spawn(command[0], command[1:], timeout=30)
    child.expect(r"importing: 1 of 3")
    child.expect(r"\r\x1b\[Kflipside: iccid,imsi")
    child.expect(r"line 2 was left out")
    child.expect(r"importing: 3 of 3")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1


def test_nothing_secret_is_shown(store):
    """Of K, OPc, the PINs and the keys of the store, in any of the forms that output could have."""
    usims = store.run("show")[0]["usims"]
    assert {key for usim in usims for key in usim} == {
        "iccid", "imsi", "mnc-digits", "generation", "algorithm", "pin", "services", "routing-indicator", "suci-schemes", "personas"}
    plain = subprocess.run(store.command("show"), capture_output=True, text=True, check=True)
    shown = (plain.stdout + plain.stderr + json.dumps(usims)).lower()
    for secret in [K[:-2], OPC, "1234\"", "of the store"]:
        assert secret not in shown and bytes.fromhex(OPC).decode("latin-1") not in shown
    for path in store.path.iterdir():
        assert bytes.fromhex(K)[:-1] not in path.read_bytes() and path.stat().st_mode & 0o077 == 0
    # Without the passphrase there is nothing to be seen.
    (store.directory / "wrong").write_text("another\n")
    done = subprocess.run([*store.command("show")[:4], f"--passphrase-file={store.directory / 'wrong'}"], capture_output=True, text=True)
    assert done.returncode == 3 and "wrong passphrase" in done.stderr and "001010" not in done.stdout


def vector(k, opc, *arguments):
    if shutil.which("osmo-auc-gen") is None:
        pytest.skip("osmo-auc-gen is not installed (scripts/setup)")
    text = subprocess.run(["osmo-auc-gen", "-3", "-a", "milenage", "-k", k, *arguments, *(["-o", opc] if opc else []), "-f", "8000",
                           "-s", "33", "-r", "23553cbe9637a89d218ae64dae47bf35"], capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"^([\w. ]+):\t(\S+)$", text, re.M))


def test_the_numbers_are_those_of_the_standard():
    """Else the comparisons below would say nothing: TS 35.208 4.3.3 and 4.3.2, set 1, f2 and f5 with its RAND."""
    assert vector(K, OPC)["RES"].lower() == "a54211d5e3ba50bf"


def test_export_for_hostapd(store):
    lines = [line.split() for line in store.export("hostapd").splitlines()]
    assert [(imsi, k, opc, amf, int(sqn, 16)) for imsi, k, opc, amf, sqn in lines] == [
        (imsi, k, opc, "8000", 0) for _, imsi, k, opc, *_ in (line.split(",") for line in GOOD)]


def test_export_for_osmo_hlr(store):
    """The commands are carried out on a table as osmo-hlr has it (its sql/hlr.sql), by its terminal's grammar (OsmoHLR
    VTY reference, "subscriber ... update aud3g")."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE subscriber (id INTEGER PRIMARY KEY, imsi VARCHAR(15) UNIQUE NOT NULL)")
    database.execute("CREATE TABLE auc_3g (subscriber_id INTEGER UNIQUE NOT NULL REFERENCES subscriber, algo TEXT, k TEXT, opc TEXT,"
                     " sqn INTEGER DEFAULT 0, ind_bitlen INTEGER CHECK (ind_bitlen BETWEEN 0 AND 28))")
    for line in store.export("osmo-hlr").splitlines():
        create = re.fullmatch(r"subscriber imsi (\d{6,15}) create", line)
        update = re.fullmatch(r"subscriber imsi (\d{6,15}) update aud3g (milenage) k ([0-9a-f]{32}) opc ([0-9a-f]{32}) ind-bitlen (\d+)", line)
        assert create or update, line
        if create:
            database.execute("INSERT INTO subscriber (imsi) VALUES (?)", create.groups())
        else:
            imsi, *values = update.groups()
            number = database.execute("SELECT id FROM subscriber WHERE imsi = ?", (imsi,)).fetchone()[0]
            database.execute("INSERT INTO auc_3g (subscriber_id, algo, k, opc, ind_bitlen) VALUES (?, ?, ?, ?, ?)", (number, *values))
    found = database.execute("SELECT imsi, k, opc, ind_bitlen FROM subscriber JOIN auc_3g ON subscriber_id = subscriber.id ORDER BY imsi").fetchall()
    assert found == [(imsi, k, opc, 5) for _, imsi, k, opc, *_ in (line.split(",") for line in GOOD)]


def test_export_for_open5gs(store):
    """A document a line, with the fields of Open5GS's subscriber schema."""
    documents = [json.loads(line) for line in store.export("open5gs").splitlines()]
    assert [(document["imsi"], document["security"]) for document in documents] == [
        (imsi, {"k": k, "opc": opc, "op": None, "amf": "8000", "sqn": 0}) for _, imsi, k, opc, *_ in (line.split(",") for line in GOOD)]
    assert all(document["schema_version"] == 1 for document in documents)


def test_exports_agree_with_the_operator_code(store):
    """K at random, OPc derived from OP: what each format says of it authenticates as OP itself does."""
    op = os.urandom(16).hex()
    (store.directory / "op").write_text(op + "\n")
    created, _ = store.run("create", "--iccid=898821100000000099", "--imsi=001010123450099", f"--op-file={store.directory / 'op'}")
    [line] = store.export("hostapd", created["iccid"]).splitlines()
    _, k, opc, _, _ = line.split()
    encryptor = Cipher(algorithms.AES(bytes.fromhex(k)), modes.ECB()).encryptor()
    encrypted = encryptor.update(bytes.fromhex(op)) + encryptor.finalize()
    assert bytes(a ^ b for a, b in zip(encrypted, bytes.fromhex(op))).hex() == opc
    [document] = [json.loads(line) for line in store.export("open5gs", created["iccid"]).splitlines()]
    assert (document["security"]["k"], document["security"]["opc"]) == (k, opc)
    assert f"k {k} opc {opc} " in store.export("osmo-hlr", created["iccid"])
    expected = vector(k, None, "-O", op)
    assert vector(k, opc) == expected and expected["AUTN"]


def test_tuak_is_exported_where_it_is_known(store):
    created, _ = store.run("create", "--iccid=898821100000000098", "--imsi=001010123450098", "--algorithm=tuak")
    assert re.search(r"update aud3g tuak k [0-9a-f]{64} opc [0-9a-f]{64} ind-bitlen 5\n", store.export("osmo-hlr", created["iccid"]))
    for kind in ("hostapd", "open5gs"):
        output = store.directory / "none"
        _, told = store.run("export-auc", f"--format={kind}", f"--output={output}", created["iccid"], status=1)
        assert "no TUAK" in told and not output.exists()
