"""What the image holds of a package: the same files as `pip install .` of its tree, in the same base.

    python3 tests/conformance/images.py --sgbuild target/release/sgbuild [--only NAME ...]

Every fixture of setuptools' becomes an image by the Dockerfile that `sgbuild dist` writes, without its requirements,
and is installed by pip, with the setuptools that sgbuild follows, in a container of the same base. What differs is
wrong: files that are there in one only, other bytes, other permissions to run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import places
from places import Trouble, plain_environment

if TYPE_CHECKING:
    from subjects import Subject

SETUPTOOLS = next(line for line in places.REQUIREMENTS.read_text().splitlines() if line.startswith("setuptools=="))
CERTIFICATES = "--secret=id=ca.pem,src={}"
BASE = f"""FROM {{base}}
RUN --mount=type=secret,id=ca.pem PIP_CERT=/run/secrets/ca.pem python -m pip install --quiet {SETUPTOOLS} wheel
"""
# Prints every file of the distribution that is installed besides pip, setuptools and wheel.
LIST = """
import hashlib, json, os
from importlib.metadata import distributions
# Who installed it and from where is not the package's; a compiler writes what it likes.
apart = ("/INSTALLER", "/REQUESTED", "/RECORD", "/direct_url.json", ".pyc")
found = {}
for each in distributions(path=["/usr/local/lib/python3.11/dist-packages"]):
    if each.metadata["Name"].lower() in ("pip", "setuptools", "wheel"):
        continue
    for file in each.files or []:
        path = os.path.realpath(file.locate())
        if not path.endswith(apart):
            with open(path, "rb") as opened:
                digest = hashlib.sha256(opened.read()).hexdigest()
            found[path] = digest + (" runs" if os.access(path, os.X_OK) else "")
print(json.dumps(found))
"""
# Their texts differ in what is no difference; conformance.py compares their meaning.
BY_MEANING = (".dist-info/METADATA", ".dist-info/WHEEL", ".dist-info/entry_points.txt", ".dist-info/top_level.txt")
SHOWN = 10


@dataclass
class Outcome:
    """What came of one fixture."""

    name: str
    # Why nothing was compared; empty where it was.
    passed_over: str = ""
    wrong: list[str] | None = None


def main() -> int:
    """Build, install and compare; 1 if an image holds something else."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sgbuild", type=Path, required=True, help="the program to judge")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these fixtures")
    options = parser.parse_args()
    try:
        places.enter_venv()
        import subjects

        judged = [each for each in subjects.fixtures(options.only, foreign=False) if each.of_setuptools]
        dockerfile = BASE.format(base=os.environ["SGBUILD_TESTBED_BASE"])
        docker(["build", "--tag", "sgbuild-test/judge:1", "-"], feed=dockerfile)
        with ThreadPoolExecutor(multiprocessing.cpu_count()) as pool:
            outcomes = list(pool.map(lambda each: _judge(each, options.sgbuild.resolve()), judged))
    except Trouble as trouble:
        sys.exit(f"images: {trouble}")
    for outcome in outcomes:
        for line in (outcome.wrong or [])[:SHOWN]:
            print(f"{outcome.name}: {line}")
    passed_over = [f"{each.name} ({each.passed_over})" for each in outcomes if each.passed_over]
    wrong = sum(bool(each.wrong) for each in outcomes)
    compared = len(outcomes) - len(passed_over)
    print(f"{compared} images compared with what pip installs: {wrong} wrong")
    print(f"passed over: {', '.join(passed_over) or 'none'}")
    return int(wrong > 0 or compared == 0)


def docker(arguments: list[str], *, feed: str | None = None) -> str:
    """Run docker, which gets the index's certificates when it builds; its output."""
    command = [os.environ["SGBUILD_TESTBED_DOCKER"], *arguments]
    if arguments[0] == "build":
        command.insert(2, CERTIFICATES.format(os.environ["SSL_CERT_FILE"]))
        command.insert(2, "--quiet")
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    done = subprocess.run(command, input=feed, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        output = (done.stdout + done.stderr)[-1500:]
        raise Trouble(f"`{' '.join(command[:3])} …` ended with {done.returncode}:\n{output}")
    return done.stdout


def _judge(subject: Subject, sgbuild: Path) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="sgbuild-images-") as scratch:
        ours, theirs = subject.make(Path(scratch) / "ours"), subject.make(Path(scratch) / "theirs")
        packed = subprocess.run(
            [str(sgbuild), "dist", "--train", "os:getcwd", "--no-pip-settings", "--python-version", "3.11", str(ours)],
            env=plain_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if packed.returncode != 0:
            return Outcome(subject.name, passed_over=packed.stderr.strip().splitlines()[0])
        # What is required is not the package's own, and may be made up.
        (ours / "dist" / "requirements.txt").write_text("")
        try:
            real = _installed_by_pip(theirs)
        except Trouble as trouble:
            return Outcome(subject.name, passed_over=str(trouble).strip().splitlines()[-1])
        image = docker(["build", str(ours / "dist")]).strip()
        try:
            mine = json.loads(docker(["run", "--rm", "--network=none", "--entrypoint", "python", image, "-c", LIST]))
        finally:
            docker(["rmi", "--force", "--no-prune", image])
        return Outcome(subject.name, wrong=_differences(mine, real))


def _installed_by_pip(project: Path) -> dict[str, str]:
    options = "--quiet --no-deps --no-build-isolation --no-index --root-user-action=ignore"
    # What an earlier build left there comes into pip's, and on purpose not into sgbuild's.
    copied = "cp -r /project /tmp/project && rm -rf /tmp/project/build/lib*"
    script = f'{copied} && python -m pip install {options} /tmp/project >&2 && python -c "$0"'
    mount = f"--volume={project}:/project:ro"
    command = ["run", "--rm", "--network=none", mount, "sgbuild-test/judge:1", "sh", "-c", script, LIST]
    return json.loads(docker(command))


def _differences(mine: dict[str, str], real: dict[str, str]) -> list[str]:
    return [
        *(f"in the image alone: {path}" for path in sorted(mine.keys() - real.keys())),
        *(f"not in the image: {path}" for path in sorted(real.keys() - mine.keys())),
        *(
            f"another {path}: {mine[path]}, {real[path]}"
            for path in sorted(mine.keys() & real.keys())
            if mine[path] != real[path] and not path.endswith(BY_MEANING)
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
