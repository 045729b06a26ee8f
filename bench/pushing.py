"""How long it takes until an image is in the registry: sgbuild's engines beside Dockerfiles made by hand, in one run.

    make bench                          (or: python3 bench/pushing.py --sgbuild target/release/sgbuild --runs 5)

The project is fixtures/iris-classifier with three requirements more. Every way has a repository and caches of its own,
and pushes:

  cold       all of it to an empty repository; packages are in the way's cache, nothing else is
  code       after one line of code changed
  require    after one requirement, which no cache has, was added
  same       after nothing changed

The ways take turns, so that a busy machine is unfair to none. Same base image, same registry, same daemon. Needs the
testbed's environment.
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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURE = ROOT / "fixtures" / "iris-classifier"
MORE = ["flask", "gunicorn", "gevent"]
# Small, and nobody's requirement here.
ADDED = ["tabulate", "humanize", "termcolor", "toolz", "inflection", "docopt", "xmltodict", "pyfiglet", "wcwidth"]
SCENARIOS = {
    "cold": "cold, packages cached",
    "code": "a line of code changed",
    "require": "one requirement more",
    "same": "nothing changed",
}
UV = "uv==0.9.7"
SECRET = "--mount=type=secret,id=ca"

# The best that one can write: uv, its cache kept by the builder, requirements before the code.
BEST = f"""FROM {{base}}
RUN {SECRET} --mount=type=cache,id={{name}},target=/root/.cache/uv \\
    --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \\
    SSL_CERT_FILE=/run/secrets/ca UV_LINK_MODE=copy uv pip install --system --compile-bytecode -r /tmp/requirements.txt
COPY . /app
RUN {SECRET} --mount=type=cache,id={{name}},target=/root/.cache/uv \\
    SSL_CERT_FILE=/run/secrets/ca uv pip install --system --no-deps /app
ENTRYPOINT ["python", "-c", "from irisclassifier.train import train; train()"]
"""
# What most people write: requirements first, then everything, by pip.
USUAL = f"""FROM {{base}}
WORKDIR /app
COPY requirements.txt .
RUN {SECRET} PIP_CERT=/run/secrets/ca pip install --no-cache-dir -r requirements.txt
COPY . .
RUN {SECRET} PIP_CERT=/run/secrets/ca pip install --no-cache-dir .
ENTRYPOINT ["python", "-c", "from irisclassifier.train import train; train()"]
"""


def run(command: list[str], *, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command; its output ends the benchmark if it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: `{' '.join(command)}` ended with {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def requirements() -> list[str]:
    """The fixture's requirements, read from the literal list in its setup.py, and three more."""
    tree = ast.parse((FIXTURE / "setup.py").read_text())
    arguments = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    return next(ast.literal_eval(each.value) for each in arguments if each.arg == "install_requires") + MORE


