# SPDX-License-Identifier: BSD-3-Clause
"""What the loader makes of devices that do DMA: behind the SMMU, not behind it, and not behind it but allowed."""

import image
from personas import BOOT, PERSONAS

ALLOWED = b"timeout=3\ndefault=personal\nallow-unconfined-dma=yes\n"
PCI = r"DMA not confined: /pcie@10000000 \(pci\)"


def test_behind_the_smmu_dma_is_confined(start):
    terminal = start()
    terminal.expect(r"^DMA confined", BOOT)
    for name in PERSONAS:
        terminal.prompt(name) if name == PERSONAS[0] else terminal.flip(name)
        # The SMMU is not the persona's, and its devices work without one.
        assert terminal.call("ls /proc/device-tree | grep smmu || true") == ""
        assert terminal.kernel_trouble() == []
    assert "DMA not confined" not in terminal.output
    # Nobody reached for what is not theirs, in all the time from the first start on.
    assert "reached for" not in terminal.output


def test_without_an_smmu_nothing_starts(start):
    terminal = start(smmu=False)
    terminal.expect(PCI, BOOT)
    terminal.expect(r"Not started\. Put the device behind an SMMU, .*allow-unconfined-dma=yes", 60)
    terminal.picker()
    # It would fail again and again: only the user can try once more.
    assert terminal.expect_any([r"Start 1 personal in", r"Start 1 personal {9}"], 60)[0] == 1
    assert "DMA confined" not in terminal.output
    assert "flipside: starting" not in terminal.output


def test_without_an_smmu_it_starts_where_that_is_allowed(start, own_disk):
    image.put_on_esp(own_disk, ALLOWED, "flipside/flipside.conf")
    terminal = start(own_disk, smmu=False)
    terminal.expect(PCI, BOOT)
    terminal.prompt("personal")
    terminal.flip("work")
    assert "DMA confined" not in terminal.output
    assert "Not started" not in terminal.output


def test_one_device_past_the_smmu_is_named(start):
    terminal = start(extra=["-device", "virtio-rng-device,bus=virtio-mmio-bus.2"])
    terminal.expect(r"DMA not confined: /virtio_mmio@a000400 \(virtio\)", BOOT)
    terminal.expect(r"Not started", 60)
    assert "/pcie" not in terminal.output
    assert terminal.output.count("DMA not confined") == 1
