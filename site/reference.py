"""The pages that are made of the program: a page of help for each command, the settings from A to Z, the exit codes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

SECTION = re.compile(r"^([A-Z][A-Za-z ]*):$")
ITEM = re.compile(r"^ {2,6}(\S.*)$")
# Where clap's texts begin below an argument.
TEXT_INDENT = 10
# Options that every command has.
COMMON = ("-h, --help", "-q, --quiet", "-v, --verbose", "--color ")
SETTINGS = "| setting | variable | flag | default | meaning |"


def pages(sgbuild: Path, configuration: str) -> dict[str, str]:
    """All of them, by name."""
    overview = help_of(sgbuild)
    commands = {name: about for name, about in listed(overview) if name != "help"}
    made = {"commands/README.md": index(commands, overview)}
    for name in commands:
        made[f"commands/{name}.md"] = command_page(sgbuild, name)
    made["settings.md"] = settings(configuration)
    made["exit-codes.md"] = exit_codes(sgbuild, overview)
    return made


def help_of(sgbuild: Path, *command: str) -> str:
    """What `sgbuild help` says of a command."""
    asked = [sgbuild, *command, "--help"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def listed(text: str) -> list[tuple[str, str]]:
    """The commands that a help lists, with a line about each."""
    found: list[tuple[str, str]] = []
    for line in dict(sections(text)).get("Commands", []):
        if named := re.match(r"^ {2}(\S+) {2,}(\S.*)$", line):
            found.append((named[1], named[2]))
        elif line.strip() and found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
    return found


def sections(text: str) -> list[tuple[str, list[str]]]:
    """A help's lines by their headings; those before the first one have none."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        if heading := SECTION.match(line):
            found.append((heading[1], []))
        elif line and not line.startswith(" ") and found[-1][0]:
            # What follows the last list of options: a text of its own.
            found.append(("", [line]))
        else:
            found[-1][1].append(line)
    return found


def command_page(sgbuild: Path, name: str) -> str:
    """A command's page, and below it what it is divided into."""
    text = help_of(sgbuild, name)
    common = "Beside that it takes [what every command takes](README.md#what-every-command-takes)."
    lines = [f"# sgbuild {name}", "", *described(text, 2), "", common]
    for part, _ in listed(text):
        if part != "help":
            lines += ["", f"## sgbuild {name} {part}", "", *described(help_of(sgbuild, name, part), 3)]
    return finished(lines)


def described(text: str, level: int) -> list[str]:
    """A help as Markdown."""
    lines: list[str] = []
    for heading, content in sections(text):
        content = without_common(content)
        if heading and not any(content):
            continue
        if heading:
            lines += ["", f"{'#' * level} {heading}", ""]
        if heading == "Commands":
            lines += [f"- `{name}`: {prose(about)}" for name, about in listed(text) if name != "help"]
        elif heading == "Examples":
            lines += ["```console", *joined_examples(content), "```"]
        elif heading:
            lines += items(content)
        else:
            lines += loose(content)
    return lines


def loose(content: list[str]) -> list[str]:
    """Paragraphs outside of any list; the lines of usage are code."""
    usage = [number for number, line in enumerate(content) if line.startswith("Usage: ")]
    for begin in usage:
        end = next((number for number in range(begin, len(content)) if not content[number]), len(content))
        lines = [line.removeprefix("Usage:").strip() for line in content[begin:end]]
        return [*loose(content[:begin]), "```text", *lines, "```", "", *loose(content[end:])]
    return [line for paragraph in paragraphs(content) for line in (prose(paragraph), "")]


def items(content: list[str]) -> list[str]:
    """Arguments and options with what is said of each."""
    lines: list[str] = []
    text: list[str] = []

    def close() -> None:
        told = paragraphs(text)
        for number, paragraph in enumerate(told):
            lines.append(f"{':   ' if number == 0 else '    '}{prose(paragraph)}")
            if not (paragraph.startswith("- ") and told[number + 1 : number + 2] and told[number + 1].startswith("- ")):
                lines.append("")
        text.clear()

    for line in content:
        if (item := ITEM.match(line)) and len(line) - len(line.lstrip()) < TEXT_INDENT:
            close()
            lines.append(f"`{item[1]}`")
        else:
            text.append(line)
    close()
    return lines


def without_common(content: list[str]) -> list[str]:
    """A list of options without those that every command takes."""
    kept: list[str] = []
    passing = False
    for line in content:
        if ITEM.match(line) and len(line) - len(line.lstrip()) < TEXT_INDENT:
            passing = line.strip().startswith(COMMON)
        if not passing:
            kept.append(line)
    return kept


