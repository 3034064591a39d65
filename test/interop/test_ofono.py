# SPDX-License-Identifier: BSD-3-Clause
"""oFono with the USIM: it asks for the PIN, reads ICCID and IMSI, and authenticates, on its way through a modem by AT commands
which passes on to the card what is asked of it. Its challenges are osmo-auc-gen's."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from test_usim import TOOL, World, has_namespaces, says, wait_for
from usim_network import Subscriber

HERE = Path(__file__).parent
NEEDED = ["ofonod", "dbus-daemon", "osmo-auc-gen", "unshare"]
IMSI, PIN, PORT = "001010123456789", "1234", 12345
MODEM = "/phonesim"
STORED = "/var/lib/ofono"  # what oFono remembers of cards

pytestmark = [
    pytest.mark.skipif(any(shutil.which(name, path="/usr/sbin:" + os.environ["PATH"]) is None for name in NEEDED)
                       or find_spec("dbus") is None or not Path(STORED).exists(), reason="oFono or D-Bus is not installed (scripts/setup)"),
    pytest.mark.skipif(not has_namespaces(), reason="no namespaces here"),
]

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={path}</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"""


class Phone(World):
    """A card, a modem that it is in, a system bus and oFono."""

    def begin(self):
        directory = self.directory
        (directory / "passphrase").write_text("a passphrase of the store\n")
        common = [f"--store={directory / 'store'}", f"--passphrase-file={directory / 'passphrase'}"]
        made = subprocess.run([TOOL, "usim", "create", "--json", *common, "--iccid=898821100000000001", f"--imsi={IMSI}",
                               f"--pin={PIN}"], capture_output=True, text=True, check=True)
        self.iccid = json.loads(made.stdout)["iccid"]
        subprocess.run([TOOL, "usim", "export-auc", *common, "--format=hostapd", f"--output={directory / 'auc'}"], check=True)
        _, k, opc, *_ = (directory / "auc").read_text().split()
        self.network = Subscriber(k, opc, 0)
        self.run("mount", "-t", "tmpfs", "none", STORED)
        self.start_modem(TOOL, "usim", "serve", *common, self.iccid)
        self.bus = f"unix:path={directory / 'bus'}"
        (directory / "bus.conf").write_text(BUS.format(path=directory / "bus"))
        _, log = self.start("dbus-daemon", "--nofork", "--print-address", f"--config-file={directory / 'bus.conf'}", name="dbus")
        wait_for("the bus", says(log, "unix:path="))
        self.start_ofono()

    def start_modem(self, *card):
        _, self.modem_log = self.start(sys.executable, "-B", HERE / "usim_modem.py", PORT, *card, name="modem")
        wait_for("the modem", says(self.modem_log, "ready"))

    def on_bus(self, *command):
        return "env", f"DBUS_SYSTEM_BUS_ADDRESS={self.bus}", *command

    def start_ofono(self):
        (self.directory / "phonesim.conf").write_text(f"[{MODEM[1:]}]\nAddress=127.0.0.1\nPort={PORT}\n")
        self.start(*self.on_bus("env", f"OFONO_PHONESIM_CONFIG={self.directory / 'phonesim.conf'}", "ofonod", "--nodetach",
                                "--debug", "--plugin=phonesim,atmodem"), name="ofono")
        wait_for("oFono's modem", lambda: self.call("/", "Manager", "GetModems", status=None))
        self.call(MODEM, "Modem", "SetProperty", "Powered", "true")

    def call(self, path, interface, method, *arguments, status=0):
        """What a method returns; None where it may fail, and does."""
        text = self.run(*self.on_bus(sys.executable, "-B", HERE / "ofono_client.py", path, f"org.ofono.{interface}", method,
                                     *arguments), status=status)
        try:
            return json.loads(text)
        except ValueError:
            return None

    def sim(self):
        return self.call(MODEM, "SimManager", "GetProperties", status=None) or {}

    def await_sim(self, name):
        wait_for(f"the SIM's {name}", lambda: name in self.sim())
        return self.sim()[name]


    def usim(self):
        """The path of the USIM's application; None before oFono knows of it."""
        applications = self.call(MODEM, "SimAuthentication", "GetApplications", status=None) or {}
        return next((path for path, application in applications.items() if application["Type"] == "Umts"), None)


@pytest.fixture
def phone(tmp_path):
    world = Phone(tmp_path)
    try:
        world.begin()
        yield world
    finally:
        world.close()


def test_ofono(phone):
    assert phone.await_sim("CardIdentifier") == phone.iccid
    wait_for("the PIN to be asked for", lambda: phone.sim().get("PinRequired") == "pin")
    assert "SubscriberIdentity" not in phone.sim()
    phone.call(MODEM, "SimManager", "EnterPin", "pin", "4321", status=1)
    # It answers, and looks at the tries that are left afterwards.
    wait_for("a try fewer", lambda: phone.sim().get("Retries", {}).get("pin") == 2)
    phone.call(MODEM, "SimManager", "EnterPin", "pin", PIN)
    assert phone.await_sim("SubscriberIdentity") == IMSI
    assert phone.await_sim("MobileCountryCode") == IMSI[:3] and phone.await_sim("MobileNetworkCode") == IMSI[3:5]
    authenticates(phone)


def authenticates(phone):
    """Two vectors, then the first again, which the card answers with AUTS; the network goes on from there."""
    wait_for("the USIM's application", phone.usim)
    path, network, vectors = phone.usim(), phone.network, [phone.network.vector() for _ in range(2)]

    def challenge(vector):
        return phone.call(path, "USimApplication", "UmtsAuthenticate", f"hex:{vector[0]}", f"hex:{vector[1]}")

    for vector in vectors:
        _, _, ik, ck, res = vector
        assert challenge(vector) == {"RES": res, "CK": ck, "IK": ik}
    again = challenge(vectors[0])
    assert list(again) == ["AUTS"]
    network.resynchronise(again["AUTS"], vectors[0][0])
    vector = network.vector()
    assert challenge(vector)["RES"] == vector[4]
