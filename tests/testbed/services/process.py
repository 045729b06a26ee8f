"""Programs that outlive the testbed command: started detached, recorded by pid, stopped only if they are ours."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from . import leftovers
from .state import LOGS, PIDS, Trouble, say


# How long a program may run without a word to whoever waits, in seconds.
SILENCE = 20
# How long a program that lives may take to answer, in seconds: others start, and a compiler may have the processors.
PATIENCE = 300


def run(command: list[str], *, feed: bytes | None = None, env: dict[str, str] | None = None) -> bytes:
    """Run a program to its end and return its stdout; Trouble with the end of its output if it fails.

    One that takes its time, such as an installation, is named while it does.
    """
    over = threading.Event()
    threading.Thread(target=_say_that_it_runs, args=(command, over), daemon=True).start()
    try:
        done = subprocess.run(command, input=feed, env=env, capture_output=True, check=False)
    finally:
        over.set()
    if done.returncode != 0:
        output = (done.stdout + done.stderr).decode(errors="replace").strip()[-2000:]
        raise Trouble(f"`{' '.join(command)}` ended with {done.returncode}:\n{output}")
    return done.stdout


def _say_that_it_runs(command: list[str], over: threading.Event) -> None:
    while not over.wait(SILENCE):
        say("waiting", f"for `{' '.join(command)[:100]}`")


def _birth(pid: int) -> str | None:
    """The kernel's start time of a live process: a pid alone may have been given to another program since."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def recorded_pid(name: str) -> int | None:
    """The pid of the service we started under this name, if that very process still runs."""
    try:
        pid, birth = (PIDS / name).read_text().split()
    except (OSError, ValueError):
        return None
    return int(pid) if _birth(int(pid)) == birth else None


def older(name: str, other: str) -> bool:
    """Whether the first of two services we started began before the second one did."""
    pids = [recorded_pid(each) for each in (name, other)]
    first, second = (int(_birth(pid) or 0) if pid else 0 for pid in pids)
    return first < second


def start(name: str, command: list[str], *, env: dict[str, str] | None = None) -> None:
    """Start a program in a session of its own, its output in logs/<name>.log, its pid in pids/<name>."""
    leftovers.shorten(LOGS / f"{name}.log")
    with open(LOGS / f"{name}.log", "ab") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd="/", start_new_session=True
        )
    (PIDS / name).write_text(f"{child.pid} {_birth(child.pid) or 0}\n")


def wait_until(name: str, ready: Callable[[], bool]) -> None:
    """Wait for a started service to answer; Trouble with the end of its log when it dies or stays silent."""
    deadline, said = time.monotonic() + PATIENCE, time.monotonic()
    while not ready():
        if time.monotonic() - said > SILENCE:
            said = time.monotonic()
            say("waiting", f"for {name} to answer")
        if recorded_pid(name) is None:
            raise Trouble(f"{name} ended at once; the end of its log:\n{log_tail(name)}")
        if time.monotonic() > deadline:
            raise Trouble(f"{name} did not answer within {PATIENCE} s; the end of its log:\n{log_tail(name)}")
        time.sleep(0.05)


def log_tail(name: str) -> str:
    """The last lines of a service's log."""
    try:
        return "\n".join((LOGS / f"{name}.log").read_text(errors="replace").splitlines()[-15:])
    except OSError:
        return "(no log)"


def stop(name: str, *, grace: float = 15.0) -> bool:
    """End the recorded process: SIGTERM, then SIGKILL. True if there was one to end."""
    pid = recorded_pid(name)
    (PIDS / name).unlink(missing_ok=True)
    if pid is None:
        return False
    birth = _birth(pid)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while _birth(pid) == birth and time.monotonic() < deadline:
        _reap(pid)
        time.sleep(0.05)
    if _birth(pid) == birth:
        os.kill(pid, signal.SIGKILL)
    return True


def _reap(pid: int) -> None:
    """Collect the process if it is our own child (started and stopped by one command)."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def listener(address: str, port: int) -> str | None:
    """Who listens on address:port (or on every address): 'name (pid N)', or None when the port is free."""
    own = "".join(f"{int(part):02X}" for part in reversed(address.split(".")))
    inodes = set()
    for table, wanted in (("tcp", {own, "0" * 8}), ("tcp6", {"0" * 32})):
        try:
            rows = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            host, _, number = fields[1].rpartition(":")
            if fields[3] == "0A" and int(number, 16) == port and host in wanted:
                inodes.add(f"socket:[{fields[9]}]")
    return _owner(inodes) if inodes else None


def _owner(inodes: set[str]) -> str:
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(link) in inodes for link in (directory / "fd").iterdir()):
                return f"{(directory / 'comm').read_text().strip()} (pid {directory.name})"
        except OSError:
            continue
    return "another program"
