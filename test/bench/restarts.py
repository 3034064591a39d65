# SPDX-License-Identifier: BSD-3-Clause
"""What there is without a switcher: restarting into the other system, through the firmware or by kexec."""

from flips import go_back
from measured import TICK_NS
from systems import NAMES, command_line, other


def go_over(terminal):
    """Flips to the system that has not started yet."""
    go_back(terminal)
    terminal.await_up()


def reset_machine(terminal):
    """The running system restarts; where the switcher would start that one alone, the whole machine is reset.

    Returns the counter when the system began to restart."""
    reset = terminal.symbols.address("flip_reset")
    with terminal.stub() as stub:
        stub.breakpoint(reset)
        stub.go()
        terminal.send_line("/bench/restart")
        left = terminal.await_leaving()
        stub.wait()
        stub.remove_breakpoint(reset)
        terminal.qmp("system_reset")
    return left


def measure_reboots(terminal, rounds):
    """Times in ns from one system's restart to the shell of the other, which is the one that the loader starts."""
    times = []
    for _ in range(rounds):
        go_over(terminal)
        left = reset_machine(terminal)
        times.append(TICK_NS * (terminal.await_up() - left))
    return times


def measure_kexecs(terminal, name, rounds):
    """Times in ns from one system's kexec to the shell of the other, by the one that was left; NAME has the shell.

    The next kernel is loaded before the time starts."""
    times = {persona: [] for persona in NAMES}
    for _ in range(2 * rounds):
        following = other(name)
        terminal.send_line(f"/bench/kexec /disk/{following}.kernel /disk/{following}.initrd '{command_line(following)}'")
        left = terminal.await_leaving()
        times[name].append(TICK_NS * (terminal.await_up() - left))
        name = following
    return times
