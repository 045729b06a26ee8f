"""Types the commands of docs/tutorial.md, word by word, in an empty directory, and looks at what comes of them.

  python3 site/tutorial.py --sgbuild FILE [--write]

The testbed is the account (`tests/testbed/testbed env`), a directory is GitHub: that is environment, and not a word of
the text. A block whose introduction begins with a file's name is that file. In a `console` block a line that begins
with `$ ` is typed, in one shell for all of them, and what follows it is what the page promises. There, `…` stands for
anything, alone on a line for any lines; digests, dates, times and sizes need not be the same. `--write` puts what was
seen into the page instead.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from account import Played, alone, client, environment, forget_repository

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "tutorial.md"
# The names that the page uses.
STACK = "penguins-pipeline"
REPOSITORY = "penguins"
GITHUB = "ada/penguins.git"
HOME = "/home/ada"
# Seconds.
PATIENCE = 300
ANY = "…"

FENCE = re.compile(r"^```(\w*)$")
FILE = re.compile(r"^`([\w./-]+\.\w+)`")
MEANWHILE = re.compile(r"^<!-- meanwhile: run (\d+) -->$")
# What differs from one run to the next, and what stands for it where texts are compared.
VARIABLE = [
    (re.compile(r"sha256:[0-9a-f]{64}"), "DIGEST"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?"), "TIME"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{3,4}(-[0-9a-f]+)?\b"), "UUID"),
    (re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{8}\b"), "RUN"),
    # A name that CloudFormation makes ends in thirteen letters and digits.
    (re.compile(r"\b(penguins-pipeline-\w+)-[0-9A-Z]{12,13}\b"), r"\1-NAME"),
    # Also of seven or eight digits alone, as a commit may be.
    (re.compile(r"\b(?=\w*\d)[0-9a-f]{7,64}\b"), "HEX"),
    (re.compile(r"\b[a-f]{7,12}\b"), "HEX"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s|min|bytes|kB|MB|GB|MiB)(?!\w)"), r"NUMBER \2"),
    (re.compile(r"\s+"), " "),
]


@dataclass
class Typed:
    """A command, and what the page shows below it."""

    command: str
    line: int
    shown: list[str] = field(default_factory=list)


@dataclass
class File:
    """A file that the reader writes."""

    path: str
    text: str


@dataclass
class Wait:
    """Where the page lets time pass: until so many runs have ended."""

    runs: int


@dataclass
class Console:
    """A block of commands, and the lines that it takes in the page: counted from 0, without the fences."""

    begin: int
    end: int
    typed: list[Typed]


Step = Console | File | Wait


def steps(lines: list[str]) -> list[Step]:
    """The page, as a reader follows it."""
    found: list[Step] = []
    names: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if (named := FILE.match(line)) and (at == 0 or not lines[at - 1]):
            names = [named[1]]
        if wait := MEANWHILE.match(line):
            found.append(Wait(int(wait[1])))
        fence = FENCE.match(line)
        at += 1
        if not fence:
            continue
        end = lines.index("```", at)
        block = lines[at:end]
        if fence[1] == "console":
            found.append(Console(at, end, commands(block, at)))
        elif names:
            found.append(File(names.pop(), "".join(f"{each}\n" for each in block)))
        else:
            sys.exit(f"{PAGE}:{at}: a block that is neither commands nor introduced by a file's name")
        at = end + 1
    return found


def commands(block: list[str], first: int) -> list[Typed]:
    """What is typed in a console block; a backslash goes on in the next line."""
    found: list[Typed] = []
    goes_on = False
    for number, line in enumerate(block, first + 1):
        if goes_on:
            found[-1].command += "\n" + line
        elif line.startswith("$ "):
            found.append(Typed(line[2:], number))
        elif found:
            found[-1].shown.append(line)
        else:
            sys.exit(f"{PAGE}:{number}: output of no command")
        # Output may end in a backslash as well, which says nothing.
        goes_on = (goes_on or line.startswith("$ ")) and line.endswith("\\")
    return found


class Shell:
    """One bash, as long as the page."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, command: str) -> tuple[int, list[str]]:
        """A command's exit code and what it prints."""
        end = f"--- {time.monotonic_ns()}"
        self.process.stdin.write(f"{command}\nprintf '\\n%s %s\\n' '{end}' $?\n")
        self.process.stdin.flush()
        lines: list[str] = []
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line.startswith(end):
                # The line break before the mark is ours, where the command has ended its last line.
                if lines and not lines[-1]:
                    lines.pop()
                return int(line.rsplit(" ", 1)[1]), lines
            lines.append(line)
        sys.exit(f"tutorial: the shell ended in: {command}")

    def close(self) -> None:
        """The end of the page."""
        self.process.stdin.close()
        self.process.wait()


