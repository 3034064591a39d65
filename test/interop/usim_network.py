# SPDX-License-Identifier: BSD-3-Clause
"""A home network for one USIM: an authentication centre over osmo-auc-gen, which has nothing in common with our card, as
hostapd asks it (eap_sim_db=unix:SOCKET)."""

import re
import secrets
import socket
import subprocess
import sys


class Subscriber:
    def __init__(self, k, opc, sqn):
        self.k, self.opc, self.sqn = k, opc, sqn
        self.resynchronised = 0

    def generate(self, *arguments):
        command = ["osmo-auc-gen", "-3", "-a", "milenage", "-k", self.k, "-o", self.opc, "-f", "8000", *arguments]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return dict(re.findall(r"^([\w. ]+):\t(\S+)$", text, re.M))

    def vector(self, sqn=None):
        """The next one: another SEQ and another IND each time; or one of an SQN that is given, after which nothing changes."""
        if sqn is None:
            sqn = self.sqn = ((self.sqn >> 5) + 1) << 5 | (self.sqn + 1) % 32
        vector = self.generate("-s", str(sqn), "-r", secrets.token_hex(16))
        return [vector[name].lower() for name in ("RAND", "AUTN", "IK", "CK", "RES")]

    def resynchronise(self, auts, rand):
        answer = self.generate("-A", auts, "-r", rand)
        self.sqn = int(answer["SQN.MS"])
        self.resynchronised += 1


def serve(path, subscribers, count_file):
    """Answers AKA-REQ-AUTH and AKA-AUTS until it is killed. Tests set K and SQN: hostapd does not go on with another
    process on the same socket."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    print("ready", flush=True)
    while True:
        request, sender = listener.recvfrom(1024)
        words = request.decode().split()
        imsi = words[1]
        subscriber = subscribers.get(imsi)
        if words[0] == "AKA-REQ-AUTH":
            answer = " ".join(subscriber.vector()) if subscriber else "FAILURE"
            listener.sendto(f"AKA-RESP-AUTH {imsi} {answer}".encode(), sender)
        elif words[0] == "AKA-AUTS" and subscriber:
            subscriber.resynchronise(words[2], words[3])
            with open(count_file, "w") as file:
                file.write(str(subscriber.resynchronised))
        elif words[0] == "TEST-SQN":
            subscriber.sqn = int(words[2], 0)
        elif words[0] == "TEST-K":
            subscriber.k = words[2]


def read_auc(path):
    """The file that `flipside usim export-auc --format=hostapd` writes."""
    with open(path) as file:
        fields = [line.split() for line in file]
    return {imsi: Subscriber(k, opc, int(sqn, 16)) for imsi, k, opc, _, sqn in fields}


if __name__ == "__main__":
    serve(sys.argv[1], read_auc(sys.argv[2]), sys.argv[3])
