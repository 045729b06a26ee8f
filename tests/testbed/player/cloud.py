"""The emulated account as the player sees it: AWS clients, and the door of moto_server.py."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import boto3

ACCOUNT = "123456789012"
REGION = "us-west-2"
_lock = threading.Lock()


@functools.cache
def _client(service: str) -> Any:
    return boto3.client(service)


def client(service: str) -> Any:
    """One client a service; clients may be shared by threads, making them may not."""
    with _lock:
        return _client(service)


@functools.cache
def client_of_moto(service: str) -> Any:
    """A client that asks moto, where another endpoint is set for the service: it knows what stacks have made."""
    with _lock:
        return boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def build_variable(value: str, kind: str) -> str:
    """What a build sees of a variable: a parameter's or secret's content, other text as it is."""
    if kind == "PARAMETER_STORE":
        return client("ssm").get_parameter(Name=value, WithDecryption=True)["Parameter"]["Value"]
    if kind == "SECRETS_MANAGER":
        # An ARN has six colons of its own, and more may follow: the key in the secret's JSON, then versions.
        words = value.split(":")
        secret, rest = (":".join(words[:7]), words[7:]) if value.startswith("arn:") else (words[0], words[1:])
        text = client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
        return json.loads(text)[rest[0]] if rest and rest[0] else text
    return value


def _call(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def _put(url: str, body: dict[str, Any]) -> Any:
    return _call("PUT", url, body)


def set_job(name: str, **fields: Any) -> None:
    """Set fields of a training job, by their names in DescribeTrainingJob."""
    _put(f"{os.environ['AWS_ENDPOINT_URL']}/_testbed/jobs/{quote(name)}", fields)


def set_build(build_id: str, **fields: Any) -> None:
    """Set fields of a build, by their names in BatchGetBuilds."""
    _put(f"{os.environ['AWS_ENDPOINT_URL']}/_testbed/builds/{quote(build_id)}", fields)


def publish(source: str, detail_type: str, resource: str, detail: dict[str, Any]) -> None:
    """An AWS service's event on the default bus; moto's rules decide who gets it."""
    event = {"region": REGION, "source": source, "detail-type": detail_type, "resources": [resource], "detail": detail}
    _put(f"{os.environ['AWS_ENDPOINT_URL']}/_testbed/events", event)


def fire(rule: str) -> None:
    """The time of a rule's schedule has come."""
    _put(f"{os.environ['AWS_ENDPOINT_URL']}/_testbed/schedules", {"region": REGION, "rule": rule})


def register_function(name: str, registration: dict[str, Any]) -> None:
    """Make a function known to the function host."""
    _put(f"{os.environ['AWS_ENDPOINT_URL_LAMBDA']}/_functions/{name}", registration)


def forget_function(name: str) -> None:
    """End the function's process and forget it."""
    with contextlib.suppress(urllib.error.HTTPError):
        _call("DELETE", f"{os.environ['AWS_ENDPOINT_URL_LAMBDA']}/_functions/{name}")


def function_arn(name: str) -> str:
    """The function's name in full."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


class LogStream:
    """A stream of CloudWatch Logs; lines are sent in groups, as agents do."""

    def __init__(self, group: str, stream: str) -> None:
        self.group, self.stream = group, stream
        self.lines: list[dict[str, Any]] = []
        self.sent = time.monotonic()
        logs = client("logs")
        for create in (
            lambda: logs.create_log_group(logGroupName=group),
            lambda: logs.create_log_stream(logGroupName=group, logStreamName=stream),
        ):
            with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                create()

    def write(self, line: str) -> None:
        """Add a line; it is there within half a second while lines come."""
        # CloudWatch Logs refuses empty messages.
        self.lines.append({"timestamp": int(time.time() * 1000), "message": line or " "})
        if time.monotonic() - self.sent > 0.5:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        self.sent = time.monotonic()
        if self.lines:
            lines, self.lines = self.lines, []
            client("logs").put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=lines)
