"""The ways in which a project becomes an image in a registry: sgbuild's engines, and what people write by hand."""

from __future__ import annotations

import ast
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from dockerfiles import BEST, BY_BUILDAH, COPIED, USUAL
from meters import Cost, Failed, Meters, measured, run

ROOT = Path(__file__).resolve().parent.parent
FIXTURE = ROOT / "fixtures" / "iris-classifier"
# Small, and nobody's requirement here.
ADDED = ["tabulate", "humanize", "termcolor", "toolz", "inflection", "docopt", "xmltodict", "pyfiglet", "wcwidth"]
# The one that sgbuild gets for itself, so that both resolve and unpack alike.
UV = "uv~=0.13.0"


def required() -> list[str]:
    """The fixture's requirements, read from the literal list in its setup.py."""
    tree = ast.parse((FIXTURE / "setup.py").read_text())
    arguments = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    return next(ast.literal_eval(each.value) for each in arguments if each.arg == "install_requires")


class Place:
    """What the ways share: a scratch directory, a name for this run, the registry, and uv for the builders."""

    def __init__(self, scratch: Path, run_id: str, sgbuild: str, *, is_tight: bool) -> None:
        self.scratch = scratch
        # Whether the disk has no room for what a way has made before.
        self.is_tight = is_tight
        self.run_id = run_id
        self.sgbuild = sgbuild
        self.docker = os.environ["SGBUILD_TESTBED_DOCKER"]
        self.base = os.environ["SGBUILD_TESTBED_BASE"]
        self.registry = os.environ["SGBUILD_TESTBED_REGISTRY"]
        self.config = scratch / "docker"
        self.uv_image = f"bench-uv-{run_id}:latest"
        self._login()
        self.uv = self._uv()

    def _login(self) -> None:
        """Outside of what is measured; sgbuild asks for its own password, once."""
        self.config.mkdir()
        ask = "import boto3; print(boto3.client('ecr').get_authorization_token()"
        ask += "['authorizationData'][0]['authorizationToken'], end='')"
        token = run([os.environ["SGBUILD_TESTBED_PYTHON"], "-c", ask], cwd=self.scratch)
        # User and password in base64: the form that Docker's configuration has, too.
        (self.config / "config.json").write_text(json.dumps({"auths": {self.registry: {"auth": token}}}))

    def _uv(self) -> Path:
        """The program for buildah, and an image of nothing else for BuildKit, as uv's makers publish one."""
        venv, directory = self.scratch / "uv", self.scratch / "uv-image"
        run([os.environ["SGBUILD_TESTBED_PYTHON"], "-m", "venv", str(venv)], cwd=self.scratch)
        run([str(venv / "bin" / "pip"), "install", "--quiet", UV], cwd=self.scratch)
        directory.mkdir()
        shutil.copy(venv / "bin" / "uv", directory / "uv")
        (directory / "Dockerfile").write_text("FROM scratch\nCOPY uv /uv\n")
        run([self.docker, "build", "--quiet", "--tag", self.uv_image, "."], cwd=directory, env=self.buildkit())
        return directory / "uv"

    def buildkit(self) -> dict[str, str]:
        """The environment of the docker client."""
        return {**os.environ, "DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": str(self.config)}

    def drop(self, mark: str, *, caches: bool = False) -> None:
        """Take images that have `mark` in their names out of the daemon, and what the builder keeps of them."""
        shown = "{{.Repository}}:{{.Tag}} {{.ID}}"
        listed = run([self.docker, "images", "--format", shown], cwd=self.scratch).splitlines()
        # By name where there is one: an image of another run may be the same.
        ours = [line.split() for line in listed if mark in line]
        named = {identity if name.endswith("<none>") else name for name, identity in ours}
        if named:
            run([self.docker, "rmi", "--force", *sorted(named)], cwd=self.scratch)
        self._prune(mark, caches=caches)

    def _prune(self, mark: str, *, caches: bool) -> None:
        """What was made by commands that have `mark` in them, what stands on it, and what only this stands on."""
        records = {each["ID"]: each for each in build_cache()}
        marks = (mark, mark.replace("-", "_"))
        ours = {name for name, each in records.items() if any(text in each["Description"] for text in marks)}
        while True:
            above = {name for name, each in records.items() if each["Parent"] in ours}
            others = {each["Parent"] for name, each in records.items() if name not in ours | above}
            below = {records[name]["Parent"] for name in ours} & records.keys() - others
            found = above | {each for each in below if not is_base(records[each])}
            if found <= ours:
                break
            ours |= found
        going = [each for each in ours if caches or records[each]["Type"] != "exec.cachemount"]
        if going:
            # The daemon takes it for a regular expression.
            pattern = f'"^({"|".join(sorted(going))})$"'
            command = [self.docker, "builder", "prune", "--force", "--all", "--filter", f"id={pattern}"]
            run(command, cwd=self.scratch, env=self.buildkit())


