#!/usr/bin/env python3
"""A small AWS Lambda: the Invoke API on one side, the Runtime API on the other.

A function is a program that speaks the Lambda Runtime API, as a `provided.al2023` bootstrap does. It is registered with

    PUT /_functions/{name}   {"binary": "/path", "arguments": [], "handler": "start_training",
                              "environment": {}, "timeout": 60, "retry_delay": 1, "refuse": null,
                              "log_group": "", "dead_letters": "", "role": ""}

and invoked as AWS SDKs do (AWS_ENDPOINT_URL_LAMBDA). One process serves a function, one event at a time; it stays warm
until it dies, times out, or its binary or registration changes. `refuse` makes the API itself answer with an error:
{"status": 429, "type": "TooManyRequestsException", "message": "Rate exceeded", "times": 2}.

Formats: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html and
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

REGION = "us-west-2"
ACCOUNT = "123456789012"
MAX_SYNC_PAYLOAD = 6 * 1024 * 1024
MAX_LOG_TAIL = 4096
ASYNC_ATTEMPTS = 3
INIT_SECONDS = 10.0
OWN_SOURCE = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


@dataclass(frozen=True)
class Registration:
    """What is known of a function; one line of the `PUT` body each."""

    name: str
    binary: str
    arguments: tuple[str, ...] = ()
    handler: str = "bootstrap"
    environment: tuple[tuple[str, str], ...] = ()
    timeout: float = 60.0
    memory: int = 512
    retry_delay: float = 1.0
    # Where Lambda writes the log, and where it leaves events in the end: with the credentials of the environment.
    log_group: str = ""
    dead_letters: str = ""
    # The role that it works with, which is only told.
    role: str = f"arn:aws:iam::{ACCOUNT}:role/sgbuild-function"

    @property
    def arn(self) -> str:
        """The function's name in full."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"

    def build(self) -> tuple[int, int, int]:
        """What tells one build of the binary from the next."""
        info = os.stat(self.binary)
        return info.st_ino, info.st_mtime_ns, info.st_size


@dataclass
class Outcome:
    """How an invocation ended: the payload, and `Unhandled` when it is an error."""

    payload: bytes
    error: str | None = None
    log: bytes = b""

    @classmethod
    def failed(cls, kind: str, message: str) -> Outcome:
        """An error that Lambda itself reports about the function."""
        return cls(json.dumps({"errorType": kind, "errorMessage": message}).encode(), "Unhandled")


@dataclass
class Event:
    """One invocation on its way through a sandbox."""

    payload: bytes
    request_id: str
    deadline_ms: int = 0
    outcome: queue.Queue[Outcome] = field(default_factory=lambda: queue.Queue(1))

    def settle(self, outcome: Outcome) -> bool:
        """Record the outcome; only the first one counts."""
        try:
            self.outcome.put_nowait(outcome)
        except queue.Full:
            return False
        return True


class Sandbox:
    """One process of a function and the Runtime API it talks to (a port of its own)."""

    def __init__(self, function: Registration, base_env: dict[str, str], log: Path) -> None:
        self.function = function
        self.build = function.build()
        self.log = log
        self.waiting: queue.Queue[Event | None] = queue.Queue()
        self.current: Event | None = None
        self.init_error: bytes | None = None
        self.ready = threading.Event()
        self.closed = False
        self.api = _serve(("127.0.0.1", 0), type("RuntimeApi", (RuntimeApi,), {"sandbox": self}))
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [function.binary, *function.arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment(base_env),
                cwd="/tmp",
                start_new_session=True,
            )
        threading.Thread(target=self._watch, daemon=True).start()

    def _environment(self, base: dict[str, str]) -> dict[str, str]:
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(Path(self.function.binary).parent),
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023",
            **base,
            **dict(self.function.environment),
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": self.function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.function.memory),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "testbed",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "_HANDLER": self.function.handler,
        }

    def _watch(self) -> None:
        """Wait for the process to end; an event it leaves behind fails as Lambda says it."""
        code = self.process.wait()
        event = self.current
        if event is not None:
            event.settle(self.exit_outcome(event.request_id, code))
        self.ready.set()
        self.close()

    def exit_outcome(self, request_id: str, code: int) -> Outcome:
        """The error of a runtime that is gone: its own report from init, else how it exited."""
        if self.init_error is not None:
            return Outcome(self.init_error, "Unhandled")
        how = "Runtime exited without providing a reason" if code == 0 else f"Runtime exited with error: {_exit(code)}"
        return Outcome.failed("Runtime.ExitError", f"RequestId: {request_id} Error: {how}")

    def alive(self) -> bool:
        """Whether the process runs, and still runs the binary that is on disk."""
        try:
            return not self.closed and self.process.poll() is None and self.build == self.function.build()
        except OSError:
            return False

    def run(self, event: Event) -> Outcome:
        """Hand the event to the process and wait for what comes of it."""
        self.current = event
        if not self.ready.wait(INIT_SECONDS):
            self.close()
            return Outcome.failed(
                "Sandbox.Timedout",
                f"RequestId: {event.request_id} Error: Runtime did not start in {INIT_SECONDS:.0f} s",
            )
        if self.process.poll() is not None:
            return self.exit_outcome(event.request_id, self.process.returncode)
        event.deadline_ms = int((time.time() + self.function.timeout) * 1000)
        self.waiting.put(event)
        try:
            return event.outcome.get(timeout=self.function.timeout)
        except queue.Empty:
            self.close()
            message = f"RequestId: {event.request_id} Error: Task timed out after {self.function.timeout:.2f} seconds"
            return Outcome.failed("Sandbox.Timedout", message)
        finally:
            self.current = None

    def close(self) -> None:
        """Kill the process and close its Runtime API."""
        if self.closed:
            return
        self.closed = True
        self.waiting.put(None)
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        threading.Thread(target=self.api.shutdown, daemon=True).start()


