"""One project: read by sgbuild and by setuptools, and compared."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import contents
import installed
import warm
import wheels
from places import PYTHON, Trouble, plain_environment, run
from sdists import Sdist, differences, inspectable, inspected
from subjects import Subject

# Packages of the corpus train nothing; `sgbuild dist` has to be told of something that it could call.
DIST = ["dist", "--train", "os:getcwd"]

# An sdist with neither is no project to pip: `sgbuild dist` refuses what setuptools packs.
MAKE_A_PROJECT = {"setup.py", "pyproject.toml"}

BUILD = [str(PYTHON), "-m", "build"]
# With the setuptools that is there.
AS_IT_IS = ["--no-isolation", "--skip-dependency-check"]


@dataclass
class Verdict:
    """What came of one project."""

    name: str
    kind: str = "-"
    reason: str = ""
    fields: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    # None where nothing was installed.
    installed: list[str] | None = None
    # None where there was no wheel to judge.
    wheel: list[str] | None = None
    # Whether both PKG-INFO are the same to the byte.
    same_bytes: bool = False
    inspect_seconds: float = 0.0
    setuptools_seconds: float = 0.0

    @property
    def wrong(self) -> list[str]:
        """Every difference."""
        return self.fields + self.files + (self.installed or []) + (self.wheel or [])


def judge(subject: Subject, sgbuild: Path, *, installs: bool) -> Verdict:
    """Read one project in both ways; what fails is a difference too."""
    verdict = Verdict(subject.name)
    with tempfile.TemporaryDirectory(prefix="sgbuild-conformance-") as scratch:
        try:
            _compare(verdict, subject, sgbuild, Path(scratch), installs)
        except Trouble as trouble:
            verdict.fields.append(str(trouble))
    return verdict


def _compare(verdict: Verdict, subject: Subject, sgbuild: Path, scratch: Path, installs: bool) -> None:
    real = _setuptools_sdist(verdict, subject, subject.make(scratch / "theirs"), scratch / "out")
    theirs = Sdist(real)
    project = subject.make(scratch / "ours")
    said = _inspect(verdict, sgbuild, project)
    if subject.expected not in (None, verdict.kind):
        verdict.fields.append(f"source: {verdict.kind}, not {subject.expected} as expected: {verdict.reason}")
    expected, found = inspectable(theirs, said), inspected(said)
    if not subject.of_setuptools:
        # Only setuptools puts them into the sdist; of the others what is installed tells.
        expected["entry_points"] = found["entry_points"]
    verdict.fields += differences(found, expected)
    install = warm.install if subject.of_setuptools else installed.with_isolation
    if theirs.files.keys().isdisjoint(MAKE_A_PROJECT):
        verdict.files += _unless_refused(sgbuild, project)
        verdict.installed = installed.unless_refused(real, install, scratch) if installs else None
        return
    archive = _sgbuild_sdist(sgbuild, project)
    ours = Sdist(archive)
    fields, files = sdist_differences(ours, theirs)
    verdict.same_bytes = ours.pkg_info_text == theirs.pkg_info_text
    verdict.fields += fields
    verdict.files += files + contents.differences(archive, real)
    if installs:
        verdict.installed = installed.differences(archive, real, install, scratch)
    for wheel in project.glob("dist/*.whl"):
        verdict.wheel = _judge_wheel(wheel, subject, scratch)


def _judge_wheel(wheel: Path, subject: Subject, scratch: Path) -> list[str]:
    """What is wrong with the wheel that `sgbuild dist` made."""
    tree = subject.make(scratch / "theirs-wheel")
    _forget_earlier_builds(tree)
    real = _setuptools_wheel(subject, tree, scratch / "wheel")
    found = wheels.differences(wheel, real)
    return found + installed.differences(wheel, real, warm.install_wheel, scratch / "wheels", wheels.APART)


def _forget_earlier_builds(project: Path) -> None:
    """Remove what setuptools would take from an earlier build and sgbuild, on purpose, does not."""
    for built in project.glob("build/lib*"):
        shutil.rmtree(built)
    # Files that are written anew keep the permissions of the old ones.
    for written in project.rglob("*.egg-info/*.txt"):
        written.chmod(0o644)


def _setuptools_wheel(subject: Subject, project: Path, out: Path) -> Path:
    """What setuptools itself (or the project's own backend) builds of a tree that nothing was built in."""
    if not subject.of_setuptools:
        run([*BUILD, "--wheel", "--outdir", str(out)], cwd=project)
    elif subject.is_fixture:
        warm.build_wheel(project, out)
    else:
        run([*BUILD, "--wheel", *AS_IT_IS, "--outdir", str(out)], cwd=project)
    (wheel,) = out.iterdir()
    return wheel


def sdist_differences(ours: Sdist, theirs: Sdist) -> tuple[list[str], list[str]]:
    """The metadata that differs, and the files that only one has."""
    left_out = ours.left_out()
    fields = differences(ours.fields(left_out), theirs.fields(left_out))
    fields += differences(ours.egg_info(), theirs.egg_info())
    extra = [f"extra file: {name}" for name in sorted(ours.files.keys() - theirs.files.keys())]
    missing = [f"missing file: {name}" for name in sorted(theirs.files.keys() - ours.files.keys())]
    return fields, extra + missing


def _setuptools_sdist(verdict: Verdict, subject: Subject, project: Path, out: Path) -> Path:
    """What setuptools itself (or the project's own backend) packs."""
    started = time.monotonic()
    if not subject.of_setuptools:
        run([*BUILD, "--sdist", "--outdir", str(out)], cwd=project)
    elif subject.is_fixture:
        warm.build_sdist(project, out)
    else:
        run([*BUILD, "--sdist", *AS_IT_IS, "--outdir", str(out)], cwd=project)
    verdict.setuptools_seconds = time.monotonic() - started
    (archive,) = out.iterdir()
    return archive


def _inspect(verdict: Verdict, sgbuild: Path, project: Path) -> dict:
    """What `sgbuild inspect` says, and whether it needed Python for that."""
    started = time.monotonic()
    said = json.loads(run([str(sgbuild), "inspect", "--json"], cwd=project))
    verdict.inspect_seconds = time.monotonic() - started
    is_static = said["source"]["kind"] == "static"
    verdict.kind = "static" if is_static else "asked"
    verdict.reason = said["source"]["reason"]
    if is_static != _reads_statically(sgbuild, project):
        verdict.fields.append(f"source: {verdict.kind}, but --static says otherwise")
    return said


def _reads_statically(sgbuild: Path, project: Path) -> bool:
    command = [str(sgbuild), "inspect", "--json", "--static"]
    done = subprocess.run(command, cwd=project, env=plain_environment(), capture_output=True, check=False)
    return done.returncode == 0


def _sgbuild_sdist(sgbuild: Path, project: Path) -> Path:
    """What `sgbuild dist` packs."""
    before = set(project.glob("dist/*"))
    run([str(sgbuild), *DIST], cwd=project)
    (archive,) = {path for path in project.glob("dist/*.tar.gz") if path not in before}
    return archive


def _unless_refused(sgbuild: Path, project: Path) -> list[str]:
    """Nothing where `sgbuild dist` says that pip would not take the sdist."""
    try:
        run([str(sgbuild), *DIST], cwd=project)
    except Trouble as trouble:
        if "holds neither setup.py nor pyproject.toml" not in str(trouble):
            raise
        return []
    return ["packed, though pip cannot install it"]
