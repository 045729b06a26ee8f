"""Debian trixie in a root of its own: the Docker, podman and skopeo that people have, beside this machine's Docker.

The root is made once and kept, and is read-only to what runs in it. Mounts and processes are in namespaces of their
own, so nothing is left of them, however this program ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from places import STATE, Trouble, run, say

SUITE = "trixie"
PACKAGES = ["docker.io", "docker-cli", "podman", "crun", "skopeo", "ca-certificates", "iptables", "netavark"]
# Named by what is in it: checkouts with other packages share the state.
ROOT = STATE / f"{SUITE}-{hashlib.sha256(' '.join(PACKAGES).encode()).hexdigest()[:12]}"
LEAVE_OUT = ["/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*"]
# Where the root has what this program and those who run in it share.
SHARED = "/mnt"
# Of a root that is a mount by itself, not a chroot: runc and podman remount `/` and find no mount there otherwise.
ENTER = """set -e
root=$1 shared=$2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
for each in run tmp root; do mount -t tmpfs tmpfs "$root/$each"; done
for each in /etc/hosts /etc/docker/certs.d; do mount --bind "$each" "$root$each"; done
mount --bind "$shared/lib" "$root/var/lib"
mount --bind "$shared/tmp" "$root/var/tmp"
mount --rbind "$shared" "$root$3"
cd "$root"
pivot_root . opt
umount -l /opt
echo entered
cat
"""
ENVIRONMENT = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"]
# Named by podman itself; this machine's control groups are what they are.
ENVIRONMENT += ["PODMAN_IGNORE_CGROUPSV1_WARNING=1"]
# Without one of its own, a second daemon takes the first one's bridge away.
BRIDGE, ADDRESS = "sgbuild-trixie", "172.31.255.1/24"
SOCKET = "unix:///run/docker.sock"
PATIENCE = 60.0


class Trixie:
    """The entered root. `shared` is a directory of this machine that is /mnt there."""

    def __init__(self, init: int, shared: Path) -> None:
        self._command = ["nsenter", f"--target={init}", "--mount", "--pid", "--root", "env", "--chdir=/", "-i"]
        self._command += ENVIRONMENT
        self.shared = shared

    def run(self, command: list[str]) -> str:
        """Run a program there to its end; its output, or Trouble."""
        return run([*self._command, *command])

    def inside(self, path: Path) -> str:
        """A path below `shared` as it is called there."""
        return f"{SHARED}/{path.relative_to(self.shared)}"

    @contextlib.contextmanager
    def docker(self, features: dict[str, bool]) -> Iterator[list[str]]:
        """A daemon with these features while the context lasts; the command that talks to it."""
        name = "-".join(each for each, on in features.items() if on) or "classic"
        settings = {"features": features, "bridge": BRIDGE, "iptables": False, "data-root": f"/var/lib/docker-{name}"}
        (self.shared / "daemon.json").write_text(json.dumps(settings))
        log = self.shared / f"docker-{name}.log"
        with _bridge(), open(log, "wb") as written:
            daemon = subprocess.Popen(
                [*self._command, "dockerd", f"--host={SOCKET}", f"--config-file={SHARED}/daemon.json"],
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
            )
            try:
                client = ["docker", f"--host={SOCKET}"]
                self._wait(client, daemon, log)
                yield client
            finally:
                self.run(["sh", "-c", "kill $(cat /run/docker.pid)"])
                daemon.wait()

    def _wait(self, client: list[str], daemon: subprocess.Popen, log: Path) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(Trouble):
                self.run([*client, "version"])
                return
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise Trouble(f"{SUITE}'s dockerd does not answer:\n{log.read_text(errors='replace')[-1500:]}")
            time.sleep(0.2)


@contextlib.contextmanager
def enter() -> Iterator[Trixie]:
    """The root for as long as the context lasts. What runs there ends with it, and what it wrote is removed."""
    with open(STATE / f"{SUITE}.lock", "w") as lock, tempfile.TemporaryDirectory(dir=STATE, prefix=SUITE) as shared:
        # One at a time: there is one bridge.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make()
        for each in ("lib", "tmp"):
            (Path(shared) / each).mkdir()
        new = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"]
        entering = [*new, "sh", "-c", ENTER, "sh", str(ROOT), shared, SHARED]
        # It lasts as long as what it reads has no end, which this program's end is too.
        process = subprocess.Popen(entering, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            if process.stdout.readline() != b"entered\n":
                raise Trouble(f"cannot enter {ROOT}: {process.communicate()[1].decode(errors='replace')}")
            (init,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            yield Trixie(int(init), Path(shared))
        finally:
            process.stdin.close()
            process.wait()


def _make() -> None:
    if ROOT.exists():
        return
    say(f"making a root of Debian {SUITE} with {', '.join(PACKAGES)} (two minutes)")
    with tempfile.TemporaryDirectory(dir=STATE) as fresh:
        partial = Path(fresh) / "root"
        options = ["--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        options += [f"--dpkgopt=path-exclude={pattern}" for pattern in LEAVE_OUT]
        # What others are bound over must be there.
        options += ['--customize-hook=mkdir -p "$1/etc/docker/certs.d"', '--customize-hook=touch "$1/etc/hosts"']
        options += ['--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*']
        run(["mmdebstrap", *options, SUITE, str(partial)])
        partial.rename(ROOT)


@contextlib.contextmanager
def _bridge() -> Iterator[None]:
    # One that is there is of a run that was killed: nobody else has the lock.
    subprocess.run(["ip", "link", "delete", BRIDGE], stderr=subprocess.DEVNULL, check=False)
    run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    try:
        run(["ip", "address", "add", ADDRESS, "dev", BRIDGE])
        run(["ip", "link", "set", BRIDGE, "up"])
        yield
    finally:
        run(["ip", "link", "delete", BRIDGE])
