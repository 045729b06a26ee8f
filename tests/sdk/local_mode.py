"""`sgbuild train --local` beside the local modes of the SageMaker Python SDK, 2.x and 3.x.

    python3 tests/sdk/local_mode.py --sgbuild target/release/sgbuild

The same image is trained by each: what the container sees (the tree of /opt/ml, its configuration, environment,
arguments, user and host) must be the same, as must what is in model.tar.gz; where it cannot be, `DIFFERENCES` says why,
and what is listed there must differ. docker-compose is needed (Debian's package of that name).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
JOB = "drill-r1"
# As sgbuild names what it builds.
IMAGE = "sgbuild/tells:1.0"
ROLE = "arn:aws:iam::123456789012:role/sagemaker-training"
HYPERPARAMETERS = {"kind": "tells", "depth": 3}
VARIABLES = {"LAYERS": "2"}
SDKS = {"2": "local_2.py", "3": "local_3.py"}
# https://sagemaker.readthedocs.io/en/stable/overview.html#telemetry: the SDK counts its users otherwise.
SETTINGS = "SchemaVersion: '1.0'\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n"

SETUP = """
from setuptools import setup

setup(name="tells", version="1.0", packages=["tells"], python_version="3.11",
      entry_points={"sgbuild.train": ["train = tells:train"]})
"""
PACKAGE = '''
import getpass, json, os, pathlib, socket, sys

ML = pathlib.Path("/opt/ml")


def train(kind, depth=0):
    (ML / "model" / "weights.bin").write_bytes(b"w")
    files = sorted(path for path in ML.rglob("*"))
    seen = {
        "tree": {str(path): "directory" if path.is_dir() else "file" for path in files},
        "configuration": {path.name: json.loads(path.read_text()) for path in files if path.suffix == ".json"},
        "environment": {name: value for name, value in os.environ.items() if not name.startswith("SM_")},
        "arguments": pathlib.Path("/proc/1/cmdline").read_text().split("\\0")[1:-1],
        "user": getpass.getuser(),
        "host": socket.gethostname(),
        "hyperparameters": [kind, depth],
    }
    print("SEEN" + json.dumps(seen), flush=True)
'''

# What differs, from which SDK, and why. Nothing else may differ, and each of these must.
DIFFERENCES: list[tuple[str, str, str]] = []


def no_telemetry() -> None:
    """Have the SDK tell nobody."""
    settings = Path(tempfile.mkdtemp(prefix="sgbuild-sdk-")) / "config.yaml"
    settings.write_text(SETTINGS)
    os.environ["SAGEMAKER_USER_CONFIG_OVERRIDE"] = os.environ["SAGEMAKER_ADMIN_CONFIG_OVERRIDE"] = str(settings)


def main() -> int:
    """Compare; 1 if something differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sgbuild", type=Path, required=True)
    sgbuild = parser.parse_args().sgbuild.resolve()
    with tempfile.TemporaryDirectory(prefix="sgbuild-local-") as scratch:
        root = Path(scratch)
        data = root / "data"
        data.mkdir()
        (data / "rows.csv").write_text("1,2\n")
        seen = {"sgbuild": by_sgbuild(sgbuild, root, data)}
        seen |= {sdk: by_sdk(sdk, root, data) for sdk in SDKS}
    return compare(seen)


def by_sgbuild(sgbuild: Path, root: Path, data: Path) -> dict[str, Any]:
    """What the container of `sgbuild train --local` sees."""
    project, output = root / "tells", root / "sgbuild"
    (project / "tells").mkdir(parents=True)
    (project / "setup.py").write_text(SETUP)
    (project / "tells" / "__init__.py").write_text(PACKAGE)
    command: list[Any] = [sgbuild, "train", "--local", "--input", f"training={data}", "--output", output, project]
    command += ["--job-name", "drill", "--run-id", "r1"]
    command += [f"--hyperparameter={name}={value}" for name, value in HYPERPARAMETERS.items()]
    command += [f"--training-env={name}={value}" for name, value in VARIABLES.items()]
    ran = subprocess.run(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode:
        sys.exit(ran.stderr)
    return told(ran.stderr, output)


def by_sdk(sdk: str, root: Path, data: Path) -> dict[str, Any]:
    """What the container of an SDK sees."""
    venv = next(Path(os.environ["SGBUILD_TESTBED"]).glob(f"sdk-{sdk}-*/bin/python"))
    output = root / f"sdk-{sdk}" / "output"
    output.mkdir(parents=True)
    command: list[Any] = [venv, HERE / SDKS[sdk], IMAGE, data, output]
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    ran = subprocess.run(
        command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True, check=False, env=environment
    )
    if ran.returncode:
        sys.exit(f"SDK {sdk}: {ran.stdout[-3000:]}")
    return told(ran.stdout, output)


def told(log: str, output: Path) -> dict[str, Any]:
    """What the container told, and what is in the model's archive."""
    line = next(line for line in log.splitlines() if "SEEN{" in line)
    seen: dict[str, Any] = json.loads(line.partition("SEEN")[2])
    with tarfile.open(next(output.rglob("model.tar.gz"))) as archive:
        seen["model"] = sorted(archive.getnames())
    return seen


def leaves(value: Any, place: str = "") -> dict[str, Any]:
    """What is said where."""
    if not isinstance(value, dict) or not value:
        return {place: value}
    return {key: leaf for name, below in value.items() for key, leaf in leaves(below, f"{place}/{name}").items()}


def compare(seen: dict[str, dict[str, Any]]) -> int:
    """Print what differs and is not listed, and what is listed and does not differ."""
    listed = {(sdk, place): why for place, sdk, why in DIFFERENCES}
    ours, failed = leaves(seen["sgbuild"]), False
    for sdk in SDKS:
        theirs = leaves(seen[sdk])
        places = sorted(place for place in ours.keys() | theirs.keys() if ours.get(place) != theirs.get(place))
        for place in places:
            if not listed.pop((sdk, place), None):
                failed = True
                print(f"SDK {sdk}: {place} is {theirs.get(place, 'absent')!r}, ours is {ours.get(place, 'absent')!r}")
    for sdk, place in listed:
        failed = True
        print(f"SDK {sdk}: {place} does not differ any more")
    if not failed:
        print(f"the same in {len(ours)} places, but for {len(DIFFERENCES)} that are explained")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