class Account:
    """What AWS and GitHub do by themselves, by the testbed."""

    def __init__(self, github: Path) -> None:
        self.played = Played("tutorial")
        self.github = github

    def prepare(self) -> None:
        """An account that has not seen the tutorial, and an empty repository."""
        self.played.end()
        client("cloudformation").delete_stack(StackName=STACK)
        forget_repository(REPOSITORY)
        self.github.parent.mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch", "main", self.github], check=True)

    def launched(self) -> None:
        """From here on, AWS acts by itself; it waits two seconds for more data, not a minute."""
        self.played.begin(stack=STACK, source=str(self.github), fresh_pull=True, batching_window=2)

    def wait(self, runs: int) -> None:
        """Until so many trainings have ended and were told of."""
        resource = client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId="MetadataTable")
        table = resource["StackResourceDetail"]["PhysicalResourceId"]
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            history = self.played.history()
            for build in history["builds"]:
                if build["status"] not in ("IN_PROGRESS", "SUCCEEDED"):
                    sys.exit(f"tutorial: a build ended with {build['status']}:\n{Path(build['log']).read_text()}")
            if history["denied"] or history["troubles"]:
                sys.exit(f"tutorial: {json.dumps(history, indent=2)}")
            if sum("notified_at" in each for each in client("dynamodb").scan(TableName=table)["Items"]) >= runs:
                return
            time.sleep(0.3)
        sys.exit(f"tutorial: run {runs} did not end within {PATIENCE} s: {json.dumps(history, indent=2)}")


def comparable(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, word in VARIABLE:
        line = pattern.sub(word, line)
    return line.strip()


def agree(shown: list[str], seen: list[str]) -> bool:
    """Whether a page's lines are what was seen."""
    parts = []
    for line in shown:
        parts.append(r"(?:.*\n)*" if line == ANY else ".*".join(map(re.escape, comparable(line).split(ANY))) + r"\n")
    return re.fullmatch("".join(parts), "".join(f"{comparable(line)}\n" for line in seen)) is not None


def elided(shown: list[str], seen: list[str]) -> list[str]:
    """What was seen, with as much left out as the page leaves out.

    Of its first lines and its last as many are kept, and between them those that are like the page's.
    """
    pieces = [list(lines) for left_out, lines in groupby(shown, key=lambda line: line == ANY) if not left_out]
    head = [] if shown[0] == ANY else seen[: len(pieces.pop(0))]
    tail = [] if shown[-1] == ANY else seen[-len(pieces.pop()) :]
    kept = head
    for piece in pieces:
        alike = [close[0] for line in piece if (close := difflib.get_close_matches(line, seen, 1))]
        kept += [ANY, *alike]
    return [*kept, ANY, *tail]


def follow(sgbuild: Path) -> tuple[list[tuple[Console, list[list[str]]]], list[str]]:
    """Every block with what its commands printed, and what is wrong with it."""
    blocks, wrong = [], []
    with tempfile.TemporaryDirectory(prefix="sgbuild-tutorial-") as scratch:
        directory = Path(scratch, "home")
        account = Account(Path(scratch, "github", GITHUB))
        shell = Shell(Path(scratch), environment(sgbuild, Path(scratch), Path(scratch, "github")))
        shell.type(f"cd {shlex.quote(str(directory))}")
        account.prepare()
        try:
            for step in steps(PAGE.read_text().splitlines()):
                if isinstance(step, Wait):
                    account.wait(step.runs)
                elif isinstance(step, File):
                    shell.type(f"cat > {shlex.quote(step.path)} <<'END OF FILE'\n{step.text}END OF FILE")
                else:
                    seen = [said(shell, typed, account, directory, wrong) for typed in step.typed]
                    blocks.append((step, seen))
        finally:
            shell.close()
            account.played.end()
    return blocks, wrong


def said(shell: Shell, typed: Typed, account: Account, directory: Path, wrong: list[str]) -> list[str]:
    """What a command printed; what it should not have done goes to `wrong`."""
    begun = time.monotonic()
    code, lines = shell.type(typed.command)
    seen = [line.replace(str(directory), HOME) for line in lines]
    print(f"{time.monotonic() - begun:6.1f} s  {typed.command.splitlines()[0]}", flush=True)
    if code != 0:
        text = "\n".join(lines)
        sys.exit(f"{PAGE}:{typed.line}: exit code {code}: {typed.command}\n{text}")
    if not agree(typed.shown, seen):
        sees = "\n  ".join(["", *seen])
        wrong.append(f"{PAGE}:{typed.line}: `{typed.command}` prints something else than the page shows:{sees}")
    if typed.command.startswith("sgbuild launch"):
        account.launched()
    return seen


def written(lines: list[str], blocks: list[tuple[Console, list[list[str]]]]) -> list[str]:
    """The page with what was seen; where page and sight agree, it stays as it is."""
    for console, outputs in reversed(blocks):
        block: list[str] = []
        for typed, seen in zip(console.typed, outputs, strict=True):
            block += f"$ {typed.command}".splitlines()
            if agree(typed.shown, seen):
                block += typed.shown
            else:
                block += elided(typed.shown, seen) if ANY in typed.shown else seen
        lines[console.begin : console.end] = block
    return lines


def main() -> None:
    """Follow the page, and tell where it is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sgbuild", type=Path, required=True)
    parser.add_argument("--write", action="store_true", help="put what was seen into the page")
    given = parser.parse_args()
    with alone():
        blocks, wrong = follow(given.sgbuild)
    if given.write:
        lines = written(PAGE.read_text().splitlines(), blocks)
        PAGE.write_text("".join(f"{line}\n" for line in lines))
        return
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{PAGE.relative_to(ROOT)}: {sum(len(block.typed) for block, _ in blocks)} commands did what the page says")


if __name__ == "__main__":
    main()
