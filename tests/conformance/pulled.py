"""The native engine's image where people have it: two Dockers with three stores, podman and skopeo.

    python3 tests/conformance/pulled.py --sgbuild target/release/sgbuild [--only NAME ...]

The iris classifier with some requirements more is pushed, and written as an archive and as an OCI layout. Each client
pulls the first by digest and loads the others, says which layers it has, and runs it: `pip check`, an import of every
module, a training by SageMaker's contract, and the model that came of it. skopeo runs nothing: what it copies is
unpacked here and held against every DiffID.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import images
import places
from native import sgbuild
from places import Trouble

sys.path.insert(0, str(places.HERE.parent / "testbed"))

from services import daemons  # noqa: E402

FIXTURE = places.HERE.parents[1] / "fixtures" / "iris-classifier"
REQUIRED = "install_requires=["
MORE = ["flask", "gunicorn", "gevent"]
PASSWORD = "123456789012-auth-token"
IMPORTING = (places.HERE / "importing.py").read_text()
# There are fewer only where distributions are missing: the fixture's, their own, and pip.
FEWEST = 20
# Of each species a flower, as the data has them.
PREDICT = """import joblib, pandas
from irisclassifier import FEATURES
flowers = pandas.DataFrame([[5.1, 3.5, 1.4, 0.2], [7.0, 3.2, 4.7, 1.4], [6.3, 3.3, 6.0, 2.5]], columns=FEATURES)
print(*joblib.load("/opt/ml/model/model.joblib").predict(flowers))
"""
SPECIES = ["setosa", "versicolor", "virginica"]
ACCURATE = 0.85
PIECE = 1 << 20
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Made:
    """The image, in all its forms."""

    # By digest.
    pushed: str
    archive: Path
    layout: Path
    # Of the manifest and of the config: clients call the image by the one or the other.
    digest: str
    id: str
    diff_ids: list[str]


class Docker:
    """Who has images and runs them, and is spoken to as `docker` is."""

    def __init__(self, command: Callable[[list[str]], str], *, layouts: bool) -> None:
        self._command, self._knows_layouts = command, layouts

    def login(self, registry: str) -> None:
        """Give the registry's password."""
        self._command(["login", "--username", "AWS", "--password", PASSWORD, registry])

    def forms(self, made: Made) -> Iterator[tuple[str, str]]:
        """The image in every form that the client takes: which one, and what it is called there."""
        self._command(["pull", "--quiet", made.pushed])
        yield "pulled", made.pushed
        yield "loaded", self._load(made.archive)
        if self._knows_layouts:
            yield "loaded as a layout", self._layout(made.layout)

    def remove(self, image: str) -> None:
        """Remove an image, so that the next one comes as a whole."""
        self._command(["rmi", "--force", image])

    def digests(self, image: str) -> tuple[list[str], set[str]]:
        """The DiffIDs of an image, and what it is called by."""
        (said,) = json.loads(self._command(["image", "inspect", image]))
        return said["RootFS"]["Layers"], {said["Id"]}

    def run(self, image: str, arguments: list[str], *, program: str = "", opt_ml: Path | None = None) -> str:
        """Run an image, by its own entry point or another program, without a network; what it prints."""
        options = ["--rm", "--network=none", *([f"--entrypoint={program}"] if program else [])]
        options += [f"--volume={opt_ml}:/opt/ml"] if opt_ml else []
        return self._command(["run", *options, image, *arguments])

    def _load(self, archive: Path) -> str:
        return self._command(["load", "--quiet", "--input", str(archive)]).strip().partition(": ")[2]

    def _layout(self, layout: Path) -> str:
        packed = layout.with_suffix(".tar")
        with tarfile.open(packed, "w") as tar:
            tar.add(layout, arcname=".")
        try:
            return self._load(packed)
        finally:
            packed.unlink()


class Podman(Docker):
    """podman, which says some things in another way."""

    def digests(self, image: str) -> tuple[list[str], set[str]]:
        """As Docker's; podman knows an image by both."""
        (said,) = json.loads(self._command(["image", "inspect", image]))
        return said["RootFS"]["Layers"], {f"sha256:{said['Id']}", said["Digest"]}

    def _layout(self, layout: Path) -> str:
        return self._command(["pull", "--quiet", f"oci:{layout}"]).strip()


