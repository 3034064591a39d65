# SPDX-License-Identifier: BSD-3-Clause
"""USIM profiles on the command line: a batch imported, shown without secrets, and the network's side exported; what is
exported is read here and put to the test with osmo-auc-gen, which has nothing in common with our card."""

import hmac
import itertools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import termios
import time

import pexpect
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from administrator import TOOL, make_store, on_a_small_disk
from objects import decode
from usim_card import Card

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
    GOOD[0].replace(OPC, K): "is there already with other values",
    GOOD[1]: "line 2 has it already",
    f"898821100000000005,001010123450001,{K},{OPC}": "the USIM 8988211000000000011 has it already",
    f"898821100000000006,001010123450006,{K},{OPC}\0,x": "none that is no text",
    f"898821100000000007\x1b[2J,001010123450007,{K},{OPC}": "ICCID 898821100000000007\\x1b[2J: 18 digits",
    "x" * 600: "a line has 510 characters at most",
    "y" * 511: "a line has 510 characters at most",
}


USIM = ["--iccid=898821100000000077", "--imsi=001010123450077"]


class Store:
    def __init__(self, directory):
        self.directory, self.path = directory, directory / "store"
        (directory / "passphrase").write_text("of the store\n")

    def make(self):
        self.key = make_store(self.path, b"of the store")
        return self

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
    store = Store(tmp_path_factory.mktemp("usims")).make()
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
    mixed = Store(tmp_path).make()
    mixed.run("import", mixed.batch([GOOD[0]]))
    report, told = mixed.run("import", mixed.batch([GOOD[0], GOOD[1], *BAD, GOOD[2]]), status=1)
    assert (report["imported"], report["there-already"], report["left-out"]) == (2, 1, len(BAD))
    assert [item["line"] for item in report["left-out-lines"]] == list(range(3, len(BAD) + 3))
    faults = told.splitlines()
    assert len(faults) == 2 * len(BAD) and "\x1b" not in told
    for number, (fault, (what, left_out)) in enumerate(zip(BAD.values(), zip(faults[::2], faults[1::2])), 3):
        assert fault in what and left_out == f"flipside: line {number} was left out"
    assert K not in told and OPC not in told
    assert len(mixed.run("show")[0]["usims"]) == 3


def test_a_dry_run_changes_nothing(store, tmp_path):
    new = Store(tmp_path)
    assert new.run("import", "--dry-run", new.batch(GOOD))[0]["imported"] == 3
    assert not new.path.exists()
    assert store.run("import", "--dry-run", store.batch(GOOD))[0]["there-already"] == 3
    assert new.run("import", "--dry-run", new.batch([GOOD[0], GOOD[0]]), status=1)[0]["left-out"] == 1
    assert new.run("create", "--dry-run", *USIM)[0]["dry-run"] is True
    new.run("import", tmp_path / "absent.csv", status=1)
    assert not new.path.exists()
    before = {path: path.read_bytes() for path in store.path.iterdir()}
    store.run("create", "--dry-run", *USIM)
    store.run("export-auc", "--dry-run", "--format=hostapd", f"--output={tmp_path / 'auc'}")
    assert {path: path.read_bytes() for path in store.path.iterdir()} == before and not (tmp_path / "auc").exists()


