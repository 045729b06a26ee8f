"""sgbuild's training requests beside those of the SageMaker Python SDK, 2.x and 3.x.

    python3 tests/sdk/compare.py --sgbuild target/release/sgbuild

Each training of options.py is asked of both versions of the SDK, which send nothing, and of sgbuild: settings in
pyproject.toml and the environment, `sgbuild train`, the training Lambda, SageMaker's emulator, which must accept it. On
the way there the request is read. All fields must be the same; where they cannot be, `DIFFERENCES` says why, and what
is listed there must differ. The table of fields in src/training/fields is held against the model of the botocore that
SDK 2.x brings.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.request
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from options import HYPERPARAMETERS, JOBS, OUTPUT, REGION, ROLE

HERE = Path(__file__).resolve().parent
TABLE = HERE.parents[1] / "src" / "training" / "fields" / "create_training_job.txt"
STATE = Path(os.environ["SGBUILD_TESTBED"])
SDKS = {"2": "estimator.py", "3": "model_trainer.py"}
TARGET = "SageMaker.CreateTrainingJob"
# What sgbuild says of every run: docs/operations.md.
OWN_TAGS = "sgbuild:"
OWN_VARIABLES = "SGBUILD_"

# Field, SDK, trainings, and why it is not the same. Nothing else may differ, and each of these must.
DIFFERENCES = [
    ("StoppingCondition.MaxPendingTimeInSeconds", "2", {"reserved"}, "Estimator has no parameter for it"),
    ("AlgorithmSpecification.ContainerArguments", "3", {"further"}, "ModelTrainer has them for its own scripts alone"),
    (
        "ProfilerConfig",
        "3",
        set(JOBS),
        "ModelTrainer knows no profiler: off or on, it says nothing, and SageMaker profiles",
    ),
]

# Settings whose names are not those of options.py; the others only have hyphens.
SETTINGS = {"tags": "job-tags", "environment": "training-environment"}
# What no file of a project decides.
CALLERS = {"subnets", "security_groups", "output_key", "volume_key", "training_plan"}
FURTHER = {
    "container_arguments": ("AlgorithmSpecification", "ContainerArguments"),
    "compression": ("OutputDataConfig", "CompressionType"),
    "remote_debug": ("RemoteDebugConfig", "EnableRemoteDebug"),
    "session_chaining": ("SessionChainingConfig", "EnableSessionTagChaining"),
    "tensorboard": ("TensorBoardOutputConfig", "S3OutputPath"),
}

# Makes the input bucket of a training.
INPUT = """
import boto3, sys
bucket, region, hyperparameters = sys.argv[1:]
s3 = boto3.client("s3", region_name=region)
s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
s3.put_object(Bucket=bucket, Key="input/data/training/rows.csv", Body=b"1,2")
s3.put_object(Bucket=bucket, Key="input/config/hyperparameters.json", Body=hyperparameters.encode())
"""


def main() -> int:
    """Compare; 1 if something differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sgbuild", type=Path, required=True)
    sgbuild = parser.parse_args().sgbuild.resolve()
    pythons = {sdk: venv(sdk) for sdk in SDKS}
    wrong = table_problems(pythons["2"])
    with tempfile.TemporaryDirectory(prefix="sgbuild-sdk-") as directory:
        project = Project(Path(directory), sgbuild)
        project.push()
        ours = project.requests()
        for sdk, script in SDKS.items():
            theirs = asked(pythons[sdk], script, Path(directory) / f"sdk-{sdk}.json", project)
            wrong += [problem for name in JOBS for problem in problems(sdk, name, theirs[name], ours[name])]
    for problem in wrong:
        print(problem, file=sys.stderr)
    print(f"{len(JOBS)} trainings beside SDK 2.x and 3.x: {len(wrong)} differences that are not explained")
    return 1 if wrong else 0


