# SPDX-License-Identifier: BSD-3-Clause
"""Prints "PASSED FAILED SKIPPED" of a JUnit result file, as ctest and pytest write them."""

import sys
from xml.etree import ElementTree


def outcome(case):
    """What became of one test: passed, failed or skipped."""
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"} or case.get("status") == "fail":
        return "failed"
    # ctest writes a skipped test as one that was not run.
    if "skipped" in kinds or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def main():
    outcomes = [outcome(case) for case in ElementTree.parse(sys.argv[1]).iter("testcase")]
    print(*(outcomes.count(kind) for kind in ("passed", "failed", "skipped")))


if __name__ == "__main__":
    main()
