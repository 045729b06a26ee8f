"""What action.yml runs, as GitHub runs it: with its variables and files."""

from __future__ import annotations

import itertools
import os
import tempfile
import unittest
from pathlib import Path

import packages
from packages import ROOT, VERSION, run

ACTION = ROOT / "release" / "action"


class Action(unittest.TestCase):
    """Installs once, then runs commands."""

    def setUp(self) -> None:
        self.scratch = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.scratch / "server").mkdir()
        self.releases, self.files = self.enterContext(packages.released(self.scratch / "server"))
        self.path, self.output = self.scratch / "path", self.scratch / "output"
        self.environment = {
            **os.environ,
            "RUNNER_TEMP": str(self.scratch),
            "GITHUB_PATH": str(self.path),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_SERVER_URL": "https://git.example.com",
            "RELEASES": self.releases,
        }
        ran = run(["bash", ACTION / "install"], env=self.environment)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertIn(f"sgbuild {VERSION} is in ", ran.stdout)
        # What GitHub does with that file.
        self.environment["PATH"] = f"{self.path.read_text().strip()}:{os.environ['PATH']}"

    def command(self, command: str, directory: Path, arguments: str = ""):
        """One run of the action."""
        inputs = {"COMMAND": command, "DIRECTORY": str(directory), "ARGUMENTS": arguments}
        return run(["bash", ACTION / "run"], env={**self.environment, **inputs})

    def told(self, ran) -> str:
        """What the step printed, in which GitHub obeys nothing."""
        first, *lines, last = ran.stdout.splitlines()
        word = first.removeprefix("::stop-commands::")
        self.assertRegex(word, "^[0-9a-f]{32}$")
        self.assertEqual(last, f"::{word}::")
        self.assertNotIn(last, lines)
        return "\n".join(lines)

    def outputs(self) -> dict[str, str]:
        """The file of outputs, as GitHub reads it."""
        found, lines = {}, iter(self.output.read_text().splitlines())
        for line in lines:
            name, end = line.split("<<")
            found[name] = "\n".join(itertools.takewhile(lambda each, end=end: each != end, lines))
        return found

    def test_what_a_command_prints_is_the_output(self) -> None:
        ran = self.command("inspect", ROOT / "fixtures" / "iris-classifier", "--json --static")
        self.assertEqual(ran.returncode, 0, ran)
        self.assertIn('"name": "iris-classifier"', self.outputs()["image"])
        self.assertEqual(self.told(ran), self.outputs()["image"].strip())

    def test_text_of_the_project_ends_no_output(self) -> None:
        project = self.scratch / "project"
        project.mkdir()
        text = "x\nEOF\nend=1\nimage<<end\nanother\nend"
        (project / "setup.py").write_text(
            f"from setuptools import setup\nsetup(name='p', version='1', long_description={text!r}, packages=[],"
            " entry_points={'sgbuild.train': ['train = p:train']})\n"
        )
        self.assertEqual(self.command("inspect", project, "--json").returncode, 0)
        self.assertEqual(list(self.outputs()), ["image"])

    def test_text_of_the_project_is_no_command_of_githubs(self) -> None:
        project = self.scratch / "project"
        project.mkdir()
        (project / "setup.py").write_text(
            "from setuptools import setup\nsetup(name='p', version='1', description='##[add-mask]a', packages=[],"
            " entry_points={'sgbuild.train': ['train = p:train']})\n"
        )
        self.assertIn("##[add-mask]a", self.told(self.command("inspect", project)))
        (project / "setup.py").write_text("::add-mask::a\n")
        ran = self.command("inspect", project)
        self.assertNotEqual(ran.returncode, 0)
        self.told(ran)

    def test_a_failure_is_the_steps(self) -> None:
        ran = self.command("inspect", self.scratch / "nowhere")
        self.assertEqual(ran.returncode, 2)
        self.assertEqual(self.told(ran), "")
        self.assertIn("nowhere", ran.stderr)
        self.assertFalse(self.output.exists())


if __name__ == "__main__":
    unittest.main()
