# SPDX-License-Identifier: BSD-3-Clause
"""--help, man page and completion name the same verbs and options."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from administrator import TOOL

CLI = Path(__file__).resolve().parents[2] / "persona/cli"


def help_of(*words):
    shown = subprocess.run([TOOL, *words, "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and "usage: flipside" in shown.stdout and "Exit status" in shown.stdout
    return shown.stdout


def options_in(text):
    """Options in the form of a list's heads, with whether they take a value."""
    return {name: bool(value) for name, value in re.findall(r"^  (--[a-z-]+)(=\S+)?  ", text, re.MULTILINE)}


TOP = help_of()
# Two words in columns, then what the verb does.
VERBS = [tuple(line[2:22].split()) for line in TOP.splitlines() if re.match("  [a-z]{3}.{17} [a-z]", line)]
COMMON = {"--org": True, "--passphrase-file": True, "--dry-run": False, "--json": False, "--help": False}


def test_there_are_verbs():
    assert len(VERBS) >= 22 and ("persona", "create") in VERBS and ("install",) in VERBS, VERBS
    assert subprocess.run([TOOL], capture_output=True).returncode == 2
    assert subprocess.run([TOOL, "persona", "vanish"], capture_output=True).returncode == 2
    assert options_in(TOP) == COMMON


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_help(verb):
    text = help_of(*verb)
    assert text.startswith(f"usage: flipside {' '.join(verb)}")
    assert max(map(len, text.splitlines())) <= 120
    named = set(re.findall(r"--[a-z][a-z-]+", text.split("\n\n")[0])) - set(COMMON)
    assert named <= set(options_in(text)), "the first line names an option that is not explained"
    # Each one is known to the program itself: another error than that it is not.
    for option, value in options_in(text).items():
        if option != "--help":
            done = subprocess.run([TOOL, *verb, f"{option}=x" if value else option, "--no-such"], capture_output=True, text=True)
            assert done.returncode == 2 and "unknown option --no-such" in done.stderr, option


def test_man_page():
    page = (CLI / "flipside.1").read_text()
    sections = re.split(r'^\.SS "?([^"\n]*)"?$', page[page.index(".SH VERBS"):page.index(".SH EXIT")], flags=re.MULTILINE)[1:]
    sections[::2] = [name.replace("\\", "") for name in sections[::2]]
    assert [tuple(name.split()) for name in sections[::2]] == VERBS
    for name, text in zip(sections[::2], sections[1::2]):
        found = {option.replace("\\", ""): bool(value) for option, value in
                 re.findall(r"^\.B (\\-\\-[a-z\\-]+)(=.*)?$", text, re.MULTILINE)}
        assert {**found, **COMMON} == options_in(help_of(*name.split())), name
    head = page[:page.index(".SH VERBS")]
    assert {name.replace("\\", "") for name in re.findall(r"^\.B (\\-\\-[a-z\\-]+)", head, re.MULTILINE)} - {"--help"} == \
        set(COMMON) - {"--help"}
    if shutil.which("man"):
        done = subprocess.run(["man", "--warnings", "-l", CLI / "flipside.1"], capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == ""


def complete(*words):
    script = f'. "{CLI}/flipside.bash-completion"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _flipside; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-euc", script, "bash", "flipside", *words], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_completion(tmp_path):
    assert complete("") == {verb[0] for verb in VERBS} | {"--help"}
    for first in {verb[0] for verb in VERBS if len(verb) == 2}:
        assert complete(first, "") == {verb[1] for verb in VERBS if verb[0] == first}
    for verb in VERBS:
        wanted = {name + ("=" if value else "") for name, value in options_in(help_of(*verb)).items()}
        assert complete(*verb, "--") == wanted, verb
    (tmp_path / "disk.img").touch()
    assert complete("verify", f"{tmp_path}/di") == {f"{tmp_path}/disk.img"}


def test_package(tmp_path):
    """What is installed: the programs, the man page, the completion, the boards."""
    build = Path(TOOL).resolve().parents[1]
    subprocess.run(["cmake", "--install", build, "--prefix", tmp_path, "--component", "tools"], check=True, capture_output=True)
    installed = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"bin/flipside", "bin/flipside-check", "share/man/man1/flipside.1",
            "share/bash-completion/completions/flipside", "share/flipside/boards/qemu-virt.dtb",
            "share/flipside/boards/qemu-virt/startup.nsh"} <= installed
