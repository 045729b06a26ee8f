"""CodeBuild's part of one build: a clean checkout, the buildspec's phases in order, the outcome made known.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from . import build_events, cloud
from .pipeline import Pipeline

# What CodeBuild's images have and this machine may not.
IMAGE = Path(__file__).resolve().parent.parent / "build_image"
PHASES = ("install", "pre_build", "build", "post_build")


@dataclass
class Phase:
    """How one phase ended."""

    name: str
    status: str
    began: float
    ended: float
    message: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the next phase follows."""
        return self.status == "SUCCEEDED"

    def described(self) -> dict[str, Any]:
        """As BatchGetBuilds has it."""
        context = [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": self.message}] if self.message else []
        return {
            "phaseType": self.name.upper(),
            "phaseStatus": self.status,
            "startTime": self.began,
            "endTime": self.ended,
            "durationInSeconds": round(self.ended - self.began),
            "contexts": context,
        }


def run_phases(
    spec: dict[str, Any],
    directory: Path,
    environment: dict[str, str],
    write: Callable[[str], None],
    begin: Callable[[str], bool] = lambda name: True,
    deadline: float = float("inf"),
    caller: cloud.Caller = cloud.OWNER,
) -> list[Phase]:
    """Run the phases, each in a fresh shell. A failed build still has its post_build, other failures end the build.

    `begin` hears of each phase before it starts, and may refuse it. At the deadline, by time.monotonic(), what runs is
    killed.
    """
    variables = _variables(spec.get("env") or {}, caller)
    shell = (spec.get("env") or {}).get("shell", "sh")
    done: list[Phase] = []
    for name in PHASES:
        wanted = (spec.get("phases") or {}).get(name)
        if wanted is None:
            continue
        if not begin(name):
            break
        succeeding = all(phase.succeeded for phase in done)
        known = {**variables, **environment, "CODEBUILD_BUILD_SUCCEEDING": "1" if succeeding else "0"}
        done.append(_run_phase(name, wanted, directory, known, shell, write, deadline))
        goes_on = name == "build" and wanted.get("on-failure") != "ABORT" and done[-1].status != "TIMED_OUT"
        if not done[-1].succeeded and not goes_on:
            break
    return done


def _variables(env: dict[str, Any], caller: cloud.Caller) -> dict[str, str]:
    """What the buildspec itself sets; secrets and parameters are asked of the account."""
    # Only text is a variable's value; YAML makes numbers of digits.
    values = {name: str(value) for name, value in (env.get("variables") or {}).items()}
    for section, kind in (("parameter-store", "PARAMETER_STORE"), ("secrets-manager", "SECRETS_MANAGER")):
        for name, place in (env.get(section) or {}).items():
            values[name] = cloud.build_variable(place, kind, caller)
    return values


def _run_phase(
    name: str,
    wanted: dict[str, Any],
    directory: Path,
    environment: dict[str, str],
    shell: str,
    write: Callable[[str], None],
    deadline: float,
) -> Phase:
    began = time.time()
    write(f"[Container] Entering phase {name.upper()}")
    failed = _run_commands(wanted.get("commands") or [], directory, environment, shell, write, deadline)
    # The finally block runs in any case and decides as well.
    failed = _run_commands(wanted.get("finally") or [], directory, environment, shell, write, deadline) or failed
    status = "SUCCEEDED"
    if failed:
        status = "TIMED_OUT" if time.monotonic() >= deadline else "FAILED"
    if status == "TIMED_OUT":
        failed = "Build timed out. "
    write(f"[Container] Phase complete: {name.upper()} State: {status}")
    return Phase(name, status, began, time.time(), failed)


def _run_commands(
    commands: list[str],
    directory: Path,
    environment: dict[str, str],
    shell: str,
    write: Callable[[str], None],
    deadline: float,
) -> str:
    """The commands in one shell until one fails or the time is over: what failed, or nothing."""
    if not commands:
        return ""
    current = commands[0]
    with (
        subprocess.Popen(
            [shell, "-c", _script(commands)],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
        _killed_at(deadline, process),
    ):
        for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip("\r\n")
            if line.startswith(MARK):
                current = commands[int(line.removeprefix(MARK))]
                line = f"[Container] Running command {_shown(current)}"
            write(line)
    code = process.returncode
    return f"Error while executing command: {_shown(current)}. Reason: exit status {code}" if code else ""


@contextlib.contextmanager
def _killed_at(deadline: float, process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill the process and what it has started when the time is over."""

    def kill() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(min(max(deadline - time.monotonic(), 0), threading.TIMEOUT_MAX), kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shown(command: str) -> str:
    """The command's first line: a script of many would hide what it says."""
    first, *more = command.strip().splitlines()
    return f"{first} …" if more else first


# Begins the line that says which command comes next.
MARK = "\x1eRunning command "


def _script(commands: list[str]) -> str:
    """One command after the other in the same shell, so that `cd` lasts; the first failure is the phase's."""
    steps = [
        f"printf '%s\\n' {shlex.quote(MARK + str(number))}\neval {shlex.quote(command)} || exit $?"
        for number, command in enumerate(commands)
    ]
    return "\n".join(steps)


class Build:
    """One build of the pipeline's project."""

    def __init__(self, pipeline: Pipeline, build: dict[str, Any], logs: Path) -> None:
        self.pipeline, self.build = pipeline, build
        self.id = build["id"]
        self.log = logs / f"{self.id.replace(':', '-')}.log"
        self.phases = list(build["phases"])
        self.caller = cloud.OWNER

    def play(self) -> str:
        """Everything CodeBuild does for it; its last status."""
        build_events.announce(self.build, "IN_PROGRESS", self._link())
        try:
            self.caller = self.pipeline.as_build()
            own_group = bool(self.pipeline.stack)
            stream = cloud.LogStream(*build_events.log_stream(self.build), self.caller, own_group=own_group)
        except (PermissionError, ClientError) as error:
            self.log.write_text(f"[Container] {error}\n")
            return self._end("FAILED")
        with open(self.log, "w", encoding="utf-8") as log:

            def write(line: str) -> None:
                log.write(line + "\n")
                log.flush()
                stream.write(line)

            try:
                with tempfile.TemporaryDirectory(
                    prefix="sgbuild-testbed-build-", ignore_cleanup_errors=True
                ) as scratch:
                    done = self._build(Path(scratch), write)
            except (OSError, subprocess.CalledProcessError, yaml.YAMLError, ClientError) as error:
                write(f"[Container] {error}")
                done = [Phase("download_source", "FAILED", time.time(), time.time(), str(error))]
            stream.flush()
        return self._end(next((phase.status for phase in done if not phase.succeeded), "SUCCEEDED"))

    def _build(self, scratch: Path, write: Callable[[str], None]) -> list[Phase]:
        self._enter("DOWNLOAD_SOURCE")
        self._log_in_to_the_source()
        source, commit = self._checkout(scratch)
        write(f"[Container] {self.id} of {self.pipeline.source} at {commit}")
        spec = yaml.safe_load(self._buildspec(source))
        environment = self._environment(scratch, source, commit)

        def begin(name: str) -> bool:
            if self._stopped():
                return False
            self._enter(name.upper())
            return True

        minutes = self.build.get("timeoutInMinutes") or 60
        deadline = time.monotonic() + minutes * self.pipeline.minute
        done = run_phases(spec, source, environment, write, begin, deadline, self.caller)
        self.phases = [each for each in self.phases if each["phaseType"] not in {phase.name.upper() for phase in done}]
        self.phases += [phase.described() for phase in done]
        return done

    def _log_in_to_the_source(self) -> None:
        """CodeBuild reads the token, or uses the connection, with the project's role.

        https://docs.aws.amazon.com/codebuild/latest/userguide/access-tokens-github.html
        """
        resource = self.pipeline.source_auth
        if ":secretsmanager:" in resource:
            self.caller.client("secretsmanager").get_secret_value(SecretId=resource)
        elif resource:
            for action in ("GetConnection", "GetConnectionToken", "UseConnection"):
                cloud.may(self.caller, f"{resource.split(':')[2]}:{action}", resource)

    def _checkout(self, scratch: Path) -> tuple[Path, str]:
        """A clone of what was committed, nothing else of the directory."""
        source = scratch / "src"
        wanted = self.build.get("sourceVersion") or ""
        # moto's placeholder for a build that was started without a version.
        version = self.pipeline.branch if wanted in ("", "refs/heads/main") else wanted
        _git("clone", "--quiet", "--no-hardlinks", self.pipeline.source, str(source))
        _git("-C", str(source), "checkout", "--quiet", version)
        return source, _git("-C", str(source), "rev-parse", "HEAD")

    def _buildspec(self, source: Path) -> str:
        """The project's own, written in it or in a file of the repository."""
        given = (self.build.get("source") or {}).get("buildspec") or "buildspec.yml"
        return given if "\n" in given else (source / given).read_text()

    def _environment(self, scratch: Path, source: Path, commit: str) -> dict[str, str]:
        for name in ("home", "docker", "bin"):
            (scratch / name).mkdir()
        passed = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("AWS_", "PIP_", "SGBUILD_TESTBED"))
            or name.lower().endswith("_proxy")
            or name in ("PATH", "SSL_CERT_FILE")
        }
        if "SGBUILD_CODE" not in self.pipeline.build_environment():
            (scratch / "bin" / "sgbuild").symlink_to(self.pipeline.binary)
        overrides = self.build["environment"].get("environmentVariables") or []
        return {
            **passed,
            "PATH": f"{scratch / 'bin'}:{IMAGE}:{passed['PATH']}",
            "SGBUILD_INSTALL_DIR": str(scratch / "bin"),
            "HOME": str(scratch / "home"),
            "LANG": "C.UTF-8",
            "DOCKER_CONFIG": str(scratch / "docker"),
            **self.pipeline.build_environment(),
            **self._secrets(),
            **self.caller.environment,
            **{each["name"]: each["value"] for each in overrides},
            "CI": "true",
            "AWS_REGION": cloud.REGION,
            "CODEBUILD_CI": "true",
            "CODEBUILD_BUILD_ID": self.id,
            "CODEBUILD_BUILD_ARN": self.build["arn"],
            "CODEBUILD_BUILD_NUMBER": str(self.build["buildNumber"]),
            "CODEBUILD_INITIATOR": "testbed",
            "CODEBUILD_RESOLVED_SOURCE_VERSION": commit,
            "CODEBUILD_SOURCE_VERSION": commit,
            "CODEBUILD_SRC_DIR": str(source),
            "CODEBUILD_START_TIME": str(int(self.build["startTime"].timestamp() * 1000)),
        }

    def _secrets(self) -> dict[str, str]:
        """The project's variables that a parameter or a secret holds, read with its role."""
        return {
            name: cloud.build_variable(value, kind, self.caller)
            for name, value, kind in self.pipeline.variables
            if kind != "PLAINTEXT" and name not in self.pipeline.environment
        }

    def _stopped(self) -> bool:
        found = cloud.client("codebuild").batch_get_builds(ids=[self.id])["builds"]
        return not found or found[0]["buildStatus"] == "STOPPED"

    def _enter(self, phase: str) -> None:
        now = time.time()
        for earlier in self.phases:
            if "endTime" not in earlier:
                earlier.update(endTime=now, phaseStatus="SUCCEEDED")
        self.phases.append({"phaseType": phase, "startTime": now})
        cloud.set_build(self.id, currentPhase=phase, phases=_seconds(self.phases))

    def _end(self, ended: str) -> str:
        status = "STOPPED" if self._stopped() else ended
        self._enter("FINALIZING")
        self._enter("COMPLETED")
        cloud.set_build(self.id, buildStatus=status, endTime=time.time())
        build_events.announce({**self.build, "phases": self.phases}, status, self._link())
        return status

    def _link(self) -> str:
        """Where a reader of a mail finds the log: CloudWatch's console on AWS, a file here."""
        return f"file://{self.log}"


def _seconds(phases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The phases for the door: what boto3 made times of is seconds again."""
    return [
        {name: value.timestamp() if hasattr(value, "timestamp") else value for name, value in phase.items()}
        for phase in phases
    ]


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, check=True, text=True)
    return done.stdout.strip()
