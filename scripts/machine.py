# SPDX-License-Identifier: BSD-3-Clause
"""The whole machine in QEMU: starting it, its serial line, its hardware keys. Used by scripts/run and by every test.

    with Machine(disk="build/disks/try.img") as machine:
        machine.expect(r"login: ", timeout=120)
        machine.send_line("root")
        machine.press_power()
"""

import atexit
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("FLIPSIDE_BUILD", ROOT / "build"))
FIRMWARE = {"u-boot": BUILD / "firmware/u-boot.bin", "edk2": BUILD / "firmware/edk2.fd"}
LOADER = BUILD / "efi/loader/BOOTAA64.EFI"
QEMU = "qemu-system-aarch64"

# What terminals are told besides text: cursor movements, colours, titles. Never part of what a test looks for.
ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Za-z0-9]|[=>78cDEHM])")


class MachineError(Exception):
    """The machine did not do what was asked of it; the text says what."""


class Timeout(MachineError):
    """Expected output did not come in time; the text ends with the last output that did."""


class Ended(MachineError):
    """QEMU ended while output was expected of it."""


def _die_with_parent():
    """Runs in QEMU's process before it starts: it is killed when this program ends in any way."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    os.setpgid(0, 0)  # Ctrl-C in the terminal is for this program, which then ends the machine


class Machine:
    """A QEMU `virt` machine with GICv3 and EL2, booting from a disk.

    disk      the image; None for none
    firmware  "u-boot" or "edk2", a path to another one, or None with `kernel`
    cpus      number of CPUs
    cpu       QEMU's name of their type
    memory    QEMU's notation of the RAM size
    snapshot  leaves the disk as it is: what the machine writes is dropped at its end
    network   user-mode network with a virtio-net-pci device
    rng       adds a virtio-rng-pci device
    keyboard  the terminal's own keys, as a virtio keyboard in the last virtio-mmio slot
    icount    counts instructions instead of time, so that runs are comparable
    kernel, initrd, append   boot a kernel directly with no loader, for comparison
    smmu      puts an SMMUv3 before the PCI devices, which then take part in it
    tpm       a TPM 2.0 (swtpm): True for a new one, or the directory of one that stays (made where it is not there)
    flash     a file for the second bank of NOR flash (made by flash_file()), where the firmware keeps its variables and the
              switcher the virtual USIM's state; without one both are forgotten at the end
    machine   more properties for QEMU's -machine
    log       a file for everything that the serial line says
    display   arguments for a screen and a keyboard of the personas, see display_arguments()
    extra     more arguments for QEMU
    on_output called with each piece of serial output (bytes), from another thread
    """

    def __init__(self, disk=None, *, firmware="u-boot", cpus=2, cpu="cortex-a72", memory="2G", snapshot=False,
                 network=True, rng=False, keyboard=True, icount=False, kernel=None, initrd=None, append="",
                 smmu=True, tpm=None, flash=None, machine="", log=None, display=(), extra=(), on_output=None):
        self.disk, self.firmware, self.cpus, self.cpu, self.memory = disk, firmware, cpus, cpu, memory
        self.snapshot, self.network, self.rng, self.keyboard, self.icount = snapshot, network, rng, keyboard, icount
        self.kernel, self.initrd, self.append = kernel, initrd, append
        self.smmu, self.machine, self.log, self.display, self.extra = smmu, machine, log, list(display), list(extra)
        self.tpm, self.flash, self.on_output = tpm, flash, on_output
        self.process = None
        self._tpm_socket = None
        self._tpm_process = None
        self._tpm_directory = None
        self.output = ""
        self.position = 0
        self.ended = False
        self._power_key = None
        self._changed = threading.Condition()
        self._qmp_lock = threading.Lock()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    # --- starting and ending ---

    def command(self, serial_fd, qmp_fd, lines_fd):
        """QEMU's command line."""
        # With ACPI the machine has no PL061 for its power key, and EDK2 would not hand the device tree on.
        kind = "virt,gic-version=3,virtualization=on,acpi=off"
        # Without iommu_platform a virtio device goes past the SMMU.
        pci = "disable-legacy=on" + (",iommu_platform=on" if self.smmu else "")
        if self.smmu:
            kind += ",iommu=smmuv3"
        if self.machine:
            kind += f",{self.machine}"
        serial = f"socket,id=serial,fd={serial_fd}" + (f",logfile={self.log}" if self.log else "")
        words = [QEMU, "-machine", kind, "-cpu", self.cpu, "-smp", str(self.cpus), "-m", str(self.memory),
                 "-nodefaults", "-no-user-config", "-global", "virtio-mmio.force-legacy=false",
                 "-chardev", serial, "-serial", "chardev:serial",
                 "-chardev", f"socket,id=qmp,fd={qmp_fd}", "-mon", "chardev=qmp,mode=control",
                 "-chardev", f"socket,id=lines,fd={lines_fd}", "-qtest", "chardev:lines", "-qtest-log", "none"]
        words += self.display or ["-display", "none"]
        if self.kernel:
            words += ["-kernel", str(self.kernel), "-append", self.append]
            words += ["-initrd", str(self.initrd)] if self.initrd else []
        else:
            words += ["-bios", str(FIRMWARE.get(self.firmware, self.firmware))]
        if self.disk:
            snapshot = ",snapshot=on" if self.snapshot else ""
            words += ["-drive", f"if=none,id=disk,format=raw,file={self.disk}{snapshot}",
                      "-device", f"virtio-blk-pci,drive=disk,{pci}"]
        if self.flash:
            words += ["-drive", f"if=pflash,unit=1,format=raw,file={self.flash}"]
        if self.network:
            words += ["-netdev", "user,id=net", "-device", f"virtio-net-pci,netdev=net,{pci},romfile="]
        if self.rng:
            words += ["-device", f"virtio-rng-pci,{pci}"]
        if self.keyboard:
            words += ["-device", "virtio-keyboard-device,bus=virtio-mmio-bus.31"]
        if self.tpm:
            words += ["-chardev", f"socket,id=tpm,path={self._tpm_socket}", "-tpmdev", "emulator,id=tpm,chardev=tpm",
                      "-device", "tpm-tis-device,tpmdev=tpm"]
        if self.icount:
            words += ["-icount", "shift=0,sleep=off"]
        return words + self.extra

    def start(self):
        """Starts QEMU and returns the machine."""
        if not shutil.which(QEMU):
            raise MachineError(f"{QEMU} is not installed; scripts/setup installs it")
        if self.tpm:
            self._start_tpm()
        self._serial, serial_peer = socket.socketpair()
        self._qmp, qmp_peer = socket.socketpair()
        self._lines, lines_peer = socket.socketpair()
        peers = [serial_peer.fileno(), qmp_peer.fileno(), lines_peer.fileno()]
        self.process = subprocess.Popen(self.command(*peers), pass_fds=peers, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=_die_with_parent)
        serial_peer.close()
        qmp_peer.close()
        lines_peer.close()
        atexit.register(self.kill)
        threading.Thread(target=self._read_serial, daemon=True).start()
        self._qmp.settimeout(60)
        self._qmp_stream = self._qmp.makefile("r")
        try:
            if not self._qmp_stream.readline():
                raise MachineError("no greeting")
            self.qmp("qmp_capabilities")
        except (MachineError, OSError) as error:
            self.kill()
            words = self.process.stderr.read().decode(errors="replace").strip()
            raise MachineError(f"QEMU did not start: {words or error}") from None
        return self

    def _start_tpm(self):
        """Starts the TPM, which ends when QEMU closes its socket, as by pulling the plug."""
        if not shutil.which("swtpm"):
            raise MachineError("swtpm is not installed; scripts/setup installs it")
        self._tpm_directory = tempfile.TemporaryDirectory(prefix="flipside-tpm-")
        temporary = Path(self._tpm_directory.name)
        state = temporary if self.tpm is True else Path(self.tpm)
        state.mkdir(parents=True, exist_ok=True)
        self._tpm_socket = temporary / "socket"  # a short path: a socket's may have 107 characters
        self._tpm_process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--terminate",
             "--ctrl", f"type=unixio,path={self._tpm_socket}", "--log", f"file={temporary / 'log'}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent)
        atexit.register(self.kill)
        deadline = time.monotonic() + 20
        while not self._tpm_socket.exists():
            if self._tpm_process.poll() is not None or time.monotonic() > deadline:
                log = temporary / "log"
                words = log.read_text(errors="replace").strip() if log.exists() else ""
                self.kill()
                raise MachineError(f"swtpm did not start: {words}")
            time.sleep(0.02)

    def kill(self):
        """Ends QEMU now, whatever state it is in."""
        atexit.unregister(self.kill)
        for process in (self.process, self._tpm_process):
            if process and process.poll() is None:
                process.kill()
            if process:
                process.wait()
        if self._tpm_directory:
            self._tpm_directory.cleanup()
            self._tpm_directory = None

    def quit(self):
        """Ends QEMU in order, so that its disk is written back."""
        try:
            self.qmp("quit")
            self.process.wait(timeout=20)
        except (MachineError, OSError, subprocess.TimeoutExpired):
            pass
        self.kill()

    def wait_off(self, timeout):
        """Waits for the machine to power itself off."""
        try:
            self.process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Timeout(f"the machine did not power off in {timeout} s{self._tail()}") from None

    @property
    def running(self):
        """Whether QEMU is there."""
        return self.process is not None and self.process.poll() is None

    # --- the serial line ---

    def _read_serial(self):
        pending = b""
        while True:
            try:
                data = self._serial.recv(65536)
            except OSError:
                data = b""
            if data and self.on_output:
                self.on_output(data)
            pending += data
            # A piece may end inside a character or an escape sequence: keep such an end for the next one.
            cut = len(pending) if not data else self._whole(pending)
            text, pending = pending[:cut].decode(errors="replace"), pending[cut:]
            with self._changed:
                self.output += ESCAPE_SEQUENCE.sub("", text)
                self.ended = not data
                self._changed.notify_all()
            if not data:
                return

    @staticmethod
    def _whole(data):
        escape = data.rfind(b"\x1b", max(0, len(data) - 32))
        if escape >= 0 and not ESCAPE_SEQUENCE.match(data[escape:].decode(errors="replace")):
            return escape
        for back in range(1, min(4, len(data) + 1)):
            if data[-back] & 0xC0 == 0xC0:
                return len(data) - back if back < (2 if data[-back] < 0xE0 else 3 if data[-back] < 0xF0 else 4) else len(data)
            if data[-back] < 0x80:
                break
        return len(data)

    def _tail(self):
        return "; the last output:\n" + self.output[-2500:]

    def send(self, text):
        """Types text on the serial line."""
        self._serial.sendall(text if isinstance(text, bytes) else text.encode())

    def send_line(self, text=""):
        """Types a line."""
        self.send(f"{text}\r")

    def expect(self, pattern, timeout=60):
        """Waits for output that matches a regular expression, after that of the last match, and returns the match."""
        found = self.expect_any([pattern], timeout)
        return found[1]

    def expect_any(self, patterns, timeout=60):
        """Waits for one of several patterns; returns its index and the match. The earliest in the output wins."""
        compiled = [re.compile(pattern, re.MULTILINE) for pattern in patterns]
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                matches = [(m.start(), i, m) for i, m in
                           ((i, p.search(self.output, self.position)) for i, p in enumerate(compiled)) if m]
                if matches:
                    _, index, match = min(matches, key=lambda entry: entry[:2])
                    self.position = match.end()
                    return index, match
                if self.ended:
                    raise Ended(f"the machine ended before '{' | '.join(patterns)}'{self._tail()}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Timeout(f"no '{' | '.join(patterns)}' in {timeout} s{self._tail()}")
                self._changed.wait(min(left, 1))

    def skip(self):
        """Goes on from here: what was said until now is not looked at by the next expect()."""
        with self._changed:
            self.position = len(self.output)

    def run(self, command, timeout=60):
        """Runs a command in the shell at the serial line; returns (status, output) of it.

        The end mark is typed in two parts, so that the echo of the line is not taken for it."""
        mark = f"E{time.monotonic_ns() % 10**9:09d}"
        self.send_line(f"{command}; echo \"{mark[:3]}\"\"{mark[3:]}:$?:\"")
        match = self.expect(rf"^((?:.*\n)*?)(.*){mark}:(\d+):", timeout)
        lines = (match.group(1) + match.group(2)).replace("\r", "").split("\n")
        # The echo of what was typed comes first, twice if it was typed before the prompt; a shell may have broken the
        # line anywhere.
        text = "\n".join(lines)
        end = 0
        echo_end = re.compile(r"\s*".join(re.escape(character) for character in f"{mark[3:]}:$?:\""))
        for echo in echo_end.finditer(text):
            end = echo.end()
        text = text[end:]
        return int(match.group(3)), text.strip("\n")

    # --- hardware keys and the monitor ---

    def qmp(self, execute, **arguments):
        """Runs a QMP command and returns what it returns."""
        with self._qmp_lock:
            request = {"execute": execute, **({"arguments": arguments} if arguments else {})}
            try:
                self._qmp.sendall((json.dumps(request) + "\n").encode())
                while True:
                    line = self._qmp_stream.readline()
                    if not line:
                        raise MachineError("QEMU ended")
                    answer = json.loads(line)
                    if "return" in answer:
                        return answer["return"]
                    if "error" in answer:
                        raise MachineError(f"{execute}: {answer['error']['desc']}")
            except OSError as error:
                raise MachineError(f"QEMU's monitor is gone: {error}") from None

    def monitor(self, line):
        """Runs a command of QEMU's human monitor and returns its text."""
        return self.qmp("human-monitor-command", **{"command-line": line})

    def press_power(self):
        """Presses the power key shortly: the line is high for 100 ms."""
        self.monitor("system_powerdown")

    def press_power_long(self, seconds=1.5):
        """Holds the power key down. It goes up by itself no sooner than that, however busy the machine is."""
        self._set_power_key(True)
        time.sleep(seconds)
        self._set_power_key(False)

    def _set_power_key(self, down):
        """Sets the key's line at the PL061, through QEMU's interface for tests of devices."""
        if not self._power_key:
            places = ("/machine/unattached", "/machine")
            self._power_key = next(f"{place}/{entry['name']}" for place in places
                                   for entry in self.qmp("qom-list", path=place) if entry["type"] == "child<pl061>")
        with self._qmp_lock:
            self._lines.sendall(f"set_irq_in {self._power_key} unnamed-gpio-in 3 {int(down)}\n".encode())
            answer = self._lines.recv(256)
        if not answer.startswith(b"OK"):
            raise MachineError(f"the power key does not move: {answer.decode(errors='replace').strip()}")

    def press_keys(self, keys, milliseconds=100):
        """Presses keys of the terminal's own keyboard together, by QEMU's names: "volumeup-power"."""
        self.monitor(f"sendkey {keys} {milliseconds}")

    def press_chord(self):
        """Presses volume-up and power together."""
        self.press_keys("volumeup-power")


FLASH_BANK_SIZE = 64 * 1024 * 1024


def flash_file(path):
    """Makes a bank of NOR flash that was never used, for Machine(flash=), unless it is there; returns its path."""
    if not Path(path).exists():
        with open(path, "wb") as file:
            file.truncate(FLASH_BANK_SIZE)
    return path


def display_arguments():
    """A screen, a USB keyboard for the personas and where they are shown; returns (arguments, a line for the user)."""
    devices = ["-device", "bochs-display,romfile=", "-device", "qemu-xhci", "-device", "usb-kbd"]
    backends = subprocess.run([QEMU, "-display", "help"], capture_output=True, text=True).stdout.split()
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        for backend in ("gtk", "sdl"):
            if backend in backends:
                return ["-display", backend] + devices, "the screen is a window"
    return ["-display", "vnc=127.0.0.1:0"] + devices, "the screen is shown by VNC at 127.0.0.1:5900"
