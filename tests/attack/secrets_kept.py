"""A canary in every place that secrets come from, looked for in every place they could end, while it runs and after."""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

from outcome import Outcome
from place import Place

INDEX = Path(__file__).resolve().parent.parent / "it" / "support" / "private_index.py"
# One for each place, so that it is seen which one got out.
CANARIES = {
    name: f"c4n4ry-{name.lower()}-0f-4tt4ck"
    for name in ("URL", "NETRC", "PIP", "DOCKER", "AWS", "SESSION", "GITHUB", "SSH", "PROXY")
}
SETUP = """import os
from setuptools import setup

# Only Python can say what comes of it: the project's code runs.
version = os.popen("echo 1.0.0").read().strip()
with open("{seen}", "w") as file:
    file.write(repr(sorted(os.environ.items())))

setup(
    name="{name}",
    version=version,
    packages=["attacked"],
    install_requires=["privatepkg==1.0"],
    entry_points={{"sgbuild.train": ["a = attacked.train:train"]}},
)
"""


def attack(root: Path, sgbuild: str, _given: argparse.Namespace) -> list[Outcome]:
    """Both engines, as talkative as they can be."""
    outcomes = []
    for engine, address in (("native", "127.0.0.1"), ("docker", gateway())):
        with private_index(root, address) as host:
            outcomes.append(one(root / engine, sgbuild, engine, host))
    return outcomes


def gateway() -> str:
    """The address under which a container finds this machine."""
    command = [os.environ["SGBUILD_TESTBED_DOCKER"], "network", "inspect", "bridge"]
    (network,) = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    config = network["IPAM"]["Config"][0]
    return config.get("Gateway") or config["Subnet"].rsplit(".", 1)[0] + ".1"


