"""What buildspec.yml's commands do, run as CodeBuild runs them: in bash, in the checkout."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tempfile
import unittest
import zipfile
from pathlib import Path

import yaml
from pipeline import ROOT

PROGRAM = "#!/bin/sh\necho sgbuild, which was fetched\n"
# The AWS CLI's part: what is in S3 is in $S3, and ECR Public gives a token.
AWS = """#!/bin/bash
case "$1 $2" in
    "s3 cp") cp "$S3/${4#s3://}" "$5" ;;
    "ecr-public get-login-password") [ -n "${TOKEN:-}" ] && echo "$TOKEN" ;;
esac
"""
DOCKER = """#!/bin/bash
echo "$*" >"$S3/docker-arguments"; cat >"$S3/docker-stdin"
"""
# pyenv's python3 where the directory, or one above it, names a version that it lacks.
PYENV = """#!/bin/bash
directory=$PWD
while [ "$directory" != / ]; do
    [ ! -e "$directory/.python-version" ] || { echo "pyenv: version is not installed" >&2; exit 127; }
    directory=$(dirname "$directory")
done
exec %s "$@"
"""


class InstallTest(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        for name in ("bin", "checkout", "installed", "s3/bucket/sgbuild"):
            (self.scratch / name).mkdir(parents=True)
        self.program("aws", AWS)
        self.program("docker", DOCKER)
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr("bootstrap", PROGRAM)
        self.zip = body.getvalue()
        self.digest = hashlib.sha256(self.zip).hexdigest()
        self.spec = yaml.safe_load((ROOT / "buildspec.yml").read_text())

    def program(self, name: str, text: str) -> None:
        """A program of the build's image."""
        path = self.scratch / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def keep(self, key: str) -> str:
        """Puts the program into the bucket; its place."""
        (self.scratch / "s3" / "bucket" / key).write_bytes(self.zip)
        return f"s3://bucket/{key}"

    def run_phase(self, phase: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The phase's commands, one after the other. After `||`, as an agent may have it, `set -e` means nothing."""
        commands = self.spec["phases"][phase]["commands"]
        script = "\n".join(f"eval {self.quoted(command)} || exit $?" for command in commands)
        environment = {
            "PATH": f"{self.scratch / 'bin'}:{self.scratch / 'installed'}:{os.environ['PATH']}",
            "HOME": str(self.scratch),
            "S3": str(self.scratch / "s3"),
            "SGBUILD_INSTALL_DIR": str(self.scratch / "installed"),
            **variables,
        }
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.scratch / "checkout",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @staticmethod
    def quoted(command: str) -> str:
        """A command as one word."""
        return "'" + command.replace("'", "'\\''") + "'"

    def test_the_program_is_fetched_and_runs(self) -> None:
        done = self.run_phase("install", SGBUILD_CODE=self.keep(f"sgbuild/{self.digest}.zip"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("which was fetched", done.stdout)

    def test_the_checkouts_python_has_no_say(self) -> None:
        # An image without unzip, whose python3 is pyenv's; and a module of the checkout's, named as one of Python's.
        self.program("unzip", "#!/bin/sh\nexit 127\n")
        self.program("python3", PYENV % "/usr/bin/python3")
        (self.scratch / "checkout" / ".python-version").write_text("3.6.5\n")
        (self.scratch / "checkout" / "zipfile.py").write_text("raise SystemExit('the checkout ran')\n")
        done = self.run_phase("install", SGBUILD_CODE=self.keep("sgbuild/x86_64.zip"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("which was fetched", done.stdout)

    def test_another_program_under_its_name_is_refused(self) -> None:
        place = self.keep(f"sgbuild/{'0' * 64}.zip")
        done = self.run_phase("install", SGBUILD_CODE=place)
        self.assertNotEqual(done.returncode, 0)
        for words in (place, self.digest):
            self.assertIn(words, done.stderr)
        self.assertEqual(list((self.scratch / "installed").iterdir()), [])

    def test_a_missing_program_ends_the_phase(self) -> None:
        done = self.run_phase("install", SGBUILD_CODE="s3://bucket/sgbuild/missing.zip")
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("which was fetched", done.stdout)
        self.assertIn("SGBUILD_CODE", self.run_phase("install", PATH="/usr/bin:/bin").stderr)

    def test_pulls_from_ecr_public_are_the_accounts(self) -> None:
        place = self.keep("sgbuild/x86_64.zip")
        done = self.run_phase("install", SGBUILD_CODE=place, TOKEN="a-token")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.scratch / "s3" / "docker-stdin").read_text(), "a-token\n")
        self.assertIn("public.ecr.aws", (self.scratch / "s3" / "docker-arguments").read_text())
        self.assertNotIn("a-token", done.stdout + done.stderr)
        # In a region that has no way there, images are pulled as before.
        done = self.run_phase("install", SGBUILD_CODE=place)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("public.ecr.aws", done.stdout)

    def test_a_build_that_may_work_later_is_tried_again(self) -> None:
        self.program("sleep", "#!/bin/sh\n")
        counted = self.scratch / "tries"
        for codes, ended, tries in (("75 0", 0, 2), ("75 75", 75, 2), ("1 0", 1, 1), ("0", 0, 1)):
            counted.write_text("")
            self.program(
                "sgbuild",
                f'#!/bin/bash\necho >>{counted}\ncodes=({codes})\nexit "${{codes[$(wc -l <{counted}) - 1]}}"\n',
            )
            self.assertEqual(self.run_phase("build").returncode, ended, codes)
            self.assertEqual(len(counted.read_text()), tries, codes)


if __name__ == "__main__":
    unittest.main()
