"""The program in a wheel: `sgbuild-1.0.0.data/scripts/sgbuild`
(https://packaging.python.org/en/latest/specifications/binary-distribution-format/)."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

# How a target's wheel ends: its platform tag, as pip knows it.
PLATFORMS = {
    "x86_64-unknown-linux-gnu": "manylinux2014_x86_64",
    "aarch64-unknown-linux-gnu": "manylinux2014_aarch64",
    "x86_64-unknown-linux-musl": "musllinux_1_2_x86_64",
    "aarch64-unknown-linux-musl": "musllinux_1_2_aarch64",
    "x86_64-apple-darwin": "macosx_",
    "aarch64-apple-darwin": "macosx_",
}


def wheel_of(target: str, directory: Path) -> Path:
    """The wheel of `target` in `directory`, of which there must be one."""
    architecture = {"x86_64-apple-darwin": "_x86_64.whl", "aarch64-apple-darwin": "_arm64.whl"}.get(target, ".whl")
    found = [
        each
        for each in directory.glob("sgbuild-*.whl")
        if PLATFORMS[target] in each.name and each.name.endswith(architecture)
    ]
    if len(found) != 1:
        sys.exit(
            f"{directory}: one wheel of {target} is expected, there are {len(found)}: {[each.name for each in found]}"
        )
    return found[0]


def program_of(wheel: Path) -> bytes:
    """The program that pip puts into `bin/`."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".data/scripts/sgbuild")]
        return archive.read(name)