def main() -> int:
    """Make the image and give it to every client; 1 if one has something else or cannot run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sgbuild", type=Path, required=True, help="the program to judge")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="clients whose names have one of these")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as shared:
            clients = {
                name: check
                for name, check in _clients(Path(shared)).items()
                if not options.only or any(part in name for part in options.only)
            }
            made = _make(options.sgbuild.resolve(), Path(shared))
            wrong = sum(_tell(name, check(made)) for name, check in clients.items())
    except Trouble as trouble:
        sys.exit(f"pulled: {trouble}")
    print(f"{len(clients)} clients were given the native image: {wrong} wrong")
    return int(wrong > 0 or not clients)


def _tell(name: str, outcome: Iterator[str]) -> int:
    """Print what a client found wrong; how much that is."""
    try:
        wrong = list(outcome)
    except Trouble as trouble:
        wrong = [str(trouble)]
    print(f"{name}: {len(wrong)} wrong", flush=True)
    for line in wrong:
        print(f"    {line}", flush=True)
    return len(wrong)


def _clients(shared: Path) -> dict[str, Callable[[Made], Iterator[str]]]:
    def beside(daemon: daemons.Daemon, *program: str) -> Callable[[list[str]], str]:
        return lambda arguments: places.run(daemon.beside([*program, *arguments]))

    def docker(daemon: daemons.Daemon, *, layouts: bool) -> Docker:
        return Docker(beside(daemon, "docker", f"--host={daemon.host}"), layouts=layouts)

    clients = {
        "docker 20.10": Docker(images.docker, layouts=False),
        "docker 26, classic store": docker(daemons.CLASSIC, layouts=False),
        "docker 26, containerd store": docker(daemons.CONTAINERD, layouts=True),
        "podman": Podman(beside(daemons.PODMAN, "podman"), layouts=True),
    }
    skopeo = beside(daemons.PODMAN, "skopeo")
    checks = {name: partial(_judge, client, shared=shared) for name, client in clients.items()}
    return {**checks, "skopeo": partial(_copied, skopeo, shared=shared)}


def _make(program: Path, shared: Path) -> Made:
    project = shared / "project"
    shutil.copytree(FIXTURE, project, ignore=shutil.ignore_patterns("dist", "__pycache__", "*.egg-info"))
    setup = project / "setup.py"
    listed = "".join(f'"{each}", ' for each in MORE)
    setup.write_text(setup.read_text().replace(REQUIRED, REQUIRED + listed))
    archive, layout = shared / "image.tar", shared / "layout"
    repository = f"{os.environ['SGBUILD_TESTBED_REGISTRY']}/conformance/pulled"
    native = ["--engine", "native"]
    base = ["--base-image", os.environ["SGBUILD_TESTBED_PRIVATE_BASE"]]
    pushed = sgbuild(program, ["push", *native, *base, "--no-train", "--repository", repository], project)
    for output in (str(archive), f"oci:{layout}"):
        sgbuild(program, ["build", *native, *base, "--output", output], project)
    (described,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads(_blob(layout, described["digest"]).read_text())
    if described["digest"] != pushed.partition("@")[2]:
        raise Trouble(f"{pushed} was pushed, and {described['digest']} written")
    config = manifest["config"]["digest"]
    diff_ids = json.loads(_blob(layout, config).read_text())["rootfs"]["diff_ids"]
    return Made(pushed, archive, layout, described["digest"], config, diff_ids)


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")


def _judge(client: Docker, made: Made, shared: Path) -> Iterator[str]:
    """What is wrong with the image as a client has it."""
    client.login(os.environ["SGBUILD_TESTBED_REGISTRY"])
    for form, image in client.forms(made):
        try:
            for line in _judge_one(client, image, made, shared, pulled=form == "pulled"):
                yield f"{form}: {line}"
        finally:
            client.remove(image)


def _judge_one(client: Docker, image: str, made: Made, shared: Path, *, pulled: bool) -> Iterator[str]:
    diff_ids, names = client.digests(image)
    if diff_ids != made.diff_ids:
        yield f"its DiffIDs are {diff_ids}, and not {made.diff_ids}"
    # The containerd store makes a manifest of its own for what is loaded.
    if pulled and not names <= {made.id, made.digest}:
        yield f"it goes by {names}, and not by {made.id} or {made.digest}"
    checked = client.run(image, ["-m", "pip", "check"], program="python").strip()
    if checked != "No broken requirements found.":
        yield f"pip check: {checked}"
    *failed, imported = client.run(image, ["-c", IMPORTING], program="python").strip().splitlines()
    yield from failed
    if int(imported.removeprefix("imported ")) < FEWEST:
        yield f"{imported} modules, at least {FEWEST} were expected"
    with tempfile.TemporaryDirectory(dir=shared) as made_here:
        yield from _train(client, image, Path(made_here))


def _train(client: Docker, image: str, opt_ml: Path) -> Iterator[str]:
    """A training as SageMaker runs it, and what came of it."""
    shutil.copytree(FIXTURE / "data" / "input", opt_ml / "input")
    for each in ("model", "output/data"):
        (opt_ml / each).mkdir(parents=True)
    client.run(image, ["train"], opt_ml=opt_ml)
    accuracy = json.loads((opt_ml / "model" / "metrics.json").read_text())["accuracy"]
    if accuracy < ACCURATE:
        yield f"the model is right in {accuracy:.0%} of what it was not shown"
    predicted = client.run(image, ["-c", PREDICT], program="python", opt_ml=opt_ml).split()
    if predicted != SPECIES:
        yield f"the model takes {SPECIES} for {predicted}"


def _copied(skopeo: Callable[[list[str]], str], made: Made, shared: Path) -> Iterator[str]:
    """What is wrong with what skopeo copies, of the registry's image and of what was written."""
    skopeo(["login", "--username", "AWS", "--password", PASSWORD, made.pushed.partition("/")[0]])
    pushed, layout = f"docker://{made.pushed}", f"oci:{made.layout}"
    copies = [(pushed, kind) for kind in ("docker-archive", "oci", "dir")]
    copies += [(layout, "dir"), (f"docker-archive:{made.archive}", "dir"), (f"oci-archive:{made.archive}", "dir")]
    for source, kind in copies:
        with tempfile.TemporaryDirectory(dir=shared) as fresh:
            copy = Path(fresh) / "copy"
            # An archive names what is in it.
            name = ":copied:1" if kind == "docker-archive" else ""
            skopeo(["copy", "--quiet", source, f"{kind}:{copy}{name}"])
            diff_ids = list(_unpacked(copy, kind))
        if diff_ids != made.diff_ids:
            yield f"{source.partition(':')[0]} to {kind}: its layers come to {diff_ids}, and not {made.diff_ids}"
    yield from _odd_entries(made)


