"""Outputs that are closed, full or abandoned, names that are not UTF-8, clocks that jump."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sysconfig
import time
from pathlib import Path

from outcome import Outcome
from place import Ended, Place, panicked, session

# A byte that begins nothing in UTF-8, what moves a terminal's cursor, and what turns its text round.
ODD = [b"\xff", b"\x1b[2J\x1b[1;1H", b"a\rb", b"a\nb", "\u202eabc".encode(), b"\x07", b"'\"`$(id)"]
COMMANDS = [
    ["inspect"],
    ["inspect", "--json"],
    ["dist"],
    ["dist", "--json"],
    ["settings"],
    ["--help"],
    ["explain", "disk-full"],
]


def attack(root: Path, sgbuild: str, given: argparse.Namespace) -> list[Outcome]:
    """All of it."""
    place = Place(root / "streams", sgbuild, "attack-streams")
    chance = random.Random(f"{given.seed} streams")
    return [outputs(place), unread(place), odd_names(root, sgbuild), odd_words(place), clocks(root, sgbuild, chance)]


def outputs(place: Place) -> Outcome:
    """Closed, full and abandoned ones: never a success of what did not arrive, never a panic."""
    outcome = Outcome("streams: stdout or stderr closed, full or abandoned")
    for arguments in COMMANDS:
        for stream in ("stdout", "stderr"):
            for kind in ("closed", "/dev/full", "abandoned"):
                ended = with_output(place, arguments, stream, kind)
                troubles = [f"exit code {ended.code}: {ended.text()}"] if panicked(ended) else []
                # For a closed one Rust opens /dev/null: nobody wanted the output.
                if stream == "stdout" and kind != "closed" and ended.code == 0:
                    troubles.append("it reports success, though nobody got its output")
                outcome.record(f"sgbuild {' '.join(arguments)}, {stream} {kind}", troubles)
    return outcome


def with_output(place: Place, arguments: list[str], stream: str, kind: str) -> Ended:
    """Run it with one of its outputs in such a state."""
    number = {"stdout": 1, "stderr": 2}[stream]
    if kind == "closed":
        shell = f'exec "$@" {number}>&-'
        began = time.monotonic()
        done = subprocess.run(
            ["sh", "-c", shell, "sh", place.sgbuild, *arguments],
            cwd=place.project, env=place.environment(), capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr, time.monotonic() - began)
    if kind == "/dev/full":
        with open("/dev/full", "wb") as nowhere:
            return place.run(arguments, **{stream: nowhere})
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return place.run(arguments, **{stream: writer})
    finally:
        os.close(writer)


def unread(place: Place) -> Outcome:
    """A pipe that is full and that nobody reads: a signal ends it all the same."""
    outcome = Outcome("streams: stderr full and unread, then a signal")
    for each in (signal.SIGTERM, signal.SIGINT):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(writer, True)
        process = place.start(["dist", "--engine", "no-such-engine"], stderr=writer)
        time.sleep(0.5)
        process.send_signal(each)
        troubles = []
        try:
            process.communicate(timeout=3)
        except subprocess.TimeoutExpired:
            troubles.append("it goes on")
            process.kill()
            process.communicate()
        if left := session(process.pid):
            troubles.append(f"still running: {left}")
        os.close(reader)
        os.close(writer)
        outcome.record(each.name, troubles)
    return outcome


def odd_names(root: Path, sgbuild: str) -> Outcome:
    """Directories and files of odd names: done or refused, never raw on the terminal."""
    outcome = Outcome("names: odd ones of directories, modules and data")
    for number, odd in enumerate(ODD):
        for kind in ("directory", "module", "data"):
            place = Place(root / f"names-{number}-{kind}", sgbuild, f"attack-names-{number}")
            name = odd.replace(b"/", b"_")
            if kind == "directory":
                new = os.fsencode(place.root) + b"/" + name
                os.rename(os.fsencode(place.project), new)
                os.symlink(new, os.fsencode(place.project))
                directory = os.fsdecode(new)
            else:
                directory = str(place.project)
                end = b".py" if kind == "module" else b".txt"
                with open(os.fsencode(place.project) + b"/attacked/" + name + end, "w") as file:
                    file.write("X = 1\n")
                (place.project / "MANIFEST.in").write_text("graft attacked\n")
            for arguments in (["inspect", directory], ["dist", directory]):
                ended = place.run(arguments)
                outcome.record(f"{arguments[0]}, {kind} {odd!r}", shown_raw(ended, odd))
    return outcome


def odd_words(place: Place) -> Outcome:
    """Arguments and variables that are no text."""
    outcome = Outcome("names: odd arguments and variables")
    for odd in ODD:
        word = os.fsdecode(odd)
        for arguments in (
            ["dist", word],
            ["dist", "--tag", word],
            [word],
            ["explain", word],
            ["push", "--repository", word],
        ):
            outcome.record(f"sgbuild {arguments!r}", shown_raw(place.run(arguments), odd))
        for variable in (
            "SGBUILD_TAG",
            "SGBUILD_REPOSITORY",
            "SGBUILD_NO_SUCH",
            "HOME",
            "XDG_CACHE_HOME",
            "TMPDIR",
            "PATH",
        ):
            place.extra = {variable: word}
            outcome.record(f"{variable}={odd!r}", shown_raw(place.run(["dist"]), odd))
        place.extra = {}
    return outcome


def shown_raw(ended: Ended, odd: bytes) -> list[str]:
    """Whether it panicked, or wrote what moves a terminal."""
    troubles = [f"exit code {ended.code}: {ended.text()}"] if panicked(ended) or ended.code == -9 else []
    if odd in ended.stderr and odd not in (b"'\"`$(id)", b"a\nb"):
        troubles.append(f"raw on stderr: {ended.text()!r}")
    return troubles


def clocks(root: Path, sgbuild: str, chance: random.Random) -> Outcome:
    """Wrong ones, and ones that jump while it runs: the same bytes."""
    outcome = Outcome("clocks: wrong ones, and ones that jump")
    library = Path("/usr/lib") / str(sysconfig.get_config_var("MULTIARCH")) / "faketime" / "libfaketimeMT.so.1"
    if not library.exists():
        raise SystemExit("attack: libfaketime is missing: apt-get install faketime")
    place = Place(root / "clocks", sgbuild, "attack-clocks")
    push = [
        "push",
        "--engine",
        "native",
        "--no-train",
        "--repository",
        f"{os.environ['SGBUILD_TESTBED_REGISTRY']}/{place.name}",
    ]
    wanted = {}
    for arguments in (["dist"], push):
        ended = place.run(arguments)
        if ended.code != 0:
            raise SystemExit(f"attack: `sgbuild {' '.join(arguments)}` does not even work alone:\n{ended.text()}")
        wanted[arguments[0]] = (place.dist(), ended.stdout)
    for when in (
        "@1970-01-02 00:00:00",
        "@2037-12-31 00:00:00",
        "@2106-03-01 00:00:00",
        "-2h",
        "+2h",
        "+0 x50",
        "+0 x0.2",
    ):
        place.extra = {"LD_PRELOAD": str(library), "FAKETIME": when, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        shutil.rmtree(place.project / "dist")
        outcome.record(f"dist at {when}", same(place, place.run(["dist"]), wanted["dist"]))
    for when in ("-2h", "+2h"):
        place.extra["FAKETIME"] = when
        outcome.record(f"push at {when}", same(place, place.run(push), wanted["push"]))
    stamp = root / "time"
    for number in range(6):
        stamp.write_text("+0")
        place.extra = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(stamp), "FAKETIME_NO_CACHE": "1"}
        place.extra["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
        if number % 2:
            place.forget()
        process = place.start(push)
        time.sleep(chance.uniform(0, 0.5))
        jump = chance.choice(["-3h", "+3h", "-1d", "+1d"])
        stamp.write_text(jump)
        stdout, stderr = process.communicate(timeout=300)
        ended = Ended(process.returncode, stdout, stderr, 0)
        outcome.record(f"push, a jump of {jump}", same(place, ended, wanted["push"]))
    return outcome


def same(place: Place, ended: Ended, wanted: tuple[str | None, bytes]) -> list[str]:
    """Whether it made what it makes with a right clock."""
    # The testbed's certificate is as old as the testbed, and a clock before that is told so, as it has to be.
    if ended.code == 1 and b"certificate not valid yet" in ended.stderr:
        return []
    if ended.code != 0:
        return [f"exit code {ended.code}: {ended.text()}"]
    troubles = [] if place.dist() == wanted[0] else ["dist/ is another one"]
    return troubles if ended.stdout == wanted[1] else [*troubles, f"it says {ended.stdout!r} instead of {wanted[1]!r}"]
