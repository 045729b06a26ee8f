"""What an sdist says: its files and its metadata, in a form in which equal meaning is equal."""

from __future__ import annotations

import configparser
import email
import functools
import itertools
import tarfile
from collections.abc import Iterable
from email.message import Message
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

Meaning = dict[str, object]

# The values that a marker is tried with, for the variables that it names.
TRIED = {
    "python_version": ["2.6", "2.7", "3.3", "3.4", *(f"3.{minor}" for minor in range(5, 15))],
    "python_full_version": ["2.7.18", "3.6.0", "3.6.1", "3.7.0", "3.8.1", "3.9.7", "3.10.0", "3.11.4", "3.12.0"],
    "sys_platform": ["linux", "win32", "darwin", "cygwin"],
    "platform_system": ["Linux", "Windows", "Darwin"],
    "os_name": ["posix", "nt"],
    "platform_machine": ["x86_64", "AMD64", "arm64", "aarch64"],
    "platform_python_implementation": ["CPython", "PyPy"],
    "implementation_name": ["cpython", "pypy"],
}


class Sdist:
    """A tar.gz: the names of its files without the top directory, and the texts that hold metadata."""

    def __init__(self, archive: Path) -> None:
        with tarfile.open(archive) as tar:
            self.files = {_inside(member.name): member for member in tar if not member.isdir()}
            # The shortest path: packages may hold the egg-info of others as data of their tests.
            egg_info = min((n for n in self.files if n.endswith(".egg-info/PKG-INFO")), key=len, default="")
            self.pkg_info_text = self._text(tar, "PKG-INFO")
            self.pkg_info = email.message_from_string(self.pkg_info_text)
            beside = egg_info.removesuffix("PKG-INFO")
            texts = ("requires.txt", "entry_points.txt", "top_level.txt")
            self.texts = {name: self._text(tar, beside + name) for name in texts}

    def _text(self, tar: tarfile.TarFile, name: str) -> str:
        member = self.files.get(name)
        file = tar.extractfile(member) if member else None
        return file.read().decode("utf-8", "surrogateescape") if file else ""

    def left_out(self) -> set[str]:
        """The fields, in lower case, that its PKG-INFO calls dynamic and gives no value of."""
        given = {name.lower() for name in self.pkg_info} | ({"description"} if self.pkg_info.get_payload() else set())
        return {name for name in self.pkg_info.get_all("Dynamic") or [] if name not in given}

    def fields(self, left_out: set[str]) -> Meaning:
        """What its PKG-INFO says, but for fields that are left out."""
        found = headers(self.pkg_info, tuple(self.pkg_info.get_all("Provides-Extra") or []))
        found["Dynamic"] = [name for name in self.pkg_info.get_all("Dynamic") or [] if name not in left_out]
        return {name: value for name, value in found.items() if name.lower() not in left_out}

    def egg_info(self) -> Meaning:
        """What the files beside the egg-info's PKG-INFO say."""
        return {
            "requires.txt": requires(self.texts["requires.txt"]),
            "entry_points.txt": entry_points(self.texts["entry_points.txt"]),
            "top_level.txt": sorted(self.texts["top_level.txt"].split()),
        }


def _inside(name: str) -> str:
    return name.partition("/")[2]


def inspected(said: dict) -> Meaning:
    """The meaning of `sgbuild inspect --json`."""
    return {
        "name": canonicalize_name(said["name"]),
        "version": str(Version(said["version"])),
        "summary": said["summary"],
        "requires_python": specifiers(said["requires_python"]),
        "requires_dist": requirements(said["requires_dist"], tuple(said["provides_extra"])),
        "provides_extra": list(map(canonicalize_name, said["provides_extra"])),
        "entry_points": {group: entries for group, entries in said["entry_points"].items() if entries},
    }


def inspectable(sdist: Sdist, said: dict) -> Meaning:
    """The same fields from an sdist of setuptools, but for a summary that sgbuild says to leave out."""
    fields = sdist.pkg_info
    extras = fields.get_all("Provides-Extra") or []
    is_left_out = any(dynamic["field"] == "summary" for dynamic in said["dynamic"])
    summary = fields["Summary"]
    return {
        "name": canonicalize_name(fields["Name"]),
        "version": str(Version(fields["Version"])),
        "summary": None if is_left_out or summary == "UNKNOWN" else summary,
        "requires_python": specifiers(fields["Requires-Python"]),
        "requires_dist": requirements(fields.get_all("Requires-Dist") or [], tuple(extras)),
        "provides_extra": list(map(canonicalize_name, extras)),
        "entry_points": entry_points(sdist.texts["entry_points.txt"]),
    }