def _unpacked(copy: Path, kind: str) -> Iterator[str]:
    """The digests of the unpacked layers of a copy."""
    if kind == "docker-archive":
        with tarfile.open(copy) as archive:
            (image,) = json.load(archive.extractfile("manifest.json"))
            for name in image["Layers"]:
                yield _digest(archive.extractfile(name))
        return
    if kind == "oci":
        (described,) = json.loads((copy / "index.json").read_text())["manifests"]
        place, manifest = lambda digest: _blob(copy, digest), _blob(copy, described["digest"])
    else:
        place, manifest = lambda digest: copy / digest.removeprefix("sha256:"), copy / "manifest.json"
    for layer in json.loads(manifest.read_text())["layers"]:
        blob = place(layer["digest"])
        # What comes out of an archive may stay unpacked.
        with gzip.open(blob) if _begins(blob, GZIP) else blob.open("rb") as unpacked:
            yield _digest(unpacked)


def _begins(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _digest(file: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    while piece := file.read(PIECE):
        sha256.update(piece)
    return f"sha256:{sha256.hexdigest()}"


def _odd_entries(made: Made) -> Iterator[str]:
    """What clients may take in different ways in our layers: a path twice, a file in no directory, odd modes."""
    manifest = json.loads(_blob(made.layout, made.digest).read_text())
    directories: set[str] = {""}
    for layer in manifest["layers"]:
        # The first is the base's.
        is_ours = layer is not manifest["layers"][0]
        here: set[str] = set()
        with tarfile.open(_blob(made.layout, layer["digest"])) as archive:
            for entry in archive:
                path = entry.name.removeprefix("./").rstrip("/")
                if is_ours and path in here:
                    yield f"{path} is twice in {layer['digest']}"
                if is_ours and path.rpartition("/")[0] not in directories:
                    yield f"{path} has no directory in {layer['digest']} or below"
                if is_ours and (entry.uid or entry.gid or entry.mode & ~0o755 or not entry.mode & 0o400):
                    yield f"{path} is {entry.uid}:{entry.gid} {entry.mode:o} in {layer['digest']}"
                here.add(path)
                if entry.isdir() or entry.issym():
                    directories.add(path)


if __name__ == "__main__":
    sys.exit(main())
