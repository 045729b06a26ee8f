"""What pip installs of an sdist or a wheel: every file with its bytes, of sgbuild's and setuptools' of one tree."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

from places import PYTHON, Trouble, run

# Says where the archive was, which differs.
OF_THE_ARCHIVE = "direct_url.json"
# Other bytes in each build: a compiler writes down where it ran, a bill of materials has a serial number.
COMPILED = (".so", ".cyclonedx.json")
# What pip says of an sdist, whoever packed it: there is nothing to build, or setup.py reads a file that is not packed.
REFUSAL = re.compile(
    "(?P<no_project>neither 'setup.py' nor 'pyproject.toml' found)"
    "|(?P<no_file>No such file or directory: '[^']*/pip-req-build-[^']*')"
)

Install = Callable[[Path, Path], None]


def differences(
    ours: Path, theirs: Path, install: Install, scratch: Path, apart: tuple[str, ...] = COMPILED
) -> list[str]:
    """Install both into empty prefixes and name what differs: files, bytes, and whether they may be executed.

    Of files whose path ends as `apart` says, only that they are there counts.
    """
    mine = _installed(ours, install, scratch / "installed-ours", apart)
    real = _installed(theirs, install, scratch / "installed-theirs", apart)
    return [
        *(f"installed, though not of setuptools' sdist: {path}" for path in sorted(mine.keys() - real.keys())),
        *(f"not installed: {path}" for path in sorted(real.keys() - mine.keys())),
        *(
            f"installed {path}: sgbuild's is {mine[path]!r}, setuptools' {real[path]!r}"
            for path in sorted(mine.keys() & real.keys())
            if mine[path] != real[path]
        ),
    ]


def unless_refused(archive: Path, install: Install, scratch: Path) -> list[str]:
    """Nothing where pip finds no project in the archive."""
    refused = _installed(archive, install, scratch / "installed", COMPILED) == {"refused by pip": "no_project"}
    return [] if refused else [f"pip installs {archive.name}"]


def _installed(archive: Path, install: Install, scratch: Path, apart: tuple[str, ...]) -> dict[str, object]:
    prefix = scratch / "prefix"
    prefix.mkdir(parents=True)
    try:
        install(archive, prefix)
    except Trouble as trouble:
        refusal = REFUSAL.search(str(trouble))
        if refusal is None:
            raise
        return {"refused by pip": refusal.lastgroup}
    return _tree(prefix, apart)


def _tree(prefix: Path, apart: tuple[str, ...]) -> dict[str, object]:
    files = (path for path in prefix.rglob("*") if path.is_file() and path.name != OF_THE_ARCHIVE)
    return {str(path.relative_to(prefix)): _content(path, apart) for path in files if "__pycache__" not in path.parts}


def _content(path: Path, apart: tuple[str, ...]) -> object:
    read = path.read_bytes()
    if path.name == "RECORD":
        rows = csv.reader(read.decode().splitlines())
        return sorted(row[:1] if row[0].endswith(apart) else row for row in rows if not row[0].endswith(OF_THE_ARCHIVE))
    if str(path).endswith(apart):
        return "there"
    return read, bool(path.stat().st_mode & 0o100)


def with_isolation(sdist: Path, prefix: Path) -> None:
    """`pip install --no-deps`, the build requirements installed by pip: for other backends than setuptools."""
    quiet = ["--quiet", "--disable-pip-version-check", "--no-warn-script-location", "--no-compile"]
    run([str(PYTHON), "-m", "pip", "install", *quiet, "--no-deps", "--prefix", str(prefix), str(sdist)])
