"""How fast wheels become layers, by what `sgbuild build` takes of the processor.

unknown   nothing is known of the layers: every wheel is inflated, and hashed twice, as tar archive and compressed.
          A build with the wheels in the store that knows no layer, less one that knows them.
known     they are known: the layers are made of the wheels and sent. `sgbuild build --output docker-archive:/dev/null`,
          less the same for a project without requirements, which sends the base image and the package alone.

MB are a million bytes of the layers' tar archives, those of byte code included. The processor's time is that of all
threads, so MB a second of it are MB a second a core. Each is the median of several runs.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass

from meters import Cost, measured
from ways import Native, Place

RUNS = 5


@dataclass
class Speed:
    """MB of tar a second of a core."""

    megabytes: float
    unknown: float
    known: float
    # On the wall's clock, all cores together.
    unknown_wall: float
    known_wall: float
    peak: int


class Bare(Native):
    """A project without requirements."""


def measure(place: Place, native: Native) -> Speed:
    """The speeds for the wheels of a project that has been pushed before."""
    bare = Bare(place, [])
    for each in (native, bare):
        build(each)
    ready = [forgetful(native, "images") for _ in range(RUNS)]
    unknown = [forgetful(native, "images", "layers") for _ in range(RUNS)]
    written = [build(native, "--output", "docker-archive:/dev/null") for _ in range(RUNS)]
    little = [build(bare, "--output", "docker-archive:/dev/null") for _ in range(RUNS)]
    size = unpacked(native) - unpacked(bare)
    return Speed(
        megabytes=size,
        unknown=size / between(unknown, ready, "client"),
        known=size / between(written, little, "client"),
        unknown_wall=size / between(unknown, ready, "seconds"),
        known_wall=size / between(written, little, "seconds"),
        peak=max(each.peak for each in (*unknown, *written)),
    )


def build(way: Native, *flags: str) -> Cost:
    """One build."""
    cost = Cost()
    command = [way.place.sgbuild, "build", "--quiet", "--engine", "native", *flags, "."]
    measured(cost, command, cwd=way.dir, env=way.environment())
    return cost


def forgetful(native: Native, *kinds: str) -> Cost:
    """One build that knows the wheels and which they are, and nothing of these kinds."""
    native.forget_notes(only=set(kinds))
    return build(native)


def unpacked(native: Native) -> float:
    """MB of the layers' tar archives: those of the notes that the last build left, each layer once."""
    forgetful(native, "images", "layers")
    notes = (native.cache / "sgbuild" / "wheels" / "notes" / "layers").iterdir()
    layers = [json.loads(each.read_text()) for each in notes]
    return sum({each["diff_id"]: each["unpacked"] for each in layers}.values()) / 1e6


def between(more: list[Cost], less: list[Cost], field: str) -> float:
    """The difference of the medians, in seconds."""
    medians = [statistics.median(getattr(each, field) for each in costs) for costs in (more, less)]
    return max(medians[0] - medians[1], 1e-9)
