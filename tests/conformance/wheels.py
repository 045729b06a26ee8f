"""What a wheel holds: compared file by file, then as pip installs it."""

from __future__ import annotations

import email
import zipfile
from pathlib import Path

import installed
import sdists
from sdists import Meaning, entry_points, headers
from wheel.wheelfile import WheelFile

# Who made it, which is not the same.
GENERATOR = "Generator: "
# What is compared by its meaning, or has other bytes each time.
APART = (*installed.COMPILED, ".dist-info/METADATA", ".dist-info/WHEEL", ".dist-info/entry_points.txt")


class Wheel:
    """A .whl: its files, each with its bytes and whether it may be executed, in its order."""

    def __init__(self, archive: Path) -> None:
        with zipfile.ZipFile(archive) as file:
            members = [member for member in file.infolist() if not member.is_dir()]
            self.files = {member.filename: (file.read(member), _runs(member)) for member in members}
        self.dist_info = next(name.partition("/")[0] for name in self.files if name.endswith(".dist-info/WHEEL"))
        self.metadata = email.message_from_string(self.text("METADATA"))

    def text(self, name: str) -> str:
        """A file of its dist-info; empty where there is none."""
        read, _ = self.files.get(f"{self.dist_info}/{name}", (b"", False))
        return read.decode("utf-8", "surrogateescape")

    def left_out(self) -> set[str]:
        """The fields, in lower case, that its METADATA calls dynamic and gives no value of."""
        given = {name.lower() for name in self.metadata} | ({"description"} if self.metadata.get_payload() else set())
        return {name for name in self.metadata.get_all("Dynamic") or [] if name not in given}

    def fields(self, left_out: set[str]) -> Meaning:
        """What its METADATA says, but for fields that are left out."""
        found = headers(self.metadata, tuple(self.metadata.get_all("Provides-Extra") or []))
        found["Dynamic"] = [name for name in self.metadata.get_all("Dynamic") or [] if name not in left_out]
        return {name: value for name, value in found.items() if name.lower() not in left_out}

    def said(self) -> Meaning:
        """What the other files of its dist-info say."""
        return {
            "entry_points.txt": entry_points(self.text("entry_points.txt")),
            "WHEEL": [line for line in self.text("WHEEL").splitlines() if not line.startswith(GENERATOR)],
        }


def _runs(member: zipfile.ZipInfo) -> bool:
    return bool(member.external_attr >> 16 & 0o100)


def differences(ours: Path, theirs: Path) -> list[str]:
    """What differs between two wheels of one tree."""

    mine, real = Wheel(ours), Wheel(theirs)
    left_out = mine.left_out()
    found = [f"wheel: {ours.name}, not {theirs.name}"] if ours.name != theirs.name else []
    found += [f"only sgbuild's wheel has {name}" for name in sorted(mine.files.keys() - real.files.keys())]
    found += [f"only setuptools' wheel has {name}" for name in sorted(real.files.keys() - mine.files.keys())]
    found += [f"wheel: {line}" for line in sdists.differences(mine.fields(left_out), real.fields(left_out))]
    found += [f"wheel: {line}" for line in sdists.differences(mine.said(), real.said())]
    for name in sorted(mine.files.keys() & real.files.keys()):
        if mine.files[name] != real.files[name] and not name.endswith((*APART, ".dist-info/RECORD")):
            found.append(f"{name} in the wheel: sgbuild's is {mine.files[name]!r}, setuptools' {real.files[name]!r}")
    return [*found, *_invalid(ours)]


def _invalid(wheel: Path) -> list[str]:
    """What wheel's own reader says of a member that is not as RECORD has it."""
    try:
        with WheelFile(str(wheel)) as file:
            for name in file.namelist():
                file.read(name)
    except Exception as error:
        return [f"{wheel.name}: {error}"]
    return []
