"""What is refused of a program, and where the one that was made runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import packages
from packages import ROOT, TARGET, VERSION, run

from check_program import LARGEST, faults
from program import program_of, wheel_of

# The oldest Debian that its mirrors still have: glibc 2.31, as Ubuntu 20.04.
OLD = "bullseye"


def seconds(program: Path) -> float:
    """How long `--version` takes."""
    begun = time.perf_counter()
    subprocess.run([program, "--version"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


class Program(unittest.TestCase):
    """The x86_64 program."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.program = program_of(wheel_of(TARGET, packages.directory()))

    def test_the_program_is_as_it_should_be(self) -> None:
        self.assertEqual(faults(TARGET, self.program), [])

    def test_what_this_machine_links_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            source, program = Path(scratch) / "main.c", Path(scratch) / "main"
            # `pthread_create` moved into libc in glibc 2.34, under a version of its own.
            source.write_text(
                "#include <pthread.h>\nint main(void) { pthread_t t; return pthread_create(&t, 0, 0, 0); }\n"
            )
            subprocess.run(["cc", "-o", program, source, "-Wl,--no-as-needed", "-lgcc_s"], check=True)
            found = faults(TARGET, program.read_bytes())
        self.assertEqual(len(found), 3, found)
        self.assertIn("its symbols are not stripped", found)
        self.assertIn("it needs libgcc_s.so.1", found)
        self.assertRegex(found[2], r"it has symbols of glibc .*2\.34")

    def test_one_that_has_grown_is_refused(self) -> None:
        (found,) = faults(TARGET, self.program + bytes(LARGEST))
        self.assertIn(f"may have {LARGEST:,}", found)

    def test_one_that_is_linked_is_no_program_for_musl(self) -> None:
        (found,) = faults(TARGET.replace("gnu", "musl"), self.program)
        self.assertIn("it is not static", found)

    def test_it_starts_in_five_milliseconds(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            program = Path(scratch) / "sgbuild"
            program.write_bytes(self.program)
            program.chmod(0o755)
            best = min(seconds(program) for _ in range(50))
        # Python's own part in it, starting a process, is included.
        self.assertLess(best, 0.005)

    def test_an_old_linux_runs_it(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch) / "root"
            made = run(["mmdebstrap", "--quiet", "--variant=extract", "--include=libc6", OLD, root])
            self.assertEqual(made.returncode, 0, made.stderr)
            (root / "lib/x86_64-linux-gnu/libgcc_s.so.1").unlink()
            (root / "sgbuild").write_bytes(self.program)
            (root / "sgbuild").chmod(0o755)
            version = run(["chroot", root, "/sgbuild", "--version"])
            self.assertEqual((version.stdout, version.stderr), (f"sgbuild {VERSION}\n", ""))
            # Threads, certificates' absence and the project's files: more of the C library than --version needs.
            shutil.copytree(ROOT / "fixtures" / "iris-classifier", root / "project")
            read = run(["chroot", root, "/sgbuild", "inspect", "--static", "/project"])
            self.assertIn("iris-classifier", read.stdout, read)


class Stamp(unittest.TestCase):
    """release/stamp, in a copy."""

    def setUp(self) -> None:
        self.copy = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.copy / "release").mkdir()
        for name in ("Cargo.toml", "install.sh", "release/stamp"):
            shutil.copy(ROOT / name, self.copy / name)

    def test_a_repository_is_said_once_however_often(self) -> None:
        for name in ("first", "acme/sgbuild"):
            ran = run([self.copy / "release/stamp", f"https://git.example.com/{name}"])
            self.assertEqual(ran.returncode, 0, ran)
        manifest = (self.copy / "Cargo.toml").read_text()
        self.assertEqual(manifest.count("\nrepository = "), 1)
        self.assertIn('\nrepository = "https://git.example.com/acme/sgbuild"\n', manifest)
        script = (self.copy / "install.sh").read_text()
        self.assertIn("\nreleases='https://git.example.com/acme/sgbuild/releases'\n", script)
        ran = run(
            ["sh", self.copy / "install.sh", "--to", self.copy / "to"],
            env={**os.environ, "https_proxy": "http://127.0.0.1:9"},
        )
        self.assertIn(
            "cannot fetch https://git.example.com/acme/sgbuild/releases/latest/download/SHA256SUMS", ran.stderr
        )

    def test_what_is_no_address_is_refused(self) -> None:
        before = (self.copy / "install.sh").read_text()
        for address in (
            "",
            "git.example.com/x",
            "https://",
            "http://git.example.com/x",
            "https://x/'; rm -r /; '",
            "https://x/a|b",
        ):
            ran = run([self.copy / "release/stamp", address])
            self.assertEqual(ran.returncode, 2, address)
        self.assertEqual((self.copy / "install.sh").read_text(), before)


if __name__ == "__main__":
    unittest.main()