class Way:
    """A copy of the fixture under a name of its own, in git, with a way to push it."""

    title = ""

    def __init__(self, scratch: Path, run_id: str) -> None:
        self.name = f"bench-{type(self).__name__.lower()}-{run_id}"
        self.scratch = scratch
        self.dir = scratch / self.name
        self.requirements = requirements()
        self.repository = ""
        shutil.copytree(FIXTURE, self.dir, ignore=shutil.ignore_patterns("dist", "__pycache__", "*.egg-info"))
        self._git("init", "-q")
        self.write()

    def write(self) -> None:
        """Write what the requirements are, and commit."""
        listed = ", ".join(f'"{each}"' for each in self.requirements)
        (self.dir / "setup.py").write_text(
            f'from setuptools import setup\n\nsetup(\n    name="{self.name}",\n    version="1.0.0",\n'
            f'    packages=["irisclassifier"],\n    install_requires=[{listed}],\n'
            '    entry_points={"sgbuild.train": ["iris = irisclassifier.train:train"]},\n)\n'
        )
        self.commit()

    def commit(self) -> None:
        """Commit what there is."""
        self._git("add", ".")
        self._git("commit", "-qm", "A change")

    def _git(self, *arguments: str) -> None:
        run(["git", "-c", "user.name=bench", "-c", "user.email=bench@example.com", *arguments], cwd=self.dir)

    def push(self, *, cold: bool) -> None:
        """Build and push."""
        raise NotImplementedError

    def forget(self) -> None:
        """Forget all but the packages."""

    def seconds(self, scenario: str, number: int) -> float:
        """How long one push takes, on the wall's clock."""
        if scenario == "cold":
            self.repository = f"{os.environ['SGBUILD_TESTBED_REGISTRY']}/{self.name}-{number}"
            ensure_repository(self.repository, self.scratch)
            self.forget()
        elif scenario == "code":
            with open(self.dir / "irisclassifier" / "train.py", "a") as source:
                source.write(f"\nCHANGED_AT = {time.time_ns()}\n")
            self.commit()
        elif scenario == "require":
            self.requirements.append(ADDED[number % len(ADDED)])
            self.write()
        began = time.perf_counter()
        self.push(cold=scenario == "cold")
        return time.perf_counter() - began


class Native(Way):
    """sgbuild without a daemon."""

    title = "sgbuild push, native"
    engine = "native"
    sgbuild = ""

    def push(self, *, cold: bool) -> None:
        """sgbuild push, without the training."""
        command = [
            self.sgbuild,
            "push",
            "--no-train",
            "--quiet",
            "--engine",
            self.engine,
            "--repository",
            self.repository,
        ]
        env = {
            **os.environ,
            "XDG_CACHE_HOME": str(self.scratch / "cache" / self.name),
            "SGBUILD_BASE_IMAGE": os.environ["SGBUILD_TESTBED_BASE"],
        }
        run([*command, *(["--no-cache"] if cold and self.engine == "docker" else []), "."], cwd=self.dir, env=env)

    def forget(self) -> None:
        """The wheels stay; what is known of layers, images and answers goes."""
        shutil.rmtree(self.scratch / "cache" / self.name / "sgbuild" / "wheels" / "notes", ignore_errors=True)


class Docker(Native):
    """sgbuild with the daemon."""

    title = "sgbuild push, Docker engine"
    engine = "docker"


class Best(Way):
    """A Dockerfile made by hand, with all that BuildKit and uv have to offer."""

    title = "docker build + push, uv and cache mounts"
    dockerfile = BEST

    def write(self) -> None:
        """With a Dockerfile and the requirements by themselves."""
        base = os.environ["SGBUILD_TESTBED_BASE"] if self.dockerfile is USUAL else uv_base(self.scratch)
        (self.dir / "Dockerfile").write_text(self.dockerfile.format(base=base, name=self.name))
        (self.dir / ".dockerignore").write_text(".git\n")
        (self.dir / "requirements.txt").write_text("\n".join(self.requirements) + "\n")
        super().write()

    def push(self, *, cold: bool) -> None:
        """docker build and docker push."""
        env = {**os.environ, "DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": str(self.scratch / "docker")}
        docker = os.environ["SGBUILD_TESTBED_DOCKER"]
        image = f"{self.repository}:latest"
        flags = ["--quiet", f"--secret=id=ca,src={os.environ['SSL_CERT_FILE']}", "--tag", image]
        run([docker, "build", *flags, *(["--no-cache"] if cold else []), "."], cwd=self.dir, env=env)
        run([docker, "push", "--quiet", image], cwd=self.dir, env=env)


class Usual(Best):
    """The Dockerfile that most people write."""

    title = "docker build + push, pip"
    dockerfile = USUAL


