"""What a push costs: time, processor, memory, and what the registry sees of it.

client    the process tree that is started, by wait4(2): exact, whoever else is busy. Its peak of memory is VmHWM of
          the process itself, asked every few milliseconds: wait4 would count this interpreter's, which it came from.
daemon    dockerd, containerd and all below them, by /proc/PID/stat, those included that have ended meanwhile; and
          dockerd's own peak of memory, which /proc/PID/clear_refs sets back before. Who else uses it is counted too.
registry  its processor time alike. Requests are the lines of its access log that name the repository. What was sent
          are the blobs and manifests that these lines say it took, by the sizes that it answers for them: exact but
          for headers, and nobody else's, since every way has repositories of its own.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

TICK = os.sysconf("SC_CLK_TCK")
# The log's line is written after the answer.
LOGGED = 0.1
DIGEST = re.compile(r"[?&]digest=(sha256(?::|%3A)[0-9a-f]{64})", re.IGNORECASE)
STORED = "docker/registry/v2"


class Failed(Exception):
    """A command ended with an error: the text is for people."""


@dataclass
class Cost:
    """Of one push; None is what cannot be told."""

    seconds: float = 0.0
    client: float = 0.0
    peak: int = 0
    daemon: float | None = None
    daemon_peak: int | None = None
    registry: float | None = None
    requests: int | None = None
    sent: int | None = None


def run(command: list[str], *, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command that is not measured."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise failed(command, done.returncode, done.stdout + done.stderr)
    return done.stdout


def failed(command: list[str], code: int, output: str) -> Failed:
    """What is said of a command that did not succeed."""
    return Failed(f"`{' '.join(command)}` ended with {code}\n{output[-3000:]}")


def measured(cost: Cost, command: list[str], *, cwd: Path, env: dict[str, str] | None = None) -> None:
    """Run a command and add its time, its processor time and its peak of memory."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        watch = Watch(child.pid)
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
        finally:
            cost.seconds += time.perf_counter() - began
            watch.end()
        child.returncode = os.waitstatus_to_exitcode(status)
        cost.client += used.ru_utime + used.ru_stime
        cost.peak = max(cost.peak, watch.peak)
        if child.returncode != 0:
            output.seek(0)
            raise failed(command, child.returncode, output.read().decode(errors="replace"))


class Watch:
    """Asks for a process' peak of memory as long as it lives."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        self._thread.start()

    def _look(self, pid: int) -> None:
        pause = 0.002
        while not self._over.is_set():
            self.peak = max(self.peak, peak_of(pid) or 0)
            self._over.wait(pause)
            # What lives longer is asked less often.
            pause = min(pause * 1.1, 0.05)

    def end(self) -> None:
        """The process is gone."""
        self._over.set()
        self._thread.join()


def peak_of(pid: int) -> int | None:
    """The most memory that a live process has had, in bytes."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else None


