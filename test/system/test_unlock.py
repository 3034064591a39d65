# SPDX-License-Identifier: BSD-3-Clause
"""Encrypted personas: first start, PIN, flips, restarts, lock-out, recovery, updates; refusals; and no secret where none belongs."""

import pytest
from attacker import Plan
from devices import (WORK, Device, Search, choose_first_pin, line_of, read_anew, tpm_attempts_left, type_code, type_new_pin,
                     type_pin, unlock)
from organisation import Organisation
from personas import ANSWER, BOOT, Witness

PIN = "4711-of-the-test"
SECOND_PIN = "a second PIN, longer"
THIRD_PIN = "0815-after-recovery"
OTHER_CODE, MISTYPED_CODE = "0000-0000-0000-0000", "0000-0000-0000-0001"  # one that could be a code, and one that could not
FILE_KEPT = "in a file on the disk, for want of a TPM: whoever has the disk has it"
CHOSEN = "/proc/device-tree/chosen"
UP_TOKEN, VERSION = "flipside,up-token", "flipside,version"
CREDENTIAL = "sha256sum /.extra/credentials/*"


def value(terminal, name):
    """What the persona's device tree says. The commands are short enough for one line of the terminal."""
    terminal.call(f"cd {CHOSEN}")
    return terminal.call(f"cat {name}; echo").replace("\0", "").strip()


@pytest.mark.parametrize("firmware", ["u-boot", "edk2"])
def test_first_start_to_a_flip_and_no_secret_is_left(tmp_path, firmware):
    device = Device(tmp_path, firmware)
    device.create()
    assert device.keeping == FILE_KEPT
    with device.machine() as terminal:
        plan = Plan(terminal)
        assert "locked, 256 MB, version 1" in line_of(terminal, "work")
        terminal.send("2\r")
        terminal.expect("work is new on this device: type the activation code", ANSWER)
        code = device.organisation.code
        typed = code.replace("-", " ").lower()
        for text, reason in (("2580", "four groups of four"), (MISTYPED_CODE, "mistyped"), (OTHER_CODE, "wrong activation code"),
                             (typed, "work is new on this device: choose its PIN")):
            type_code(terminal, text)
            terminal.expect(reason, BOOT)
        type_pin(terminal, PIN, "New PIN: ")
        type_pin(terminal, SECOND_PIN, "The same again: ")
        terminal.expect("two different ones", ANSWER)
        type_pin(terminal, PIN[:4] + "oops" + 4 * "\b" + PIN[4:], "New PIN: ")
        type_pin(terminal, PIN, "The same again: ")
        terminal.prompt("work")
        assert value(terminal, VERSION) == "1"
        assert "-r--------" in terminal.call("ls -l /.extra/credentials")
        credential = terminal.call(CREDENTIAL)
        witness = Witness(terminal, "work")
        terminal.flip("personal")
        assert terminal.call(f"ls -d /.extra {CHOSEN}/flipside,version {CHOSEN}/flipside,up-token 2>/dev/null | wc -l") == "0"
        assert PIN not in terminal.output and typed not in terminal.output

        search = Search(pin=PIN.encode(), code=code.replace("-", "").encode(), typed=typed.encode(), **device.keys(PIN))
        # The volume key is the work system's: in its memory, and in the switcher's copy of its initrd.
        assert search.memory(terminal, plan, tmp_path / "memory") == {("work", "volume"), ("switcher", "volume")}
        assert search.disk(device.disk) == set()
        terminal.flip("work")
        witness.check()
        terminal.quit()

    with device.machine() as terminal:
        assert "locked, 256 MB, version 1" in line_of(terminal, "work")
        terminal.send("2\r")
        for pin in (PIN[:-1], PIN):
            type_pin(terminal, pin)
        terminal.prompt("work")
        assert "work: wrong PIN" in terminal.output and "work: 9 attempts left" in terminal.output
        assert terminal.call(CREDENTIAL) == credential


@pytest.mark.parametrize("firmware,with_tpm", [("u-boot", True), *(pytest.param(*both, marks=pytest.mark.soak) for both in
                                                                  (("u-boot", False), ("edk2", True), ("edk2", False)))])
