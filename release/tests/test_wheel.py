"""`pip install sgbuild` and its like, from the wheel that was made, with every Python that is found here."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
import threading
import unittest
import zipfile
from pathlib import Path

import packages
from packages import ARCHIVE, TARGET, VERSION, run

from program import program_of, wheel_of

# Their programs: uv and pipx.
TOOLS = Path(sys.prefix) / "bin"
# requires-python of pyproject.toml and newer. Debian's own is one of them; which others there are is up to the machine.
PYTHONS = [f"3.{minor}" for minor in range(7, 16)]


def pythons() -> dict[str, Path]:
    """The interpreters of this machine, by their release."""
    found = {}
    for release in PYTHONS:
        asked = run([TOOLS / "uv", "python", "find", "--no-project", "--no-python-downloads", release])
        if asked.returncode == 0:
            found[release] = Path(asked.stdout.strip())
    # Where pyenv has them, it puts a program in front that starts the one it thinks right.
    for python in (Path.home() / ".pyenv" / "versions").glob("3.*/bin/python"):
        found.setdefault(python.parent.parent.name.rpartition(".")[0], python)
    return {release: found[release] for release in PYTHONS if release in found}


class Wheel(unittest.TestCase):
    """Each test has an empty home and no index but the one on loopback."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.packages = packages.directory()
        cls.wheel = wheel_of(TARGET, cls.packages)

    def setUp(self) -> None:
        self.scratch = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.scratch), "LC_ALL": "C.UTF-8"}

    def index(self) -> str:
        """A package index (PEP 503) with the wheel."""
        folder = self.scratch / "index" / "sgbuild"
        folder.mkdir(parents=True)
        shutil.copy(self.wheel, folder)
        (folder / "index.html").write_text(f"<!DOCTYPE html><a href='{self.wheel.name}'>{self.wheel.name}</a>")

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=str(folder.parent))

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}/"

    def runs(self, program: Path) -> None:
        """It is our program, and it runs."""
        ran = run([program, "--version"], env=self.environment)
        self.assertEqual((ran.stdout, ran.stderr), (f"sgbuild {VERSION}\n", ""))

    def test_pip_with_every_python(self) -> None:
        found, index = pythons(), self.index()
        self.assertTrue(found)
        print("pip of Python", ", ".join(found), file=sys.stderr)
        for release, python in found.items():
            with self.subTest(python=release):
                venv = self.scratch / f"venv-{release}"
                made = run([python, "-m", "venv", venv], env=self.environment)
                self.assertEqual(made.returncode, 0, made)
                options = ["--disable-pip-version-check", "--no-cache-dir", "--index-url", index]
                ran = run([venv / "bin" / "pip", "install", *options, "sgbuild"], env=self.environment)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                self.runs(venv / "bin" / "sgbuild")

    def test_uv_tool(self) -> None:
        index = self.index()
        ran = run([TOOLS / "uv", "tool", "install", "--default-index", index, "sgbuild"], env=self.environment)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.runs(self.scratch / ".local" / "bin" / "sgbuild")

    def test_uvx(self) -> None:
        ran = run([TOOLS / "uvx", "--default-index", self.index(), "sgbuild", "--version"], env=self.environment)
        self.assertEqual(ran.stdout, f"sgbuild {VERSION}\n", ran.stderr)

    def test_pipx_run(self) -> None:
        # It wants the newest pip for itself, which this index has not.
        environment = {**self.environment, "PIPX_DEFAULT_BACKEND": "uv", "PATH": f"{TOOLS}:/usr/bin:/bin"}
        ran = run([TOOLS / "pipx", "run", "--index-url", self.index(), "sgbuild", "--version"], env=environment)
        self.assertEqual(ran.stdout, f"sgbuild {VERSION}\n", ran.stderr)

    def test_wheel_and_archive_have_the_same_program(self) -> None:
        with tarfile.open(self.packages / ARCHIVE) as archive:
            names = archive.getnames()
            program = archive.extractfile(f"sgbuild-{TARGET}/sgbuild").read()
        self.assertEqual(program, program_of(self.wheel))
        self.assertIn(f"sgbuild-{TARGET}/man/man1/sgbuild-push.1", names)
        self.assertIn(f"sgbuild-{TARGET}/completions/_sgbuild", names)
        self.assertIn(f"sgbuild-{TARGET}/LICENSE", names)

    def test_metadata(self) -> None:
        with zipfile.ZipFile(self.wheel) as wheel:
            (name,) = [each for each in wheel.namelist() if each.endswith(".dist-info/METADATA")]
            metadata = wheel.read(name).decode()
        self.assertIn(f"\nVersion: {VERSION}\n", metadata)
        self.assertIn("\nRequires-Python: >=3.7\n", metadata)
        self.assertIn("Apache-2.0", metadata)
        name, _, platforms = self.wheel.stem.rpartition("-")
        self.assertEqual(name, f"sgbuild-{VERSION}-py3-none")
        self.assertEqual(set(platforms.split(".")), {"manylinux_2_17_x86_64", "manylinux2014_x86_64"})

    def test_the_sdist_has_what_cargo_compiles(self) -> None:
        sdist = self.packages / f"sgbuild-{VERSION}.tar.gz"
        with tarfile.open(sdist) as archive:
            archive.extractall(self.scratch, filter="data")
            size = sum(member.size for member in archive)
        unpacked = self.scratch / f"sgbuild-{VERSION}"
        self.assertLess(size, 8_000_000)
        self.assertTrue((unpacked / "Cargo.lock").is_file())
        # What the sources name beside themselves is there.
        for source in (unpacked / "src").rglob("*.rs"):
            text = source.read_text().split("#[cfg(test)]\nmod tests {")[0]
            for named in re.findall(r'include_str!\("(.+?)"\)', text):
                self.assertTrue((source.parent / named).is_file(), f"{source}: {named}")
        # Cargo finds its targets; nothing is compiled or fetched.
        cargo = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]
        asked = run(cargo, cwd=unpacked, env={**os.environ})
        self.assertEqual(asked.returncode, 0, asked.stderr)
        (package,) = json.loads(asked.stdout)["packages"]
        kinds = {kind for target in package["targets"] for kind in target["kind"]}
        self.assertEqual(kinds & {"bin", "lib", "custom-build"}, {"bin", "lib", "custom-build"})


if __name__ == "__main__":
    unittest.main()
