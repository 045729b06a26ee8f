"""What is in an sdist's files, beyond their names and the metadata that sdists.py reads."""

from __future__ import annotations

import configparser
import posixpath
import tarfile
from pathlib import Path

Contents = dict[str, object]

# Compared by meaning elsewhere (sdists.py).
METADATA = ("PKG-INFO", "requires.txt", "entry_points.txt", "top_level.txt")


def contents(archive: Path) -> Contents:
    """Each file's bytes; of SOURCES.txt what it lists, of setup.cfg what it says; whether it may be executed."""
    found: Contents = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.partition("/")[2]
            file = tar.extractfile(member)
            if file is not None and not _is_metadata(name):
                # An earlier build's egg-info may have left its modes.
                runs = bool(member.mode & 0o100) and ".egg-info/" not in name
                found[name] = _meaning(name, file.read()), runs
    return found


def _is_metadata(name: str) -> bool:
    parent, _, base = name.rpartition("/")
    return base in METADATA and (not parent or parent.endswith(".egg-info"))


def _meaning(name: str, read: bytes) -> object:
    if name.endswith(".egg-info/SOURCES.txt"):
        # setuptools leaves a path as the pattern that brought it was written.
        return {posixpath.normpath(line) for line in read.decode("utf-8", "surrogateescape").splitlines()}
    if name == "setup.cfg":
        # setuptools writes it anew, without the comments.
        return _options(read.decode("utf-8"))
    return read


def _options(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    parser.optionxform = lambda option: option.replace("-", "_")
    parser.read_string(text)
    return {section: dict(parser.items(section)) for section in parser.sections()}


def differences(ours: Path, theirs: Path) -> list[str]:
    """What differs between the files that both archives have."""
    mine, real = contents(ours), contents(theirs)
    return [
        f"{name} in the sdist: {_shown(mine[name], real[name])}"
        for name in sorted(mine.keys() & real.keys())
        if mine[name] != real[name]
    ]


def _shown(mine: object, real: object) -> str:
    (ours, ours_runs), (theirs, theirs_runs) = mine, real
    if isinstance(ours, set):
        return f"only sgbuild lists {sorted(ours - theirs)}, only setuptools {sorted(theirs - ours)}"
    if ours != theirs:
        return f"sgbuild packs {ours!r}, setuptools {theirs!r}"
    return f"executable: sgbuild says {ours_runs}, setuptools {theirs_runs}"
