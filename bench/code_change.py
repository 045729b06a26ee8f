"""How long a code-only change takes to reach the registry: sgbuild beside docker build + docker push, in one run.

    make bench                          (or: python3 bench/code_change.py --sgbuild target/release/sgbuild --runs 5)

The project is fixtures/iris-classifier. Every way pushes it once (the dependencies are installed and uploaded), then
one line of code changes and it is pushed again; the ways take turns, so that a busy machine is unfair to none.
Same daemon, same base image, same registry for all. Needs the testbed's environment.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURE = ROOT / "fixtures" / "iris-classifier"
PIP = "RUN --mount=type=secret,id=ca PIP_CERT=/run/secrets/ca pip install --no-cache-dir"

# What most people write by hand: requirements first, then everything.
USUAL = f"""FROM {{base}}
WORKDIR /app
COPY requirements.txt .
{PIP} -r requirements.txt
COPY . .
{PIP} .
ENTRYPOINT ["python", "-c", "from irisclassifier.train import train; train()"]
"""

# The shape that setuptools-docker, the tool before this one, generated: build tools, requirements, entry point, sdist.
ORIGINAL = f"""FROM {{base}}
RUN apt-get update && apt-get install -y --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
{PIP} --upgrade "setuptools<81"
{PIP} {{requirements}}
COPY run.py /run.py
ENTRYPOINT ["python", "/run.py"]
COPY dist/iris-classifier-1.0.0.tar.gz /
{PIP} /iris-classifier-1.0.0.tar.gz
"""
RUN_PY = "from irisclassifier.train import train\n\ntrain()\n"


class Project:
    """A copy of the fixture under a name of its own, in git, with a way to push it."""

    def __init__(self, scratch: Path, name: str) -> None:
        self.name = name
        self.dir = scratch / name
        shutil.copytree(FIXTURE, self.dir, ignore=shutil.ignore_patterns("dist", "__pycache__", "*.egg-info"))
        self.image = f"{os.environ['SGBUILD_TESTBED_REGISTRY']}/{name}:latest"
        self._git("init", "-q")
        self.commit()

    def _git(self, *arguments: str) -> None:
        run(["git", "-c", "user.name=bench", "-c", "user.email=bench@example.com", *arguments], cwd=self.dir)

    def commit(self) -> None:
        """Commit what there is."""
        self._git("add", ".")
        self._git("commit", "-qm", "A change")

    def change_code(self) -> None:
        """Change one line of code, as a person does between two runs."""
        with open(self.dir / "irisclassifier" / "train.py", "a") as source:
            source.write(f"\nCHANGED_AT = {time.time_ns()}\n")
        self.commit()

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        (self.dir / name).write_text(text)


def run(command: list[str], *, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command; its output ends the benchmark if it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: `{' '.join(command)}` ended with {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def requirements() -> list[str]:
    """The fixture's requirements, read from the literal list in its setup.py."""
    tree = ast.parse((FIXTURE / "setup.py").read_text())
    arguments = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    return next(ast.literal_eval(each.value) for each in arguments if each.arg == "install_requires")


def docker_way(project: Project, scratch: Path, before: Callable[[], None] = lambda: None) -> Callable[[], None]:
    """docker build and docker push, with BuildKit."""
    env = {**os.environ, "DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": str(scratch / "docker")}
    docker = os.environ["SGBUILD_TESTBED_DOCKER"]
    secret = f"--secret=id=ca,src={os.environ['SSL_CERT_FILE']}"

    def push() -> None:
        before()
        run([docker, "build", "--quiet", secret, "--tag", project.image, "."], cwd=project.dir, env=env)
        run([docker, "push", "--quiet", project.image], cwd=project.dir, env=env)

    return push


def usual_way(scratch: Path, run_id: str) -> Callable[[], float]:
    """A hand-written Dockerfile."""
    project = Project(scratch, f"bench-usual-{run_id}")
    project.write("Dockerfile", USUAL.format(base=os.environ["SGBUILD_TESTBED_BASE"]))
    project.write("requirements.txt", "\n".join(requirements()) + "\n")
    project.write(".dockerignore", ".git\n")
    return changing(project, docker_way(project, scratch))


def original_way(scratch: Path, run_id: str) -> Callable[[], float]:
    """The Dockerfile of the tool before this one; its sdist is made by setuptools."""
    project = Project(scratch, f"bench-original-{run_id}")
    quoted = " ".join(f"'{requirement}'" for requirement in requirements())
    project.write("Dockerfile", ORIGINAL.format(base=os.environ["SGBUILD_TESTBED_BASE"], requirements=quoted))
    project.write("run.py", RUN_PY)
    project.write(".dockerignore", ".git\n")

    def sdist() -> None:
        run([os.environ["SGBUILD_TESTBED_PYTHON"], "setup.py", "-q", "sdist"], cwd=project.dir)
        made = next((project.dir / "dist").glob("*.tar.gz"))
        made.rename(project.dir / "dist" / "iris-classifier-1.0.0.tar.gz")

    return changing(project, docker_way(project, scratch, sdist))


