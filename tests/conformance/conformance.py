"""Proves by difference that sgbuild reads projects as setuptools does, and counts how many need no Python.

    make conformance                    (or: python3 tests/conformance/conformance.py --sgbuild target/release/sgbuild)

Every fixture, and every package of corpus.txt, is there twice. The setuptools that sgbuild follows packs one;
`sgbuild inspect` and `sgbuild dist` read and pack the other. Equal in meaning counts: metadata, the sdist's files,
and what is in its egg-info; the wheel's files, what is in them and in its dist-info, and what pip installs of it. Of
fixtures (with --install of all) both sdists are installed by pip, and every installed file is compared. What an
earlier build left in a package (SOURCES.txt, __pycache__) is removed first. The sdists of the corpus are fetched by
pip once and kept.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import places

if TYPE_CHECKING:
    from subjects import Subject
    from verdicts import Verdict

SHOWN = 10
WIDTH = 300
LOG_WIDTH = 2000


def main() -> int:
    """Judge what is asked for and report; 1 if sgbuild is wrong about a project or asks Python too often."""
    options = _options()
    try:
        places.enter_venv()
        # Needs the packages of the environment that was entered above.
        import subjects

        sections = (
            {"fixtures": subjects.fixtures(options.only, foreign=not options.quick)}
            if "fixtures" in options.sections
            else {}
        )
        if "corpus" in options.sections:
            sections["corpus"] = subjects.corpus(options.only)
    except places.Trouble as trouble:
        sys.exit(f"conformance: {trouble}")
    found = {name: _judge(judged, options) for name, judged in sections.items()}
    for name, verdicts in found.items():
        _print_section(name, verdicts)
    print()
    return max([_summary(name, verdicts, options.least_static) for name, verdicts in found.items()])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sgbuild", type=Path, required=True, help="the program to judge")
    parser.add_argument(
        "--sections",
        nargs="+",
        choices=["fixtures", "corpus"],
        default=["fixtures", "corpus"],
        help="what to judge (default: both)",
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these fixtures or packages")
    parser.add_argument("--quick", action="store_true", help="leave out the fixtures of other build backends")
    parser.add_argument("--install", action="store_true", help="install the sdists of the corpus too")
    parser.add_argument(
        "--least-static",
        type=float,
        default=88,
        metavar="PERCENT",
        help="fail where a smaller share is read without Python (default: 88)",
    )
    return parser.parse_args()


def _judge(judged: list[Subject], options: argparse.Namespace) -> list[Verdict]:
    from verdicts import judge

    # Forked, so that what was loaded is there, and each with one thread, so that it may fork again.
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork"), _settle, (judged,)) as pool:
        return list(pool.map(functools.partial(_judge_one, judge, options), range(len(judged))))


_SETTLED: list[Subject] = []


def _settle(judged: list[Subject]) -> None:
    _SETTLED[:] = judged


def _judge_one(judge, options: argparse.Namespace, index: int) -> Verdict:
    subject = _SETTLED[index]
    return judge(subject, options.sgbuild.resolve(), installs=subject.is_fixture or options.install)


def _print_section(name: str, verdicts: list[Verdict]) -> None:
    print(f"\n{name}\n")
    _print_table(verdicts)
    _print_details(verdicts)


def _summary(name: str, verdicts: list[Verdict], least_static: float) -> int:
    wrong = sum(bool(verdict.wrong) for verdict in verdicts)
    static = sum(verdict.kind == "static" for verdict in verdicts)
    share = 100 * static / max(len(verdicts), 1)
    print(f"{name}: {len(verdicts)}, {share:.0f} % read statically (target {least_static:.0f} %), {wrong} wrong")
    same = sum(verdict.same_bytes for verdict in verdicts)
    print(f"{name}: {same} of {len(verdicts)} PKG-INFO are setuptools' to the byte")
    return int(wrong > 0 or share < least_static)


def _print_table(verdicts: list[Verdict]) -> None:
    width = max(len(verdict.name) for verdict in verdicts)
    print(f"{'package':{width}}  read    fields  files  installed  wheel  inspect  setuptools")
    for verdict in verdicts:
        fields, files, installed = map(_word, (verdict.fields, verdict.files, verdict.installed))
        wheel = _word(verdict.wheel)
        times = f"{verdict.inspect_seconds:6.2f} s  {verdict.setuptools_seconds:8.2f} s"
        print(f"{verdict.name:{width}}  {verdict.kind:6}  {fields:6}  {files:5}  {installed:9}  {wheel:5}  {times}")


def _word(differences: list[str] | None) -> str:
    if differences is None:
        return "-"
    return "wrong" if differences else "equal"


def _print_details(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.kind == "asked":
            print(f"\n{verdict.name} needs Python: {verdict.reason}")
        if verdict.wrong:
            print(f"\n{verdict.name} is wrong:")
            _print_wrong(verdict.wrong)


def _print_wrong(differences: list[str]) -> None:
    for difference in differences[:SHOWN]:
        print(f"  {_short(difference)}")
    if len(differences) > SHOWN:
        print(f"  and {len(differences) - SHOWN} more")


def _short(text: str) -> str:
    # What a program printed ends with the reason.
    limit = LOG_WIDTH if "\n" in text else WIDTH
    return text if len(text) <= limit else f"{text[:limit]}..."


if __name__ == "__main__":
    sys.exit(main())
