"""What serving costs: an image of sgbuild's beside a container of gunicorn and flask as people write it, in one run.

    python3 bench/serving.py --sgbuild target/release/sgbuild [--requests 10000] [--rounds 3]

Both have one function of a JSON payload, the same Python and as many workers, and are asked at the container's address:

  ready     seconds from the start of the container to the first 200 of GET /ping
  load      200 connections at once, each of which sends the next request when it has its answer
  stop      SIGTERM under that load, each request on a connection of its own: a request whose connection was accepted
            and that got no answer is lost; a connection that is refused is not, as SageMaker would have asked another

The ways take turns. Needs the testbed's environment.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

# The testbed's client, whose builds are BuildKit's.
DOCKER = os.environ.get("SGBUILD_TESTBED_DOCKER", "docker")
CONNECTIONS = 200
BODY = json.dumps({"values": [5.1, 3.5, 1.4, 0.2]}).encode()
MODULE = """
def train():
    pass


def predict(payload):
    return {"sum": sum(payload["values"])}
"""
PROJECT = """
[build-system]
requires = ["setuptools"]
[project]
name = "measured"
version = "1.0"
[tool.setuptools]
py-modules = ["measured"]
[project.entry-points."sgbuild.train"]
measured = "measured:train"
[project.entry-points."sgbuild.serve"]
measured = "measured:predict"
"""
APP = """
from flask import Flask, jsonify, request
from measured import predict

app = Flask(__name__)


@app.get("/ping")
def ping():
    return "", 200


@app.post("/invocations")
def invocations():
    return jsonify(predict(request.get_json()))
"""
DOCKERFILE = """
FROM {base}
RUN --mount=type=secret,id=ca pip install --quiet --cert /run/secrets/ca flask gunicorn
WORKDIR /app
COPY measured.py app.py /app/
ENTRYPOINT ["gunicorn", "--bind", "0.0.0.0:8080", "--workers", "{workers}", "app:app"]
"""


@dataclass
class Way:
    """An image, and what was measured of it."""

    name: str
    image: str
    command: list[str]
    ready: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    failed: int = 0
    stopped: list[tuple[int, int, float]] = field(default_factory=list)


def docker(*arguments: str, stdin: str | None = None) -> str:
    done = subprocess.run([DOCKER, *arguments], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"docker {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


@contextlib.contextmanager
def container(way: Way, workers: int):
    """A container of it that answers, and its address."""
    made = docker("create", "--env", f"MODEL_SERVER_WORKERS={workers}", way.image, *way.command)
    try:
        begun = time.monotonic()
        docker("start", made)
        address = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", made)
        while not asyncio.run(answers(address)):
            time.sleep(0.005)
        way.ready.append(time.monotonic() - begun)
        yield made, address
    finally:
        docker("rm", "--force", made)


async def answers(address: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection(address, 8080)
    except OSError:
        return False
    with contextlib.suppress(OSError):
        return abs(await exchange(reader, writer, b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")) == 200
    return False


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """The status of the answer to a request, all of which is read."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    return int(lines[0].split()[1]) if b"connection: close" not in lines else -int(lines[0].split()[1])


def request(connection: str) -> bytes:
    head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: {connection}\r\n"
    return head.encode() + f"Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY


async def load(address: str, count: int) -> tuple[float, list[float], int]:
    """The seconds that so many requests took, how long each waited, and how many failed."""
    left, waits, failed = count, [], 0
    asked = request("keep-alive")

    async def client() -> None:
        nonlocal left, failed
        reader = writer = None
        while left > 0:
            left -= 1
            begun = time.monotonic()
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection(address, 8080)
                status = await exchange(reader, writer, asked)
            except (OSError, asyncio.IncompleteReadError):
                failed, writer = failed + 1, None
                continue
            waits.append(time.monotonic() - begun)
            failed += abs(status) != 200
            if status < 0:
                writer.close()
                writer = None
        if writer:
            writer.close()

    begun = time.monotonic()
    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return time.monotonic() - begun, waits, failed


