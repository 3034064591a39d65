# SPDX-License-Identifier: BSD-3-Clause
"""Times of a flip and of its floor: the same system suspending and resuming itself."""

import collections
from dataclasses import dataclass

from instructions import SYSTEM_SUSPEND, find_caller, run_to_call, step_to_exit
from systems import NAMES, other
from measured import LOG_RESUME, LOG_SLEEP, LOG_SUSPEND, LOG_WAKE, START, TICK_NS

READY = r"^ready\r?\n"  # with the line's end: what a system has not sent yet when the other goes on comes amid its lines


@dataclass
class Times:
    """One suspend and resume, in ns: the parts before, in and after EL2. Time asleep is not in it."""

    suspend: int
    el2: int
    resume: int

    @property
    def whole(self):
        return self.suspend + self.el2 + self.resume


def start_suspend(terminal, arguments):
    """Starts `suspend` in the system that has the shell, until it waits for the flip button."""
    terminal.send_line(f"/bench/suspend {arguments}")
    terminal.expect(READY, START)


def prepare(terminal):
    """Starts the other system, too. Afterwards the first has the shell, and the other is within `suspend flip 1`."""
    start_suspend(terminal, "flip 1")
    terminal.press_power()
    terminal.await_up()
    go_back(terminal)
    terminal.suspends(1)


def go_back(terminal):
    """Flips to the other system."""
    start_suspend(terminal, "flip 1")
    terminal.press_power()


def ping_pong(terminal, name, mode, rounds, press):
    """Flips to and fro: so many rounds of `suspend MODE` in both systems. Returns what it told, by persona.

    NAME has the shell. Begins and ends as prepare() leaves the machine."""
    start_suspend(terminal, f"{mode} {rounds}")
    terminal.press_power()
    first = terminal.suspends(1)
    start_suspend(terminal, f"{mode} {rounds}")
    for _ in range(2 * (rounds - 1)):
        press()
        terminal.expect(READY, START)
    press()
    count = rounds * (2 if mode == "both" else 1)
    results = {name: terminal.suspends(count)}
    go_back(terminal)
    results[other(name)] = first + terminal.suspends(count)
    go_back(terminal)
    terminal.suspends(1)
    return results


def events_between(log, begin, end, kinds):
    """The times of the log's entries of these kinds in a span, one each; None if there are not."""
    found = [[time for time, event in log if event == kind and begin <= time <= end] for kind in kinds]
    return [times[0] for times in found] if all(len(times) == 1 for times in found) else None


def flip_times(results, log):
    """Pairs what `suspend` told in both personas; returns the times of flips by the persona that was left."""
    moments = sorted([(row[1], "left", name) for name, rows in results.items() for row in rows if row[0] == "flip"] +
                     [(row[2], "entered", name) for name, rows in results.items() for row in rows if row[0] == "flip"])
    times = {name: [] for name in results}
    for (begin, kind, name), (end, next_kind, next_name) in zip(moments, moments[1:]):
        if (kind, next_kind) != ("left", "entered") or name == next_name:
            continue
        stamps = events_between(log, begin, end, (LOG_SUSPEND, LOG_RESUME))
        if stamps:
            times[name].append(times_of(begin, stamps[0], stamps[0], stamps[1], end))
    return times


def sleep_times(results, log):
    """The times of suspends and resumes of one system, by persona; what it slept is left out."""
    times = {name: [] for name in results}
    for name, rows in results.items():
        for begin, end in ((row[1], row[2]) for row in rows if row[0] == "sleep"):
            stamps = events_between(log, begin, end, (LOG_SLEEP, LOG_WAKE, LOG_RESUME))
            if stamps:
                times[name].append(times_of(begin, *stamps, end))
    return times


def times_of(begin, suspended, awake, resumed, end):
    """Times in ns from counter values."""
    return Times(TICK_NS * (suspended - begin), TICK_NS * (resumed - awake), TICK_NS * (end - resumed))


class Log:
    """The switcher's log, read often enough that nothing of it is lost."""

    def __init__(self, terminal):
        self.terminal, self.entries = terminal, set()

    def read(self):
        self.entries |= set(self.terminal.switcher_log())


def measure(terminal, name, rounds):
    """So many flips each way, and between them as many sleeps of each system; returns the times of both by persona."""
    log = Log(terminal)

    def press():
        log.read()
        terminal.press_power()

    results = ping_pong(terminal, name, "both", rounds, press)
    log.read()
    entries = sorted(log.entries)
    return flip_times(results, entries), sleep_times(results, entries)


def count_instructions(terminal, name, rounds):
    """Steps through flips, so many each way; returns the Steps of each."""
    flips, callers, handler = [], collections.deque(), terminal.symbols.address("flip_suspend")

    def press():
        with terminal.stub() as stub:
            if len(callers) < len(NAMES):  # the first flip each way shows where the system asks for it
                callers.append(find_caller(stub, handler, terminal.press_power))
                return
            cpu = run_to_call(stub, callers[0], SYSTEM_SUSPEND, terminal.press_power)
            flips.append(step_to_exit(stub, cpu, terminal.symbols))
        callers.rotate(-1)

    ping_pong(terminal, name, "flip", rounds + 1, press)
    return flips