def _exit(code: int) -> str:
    return f"exit status {code}" if code > 0 else f"signal: {signal.strsignal(-code) or -code}".lower()


class Function:
    """A registered function: its registration, its warm sandbox, one event at a time."""

    def __init__(self, registration: Registration, refuse: dict | None, host: Host) -> None:
        self.registration = registration
        self.refuse = refuse
        self.host = host
        self.lock = threading.Lock()
        self.sandbox: Sandbox | None = None
        self.log = host.logs / f"{registration.name}.log"

    def invoke(self, payload: bytes, request_id: str) -> Outcome:
        """Run one event to its end, the log of that event included."""
        with self.lock:
            start = self.log.stat().st_size if self.log.exists() else 0
            began = time.monotonic()
            outcome = self._run(Event(payload, request_id))
            took = (time.monotonic() - began) * 1000
            outcome.log = self._log_since(start, request_id, took)
        if self.registration.log_group:
            lines = outcome.log.decode(errors="replace").splitlines()
            self._tell(region=REGION, group=self.registration.log_group, stream="testbed", lines=lines)
        return outcome

    def give_up(self, payload: bytes) -> None:
        """Leave an event that failed in the end where the function's configuration says."""
        if self.registration.dead_letters:
            self._tell(dead_letters=self.registration.dead_letters, event=json.loads(payload))

    def _tell(self, **what: object) -> None:
        """Let the emulator do what Lambda does with the function's own role."""
        key = dict(self.registration.environment)["AWS_ACCESS_KEY_ID"]
        ask(self.host.base_env, "functions", {"access_key": key, **what})

    def _run(self, event: Event) -> Outcome:
        if self.sandbox is None or not self.sandbox.alive():
            if self.sandbox is not None:
                self.sandbox.close()
            try:
                self.sandbox = Sandbox(self.registration, self.host.base_env, self.log)
            except OSError as error:
                why = f"fork/exec {self.registration.binary}: {(error.strerror or '').lower()}"
                return Outcome.failed("Runtime.InvalidEntrypoint", f"RequestId: {event.request_id} Error: {why}")
        return self.sandbox.run(event)

    def _log_since(self, start: int, request_id: str, took: float) -> bytes:
        written = self.log.read_bytes()[start:] if self.log.exists() else b""
        if written and not written.endswith(b"\n"):
            written += b"\n"
        report = (
            f"END RequestId: {request_id}\n"
            f"REPORT RequestId: {request_id}\tDuration: {took:.2f} ms\tMemory Size: {self.registration.memory} MB\n"
        )
        return f"START RequestId: {request_id} Version: $LATEST\n".encode() + written + report.encode()

    def close(self) -> None:
        """End the sandbox."""
        if self.sandbox is not None:
            self.sandbox.close()


