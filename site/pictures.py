"""Draws the pictures of the documentation: python3 site/pictures.py writes docs/pictures/*.svg.

Each is a card with a ground of its own, so that it can be read on any page, and 440 wide, so that a phone shows its
letters at some ten pixels. It asks the reader's system for light or dark, and for letters.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

OUT = Path(__file__).resolve().parent.parent / "docs" / "pictures"
WIDTH = 440
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.name { font-weight: 600; font-size: 14px }
.quiet { fill: #59636e }
.card { fill: #ffffff; stroke: #d1d9e0 }
.box { fill: #f6f8fa; stroke: #afb8c1 }
.ours { fill: #ddf4ff; stroke: #54aeff }
.line { stroke: #59636e; fill: none; stroke-width: 1.4 }
.tip { fill: #59636e }
.new { fill: #1f6feb }
.same { fill: none; stroke: #afb8c1; stroke-width: 1.4 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9198a1 }
  .card { fill: #0d1117; stroke: #3d444d }
  .box { fill: #161b22; stroke: #4b535d }
  .ours { fill: #0c2d54; stroke: #388bfd }
  .line { stroke: #9198a1 }
  .tip { fill: #9198a1 }
  .new { fill: #58a6ff }
  .same { stroke: #59636e }
}
"""


class Picture:
    """A card to draw on."""

    def __init__(self, title: str, height: int) -> None:
        self.title, self.height = title, height
        self.parts: list[str] = []

    def text(self, x: float, y: float, content: str, kind: str = "", anchor: str = "middle") -> None:
        """One line of text."""
        css = f' class="{kind}"' if kind else ""
        self.parts.append(f'<text x="{x:g}" y="{y:g}"{css} text-anchor="{anchor}">{escape(content)}</text>')

    def box(self, x: float, y: float, width: float, height: float, name: str, *more: str, kind: str = "box") -> None:
        """A box with a name, and lines of text below it."""
        self.parts.append(f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>')
        top = y + height / 2 + 5 - 9 * len(more)
        self.text(x + width / 2, top, name, "name")
        for number, line in enumerate(more, 1):
            self.text(x + width / 2, top + 18 * number, line, "quiet")

    def arrow(self, *points: tuple[float, float]) -> None:
        """A line through the points, with a tip at its end."""
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        (ax, ay), (bx, by) = points[-2], points[-1]
        dx, dy = (bx > ax) - (bx < ax), (by > ay) - (by < ay)
        (lx, ly), (rx, ry) = ((bx - 8 * dx + side * 4.5 * dy, by - 8 * dy + side * 4.5 * dx) for side in (-1, 1))
        wings = f"{lx:g} {ly:g} L{rx:g} {ry:g}"
        self.parts.append(f'<path class="line" d="{path}"/><path class="tip" d="M{bx:g} {by:g} L{wings} Z"/>')

    def mark(self, x: float, y: float, *, new: bool) -> None:
        """A dot: full for what is made anew, empty for what stays."""
        self.parts.append(f'<circle class="{"new" if new else "same"}" cx="{x:g}" cy="{y:g}" r="6"/>')

    def write(self, name: str) -> None:
        """The file."""
        opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}"'
        lines = [
            f'{opening} height="{self.height}" role="img" aria-label="{escape(self.title)}">',
            f"<title>{escape(self.title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{self.height - 1}" rx="10"/>',
            *self.parts,
            "</svg>",
            "",
        ]
        (OUT / name).write_text("\n".join(lines))


def pipeline() -> None:
    """The whole way, from a change to a model."""
    picture = Picture("From a commit or new data to a trained model, its record and a mail", 474)
    for x, name, more in ((16, "git push", "a commit"), (156, "upload", "new data"), (296, "schedule", "if you like")):
        picture.box(x, 16, 128, 50, name, more)
        picture.arrow((x + 64, 66), (x + 64, 96))
    says = ("reads setup.py, makes the image, sends what is new", "in CodeBuild, or in your own shell")
    picture.box(16, 96, 408, 74, "sgbuild push", *says, kind="ours")
    picture.arrow((220, 170), (220, 200))
    picture.box(16, 200, 408, 50, "ECR", "the image, known by its digest from here on")
    picture.arrow((220, 250), (220, 294))
    picture.text(232, 277, "by start_training, a Lambda", "quiet", "start")
    picture.box(16, 294, 408, 50, "SageMaker", "runs your train() on the data in S3")
    boxes = (
        (16, "model", "in S3", "box"),
        (156, "record", "sgbuild runs", "ours"),
        (296, "mail", "how it ended", "ours"),
    )
    for x, name, more, kind in boxes:
        picture.arrow((x + 64, 344), (x + 64, 374))
        picture.box(x, 374, 128, 50, name, more, kind=kind)
    picture.text(220, 454, "blue: what sgbuild does; its functions are the same program", "quiet")
    picture.write("pipeline.svg")


