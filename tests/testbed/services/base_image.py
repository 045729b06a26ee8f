"""The base image: Debian's Python in the shape of python:3.11-slim, since nothing can be pulled in a closed network.

Two names: the product's default base in the ECR public gallery, and a private base in another account and region.
"""

from __future__ import annotations

import base64
import http.client
import ssl

from . import certificates
from .docker_daemon import docker, has_image
from .process import run
from .registry import BASE, Registry
from .registry import PUBLIC as GALLERY
from .state import STATE, say

PUBLIC = f"{GALLERY.host}/docker/library/python:3.11-slim"
PRIVATE = f"{BASE.host}/base/python:3.11-slim"
CACHE = STATE / "base-image"
TAR = CACHE / "python-3.11-slim.tar"

# What the official image has beyond Debian's minbase: CA certificates, time zones, netbase, Python with pip.
INCLUDE = "ca-certificates,netbase,tzdata,python3,python3-pip,python3-venv,python3-setuptools,python3-wheel"
# As in the official slim images: no manuals, translations or documentation but copyright.
LEAVE_OUT = ["/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*"]


def ensure_tar() -> None:
    """Make the root file system's tar, once a machine."""
    if TAR.exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    say("base image", "making Debian 12 with Python 3.11 (about half a minute)")
    partial = CACHE / "partial.tar"
    hooks = [
        'ln -s python3 "$1/usr/local/bin/python"',
        'ln -s pip3 "$1/usr/local/bin/pip"',
        'ln -s /usr/bin/python3 "$1/usr/local/bin/python3"',
        'ln -s /usr/bin/pip3 "$1/usr/local/bin/pip3"',
        'rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',
        'rm -rf "$1"/var/log/*.log "$1"/var/log/apt/* "$1"/var/cache/ldconfig/aux-cache',
    ]
    command = ["mmdebstrap", "--variant=minbase", f"--include={INCLUDE}", "--quiet"]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in LEAVE_OUT]
    command += ["--dpkgopt=path-include=/usr/share/doc/*/copyright"]
    command += [f"--customize-hook={hook}" for hook in hooks]
    run([*command, "bookworm", str(partial)])
    partial.replace(TAR)
    say("base image", f"file system ready ({TAR.stat().st_size // 1_000_000} MB)")


def ensure_imported() -> None:
    """Have it in the daemon: the one that the gallery has, else the tar with the configuration of python:3.11-slim."""
    if has_image(PUBLIC):
        return
    if _in_registry(GALLERY, PUBLIC):
        # Everybody has the same one: an import is another image each time.
        docker("pull", "--quiet", PUBLIC)
        say("base image", f"pulled as {PUBLIC}")
        return
    ensure_tar()
    version = run(["tar", "xOf", str(TAR), "./var/lib/dpkg/status"]).decode()
    python = version.split("\nPackage: python3.11\n")[1].split("\nVersion: ")[1].split("-")[0]
    changes = [
        "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
        "ENV LANG=C.UTF-8",
        f"ENV PYTHON_VERSION={python}",
        'CMD ["python3"]',
    ]
    flags = [flag for change in changes for flag in ("--change", change)]
    docker("import", *flags, str(TAR), PUBLIC)
    say("base image", f"imported as {PUBLIC} (Python {python})")


def ensure_pushed() -> None:
    """Push it to where others have it: the gallery, and the other account's registry, as a private base image."""
    if not _in_registry(GALLERY, PUBLIC):
        docker("push", "--quiet", PUBLIC)
        say("base image", f"pushed as {PUBLIC}")
    if _in_registry(BASE, PRIVATE):
        return
    docker("login", "--username", "AWS", "--password-stdin", BASE.host, feed=BASE.password.encode())
    try:
        docker("tag", PUBLIC, PRIVATE)
        docker("push", "--quiet", PRIVATE)
        docker("rmi", PRIVATE)
    finally:
        docker("logout", BASE.host)
    say("base image", f"pushed as {PRIVATE}")


def _in_registry(registry: Registry, image: str) -> bool:
    trust = ssl.create_default_context(cafile=str(certificates.CA))
    connection = http.client.HTTPSConnection(registry.host, timeout=5, context=trust)
    basic = base64.b64encode(f"AWS:{registry.password}".encode()).decode()
    accept = "application/vnd.docker.distribution.manifest.v2+json"
    repository, tag = image.removeprefix(f"{registry.host}/").split(":")
    try:
        connection.request(
            "HEAD", f"/v2/{repository}/manifests/{tag}", headers={"Authorization": f"Basic {basic}", "Accept": accept}
        )
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