def test_a_batch_as_spreadsheets_write_it(tmp_path):
    """A byte-order mark, quotation marks, blanks, CR LF, names in capitals; from a file that can be read once, too."""
    store = Store(tmp_path).make()
    quoted = ["ICCID,IMSI,K,OPc", *(",".join(f' "{value}" ' for value in line.split(",")[:4]) for line in GOOD), "   "]
    (tmp_path / "batch.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(quoted).encode())
    assert store.run("import", tmp_path / "batch.csv")[0]["imported"] == 3
    plain = "\n".join(GOOD).replace(",1234", "")
    done = subprocess.run([*store.command("import", "-"), "--json"], input=plain, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["there-already"] == 3, "the same values, however they were written"
    os.mkfifo(tmp_path / "fifo")
    with subprocess.Popen(["sh", "-c", f"printf '{GOOD[0]}' > {tmp_path / 'fifo'}"]):
        assert store.run("import", tmp_path / "fifo")[0]["there-already"] == 1


def test_what_is_no_batch_is_refused(tmp_path):
    store = Store(tmp_path).make()
    assert "Is a directory" in store.run("import", tmp_path, status=1)[1]
    # K and OPc look the same: the names of the columns are taken at their word.
    for head in ("iccid,imsi,opc,k", "imsi,iccid,k,opc", "iccid,imsi,k,opc,puk"):
        report, told = store.run("import", store.batch([head, *GOOD]), status=1)
        assert "names other columns" in told and report["imported"] == 0
    assert "commas in between" in store.run("import", store.batch([GOOD[0].replace(",", ";")]), status=1)[1]
    assert "no line has a USIM" in store.run("import", store.batch(["iccid,imsi,k,opc"]), status=1)[1]
    assert store.run("show")[0]["usims"] == []


def many(count):
    return [f"8988211{number:011},00101{number:010},{K},{OPC}" for number in range(count)]


def test_an_interrupted_import_goes_on(tmp_path):
    """In the second batch of those that are written at a time. What is told is there, and nothing else."""
    store = Store(tmp_path).make()
    lines = many(305)
    os.mkfifo(tmp_path / "fifo")
    # Both ends are ours, too, so that it is there for as long as the test.
    with open(tmp_path / "fifo", "r+b", buffering=0) as fifo, subprocess.Popen(
            [*store.command("import", tmp_path / "fifo"), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        fifo.write("".join(f"{line}\n" for line in lines[:300]).encode())
        while not list(store.path.glob("*.profile")):
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        # Had the signal come just before it waited for more, it would wait.
        fifo.write(f"{lines[300]}\n".encode())
        output, told = child.communicate()
    report = json.loads(output)
    assert child.returncode == 1 and "stopped in line" in told and 256 <= report["imported"] <= 301
    assert len(list(store.path.glob("*.profile"))) == report["imported"] and not list(store.path.glob("*.new"))
    again, _ = store.run("import", store.batch(lines))
    assert (again["imported"], again["there-already"]) == (len(lines) - report["imported"], report["imported"])


def test_two_at_once_do_not_meet(tmp_path):
    """Neither makes a key over the other's, nor a profile."""
    store = Store(tmp_path)
    creates = [subprocess.Popen([*store.command("create", f"--iccid=89882110000000000{number}", f"--imsi=00101012345000{number}")],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for number in (1, 2, 3, 3)]
    assert sorted(child.wait() for child in creates) == [0, 0, 0, 1]
    assert len(store.run("show")[0]["usims"]) == 3 and (store.path / "usim.key").stat().st_mode & 0o077 == 0


def test_a_full_disk_stops_an_import(tmp_path):
    store = Store(tmp_path)
    command = [*store.command("import", store.batch(many(3000))), "--json"]
    status, report, told, files = on_a_small_disk(command, store.path, "400k")
    assert status == 1 and len([name for name in files if name.endswith(".profile")]) == json.loads(report)["imported"] > 0
    assert not any(name.endswith(".new") for name in files)
    assert "No space left on device" in told and len(told.splitlines()) == 2, "one fault, not one a line"


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
    assert all(len(amf) == 4 and len(sqn) == 12 for *_, amf, sqn in lines), "hlr_auc_gw takes no other lengths"
    assert [(imsi, k, opc, amf, int(sqn, 16)) for imsi, k, opc, amf, sqn in lines] == [
        (imsi, k, opc, "8000", 0) for _, imsi, k, opc, *_ in (line.split(",") for line in GOOD)]


def test_export_for_osmo_hlr(store):
    """The commands are carried out on a table as osmo-hlr has it (its sql/hlr.sql), by its terminal's grammar (OsmoHLR
    VTY reference, "subscriber ... update aud3g")."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE subscriber (id INTEGER PRIMARY KEY, imsi VARCHAR(15) UNIQUE NOT NULL)")
    database.execute("CREATE TABLE auc_3g (subscriber_id INTEGER UNIQUE NOT NULL REFERENCES subscriber, algo TEXT, k TEXT, opc TEXT,"
                     " sqn INTEGER DEFAULT 0, ind_bitlen INTEGER CHECK (ind_bitlen BETWEEN 0 AND 28))")
    enable, *commands = store.export("osmo-hlr").splitlines()
    assert enable == "enable", "subscribers are changed in its enabled mode only"
    for line in commands:
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
    """A document a line, with the fields of Open5GS's subscriber schema; its lib/dbi/subscription.c reads a sequence number that is
    a 64-bit integer and no other, which mongoimport makes of this form alone."""
    documents = [json.loads(line) for line in store.export("open5gs").splitlines()]
    assert [(document["imsi"], document["security"]) for document in documents] == [
        (imsi, {"k": k, "opc": opc, "op": None, "amf": "8000", "sqn": {"$numberLong": "0"}}) for _, imsi, k, opc, *_ in (line.split(",") for line in GOOD)]
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


def test_options_of_create(tmp_path):
    """Each is told as it is, before anything is made or asked for."""
    store = Store(tmp_path)
    for options, status, fault in (
            (["--imsi=00101012345678x"], 1, "IMSI 00101012345678x: 6 to 15 digits"), (["--imsi=0010101234567890"], 1, "6 to 15 digits"),
            (["--mnc-digits=4"], 1, "a number from 2 to 3"), (["--iccid=1"], 1, "18 digits"), (["--algorithm=TUAK"], 1, "milenage or tuak"),
            (["--persona=Work:read"], 1, "[a-z0-9-]"), (["--persona=work:read", "--persona=work:authenticate"], 1, "given twice"),
            (["--persona=work"], 1, "NAME:read"), (["--routing-indicator=ab"], 1, "1 to 4 digits"),
            (["--suci-key=A:1:aabb"], 1, "not a public key of profile A"), (["--suci-key=A:256:aabb"], 1, "ID from 0 to 255"),
            (["--name=M\u00fcller"], 1, "A-Z"), (["--name=" + "x" * 17], 1, "at most 16"), (["--service=0"], 1, "1 to 144"),
            (["--service=28"], 1, "--service=28: terminals would miss it, since the card does not have it; it has 2 10 12"),
            (["--pin=12"], 1, "4 to 8 digits"), (["--pin=1234", "--ask-pin"], 2, "one is enough"), (["--op-file=/dev/null"], 1, "OP: 32"),
            (["--ask-pin"], 1, "give --pin-file=FILE"), (["surplus"], 2, "no further arguments")):
        done = subprocess.run([*store.command("create", *USIM, *options), "--json"], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, start_new_session=True)
        assert (done.returncode, done.stdout) == (status, "") and fault in done.stderr, done.stderr
    assert not store.path.exists()
    store.make().run("create", "--mnc-digits=3", *USIM)
    assert "already" in store.run("create", *USIM, status=1)[1]
    assert "has it already" in store.run("create", "--iccid=898821100000000078", USIM[1], status=1)[1]
    assert store.run("show", "898821100000000077")[0]["usims"][0]["mnc-digits"] == 3, "the check digit may be left out"
    assert "there is no USIM 8988211000000000797" in store.run("show", "898821100000000079", status=1)[1]
    (store.path / "usim.key").rename(tmp_path / "usim.key")
    assert "usim.key is gone" in store.run("create", "--iccid=898821100000000078", "--imsi=001010123450078", status=1)[1]
    assert "has no USIM profiles" in store.run("show", status=1)[1]


def test_a_store_is_named():
    """An empty name, as of a variable that is not set, is not the root directory."""
    for words in (["create", *USIM], ["import", "/dev/null"], ["show"], ["remove", "x"]):
        for store in ([], ["--store="]):
            done = subprocess.run([TOOL, "usim", *words, *store, "--passphrase-file=/dev/null"], capture_output=True, text=True)
            assert done.returncode == 2 and "Give --store=DIRECTORY" in done.stderr


def pin_of(store):
    """Whether PIN1 is asked for, of each USIM."""
    return [usim["pin"] for usim in store.run("show")[0]["usims"]]


def test_a_pin_is_given_in_a_file(tmp_path):
    """Neither in the list of processes nor in the shell's history."""
    store = Store(tmp_path).make()
    (tmp_path / "pin").write_text("12345678\r\n")
    store.run("create", f"--pin-file={tmp_path / 'pin'}", *USIM)
    done = subprocess.run(store.command("create", "--pin-file=-", "--iccid=898821100000000078", "--imsi=001010123450078"), input="4321\n",
                          text=True, capture_output=True)
    assert done.returncode == 0 and pin_of(store) == [True, True]
    # The line of a batch with the same PIN is the same USIM, and with another it is not.
    keys = {line.split()[0]: line.split()[1:3] for line in store.export("hostapd").splitlines()}
    line = f"898821100000000078,001010123450078,{','.join(keys['001010123450078'])},"
    assert store.run("import", store.batch([line + "4321"]))[0]["there-already"] == 1
    assert "other values" in store.run("import", store.batch([line + "4322"]), status=1)[1]
    for content, fault in (("12", "4 to 8 digits"), ("1234\n5678\n", "4 to 8 digits"), ("1234\0567", "4 to 8 digits"), ("\n", "the PIN is empty")):
        (tmp_path / "pin").write_text(content)
        assert fault in store.run("create", f"--pin-file={tmp_path / 'pin'}", "--iccid=898821100000000079", "--imsi=001010123450079",
                                  status=1)[1]
    twice = [*store.command("create", "--pin-file=-", "--iccid=898821100000000079", "--imsi=001010123450079"), "--passphrase-file=-"]
    done = subprocess.run(twice, input="1234\n", text=True, capture_output=True)
    assert done.returncode == 1 and "standard input was read already" in done.stderr


def echoes(child):
    return bool(termios.tcgetattr(child.child_fd)[3] & termios.ECHO)


def test_a_pin_is_asked_for_on_the_terminal(tmp_path):
    store = Store(tmp_path)
    command = store.command("create", "--ask-pin", *USIM)
    child = pexpect.spawn(command[0], command[1:], timeout=30)
    child.expect("New PIN: ")
    assert not echoes(child)
    child.sendline("1234")
    child.expect("The same again: ")
    child.sendline("1235")
    child.expect("the two PINs differ; nothing was done")
    child.expect(pexpect.EOF)
    assert b"1234" not in child.before and not store.path.exists()
    # Who interrupts the question has a terminal that shows what is typed.
    child = pexpect.spawn("/bin/sh", ["-c", " ".join(map(str, command)) + "; echo ended"], timeout=30)
    child.expect("New PIN: ")
    assert not echoes(child)
    child.sendintr()
    child.expect([pexpect.EOF, "ended"])
    assert echoes(child)
    child = pexpect.spawn(command[0], command[1:], timeout=30)
    for question in ("New PIN: ", "The same again: "):
        child.expect(question)
        child.sendline("1234")
    child.expect(pexpect.EOF)
    assert pin_of(store) == [True]


def test_what_could_not_be_shown_is_a_failure(store):
    with open("/dev/full", "w") as full:
        done = subprocess.run(store.command("show"), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "was not shown" in done.stderr


def test_what_is_exported_is_told(store):
    command = ["export-auc", f"--output={store.directory / 'auc'}"]
    assert store.run(*command, "--format=hostapd", "8988211000000000011")[0] == {
        "format": "hostapd", "usims": 1, "output": str(store.directory / "auc"), "dry-run": False}
    assert "hostapd, osmo-hlr or open5gs" in store.run(*command, "--format=x", status=1)[1]
    assert "is not printed" in store.run("export-auc", "--output=-", "--format=hostapd", status=2)[1]
    store.run("export-auc", f"--output={store.directory / 'no' / 'auc'}", "--format=hostapd", status=1)
    # What is no plain file is not replaced by one, which an administrator of the machine could.
    os.mkfifo(store.directory / "fifo")
    (store.directory / "link").symlink_to(store.directory / "auc")
    for name, fault in (("fifo", "no plain file"), ("link", "no plain file"), ("", "Is a directory")):
        assert fault in store.run("export-auc", f"--output={store.directory / name}", "--format=hostapd", "8988211000000000011", status=1)[1]
    assert (store.directory / "fifo").is_fifo() and (store.directory / "link").is_symlink()


# What is removed, interrupted or found out fast


def opened(store, path, use):
    """What one of the store's files says, for those who have its key."""
    label = hmac.digest(store.key, b"flipside usim 1 encryption\0" + bytes([use]), "sha256")
    data = path.read_bytes()
    return AESGCM(label).decrypt(data[:12], data[12:], None)


def names(store):
    return sorted(path.name for path in store.path.iterdir() if path.name != "usim.key")


def one_usim(directory, *options):
    store = Store(directory).make()
    store.run("create", *USIM, *options)
    return store, "8988211000000000771"


def serve(store, iccid=None, *options):
    return Card(store.command("serve", *options, iccid or "8988211000000000771"))


def test_a_usim_is_removed(tmp_path):
    store, iccid = one_usim(tmp_path)
    profile = store.path / f"{iccid}.profile"
    os.link(profile, tmp_path / "kept")
    before = profile.read_bytes()
    assert store.run("remove", "--dry-run", iccid)[0] == {
        "iccid": iccid, "imsi": "001010123450077", "had-by": "nobody", "thumbprint": "", "dry-run": True}
    for arguments, status, fault in (([iccid, iccid], 2, "ICCID of one"), ([], 2, "ICCID of one"), (["898821100000000079"], 1, "no USIM"),
                                     ([f"--org={tmp_path}", iccid], 1, "no organisation")):
        assert fault in store.run("remove", "--yes", *arguments, status=status)[1]
    done = subprocess.run(store.command("remove", iccid), capture_output=True, text=True, stdin=subprocess.DEVNULL, start_new_session=True)
    assert done.returncode == 3 and "give --yes" in done.stderr
    for answer in ("no", "y", "\x03"):
        assert ask_to_remove(store, iccid, answer) != 0
        assert profile.read_bytes() == before
    assert ask_to_remove(store, iccid, "yes") == 0
    assert names(store) == [] and (tmp_path / "kept").read_bytes() == bytes(len(before)), "overwritten, not unlinked alone"
    store.run("create", *USIM)


def ask_to_remove(store, iccid, answer):
    command = store.command("remove", iccid)
    child = pexpect.spawn(command[0], command[1:], timeout=30)
    child.expect(f"ICCID {iccid}\r\n *IMSI  001010123450077\r\n.*nobody.*Remove it")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def test_who_had_a_usim_is_noted_when_it_is_removed(tmp_path):
    """No second card has its keys: not by its own file, put back, nor by the batch that it came from, nor under another number."""
    store = Store(tmp_path).make()
    store.run("import", store.batch(GOOD[:2]))
    iccid, other = "8988211000000000011", "8988211000000000029"
    saved = {path: path.read_bytes() for path in store.path.iterdir()}
    for number in (iccid, other):
        card = serve(store, number)
        assert "is being served" in store.run("remove", "--yes", number, status=3)[1]
        card.close()
        assert store.run("remove", "--yes", number)[0]["had-by"] == "this machine"
    assert names(store) == [f"{iccid}.removed", f"{other}.removed"]
    note = store.path / f"{iccid}.removed"
    assert decode(opened(store, note, 4), "usim-removal")[1::2] == [iccid, None]
    assert "after this machine had it" in store.run("create", f"--iccid={iccid}", "--imsi=001010123450009", status=1)[1]
    again = [line.replace("89882110000000000", "89882110000000005") for line in GOOD[:2]]
    for lines in (GOOD[:2], again):
        report, told = store.run("import", store.batch(lines), status=1)
        assert report["left-out"] == 2 and told.count("a USIM has one holder") == 2
    assert names(store) == [f"{iccid}.removed", f"{other}.removed"]
    assert store.run("import", store.batch([again[0].replace(K[:4], "ffff")]))[0]["imported"] == 1, "a new card for the same subscriber"
    # An older copy of the store, whole but for what is newer.
    for path, content in saved.items():
        path.write_bytes(content)
    assert "was removed" in store.run("serve", "--dry-run", iccid, status=3)[1]
    swapped = (store.path / f"{other}.removed").read_bytes()
    for forged in (note.read_bytes()[:-1] + bytes([note.read_bytes()[-1] ^ 1]), swapped, b"", b"x" * 999):
        note.write_bytes(forged)
        for command in (["serve", "--dry-run", iccid], ["remove", "--yes", iccid], ["create", *USIM]):
            assert f"{iccid}.removed" in store.run(*command, status=1 if len(forged) > 500 else 3)[1]


def cut(store, whole, command, call, number):
    """Carries out a command that is killed at the call of that number. Whether it was, and the names of the files that are left."""
    for path in store.path.iterdir():
        path.unlink()
    for name, content in whole.items():
        (store.path / name).write_bytes(content)
    killed = subprocess.run(["strace", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}", *command],
                            capture_output=True, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}).returncode != 0
    return killed, names(store)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (scripts/setup)")
def test_a_removal_is_cut_at_each_write(tmp_path):
    """Then the USIM is whole or gone, never free for another holder, and what is left is cleared away."""
    store, iccid = one_usim(tmp_path)
    serve(store).close()
    whole, cuts, seen = {path.name: path.read_bytes() for path in store.path.iterdir()}, 0, set()
    for call in ("write", "fsync", "rename", "unlink"):
        for number in itertools.count(1):
            killed, left = cut(store, whole, store.command("remove", "--yes", iccid), call, number)
            if not killed:
                break
            if f"{iccid}.profile" in left:
                assert (store.path / f"{iccid}.profile").read_bytes() == whole[f"{iccid}.profile"]
                assert f"{iccid}.removed" in left or (store.path / f"{iccid}.state").read_bytes() == whole[f"{iccid}.state"]
                store.run("remove", "--yes", iccid)
            elif left != [f"{iccid}.removed"]:
                _, told = store.run("create", *USIM, status=1)
                assert "cleared away" in told and "has one holder" in told
            assert names(store) == [f"{iccid}.removed"]
            cuts, seen = cuts + 1, seen | {name.split(".", 1)[1] for name in left}
    assert cuts > 8 and seen == {"profile", "state", "removed.new", "removed", "removing"}


def test_what_an_interrupted_import_left_is_cleared_away(tmp_path):
    store, iccid = one_usim(tmp_path)
    left = [store.path / f"89882110000000008{number}.profile.new" for number in range(10, 13)]
    for path in (*left, store.path / "mine.new", store.path / "notes"):
        path.write_bytes(b"x")
    store.run("show")
    store.run("create", "--dry-run", "--iccid=898821100000000078", "--imsi=001010123450078")
    assert all(path.exists() for path in left), "who changes nothing clears nothing away"
    _, told = store.run("create", "--iccid=898821100000000078", "--imsi=001010123450078")
    assert told == f"flipside: 3 files that an interrupted flipside left in {store.path} were cleared away\n"
    assert names(store) == [f"{iccid}.profile", "8988211000000000789.profile", "mine.new", "notes"]


def test_the_index_is_relied_on_for_nothing(tmp_path):
    """It is there for more than a thousand, and says what the profiles say; lost, altered, or older, it changes no answer."""
    store = Store(tmp_path).make()
    index = store.path / "usim.index"
    store.run("import", store.batch(many(1001)))
    rows = decode(opened(store, index, 3), "usim-index")[1]
    assert [(row[0] // 10, row[1]) for row in rows] == [(int(f"8988211{number:011}"), int(f"100101{number:010}")) for number in range(1001)]
    assert all((store.path / f"{row[0]:019}.profile").read_bytes()[:12] == row[2] for row in rows)
    first = store.path / f"{rows[0][0]:019}.profile"

    def answers(taken, free):
        create = ["create", "--dry-run", "--iccid=898821199999999999"]
        assert "has it already" in store.run(*create, f"--imsi={taken}", status=1)[1]
        return store.run(*create, f"--imsi={free}")[1]

    # Another content under the same name: taken away, made anew with another IMSI; the index is older.
    old = first.read_bytes()
    store.run("remove", "--yes", first.stem)
    assert answers("001010000000001", "001010000000000") == ""
    store.run("create", f"--iccid={first.stem}", "--imsi=001010000009999")
    assert answers("001010000009999", "001010000000000") == ""
    # And the older content put back, by whoever can write here.
    first.write_bytes(old)
    assert answers("001010000000000", "001010000009999") == ""
    whole = index.read_bytes()
    for altered in (b"", first.read_bytes(), whole[:-1] + bytes([whole[-1] ^ 1])):
        index.write_bytes(altered)
        told = store.run("create", "--iccid=898821199999999999", "--imsi=001010000001000", status=1)[1]
        assert "usim.index: altered or damaged" in told and "has it already" in told
    _, told = store.run("create", "--iccid=898821199999999977", USIM[1])
    assert "altered or damaged" in told and answers("001010123450077", "001010000009999") == "", "it mends itself"
    index.unlink()
    store.run("create", "--iccid=898821199999999978", "--imsi=001010123450078")
    assert index.exists()


# What readers do to a card that is served

ADF, RAND = bytes.fromhex("00a4040c07a0000000871002"), "23553cbe9637a89d218ae64dae47bf35"


def authenticates(card, sqn):
    """Whether a challenge is accepted; else the card asks to go on from what it has (AUTS)."""
    if shutil.which("osmo-auc-gen") is None:
        pytest.skip("osmo-auc-gen is not installed (scripts/setup)")
    text = subprocess.run(["osmo-auc-gen", "-3", "-a", "milenage", "-k", K[:-2] + "01", "-o", OPC, "-f", "8000", "-s", str(sqn), "-r", RAND],
                          capture_output=True, text=True, check=True).stdout
    autn = re.search(r"^AUTN:\t(\S+)$", text, re.M).group(1)
    assert card.transmit(ADF) == b"\x90\x00"
    answer = card.transmit(bytes.fromhex(f"0088008122 10{RAND} 10{autn}"))
    assert answer[0] in (0xdb, 0xdc) and answer[-2:] == b"\x90\x00"
    return answer[0] == 0xdb


def test_a_served_card_loses_nothing_whatever_its_reader_does(tmp_path):
    """However it ends, but by a power cut: it knows then what it accepted, and needs no resynchronisation."""
    store = Store(tmp_path).make()
    store.run("import", store.batch(GOOD[:1]))
    ends = {
        "the reader goes away": lambda card: card.socket.close(),
        "in the middle of a length": lambda card: (card.socket.sendall(b"\0"), card.socket.close()),
        "in the middle of a command": lambda card: (card.socket.sendall(b"\0\x20\0\xa4"), card.socket.close()),
        "with what is no order": lambda card: card.send(b"\x77"),
        "the reader hangs up at an answer": lambda card: (card.send(ADF * 21), card.socket.close()),
        "asked to end while it waits": lambda card: card.process.terminate(),
        "and in the middle of a command": lambda card: (card.socket.sendall(b"\xff\xff\0"), card.process.send_signal(signal.SIGINT)),
        "the terminal is closed": lambda card: card.process.send_signal(signal.SIGHUP),
        "no answer is taken": lambda card: (flood(card), card.process.terminate()),
    }
    for number, (what, end) in enumerate(ends.items(), 1):
        card = serve(store, "8988211000000000011")
        assert authenticates(card, 32 * number), what
        end(card)
        assert card.process.wait(timeout=30) == 0, what
        card.socket.close()
    card = serve(store, "8988211000000000011")
    # Frames that are no commands are answered, or passed over, and the next is as any.
    card.socket.sendall(b"\0\0" * 9)
    for size in (2, 3, 4, 5, 261, 262, 65535):
        assert len(card.transmit(b"\xa5" * size)) == 2
    second = subprocess.run([*store.command("serve", "8988211000000000011"), f"--port={unused_port()}"], capture_output=True, text=True)
    assert second.returncode == 1 and "being served already" in second.stderr
    assert authenticates(card, 3200)
    assert not authenticates(card, 3200), "and none twice"
    card.close()


def flood(card):
    card.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        while True:
            card.socket.sendall((len(ADF).to_bytes(2, "big") + ADF) * 5000)


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_damaged_profile_is_told(tmp_path):
    """It is removed by nobody's word, since nobody can say who had it."""
    store, iccid = one_usim(tmp_path)
    path = store.path / f"{iccid}.profile"
    path.write_bytes(path.read_bytes()[:-1])
    for command in (["show"], ["remove", "--yes", iccid], ["serve", iccid], ["create", "--iccid=898821100000000078", "--imsi=001010123450078"]):
        assert f"{path}: altered" in (told := store.run(*command, status=3)[1]) and "from a copy" in told
    assert path.exists()
    path.unlink()
    assert store.run("show")[0]["usims"] == []


def test_a_card_that_no_reader_took_was_not_served(tmp_path):
    store, iccid = one_usim(tmp_path)
    command = ["serve", f"--port={unused_port()}", iccid]
    assert "is pcscd running" in store.run(*command, status=1)[1]
    assert store.run("serve", "--dry-run", iccid)[0]["dry-run"] is True
    assert names(store) == [f"{iccid}.profile"]
