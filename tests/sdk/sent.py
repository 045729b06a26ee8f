"""The requests that botocore would send, caught before they leave. Imported before the SDK, lest it send others."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import boto3
from botocore.awsrequest import AWSResponse

CREATE = "SageMaker.CreateTrainingJob"
# What is answered: to look at the job is all that the SDK does besides.
JOB = {
    "TrainingJobArn": "arn:aws:sagemaker:us-west-2:123456789012:training-job/caught",
    "TrainingJobName": "caught",
    "TrainingJobStatus": "InProgress",
    "SecondaryStatus": "Starting",
}
EXPECTED = (CREATE, "SageMaker.DescribeTrainingJob")
# https://sagemaker.readthedocs.io/en/stable/overview.html#telemetry: the SDK counts its users otherwise.
SETTINGS = "SchemaVersion: '1.0'\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n"


def stay_here() -> None:
    """Let the process reach nobody, and the SDK not try to."""
    settings = Path(tempfile.mkdtemp(prefix="sgbuild-sdk-")) / "config.yaml"
    settings.write_text(SETTINGS)
    os.environ["SAGEMAKER_USER_CONFIG_OVERRIDE"] = os.environ["SAGEMAKER_ADMIN_CONFIG_OVERRIDE"] = str(settings)
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
    # It would ask IAM about the role first.
    os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"

    def refuse(*given: Any, **_: Any) -> NoReturn:
        raise AssertionError(f"a connection that was not expected: {given}")

    socket.getaddrinfo = refuse  # type: ignore[assignment]
    socket.socket.connect = refuse  # type: ignore[method-assign]


stay_here()


class Raw:
    """A body as botocore reads it."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    def stream(self, **_: Any) -> Iterator[bytes]:
        """All at once."""
        yield self.text


@contextlib.contextmanager
def instead(session: boto3.Session) -> Iterator[list[dict[str, Any]]]:
    """Every request of the session's clients is answered here; the bodies of CreateTrainingJob are kept."""
    bodies: list[dict[str, Any]] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        target = request.headers.get("X-Amz-Target", b"")
        target = target.decode() if isinstance(target, bytes) else target
        if target not in EXPECTED:
            raise AssertionError(f"a request that was not expected: {request.method} {request.url} {target}")
        if target == CREATE:
            bodies.append(json.loads(request.body))
        return AWSResponse(request.url, 200, {}, Raw(json.dumps(JOB).encode()))

    session.events.register("before-send.*.*", answer)
    yield bodies
