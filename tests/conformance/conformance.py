"""Proves by difference that sgbuild reads real packages as setuptools does, and counts how many need no Python.

    make conformance                    (or: python3 tests/conformance/conformance.py --sgbuild target/release/sgbuild)

Every package of corpus.txt is unpacked twice. The setuptools that sgbuild follows packs one; `sgbuild inspect` and
`sgbuild dist` read and pack the other. Equal in meaning counts: metadata, the sdist's files, and what is in its
egg-info. What an earlier build left in the package (SOURCES.txt, __pycache__) is removed first. The sdists are fetched
by pip once and kept; none of them is ever installed.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import places

if TYPE_CHECKING:
    from verdicts import Verdict

SHOWN = 10
WIDTH = 300


def main() -> int:
    """Judge the corpus and report; 1 if sgbuild is wrong about a package or asks Python too often."""
    options = _options()
    try:
        places.enter_venv()
        pins = places.pins(places.HERE / "corpus.txt", options.only)
        archives = [places.sdist(pin) for pin in pins]
    except places.Trouble as trouble:
        sys.exit(f"conformance: {trouble}")
    # Needs the packages of the environment that was entered above.
    from verdicts import judge

    with ThreadPoolExecutor(max_workers=2) as pool:
        verdicts = list(pool.map(judge, pins, archives, [options.sgbuild.resolve()] * len(pins)))
    return _report(verdicts, options.least_static)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sgbuild", type=Path, required=True, help="the program to judge")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these packages of the corpus")
    parser.add_argument(
        "--least-static",
        type=float,
        default=80,
        metavar="PERCENT",
        help="fail where a smaller share is read without Python (default: 80)",
    )
    return parser.parse_args()


def _report(verdicts: list[Verdict], least_static: float) -> int:
    _print_table(verdicts)
    _print_details(verdicts)
    wrong = sum(bool(verdict.wrong) for verdict in verdicts)
    static = sum(verdict.kind == "static" for verdict in verdicts)
    share = 100 * static / len(verdicts)
    same = sum(verdict.same_bytes for verdict in verdicts)
    print(f"\n{len(verdicts)} packages, {share:.0f} % read statically (target {least_static:.0f} %), {wrong} wrong")
    print(f"{same} PKG-INFO are setuptools' to the byte")
    return int(wrong > 0 or share < least_static)


def _print_table(verdicts: list[Verdict]) -> None:
    width = max(len(verdict.pin) for verdict in verdicts)
    print(f"{'package':{width}}  read    fields  files   inspect  setuptools")
    for verdict in verdicts:
        fields, files = ("wrong" if wrong else "equal" for wrong in (verdict.fields, verdict.files))
        times = f"{verdict.inspect_seconds:6.2f} s  {verdict.setuptools_seconds:8.2f} s"
        print(f"{verdict.pin:{width}}  {verdict.kind:6}  {fields:6}  {files:6}  {times}")


def _print_details(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.kind == "asked":
            print(f"\n{verdict.pin} needs Python: {verdict.reason}")
        if verdict.wrong:
            print(f"\n{verdict.pin} is wrong:")
            _print_wrong(verdict.wrong)


def _print_wrong(differences: list[str]) -> None:
    for difference in differences[:SHOWN]:
        print(f"  {_short(difference)}")
    if len(differences) > SHOWN:
        print(f"  and {len(differences) - SHOWN} more")


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}..."


if __name__ == "__main__":
    sys.exit(main())
