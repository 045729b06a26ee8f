"""What the testbed asks of the machine itself: Debian packages, host names, a Python environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .process import run
from .state import HERE, TEMPLATE_VENV, VENV, Trouble, say

# Debian package -> a file that shows it is installed.
PACKAGES = {
    "docker.io": "/usr/sbin/dockerd",
    "iptables": "/usr/sbin/iptables",
    "iproute2": "/usr/bin/ip",
    "docker-registry": "/usr/bin/docker-registry",
    "mmdebstrap": "/usr/bin/mmdebstrap",
    "apache2-utils": "/usr/bin/htpasswd",
    "openssl": "/usr/bin/openssl",
    "ca-certificates": "/etc/ssl/certs/ca-certificates.crt",
}
HOSTS = Path("/etc/hosts")
HOSTS_MARK = "# sgbuild-testbed"
POLICY = Path("/usr/sbin/policy-rc.d")


def require_root() -> None:
    """Everything below writes under /etc or listens on port 443."""
    if os.geteuid() != 0:
        raise Trouble("the testbed starts a Docker daemon and listens on port 443: run it as root (sudo)")


def install_packages() -> None:
    """Install the Debian packages that are missing; none of their services is started by that."""
    missing = [name for name, proof in PACKAGES.items() if not Path(proof).exists()]
    if not _can_make_venv():
        missing.append("python3-venv")
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise Trouble(f"missing: {' '.join(missing)}; only Debian and Ubuntu can be set up by this program")
    say("packages", f"installing {' '.join(missing)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Asked by Debian's maintainer scripts before they start a service: 101 forbids it.
    barred = not POLICY.exists()
    if barred:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        run(["apt-get", "update", "-q"], env=env)
        run(["apt-get", "install", "-qy", "--no-install-recommends", *missing], env=env)
    finally:
        if barred:
            POLICY.unlink()
    say("packages", "installed")


def _can_make_venv() -> bool:
    return (VENV / "bin" / "python").exists() or (
        subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0
    )


def map_hosts(names: dict[str, str]) -> None:
    """Let host names resolve to loopback addresses ({name: address}) through /etc/hosts, before anything uses them."""
    lines = [line for line in HOSTS.read_text().splitlines() if HOSTS_MARK not in line]
    kept = len(lines)
    lines += [f"{address} {name} {HOSTS_MARK}" for name, address in names.items()]
    text = "\n".join(lines) + "\n"
    if text == HOSTS.read_text():
        return
    # Written in place: in a container /etc/hosts is a mount and cannot be replaced.
    HOSTS.write_text(text)
    if len(lines) > kept:
        say("hosts", f"{', '.join(names)} now mean this machine (/etc/hosts)")


def unmap_hosts() -> None:
    """Take our lines out of /etc/hosts again."""
    map_hosts({})


def ensure_venvs() -> None:
    """Make the virtual environments, or bring them up to date with their files of requirements."""
    _ensure_venv(VENV, HERE / "requirements.txt")
    # checkov pins libraries that moto wants newer.
    _ensure_venv(TEMPLATE_VENV, HERE / "requirements-template.txt")


def _ensure_venv(venv: Path, requirements: Path) -> None:
    wanted = requirements.read_text()
    stamp = venv / "requirements.installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("python", f"installing the programs of tests/testbed/{requirements.name} into the testbed's own environment")
    if not (venv / "bin" / "pip").exists():
        run([sys.executable, "-m", "venv", "--clear", str(venv)])
    run([str(venv / "bin" / "pip"), "install", "-q", "-r", str(requirements)])
    stamp.write_text(wanted)
    say("python", "environment ready")
