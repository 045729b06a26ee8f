"""The native engine's images beside Docker's: the same files and the same config, of fixtures and of real requirements.

    python3 tests/conformance/native.py --sgbuild target/release/sgbuild [--only NAME ...]

Every project becomes an image by both engines on the same base: once pip installs in it, once nothing runs in it. What
differs is wrong: a path that is there in one only, another kind, owner, permissions or content, another config. What
both engines refuse is passed over.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import places
from images import SHOWN, Outcome, docker
from places import Trouble, plain_environment

HOLDING = (places.HERE / "holding.py").read_text()
SETS = places.HERE / "requirement-sets.txt"
# Of `docker inspect`; what a container was committed from, and when, is not how the image runs.
CONFIG = ("Env", "Entrypoint", "Cmd", "Labels", "WorkingDir", "User", "ExposedPorts", "Volumes", "Healthcheck")
CONFIG = (*CONFIG, "StopSignal", "Shell", "OnBuild")
SETUP = """from setuptools import setup

setup(
    name="{name}",
    version="1.0",
    py_modules=["trains"],
    install_requires={requirements!r},
    entry_points={{"console_scripts": ["train = trains:train"]}},
)
"""
SAID = "failed: "
# What `--engine native` refuses and `auto` hands to Docker.
HANDED_OVER = ("runs nothing in the image", "it is built in the image, by pip")
# Two projects may have one name: between a build and its name of its own nobody else builds.
BUILDING = threading.Lock()
# What is built of sources is described by whichever setuptools builds it: the image's own, or the latest.
SOURCES = "sources-only"
OF_BUILDER = ".dist-info"


def main() -> int:
    """Build by both engines and compare; 1 if an image differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sgbuild", type=Path, required=True, help="the program to judge")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these fixtures and sets")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    options = parser.parse_args()
    try:
        places.enter_venv()
        import subjects

        judged = [*subjects.fixtures([], foreign=True), *_requirement_sets(subjects.Subject)]
        judged = [each for each in judged if not options.only or each.name in options.only]
        registry = os.environ["SGBUILD_TESTBED_REGISTRY"]
        docker(["login", "--username", "AWS", "--password", "123456789012-auth-token", registry])
        with ThreadPoolExecutor(options.jobs) as pool:
            outcomes = []
            for outcome in pool.map(lambda each: _judge(each, options.sgbuild.resolve()), judged):
                outcomes.append(outcome)
                _tell(outcome)
    except Trouble as trouble:
        sys.exit(f"native: {trouble}")
    passed_over = [each for each in outcomes if each.passed_over]
    wrong = sum(bool(each.wrong) for each in outcomes)
    print(f"{len(outcomes) - len(passed_over)} native images compared with Docker's: {wrong} wrong")
    return int(wrong > 0 or len(passed_over) == len(outcomes))


def _tell(outcome: Outcome) -> None:
    said = f"passed over ({outcome.passed_over})" if outcome.passed_over else f"{len(outcome.wrong or [])} differences"
    print(f"{outcome.name}: {said}", flush=True)
    for line in (outcome.wrong or [])[:SHOWN]:
        print(f"    {line}", flush=True)


def _requirement_sets(kind: type) -> list:
    """Projects that require what a line of requirement-sets.txt says."""

    def subject(name: str, requirements: list[str]) -> object:
        def make(below: Path) -> Path:
            project = below / "project"
            project.mkdir(parents=True)
            (project / "setup.py").write_text(SETUP.format(name=name, requirements=requirements))
            (project / "trains.py").write_text("def train():\n    pass\n")
            return project

        return kind(name, make)

    lines = (line.split("#")[0].strip() for line in SETS.read_text().splitlines())
    named = (line.partition(":") for line in lines if line)
    return [subject(name, requirements.split()) for name, _, requirements in named]


