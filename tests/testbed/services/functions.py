"""The function host's process: see function_host.py for what it does."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import sys

from . import aws, certificates, leftovers, process
from .state import FUNCTION_HOST_PORT, FUNCTION_HOST_URL, HERE, LOGS, Trouble, say

NAME = "function-host"
PROGRAM = HERE / "function_host.py"


def answers() -> bool:
    """Whether the function host answers and runs the program as it is on disk now."""
    connection = http.client.HTTPConnection("127.0.0.1", FUNCTION_HOST_PORT, timeout=5)
    try:
        connection.request("GET", "/_health")
        answer = connection.getresponse()
        return answer.status == 200 and json.loads(answer.read()).get("source") == _digest()
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _digest() -> str:
    return hashlib.sha256(PROGRAM.read_bytes()).hexdigest()


def up() -> None:
    """Start the function host unless it answers."""
    if answers():
        return
    process.stop(NAME)
    holder = process.listener("127.0.0.1", FUNCTION_HOST_PORT)
    if holder:
        raise Trouble(f"port {FUNCTION_HOST_PORT} of 127.0.0.1 is taken by {holder}: stop it first")
    defaults = aws.environment() | {"SSL_CERT_FILE": str(certificates.BUNDLE)}
    logs = LOGS / "functions"
    logs.mkdir(parents=True, exist_ok=True)
    leftovers.forget_older(logs, days=2)
    command = [sys.executable, str(PROGRAM), "--port", str(FUNCTION_HOST_PORT), "--logs", str(logs)]
    for name, value in defaults.items():
        command += ["--env", f"{name}={value}"]
    process.start(NAME, command, env=dict(os.environ))
    process.wait_until(NAME, answers)
    say(NAME, f"Lambda Invoke API on {FUNCTION_HOST_URL}")


def down() -> None:
    """Stop it and, with it, the functions it runs."""
    if process.stop(NAME):
        say(NAME, "stopped")