def sgbuild_way(scratch: Path, run_id: str, sgbuild: str) -> Callable[[], float]:
    """sgbuild push, without the training."""
    name = f"bench-sgbuild-{run_id}"
    project = Project(scratch, name)
    setup = project.dir / "setup.py"
    setup.write_text(setup.read_text().replace('name="iris-classifier"', f'name="{name}"'))
    return changing(project, lambda: run([sgbuild, "push", "--no-train", "--quiet", "."], cwd=project.dir))


def changing(project: Project, push: Callable[[], object]) -> Callable[[], float]:
    """A timed push of a project that has just changed: the seconds of the push alone."""

    def timed() -> float:
        project.change_code()
        return seconds(push)

    return timed


def seconds(action: Callable[[], object]) -> float:
    """How long it takes, on the wall's clock."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sgbuild", type=Path, help="the release binary; without it only the other ways are measured")
    parser.add_argument("--runs", type=int, default=5, help="code changes a way (5)")
    given = parser.parse_args()
    if "SGBUILD_TESTBED" not in os.environ:
        sys.exit('bench: no testbed; run `make bench`, or first: eval "$(tests/testbed/testbed env)"')
    run_id = f"{time.time_ns() // 1_000_000:x}"
    with tempfile.TemporaryDirectory() as name:
        try:
            measure(Path(name), run_id, given.sgbuild and str(given.sgbuild.resolve()), given.runs)
        finally:
            remove_images(run_id)


def remove_images(run_id: str) -> None:
    """Take this run's images out of the daemon; what they pushed stays in the testbed's registry."""
    docker = os.environ["SGBUILD_TESTBED_DOCKER"]
    listed = run([docker, "images", "--format", "{{.ID}} {{.Repository}}"], cwd=ROOT).splitlines()
    ours = sorted({line.split()[0] for line in listed if line.endswith(f"-{run_id}")})
    if ours:
        run([docker, "rmi", "--force", *ours], cwd=ROOT)


def measure(scratch: Path, run_id: str, sgbuild: str | None, runs: int) -> None:
    """All ways in turn, then the start-up times."""
    (scratch / "docker").mkdir()
    login(scratch)
    ways = {
        "docker build + push, usual Dockerfile": usual_way(scratch, run_id),
        "sdist + docker build + push, original Dockerfile": original_way(scratch, run_id),
    }
    if sgbuild:
        ways = {"sgbuild push": sgbuild_way(scratch, run_id, sgbuild)} | ways
    for what, way in ways.items():
        # Not in the table: how long it takes depends on what the daemon kept from earlier runs.
        print(f"bench: first push, {what}", file=sys.stderr, flush=True)
        way()
    again: dict[str, list[float]] = {what: [] for what in ways}
    for number in range(runs):
        print(f"bench: code change {number + 1} of {runs}", file=sys.stderr, flush=True)
        for what, way in ways.items():
            again[what].append(way())

    print(f"\nfixtures/iris-classifier, a code-only change; {runs} runs, seconds")
    print(f"{'':50} {'median':>8} {'min':>8} {'max':>8}")
    for what, times in again.items():
        print(f"{what:50} {statistics.median(times):8.2f} {min(times):8.2f} {max(times):8.2f}")
    if sgbuild:
        print_startup(sgbuild)


def print_startup(sgbuild: str) -> None:
    """Commands that do little: what they cost is the program's start."""
    print("\nstart-up, 20 runs, milliseconds")
    print(f"{'':50} {'median':>8} {'min':>8} {'max':>8}")
    for arguments in (["--version"], ["inspect", "."]):
        command = [sgbuild, *arguments]
        times = [1000 * seconds(lambda command=command: run(command, cwd=FIXTURE)) for _ in range(20)]
        row = f"{statistics.median(times):8.1f} {min(times):8.1f} {max(times):8.1f}"
        print(f"{'sgbuild ' + ' '.join(arguments):50} {row}")


def login(scratch: Path) -> None:
    """Log docker in, outside of what is measured; sgbuild gets its own token within its time."""
    host = os.environ["SGBUILD_TESTBED_REGISTRY"]
    ask = "import base64, boto3; token = boto3.client('ecr').get_authorization_token()['authorizationData'][0]"
    ask += "; print(base64.b64decode(token['authorizationToken']).decode().split(':', 1)[1], end='')"
    password = run([os.environ["SGBUILD_TESTBED_PYTHON"], "-c", ask], cwd=scratch)
    subprocess.run(
        [os.environ["SGBUILD_TESTBED_DOCKER"], "login", "--username", "AWS", "--password-stdin", host],
        input=password.encode(),
        env={**os.environ, "DOCKER_CONFIG": str(scratch / "docker")},
        capture_output=True,
        check=True,
    )


if __name__ == "__main__":
    main()