def _judge(subject, sgbuild: Path) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="sgbuild-native-") as scratch:
        made = [subject.make(Path(scratch) / engine) for engine in ("native", "docker")]
        try:
            native = _pushed(sgbuild, made[0], subject.name)
        except Trouble as trouble:
            native = str(trouble)
        try:
            real = _built(sgbuild, made[1], subject.name)
        except Trouble as trouble:
            real = str(trouble)
    refused = [image.startswith(SAID) for image in (native, real)]
    if all(refused) or (refused[0] and any(reason in native for reason in HANDED_OVER)):
        return Outcome(subject.name, passed_over=native)
    if any(refused):
        return Outcome(subject.name, wrong=[f"native {native}", f"docker {real}"])
    try:
        files = _differing_files(native, real, by_sources=subject.name == SOURCES)
        return Outcome(subject.name, wrong=[*_differing_config(native, real), *files])
    finally:
        docker(["rmi", "--force", "--no-prune", native, real])


def _pushed(sgbuild: Path, project: Path, name: str) -> str:
    registry = os.environ["SGBUILD_TESTBED_REGISTRY"]
    repository = f"{registry}/conformance/{name.lower()}"
    image = _sgbuild(sgbuild, ["push", "--engine", "native", "--no-train", "--repository", repository], project)
    docker(["pull", "--quiet", image])
    return image


def _built(sgbuild: Path, project: Path, name: str) -> str:
    image = f"conformance/{name.lower()}"
    with BUILDING:
        docker(["tag", _sgbuild(sgbuild, ["build", "--engine", "docker"], project), image])
    return image


def _sgbuild(program: Path, arguments: list[str], project: Path) -> str:
    base = os.environ["SGBUILD_TESTBED_PRIVATE_BASE"]
    common = ["--train", "os:getcwd", "--python-version", "3.11", "--base-image", base]
    return sgbuild(program, [*arguments, *common], project)


def sgbuild(program: Path, arguments: list[str], project: Path) -> str:
    """Run sgbuild with the testbed's account on a project; what it prints, or Trouble with what it says was wrong."""
    environment = {**plain_environment(), **{k: v for k, v in os.environ.items() if k.startswith("AWS_")}}
    command = [str(program), *arguments, str(project)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if "rror" in line] or done.stderr.splitlines()
        raise Trouble(f"{SAID}{(lines or ['?'])[0]}")
    return done.stdout.strip()


def _differing_config(native: str, real: str) -> list[str]:
    mine, theirs = (json.loads(docker(["image", "inspect", image]))[0]["Config"] for image in (native, real))
    # What a native image tells of its layers, no other has.
    (mine.get("Labels") or {}).pop("sgbuild.layers", None)
    # Docker says nothing where there is nothing, or says so.
    pairs = ((key, mine.get(key) or None, theirs.get(key) or None) for key in CONFIG)
    return [f"{key}: {mine!r}, Docker's has {theirs!r}" for key, mine, theirs in pairs if mine != theirs]


def _differing_files(native: str, real: str, *, by_sources: bool) -> list[str]:
    run = ["run", "--rm", "--network=none", "--user=0", "--entrypoint", "python"]
    mine, theirs = (json.loads(docker([*run, image, "-c", HOLDING])) for image in (native, real))
    if by_sources:
        ours = [path for path in mine.keys() | theirs.keys() if OF_BUILDER in path]
        mine, theirs = ({path: held[path] for path in held.keys() - ours} for held in (mine, theirs))
    return [
        *(f"in the native image alone: {path}: {mine[path][:80]}" for path in sorted(mine.keys() - theirs.keys())),
        *(f"not in the native image: {path}: {theirs[path][:80]}" for path in sorted(theirs.keys() - mine.keys())),
        *(
            f"another {path}: {_shown(mine[path], theirs[path])}"
            for path in sorted(mine.keys() & theirs.keys())
            if mine[path] != theirs[path]
        ),
    ]


def _shown(mine: str, theirs: str) -> str:
    """Two lines that differ; of the lines of two RECORDs those that do."""
    if "[[" not in mine or "[[" not in theirs:
        return f"{mine}, Docker's is {theirs}"
    rows = [set(map(tuple, json.loads(line[line.index("[[") :]))) for line in (mine, theirs)]
    return f"only here {sorted(rows[0] - rows[1])}, only in Docker's {sorted(rows[1] - rows[0])}"


if __name__ == "__main__":
    sys.exit(main())