def headers(message: Message, extras: tuple[str, ...]) -> Meaning:
    """The fields of a PKG-INFO, the description among them."""
    found = {name: header(name, message.get_all(name) or [], extras) for name in dict.fromkeys(message.keys())}
    description = message.get_payload().strip()
    return {**found, "Description": description} if description else found


def header(name: str, values: list[str], extras: tuple[str, ...]) -> object:
    """One field of a PKG-INFO, with all its values."""
    match name:
        case "Name" | "Provides-Extra":
            return list(map(canonicalize_name, values))
        case "Version":
            return [str(Version(value)) for value in values]
        case "Requires-Python":
            return [specifiers(value) for value in values]
        case "License-File":
            # A file that two patterns spell differently is named twice by setuptools.
            return list(dict.fromkeys(values))
        case "Requires-Dist":
            return requirements(values, extras)
        case _:
            return values


def specifiers(text: str | None) -> list[str]:
    """A set of version specifiers."""
    return sorted(map(str, SpecifierSet(text or "")))


def requirements(texts: Iterable[str], extras: tuple[str, ...]) -> list[str]:
    """PEP 508 requirements. Their order means nothing; a setup.py that lists a Python set has another in each run."""
    return sorted(requirement(text, extras) for text in texts)


@functools.cache
def requirement(text: str, extras: tuple[str, ...] = ()) -> str:
    """A PEP 508 requirement: what it asks for, and where its marker is true."""
    parsed = Requirement(text)
    wanted = f"[{','.join(sorted(map(canonicalize_name, parsed.extras)))}]" if parsed.extras else ""
    version = f" @ {parsed.url}" if parsed.url else ",".join(specifiers(str(parsed.specifier)))
    marker = f" where {truths(str(parsed.marker), extras)}" if parsed.marker else ""
    return f"{canonicalize_name(parsed.name)}{wanted}{version}{marker}"


@functools.cache
def truths(text: str, extras: tuple[str, ...]) -> str:
    """The places where a marker is true, of all that differ in the variables that it names."""
    named = {name: values for name, values in TRIED.items() if name in text}
    if "extra" in text:
        named["extra"] = ["", *extras]
    marker = Marker(text)
    places = (dict(zip(named, values, strict=True)) for values in itertools.product(*named.values()))
    true = ["/".join(place.values()) for place in places if marker.evaluate(place)]
    return f"{'*'.join(named)} in {' '.join(true)}"


def requires(text: str) -> Meaning:
    """A requires.txt: for each section its requirements. A section is an extra, a marker, or both."""
    found: dict[str, list[str]] = {"": []}
    section = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("["):
            section = _section(line.strip("[]"))
            found.setdefault(section, [])
        else:
            found[section].append(requirement(line))
    # An empty section says that there is such an extra, which a section of it with a condition says too.
    conditional = {name.partition(":")[0] for name in found if ":" in name}
    return {name: sorted(lines) for name, lines in found.items() if lines or name and name not in conditional}


def _section(text: str) -> str:
    extra, _, marker = text.partition(":")
    return f"{canonicalize_name(extra)}:{truths(marker, ())}" if marker else canonicalize_name(extra)


def entry_points(text: str) -> dict[str, dict[str, str]]:
    """An entry_points.txt: {group: {name: object}}."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str
    parser.read_string(text)
    return {group: dict(parser.items(group)) for group in parser.sections() if parser.items(group)}


def differences(ours: Meaning, theirs: Meaning) -> list[str]:
    """The fields that differ, each in one line."""
    names = dict.fromkeys([*theirs, *ours])
    return [_difference(name, ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)]


def _difference(name: str, ours: object, theirs: object) -> str:
    """The items of a list that differ, else the two values."""
    if isinstance(ours, list) and isinstance(theirs, list):
        extra = [item for item in ours if item not in theirs]
        missing = [item for item in theirs if item not in ours]
        if extra or missing:
            return f"{name}: only sgbuild says {extra}, only setuptools {missing}"
        return f"{name}: in another order or number: sgbuild says {ours}, setuptools {theirs}"
    return f"{name}: sgbuild says {ours!r}, setuptools {theirs!r}"
