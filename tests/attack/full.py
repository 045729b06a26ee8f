"""Disks that are full or may not be written: an error that says so, dist/ whole, and the next run is clean."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from outcome import Outcome
from place import Ended, Place, panicked

WHERE = ["project", "cache", "tmp", "home"]
# Kilobytes, from nothing to what suffices.
SIZES = [4, 16, 64, 256, 1024, 4096]
ENOUGH = 262144
SAYS_SO = (b"no space", b"disk", b"full", b"room", b"No space")
READ_ONLY = (b"read-only", b"Read-only", b"written", b"writable", b"cannot", b"permission")


def attack(root: Path, sgbuild: str, given: argparse.Namespace) -> list[Outcome]:
    """Small disks for dist and for push, then disks that may only be read."""
    chance = random.Random(f"{given.seed} full")
    outcomes = []
    for title, arguments in commands():
        for where in WHERE:
            outcome = Outcome(f"full: {where} of `{title}`")
            for number, size in enumerate(SIZES):
                place = fresh(root, sgbuild, f"{title[:4]}-{where}-{number}".replace(" ", "-"))
                kilobytes = chance.randint(size * 3 // 4, size)
                outcome.record(f"{kilobytes} kB", small(place, where, arguments(place), kilobytes))
            outcomes.append(outcome)
        for where in WHERE:
            outcome = Outcome(f"read-only: {where} of `{title}`")
            place = fresh(root, sgbuild, f"{title[:4]}-ro-{where}".replace(" ", "-"))
            outcome.record("read-only", read_only(place, where, arguments(place)))
            outcomes.append(outcome)
    return outcomes


def commands():
    """What is run on such a disk."""
    registry = os.environ["SGBUILD_TESTBED_REGISTRY"]
    push = ["push", "--engine", "native", "--no-train", "--repository"]
    return [("dist", lambda _: ["dist"]), ("push", lambda place: [*push, f"{registry}/{place.name}"])]


def fresh(root: Path, sgbuild: str, name: str) -> Place:
    """A place nobody has used."""
    return Place(root / name, sgbuild, f"attack-{name}")


@contextlib.contextmanager
def disk(directory: Path, kilobytes: int) -> Iterator[None]:
    """A file system of this size at the directory, with what was in it."""
    kept = directory.with_name(f"{directory.name}.kept")
    directory.rename(kept)
    directory.mkdir()
    mount(["-t", "tmpfs", "-o", f"size={ENOUGH}k", "tmpfs", str(directory)])
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", str(directory)], check=True)
        used = int(subprocess.run(["du", "-sk", str(directory)], check=True, capture_output=True).stdout.split()[0])
        mount(["-o", f"remount,size={used + kilobytes}k", str(directory)])
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def mount(arguments: list[str]) -> None:
    """Mount, or say why not."""
    done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"attack: cannot mount a small disk: {done.stderr.decode().strip()} (it needs root)")


def small(place: Place, where: str, arguments: list[str], kilobytes: int) -> list[str]:
    """Run on a small disk, then on one that suffices; what is wrong."""
    directory = place.root / where
    with disk(directory, kilobytes):
        ended = place.run(arguments)
        troubles = judged(place, ended, SAYS_SO)
        mount(["-o", f"remount,size={ENOUGH}k", str(directory)])
        troubles += after(place, place.run(arguments))
    return troubles


def read_only(place: Place, where: str, arguments: list[str]) -> list[str]:
    """Run where nothing may be written, then where it may; what is wrong."""
    directory = place.root / where
    with disk(directory, ENOUGH):
        mount(["-o", "remount,ro", str(directory)])
        ended = place.run(arguments)
        troubles = judged(place, ended, READ_ONLY)
        mount(["-o", "remount,rw", str(directory)])
        troubles += after(place, place.run(arguments))
    return troubles


def judged(place: Place, ended: Ended, words: tuple[bytes, ...]) -> list[str]:
    """What is wrong with how it ended on such a disk."""
    troubles = []
    if panicked(ended) or ended.code in (-9, 2):
        troubles.append(f"exit code {ended.code}: {ended.text()}")
    if ended.code != 0 and not any(each in ended.stderr for each in words):
        troubles.append(f"the message does not say that the disk is the trouble: {ended.text()}")
    if ended.code != 0 and ended.stdout.strip():
        troubles.append(f"it failed, and says on stdout: {ended.stdout[:200]!r}")
    if ended.code != 0 and place.dist() is not None and not (place.project / "dist" / "Dockerfile").exists():
        troubles.append("dist/ is not whole")
    troubles += [f"dist/{each} is not whole" for each in place.half_written()]
    return troubles


def after(place: Place, ended: Ended) -> list[str]:
    """What is wrong with the run on a disk that suffices."""
    if ended.code != 0:
        return [f"the next run: exit code {ended.code}: {ended.text()}"]
    return [f"left in the checkout: {place.litter()}"] if place.litter() else []
