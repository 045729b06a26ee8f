"""The corpus of sdists and the judge's Python: both made once, and kept beside the testbed's state."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Trouble(Exception):
    """Something a person has to know or to mend; its text is shown as it is."""


if "SGBUILD_TESTBED" not in os.environ:
    sys.exit('SGBUILD_TESTBED is not set: run `make conformance`, or eval "$(tests/testbed/testbed env)" first')
STATE = Path(os.environ["SGBUILD_TESTBED"])
CORPUS = STATE / "corpus"
REQUIREMENTS = HERE / "requirements.txt"
# Named by what is in it: checkouts with other requirements share the state.
VENV = STATE / f"oracle-venv-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"
PYTHON = VENV / "bin" / "python"


def enter_venv() -> None:
    """Go on in the judge's own Python, which has setuptools and packaging; make it first where it is missing."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        return
    os.execv(judge(), [str(PYTHON), *sys.argv])


def judge() -> Path:
    """The judge's Python, with what requirements.txt pins; made where it is missing. `make test` asks the same one."""
    wanted = REQUIREMENTS.read_text()
    stamp = VENV / "requirements.installed"
    with open(STATE / "oracle-venv.lock", "w") as lock:
        # Tests that run at the same time make it once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return PYTHON
        say("preparing the judge's Python")
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        run([str(PYTHON), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)])
        stamp.write_text(wanted)
    return PYTHON


def pins(listing: Path, only: list[str]) -> list[str]:
    """The `name==version` lines of a corpus file, of all names or of some."""
    lines = (line.split("#")[0].strip() for line in listing.read_text().splitlines())
    found = [line for line in lines if line]
    if not only:
        return found
    unknown = set(only) - {pin.partition("==")[0] for pin in found}
    if unknown:
        raise Trouble(f"not in {listing.name}: {', '.join(sorted(unknown))}")
    return [pin for pin in found if pin.partition("==")[0] in only]


def sdist(pin: str) -> Path:
    """The sdist of a pin, fetched by pip where it is not there yet."""
    kept = CORPUS / pin.replace("==", "-")
    if not kept.exists():
        say(f"fetching {pin}")
        _fetch(pin, kept)
    (archive,) = kept.iterdir()
    return archive


def _fetch(pin: str, kept: Path) -> None:
    """Fetch into a directory that has its name only when it is complete. pip runs the package's metadata hook."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    options = ["--no-binary", ":all:", "--no-deps", "--use-pep517", "--no-build-isolation"]
    with tempfile.TemporaryDirectory(dir=CORPUS) as fresh:
        partial = Path(fresh) / "sdist"
        run([str(PYTHON), "-m", "pip", "download", "-q", *options, "--dest", str(partial), pin])
        partial.rename(kept)


def unpack(archive: Path, directory: Path) -> Path:
    """Unpack an sdist; its one top directory is the project, as a checkout has it."""
    shutil.unpack_archive(archive, directory, filter="data" if archive.suffix != ".zip" else None)
    (project,) = directory.iterdir()
    _forget_earlier_builds(project)
    return project


def _forget_earlier_builds(project: Path) -> None:
    """Remove what setuptools would pack again and sgbuild, on purpose, does not (see src/package/files.rs)."""
    # A flag of zip safety says by its name all there is to say; setuptools keeps the line ends of an earlier one.
    for left in [*project.rglob("*.egg-info/SOURCES.txt"), *project.rglob("*.egg-info/*zip-safe")]:
        left.unlink()
    for cache in list(project.rglob("__pycache__")):
        shutil.rmtree(cache)


def run(command: list[str], *, cwd: Path | None = None) -> str:
    """Run a program to its end and return its stdout; Trouble with the end of its output if it fails."""
    done = subprocess.run(command, cwd=cwd, env=plain_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()[-1500:]
        raise Trouble(f"`{' '.join(command)}` ended with {done.returncode}:\n{output}")
    return done.stdout


def plain_environment() -> dict[str, str]:
    """The environment without what could change an answer: settings of AWS, of sgbuild and of Python.

    sgbuild reads for the Python of an image, which is the judge's here.
    """
    dropped = ("AWS_", "SGBUILD_", "PYTHON", "SETUPTOOLS_", "DISTUTILS_", "SOURCE_DATE_EPOCH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "SGBUILD_PYTHON_VERSION": "{}.{}".format(*sys.version_info[:2])}


def say(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)