def test_pins_updates_lock_out_and_recovery(tmp_path, firmware, with_tpm):
    device = Device(tmp_path, firmware, tpm=tmp_path / "tpm" if with_tpm else None)
    device.create()
    with device.machine() as terminal:
        choose_first_pin(terminal, PIN, device.organisation.code)
        terminal.send("p")
        type_pin(terminal, PIN)
        type_new_pin(terminal, SECOND_PIN)
        terminal.expect("work: the PIN was changed", BOOT)
        terminal.picker()
        read_anew(terminal)
        terminal.send("2\r")
        type_pin(terminal, PIN)
        terminal.expect("work: wrong PIN", BOOT)
        type_pin(terminal, SECOND_PIN)
        terminal.prompt("work")
        credential = terminal.call(CREDENTIAL)
        device_token = value(terminal, UP_TOKEN)
        terminal.quit()
    device.came_up(device_token)

    # A version that does not come up is tried three times; then the one before is started again.
    device.update("--cmdline=console=ttyAMA0 second")
    with device.machine() as terminal:
        terminal.picker()
        for _ in range(3):
            said = unlock(terminal, "2", SECOND_PIN)
            assert "Decrypting work, version 2" in said and "this version is new and is tried" in said
            read_anew(terminal)
        said = unlock(terminal, "2", SECOND_PIN)
        assert "Decrypting work, version 1" in said and "2" in said and "tried" not in said
        read_anew(terminal)
        terminal.send("2u")
        for left in (10, 9, 8):
            terminal.expect(f"work: {left} attempts left", BOOT)
            type_pin(terminal, PIN)
        terminal.expect("After wrong PINs: 5 s until the next attempt", BOOT)
        terminal.send("\x1b")
        terminal.picker()
        terminal.quit()

    device.make_attempts(10)
    with device.machine() as terminal:
        assert "locked out" in line_of(terminal, "work")
        # Four wrong ones here, and seven on another machine.
        assert not with_tpm or tpm_attempts_left(terminal) <= 5
        terminal.send("2")
        terminal.expect("can't be started", ANSWER)
        terminal.quit()

    device.organisation.recover("work", device.name, device.disk)
    device.update("--cmdline=console=ttyAMA0 loglevel=4 flipside.name=work third")
    with device.machine() as terminal:
        terminal.picker()
        terminal.send("2\r")
        terminal.expect("work was recovered by your organisation: type the activation code", ANSWER)
        type_new_pin(terminal, THIRD_PIN, device.organisation.code)
        terminal.prompt("work")
        assert value(terminal, VERSION) == "3" and "third" in terminal.call("cat /proc/cmdline; echo")
        assert terminal.call(CREDENTIAL) == credential


@pytest.mark.parametrize("firmware", ["u-boot", "edk2"])
def test_a_tpm_keeps_the_key(tmp_path, firmware):
    device = Device(tmp_path, firmware, tpm=tmp_path / "tpm")
    device.create()
    assert device.keeping == "sealed in the TPM"
    through = {"u-boot": "reached through the firmware", "edk2": "reached through its registers"}[firmware]
    with device.machine() as terminal:
        # Debian's EDK2 has no EFI_TCG2_PROTOCOL, and has not started the TPM either.
        terminal.picker()
        assert ("it is reached through its registers at 0xc000000" in terminal.output) == (firmware == "edk2")
        terminal.send("v")
        terminal.expect(rf"TPM: made by IBM, {through}; 16 of 16 attempts left\s*\n", ANSWER)
        terminal.picker()
        terminal.send("2\r")
        type_new_pin(terminal, PIN, device.organisation.code)
        terminal.prompt("work")
        terminal.flip_to_start("personal")
        terminal.prompt("personal")
        terminal.quit()
    with device.machine() as terminal:
        terminal.picker()
        assert "wrong PIN" in unlock(terminal, "2", SECOND_PIN, PIN)
        terminal.quit()
    # How the vault finds out is the same for both; U-Boot is quicker.
    others = ((None, "sealed in a TPM that is not there"), (True, "sealed in another TPM")) if firmware == "u-boot" else ()
    for tpm, reason in others:
        with device.machine(tpm=tpm) as terminal:
            terminal.expect(f"Encrypted personas can't be opened: .*{reason}", BOOT)
            assert "refused" in line_of(terminal, "work")
            terminal.expect("Start 1 personal in", ANSWER)
            terminal.quit()


def test_what_is_not_genuine_is_refused_and_the_others_start(tmp_path):
    device = Device(tmp_path)
    device.create("work", "--unlock=device")
    device.create("broken", "--unlock=device")
    device.alter("personas/broken/a/kernel")
    issued = device.organisation.issue("work", device.name) / "personas"
    device.put_persona(issued / "work", "copied")
    device.put_persona(issued / "work", "altered")
    device.alter("personas/altered/a/manifest")
    stranger = Organisation(tmp_path / "stranger")
    stranger.enroll(device.disk)
    stranger.create("foreign", WORK)
    device.put_persona(stranger.issue("foreign", "terminal") / "personas/foreign", "foreign")
    device.configure()
    refused = {"altered": "altered|not a manifest", "broken": "kernel: ", "copied": "another persona", "foreign": "another organisation",
               "personal": "not signed by Acme Ltd"}
    with device.machine() as terminal:
        listed = terminal.picker()
        for name, reason in refused.items():
            line = next(line for line in listed.splitlines() if f" {name} " in line)
            assert ("refused" in line or "damaged" in line) and any(part in line for part in reason.split("|")), line
        terminal.expect("Start 6 work in", ANSWER)
        terminal.prompt("work")
        terminal.quit()
    device.put("organisation", tmp_path / "stranger/acme/organisation")
    with device.machine() as terminal:
        terminal.expect("Encrypted personas can't be opened: this device belongs to another organisation", BOOT)
        assert "Nothing can be started" in terminal.expect("Nothing can be started", BOOT).group(0)
