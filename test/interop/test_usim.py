# SPDX-License-Identifier: BSD-3-Clause
"""The USIM on loopback with programs that we did not write: pcscd with vsmartcard's reader, pcsc_scan, opensc-tool,
eapol_test and wpa_supplicant against hostapd's EAP server, whose authentication centre stands on osmo-auc-gen.

All of it runs in namespaces of its own: a loopback interface of its own, and a /run where pcscd has its socket. Nothing
is left running, and the machine's own pcscd, if it has one, is not touched."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
USIM_README = HERE / "../../crypto/usim/README.md"
TOOL = os.path.abspath(os.environ.get("FLIPSIDE", "build/host/persona/flipside"))
NEEDED = ["pcscd", "pcsc_scan", "opensc-tool", "eapol_test", "hostapd", "wpa_supplicant", "osmo-auc-gen", "unshare"]
READER = "Virtual PCD 00 00"
VPCD = Path("/etc/reader.conf.d/vpcd")
IMSI, PIN_IMSI, OTHER_IMSI = "001010123456789", "001010123456790", "001010123456791"
RADIUS_PORT, SECRET = 18120, "radius"


def has_namespaces():
    return subprocess.run(["unshare", "-r", "-m", "-n", "-p", "-f", "mount", "-t", "tmpfs", "none", "/run"],
                          capture_output=True).returncode == 0


pytestmark = [
    pytest.mark.skipif(any(shutil.which(name, path="/usr/sbin:" + os.environ["PATH"]) is None for name in NEEDED)
                       or not VPCD.exists(), reason="PC/SC or EAP programs are not installed (scripts/setup)"),
    pytest.mark.skipif(not has_namespaces(), reason="no namespaces here"),
]


class World:
    """Processes in the namespaces."""

    def __init__(self, directory):
        self.directory, self.processes = directory, []
        script = "mount -t tmpfs none /run && mkdir -p /run/pcscd && ip link set lo up && echo up && exec sleep 3600"
        self.init = subprocess.Popen(["unshare", "-r", "-m", "-n", "-p", "-f", "--kill-child", "sh", "-c", script],
                                     stdout=subprocess.PIPE, text=True)
        assert self.init.stdout.readline() == "up\n"
        children = Path(f"/proc/{self.init.pid}/task/{self.init.pid}/children").read_text().split()
        self.enter = ["nsenter", "-t", children[0], "-U", "-m", "-n", "-p", "--preserve-credentials", "--"]

    def command(self, arguments):
        return self.enter + [str(argument) for argument in arguments]

    def run(self, *arguments, timeout=60, status=0):
        result = subprocess.run(self.command(arguments), capture_output=True, text=True, timeout=timeout)
        if status is not None:
            assert result.returncode == status, result.stdout[-3000:] + result.stderr[-2000:]
        return result.stdout + result.stderr

    def start(self, *arguments, name):
        log = self.directory / f"{name}.log"
        with open(log, "w") as file:
            process = subprocess.Popen(self.command(arguments), stdout=file, stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process, log

    def stop(self, process):
        """Ends it, through nsenter to what it started."""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]) if children else process.pid, signal.SIGTERM)
        process.wait(timeout=60)
        self.processes.remove(process)

    def close(self):
        self.init.kill()
        self.init.wait()
        for process in self.processes:
            process.wait(timeout=60)


def happens(condition, timeout):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def wait_for(what, condition, timeout=60):
    assert happens(condition, timeout), what


def says(log, text):
    return lambda: text in log.read_text()


class Network(World):
    def __init__(self, directory):
        super().__init__(directory)
        (directory / "passphrase").write_text("a passphrase of the store\n")
        self.store, self.card = directory / "store", None
        self.cards = {imsi: self.flipside("create", f"--iccid=89882110000000000{number}", f"--imsi={imsi}", *options)
                      ["iccid"] for number, (imsi, options) in enumerate(
                          [(IMSI, ["--gsm", "--name=Flipside"]), (PIN_IMSI, ["--pin=1234"]), (OTHER_IMSI, [])], 1)}
        self.flipside("export-auc", "--format=hostapd", f"--output={directory / 'auc'}")
        self.start("pcscd", "--foreground", "--config", VPCD, name="pcscd")
        # The reader is there when it listens.
        wait_for("the reader", lambda: READER in self.run("pcsc_scan", "-r", status=None))
        self.start_auc()
        self.start_radius()

    def flipside(self, *arguments, status=0):
        text = subprocess.run([TOOL, "usim", arguments[0], "--json", f"--store={self.store}",
                               f"--passphrase-file={self.directory / 'passphrase'}", *arguments[1:]],
                              capture_output=True, text=True)
        assert text.returncode == status, text.stderr
        return json.loads(text.stdout or "{}")

    def insert(self, imsi):
        for _ in range(3):
            self.remove()
            self.card, log = self.start(TOOL, "usim", "serve", f"--store={self.store}",
                                        f"--passphrase-file={self.directory / 'passphrase'}", self.cards[imsi],
                                        name="serve")
            wait_for("the card", says(log, "is in the reader"))
            # A reset that pcscd makes while the card comes can leave it mute to pcscd until it is taken out.
            if happens(self.answers, 10):
                break
        else:
            pytest.fail(log.read_text() + (self.directory / "pcscd.log").read_text()[-2000:])
        # pcscd looks at the reader now and then, and resets a card that it has not seen come.
        wait_for("the card to stay", lambda: self.reads_directory() and self.reads_directory())

    def answers(self):
        """@return whether pcscd has a card, whose answer to reset it is"""
        return "3b:9f" in self.run("opensc-tool", "-r", "0", "-a", status=None)

    def is_empty(self):
        """@return whether pcscd knows of no card; one that is mute to it does not answer either, and is there"""
        return re.search(r"^0 +No ", self.run("opensc-tool", "-l", status=None), re.MULTILINE) is not None

    def reads_directory(self):
        """@return whether a command gets through to the card"""
        return "SW1=0x90" in self.run("opensc-tool", "-r", "0", "-s", "00:A4:00:0C:02:2F:00", status=None)

    def remove(self):
        """Returns when pcscd knows it, too: else it takes the next card for this one."""
        if self.card is not None:
            self.stop(self.card)
            wait_for("the reader to be empty", self.is_empty)
        self.card = None

    def start_auc(self):
        _, log = self.start(sys.executable, "-B", HERE / "usim_network.py", self.directory / "auc.socket",
                            self.directory / "auc", self.directory / "resynchronised", name="auc")
        wait_for("the authentication centre", says(log, "ready"))

    def tell_auc(self, what, value, imsi=IMSI):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(f"TEST-{what} {imsi} {value}".encode(), str(self.directory / "auc.socket"))

    def start_radius(self):
        (self.directory / "users").write_text('"0"* AKA\n"6"* AKA\'\n* AKA,AKA\',SIM\n')
        (self.directory / "clients").write_text(f"127.0.0.1 {SECRET}\n")
        (self.directory / "radius.conf").write_text(
            f"driver=none\neap_server=1\neap_user_file={self.directory}/users\n"
            f"eap_sim_db=unix:{self.directory}/auc.socket\n"
            f"radius_server_clients={self.directory}/clients\nradius_server_auth_port={RADIUS_PORT}\n"
            "eap_sim_aka_result_ind=0\neap_sim_id=0\n"
            "eap_sim_db_timeout=30\n")  # the centre is a script, which a busy machine lets wait
        # It binds there under its number as a process, which starts anew in each name space, and leaves it when it is killed.
        for left in Path("/tmp").glob("eap_sim_db_*"):
            left.unlink(missing_ok=True)
        _, log = self.start("hostapd", self.directory / "radius.conf", name="hostapd")
        wait_for("hostapd", says(log, "AP-ENABLED"))

    def eapol_command(self, eap="AKA", pin=None, count=0, seconds=60):
        """@return eapol_test for 1 + count full authentications"""
        lines = ["fast_reauth=0", "network={", "key_mgmt=IEEE8021X", f"eap={eap}", 'pcsc=""', "eapol_flags=0"]
        if pin:
            lines.append(f'pin="{pin}"')
        (self.directory / "aka.conf").write_text("\n".join([*lines, "}", ""]))
        return ["eapol_test", "-c", self.directory / "aka.conf", "-a", "127.0.0.1", "-p", RADIUS_PORT, "-s", SECRET, "-R", READER,
                "-r", count, "-t", seconds]

    def eapol_test(self, *arguments, **options):
        """@return its output"""
        return self.run(*self.eapol_command(*arguments, **options), status=None, timeout=300)

    def resynchronised(self):
        path = self.directory / "resynchronised"
        return int(path.read_text()) if path.exists() else 0


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    world = Network(tmp_path_factory.mktemp("usim"))
    yield world
    world.remove()
    world.close()


def test_scanned(network):
    network.insert(IMSI)
    scan, log = network.start("pcsc_scan", "-n", name="scan")
    wait_for("the card's ATR", says(log, "3B 9F 01 80 1F 87 80 31 E0 73 FE 21 1B 67 4A 4C 75 30 34 05 4B 3E"))
    network.stop(scan)
    assert "Card inserted" in log.read_text()


def test_files_read(network):
    """DIR, ICCID and IMSI, by name, path and record, as opensc-tool sends them."""
    network.insert(IMSI)
    text = network.run("opensc-tool", "-r", "0", "-s", "00:A4:04:0C:07:A0:00:00:00:87:10:02", "-s", "00:B0:87:00:09",
                       "-s", "00:A4:08:0C:02:2F:E2", "-s", "00:B0:00:00:0A", "-s", "00:A4:00:04:02:2F:00",
                       "-s", "00:B2:01:04:20")
    assert "08 09 10 10 10 32 54 76 98" in text
    assert "98 88 12 01 00 00 00 00 10" in text
    assert "61 18 4F 10 A0 00 00 00 87 10 02" in text
    assert len(re.findall(r"SW1=0x90, SW2=0x00", text)) == 6


@pytest.mark.parametrize("eap", ["AKA", "AKA'"])
def test_authenticates(network, eap):
    network.insert(IMSI)
    text = network.eapol_test(eap)
    assert text.rstrip().endswith("SUCCESS"), text[-2000:]


def test_resynchronises(network):
    """The network is behind the card; after an unclean stop the card is ahead of itself, once."""
    network.insert(IMSI)
    network.tell_auc("SQN", 0x20000)
    assert network.eapol_test().rstrip().endswith("SUCCESS")
    network.tell_auc("SQN", 0)
    assert network.eapol_test().rstrip().endswith("SUCCESS")
    assert network.resynchronised() == 1
    os.kill(int(Path(f"/proc/{network.card.pid}/task/{network.card.pid}/children").read_text().split()[0]), signal.SIGKILL)
    network.card.wait()
    network.card = None
    network.insert(IMSI)
    assert network.eapol_test().rstrip().endswith("SUCCESS")
    assert network.resynchronised() == 2
    network.insert(IMSI)
    assert network.eapol_test().rstrip().endswith("SUCCESS")
    assert network.resynchronised() == 2


def test_wrong_key(network):
    network.insert(IMSI)
    k = (network.directory / "auc").read_text().split()[1]
    network.tell_auc("K", f"{int(k[0], 16) ^ 1:x}{k[1:]}")
    text = network.eapol_test()
    assert text.rstrip().endswith("FAILURE") and "UMTS authentication failed" in text
    network.tell_auc("K", k)


def test_pin(network):
    network.insert(PIN_IMSI)
    assert network.eapol_test(pin="1234").rstrip().endswith("SUCCESS")
    wrong, log = network.start("stdbuf", "-oL", *network.eapol_command(pin="4321"), name="wrong")
    wait_for("the wrong PIN to be refused", says(log, "PIN verification failed"))
    network.stop(wrong)
    assert "EAP-SUCCESS" not in log.read_text()
    text = network.run("opensc-tool", "-r", "0", "-s", "00:A4:04:0C:07:A0:00:00:00:87:10:02", "-s", "00:20:00:01:00")
    assert "SW1=0x63, SW2=0xC2" in text
    assert network.eapol_test(pin="1234").rstrip().endswith("SUCCESS")


def test_many(network):
    """Many in a row in one session with the card, of which eapol_test does eight a second; fast reauthentication, which
    does not ask the card, is off."""
    network.insert(OTHER_IMSI)
    many = 500 if os.environ.get("FLIPSIDE_SOAK") else 40
    text = network.eapol_test(count=many - 1, seconds=120)
    assert text.rstrip().endswith("SUCCESS"), text[-2000:]
    assert text.count("CTRL-EVENT-EAP-SUCCESS") == many


def test_wired(network):
    """wpa_supplicant over a veth pair, against hostapd as a wired authenticator; configured as the example in
    crypto/usim/README.md has it, but for what is a wireless network's."""
    network.insert(PIN_IMSI)
    [example] = re.findall(r"^    (pcsc_reader=.*?^    })$", USIM_README.read_text(), re.MULTILINE | re.DOTALL)
    example = example.replace("WPA-EAP", "IEEE8021X").replace('ssid="operator"', "eapol_flags=0")
    assert "IEEE8021X" in example and "eapol_flags=0" in example and READER in example
    network.run("ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
    for link in ("veth0", "veth1"):
        network.run("ip", "link", "set", link, "up")
    (network.directory / "wired.conf").write_text(
        "interface=veth0\ndriver=wired\nieee8021x=1\neap_server=1\neapol_version=2\n"
        f"eap_user_file={network.directory}/users\neap_sim_db=unix:{network.directory}/auc.socket\n")
    (network.directory / "wpa.conf").write_text(
        f"ap_scan=0\nctrl_interface=/run/wpa\n{example}\n")
    authenticator, log = network.start("hostapd", network.directory / "wired.conf", name="wired")
    wait_for("hostapd", says(log, "AP-ENABLED"))
    supplicant, log = network.start("wpa_supplicant", "-D", "wired", "-i", "veth1", "-c",
                                    network.directory / "wpa.conf", name="wpa_supplicant")
    wait_for("wpa_supplicant", says(log, "CTRL-EVENT-EAP-SUCCESS"))
    wait_for("COMPLETED", lambda: "wpa_state=COMPLETED" in network.run("wpa_cli", "-p", "/run/wpa", "-i", "veth1", "status"))
    network.stop(supplicant)
    network.stop(authenticator)