@contextlib.contextmanager
def private_index(root: Path, address: str) -> Iterator[str]:
    """An index whose password is the canary of URLs."""
    command = ["python3", str(INDEX), address, "me", CANARIES["URL"], str(root)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        yield server.stdout.readline().decode().strip()
    finally:
        server.kill()
        server.wait()


def one(root: Path, sgbuild: str, engine: str, index: str) -> Outcome:
    """One engine's push."""
    outcome = Outcome(f"secrets: push with {engine}, canaries in {len(CANARIES)} places")
    seen = root / "environment-of-setup-py"
    root.mkdir()
    place = Place(root, sgbuild, f"attack-secrets-{engine}", setup=SETUP.replace("{seen}", str(seen)))
    equip(place, index)
    repository = f"{os.environ['SGBUILD_TESTBED_REGISTRY']}/{place.name}"
    watch = Watch()
    with watch:
        push = ["push", "-v", "--engine", engine, "--no-train", "--trust-dockerfile", "--repository", repository]
        pushed = place.run(push)
        build = ["build", "-v", "--engine", engine, "--trust-dockerfile", "--output", str(root / "image.tar")]
        built = place.run(build)
    for ended in (pushed, built):
        outcome.record("it works", [] if ended.code == 0 else [f"exit code {ended.code}: {ended.text()}"])
        outcome.record("stdout and stderr", escaped(ended.stdout + ended.stderr))
    outcome.record("arguments of every process of the machine", watch.arguments)
    outcome.record("variables of processes that sgbuild started", watch.variables)
    outcome.record("what setup.py can see", escaped(seen.read_bytes()) if seen.exists() else ["setup.py did not run"])
    outcome.record("checkout and dist/", within(place.project))
    outcome.record("temporary directory", within(place.temporary))
    outcome.record("files of the cache that others may read", within(place.cache, only_readable=True))
    outcome.record("image", in_image(root / "image.tar"))
    return outcome


def equip(place: Place, index: str) -> None:
    """Put a canary into every place that secrets are read from."""
    host = index.split(":")[0]
    (place.home / ".netrc").write_text(f"machine netrc.example\nlogin me\npassword {CANARIES['NETRC']}\n")
    (place.home / ".netrc").chmod(0o600)
    pip = place.home / ".config" / "pip" / "pip.conf"
    pip.parent.mkdir(parents=True)
    # The variable has precedence.
    pip.write_text(f"[install]\nextra-index-url = http://me:{CANARIES['PIP']}@{index}/simple\n")
    docker = place.home / ".docker" / "config.json"
    docker.parent.mkdir()
    auth = base64.b64encode(f"me:{CANARIES['DOCKER']}".encode()).decode()
    docker.write_text(json.dumps({"auths": {"registry.example": {"auth": auth}}}))
    place.extra = {
        "PIP_EXTRA_INDEX_URL": f"http://me:{CANARIES['URL']}@{index}/simple",
        "PIP_TRUSTED_HOST": host,
        "GITHUB_TOKEN": CANARIES["GITHUB"],
        "SSHPASS": CANARIES["SSH"],
        "CI_JOB_JWT": CANARIES["SESSION"],
        "AWS_SECRET_ACCESS_KEY": CANARIES["AWS"],
        "no_proxy": "*",
        "HTTP_PROXY_PASSWORD": CANARIES["PROXY"],
    }


class Watch:
    """Looks at every process of the machine, all the time."""

    def __init__(self) -> None:
        self.arguments: list[str] = []
        self.variables: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        ours = str(os.getpid())
        while not self._over.wait(0.003):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    command = (process / "cmdline").read_bytes()
                    variables = (process / "environ").read_bytes()
                except OSError:
                    continue
                if process.name == ours or str(INDEX).encode() in command:
                    continue
                shown = command.replace(b"\0", b" ").decode(errors="replace")[:200]
                self._note(self.arguments, command, shown)
                if not is_given(process):
                    self._note(self.variables, variables, shown)

    @staticmethod
    def _note(troubles: list[str], content: bytes, process: str) -> None:
        for trouble in escaped(content):
            line = f"{trouble}: {process}"
            if line not in troubles:
                troubles.append(line)


def is_given(process: Path) -> bool:
    """Whether it is to have what the user has for indexes: sgbuild itself; pip, and what it starts; uv has files."""
    is_first = True
    while process.name not in ("0", "1"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            return True
        if arguments[1:3] == [b"-m", b"pip"]:
            return True
        if Path(os.fsdecode(arguments[0])).name.startswith("sgbuild"):
            return is_first
        process, is_first = process.parent / parent, False
    return False


def escaped(content: bytes) -> list[str]:
    """Which canaries are in it, as they are or in base64."""
    found = []
    for name, canary in CANARIES.items():
        forms = [
            canary.encode(),
            base64.b64encode(canary.encode())[:-2],
            base64.b64encode(f"me:{canary}".encode())[:-2],
        ]
        if any(each in content for each in forms):
            found.append(f"the canary of {name}")
    return found


def within(directory: Path, *, only_readable: bool = False) -> list[str]:
    """Which files below have one."""
    troubles = []
    for path in directory.rglob("*"):
        if path.is_symlink() or not path.is_file() or (only_readable and not is_readable(path, directory)):
            continue
        content = path.read_bytes()
        with contextlib.suppress(OSError, EOFError):
            content += gzip.decompress(content) if content[:2] == b"\x1f\x8b" else b""
        troubles += [f"{each}: {path.relative_to(directory)}" for each in escaped(content)]
    return troubles


def is_readable(path: Path, above: Path) -> bool:
    """Whether others can come to it and read it."""
    ways = [each for each in path.parents if each.is_relative_to(above)]
    return bool(path.stat().st_mode & 0o044) and all(each.stat().st_mode & 0o011 for each in ways)


def in_image(archive: Path) -> list[str]:
    """Which of an archive's members have one, in layers and configuration."""
    if not archive.exists():
        return ["there is no image"]
    troubles = []
    with tarfile.open(archive) as image:
        for member in image:
            file = image.extractfile(member)
            if file is None:
                continue
            content = file.read()
            content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
            troubles += [f"{each}: {member.name}" for each in escaped(content)]
    return troubles