def venv(sdk: str) -> Path:
    """A Python with that version of the SDK; made where it is missing."""
    requirements = HERE / f"requirements-{sdk}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    directory = STATE / f"sdk-{sdk}-{digest}"
    python = directory / "bin" / "python"
    if not (directory / "complete").exists():
        print(f"preparing the SageMaker Python SDK {sdk}.x", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", directory], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "-r", requirements], check=True)
        (directory / "complete").touch()
    return python


def table_problems(python: Path) -> list[str]:
    """Where the table of fields is not what botocore's model says."""
    model = subprocess.run([python, "-B", HERE / "model.py"], check=True, capture_output=True, text=True).stdout
    said = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    lines = set(model.splitlines()) ^ set(said)
    return [f"{TABLE.name}: {'too much' if line in said else 'missing'}: {line}" for line in sorted(lines)]


def asked(python: Path, script: str, output: Path, project: Project) -> dict[str, Any]:
    """What a version of the SDK sends, by the training's name."""
    command = [python, "-B", HERE / script, output, project.image, project.bucket]
    environment = {"PATH": os.environ["PATH"], "HOME": str(project.directory)}
    done = subprocess.run(command, env=environment, cwd=project.directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{script} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return json.loads(output.read_text())


def problems(sdk: str, name: str, theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Every field that is not the same in both."""
    theirs, ours = leaves(comparable(theirs)), leaves(comparable(ours))
    differing = {path for path in theirs.keys() | ours.keys() if theirs.get(path) != ours.get(path)}
    found = []
    for field, of, trainings, why in DIFFERENCES:
        explained = {path for path in differing if path == field or path.startswith((field + ".", field + "["))}
        if of == sdk and name in trainings:
            if not explained:
                found.append(f"{name}, SDK {sdk}: {field} is the same, although {why}")
            differing -= explained
    found += [f"{name}, SDK {sdk}: {path}: {theirs.get(path)!r} / {ours.get(path)!r}" for path in sorted(differing)]
    return found


def comparable(request: dict[str, Any]) -> dict[str, Any]:
    """The request without its name and what sgbuild adds to every run; lists whose order means nothing in order."""
    request = {name: value for name, value in request.items() if name != "TrainingJobName"}
    tags = [tag for tag in request.get("Tags", []) if not tag["Key"].startswith(OWN_TAGS)]
    variables = request.get("Environment", {}).items()
    request["Tags"] = sorted(tags, key=lambda tag: tag["Key"])
    request["Environment"] = {key: value for key, value in variables if not key.startswith(OWN_VARIABLES)}
    request["InputDataConfig"] = sorted(request["InputDataConfig"], key=lambda channel: channel["ChannelName"])
    return request


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Every value that holds no others, by its path."""
    if isinstance(value, dict):
        items = [(f"{path}.{name}" if path else name, item) for name, item in value.items()]
    elif isinstance(value, list):
        items = [(f"{path}[{number}]", item) for number, item in enumerate(value)]
    else:
        return {path: value}
    return {place: leaf for name, item in items for place, leaf in leaves(item, name).items()}


@dataclass
class Project:
    """A small package, pushed once, whose trainings are asked for."""

    directory: Path
    sgbuild: Path
    image: str = ""

    def __post_init__(self) -> None:
        self.name = f"sdk{uuid.uuid4().hex[:10]}"
        self.bucket = f"{self.name}-input"
        self.package = self.directory / "package"
        (self.package / self.name).mkdir(parents=True)
        (self.package / self.name / "__init__.py").write_text("def train():\n    pass\n")
        setup = f"name={self.name!r}, version='1.0', packages=[{self.name!r}]"
        entry = f"entry_points={{'sgbuild.train': ['train = {self.name}:train']}}"
        (self.package / "setup.py").write_text(f"from setuptools import setup\n\nsetup({setup}, {entry})\n")
        subprocess.run(
            [os.environ["SGBUILD_TESTBED_PYTHON"], "-c", INPUT, self.bucket, REGION, json.dumps(HYPERPARAMETERS)],
            check=True,
        )

    def push(self) -> None:
        """Build and push the image."""
        repository = f"{os.environ['SGBUILD_TESTBED_REGISTRY']}/{self.name}"
        base = os.environ["SGBUILD_TESTBED_BASE"]
        arguments = ["push", "--no-train", "--repository", repository, "--base-image", base]
        self.image = self.run(arguments, {}).strip()

    def requests(self) -> dict[str, dict[str, Any]]:
        """What the training Lambda asks SageMaker for, by the training's name."""
        with Recorder() as recorder:
            function = {
                "binary": str(self.sgbuild),
                "handler": "start_training",
                "environment": {"AWS_ENDPOINT_URL_SAGEMAKER": recorder.url},
            }
            url = f"{os.environ['AWS_ENDPOINT_URL_LAMBDA']}/_functions/{self.name}"
            call(urllib.request.Request(url, json.dumps(function).encode(), method="PUT"))
            return {name: self.request(name, recorder) for name in JOBS}

    def request(self, name: str, recorder: Recorder) -> dict[str, Any]:
        """What is asked for one training; the emulator has accepted it."""
        settings, variables = sayings(JOBS[name])
        (self.package / "pyproject.toml").write_text("[tool.sgbuild]\n" + "\n".join(settings) + "\n")
        given = {
            "source-bucket": self.bucket,
            "output-bucket": OUTPUT.split("/")[2],
            "role": ROLE,
            "function": self.name,
        }
        flags = [word for key, value in given.items() for word in (f"--{key}", value)]
        job = self.run(["train", *flags], variables).strip()
        request = recorder.bodies.pop()
        assert request["TrainingJobName"] == job, (job, request)
        return request

    def run(self, arguments: list[str], variables: dict[str, str]) -> str:
        """Run sgbuild in the package: its stdout."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SGBUILD_")}
        environment |= {"HOME": str(self.directory), "XDG_CACHE_HOME": str(self.directory / "cache"), **variables}
        command = [self.sgbuild, *arguments]
        done = subprocess.run(command, cwd=self.package, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"sgbuild {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout


def sayings(options: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Lines of `[tool.sgbuild]` and variables that say the options."""
    lines, variables = [], {}
    further: dict[str, dict[str, Any]] = {}
    for option, value in options.items():
        if option in FURTHER:
            outer, inner = FURTHER[option]
            further.setdefault(outer, {})[inner] = value
        elif option in CALLERS:
            variables[f"SGBUILD_{option.upper()}"] = value if isinstance(value, str) else ",".join(value)
        elif option == "instance_groups":
            groups = [f"{name}={kind}:{count}" for name, (kind, count) in value.items()]
            lines.append(f"instance-groups = {json.dumps(groups)}")
        else:
            key = SETTINGS.get(option, option.replace("_", "-"))
            lines.append(f"{key} = {toml(value)}")
    for outer, fields in further.items():
        lines += [f"[tool.sgbuild.training.{outer}]", *(f"{name} = {toml(value)}" for name, value in fields.items())]
    return lines, variables


def toml(value: Any) -> str:
    """A value as TOML has it: JSON's form, but for tables."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {json.dumps(text)}" for name, text in value.items()) + " }"
    return json.dumps(value)


class Recorder:
    """SageMaker's emulator behind a proxy that keeps what CreateTrainingJob was asked."""

    def __enter__(self) -> Recorder:
        self.bodies: list[dict[str, Any]] = []
        upstream, bodies = os.environ["AWS_ENDPOINT_URL"], self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["X-Amz-Target"] == TARGET:
                    bodies.append(json.loads(body))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                request = urllib.request.Request(upstream + self.path, body, headers, method="POST")
                with urllib.request.urlopen(request) as answer:
                    answered = answer.read()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(answered)))
                self.end_headers()
                self.wfile.write(answered)

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def call(request: urllib.request.Request) -> None:
    """Send it; an answer that is an error is one."""
    with urllib.request.urlopen(request) as answer:
        answer.read()


if __name__ == "__main__":
    sys.exit(main())
