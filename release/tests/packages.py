"""What `make release` made, and a server on loopback that has it as a release."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "release"))

TARGET = "x86_64-unknown-linux-gnu"
VERSION = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
ARCHIVE = f"sgbuild-{TARGET}.tar.gz"


def directory() -> Path:
    """Where the packages are."""
    given = os.environ.get("SGBUILD_PACKAGES")
    if not given:
        sys.exit("SGBUILD_PACKAGES names no directory: `make release` makes it and runs these tests")
    return Path(given)


def run(command: list[str | Path], **options: object) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; what it prints is text."""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)


def sums(folder: Path) -> None:
    """Writes SHA256SUMS as the workflow does."""
    lines = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in sorted(folder.iterdir())]
    (folder / "SHA256SUMS").write_text("".join(lines))


@contextlib.contextmanager
def released(folder: Path) -> Iterator[tuple[str, Path]]:
    """The address of releases that `folder` has, and the newest one's files, which a test may spoil."""
    files = folder / "releases" / "download" / f"v{VERSION}"
    files.mkdir(parents=True)
    shutil.copy(directory() / ARCHIVE, files)
    sums(files)
    (folder / "releases" / "latest").mkdir()
    (folder / "releases" / "latest" / "download").symlink_to(files)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/releases", files
        finally:
            server.shutdown()
            thread.join()
