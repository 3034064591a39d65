# SPDX-License-Identifier: BSD-3-Clause
"""Two stock Debian systems, nothing of ours in them: logind answers the key."""

import pytest

from personas import BOOT, Witness

# systemd under emulation, on a busy machine
LOGIN = 2 * BOOT


@pytest.mark.debian
def test_stock_systems_flip(start, debian_disk):
    terminal = start(debian_disk, snapshot=True, memory="3G")
    terminal.log_in("personal", LOGIN)
    witness = Witness(terminal, "personal")
    assert terminal.call("uname -r").startswith("6.12")
    # logind comes up after the login prompt: a first press may be too early for it.
    terminal.flip_to_start("work")
    terminal.log_in("work", LOGIN)
    other = Witness(terminal, "work")
    assert terminal.call("uname -r").startswith("6.1.")
    terminal.flip("personal", timeout=LOGIN)
    witness.check()
    assert terminal.kernel_trouble() == []
    terminal.flip("work", timeout=LOGIN)
    other.check()
    assert terminal.kernel_trouble() == []
