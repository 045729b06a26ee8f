"""Makes the documentation's site: the pages of docs/, what is generated of the program, and mdBook over both.

  python3 site/build.py --sgbuild FILE --out DIRECTORY

The pages stay what GitHub shows: a link from one file to another is turned here into one from page to page. Each is
looked up on the way: a file or a heading that is not there fails. SOURCE_URL, such as https://github.com/OWNER/sgbuild,
is where links to directories of sources lead; without it they are only named.
"""

from __future__ import annotations

import argparse
import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import reference

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
# The parts of the site, and the sources of their pages in order. A name without a suffix is a directory: of pages that
# are written by hand (`docs/errors`), or that reference.py makes (`commands`).
CONTENTS = {
    "": ["README.md"],
    "Start": ["docs/getting-started.md", "docs/install.md", "docs/tutorial.md", "docs/how-it-works.md"],
    "Use": [
        "docs/container.md",
        "docs/serving.md",
        "docs/local.md",
        "docs/pipeline.md",
        "docs/runs.md",
        "docs/github-actions.md",
        "docs/codebuild.md",
        "docs/check.md",
        "docs/operations.md",
        "docs/migration.md",
    ],
    "Reference": [
        "docs/configuration.md",
        "settings.md",
        "commands",
        "exit-codes.md",
        "docs/errors",
        "docs/rules",
        "docs/reading.md",
    ],
    "Background": ["docs/security.md", "docs/bench.md", "CHANGELOG.md"],
    "Work on it": ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"],
}
# Where a page of the site is not named as its source.
NAMED = {"SECURITY.md": "reporting.md"}
TITLES = {
    "README.md": "sgbuild",
    "SECURITY.md": "Reporting a vulnerability",
    "CHANGELOG.md": "Changes",
    "docs/bench.md": "Beside the alternatives",
}
# Pictures that keep their size, and scroll where they are wider than the page.
WIDE = {"session.svg", "pushing.svg"}

FENCE = re.compile(r"^\s*(```|~~~)")
# Inline code, which has no links in it; or a link or picture: its text, its target.
LINK = re.compile(
    r"(?P<code>`+)(?:.|\n)*?(?P=code)"
    r"|(?P<mark>!?)\[(?P<text>(?:`[^`]*`|[^\[\]]|\[[^\]]*\]\([^)]*\))*)\]\((?P<target>[^()\s]+)\)"
)
HEADING = re.compile(r"^(#{1,6}) +(.*?)(?: #+)?$")


@dataclass
class Page:
    """A page of the site."""

    # Its file in the repository, or the name of one that is generated.
    source: str
    # Its file in the book.
    place: str
    text: str

    @property
    def title(self) -> str:
        """What the list of pages calls it."""
        heading = next((found[2] for line in self.text.splitlines() if (found := HEADING.match(line))), self.source)
        return TITLES.get(self.source, heading)


@dataclass
class Site:
    """All pages, and what is wrong with them."""

    pages: dict[str, Page]
    staging: Path
    source_url: str
    wrong: list[str] = field(default_factory=list)

    def stage(self) -> None:
        """Write every page with the links that it has in the site, and what they lead to."""
        for page in self.pages.values():
            path = self.staging / page.place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.linked(page))

    def linked(self, page: Page) -> str:
        """A page's text with its links."""
        return "".join(
            part if code else LINK.sub(lambda found: self.link(page, found), part) for code, part in parts(page.text)
        )

    def link(self, page: Page, found: re.Match[str]) -> str:
        """One link, or inline code as it is."""
        if found["code"]:
            return found[0]
        target = found["target"]
        text = LINK.sub(lambda inner: self.link(page, inner), found["text"])
        if re.match(r"[a-z]+:", target):
            return f"{found['mark']}[{text}]({target})"
        path, _, anchor = target.partition("#")
        source = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path)) if path else page.source
        place = self.place(page, target, source, anchor)
        if place is None:
            return text
        if not re.match(r"[a-z]+:", place):
            place = posixpath.relpath(place, posixpath.dirname(page.place) or ".")
        if found["mark"] and posixpath.basename(source) in WIDE:
            return f'<div class="wide"><img src="{place}" alt="{text}"></div>'
        return f"{found['mark']}[{text}]({place}{'#' + anchor if anchor else ''})"

    def place(self, page: Page, target: str, source: str, anchor: str) -> str | None:
        """Where a link leads in the site; None where it leads nowhere there."""
        known = self.pages.get(source) or self.pages.get(f"{source}/README.md")
        if known:
            if anchor and anchor not in anchors(known.text):
                self.wrong.append(f"{page.source}: {target}: {known.source} has no heading #{anchor}")
            return known.place
        file = ROOT / source
        if file.is_file() and not source.startswith(".."):
            # Browsers show text, and save what they do not know.
            place = source.removeprefix("docs/") if file.suffix in (".svg", ".png") else f"files/{source}.txt"
            (self.staging / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, self.staging / place)
            return place
        if file.is_dir():
            return f"{self.source_url}/tree/main/{source}" if self.source_url else None
        self.wrong.append(f"{page.source}: {target}: there is no such file")
        return None


