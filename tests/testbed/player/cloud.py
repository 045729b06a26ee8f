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


class Caller:
    """Somebody who calls AWS: the account's owner, or a service with a role's credentials."""

    def __init__(self, credentials: dict[str, str] | None = None) -> None:
        # By their names in the environment.
        self.environment = {name: (credentials or {})[key] for name, key in CREDENTIALS.items() if credentials}
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """One client a service; clients may be shared by threads, making them may not."""
        with _lock:
            if service not in self._clients:
                given = {name.lower(): value for name, value in self.environment.items()}
                self._clients[service] = boto3.client(service, **given)
            return self._clients[service]


CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AccessKeyId",
    "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
    "AWS_SESSION_TOKEN": "SessionToken",
}
OWNER = Caller()


def client(service: str) -> Any:
    """The account's owner's client of a service."""
    return OWNER.client(service)


def assume(role: str, service: str, source: str = "", *, repository: str = "", push: bool = False) -> Caller:
    """A service takes a role for one of the account's resources, to push to a repository or to pull from it."""
    fields = {"role": role, "service": service, "source": source, "repository": repository, "push": push}
    try:
        return Caller(_put(f"{os.environ['AWS_ENDPOINT_URL']}/_testbed/sessions", fields))
    except urllib.error.HTTPError as error:
        with error:
            raise PermissionError(json.loads(error.read())["message"]) from error


def may(caller: Caller, action: str, resource: str) -> None:
    """Whether a role may do what the emulator has no API for; an error says why not."""
    fields = {"access_key": caller.environment["AWS_ACCESS_KEY_ID"], "action": action, "resource": resource}
    try:
        _put(f"{os.environ['AWS_ENDPOINT_URL']}/_testbed/calls", fields)
    except urllib.error.HTTPError as error:
        with error:
            raise PermissionError(json.loads(error.read())["message"]) from error


def messages_in(queue: str) -> int:
    """How many messages wait in a queue."""
    sqs, wanted = client("sqs"), "ApproximateNumberOfMessages"
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[wanted])["Attributes"][wanted])


def permissions(stack: str) -> dict[str, Any]:
    """What a stack's policies allowed and denied so far."""
    return _call("GET", f"{os.environ['AWS_ENDPOINT_URL']}/_testbed/permissions/{quote(stack)}")


@functools.cache
def client_of_moto(service: str) -> Any:
    """A client that asks moto, where another endpoint is set for the service: it knows what stacks have made."""
    with _lock:
        return boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def build_variable(value: str, kind: str, caller: Caller = OWNER) -> str:
    """What a build sees of a variable: a parameter's or secret's content, other text as it is."""
    if kind == "PARAMETER_STORE":
        found = caller.client("ssm").get_parameters(Names=[value], WithDecryption=True)["Parameters"]
        if not found:
            raise FileNotFoundError(f"there is no parameter {value}")
        return found[0]["Value"]
    if kind == "SECRETS_MANAGER":
        # An ARN has six colons of its own, and more may follow: the key in the secret's JSON, then versions.
        words = value.split(":")
        secret, rest = (":".join(words[:7]), words[7:]) if value.startswith("arn:") else (words[0], words[1:])
        text = caller.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
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

    def __init__(self, group: str, stream: str, caller: Caller = OWNER, *, own_group: bool = False) -> None:
        """With `own_group` the group is there already, and nobody need be allowed to make it."""
        self.group, self.stream, self.caller = group, stream, caller
        self.lines: list[dict[str, Any]] = []
        self.sent = time.monotonic()
        logs = caller.client("logs")
        steps = [lambda: logs.create_log_stream(logGroupName=group, logStreamName=stream)]
        if not own_group:
            steps.insert(0, lambda: logs.create_log_group(logGroupName=group))
        for create in steps:
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
            self.caller.client("logs").put_log_events(
                logGroupName=self.group, logStreamName=self.stream, logEvents=lines
            )
