"""How long reading a package, packing it and building its wheel take: sgbuild, setuptools, build and uv in one run.

    make bench                          (or: python3 bench/reading.py --sgbuild target/release/sgbuild --runs 10)

Two packages: one of 60 files, one of 3,000. The ways take turns, and a ratio is the median of the rounds' ratios, so
that a busy machine is unfair to none. Every round packs anew: what the last one made is removed outside the measured
time. Time is the wall's clock around the whole process; memory is the largest resident set of it and its children.
Needs the testbed's environment.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The judge of tests/conformance has the peers, too.
sys.path.insert(0, str(ROOT / "tests" / "conformance"))

import places  # noqa: E402

SETUP = '''"""The bench's package."""

import os
import re
from setuptools import find_packages, setup

HERE = os.path.abspath(os.path.dirname(__file__))


def read(*names):
    with open(os.path.join(HERE, *names), encoding="utf-8") as file:
        return file.read()


VERSION = re.search(r"^__version__ = ['\\"]([^'\\"]+)['\\"]", read("{name}", "__init__.py"), re.M).group(1)

setup(
    name="{name}",
    version=VERSION,
    description="A package to measure with",
    long_description=read("README.md"),
    long_description_content_type="text/markdown",
    author="The bench",
    author_email="bench@example.com",
    url="https://example.com/{name}",
    classifiers=["Programming Language :: Python :: 3"],
    packages=find_packages(exclude=["tests"]),
    package_data={{"{name}": ["data/*.csv"]}},
    include_package_data=True,
    python_requires=">=3.8",
    install_requires=["numpy>=1.24", "pandas", "scikit-learn>=1.3"],
    extras_require={{"dev": ["pytest"]}},
    entry_points={{"{name}.training": ["train = {name}.train:train"]}},
)
'''
MODULE = '''"""Module {number} of the bench's package."""

import math


class Counter{number}:
    """Counts up to a limit."""

    def __init__(self, limit: int = {number}) -> None:
        self.limit = limit
        self.seen: dict[str, int] = {{}}

    def add(self, word: str) -> int:
        """Count one word."""
        self.seen[word] = self.seen.get(word, 0) + 1
        return min(self.seen[word], self.limit)

    def entropy(self) -> float:
        """The entropy of what was counted, in bits."""
        total = sum(self.seen.values()) or 1
        return -sum(n / total * math.log2(n / total) for n in self.seen.values())
'''


SDIST = "dist/*.tar.gz"
WHEEL = "dist/*.whl"


@dataclass
class Way:
    """A command that reads or packs the package, and what its runs took."""

    name: str
    command: list[str]
    # What it makes, relative to the package; empty where it only reads.
    makes: str = ""
    milliseconds: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)


def package(directory: Path, files: int) -> Path:
    """A package of so many files, a tenth of them data, in folders of a hundred."""
    name = f"bench{files}"
    root = directory / name
    modules = files - files // 10 - 4
    texts = {
        "setup.py": SETUP.format(name=name),
        "README.md": "# The bench's package\n\n" + "It counts words, and this line is here for its length.\n" * 60,
        "MANIFEST.in": f"graft {name}/data\nglobal-exclude *.tmp\n",
        f"{name}/__init__.py": "__version__ = '1.2.3'\n",
    }
    for number in range(modules):
        folder = f"{name}/part{number // 100}"
        texts.setdefault(f"{folder}/__init__.py", "")
        texts[f"{folder}/module{number}.py"] = MODULE.format(number=number)
    for number in range(files - len(texts)):
        rows = (f"{number},{row},{row * 7919 % 1000},{row * 104729 % 997}\n" for row in range(40))
        texts[f"{name}/data/rows{number}.csv"] = "".join(rows)
    for path, text in texts.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    _commit(root)
    return root


def _commit(root: Path) -> None:
    """Make it a checkout, as people's packages are: sgbuild asks git for the commit."""
    (root / ".gitignore").write_text("dist/\nbuild/\n*.egg-info/\n")
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "The package"]):
        places.run([*git, *arguments], cwd=root)


def ways(sgbuild: str) -> dict[str, list[Way]]:
    """What reads, what packs and what builds; sgbuild, which packs and builds at once, first in all."""
    python = str(places.PYTHON)
    uv = str(places.VENV / "bin" / "uv")
    reading = [
        Way("sgbuild inspect", [sgbuild, "inspect", "--json", "--static", "."]),
        Way("python setup.py --name", [python, "setup.py", "--name"]),
    ]
    packing = [
        Way("sgbuild dist", [sgbuild, "dist", "--quiet", "."], SDIST),
        Way("python setup.py sdist", [python, "setup.py", "-q", "sdist"], SDIST),
        Way("python -m build --sdist --no-isolation", [python, "-m", "build", "--sdist", "--no-isolation"], SDIST),
        Way("python -m build --sdist", [python, "-m", "build", "--sdist"], SDIST),
        Way("uv build --sdist", [uv, "build", "--sdist", "--python", python], SDIST),
    ]
    building = [
        Way("sgbuild dist (sdist and wheel)", [sgbuild, "dist", "--quiet", "."], SDIST),
        Way("python -m build --wheel --no-isolation", [python, "-m", "build", "--wheel", "--no-isolation"], WHEEL),
        Way("python -m build --wheel", [python, "-m", "build", "--wheel"], WHEEL),
        Way("uv build --wheel", [uv, "build", "--wheel", "--python", python], WHEEL),
    ]
    return {"read": reading, "packed": packing, "built": building}


def once(way: Way, root: Path) -> tuple[float, float]:
    """One run: milliseconds, and MiB of resident memory."""
    if way.makes:
        for left in [root / "dist", root / "build", *root.glob("*.egg-info")]:
            shutil.rmtree(left, ignore_errors=True)
    environment = places.plain_environment()
    with open(os.memfd_create("output"), "w+b") as output:
        to_output = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)]
        began = time.perf_counter()
        child = os.posix_spawn(way.command[0], way.command, environment, file_actions=to_output)
        _, status, usage = os.wait4(child, 0)
        took = 1000 * (time.perf_counter() - began)
        if status:
            output.seek(0)
            sys.exit(f"bench: `{' '.join(way.command)}` failed:\n{output.read().decode(errors='replace')[-3000:]}")
    if way.makes and not any(root.glob(way.makes)):
        sys.exit(f"bench: `{' '.join(way.command)}` made no {way.makes}")
    return took, usage.ru_maxrss / 1024


def measure(compared: list[Way], root: Path, runs: int) -> None:
    """Each way once unmeasured, so that every cache is warm, then the rounds."""
    os.chdir(root)
    for way in compared:
        once(way, root)
    for _ in range(runs):
        for way in compared:
            took, memory = once(way, root)
            way.milliseconds.append(took)
            way.mebibytes.append(memory)


def report(title: str, compared: list[Way]) -> None:
    """A table: times, memory, and how many times longer than the first way each one took."""
    print(f"\n{title}; {len(compared[0].milliseconds)} rounds, milliseconds")
    print(f"{'':42} {'median':>9} {'min':>9} {'max':>9} {'MiB':>6}  times as long (median of the rounds)")
    first = compared[0].milliseconds
    for way in compared:
        times = way.milliseconds
        numbers = f"{statistics.median(times):9.1f} {min(times):9.1f} {max(times):9.1f} {max(way.mebibytes):6.0f}"
        ratio = statistics.median(own / base for own, base in zip(times, first, strict=True))
        print(f"{way.name:42} {numbers}  {ratio:.1f}")


def main() -> None:
    """Measure both packages and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sgbuild", type=Path, required=True, help="the release binary")
    parser.add_argument("--runs", type=int, default=10, help="rounds (10)")
    given = parser.parse_args()
    try:
        places.enter_venv()
    except places.Trouble as trouble:
        sys.exit(f"bench: {trouble}")
    sgbuild = str(given.sgbuild.resolve())
    with tempfile.TemporaryDirectory() as scratch:
        for files in (60, 3000):
            root = package(Path(scratch), files)
            for what, compared in ways(sgbuild).items():
                print(f"bench: {files} files, {what}", file=sys.stderr, flush=True)
                measure(compared, root, given.runs)
                report(f"a package of {files} files, {what}", compared)


if __name__ == "__main__":
    main()