def paragraphs(lines: list[str]) -> list[str]:
    """Text without the line breaks of a terminal's width; entries of a list stay entries."""
    found: list[str] = []
    fresh = True
    for line in (each.strip() for each in lines):
        if not line:
            fresh = True
        elif fresh or line.startswith("- "):
            found.append(line)
            fresh = False
        else:
            found[-1] += f" {line}"
    return found


def joined_examples(content: list[str]) -> list[str]:
    """The examples: a command a line, what it does behind it; a line that was too long is one again."""
    lines: list[str] = []
    for line in content:
        if not line.strip():
            continue
        stripped = line.strip()
        if stripped.startswith(("sgbuild", "$")) or "$(" in stripped or not lines:
            lines.append(re.sub(r" {2,}", "    # ", stripped, count=1))
        else:
            lines[-1] += f" {stripped}"
    return [line if line.startswith("$ ") else f"$ {line}" for line in lines]


def prose(text: str) -> str:
    """Text of a terminal as Markdown: nothing in it is a mark but code in backquotes."""
    text = re.sub(r"\[(default|possible values): (\S+)\]$", r"[\1: `\2`]", text)
    text = re.sub(r"^\[default: (.*)\]$", r"Default: \1", text)
    text = re.sub(r"^\[possible values: (.*)\]$", r"Possible values: \1", text)
    text = re.sub(r"\[(default|possible values): (.*)\]$", r"(\1: \2)", text)
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(piece if piece.startswith("`") else re.sub(r"([\\*_\[\]<>|])", r"\\\1", piece) for piece in pieces)


def finished(lines: list[str]) -> str:
    """Lines as a page, without blank ones in a row."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def index(commands: dict[str, str], overview: str) -> str:
    """All commands, and what every one of them takes."""
    table = ["| command | what it does |", "|---|---|"]
    table += [f"| [`sgbuild {name}`]({name}.md) | {prose(about)} |" for name, about in commands.items()]
    common = [each for each in sections(overview) if each[0] in ("Options", "Output")]
    lines = ["# Commands", "", "As `sgbuild help` has them.", "", *table, "", "## What every command takes", ""]
    for _, content in common:
        lines += items(content)
    return finished(lines)


def settings(configuration: str) -> str:
    """Every setting on one page, from A to Z, with a link to where it is explained."""
    rows: list[tuple[str, str]] = []
    section = ""
    lines = iter(configuration.splitlines())
    for line in lines:
        if heading := re.match(r"^## (.*)$", line):
            section = heading[1]
        if line != SETTINGS:
            continue
        next(lines)
        for row in lines:
            if not row.startswith("|"):
                break
            name, variable, flag, _, meaning = (cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1])
            anchor = section.lower().replace(" ", "-")
            # As its links lead from docs/configuration.md.
            meaning = meaning.replace("](#", "](configuration.md#")
            meaning = re.sub(r"\]\((?![a-z]+:)", "](docs/", meaning)
            says = f"[{name}](docs/configuration.md#{anchor}) | {variable} | {flag} | {meaning}"
            rows.append((name, f"| {says} |"))
    table = ["| setting | variable | flag | meaning |", "|---|---|---|---|", *(row for _, row in sorted(rows))]
    introduction = "Each leads to its section of [Configuration](docs/configuration.md), which has the defaults too."
    return finished(["# Settings from A to Z", "", f"{introduction} † by flag or variable only.", "", *table])


def exit_codes(sgbuild: Path, overview: str) -> str:
    """What the exit codes mean, and where the program knows its errors by code, which of them end so."""
    told = next(each for each in paragraphs(overview.splitlines()) if each.startswith("Exit codes: "))
    meanings = dict(re.findall(r"(\d+) ([^;.]+)", told.removeprefix("Exit codes: ")))
    lines = ["# Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {code} | {prose(meaning)} |" for code, meaning in meanings.items()]
    for code, errors in sorted(errors_by_exit_code(sgbuild).items()):
        lines += ["", f"## Errors that end with {code}", ""]
        lines += [f"- [`{name}`](docs/errors/{name}.md): {prose(title)}" for name, title in errors]
    return finished(lines)


def errors_by_exit_code(sgbuild: Path) -> dict[int, list[tuple[str, str]]]:
    """The index of errors, as `sgbuild explain --json` has it."""
    asked = subprocess.run([sgbuild, "explain", "--json"], capture_output=True, text=True, check=False)
    found: dict[int, list[tuple[str, str]]] = {}
    if asked.returncode != 0:
        return found
    for error in json.loads(asked.stdout):
        codes = error.get("exit_codes", [error.get("exit_code")])
        for code in codes if isinstance(codes, list) else [codes]:
            found.setdefault(code, []).append((error["code"], error["title"]))
    return found