def uv_base(scratch: Path) -> str:
    """The base image with uv in it, which those who use it have."""
    name = "bench-base:uv"
    directory = scratch / "base"
    if not directory.exists():
        directory.mkdir()
        text = f"FROM {os.environ['SGBUILD_TESTBED_BASE']}\nRUN {SECRET} PIP_CERT=/run/secrets/ca pip install {UV}\n"
        (directory / "Dockerfile").write_text(text)
        env = {**os.environ, "DOCKER_BUILDKIT": "1"}
        secret = f"--secret=id=ca,src={os.environ['SSL_CERT_FILE']}"
        run(
            [os.environ["SGBUILD_TESTBED_DOCKER"], "build", "--quiet", secret, "--tag", name, "."],
            cwd=directory,
            env=env,
        )
    return name


def ensure_repository(image: str, scratch: Path) -> None:
    """ECR wants a repository before a push; nobody's time is measured by it."""
    name = image.split("/", 1)[1]
    ask = f"import boto3; boto3.client('ecr').create_repository(repositoryName={name!r})"
    run([os.environ["SGBUILD_TESTBED_PYTHON"], "-c", ask], cwd=scratch)


def login(scratch: Path) -> None:
    """Log docker in, outside of what is measured; sgbuild gets its own password within its time."""
    (scratch / "docker").mkdir()
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


def remove_images(run_id: str) -> None:
    """Take this run's images out of the daemon; what they pushed stays in the testbed's registry."""
    docker = os.environ["SGBUILD_TESTBED_DOCKER"]
    listed = run([docker, "images", "--format", "{{.ID}} {{.Repository}}"], cwd=ROOT).splitlines()
    ours = sorted({line.split()[0] for line in listed if f"-{run_id}" in line or line.endswith(" bench-base")})
    if ours:
        run([docker, "rmi", "--force", *ours], cwd=ROOT)


def measure(scratch: Path, run_id: str, runs: int) -> None:
    """All ways in turn, scenario by scenario."""
    login(scratch)
    ways: list[Way] = [way(scratch, run_id) for way in (Native, Docker, Best, Usual)]
    for way in ways:
        print(f"bench: filling the caches, {way.title}", file=sys.stderr, flush=True)
        way.seconds("cold", 0)
    times: dict[tuple[str, str], list[float]] = {}
    for number in range(1, runs + 1):
        for scenario in SCENARIOS:
            for way in ways:
                print(
                    f"bench: round {number} of {runs}, {SCENARIOS[scenario]}, {way.title}", file=sys.stderr, flush=True
                )
                times.setdefault((scenario, way.title), []).append(way.seconds(scenario, number))
    print(f"\nfixtures/iris-classifier with {', '.join(MORE)}; {runs} rounds, median seconds (least to most)\n")
    print(f"| | {' | '.join(SCENARIOS.values())} |")
    print(f"|---|{'---|' * len(SCENARIOS)}")
    for way in ways:
        cells = []
        for scenario in SCENARIOS:
            here = times[scenario, way.title]
            cells.append(f"{statistics.median(here):.3f} ({min(here):.3f} to {max(here):.3f})")
        print(f"| {way.title} | {' | '.join(cells)} |")
    best = Best.title
    ratios = [
        statistics.median(b / a for a, b in zip(times[each, Native.title], times[each, best], strict=True))
        for each in SCENARIOS
    ]
    print(f"| {Native.title}, times faster than {best} | {' | '.join(f'{each:.1f}' for each in ratios)} |")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sgbuild", type=Path, required=True, help="the release binary")
    parser.add_argument("--runs", type=int, default=5, help="rounds (5)")
    given = parser.parse_args()
    if "SGBUILD_TESTBED" not in os.environ:
        sys.exit('bench: no testbed; run `make bench`, or first: eval "$(tests/testbed/testbed env)"')
    Native.sgbuild = str(given.sgbuild.resolve())
    run_id = f"{time.time_ns() // 1_000_000:x}"
    with tempfile.TemporaryDirectory() as name:
        try:
            measure(Path(name), run_id, given.runs)
        finally:
            remove_images(run_id)


if __name__ == "__main__":
    main()