async def stop(made: str, address: str) -> tuple[int, int, float]:
    """How many were answered and how many lost when the container was stopped under load, and how long that took."""
    answered = lost = 0
    asked = request("close")

    async def client() -> None:
        nonlocal answered, lost
        while True:
            try:
                reader, writer = await asyncio.wait_for(asyncio.open_connection(address, 8080), 5)
            except (TimeoutError, OSError):
                return
            try:
                # Nobody resets a connection to a container that is gone.
                await asyncio.wait_for(exchange(reader, writer, asked), 15)
                answered += 1
            except (TimeoutError, OSError, asyncio.IncompleteReadError):
                lost += 1
            writer.close()

    clients = [asyncio.create_task(client()) for _ in range(CONNECTIONS)]
    await asyncio.sleep(1)
    begun = time.monotonic()
    stopping = await asyncio.create_subprocess_exec(
        DOCKER, "kill", "--signal", "TERM", made, stdout=asyncio.subprocess.DEVNULL
    )
    await stopping.wait()
    waiting = await asyncio.create_subprocess_exec(DOCKER, "wait", made, stdout=asyncio.subprocess.DEVNULL)
    await waiting.wait()
    took = time.monotonic() - begun
    await asyncio.gather(*clients)
    return answered, lost, took


def images(sgbuild: str, base: str, ca: str, workers: int, place: Path) -> list[Way]:
    """Both, built."""
    (place / "pyproject.toml").write_text(PROJECT)
    (place / "measured.py").write_text(MODULE)
    built = subprocess.run(
        [sgbuild, "build", "--load", "--base-image", base],
        cwd=place,
        check=True,
        capture_output=True,
        text=True,
    )
    plain = place / "plain"
    plain.mkdir()
    (plain / "Dockerfile").write_text(DOCKERFILE.format(base=base, workers=workers))
    (plain / "measured.py").write_text(MODULE)
    (plain / "app.py").write_text(APP)
    subprocess.run(
        [
            DOCKER,
            "build",
            "--quiet",
            "--secret",
            f"id=ca,src={ca}",
            "--tag",
            "sgbuild/plain:1",
            ".",
        ],
        cwd=plain,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return [
        Way("sgbuild", built.stdout.strip(), ["serve"]),
        Way("gunicorn and flask", "sgbuild/plain:1", []),
    ]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--sgbuild", required=True)
    arguments.add_argument("--requests", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--workers", type=int, default=2)
    asked = arguments.parse_args()
    sgbuild = str(Path(asked.sgbuild).expanduser().absolute())
    base, ca = os.environ["SGBUILD_TESTBED_BASE"], os.environ["SSL_CERT_FILE"]
    with tempfile.TemporaryDirectory() as place:
        ways = images(sgbuild, base, ca, asked.workers, Path(place))
    for _ in range(asked.rounds):
        for way in ways:
            with container(way, asked.workers) as (_, address):
                took, waits, failed = asyncio.run(load(address, asked.requests))
                way.rates.append(asked.requests / took)
                way.waits += waits
                way.failed += failed
            with container(way, asked.workers) as (made, address):
                way.stopped.append(asyncio.run(stop(made, address)))
    print(f"{asked.rounds} rounds of {asked.requests} requests on {CONNECTIONS} connections, {asked.workers} workers\n")
    print(
        "| | ready (s) | requests/s | p50 (ms) | p99 (ms) | failed | answered and lost at SIGTERM | ended after (s) |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for way in ways:
        way.waits.sort()
        p50, p99 = (way.waits[int(len(way.waits) * part)] * 1000 for part in (0.5, 0.99))
        answered, lost = (sum(each[index] for each in way.stopped) for index in (0, 1))
        ended = max(each[2] for each in way.stopped)
        print(
            f"| {way.name} | {median(way.ready):.2f} (most {max(way.ready):.2f}) | {median(way.rates):.0f} | {p50:.0f} "
            f"| {p99:.0f} | {way.failed} | {answered}, {lost} | {ended:.1f} |"
        )


if __name__ == "__main__":
    main()