class Host:
    """All functions of the account."""

    def __init__(self, base_env: dict[str, str], logs: Path) -> None:
        self.base_env = base_env
        self.logs = logs
        self.functions: dict[str, Function] = {}
        self.lock = threading.Lock()

    def register(self, name: str, body: dict) -> Function:
        """Add a function or replace it; the same registration keeps its warm process."""
        registration = Registration(
            name=name,
            binary=body["binary"],
            arguments=tuple(body.get("arguments") or ()),
            handler=body.get("handler") or "bootstrap",
            environment=tuple(sorted((body.get("environment") or {}).items())),
            timeout=float(body.get("timeout") or 60),
            memory=int(body.get("memory") or 512),
            retry_delay=float(body.get("retry_delay", 1)),
            log_group=body.get("log_group") or "",
            dead_letters=body.get("dead_letters") or "",
            role=body.get("role") or Registration.role,
        )
        with self.lock:
            known = self.functions.get(name)
            if known and known.registration == registration:
                known.refuse = body.get("refuse")
                return known
            self.functions[name] = Function(registration, body.get("refuse"), self)
        if known:
            known.close()
        return self.functions[name]

    def remove(self, name: str) -> bool:
        """Forget a function and end its process."""
        with self.lock:
            known = self.functions.pop(name, None)
        if known:
            known.close()
        return known is not None

    def close(self) -> None:
        """End every process."""
        for function in list(self.functions.values()):
            function.close()


class _Handler(BaseHTTPRequestHandler):
    """What both APIs share: keep-alive, bodies, JSON, quiet."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
        sys.stderr.write(f"{self.log_date_time_string()} {self.command} {self.path} {args[1] if args[1:] else ''}\n")


class RuntimeApi(_Handler):
    """The side a function's runtime polls: next, response, error, init/error."""

    sandbox: Sandbox

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        if self.path != "/2018-06-01/runtime/invocation/next":
            return self.answer(404, b'{"errorType":"NotFound","errorMessage":"no such path"}')
        self.sandbox.ready.set()
        event = self.sandbox.waiting.get()
        if event is None:
            self.close_connection = True
            return None
        return self.answer(
            200,
            event.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": event.request_id,
                "Lambda-Runtime-Deadline-Ms": str(event.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": self.sandbox.function.arn,
                "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0",
            },
        )

    def do_POST(self) -> None:
        body = self.body()
        if self.path == "/2018-06-01/runtime/init/error":
            self.sandbox.init_error = body
            return self.answer(202, b'{"status":"OK"}')
        found = re.fullmatch(r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)", self.path)
        event = self.sandbox.current
        if found is None or event is None or event.request_id != found[1]:
            return self.answer(400, b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}')
        event.settle(Outcome(body, "Unhandled" if found[2] == "error" else None))
        return self.answer(202, b'{"status":"OK"}')