def parts(text: str) -> Iterable[tuple[bool, str]]:
    """A text in pieces: whether each is a block of code, and the piece."""
    piece: list[str] = []
    end = ""
    for line in text.splitlines(keepends=True):
        fence = FENCE.match(line)
        if not end and fence:
            yield False, "".join(piece)
            piece, end = [line], fence[1]
        elif end and fence and fence[1] == end:
            yield True, "".join([*piece, line])
            piece, end = [], ""
        else:
            piece.append(line)
    yield bool(end), "".join(piece)


def anchors(text: str) -> set[str]:
    """What a page's headings are called in addresses, by GitHub and mdBook alike."""
    found: dict[str, int] = {}
    for code, part in parts(text):
        for line in [] if code else part.splitlines():
            if heading := HEADING.match(line):
                shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[2]).lower()
                slug = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
                found[slug] = found.get(slug, -1) + 1
    return {slug if number == 0 else f"{slug}-{number}" for slug, last in found.items() for number in range(last + 1)}


def gather(made: dict[str, str]) -> dict[str, list[Page]]:
    """The site's parts with their pages, of files and of what was made."""
    written = {str(path.relative_to(ROOT)): path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]}
    texts = made | {source: path.read_text() for source, path in written.items()}
    book: dict[str, list[Page]] = {}
    for part, sources in CONTENTS.items():
        book[part] = []
        for source in sources:
            names = [source] if source.endswith(".md") else within(source, texts)
            book[part] += [Page(name, NAMED.get(name, place(name)), texts.pop(name)) for name in names]
    if texts:
        sys.exit(f"site/build.py: CONTENTS has no place for {', '.join(sorted(texts))}")
    return book


def within(directory: str, texts: dict[str, str]) -> list[str]:
    """The pages of a directory: the one about all of them, and the others in the order in which that names them."""
    names = sorted(name for name in texts if name.startswith(f"{directory}/"))
    index = f"{directory}/README.md"
    about = texts.get(index, "")

    def order(name: str) -> tuple[bool, int]:
        at = about.find(f"({posixpath.basename(name)})")
        return name != index, at if at >= 0 else len(about)

    return sorted(names, key=order)


def place(source: str) -> str:
    """A page's file in the book; the one about a directory is its index."""
    name = source.removeprefix("docs/") if source.startswith("docs/") else source.lower()
    return re.sub(r"\breadme\.md$", "index.md", name, flags=re.IGNORECASE)


def summary(book: dict[str, list[Page]]) -> str:
    """mdBook's list of pages. https://rust-lang.github.io/mdBook/format/summary.html"""
    lines = ["# Summary", ""]
    for part, pages in book.items():
        if part:
            lines += ["", f"# {part}", ""]
        for page in pages:
            # A page within a directory that has a page about all of it is below that.
            below = "/" in page.place and not page.place.endswith("/index.md")
            entry = f"[{page.title.replace('[', '(').replace(']', ')')}]({page.place})"
            lines.append(f"{'  ' if below else ''}- {entry}" if part else entry)
    return "\n".join([*lines, ""])


def main() -> None:
    """Bring the pages together and let mdBook do its part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sgbuild", type=Path, required=True, help="the program whose help becomes the reference")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    staging = given.out.with_name(f"{given.out.name}-source").resolve()
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    book = gather(reference.pages(given.sgbuild.resolve(), (ROOT / "docs" / "configuration.md").read_text()))
    pages = {page.source: page for each in book.values() for page in each}
    site = Site(pages, staging, os.environ.get("SOURCE_URL", "").rstrip("/"))
    site.stage()
    if site.wrong:
        sys.exit("\n".join(site.wrong))
    (staging / "SUMMARY.md").write_text(summary(book))
    for name in ("book.toml", "site.css"):
        shutil.copyfile(HERE / name, staging / name)
    shutil.rmtree(given.out, ignore_errors=True)
    built = subprocess.run(
        ["mdbook", "build", "--dest-dir", given.out.resolve(), staging], capture_output=True, text=True, check=False
    )
    complaints = [line for line in built.stderr.splitlines() if line.lstrip().startswith(("WARN", "ERROR"))]
    if built.returncode != 0 or complaints:
        sys.exit(f"mdbook ended with {built.returncode}:\n{built.stderr}")
    print(f"{len(pages)} pages in {given.out}")


if __name__ == "__main__":
    main()
