"""What it costs until an image is in the registry: sgbuild's engines beside Dockerfiles made by hand, in one run.

    make bench                  (or: python3 bench/pushing.py --sgbuild target/release/sgbuild --runs 5)
    make bench-large            (or: … --large: more than a gigabyte of wheels; wants 14 GB of disk for the time being)

The project is fixtures/iris-classifier with more requirements. Every way has a repository and caches of its own, and
pushes:

  cold       all of it to an empty repository; packages are in the way's cache, nothing else is
  compiled   the same where sgbuild's cache has the packages without their byte code: the others compile it every time
  code       after one line of code changed
  require    after one requirement, which no cache has, was added
  same       after nothing changed

"Packages" are what each way keeps of them by itself: uv what it has unpacked, pip what it has downloaded, sgbuild
wheels and byte code. The ways take turns, so that a busy machine is unfair to none; with --large they come one after
another, and each cleans up, as the disk would not do for all. Same base image, same registry, same daemon, one uv.
meters.py says how it is measured, ways.py what each way does. docs/bench.md and docs/pushing.svg are written by this.
Needs the testbed's environment.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import report
import splicing
from meters import Cost, Failed, Meters, Registry
from ways import ROOT, WAYS, Best, Docker, Native, Place, Way, required

SMALL = ["flask", "gunicorn", "gevent"]
LARGE = ["tensorflow-cpu", "xgboost", "catboost", "opencv-python-headless", "pyarrow", "polars"]
SCENARIOS = {
    "compiled": "cold, byte code compiled anew",
    "cold": "cold, packages cached",
    "code": "a line of code changed",
    "require": "one requirement more",
    "same": "nothing changed",
}
GIGABYTE = 1 << 30
LITTLE, MUCH = 4 * GIGABYTE, 14 * GIGABYTE


class Race:
    """The ways, what their pushes cost, and why one of them is missing."""

    def __init__(self, place: Place, meters: Meters, kinds: tuple[type[Way], ...], requirements: list[str]) -> None:
        self.place = place
        self.meters = meters
        self.requirements = requirements
        self.kinds = kinds
        self.ways: dict[type[Way], Way] = {}
        self.costs: dict[tuple[str, type[Way]], list[Cost]] = {}
        self.missing: dict[type[Way], str] = {}

    def prepare(self, kind: type[Way]) -> None:
        """Make a way and fill its caches."""
        say(f"filling the caches: {kind.title}")
        with self._may_fail(kind):
            self.ways[kind] = kind(self.place, self.requirements)
            self.ways[kind].fill(self.meters)

    def take(self, kind: type[Way], scenario: str, number: int, runs: int) -> None:
        """One push of one way."""
        if kind in self.missing or (scenario == "compiled" and not kind.keeps_byte_code):
            return
        say(f"round {number} of {runs}, {SCENARIOS[scenario]}: {kind.title}")
        with self._may_fail(kind):
            cost = self.ways[kind].cost(scenario, number, self.meters)
            self.costs.setdefault((scenario, kind), []).append(cost)

    def clean(self, kind: type[Way]) -> None:
        """Remove what a way has left in the daemon and in the registry."""
        way = self.ways.get(kind)
        if way is not None:
            way.clean()
            self.place.drop(way.name, caches=True)
        self.meters.registry.remove()

    @contextlib.contextmanager
    def _may_fail(self, kind: type[Way]) -> Iterator[None]:
        """A way that is optional may be missing: it is named in the table with the reason."""
        try:
            yield
        except Failed as failure:
            if not kind.optional:
                raise
            self.missing[kind] = str(failure)
            say(f"without {kind.title}: {failure}")


def taking_turns(race: Race, runs: int) -> None:
    """All ways scenario by scenario."""
    for kind in race.kinds:
        race.prepare(kind)
    for number in range(1, runs + 1):
        for scenario in SCENARIOS:
            for kind in race.kinds:
                race.take(kind, scenario, number, runs)


def one_by_one(race: Race, runs: int) -> None:
    """All scenarios way by way."""
    for kind in race.kinds:
        race.prepare(kind)
        for number in range(1, runs + 1):
            for scenario in SCENARIOS:
                race.take(kind, scenario, number, runs)
        race.clean(kind)


def measure(given: argparse.Namespace, scratch: Path, run_id: str) -> None:
    """Measure and write."""
    place = Place(scratch, run_id, str(given.sgbuild.resolve()), is_tight=given.large)
    meters = Meters(Registry(place.registry, place.config))
    usual = (Native, Docker, Best) if given.large else WAYS
    kinds = tuple(each for each in WAYS if each.__name__.lower() in given.ways) if given.ways else usual
    race = Race(place, meters, kinds, required() + SMALL + (LARGE if given.large else []))
    try:
        (one_by_one if given.large else taking_turns)(race, given.runs)
        say("how fast wheels become layers")
        speed = splicing.measure(place, race.ways[Native])
        size = sum(each.stat().st_size for each in wheels(race.ways[Native]))
        written = report.section(race, SCENARIOS, given, size, speed)
        print(written)
        report.write(given.docs, "large" if given.large else "small", written)
        if not given.large:
            (given.docs / "pushing.svg").write_text(report.picture(race, SCENARIOS, size))
    finally:
        for kind in race.ways:
            race.clean(kind)
        place.drop(run_id, caches=True)


def wheels(native: Native) -> list[Path]:
    """The wheels that its store keeps; byte code is in archives that begin with its name, and smaller."""
    return [each for each in (native.cache / "sgbuild" / "wheels" / "content").rglob("*") if is_wheel(each)]


def is_wheel(path: Path) -> bool:
    """Whether an archive has the metadata of a distribution."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 20)))
        return b".dist-info/" in file.read()


def say(what: str) -> None:
    """One line for whoever waits."""
    print(f"bench: {what}", file=sys.stderr, flush=True)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sgbuild", type=Path, required=True, help="the release binary")
    parser.add_argument("--runs", type=int, help="rounds (5; 1 with --large)")
    parser.add_argument("--large", action="store_true", help="more than a gigabyte of wheels")
    names = [each.__name__.lower() for each in WAYS]
    parser.add_argument("--ways", nargs="+", choices=names, help="these alone; sgbuild's native engine is always there")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where bench.md and pushing.svg are written")
    parser.add_argument("--scratch", type=Path, help="where to work, on a disk (the system's temporary directory)")
    given = parser.parse_args()
    given.runs = given.runs or (1 if given.large else 5)
    if given.ways and "native" not in given.ways:
        given.ways.append("native")
    if "SGBUILD_TESTBED" not in os.environ:
        sys.exit('bench: no testbed; run `make bench`, or first: eval "$(tests/testbed/testbed env)"')
    free = shutil.disk_usage(os.environ["SGBUILD_TESTBED"]).free
    wanted = MUCH if given.large and given.ways != ["native"] else LITTLE
    if free < wanted:
        sys.exit(f"bench: {free / 1e9:.0f} GB of disk are free, and {wanted / 1e9:.0f} GB are wanted")
    # What is in the daemon and in the registry is removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    run_id = f"{time.time_ns() // 1_000_000:x}"
    with tempfile.TemporaryDirectory(dir=given.scratch) as name:
        try:
            measure(given, Path(name), run_id)
        except Failed as failure:
            sys.exit(f"bench: {failure}")


if __name__ == "__main__":
    main()
