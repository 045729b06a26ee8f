"""Records docs/pictures/session.svg: a real session on the testbed, in a terminal that pyte emulates.

  python3 site/record.py --sgbuild FILE        (as `make docs-pictures` does; needs `tests/testbed/testbed env`)

What is typed is in SESSION; what is printed is what was printed, pauses of more than a second aside. The picture plays
once and ends with the whole session in sight; readers whose system asks for less motion see the end at once.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import pyte
from account import Played, alone, client, environment, forget_repository

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "pictures" / "session.svg"
PROJECT = "iris-classifier"
SESSION = [
    "IMAGE=$(sgbuild push --no-train)",
    "sed -i 's/max_depth: int = 3/max_depth: int = 4/' irisclassifier/train.py",
    "IMAGE=$(sgbuild push --wait)",
]
PROMPT = "$ "
# What the home directory is called in the picture.
HOME = b"/home/ada"
COLUMNS, ROWS = 104, 60
# Seconds: how long a key takes, how much of a pause is kept, how long a command may take.
KEY, PAUSE, PATIENCE = 0.03, 1.0, 600
LETTER, LINE, MARGIN, SIZE = 7.8, 18, 16, 13
STYLE = """
text {
  font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  white-space: pre;
  fill: #1f2328;
}
.card { fill: #f6f8fa; stroke: #d1d9e0 }
.bold { font-weight: 700 }
.red { fill: #cf222e } .green { fill: #116329 } .brown { fill: #7d4e00 }
.blue { fill: #0969da } .magenta { fill: #8250df } .cyan { fill: #1b7c83 }
.dim { fill: #59636e }
.stays { animation: appear 1ms backwards }
.passes { opacity: 0; animation-name: pass }
@keyframes appear { from { opacity: 0 } }
@keyframes pass { from, to { opacity: 1 } }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .card { fill: #0d1117; stroke: #3d444d }
  .red { fill: #ff7b72 } .green { fill: #3fb950 } .brown { fill: #d29922 }
  .blue { fill: #58a6ff } .magenta { fill: #bc8cff } .cyan { fill: #39c5cf }
  .dim { fill: #9198a1 }
}
@media (prefers-reduced-motion: reduce) { .stays, .passes { animation: none } }
"""

# A row of the screen: pieces of one style, with the column where each begins.
Row = tuple[tuple[int, str, str], ...]


@dataclass
class Shown:
    """What a row has shown from one moment on, until another one; None is the end."""

    number: int
    row: Row
    begin: float
    end: float | None = None


class Recorder:
    """A terminal, and what each of its rows has shown."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.now = 0.0
        self.shown: list[Shown] = []
        self.current: dict[int, Shown] = {}

    def feed(self, data: bytes, pause: float) -> None:
        """What a program has printed after a pause."""
        self.now += min(pause, PAUSE)
        self.stream.feed(data)
        for number in sorted(self.screen.dirty):
            row = self._row(number)
            before = self.current.get(number)
            if before and before.row == row:
                continue
            if before:
                before.end = self.now
            self.current[number] = Shown(number, row, self.now)
            self.shown.append(self.current[number])
        self.screen.dirty.clear()

    def _row(self, number: int) -> Row:
        pieces: list[tuple[int, str, str]] = []
        cells = self.screen.buffer[number]
        for column in range(COLUMNS):
            cell = cells[column]
            kind = " ".join(filter(None, ("bold" if cell.bold else "", "" if cell.fg == "default" else cell.fg)))
            if pieces and pieces[-1][1] == kind:
                pieces[-1] = (pieces[-1][0], kind, pieces[-1][2] + cell.data)
            else:
                pieces.append((column, kind, cell.data))
        stripped = [(column, kind, text.rstrip()) for column, kind, text in pieces]
        return tuple((column, kind, text) for column, kind, text in stripped if text)


def record(shell: dict[str, str], directory: Path) -> Recorder:
    """The session, typed into a shell of its own."""
    recorder = Recorder()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(directory)
        os.execvpe("bash", ["bash", "--noprofile", "--norc"], shell)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    # The shell's own echo would come at once and not as if typed.
    attributes = termios.tcgetattr(terminal)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
    until_prompt(terminal, recorder, shell["HOME"])
    for command in SESSION:
        for key in command:
            recorder.feed(key.encode(), KEY)
        os.write(terminal, f"{command}\n".encode())
        until_prompt(terminal, recorder, shell["HOME"])
        recorder.now += PAUSE
    os.write(terminal, b"exit\n")
    os.waitpid(child, 0)
    os.close(terminal)
    return recorder


def until_prompt(terminal: int, recorder: Recorder, home: str) -> None:
    """What comes until the shell waits again."""
    last, tail = time.monotonic(), b""
    while not tail.endswith(PROMPT.encode()):
        ready, _, _ = select.select([terminal], [], [], PATIENCE)
        if not ready:
            sys.exit(f"record: no prompt within {PATIENCE} s")
        data = os.read(terminal, 4096).replace(home.encode(), HOME)
        recorder.feed(data, time.monotonic() - last)
        last = time.monotonic()
        tail = (tail + data)[-64:]


def drawn(recorder: Recorder) -> str:
    """The recording as SVG."""
    ends = [each for each in recorder.shown if each.row]
    rows = 1 + max(each.number for each in ends if each.end is None)
    width, height = COLUMNS * LETTER + 2 * MARGIN, rows * LINE + 2 * MARGIN
    title = "A recorded session: sgbuild push builds and pushes an image; after a change again, with the training's log"
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="10"/>',
    ]
    for each in ends:
        if each.number >= rows or (each.end is not None and each.end - each.begin < 0.01):
            continue
        y = MARGIN + each.number * LINE + SIZE
        delay = f"animation-delay:{each.begin:.2f}s"
        if each.end is None:
            lines.append(f'<g class="stays" style="{delay}">')
        else:
            lines.append(f'<g class="passes" style="{delay};animation-duration:{each.end - each.begin:.2f}s">')
        for column, kind, text in each.row:
            css = f' class="{kind}"' if kind else ""
            place = f'x="{MARGIN + column * LETTER:g}" y="{y:g}" textLength="{len(text) * LETTER:g}"'
            lines.append(f'<text{css} {place} lengthAdjust="spacingAndGlyphs">{escape(text)}</text>')
        lines.append("</g>")
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    """Prepare a place, record, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sgbuild", type=Path, required=True)
    sgbuild = parser.parse_args().sgbuild.resolve()
    with alone(), tempfile.TemporaryDirectory(prefix="sgbuild-session-") as scratch:
        shell = environment(sgbuild, Path(scratch), Path(scratch, "github"))
        project = Path(scratch, "home", PROJECT)
        shutil.copytree(ROOT / "fixtures" / PROJECT, project)
        for command in (["git", "init", "--quiet"], ["git", "add", "."], ["git", "commit", "--quiet", "-m", "First"]):
            subprocess.run(command, cwd=project, env=shell, check=True)
        # The wheels are known from other work on this machine; this package has never been built.
        other = Path(scratch, "other")
        shutil.copytree(project, other)
        subprocess.run(["sgbuild", "build", "--quiet"], cwd=other, env=shell, stdout=subprocess.DEVNULL, check=True)
        forget_repository(PROJECT)
        played = Played("iris")
        made = played.begin(binary=str(sgbuild), source=str(project))
        data = (project / "data/input/data/training/iris.csv").read_bytes()
        client("s3").put_object(Bucket=made["input_bucket"], Key="input/data/training/iris.csv", Body=data)
        settings = {
            "SGBUILD_FUNCTION": made["functions"]["start_training"],
            "SGBUILD_SOURCE_BUCKET": made["input_bucket"],
            "SGBUILD_OUTPUT_BUCKET": made["artifact_bucket"],
            "SGBUILD_ROLE": made["role"],
        }
        try:
            recorder = record(shell | settings | {"TERM": "xterm-256color", "PS1": PROMPT}, project)
        finally:
            played.end()
    OUT.write_text(drawn(recorder))
    print(f"{OUT.relative_to(ROOT)}: {recorder.now:.0f} s")


if __name__ == "__main__":
    main()
