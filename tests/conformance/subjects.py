"""What is judged: the fixtures, the situations that only code can make, and the corpus."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import made
import places

FIXTURES = places.HERE.parent.parent / "fixtures"

# The fixtures that are read by asking Python, and why; every other one has to be read without it.
ASKED = {
    "cfg-attr-through-import": "the module that holds the version imports its own package",
    "cfg-development-tag": "the version is tagged",
    "computed-version": "the version is computed by code that is not followed",
    "toml-beside-setup-py": "pyproject.toml and setup.py both declare the package",
    "version-by-subprocess": "the version is a program's output",
}

# Projects of other backends, or with plugins: what decides is not the setuptools that the judge has.
FOREIGN = "backend-"

# What builds leave in a fixture.
LEFT_BEHIND = shutil.ignore_patterns("dist", "*.egg-info", "__pycache__")


@dataclass
class Subject:
    """One project to judge."""

    name: str
    # Makes the project somewhere below an empty directory and says where.
    make: Callable[[Path], Path]
    # "static" or "asked"; None where either is right.
    expected: str | None = None
    is_fixture: bool = False
    # Built by setuptools, of which the judge has the release that sgbuild follows.
    of_setuptools: bool = True


def corpus(only: list[str]) -> list[Subject]:
    """The packages of corpus.txt, fetched where they are not there yet."""

    def subject(pin: str) -> Subject:
        archive = places.sdist(pin)
        return Subject(pin, lambda directory: places.unpack(archive, directory))

    return [subject(pin) for pin in places.pins(places.HERE / "corpus.txt", only)]


def fixtures(only: list[str], *, foreign: bool) -> list[Subject]:
    """The directories of fixtures/, those of other backends only if asked for, and what made.py makes."""
    directories = sorted(path for path in FIXTURES.iterdir() if path.is_dir())
    directories = [path for path in directories if foreign or not path.name.startswith(FOREIGN)]
    unknown = ASKED.keys() - {path.name for path in directories}
    if unknown:
        raise places.Trouble(f"subjects.py names fixtures that are not there: {', '.join(sorted(unknown))}")
    found = [*map(_fixture, directories), *map(_made, made.SITUATIONS)]
    return [subject for subject in found if not only or subject.name in only]


def _fixture(directory: Path) -> Subject:
    of_setuptools = not directory.name.startswith(FOREIGN)

    def make(below: Path) -> Path:
        return Path(shutil.copytree(directory, below / "project", symlinks=True, ignore=LEFT_BEHIND))

    expected = "asked" if directory.name in ASKED or not of_setuptools else "static"
    return Subject(directory.name, make, expected, is_fixture=True, of_setuptools=of_setuptools)


def _made(situation: Callable[[Path], None]) -> Subject:
    def make(below: Path) -> Path:
        project = below / "project"
        project.mkdir(parents=True)
        situation(project)
        return project

    name = situation.__name__.replace("_", "-")
    return Subject(name, make, "static", is_fixture=True)
