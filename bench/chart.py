"""A bar chart as SVG: a panel a scenario, a bar a way, on one logarithmic scale, the figure at each bar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 820
LABELS = 260
RIGHT = 80
ROW = 22
BAR = 14
PANEL = 34
TOP = 58
BOTTOM = 46

# GitHub and browsers ask the reader's system, which need not be the page's scheme: the ground is the chart's own.
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.panel { font-weight: 600 }
.quiet { fill: #59636e; font-size: 12px }
.bar { fill: #a7b0ba }
.ours { fill: #1f6feb }
.also { fill: #7da7e8 }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.card { fill: #ffffff; stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9198a1 }
  .bar { fill: #5b6570 }
  .ours { fill: #4493f8 }
  .also { fill: #2f5f9e }
  .grid { stroke: #3d444d }
  .card { fill: #0d1117; stroke: #3d444d }
}
"""


@dataclass
class Bar:
    """One way in one scenario."""

    label: str
    # None: there is none, and `note` says why.
    seconds: float | None
    # How it is filled: "ours", "also" or "bar".
    kind: str = "bar"
    note: str = ""


def spoken(seconds: float) -> str:
    """A duration with three digits at most."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:.0f} s"


def draw(title: str, note: str, panels: dict[str, list[Bar]]) -> str:
    """The whole picture."""
    known = [bar.seconds for bars in panels.values() for bar in bars if bar.seconds]
    low, high = decades(known)
    height = TOP + BOTTOM + sum(PANEL + ROW * len(bars) for bars in panels.values())
    scale = (WIDTH - LABELS - RIGHT) / (high - low)

    def at(seconds: float) -> float:
        return LABELS + scale * (math.log10(seconds) - low)

    parts = [text(16, 26, title, "title"), text(16, 46, note, "quiet")]
    for power in range(low, high + 1):
        x = at(10.0**power)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{height - BOTTOM + 6}"/>')
        parts.append(text(x, height - BOTTOM + 22, tick(power), "quiet", "middle"))
    parts.append(text(WIDTH - 16, height - 8, "seconds, logarithmic; shorter is better", "quiet", "end"))
    y = TOP
    for name, bars in panels.items():
        parts.append(text(16, y + 22, name, "panel"))
        y += PANEL
        for bar in bars:
            parts += row(bar, y, at)
            y += ROW
    style = f"<style>{STYLE}</style>"
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img"'
    card = f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="10"/>'
    return "\n".join([f'{opening} aria-label="{escape(title)}">', style, card, *parts, "</svg>", ""])


def row(bar: Bar, y: float, at) -> list[str]:
    """A label, a bar and its figure."""
    middle = y + BAR - 2
    label = text(LABELS - 10, middle, bar.label, "", "end")
    if bar.seconds is None:
        return [label, text(LABELS + 6, middle, bar.note, "quiet")]
    width = max(2.0, at(bar.seconds) - LABELS)
    shape = f'<rect class="{bar.kind}" x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>'
    return [label, shape, text(LABELS + width + 6, middle, spoken(bar.seconds))]


def decades(values: list[float]) -> tuple[int, int]:
    """Powers of ten around all values."""
    if not values:
        return -2, 2
    return math.floor(math.log10(min(values))), max(math.ceil(math.log10(max(values))), 0)


def tick(power: int) -> str:
    """A power of ten."""
    return f"{10**power}" if power >= 0 else f"{10.0**power:.{-power}f}"


def text(x: float, y: float, content: str, kind: str = "", anchor: str = "start") -> str:
    """One line of text."""
    css = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{css} text-anchor="{anchor}">{escape(content)}</text>'
