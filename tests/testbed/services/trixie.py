"""Debian trixie in a root of its own, for the daemons that people have beside this machine's Docker.

The root is made once and kept, and is read-only to what runs in it. Every program there has mounts of its own, which
end with it. `/tmp` is this machine's, so that containers may mount what tests make; so is `RUN`, where the sockets are.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from . import process
from .state import STATE, say

SUITE = "trixie"
PACKAGES = ["docker.io", "docker-cli", "podman", "crun", "skopeo", "ca-certificates", "iptables", "netavark"]
# Named by what is in it: checkouts with other packages share the state.
ROOT = STATE / f"{SUITE}-{hashlib.sha256(' '.join(PACKAGES).encode()).hexdigest()[:12]}"
LEAVE_OUT = ["/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*"]
# Short: a socket's path may not exceed 108 bytes.
RUN = Path(f"/run/sgbuild-{SUITE}")
# Of a root that is a mount by itself, not a chroot: runc and podman remount `/` and find no mount there otherwise.
ENTER = """set -e
root=$1 lib=$2 shared=$3
shift 3
mkdir -p "$lib/.tmp" "$shared"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
for each in sys dev tmp; do mount --rbind "/$each" "$root/$each"; done
for each in run root; do mount -t tmpfs tmpfs "$root/$each"; done
for each in /etc/hosts /etc/resolv.conf /etc/docker/certs.d; do mount --bind "$each" "$root$each"; done
mount --bind "$lib" "$root/var/lib"
mount --bind "$lib/.tmp" "$root/var/tmp"
mkdir "$root$shared"
mount --bind "$shared" "$root$shared"
cd "$root"
pivot_root . opt
umount -l /opt
exec env --chdir=/ --ignore-environment "$@"
"""
ENVIRONMENT = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"]


def entering(lib: Path, command: list[str]) -> list[str]:
    """The command that runs another one in the root, with `lib` as its /var/lib."""
    new = ["unshare", "--mount", "sh", "-c", ENTER, "sh"]
    return [*new, str(ROOT), str(lib), str(RUN), *ENVIRONMENT, *command]


def beside(pid: int, command: list[str]) -> list[str]:
    """The command that runs another one with the mounts of a program there."""
    within = ["nsenter", f"--target={pid}", "--mount", "--root", "env", "--chdir=/", "--ignore-environment"]
    return [*within, *ENVIRONMENT, *command]


def ensure_root() -> None:
    """Make the root, once a machine."""
    if ROOT.exists():
        return
    say(SUITE, f"making a root of Debian {SUITE} with {', '.join(PACKAGES)} (a minute or two)")
    with tempfile.TemporaryDirectory(dir=STATE) as fresh:
        partial = Path(fresh) / "root"
        options = ["--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        options += [f"--dpkgopt=path-exclude={pattern}" for pattern in LEAVE_OUT]
        # What others are bound over must be there.
        options += ['--customize-hook=mkdir -p "$1/etc/docker/certs.d"']
        options += ['--customize-hook=touch "$1/etc/hosts" "$1/etc/resolv.conf"']
        options += ['--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*']
        process.run(["mmdebstrap", *options, SUITE, str(partial)])
        partial.rename(ROOT)
    say(SUITE, "root ready")
