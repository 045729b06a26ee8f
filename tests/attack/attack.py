"""Attacks on what sgbuild promises, with fixed seeds; a table of what held.

    make attack            (or: python3 tests/attack/attack.py --sgbuild target/debug/sgbuild --seed 1 --kills 500)

  killed    SIGKILL, SIGTERM and SIGINT at random moments of dist, build and push: the next run is clean
  full      small full disks and read-only ones as project, temporary directory, cache and home
  streams   closed, full and abandoned outputs; names, arguments and variables that are not UTF-8; clocks that jump
  secrets   a canary in every place that secrets come from is looked for in every place they could end, /proc included

What did not hold is printed with the seed that finds it again; the exit code is then 1. Needs the testbed's
environment, and root for the small disks.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

import full
import killed
import secrets_kept
import streams
from outcome import Outcome

PARTS = {"killed": killed.attack, "full": full.attack, "streams": streams.attack, "secrets": secrets_kept.attack}


def main() -> int:
    """Attack, print the table, and say whether everything held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sgbuild", type=Path, required=True, help="the program")
    parser.add_argument("--seed", type=int, default=1, help="what decides the moments and sizes (1)")
    parser.add_argument("--kills", type=int, default=500, help="how often it is killed in all (500)")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="only these")
    given = parser.parse_args()
    # A shell has what it runs in the background ignore it, and so would what is attacked.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="sgbuild-attack-") as scratch:
        for name in given.parts or PARTS:
            root = Path(scratch) / name
            root.mkdir()
            began = time.monotonic()
            print(f"{name} …", file=sys.stderr, flush=True)
            outcomes += PARTS[name](root, str(given.sgbuild.resolve()), given)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(table(outcomes, given.seed))
    return 1 if any(each.failures for each in outcomes) else 0


def table(outcomes: list[Outcome], seed: int) -> str:
    """One line an attack, and what did not hold below."""
    lines = [f"{'attack':58} {'tried':>6} {'held':>6}  (seed {seed})"]
    for each in outcomes:
        note = f"  {each.note}" if each.note else ""
        lines.append(f"{each.name:58} {each.tried:6} {each.tried - each.broken:6}{note}")
    for each in outcomes:
        lines += [f"\n{each.name}: {failure}" for failure in each.failures]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