class InvokeApi(_Handler):
    """The side AWS SDKs call, and the registration calls of the testbed."""

    host: Host

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/_health":
            return self._json(200, {"source": OWN_SOURCE, "functions": sorted(self.host.functions)})
        found = re.fullmatch(r"/2015-03-31/functions/([^/]+)(/configuration)?", path)
        if found is None:
            return self._aws_error(404, "UnknownOperationException", "no such operation here")
        function = self._function(found[1])
        if function is None:
            return None
        if refusal := self._not_allowed(function, "GetFunctionConfiguration" if found[2] else "GetFunction"):
            return self._aws_error(403, "AccessDeniedException", refusal)
        registration = function.registration
        configuration = {
            "FunctionName": registration.name,
            "FunctionArn": registration.arn,
            "Runtime": "provided.al2023",
            "Role": registration.role,
            "Handler": registration.handler,
            "Environment": {"Variables": dict(registration.environment)},
            "Timeout": int(registration.timeout),
            "MemorySize": registration.memory,
            "Version": "$LATEST",
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Architectures": ["x86_64"],
        }
        return self._json(200, configuration if found[2] else {"Configuration": configuration})

    def do_PUT(self) -> None:
        found = re.fullmatch(r"/_functions/([A-Za-z0-9_-]+)", self.path)
        body = self.body()
        if found is None:
            return self._aws_error(404, "UnknownOperationException", "no such operation here")
        try:
            function = self.host.register(found[1], json.loads(body))
        except (ValueError, KeyError, TypeError) as error:
            return self._aws_error(400, "InvalidParameterValueException", f"bad registration: {error!r}")
        return self._json(200, {"FunctionArn": function.registration.arn})

    def do_DELETE(self) -> None:
        found = re.fullmatch(r"/_functions/([A-Za-z0-9_-]+)", self.path)
        if found is None or not self.host.remove(found[1]):
            return self._aws_error(404, "ResourceNotFoundException", "no such function")
        return self.answer(204)

    def do_POST(self) -> None:
        payload = self.body()
        found = re.fullmatch(r"/2015-03-31/functions/([^/]+)/invocations", urlsplit(self.path).path)
        if found is None:
            return self._aws_error(404, "UnknownOperationException", "no such operation here")
        function = self._function(found[1])
        if function is None:
            return None
        if refusal := self._not_allowed(function, "InvokeFunction"):
            return self._aws_error(403, "AccessDeniedException", refusal)
        try:
            json.loads(payload or b"{}")
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            return self._aws_error(400, "InvalidRequestContentException", message)
        if len(payload) > MAX_SYNC_PAYLOAD:
            limit = f"the RequestResponse invocation type (limit {MAX_SYNC_PAYLOAD} bytes)"
            message = f"{len(payload)} byte payload is too large for {limit}"
            return self._aws_error(413, "RequestTooLargeException", message)
        return self._invoke(function, payload or b"{}")

    def _invoke(self, function: Function, payload: bytes) -> None:
        request_id = str(uuid.uuid4())
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        if kind == "DryRun":
            return self.answer(204, headers={"x-amzn-RequestId": request_id})
        if kind == "Event":
            threading.Thread(target=_invoke_later, args=(function, payload, request_id), daemon=True).start()
            return self.answer(202, headers={"x-amzn-RequestId": request_id})
        outcome = function.invoke(payload, request_id)
        headers = {"x-amzn-RequestId": request_id, "X-Amz-Executed-Version": "$LATEST"}
        if outcome.error:
            headers["X-Amz-Function-Error"] = outcome.error
        if self.headers.get("X-Amz-Log-Type") == "Tail":
            headers["X-Amz-Log-Result"] = base64.b64encode(outcome.log[-MAX_LOG_TAIL:]).decode()
        return self.answer(200, outcome.payload, headers)

    def _not_allowed(self, function: Function, action: str) -> str:
        """Why a role's session may not do that to the function. Services have asked already, and sign nothing."""
        found = re.search(r"Credential=(ASIA[A-Z0-9]+)/", self.headers.get("Authorization", ""))
        if found is None:
            return ""
        wanted = {"action": f"lambda:{action}", "resource": function.registration.arn}
        return ask(self.host.base_env, "calls", {"access_key": found[1], **wanted})

    def _function(self, quoted: str) -> Function | None:
        """The function meant by a name, a partial or a full ARN; None once an error has been answered."""
        full = unquote(quoted)
        parts = full.split(":")
        name = parts[parts.index("function") + 1] if "function" in parts[:-1] else parts[0]
        function = self.host.functions.get(name)
        if function is None:
            arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
            self._aws_error(404, "ResourceNotFoundException", f"Function not found: {arn}")
            return None
        refuse = function.refuse
        if refuse and refuse.get("times", 1) > 0:
            refuse["times"] = refuse.get("times", 1) - 1
            self._aws_error(
                refuse.get("status", 500), refuse.get("type", "ServiceException"), refuse.get("message", "")
            )
            return None
        return function

    def _json(self, status: int, body: dict) -> None:
        self.answer(status, json.dumps(body).encode())

    def _aws_error(self, status: int, kind: str, message: str) -> None:
        who = "User" if status < 500 else "Service"
        headers = {"x-amzn-ErrorType": kind, "x-amzn-RequestId": str(uuid.uuid4())}
        self.answer(status, json.dumps({"Type": who, "Message": message}).encode(), headers)


def _invoke_later(function: Function, payload: bytes, request_id: str) -> None:
    """An asynchronous event: run, and after an error twice more, as Lambda does by default."""
    for attempt in range(ASYNC_ATTEMPTS):
        if function.invoke(payload, request_id).error is None:
            return
        time.sleep(function.registration.retry_delay * (attempt + 1))
    function.give_up(payload)


def ask(environment: dict[str, str], noun: str, fields: dict[str, object]) -> str:
    """Ask the emulator at its door; why it says no, else nothing."""
    url = f"{environment['AWS_ENDPOINT_URL']}/_testbed/{noun}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(fields).encode(), method="PUT"), timeout=30):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return str(json.loads(error.read()).get("message"))


def _serve(address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(address, handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    return server


def main() -> None:
    """Serve until SIGTERM, then end the functions' processes."""
    parser = argparse.ArgumentParser(description="a small AWS Lambda on loopback")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--logs", type=Path, required=True, help="directory of the functions' logs")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="given to every function")
    arguments = parser.parse_args()
    arguments.logs.mkdir(parents=True, exist_ok=True)
    host = Host(dict(pair.split("=", 1) for pair in arguments.env), arguments.logs)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = _serve(("127.0.0.1", arguments.port), type("Api", (InvokeApi,), {"host": host}))
    print(f"function host on 127.0.0.1:{server.server_address[1]}", file=sys.stderr, flush=True)
    # In turns: a signal that another thread receives does not wake a wait without end.
    while not stop.wait(0.2):
        pass
    host.close()
    server.shutdown()


if __name__ == "__main__":
    main()
