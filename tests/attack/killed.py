"""Killed at any moment: the next run is clean, dist/ is whole, and nothing runs on."""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from outcome import Outcome
from place import ASKING, SETUP, Ended, Place, panicked, session

SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
VARIANTS = 3
# How long the end may take after a signal that asks for it: a second is promised, the machine does other things too.
PROMPT = 3.0
# How long it may take until sgbuild listens to signals, in seconds.
BEGUN = 0.02
# How long what a killed sgbuild had started may go on, in seconds.
ORPHANS = 5.0


# How many of 100 times `launch` is killed.
LAUNCHES = 4


@dataclass(frozen=True)
class Command:
    """What is killed, how often of 100 times, and whether its last line of output says what was made."""

    name: str
    arguments: tuple[str, ...]
    share: int
    setup: str = SETUP
    # How often the cache is emptied before, of 1.
    cold: float = 0.2

    def of(self, place: Place) -> list[str]:
        """Its arguments at a place."""
        return [
            each.format(registry=os.environ["SGBUILD_TESTBED_REGISTRY"], name=place.name) for each in self.arguments
        ]


PUSHED = ("--no-train", "--repository", "{registry}/{name}")
COMMANDS = [
    Command("dist", ("dist",), 40),
    Command("dist, Python asked", ("dist",), 12, setup=ASKING, cold=0.5),
    Command("build --output, native", ("build", "--engine", "native", "--output", "../image.tar"), 14),
    Command("push, native", ("push", "--engine", "native", *PUSHED), 22),
    Command("push, Docker", ("push", "--engine", "docker", *PUSHED), 12, cold=0.1),
]


