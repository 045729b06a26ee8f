"""Situations that a repository cannot hold, or that .gitignore keeps out of it: made anew for each judgement."""

from __future__ import annotations

from pathlib import Path

SETUP = """from setuptools import find_packages, setup

setup(
    name="made-counter",
    version="1.0",
    packages=find_packages(include=["madecounter*"]),
    include_package_data=True,
    entry_points={"console_scripts": ["train = madecounter.train:train"]},
)
"""
PACKAGE = {"setup.py": SETUP, "madecounter/__init__.py": "", "madecounter/train.py": "def train():\n    pass\n"}


def _write(project: Path, files: dict[str, str]) -> None:
    for name, text in {**PACKAGE, **files}.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def names_that_differ_in_case(project: Path) -> None:
    """Two files on this system, one on others."""
    data = {"madecounter/Labels.txt": "upper\n", "madecounter/labels.txt": "lower\n", "README.MD": "", "README.md": ""}
    _write(project, {"MANIFEST.in": "graft madecounter\n", **data})


def link_to_itself(project: Path) -> None:
    """A link that leads nowhere, below a directory that is packed."""
    _write(project, {"MANIFEST.in": "graft data\n", "data/plain.txt": ""})
    (project / "data/loop").symlink_to("loop")


def egg_info_of_an_earlier_build(project: Path) -> None:
    """Metadata that was true once, and bytecode."""
    stale = {"PKG-INFO": "Metadata-Version: 2.1\nName: old\nVersion: 0.1\n", "requires.txt": "old\n"}
    _write(project, {f"made_counter.egg-info/{name}": text for name, text in stale.items()})


def egg_info_of_another_project(project: Path) -> None:
    """Grafted like any directory."""
    _write(project, {"MANIFEST.in": "graft vendor\n", "vendor/other.egg-info/PKG-INFO": "Name: other\n"})


def directories_called_dist(project: Path) -> None:
    """A package's own `dist` is data; the one at the root holds what was built."""
    data = {"madecounter/dist/weights.txt": "1\n", "madecounter/build/kernel.txt": "2\n", "build/old.txt": ""}
    _write(project, {"MANIFEST.in": "graft madecounter\ngraft build\n", **data})


def version_control_beside(project: Path) -> None:
    """A checkout of git and one of Subversion below it; .gitignore is a file like others."""
    checkout = {".git/config": "[core]\n", "data/.svn/entries": "12\n", ".gitignore": "dist\n", "data/kept.txt": ""}
    _write(project, {"MANIFEST.in": "graft .\n", **checkout})


def windows_line_ends(project: Path) -> None:
    """Carriage returns in every file that is read."""
    _write(project, {"MANIFEST.in": "include *.txt\r\nprune docs\r\n", "notes.txt": "", "docs/x.txt": ""})
    (project / "setup.cfg").write_bytes(
        b"[metadata]\r\ndescription = counts\r\n[options]\r\npython_requires = >=3.8\r\n"
    )
    (project / "setup.py").write_bytes(SETUP.replace("\n", "\r\n").encode())


def long_paths(project: Path) -> None:
    """Names longer than the header of a tar archive holds."""
    deep = "/".join(f"{'d' * 60}{level}" for level in range(4))
    _write(project, {"MANIFEST.in": "graft madecounter\n", f"madecounter/{deep}/{'f' * 90}.txt": "deep\n"})


def executable_files(project: Path) -> None:
    """What may be executed stays so."""
    _write(project, {"MANIFEST.in": "graft madecounter\n", "madecounter/run.sh": "#!/bin/sh\n"})
    (project / "madecounter/run.sh").chmod(0o700)


SITUATIONS = [
    directories_called_dist,
    egg_info_of_an_earlier_build,
    egg_info_of_another_project,
    executable_files,
    link_to_itself,
    long_paths,
    names_that_differ_in_case,
    version_control_beside,
    windows_line_ends,
]
