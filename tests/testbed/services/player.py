"""The cloud player's process: see cloud_player.py for what it does."""

from __future__ import annotations

import hashlib
import http.client
import json
import os

from . import aws, certificates, docker_daemon, leftovers, process
from .state import FUNCTION_HOST_URL, HERE, LOGS, PLAYER_PORT, PLAYER_URL, VENV, Trouble, say

NAME = "cloud-player"
PROGRAM = HERE / "cloud_player.py"


def answers() -> bool:
    """Whether the player answers and runs the program as it is on disk now."""
    connection = http.client.HTTPConnection("127.0.0.1", PLAYER_PORT, timeout=5)
    try:
        connection.request("GET", "/_health")
        answer = connection.getresponse()
        return answer.status == 200 and json.loads(answer.read()).get("source") == _digest()
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _digest() -> str:
    files = [PROGRAM, *sorted((HERE / "player").glob("*.py"))]
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in files)).hexdigest()


def up() -> None:
    """Start the player unless it answers; what it knew of is gone when moto was started after it."""
    if answers() and not process.older(NAME, aws.NAME):
        return
    process.stop(NAME)
    holder = process.listener("127.0.0.1", PLAYER_PORT)
    if holder:
        raise Trouble(f"port {PLAYER_PORT} of 127.0.0.1 is taken by {holder}: stop it first")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env = {
        **kept,
        **aws.environment(),
        "AWS_ENDPOINT_URL_LAMBDA": FUNCTION_HOST_URL,
        "SSL_CERT_FILE": str(certificates.BUNDLE),
        "SGBUILD_TESTBED_DOCKER": docker_daemon.client(),
        "SGBUILD_TESTBED_PYTHON": str(VENV / "bin" / "python"),
    }
    logs = LOGS / "player"
    leftovers.forget_older(logs, days=2)
    command = [str(VENV / "bin" / "python"), str(PROGRAM), "--port", str(PLAYER_PORT), "--logs", str(logs)]
    process.start(NAME, command, env=env)
    process.wait_until(NAME, answers)
    say(NAME, f"builds, trains and delivers events; told of pipelines on {PLAYER_URL}")


def down() -> None:
    """Stop the player."""
    if process.stop(NAME):
        say(NAME, "stopped")
