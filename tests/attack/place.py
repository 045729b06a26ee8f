"""Where sgbuild is attacked: a project in git, a home, a cache and a scratch directory of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

# What an end of sgbuild may be: done, the user's move, usage, try again, interrupted, nobody reads.
KNOWN_ENDS = {0, 1, 2, 75, 130, 141}
# What `build` and `push` put into `dist/` afterwards, each as a whole.
ADDED = {"image.json", "sbom.cdx.json"}
SETUP = """from setuptools import setup

setup(
    name="{name}",
    version="1.0.0",
    packages=["attacked"],
    install_requires=["tabulate==0.9.0", "humanize==4.9.0"],
    entry_points={{"sgbuild.train": ["a = attacked.train:train"]}},
)
"""
# What only Python can say: an environment has to be made for it.
ASKING = """import json, os
from setuptools import setup

setup(
    name="{name}",
    version=json.loads(os.popen("echo '\\"1.0.0\\"'").read()),
    packages=["attacked"],
    entry_points={{"sgbuild.train": ["a = attacked.train:train"]}},
)
"""


@dataclass
class Ended:
    """How a process ended, and what it said."""

    code: int
    stdout: bytes
    stderr: bytes
    seconds: float

    def text(self) -> str:
        """Its last words, for the table of what failed."""
        return self.stderr.decode(errors="replace").strip()[-600:]


@dataclass
class Place:
    """One user with one project."""

    root: Path
    sgbuild: str
    name: str
    setup: str = SETUP
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in (self.home, self.cache, self.temporary, self.project / "attacked"):
            each.mkdir(parents=True, exist_ok=True)
        (self.project / "setup.py").write_text(self.setup.format(name=self.name))
        (self.project / "attacked" / "__init__.py").write_text("")
        self.write(0)
        self.git("init", "-q")
        self.git("add", ".")
        self.git("commit", "-qm", "One")

    @property
    def project(self) -> Path:
        """The checkout."""
        return self.root / "project"

    @property
    def home(self) -> Path:
        """The user's home."""
        return self.root / "home"

    @property
    def cache(self) -> Path:
        """Where sgbuild keeps what it knows."""
        return self.root / "cache"

    @property
    def temporary(self) -> Path:
        """The directory for what is temporary."""
        return self.root / "tmp"

    def git(self, *arguments: str) -> None:
        """Run git on the checkout."""
        who = ["-c", "user.name=attack", "-c", "user.email=attack@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=self.project, check=True, capture_output=True)

    def write(self, variant: int) -> None:
        """One of the package's versions of its source."""
        source = f"VARIANT = {variant}\n\n\ndef train():\n    print(VARIANT)\n"
        (self.project / "attacked" / "train.py").write_text(source)

    def environment(self) -> dict[str, str]:
        """What its sgbuild sees."""
        return {
            **os.environ,
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.cache),
            "TMPDIR": str(self.temporary),
            "SGBUILD_BASE_IMAGE": os.environ["SGBUILD_TESTBED_BASE"],
            # A tag that says nothing of the time or of the commit.
            "SGBUILD_REVISION": "attack",
            **self.extra,
        }

    def start(self, arguments: list[str], **more: object) -> subprocess.Popen:
        """Start sgbuild in a session of its own, so that what it leaves running is found."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
        return subprocess.Popen(
            [self.sgbuild, *arguments], cwd=self.project, env=self.environment(), start_new_session=True, **options
        )

    def run(self, arguments: list[str], *, limit: float = 300, **more: object) -> Ended:
        """Run sgbuild to its end; one that does not end is killed, and has the code -9."""
        began = time.monotonic()
        process = self.start(arguments, **more)
        try:
            stdout, stderr = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
        return Ended(process.returncode, stdout or b"", stderr or b"", time.monotonic() - began)

    def dist(self) -> str | None:
        """A digest of `dist/` as it is; None where there is none."""
        return tree(self.project / "dist") if (self.project / "dist").is_dir() else None

    def half_written(self) -> list[str]:
        """The files of ADDED that are not whole."""
        broken = []
        for name in sorted(ADDED):
            path = self.project / "dist" / name
            try:
                json.loads(path.read_bytes()) if path.exists() else None
            except ValueError:
                broken.append(name)
        return broken

    def litter(self) -> list[str]:
        """What git sees in the checkout that nobody committed, `dist/` aside."""
        command = ["git", "status", "--porcelain", "--ignored"]
        listed = subprocess.run(command, cwd=self.project, check=True, capture_output=True).stdout.decode()
        return [line for line in listed.splitlines() if line[3:] != "dist/" and not line.startswith(" M")]

    def sweep(self) -> None:
        """Empty the temporary directory: what one round left there is not counted against the next ones."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir()

    def forget(self) -> None:
        """Empty the cache."""
        shutil.rmtree(self.cache, ignore_errors=True)
        self.cache.mkdir()


def tree(directory: Path) -> str:
    """A digest of the names, modes and contents below a directory, without what is added when an image is made."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.name in ADDED:
            continue
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.relative_to(directory)}\0{path.lstat().st_mode:o}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def session(pid: int) -> list[str]:
    """The command lines of the processes that still run in a session."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            fields = (each / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == pid and fields[0] != "Z":
                found.append((each / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:120])
        except (OSError, ValueError, IndexError):
            continue
    return found


def panicked(ended: Ended) -> bool:
    """Whether it ended as no program should."""
    return ended.code not in KNOWN_ENDS or bool(re.search(rb"panicked at|RUST_BACKTRACE", ended.stderr))