def build_cache() -> list[dict]:
    """What BuildKit keeps, by the daemon's API: the client leaves the descriptions out."""
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    connection = http.client.HTTPConnection("localhost", timeout=120)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(host.removeprefix("unix://"))
    connection.request("GET", "/v1.41/system/df")
    return json.loads(connection.getresponse().read())["BuildCache"] or []


def is_base(record: dict) -> bool:
    """Whether it is an image that others may build on."""
    return record["Description"].startswith(("from local", "pulled from"))


class Way:
    """A copy of the fixture under a name of its own, in git, with a way to push it."""

    title = ""
    # One that may be missing is left out, and it is said why.
    optional = False
    # Whether it keeps byte code with the packages.
    keeps_byte_code = False

    def __init__(self, place: Place, requirements: list[str]) -> None:
        self.name = f"bench-{type(self).__name__.lower()}-{place.run_id}"
        self.place = place
        self.dir = place.scratch / self.name
        self.requirements = list(requirements)
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

    def fill(self, meters: Meters) -> None:
        """Get the packages, and whatever else is not measured."""
        self.cost("cold", 0, meters)

    def push(self, cost: Cost, *, cold: bool) -> None:
        """Build and push."""
        raise NotImplementedError

    def forget(self) -> None:
        """Forget all but the packages."""

    def forget_compiled(self) -> None:
        """Forget the packages' byte code too."""

    def clean(self) -> None:
        """Remove what is not in the scratch directory."""

    def cost(self, scenario: str, number: int, meters: Meters) -> Cost:
        """What one push costs."""
        if scenario in ("cold", "compiled"):
            name = f"{self.name}-{number}-{scenario}"
            self.repository = f"{self.place.registry}/{name}"
            self.forget()
            if scenario == "compiled":
                self.forget_compiled()
            make_repository(name, self.place.scratch)
        elif scenario == "code":
            with open(self.dir / "irisclassifier" / "train.py", "a") as source:
                source.write(f"\nCHANGED_AT = {time.time_ns()}\n")
            self.commit()
        elif scenario == "require":
            self.requirements.append(ADDED[number % len(ADDED)])
            self.write()
        with meters.around(self.repository.split("/", 1)[1]) as cost:
            self.push(cost, cold=scenario in ("cold", "compiled"))
        return cost


class Native(Way):
    """sgbuild without a daemon."""

    title = "sgbuild, native"
    keeps_byte_code = True
    engine = "native"

    @property
    def cache(self) -> Path:
        """Everything that sgbuild keeps, and its uv."""
        return self.place.scratch / "cache" / self.name

    def environment(self) -> dict[str, str]:
        """Its settings."""
        return {**os.environ, "XDG_CACHE_HOME": str(self.cache), "SGBUILD_BASE_IMAGE": self.place.base}

    def push(self, cost: Cost, *, cold: bool) -> None:
        """sgbuild push, without the training."""
        flags = ["--no-train", "--quiet", "--engine", self.engine, "--repository", self.repository]
        anew = ["--no-cache"] if cold and self.engine == "docker" else []
        measured(cost, [self.place.sgbuild, "push", *flags, *anew, "."], cwd=self.dir, env=self.environment())

    def forget(self) -> None:
        """The wheels stay, with their byte code; what is known of layers, images, answers and pushes goes."""
        self.forget_notes(kept={"bytecode", "interpreters"})

    def forget_compiled(self) -> None:
        """The wheels alone stay."""
        self.forget_notes(kept={"interpreters"})

    def forget_notes(self, *, kept: set[str] = frozenset(), only: set[str] | None = None) -> None:
        """Remove notes of the store of wheels by their kinds."""
        notes = self.cache / "sgbuild" / "wheels" / "notes"
        kinds = {each.name for each in notes.iterdir()} if notes.is_dir() else set()
        for kind in (kinds if only is None else kinds & only) - kept:
            shutil.rmtree(notes / kind)


class Docker(Native):
    """sgbuild with the daemon."""

    title = "sgbuild, Docker engine"
    keeps_byte_code = False
    engine = "docker"

    def forget(self) -> None:
        """Nothing: all is built without the builder's cache, and what pip keeps is apart."""
        if self.place.is_tight:
            self.place.drop(self.name)


