"""One package of the corpus: read by sgbuild and by setuptools, and compared."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from places import PYTHON, Trouble, plain_environment, run, unpack
from sdists import Meaning, Sdist, inspectable, inspected

# Packages of the corpus train nothing; `sgbuild dist` has to be told of something that it could call.
TRAIN = "os:getcwd"


@dataclass
class Verdict:
    """What came of one package."""

    pin: str
    kind: str = "-"
    reason: str = ""
    fields: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    same_bytes: bool = False
    inspect_seconds: float = 0.0
    setuptools_seconds: float = 0.0

    @property
    def wrong(self) -> list[str]:
        """Every difference."""
        return self.fields + self.files


def judge(pin: str, archive: Path, sgbuild: Path) -> Verdict:
    """Read one package in both ways; what fails is a difference too."""
    verdict = Verdict(pin)
    with tempfile.TemporaryDirectory(prefix="sgbuild-conformance-") as scratch:
        try:
            _compare(verdict, archive, sgbuild, Path(scratch))
        except Trouble as trouble:
            verdict.fields.append(str(trouble))
    return verdict


def _compare(verdict: Verdict, archive: Path, sgbuild: Path, scratch: Path) -> None:
    theirs = _setuptools_sdist(verdict, unpack(archive, scratch / "theirs"), scratch / "out")
    project = unpack(archive, scratch / "ours")
    said = _inspect(verdict, sgbuild, project)
    verdict.fields += differences(inspected(said), inspectable(theirs))
    ours = _sgbuild_sdist(sgbuild, project)
    left_out = ours.left_out()
    verdict.fields += differences(ours.fields(left_out), theirs.fields(left_out))
    verdict.same_bytes = ours.pkg_info_text == theirs.pkg_info_text
    verdict.fields += differences(ours.egg_info(), theirs.egg_info())
    verdict.files += [f"extra file: {name}" for name in sorted(ours.files.keys() - theirs.files.keys())]
    verdict.files += [f"missing file: {name}" for name in sorted(theirs.files.keys() - ours.files.keys())]


def _setuptools_sdist(verdict: Verdict, project: Path, out: Path) -> Sdist:
    """What setuptools itself packs."""
    command = [str(PYTHON), "-m", "build", "--sdist", "--no-isolation", "--skip-dependency-check"]
    started = time.monotonic()
    run([*command, "--outdir", str(out)], cwd=project)
    verdict.setuptools_seconds = time.monotonic() - started
    (archive,) = out.iterdir()
    return Sdist(archive)


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


def _sgbuild_sdist(sgbuild: Path, project: Path) -> Sdist:
    """What `sgbuild dist` packs."""
    before = set(project.glob("dist/*"))
    run([str(sgbuild), "dist", "--train", TRAIN], cwd=project)
    (archive,) = {path for path in project.glob("dist/*.tar.gz") if path not in before}
    return Sdist(archive)


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
