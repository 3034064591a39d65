# SPDX-License-Identifier: BSD-3-Clause
"""A card of `flipside usim serve` whose reader we are: frames behind their length, as vsmartcard's reader driver sends them."""

import socket
import subprocess


class Card:
    """COMMAND is the whole of `flipside usim serve` but for the port, which is any free one of loopback."""

    def __init__(self, command):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(30)
            self.process = subprocess.Popen([*command, f"--port={listener.getsockname()[1]}"], stdout=subprocess.DEVNULL)
            self.socket, _ = listener.accept()
        self.send(b"\x01")

    def send(self, frame):
        self.socket.sendall(len(frame).to_bytes(2, "big") + frame)

    def receive(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            assert piece, "the card is gone"
            data += piece
        return data

    def transmit(self, command):
        """The answer to a command, status word last; what GET RESPONSE brings on its channel is in it."""
        self.send(command)
        answer = self.receive(int.from_bytes(self.receive(2), "big"))
        if len(answer) == 2 and answer[0] == 0x61:
            return self.transmit(bytes([command[0] & 0x03, 0xc0, 0, 0, answer[1]]))
        return answer

    def close(self):
        self.socket.close()
        assert self.process.wait(timeout=30) == 0
