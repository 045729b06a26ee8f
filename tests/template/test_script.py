"""What launch-cicd-pipeline.sh asks of the AWS CLI, which is a program here that writes down how it was called."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from pipeline import ROOT, TemplateTest

# What `sgbuild launch --upload-only` prints.
TEMPLATE_URL = "https://sgbuild-123456789012-us-west-2.s3.us-west-2.amazonaws.com/sgbuild/0.template"
SGBUILD = f"""#!/bin/sh
printf '%s\\n' "$@" >"$CALLED/uploaded"
echo ParameterKey=CodeBucket,ParameterValue=sgbuild-123456789012-us-west-2
echo ParameterKey=CodeKey,ParameterValue=sgbuild/0.zip
echo ParameterKey=Architecture,ParameterValue=x86_64
echo ParameterKey=BuildCodeKey,ParameterValue=sgbuild/0.zip
echo TemplateURL={TEMPLATE_URL}
"""
AWS = """#!/bin/bash
printf '%s\\n' "$@" >"$CALLED/arguments"
cat >"$CALLED/stdin"
"""
VALUES = {
    "Email": "someone@example.com",
    "GitHub_User": "example",
    "GitHub_Repo": "iris",
    "GitHub_Branch": "release/1",
    "GitHub_Token": 'not-a-"token\\',
}


class ScriptTest(TemplateTest):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        for name, text in (("sgbuild", SGBUILD), ("aws", AWS)):
            (self.scratch / name).write_text(text)
            (self.scratch / name).chmod(0o755)

    def launch(self, **values: str) -> subprocess.CompletedProcess[str]:
        """Runs the script with these variables."""
        environment = {"PATH": f"{self.scratch}:{os.environ['PATH']}", "CALLED": str(self.scratch), **values}
        script = str(ROOT / "launch-cicd-pipeline.sh")
        return subprocess.run(["bash", script], env=environment, capture_output=True, text=True, check=False)

    def test_the_stack_is_asked_for_and_the_token_is_on_no_command_line(self) -> None:
        done = self.launch(**VALUES)
        self.assertEqual(done.returncode, 0, done.stderr)
        arguments = (self.scratch / "arguments").read_text().splitlines()
        self.assertFalse([word for word in arguments if "token" in word])
        # https://docs.aws.amazon.com/cli/latest/reference/cloudformation/create-stack.html
        self.assertIn("--retain-except-on-create", arguments)
        self.assertEqual(arguments[arguments.index("--parameters") + 1], "file:///dev/stdin")
        # A template of more than 51,200 bytes is none for --template-body.
        self.assertEqual(arguments[arguments.index("--template-url") + 1], TEMPLATE_URL)
        self.assertNotIn("--template-body", arguments)
        uploaded = (self.scratch / "uploaded").read_text().splitlines()
        self.assertTrue((ROOT / uploaded[uploaded.index("--template") + 1]).is_file())
        given = {
            each["ParameterKey"]: each["ParameterValue"] for each in json.loads((self.scratch / "stdin").read_text())
        }
        for name, value in VALUES.items():
            self.assertEqual(given[name.replace("_", "")], value)
        self.assertEqual((given["GitHubHost"], given["BuildCodeKey"]), ("github.com", "sgbuild/0.zip"))
        self.assertLessEqual(set(given), set(self.template["Parameters"]))

    def test_an_enterprise_server_is_accepted(self) -> None:
        self.launch(**VALUES, GitHub_Host="github.example.com")
        self.assertIn('"github.example.com"', (self.scratch / "stdin").read_text())

    def test_what_is_missing_is_named(self) -> None:
        done = self.launch(**{**VALUES, "GitHub_Token": ""})
        self.assertEqual(done.returncode, 2)
        self.assertIn("GitHub_Token is empty", done.stderr)
        self.assertFalse((self.scratch / "stdin").exists())
