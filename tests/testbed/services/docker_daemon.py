"""The Docker daemon: the one that runs, or Debian's dockerd started here; and a small client of its HTTP API."""

from __future__ import annotations

import http.client
import json
import os
import socket
from pathlib import Path
from urllib.parse import quote, urlsplit

from . import leftovers, process
from .state import STATE, Trouble, say

SOCKET = "/var/run/docker.sock"
NAME = "dockerd"
# Where a daemon keeps one directory for each layer, and how many it reads without being late.
LAYERS = "overlay2/*"
MOST_LAYERS = 1000


class UnixConnection(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(timeout: float) -> http.client.HTTPConnection:
    host = urlsplit(os.environ.get("DOCKER_HOST") or f"unix://{SOCKET}")
    if host.scheme == "unix":
        return UnixConnection(host.path, timeout)
    if host.scheme in ("tcp", "http") and not os.environ.get("DOCKER_TLS_VERIFY"):
        return http.client.HTTPConnection(host.hostname or "127.0.0.1", host.port or 2375, timeout=timeout)
    raise Trouble(f"the testbed cannot use DOCKER_HOST={host.geturl()}: unset it, or give a unix:// or tcp:// address")


def ask(path: str, *, timeout: float = 30.0) -> tuple[int, bytes]:
    """GET a path of the Docker API: (status, body); (0, b"") when no daemon answers."""
    connection = _connection(timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def answers() -> bool:
    """Whether a Docker daemon answers at the place its clients would look."""
    return ask("/_ping")[0] == 200


def has_image(reference: str) -> bool:
    """Whether the daemon holds an image under this name."""
    return ask(f"/images/{quote(reference, safe='/:')}/json")[0] == 200


def version() -> str:
    """The daemon's version, for people."""
    return json.loads(ask("/version")[1] or b"{}").get("Version", "unknown")


def client() -> str:
    """A docker client that can speak BuildKit to the daemon: Debian's, before one that lacks the buildx plugin."""
    return "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"


def docker(*arguments: str, feed: bytes | None = None) -> bytes:
    """Run the docker client with a configuration of its own, so that nobody's ~/.docker is touched."""
    config = STATE / "docker-config"
    config.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "DOCKER_CONFIG": str(config), "DOCKER_BUILDKIT": "1"}
    return process.run([client(), *arguments], feed=feed, env=env)


def up() -> None:
    """Use the daemon that answers, else start dockerd with its data in the testbed's directory."""
    if answers():
        return
    if os.environ.get("DOCKER_HOST"):
        raise Trouble(
            f"no Docker daemon answers at DOCKER_HOST={os.environ['DOCKER_HOST']}: start it, or unset DOCKER_HOST"
        )
    say(NAME, "no Docker daemon answers; starting one")
    root = STATE / "docker"
    leftovers.forget(root / "data", LAYERS, most=MOST_LAYERS)
    process.start(
        NAME,
        [
            "/usr/sbin/dockerd",
            f"--host=unix://{SOCKET}",
            f"--data-root={root / 'data'}",
            # Short: sockets live under it, and their paths may not exceed 108 bytes.
            "--exec-root=/run/sgbuild-testbed",
            f"--pidfile={root / 'dockerd.pid'}",
            "--storage-driver=overlay2",
        ],
        env=_environment(),
    )
    process.wait_until(NAME, answers)
    say(NAME, f"version {version()} answers on {SOCKET}")


def _environment() -> dict[str, str]:
    """dockerd verifies registries by the system's CAs and certs.d, whatever this shell's SSL_CERT_* say."""
    (STATE / "docker").mkdir(parents=True, exist_ok=True)
    return {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT_")}


def down() -> None:
    """Stop the daemon if it is ours."""
    if process.stop(NAME, grace=30):
        say(NAME, "stopped")
