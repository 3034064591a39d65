# SPDX-License-Identifier: BSD-3-Clause
"""The TPM: the loader finds it and says what state it is in; no persona sees it or reaches it."""

TPM = 0x0C000000  # where QEMU puts a TPM on its platform bus


def detail(terminal):
    """What the loader says of the TPM."""
    terminal.picker()
    terminal.send("v")
    line = terminal.expect(r"^TPM: (.*)\n", 60).group(1).strip()
    terminal.send("\r")
    return line


def test_a_tpm_is_the_loaders_alone(start):
    terminal = start(tpm=True)
    assert detail(terminal) == "made by IBM, reached through the firmware; 3 of 3 attempts left; no password guards its lock-out yet"
    terminal.prompt("personal")
    assert terminal.call("find /proc/device-tree/ -name '*tpm*' -o -name 'platform*bus*'; ls /dev | grep tpm; true") == ""
    for address in (TPM, TPM + 0xF00):
        assert terminal.run(f"devmem {address:#x} 32")[0] == 135, f"{address:#x} can be read"
        assert terminal.run(f"devmem {address:#x} 32 0")[0] == 135, f"{address:#x} can be written"
