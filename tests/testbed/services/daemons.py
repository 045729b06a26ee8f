"""The daemons that people have beside this machine's Docker: Docker 26 with either of its two stores, and podman.

All are Debian trixie's. Each keeps its images in a directory of its own beside the testbed's state, and answers on a
socket in `trixie.RUN`.
"""

from __future__ import annotations

import http.client
import json
import resource
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from . import leftovers, process, trixie
from .docker_daemon import LAYERS, MOST_LAYERS, UnixConnection
from .state import STATE, Trouble, say

# Where each of them keeps its layers.
KEPT_LAYERS = (f"docker/{LAYERS}", "docker/containerd/daemon/*overlayfs/snapshots/*", "containers/storage/overlay/*")


@dataclass(frozen=True)
class Daemon:
    """A program that builds, keeps and runs images, and speaks Docker's API."""

    name: str
    what: str
    # The beginning of its containers' addresses: another one for each, and none that Docker gives out by itself.
    network: str = ""
    features: dict[str, bool] = field(default_factory=dict)

    @property
    def service(self) -> str:
        """The name of its process."""
        return f"daemon-{self.name}"

    @property
    def socket(self) -> Path:
        """Where it answers."""
        return trixie.RUN / f"{self.name}.sock"

    @property
    def host(self) -> str:
        """Where it answers, as DOCKER_HOST has it."""
        return f"unix://{self.socket}"

    def ask(self, path: str, *, method: str = "GET", timeout: float = 30.0) -> tuple[int, bytes]:
        """Ask a path of Docker's API: (status, body); (0, b"") when nobody answers."""
        connection = UnixConnection(str(self.socket), timeout)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def answers(self) -> bool:
        """Whether it answers; nobody else has this socket."""
        return self.ask("/_ping")[0] == 200

    def up(self) -> None:
        """Start it unless it answers."""
        if self.answers():
            return
        process.stop(self.service, grace=30)
        trixie.RUN.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        library = STATE / "daemons" / self.name
        for layers in KEPT_LAYERS:
            leftovers.forget(library, layers, most=MOST_LAYERS)
        process.start(self.service, trixie.entering(library, self._command()))
        process.wait_until(self.service, self.answers)
        version = json.loads(self.ask("/version")[1]).get("Version", "unknown")
        say(self.name, f"{self.what} {version} answers on {self.socket}")

    def pull(self, image: str) -> None:
        """Have it fetch an image that everybody may have, unless it does."""
        if self.ask(f"/images/{quote(image, safe='/:')}/json")[0] == 200:
            return
        name, _, tag = image.rpartition(":")
        create = f"/images/create?fromImage={quote(name, safe='')}&tag={tag}"
        status, said = self.ask(create, method="POST", timeout=120)
        if status != 200 or b'"error"' in said:
            raise Trouble(f"{self.name} cannot pull {image}: {status} {said.decode(errors='replace')[-500:]}")

    def beside(self, command: list[str]) -> list[str]:
        """The command that runs another one, such as a client, where the daemon runs."""
        pid = process.recorded_pid(self.service)
        if pid is None:
            raise Trouble(f"{self.name} does not run: start it with `make services`")
        return trixie.beside(pid, [*self._environment(), *command])

    def down(self) -> None:
        """Stop it; what it has stays on disk."""
        if not process.stop(self.service, grace=30):
            return
        self._bridge().down()
        say(self.name, "stopped")

    def _bridge(self) -> _Bridge:
        return _Bridge(f"sg-{self.name}", self.network)

    def _environment(self) -> list[str]:
        return []

    def _command(self) -> list[str]:
        settings = trixie.RUN / f"{self.name}.json"
        bridge = self._bridge()
        bridge.up()
        settings.write_text(json.dumps({"features": self.features, "bridge": bridge.name, "iptables": False}))
        return ["dockerd", f"--host={self.host}", f"--config-file={settings}"]


class Podman(Daemon):
    """podman, which speaks Docker's API where it is asked to; its containers use this machine's network."""

    @property
    def _settings(self) -> Path:
        return trixie.RUN / f"{self.name}.conf"

    @property
    def _registries(self) -> Path:
        return trixie.RUN / f"{self.name}-registries.conf"

    def down(self) -> None:
        """Stop it; what it has stays on disk."""
        if process.stop(self.service, grace=30):
            say(self.name, "stopped")

    def _environment(self) -> list[str]:
        silent = "PODMAN_IGNORE_CGROUPSV1_WARNING=1"
        return [silent, f"CONTAINERS_CONF={self._settings}", f"CONTAINERS_REGISTRIES_CONF={self._registries}"]

    def _command(self) -> list[str]:
        # Its crun refuses a machine that has control groups of both versions, its networks want a firewall of theirs,
        # and the steps of a build get higher limits than a machine may give.
        limits = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
        ours = ["{}={}:{}".format(name, *resource.getrlimit(limit)) for name, limit in limits.items()]
        containers = f'[containers]\nnetns = "host"\ndefault_ulimits = {json.dumps(ours)}\n'
        self._settings.write_text(f'{containers}[engine]\nruntime = "runc"\n')
        # As Docker has it by itself: what tests start speaks HTTP.
        self._registries.write_text('[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n')
        return [*self._environment(), "podman", "system", "service", "--time=0", self.host]


@dataclass(frozen=True)
class _Bridge:
    """A network of this machine for the containers of one daemon.

    Without one of its own, a second daemon takes the first one's away; and the rules of both would be in each other's
    way.
    """

    name: str
    network: str

    def up(self) -> None:
        """Make it, where it is missing."""
        if not Path(f"/sys/class/net/{self.name}").exists():
            process.run(["ip", "link", "add", self.name, "type", "bridge"])
            process.run(["ip", "address", "add", f"{self.network}.1/24", "dev", self.name])
        process.run(["ip", "link", "set", self.name, "up"])
        for table, rule in self._rules():
            if _iptables(table, "-C", rule):
                continue
            process.run(["iptables", "-w", "-t", table, "-A", *rule])

    def down(self) -> None:
        """Take it away again."""
        for table, rule in self._rules():
            _iptables(table, "-D", rule)
        subprocess.run(["ip", "link", "delete", self.name], capture_output=True, check=False)

    def _rules(self) -> list[tuple[str, list[str]]]:
        answers = ["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"]
        return [
            ("nat", ["POSTROUTING", "-s", f"{self.network}.0/24", "!", "-o", self.name, "-j", "MASQUERADE"]),
            ("filter", ["FORWARD", "-i", self.name, "-j", "ACCEPT"]),
            ("filter", ["FORWARD", "-o", self.name, *answers, "-j", "ACCEPT"]),
        ]


def _iptables(table: str, action: str, rule: list[str]) -> bool:
    """Whether the rule was there."""
    done = subprocess.run(["iptables", "-w", "-t", table, action, *rule], capture_output=True, check=False)
    return done.returncode == 0


CLASSIC = Daemon("docker26", "Docker with its classic store,", "172.31.254")
CONTAINERD = Daemon("containerd26", "Docker with containerd's store,", "172.31.253", {"containerd-snapshotter": True})
PODMAN = Podman("podman", "podman")
ALL = (CLASSIC, CONTAINERD, PODMAN)
