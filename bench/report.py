"""What was measured as tables of Markdown and as a picture: docs/bench.md and docs/pushing.svg."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import shutil
import statistics
import string
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import chart
from meters import Cost, run
from splicing import Speed
from ways import Best, Buildah, Copied, Docker, Native, Usual, Way

if TYPE_CHECKING:
    from pushing import Race

SECTION = "<!-- {name}: written by make bench -->\n"
END = "<!-- end of {name} -->\n"

# What does not change, with places for what does.
TEMPLATE = Path(__file__).parent / "pushing.md"


def section(race: Race, scenarios: dict[str, str], given: argparse.Namespace, size: int, speed: Speed) -> str:
    """All that one run has shown."""
    name = "large" if given.large else "small"
    more = [each for each in race.requirements if re.fullmatch(r"[a-z0-9-]+", each)]
    rounds = "one round" if given.runs == 1 else f"{given.runs} rounds"
    command = f"python3 bench/pushing.py --sgbuild target/release/sgbuild --runs {given.runs}"
    command += f" --ways {' '.join(given.ways)}" if given.ways else ""
    lines = [
        f"## {megabytes(size)} of wheels",
        "",
        f"fixtures/iris-classifier with {', '.join(more)}, on {race.place.base}; {rounds}, {datetime.date.today()}.",
        f"{machine()}.",
        f"{', '.join(versions(race))}.",
        f"`{command}{' --large' if given.large else ''}`",
        "",
        "Seconds: median (least to most)",
        "",
        *times(race, scenarios),
        "",
        "What it costs",
        "",
        *costs(race, scenarios),
        "",
        *spliced(speed),
    ]
    return SECTION.format(name=name) + "\n".join(lines) + "\n" + END.format(name=name)


def times(race: Race, scenarios: dict[str, str]) -> list[str]:
    """The table of seconds, and how many times faster sgbuild is than each other way, round by round."""
    shown = [each for each in scenarios if each != "compiled"]
    lines = [f"| | {' | '.join(scenarios[each] for each in shown)} |", f"|---|{'---|' * len(shown)}"]
    for kind in race.kinds:
        if kind in race.missing:
            why = first_line(race.missing[kind]).replace(str(race.place.scratch), "…")
            lines.append(f"| {kind.title} | {why} |{' |' * (len(shown) - 1)}")
            continue
        lines.append(f"| {kind.title} | {' | '.join(spread(race.costs.get((each, kind))) for each in shown)} |")
        if kind is Native:
            anew = spread(race.costs.get(("compiled", kind)))
            lines.append(f"| {kind.title}, byte code compiled anew | {anew} |{' |' * (len(shown) - 1)}")
    for kind in race.kinds:
        if kind is not Native and kind not in race.missing:
            faster = [ratio(race, each, kind) for each in shown]
            lines.append(f"| *{Native.title}, times faster than {kind.title}* | {' | '.join(faster)} |")
    return lines


def costs(race: Race, scenarios: dict[str, str]) -> list[str]:
    """The table of everything else: a row a scenario and way."""
    lines = [
        "| | | processor, s: client | daemon | registry | peak, MB | sent, MB | requests |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for scenario, spoken in scenarios.items():
        for kind in race.kinds:
            here = race.costs.get((scenario, kind))
            if here:
                lines.append(f"| {spoken} | {kind.title} | {' | '.join(cells(kind, here))} |")
    return lines


def cells(kind: type[Way], here: list[Cost]) -> list[str]:
    """The medians of one way in one scenario; a daemon that it does not use is left out."""
    has_daemon = kind not in (Native, Buildah)
    peak = number(here, lambda cost: cost.peak / 1e6, 0)
    if has_daemon:
        peak += f" + {number(here, lambda cost: mega(cost.daemon_peak), 0)}"
    return [
        number(here, lambda cost: cost.client, 2),
        number(here, lambda cost: cost.daemon, 2) if has_daemon else "",
        number(here, lambda cost: cost.registry, 2),
        peak,
        number(here, lambda cost: mega(cost.sent), 3),
        number(here, lambda cost: cost.requests, 0),
    ]


def spliced(speed: Speed) -> list[str]:
    """How fast wheels become layers."""
    return [
        f"From wheels to layers ({speed.megabytes:.0f} MB of tar), a second and core:",
        f"**{speed.unknown:.0f} MB** where a layer is not known (inflated, and hashed twice),",
        f"**{speed.known:.0f} MB** where it is (made and sent).",
        f"All cores together, by the clock: {speed.unknown_wall:.0f} and {speed.known_wall:.0f} MB a second;"
        f" peak memory {speed.peak / 1e6:.0f} MB. bench/splicing.py says how that is computed.",
    ]


def picture(race: Race, scenarios: dict[str, str], size: int) -> str:
    """The medians as bars."""
    panels = {}
    for scenario, spoken in scenarios.items():
        bars = []
        for kind in race.kinds:
            here = race.costs.get((scenario, kind))
            if here:
                filled = {Native: "ours", Docker: "also"}.get(kind, "bar")
                bars.append(chart.Bar(kind.title, median(here, lambda cost: cost.seconds), filled))
            elif kind in race.missing and scenario != "compiled":
                bars.append(chart.Bar(kind.title, None, note="not measured"))
        # The one bar of this scenario is read beside the cold ones.
        if scenario == "compiled":
            anew = bars
            continue
        if scenario == "cold":
            bars[1:1] = [chart.Bar(f"{bar.label}, byte code anew", bar.seconds, bar.kind) for bar in anew]
        panels[spoken.capitalize()] = bars
    note = f"iris-classifier, {megabytes(size)} of wheels; {machine()}"
    return chart.draw("From a change to the image in the registry", note, panels)


def write(docs: Path, name: str, written: str) -> None:
    """Put a section into bench.md; the other one stays as it is."""
    file = docs / "bench.md"
    before = file.read_text() if file.exists() else ""
    sections = []
    for each in ("small", "large"):
        pattern = re.escape(SECTION.format(name=each)) + ".*?" + re.escape(END.format(name=each))
        found = re.search(pattern, before, re.DOTALL)
        if each == name:
            sections.append(written)
        elif found:
            sections.append(found.group())
    told: dict[str, type[Best]] = {"best": Best, "copied": Copied, "usual": Usual, "by_buildah": Buildah}
    values = {f"{each}_title": kind.title for each, kind in told.items()}
    values |= {each: kind.dockerfile.rstrip() for each, kind in told.items()}
    text = string.Template(TEMPLATE.read_text())
    file.write_text(text.substitute(values, sections="\n".join(sections).rstrip()))


def machine() -> str:
    """What it ran on, without its name."""
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    name = model.group(1).strip() if model else platform.machine()
    cores = os.cpu_count() or 1
    return (
        f"{cores} core{'s' * (cores > 1)} ({name}), {memory:.0f} GB of memory, Linux {platform.release().split('-')[0]}"
    )


def versions(race: Race) -> list[str]:
    """Of all programs."""
    place = race.place
    scratch = place.scratch
    docker = run([place.docker, "version", "--format", "{{.Client.Version}}/{{.Server.Version}}"], cwd=scratch)
    client, server = docker.strip().split("/")
    registry = re.search(r"v?(\d[\w.+~-]*)", run(["docker-registry", "--version"], cwd=scratch).split(" ", 2)[-1])
    found = [
        run([place.sgbuild, "--version"], cwd=scratch).strip(),
        run([str(place.uv), "--version"], cwd=scratch).split(" (")[0].strip(),
        f"docker {client} with dockerd {server}",
        f"distribution {registry.group(1) if registry else ''}".strip(),
    ]
    if shutil.which("buildah"):
        found.append(
            re.sub(r"^buildah version (\S+).*$", r"buildah \1", run(["buildah", "--version"], cwd=scratch).strip())
        )
    return found


def spread(here: list[Cost] | None) -> str:
    """Median, least and most seconds."""
    if not here:
        return ""
    seconds = [each.seconds for each in here]
    if len(seconds) == 1:
        return f"{seconds[0]:.3f}"
    return f"{statistics.median(seconds):.3f} ({min(seconds):.3f} to {max(seconds):.3f})"


def ratio(race: Race, scenario: str, kind: type[Way]) -> str:
    """The median of what each round says."""
    ours, others = race.costs.get((scenario, Native)), race.costs.get((scenario, kind))
    if not ours or not others:
        return ""
    return f"{statistics.median(b.seconds / a.seconds for a, b in zip(ours, others, strict=False)):.1f}"


def median(here: list[Cost], of: Callable[[Cost], float | None]) -> float | None:
    """Of what is known."""
    known = [value for value in map(of, here) if value is not None]
    return statistics.median(known) if known else None


def number(here: list[Cost], of: Callable[[Cost], float | None], digits: int) -> str:
    """A median, or that it cannot be told."""
    value = median(here, of)
    return "?" if value is None else f"{value:.{digits}f}"


def mega(size: int | None) -> float | None:
    """Bytes in MB."""
    return None if size is None else size / 1e6


def megabytes(size: int) -> str:
    """Bytes for people."""
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def first_line(text: str) -> str:
    """What fits into a table."""
    return text.splitlines()[0].replace("|", "\\|")
