"""Refuses a program that would not start everywhere, or that has grown.

  check_program.py TARGET DIRECTORY

A Linux program has in it what it asks of the C library: the versions of its symbols (`.gnu.version_r`), each that of
the glibc with which the symbol came, and the libraries that the loader must find (`DT_NEEDED`)."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from program import program_of, wheel_of

NEWEST_GLIBC = (2, 17)
# What every glibc has; libgcc_s is a package of its own, which small images leave out.
LIBRARIES = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1"}
LOADERS = {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
LARGEST = 22_000_000


def faults(target: str, program: bytes) -> list[str]:
    """What is wrong with a target's program."""
    found = []
    if len(program) > LARGEST:
        found.append(f"it has {len(program):,} bytes, and may have {LARGEST:,}")
    if "-linux-" not in target:
        return found
    elf = ELFFile(io.BytesIO(program))
    if elf.get_section_by_name(".symtab"):
        found.append("its symbols are not stripped")
    needed = needed_libraries(elf)
    if target.endswith("-musl"):
        return found + ([f"it is not static: {sorted(needed)}"] if needed else [])
    if strange := needed - LIBRARIES - LOADERS:
        found.append(f"it needs {', '.join(sorted(strange))}")
    if newer := {version for version in glibc_versions(elf) if version > NEWEST_GLIBC}:
        versions = ", ".join(".".join(map(str, version)) for version in sorted(newer))
        found.append(f"it has symbols of glibc {versions}")
    return found


def needed_libraries(elf: ELFFile) -> set[str]:
    """`DT_NEEDED`."""
    dynamic = [section for section in elf.iter_sections() if isinstance(section, DynamicSection)]
    return {tag.needed for section in dynamic for tag in section.iter_tags() if tag.entry.d_tag == "DT_NEEDED"}


def glibc_versions(elf: ELFFile) -> set[tuple[int, ...]]:
    """The versions of glibc's symbols: `GLIBC_2.17` is (2, 17). GLIBC_PRIVATE and other names are newer than any."""
    versions = set()
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, wanted in section.iter_versions():
                versions.update(number(version.name) for version in wanted)
    return versions


def number(version: str) -> tuple[int, ...]:
    """`GLIBC_2.2.5` as (2, 2, 5)."""
    name, _, digits = version.partition("_")
    if name != "GLIBC" or not digits[:1].isdigit():
        return (sys.maxsize,)
    return tuple(int(part) for part in digits.split("."))


def main() -> None:
    """Checks the program in the target's wheel."""
    target, directory = sys.argv[1], Path(sys.argv[2])
    wheel = wheel_of(target, directory)
    program = program_of(wheel)
    if found := faults(target, program):
        sys.exit("\n".join(f"{wheel.name}: {fault}" for fault in found))
    told = f"{wheel.name}: {len(program):,} bytes"
    if target.endswith("-linux-gnu"):
        elf = ELFFile(io.BytesIO(program))
        newest = ".".join(map(str, max(glibc_versions(elf))))
        told += f", glibc {newest} or newer, {' '.join(sorted(needed_libraries(elf)))}"
    print(told)


if __name__ == "__main__":
    main()