def attack(root: Path, sgbuild: str, given: argparse.Namespace) -> list[Outcome]:
    """Kill every command its share of the times."""
    outcomes = [one(root, sgbuild, each, given.seed, max(1, given.kills * each.share // 100)) for each in COMMANDS]
    return [*outcomes, launch(root, sgbuild, given.seed, max(1, given.kills * LAUNCHES // 100))]


def one(root: Path, sgbuild: str, command: Command, seed: int, kills: int) -> Outcome:
    """Kill one command so often, at moments that the seed says."""
    # Not Python's own hash: it differs from run to run.
    chance = random.Random(f"{seed} {command.name}")
    slug = "".join(each if each.isalnum() else "-" for each in command.name.lower())
    place = Place(root / slug, sgbuild, f"attack-{slug.replace('--', '-')}", setup=command.setup)
    wanted, seconds = references(place, command)
    outcome, too_late = Outcome(f"killed: {command.name}"), 0
    for number in range(kills):
        with_signal = SIGNALS[number % len(SIGNALS)]
        variant = chance.randrange(VARIANTS)
        is_cold = chance.random() < command.cold
        moment = chance.uniform(0, seconds["cold" if is_cold else "warm"] * 1.1)
        before = place.dist()
        place.write(variant)
        if is_cold:
            place.forget()
        where = f"{with_signal.name} after {moment * 1000:.0f} ms{', cold' if is_cold else ''} (round {number})"
        ended, left = killed(place, command.of(place), with_signal, moment)
        too_late += ended.code == 0
        troubles = found(place, ended, left, with_signal, moment, before, wanted[variant])
        again = place.run(command.of(place))
        troubles += [f"the next run: {each}" for each in unclean(place, again, wanted[variant])]
        outcome.record(where, troubles)
        place.sweep()
    outcome.note = f"{too_late} were done before the signal"
    return outcome


def launch(root: Path, sgbuild: str, seed: int, kills: int) -> Outcome:
    """Kill `launch` while it makes a stack; the next one makes it, or finds it made."""
    chance, outcome = random.Random(f"{seed} launch"), Outcome("killed: launch")
    place = Place(root / "launch", sgbuild, "attack-launch")
    place.extra = {"GITHUB_TOKEN": "not-a-real-token"}
    github = ["--github-user", "example", "--github-repo", "attack", "--email", "someone@example.com"]
    seconds = place.run(["launch", "--stack", f"attack-{os.getpid()}", *github]).seconds
    for number in range(kills):
        with_signal, moment = SIGNALS[number % len(SIGNALS)], chance.uniform(0, seconds)
        stack = f"attack-{os.getpid()}-{number}"
        ended, left = killed(place, ["launch", "--stack", stack, *github], with_signal, moment)
        troubles = found(place, ended, left, with_signal, moment, place.dist(), (None, b""))
        again = place.run(["launch", "--stack", stack, *github])
        if again.code != 0:
            troubles.append(f"the next run: exit code {again.code}: {again.text()}")
        status = place.run(["status", "--stack", stack, "--json"])
        if status.code != 0:
            troubles.append(f"status: exit code {status.code}: {status.text()}")
        outcome.record(f"{with_signal.name} after {moment * 1000:.0f} ms (round {number})", troubles)
        place.run(["destroy", "--stack", stack, "--yes"])
    place.run(["destroy", "--stack", f"attack-{os.getpid()}", "--yes"])
    return outcome


def references(place: Place, command: Command) -> tuple[list[tuple[str | None, bytes]], dict[str, float]]:
    """What each variant comes to where nobody interferes, and how long a run takes."""
    wanted, seconds = [], {}
    for variant in range(VARIANTS):
        place.write(variant)
        ended = place.run(command.of(place))
        if ended.code != 0:
            raise SystemExit(
                f"attack: `sgbuild {' '.join(command.of(place))}` does not even work alone:\n{ended.text()}"
            )
        wanted.append((place.dist(), ended.stdout))
        seconds["warm"] = ended.seconds
        seconds.setdefault("cold", ended.seconds)
    return wanted, seconds


def killed(place: Place, arguments: list[str], with_signal: signal.Signals, moment: float) -> tuple[Ended, list[str]]:
    """Run it, send the signal at the moment; how it ended, and what still runs of it a while later."""
    process = place.start(arguments)
    began = time.monotonic()
    try:
        stdout, stderr = process.communicate(timeout=moment)
    except subprocess.TimeoutExpired:
        began = time.monotonic()
        process.send_signal(with_signal)
        try:
            stdout, stderr = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
    ended = Ended(process.returncode, stdout, stderr, time.monotonic() - began)
    deadline = time.monotonic() + ORPHANS
    while (left := session(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return ended, left


def found(
    place: Place, ended: Ended, left: list[str], with_signal: signal.Signals, moment: float, before: str | None, wanted
) -> list[str]:
    """What is wrong right after the signal."""
    troubles = []
    # Before it is there to do anything, a signal does what it does to every program.
    is_killed = with_signal == signal.SIGKILL or (ended.code == -with_signal and moment < BEGUN)
    if not is_killed and ended.code not in (0, 130):
        troubles.append(f"exit code {ended.code}: {ended.text()}")
    if not is_killed and ended.seconds > PROMPT and ended.code != 0:
        troubles.append(f"it took {ended.seconds:.1f} s to end")
    if not (is_killed and ended.code == -with_signal) and panicked(ended):
        troubles.append(f"panic: {ended.text()}")
    if left:
        troubles.append(f"still running: {'; '.join(left)}")
    now = place.dist()
    if now not in (before, wanted[0]):
        files = sorted(str(each.relative_to(place.project)) for each in (place.project / "dist").rglob("*"))
        troubles.append(f"dist/ is neither the old nor the new one: {files}")
    troubles += [f"dist/{each} is not whole" for each in place.half_written()]
    return troubles


def unclean(place: Place, again: Ended, wanted) -> list[str]:
    """What is wrong with the run after."""
    if again.code != 0:
        return [f"exit code {again.code}: {again.text()}"]
    troubles = []
    if place.dist() != wanted[0]:
        troubles.append("dist/ is another one than without the signal")
    if again.stdout != wanted[1]:
        troubles.append(f"it says {again.stdout!r} instead of {wanted[1]!r}")
    if place.litter():
        troubles.append(f"left in the checkout: {place.litter()}")
    left = [str(each.relative_to(place.temporary)) for each in place.temporary.iterdir()]
    if len(left) > 2:
        troubles.append(f"left in the temporary directory: {left}")
    return troubles
