"""What makes and checks the documentation, on small pages: python3 -m unittest discover --start-directory site."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import build
import pictures
import reference
import tutorial

HELP = """\
Build it

Usage: sgbuild build [OPTIONS] [DIR]

Arguments:
  [DIR]
          The project's directory

          [default: .]

Options:
  -h, --help
          Print help

Output:
      --engine <ENGINE>
          What builds: `auto` or <other>, which
          is a longer text [default: auto]

          Possible values:
          - auto: Whichever can
          - docker: The daemon
"""


class Links(unittest.TestCase):
    """From files to pages."""

    def site(self, **texts: str) -> build.Site:
        """A site of these pages of docs/."""
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        pages = {f"docs/{name}.md": build.Page(f"docs/{name}.md", f"{name}.md", text) for name, text in texts.items()}
        pages["README.md"] = build.Page("README.md", "index.md", "# Read\n\n## It's [here](x), `code`\n")
        return build.Site(pages, Path(scratch.name), "")

    def linked(self, text: str) -> tuple[str, list[str]]:
        """What becomes of a page, and what is wrong with it."""
        site = self.site(a=text, b="# B\n\n## Two words\n")
        return site.linked(site.pages["docs/a.md"]), site.wrong

    def test_pages(self) -> None:
        """Links to pages lead to pages."""
        text = "[b](b.md#two-words), [r](../README.md#its-here-code), [w](https://example.com/b.md)"
        self.assertEqual(
            self.linked(text),
            ("[b](b.md#two-words), [r](index.md#its-here-code), [w](https://example.com/b.md)", []),
        )

    def test_dead(self) -> None:
        """A link to nothing is told, with its page."""
        _, wrong = self.linked("[a](none.md), [b](b.md#three), [c](#none)")
        self.assertEqual(
            wrong,
            [
                "docs/a.md: none.md: there is no such file",
                "docs/a.md: b.md#three: docs/b.md has no heading #three",
                "docs/a.md: #none: docs/a.md has no heading #none",
            ],
        )

    def test_code(self) -> None:
        """What looks like a link in code is none."""
        text = "`[a](none.md)`\n\n```\n[a](none.md)\n```\n"
        self.assertEqual(self.linked(text), (text, []))

    def test_files(self) -> None:
        """Text files come along, directories are only named."""
        text, wrong = self.linked("[l](../LICENSE), [the fixture](../fixtures/iris-classifier)")
        self.assertEqual((text, wrong), ("[l](files/LICENSE.txt), the fixture", []))

    def test_same_heading_twice(self) -> None:
        """The second one has a number."""
        self.assertEqual(build.anchors("# A\n## B c\n## B c\n```\n# not\n```\n"), {"a", "b-c", "b-c-1"})


class Reference(unittest.TestCase):
    """From help to pages."""

    def test_help(self) -> None:
        """Arguments are definitions; what every command takes is left out, and nothing is a mark by accident."""
        self.assertEqual(
            reference.finished(reference.described(HELP, 2)),
            """\
Build it

```text
sgbuild build [OPTIONS] [DIR]
```

## Arguments

`[DIR]`
:   The project's directory

    Default: `.`

## Output

`--engine <ENGINE>`
:   What builds: `auto` or \\<other\\>, which is a longer text (default: `auto`)

    Possible values:

    - auto: Whichever can
    - docker: The daemon
""",
        )

    def test_settings(self) -> None:
        """They are sorted, and lead to their sections; links of their texts lead on."""
        rows = "| `b` | `B` | | | See [c](#x-y) |\n| `a` † | `A` | `--a` | 1 | \\| [d](reading.md) |\n"
        page = reference.settings(f"## My part\n\n{reference.SETTINGS}\n|---|---|---|---|---|\n{rows}\nText\n")
        self.assertEqual(
            page.splitlines()[-2:],
            [
                "| [`a` †](docs/configuration.md#my-part) | `A` | `--a` | \\| [d](docs/reading.md) |",
                "| [`b`](docs/configuration.md#my-part) | `B` |  | See [c](docs/configuration.md#x-y) |",
            ],
        )


class Tutorial(unittest.TestCase):
    """What the page shows, and what is seen."""

    def test_agree(self) -> None:
        """Digests, times and sizes may differ, and what is left out; words may not."""
        seen = [f"pushed a@sha256:{'1' * 64}", "at 2026-11-26 20:41", "took 2.5 s", "more", "end 1021098"]
        digest = f"pushed a@sha256:{'2' * 64}"
        self.assertTrue(tutorial.agree([digest, "at 2025-01-02 03:04", "took 11 s", "more", "end 9d73d35"], seen))
        self.assertTrue(tutorial.agree([digest, "…", "end …"], seen))
        self.assertFalse(tutorial.agree([digest, "…", "more"], seen))
        self.assertFalse(tutorial.agree([digest, "at 2025-01-02 03:04", "took 11 MB", "…"], seen))
        self.assertFalse(tutorial.agree([], seen))

    def test_steps(self) -> None:
        """Commands with their output, files, and time that passes."""
        page = [
            "`a/b.py` has it:",
            "",
            "```python",
            "x = 1",
            "```",
            "",
            "<!-- meanwhile: run 2 -->",
            "",
            "```console",
            "$ one \\",
            "    more",
            "seen",
            "$ two",
            "```",
        ]
        typed = [tutorial.Typed("one \\\n    more", 10, ["seen"]), tutorial.Typed("two", 13)]
        self.assertEqual(
            tutorial.steps(page),
            [tutorial.File("a/b.py", "x = 1\n"), tutorial.Wait(2), tutorial.Console(9, 13, typed)],
        )

    def test_elided(self) -> None:
        """As much is left out as before."""
        shown = ["first", "…", "made the repository x", "…", "last"]
        seen = ["First", "a", "b", "made the repository y", "c", "Done", "Last"]
        self.assertEqual(tutorial.elided(shown, seen), ["First", "…", "made the repository y", "…", "Last"])

    def test_written(self) -> None:
        """Only what does not agree is written anew."""
        page = ["```console", "$ a", "took 1 s", "$ b", "old", "```"]
        console = tutorial.steps(page)[0]
        written = tutorial.written(page, [(console, [["took 2 s"], ["new"]])])
        self.assertEqual(written, ["```console", "$ a", "took 1 s", "$ b", "new", "```"])


class Pictures(unittest.TestCase):
    """The drawn ones."""

    def test_current(self) -> None:
        """docs/pictures has what site/pictures.py draws: `make docs-pictures` draws it anew."""
        kept = pictures.OUT
        with tempfile.TemporaryDirectory() as scratch:
            pictures.OUT = Path(scratch)
            self.addCleanup(setattr, pictures, "OUT", kept)
            for draw in pictures.ALL:
                draw()
            drawn = {path.name: path.read_text() for path in Path(scratch).iterdir()}
        self.assertEqual(drawn, {name: (kept / name).read_text() for name in drawn})


if __name__ == "__main__":
    unittest.main()
