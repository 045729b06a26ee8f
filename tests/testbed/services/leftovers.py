"""What tests leave behind: a daemon that has to read thousands of old layers takes minutes to start.

Nothing there is wanted again, but nothing is thrown away of a service that runs: it is looked at before one is started.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .state import STATE, say

PREFIX = "leftovers-"


def forget(directory: Path, entries: str, *, most: int) -> None:
    """Remove a directory whose pattern `entries` has more than `most` matches. Nobody may use it."""
    count = sum(1 for _ in directory.glob(entries))
    if count <= most:
        return
    say(directory.name, f"starting anew: {count} entries of earlier tests are in {directory}")
    # A daemon that was killed leaves its own directory mounted.
    subprocess.run(["umount", "--lazy", str(directory)], capture_output=True, check=False)
    directory.rename(Path(tempfile.mkdtemp(prefix=PREFIX, dir=STATE)) / directory.name)


def remove() -> None:
    """Remove what was forgotten, now or by a command that was interrupted: it takes a while, nobody waits for it."""
    forgotten = [str(each) for each in STATE.glob(f"{PREFIX}*")]
    if forgotten:
        command = ["nice", "-n19", "rm", "--recursive", "--force", "--one-file-system", *forgotten]
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def shorten(log: Path, *, most: int = 16 * 1024 * 1024) -> None:
    """Put a log of more than `most` bytes aside, instead of the one before it. Nobody may write to it."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > most:
            log.replace(log.with_suffix(".old"))


def forget_older(directory: Path, *, days: float) -> None:
    """Remove the entries of a directory that nothing was written to for so long."""
    limit = time.time() - days * 24 * 3600
    old = [each for each in directory.glob("*") if each.lstat().st_mtime < limit]
    for each in old:
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)