class Best(Way):
    """A Dockerfile made by hand, with all that BuildKit and uv have to offer."""

    title = "by hand: BuildKit, uv, cache mounts"
    dockerfile = BEST

    def write(self) -> None:
        """With a Dockerfile and the requirements by themselves."""
        text = self.dockerfile.format(base=self.place.base, name=self.name, uv=self.place.uv_image)
        (self.dir / "Dockerfile").write_text(text)
        (self.dir / ".dockerignore").write_text(".git\n")
        (self.dir / "requirements.txt").write_text("\n".join(self.requirements) + "\n")
        super().write()

    def fill(self, _: Meters) -> None:
        """A build gets all there is to get."""
        self.build(Cost(), f"{self.name}:latest", cold=True)

    def push(self, cost: Cost, *, cold: bool) -> None:
        """docker build and docker push."""
        image = f"{self.repository}:latest"
        self.build(cost, image, cold=cold)
        measured(cost, [self.place.docker, "push", "--quiet", image], cwd=self.dir, env=self.place.buildkit())

    def build(self, cost: Cost, image: str, *, cold: bool) -> None:
        """The image, in the daemon."""
        flags = ["--quiet", f"--secret=id=ca,src={os.environ['SSL_CERT_FILE']}", "--tag", image]
        anew = ["--no-cache"] if cold else []
        measured(cost, [self.place.docker, "build", *flags, *anew, "."], cwd=self.dir, env=self.place.buildkit())

    def forget(self) -> None:
        """Nothing: all is built without the builder's cache, and what is mounted is apart."""
        if self.place.is_tight:
            self.place.drop(self.name)


class Copied(Best):
    """The same, where the package is copied only."""

    title = "the same, package only copied"
    dockerfile = COPIED


class Usual(Best):
    """The Dockerfile that most people write."""

    title = "by hand: pip, wheels kept"
    dockerfile = USUAL


class Buildah(Best):
    """buildah, which needs no daemon either."""

    title = "buildah, uv, cache mounts"
    dockerfile = BY_BUILDAH
    optional = True

    def __init__(self, place: Place, requirements: list[str]) -> None:
        if shutil.which("buildah") is None:
            raise Failed("buildah is not installed (Debian: `apt-get install buildah`)")
        super().__init__(place, requirements)
        self.storage = place.scratch / "buildah"
        self.storage.mkdir()
        self.driver = "overlay"

    def push(self, cost: Cost, *, cold: bool) -> None:
        """buildah bud and buildah push; each step as a layer of its own, as the others have it."""
        image = f"{self.repository}:latest"
        self.build(cost, image, cold=cold)
        credentials = ["--authfile", str(self.place.config / "config.json")]
        measured(cost, self._buildah("push", "--quiet", *credentials, image), cwd=self.dir, env=self._environment())

    def build(self, cost: Cost, image: str, *, cold: bool) -> None:
        """The image, in storage of its own."""
        flags = ["--layers", "--isolation", "chroot", "--quiet", "--format", "docker", "--tag", image]
        flags += [f"--secret=id=ca,src={os.environ['SSL_CERT_FILE']}"]
        flags += ["--volume", f"{self.place.uv}:/usr/local/bin/uv:ro", *(["--no-cache"] if cold else [])]
        measured(cost, self._buildah("bud", *flags, "."), cwd=self.dir, env=self._environment())

    def forget(self) -> None:
        """Images of before; the base image and the mounted caches stay."""
        listed = self._unmeasured("images", "--all", "--format", "{{.ID}} {{.Name}}").splitlines()
        base = self.place.base.rpartition(":")[0]
        ours = [line.split()[0] for line in listed if not line.endswith(f" {base}")]
        if ours:
            self._unmeasured("rmi", "--force", *ours)

    def clean(self) -> None:
        """Nothing of it stays mounted."""
        self._unmeasured("rmi", "--all", "--force")
        shutil.rmtree(self.storage, ignore_errors=True)

    def _unmeasured(self, command: str, *arguments: str) -> str:
        """What cannot be removed is removed with the directory."""
        whole = self._buildah(command, *arguments)
        return subprocess.run(
            whole, env=self._environment(), cwd=self.dir, capture_output=True, text=True, check=False
        ).stdout

    def _buildah(self, command: str, *arguments: str) -> list[str]:
        storage = ["--root", str(self.storage / "root"), "--runroot", str(self.storage / "run")]
        return ["buildah", *storage, "--storage-driver", self.driver, command, *arguments]

    def _environment(self) -> dict[str, str]:
        """The mounted caches are in TMPDIR."""
        temporary = self.storage / "tmp"
        temporary.mkdir(exist_ok=True)
        return {**os.environ, "TMPDIR": str(temporary)}


WAYS = (Native, Docker, Best, Copied, Usual, Buildah)


def make_repository(name: str, scratch: Path) -> None:
    """ECR wants a repository before a push; nobody's time is measured by it."""
    ask = f"import boto3; boto3.client('ecr').create_repository(repositoryName={name!r})"
    run([os.environ["SGBUILD_TESTBED_PYTHON"], "-c", ask], cwd=scratch)