def image() -> None:
    """What an image is made of, and what is made anew when something changes."""
    picture = Picture("How an image comes to be, and what is made anew when something changes", 520)
    picture.box(
        16, 16, 408, 50, "setup.py, pyproject.toml, a lock file", "read without running them where that is certain"
    )
    picture.arrow((220, 66), (220, 92))
    picture.box(16, 92, 408, 50, "wheel and sdist", "of the package; requirements are resolved to wheels", kind="ours")
    picture.arrow((108, 142), (108, 216))
    columns = {246: ("nothing", ""), 308: ("a line", "of code"), 378: ("one more", "requirement")}
    picture.text(424, 168, "what changed:", "quiet", "end")
    for x, lines in columns.items():
        for number, line in enumerate(lines):
            picture.text(x, 190 + 17 * number, line)
    rows = (
        ("manifest, config", "ours", (False, True, True)),
        ("package, run.py", "ours", (False, True, True)),
        ("byte code", "ours", (False, False, True)),
        ("requirements", "ours", (False, False, True)),
        ("base image", "box", (False, False, False)),
    )
    y = 216
    for name, kind, news in rows:
        picture.box(16, y, 184, 36, name, kind=kind)
        for x, new in zip(columns, news, strict=True):
            picture.mark(x, y + 18, new=new)
        y += 40
    picture.text(108, y + 20, "the image's layers", "quiet")
    picture.mark(232, y + 15, new=True)
    picture.text(244, y + 20, "made and sent:", "quiet", "start")
    picture.text(244, y + 38, "of requirements and byte", "quiet", "start")
    picture.text(244, y + 56, "code, one layer each", "quiet", "start")
    picture.mark(232, y + 75, new=False)
    picture.text(244, y + 80, "known, and there already", "quiet", "start")
    picture.write("image.svg")


def wheel_layer() -> None:
    """How a wheel becomes a layer without being compressed again."""
    picture = Picture("The compressed files of a wheel are those of its layer", 384)
    picture.text(104, 34, "a wheel", "name")
    picture.text(104, 52, "(zip archive)", "quiet")
    picture.text(336, 34, "its layer", "name")
    picture.text(336, 52, "(tar, in gzip members)", "quiet")
    y = 68
    for name in ("array.py", "core.so", "METADATA"):
        picture.box(16, y, 176, 26, "zip header")
        picture.box(248, y, 176, 26, "tar header, gzip")
        picture.box(16, y + 28, 176, 40, name, "deflated", kind="ours")
        picture.box(248, y + 28, 176, 40, name, "deflated", kind="ours")
        picture.arrow((192, y + 48), (248, y + 48))
        y += 80
    picture.box(16, y, 176, 26, "list of files")
    picture.box(248, y, 176, 26, "RECORD, end")
    picture.text(220, 352, "Blue bytes are copied as they are; only headers are new.", "quiet")
    picture.text(220, 370, "Made while it is sent, and never stored.", "quiet")
    picture.write("wheel-layer.svg")


def stack() -> None:
    """The functions and events of the launched stack."""
    picture = Picture("The launched stack: what tells whom, and where it is kept", 726)
    picture.box(34, 16, 118, 50, "GitHub", "a push")
    picture.box(166, 16, 118, 50, "EventBridge", "a schedule")
    picture.box(306, 16, 118, 50, "input bucket", "an upload")
    picture.arrow((365, 66), (365, 92))
    picture.box(306, 92, 118, 50, "queue", "gathers files")
    picture.arrow((365, 142), (365, 168))
    picture.box(306, 168, 118, 50, "data_trigger", "Lambda", kind="ours")
    picture.arrow((93, 66), (93, 168))
    picture.arrow((225, 66), (225, 168))
    picture.arrow((306, 193), (284, 193))
    picture.box(34, 168, 250, 50, "CodeBuild", "runs sgbuild push", kind="ours")
    picture.arrow((93, 218), (93, 262))
    picture.arrow((225, 218), (225, 262))
    picture.text(232, 244, "invokes", "quiet", "start")
    picture.box(34, 262, 118, 50, "ECR", "the image")
    picture.box(166, 262, 118, 50, "start_training", "Lambda", kind="ours")
    picture.arrow((284, 287), (306, 287))
    picture.arrow((93, 312), (93, 356))
    picture.arrow((225, 312), (225, 356))
    picture.text(232, 338, "creates", "quiet", "start")
    picture.box(34, 356, 250, 50, "SageMaker", "a training job")
    picture.arrow((93, 406), (93, 450))
    picture.arrow((225, 406), (225, 450))
    picture.text(232, 432, "its end", "quiet", "start")
    picture.box(34, 450, 118, 50, "model bucket", "model.tar.gz")
    picture.box(166, 450, 118, 50, "EventBridge", "and hourly")
    picture.arrow((93, 500), (93, 544))
    picture.arrow((225, 500), (225, 544))
    picture.box(34, 544, 250, 50, "record_result", "Lambda", kind="ours")
    picture.arrow((284, 569), (306, 569))
    picture.box(306, 262, 118, 332, "table of runs", "DynamoDB", "", "sgbuild runs")
    picture.arrow((159, 594), (159, 638))
    picture.text(168, 620, "once for each run", "quiet", "start")
    picture.arrow((34, 193), (16, 193), (16, 663), (34, 663))
    picture.box(34, 638, 250, 50, "SNS", "mails: trainings, failed builds")
    picture.text(220, 710, "blue: sgbuild, the same program in each place", "quiet")
    picture.write("stack.svg")


ALL = (pipeline, image, wheel_layer, stack)

if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for draw in ALL:
        draw()