def processes() -> dict[int, tuple[str, int, float]]:
    """Of every process: its name, its parent, and its processor time with that of its children that have ended."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue
        name = text[text.index("(") + 1 : text.rindex(")")]
        fields = text[text.rindex(")") + 2 :].split()
        found[int(entry.name)] = (name, int(fields[1]), sum(int(each) for each in fields[11:15]) / TICK)
    return found


class Daemon:
    """dockerd, by the socket that it listens on."""

    def __init__(self) -> None:
        self.pid = self._listener()

    @staticmethod
    def _listener() -> int | None:
        host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        if not host.startswith("unix://"):
            return None
        with socket.socket(socket.AF_UNIX) as asked:
            try:
                asked.connect(host.removeprefix("unix://"))
                said = asked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
                pid = struct.unpack("3i", said)[0]
                return pid if Path(f"/proc/{pid}/comm").read_text().strip() == "dockerd" else None
            except OSError:
                return None

    def seconds(self) -> float | None:
        """Processor time until now, of all that works for it."""
        if self.pid is None:
            return None
        everybody = processes()
        ours = {self.pid} | {pid for pid, (name, _, _) in everybody.items() if name == "containerd"}
        grown = True
        while grown:
            below = {pid for pid, (_, parent, _) in everybody.items() if parent in ours}
            grown = not below <= ours
            ours |= below
        return sum(everybody[pid][2] for pid in ours if pid in everybody)

    def reset_peak(self) -> None:
        """From here on the peak of memory counts anew."""
        if self.pid is not None:
            with contextlib.suppress(OSError):
                Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def peak(self) -> int | None:
        """The most memory since."""
        return None if self.pid is None else peak_of(self.pid)


class Registry:
    """The testbed's registry, its access log, and what is kept in it."""

    def __init__(self, host: str, config: Path) -> None:
        account = host.split(".")[0]
        state = Path(os.environ["SGBUILD_TESTBED"])
        self.host = host
        self._log = state / "logs" / f"registry-{account}.log"
        self._storage = state / "registry" / account / "blobs" / STORED
        self._pid = int((state / "pids" / f"registry-{account}").read_text().split()[0])
        self._auth = json.loads((config / "config.json").read_text())["auths"][host]["auth"]
        self._taken: dict[str, set[str]] = {}

    def mark(self) -> int:
        """How far the log goes."""
        return self._log.stat().st_size

    def seconds(self) -> float | None:
        """Processor time until now."""
        known = processes().get(self._pid)
        return known[2] if known else None

    def since(self, mark: int, repository: str) -> tuple[int, int]:
        """How many requests there were about a repository, and how many bytes of blobs and manifests it took."""
        time.sleep(LOGGED)
        with open(self._log, "rb") as log:
            log.seek(mark)
            text = log.read().decode(errors="replace")
        line = re.compile(rf'"([A-Z]+) /v2/{re.escape(repository)}/(\S+) HTTP/[0-9.]+" (\d+)')
        requests = [(method, path, int(status)) for method, path, status in line.findall(text)]
        return len(requests), sum(self._size(repository, *each) for each in requests)

    def _size(self, repository: str, method: str, path: str, status: int) -> int:
        if method not in ("PUT", "POST") or status != 201 or "mount=" in path:
            return 0
        if path.startswith("manifests/"):
            return self._asked(repository, path)
        digest = DIGEST.search(path)
        if digest is None:
            return 0
        name = unquote(digest.group(1))
        self._taken.setdefault(repository, set()).add(name)
        return self._asked(repository, f"blobs/{name}")

    def _asked(self, repository: str, path: str) -> int:
        trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
        connection = http.client.HTTPSConnection(self.host, context=trust, timeout=60)
        accepted = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
        headers = {"Authorization": f"Basic {self._auth}", "Accept": accepted}
        with contextlib.closing(connection):
            connection.request("HEAD", f"/v2/{repository}/{path}", headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise Failed(f"the registry took {repository}/{path}, and answers {answer.status} for it")
            return int(answer.headers["Content-Length"])

    def remove(self) -> None:
        """Take out what was pushed: these repositories, and the blobs that no other one has."""
        repositories = self._storage / "repositories"
        for repository in self._taken:
            shutil.rmtree(repositories / repository, ignore_errors=True)
        linked = {Path(where).name for where, _, files in os.walk(repositories) if "link" in files}
        for digest in set().union(*self._taken.values()):
            kind, value = digest.split(":")
            if value not in linked:
                shutil.rmtree(self._storage / "blobs" / kind / value[:2] / value, ignore_errors=True)
        self._taken.clear()


class Meters:
    """All of them around one push."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.daemon = Daemon()

    @contextlib.contextmanager
    def around(self, repository: str) -> Iterator[Cost]:
        """The cost of what happens within; its processes are to be started by `measured`."""
        cost = Cost()
        mark, daemon, registry = self.registry.mark(), self.daemon.seconds(), self.registry.seconds()
        self.daemon.reset_peak()
        yield cost
        cost.daemon_peak = self.daemon.peak()
        cost.daemon = none_or(self.daemon.seconds(), daemon)
        cost.registry = none_or(self.registry.seconds(), registry)
        cost.requests, cost.sent = self.registry.since(mark, repository)


def none_or(after: float | None, before: float | None) -> float | None:
    """The difference, where both are known."""
    return None if after is None or before is None else max(0.0, after - before)
