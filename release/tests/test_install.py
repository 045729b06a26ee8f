"""install.sh, with a release on loopback."""

from __future__ import annotations

import os
import shutil
import tempfile
import unittest
from pathlib import Path

import packages
from packages import ARCHIVE, ROOT, VERSION, run

SCRIPT = ROOT / "install.sh"
# What it needs before it fetches anything.
BASICS = ["sh", "uname", "getconf", "mktemp", "rm", "id"]


class Install(unittest.TestCase):
    """Each installs into a directory of its own."""

    def setUp(self) -> None:
        self.scratch = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.scratch / "server").mkdir()
        self.releases, self.files = self.enterContext(packages.released(self.scratch / "server"))
        self.to = self.scratch / "a prefix"

    def install(self, *arguments: str, **options: object):
        """Runs install.sh."""
        return run(["sh", SCRIPT, "--from", self.releases, "--to", self.to, *arguments], **options)

    def refused(self, ran, *said: str) -> None:
        """It failed, says so, and installed nothing."""
        self.assertNotEqual(ran.returncode, 0, ran)
        for text in said:
            self.assertIn(text, ran.stderr)
        self.assertFalse((self.to / "bin").exists())

    def tools(self, *names: str) -> Path:
        """A PATH with these programs alone."""
        path = self.scratch / "tools"
        path.mkdir()
        for name in names:
            (path / name).symlink_to(shutil.which(name))
        return path

    def test_the_newest_with_pages_and_completions(self) -> None:
        ran = self.install()
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertIn(f"sgbuild {VERSION} is in {self.to}/bin", ran.stdout)
        self.assertIn("is not on your PATH", ran.stdout)
        version = run([self.to / "bin" / "sgbuild", "--version"])
        self.assertEqual(version.stdout, f"sgbuild {VERSION}\n")
        self.assertEqual((self.to / "bin" / "sgbuild").stat().st_mode & 0o777, 0o755)
        self.assertIn("sgbuild push", (self.to / "share/man/man1/sgbuild-push.1").read_text().replace("\\-", "-"))
        for file in (
            "bash-completion/completions/sgbuild",
            "zsh/site-functions/_sgbuild",
            "fish/vendor_completions.d/sgbuild.fish",
        ):
            self.assertIn("sgbuild", (self.to / "share" / file).read_text())
        self.assertEqual([each.name for each in (self.to / "bin").iterdir()], ["sgbuild"])

    def test_one_version_over_another_that_runs(self) -> None:
        self.assertEqual(self.install().returncode, 0)
        first = (self.to / "bin" / "sgbuild").stat().st_ino
        ran = self.install("--version", f"v{VERSION}")
        self.assertEqual(ran.returncode, 0, ran)
        self.assertNotEqual((self.to / "bin" / "sgbuild").stat().st_ino, first)

    def test_a_version_that_there_is_not(self) -> None:
        self.refused(self.install("--version", "99.0.0"), f"cannot fetch {self.releases}/download/v99.0.0/SHA256SUMS")

    def test_an_archive_that_was_changed(self) -> None:
        with open(self.files / ARCHIVE, "ab") as archive:
            archive.write(b"more")
        self.refused(self.install(), f"{ARCHIVE} is not what SHA256SUMS says")

    def test_checksums_that_do_not_name_the_archive(self) -> None:
        sums = self.files / "SHA256SUMS"
        sums.write_text(sums.read_text().replace(ARCHIVE, f"other-{ARCHIVE}"))
        self.refused(self.install(), f"SHA256SUMS does not name {ARCHIVE}")

    def test_an_address_without_tls(self) -> None:
        ran = run(["sh", SCRIPT, "--from", "http://releases.example.com", "--to", self.to])
        self.refused(ran, "http://releases.example.com: releases are fetched by https only")
        ran = run(["sh", SCRIPT, "--to", self.to])
        self.refused(ran, "this copy is of no release")

    def test_a_script_that_did_not_arrive_as_a_whole(self) -> None:
        whole = SCRIPT.read_text()
        for length in range(0, len(whole), 397):
            ran = run(["sh", "-s", "--", "--from", self.releases, "--to", self.to], input=whole[:length])
            self.assertFalse(self.to.exists(), f"{length} bytes of it installed something: {ran}")

    def test_wget_where_there_is_no_curl(self) -> None:
        names = [*BASICS, "wget", "awk", "sha256sum", "tar", "gzip", "mkdir", "cp", "chmod", "mv", "cat"]
        ran = self.install(env={"PATH": str(self.tools(*names)), "HOME": str(self.scratch)})
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))

    def test_neither_curl_nor_wget(self) -> None:
        ran = self.install(env={"PATH": str(self.tools(*BASICS)), "HOME": str(self.scratch)})
        self.refused(ran, "curl or wget is needed")

    def test_which_program_a_c_library_takes(self) -> None:
        shadow = self.scratch / "shadow"
        shadow.mkdir()
        getconf = shadow / "getconf"
        environment = {**os.environ, "PATH": f"{shadow}:{os.environ['PATH']}"}
        for said, libc in {
            "glibc 2.12": "musl",
            "": "musl",
            "glibc 2.17": "gnu",
            "glibc 2.39.1": "gnu",
            "glibc 3.0": "gnu",
        }.items():
            getconf.write_text(f"#!/bin/sh\necho {said!r}\n" if said else "#!/bin/sh\nexit 1\n")
            getconf.chmod(0o755)
            # Neither is there: what it looks for tells.
            (self.files / ARCHIVE).unlink(missing_ok=True)
            self.refused(self.install(env=environment), f"x86_64-unknown-linux-{libc}.tar.gz")

    def test_usage(self) -> None:
        self.assertIn("--to DIR", run(["sh", SCRIPT, "--help"]).stdout)
        ran = run(["sh", SCRIPT, "--prefix", "/x"])
        self.assertEqual((ran.returncode, ran.stdout), (2, ""))
        self.assertIn("wants a value", run(["sh", SCRIPT, "--to"]).stderr)


if __name__ == "__main__":
    unittest.main()
