"""The fields of CreateTrainingJob as botocore's model has them, in the form of src/training/fields' table.

One line a field: its path (`[]` an item of a list, `{}` a value of a map, `!` what its object cannot do without), its
type, its limits and its values. Types of instances are left out, as there are more of them every month.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore

OPERATION = "CreateTrainingJobRequest"
# So many values are a choice; more are a catalogue.
CHOICE = 8
# In the model for DescribeTrainingJob; "isn't accepted in CreateTrainingJob requests", as it says there.
DESCRIBED = {"ResourceConfig.SelectedInstanceType", "ResourceConfig.SelectedInstanceCount"}
KINDS = {"structure": "object", "integer": "number", "long": "number"}


def model() -> dict[str, Any]:
    """SageMaker's shapes."""
    found = next((Path(botocore.__file__).parent / "data" / "sagemaker").glob("*/service-2.json*"))
    text = gzip.decompress(found.read_bytes()) if found.suffix == ".gz" else found.read_bytes()
    return json.loads(text)["shapes"]


def lines() -> list[str]:
    """The table."""
    return list(_members(model(), OPERATION, ""))


def _members(shapes: dict[str, Any], name: str, path: str) -> Iterator[str]:
    shape = shapes[name]
    for member, of in sorted(shape["members"].items()):
        place = f"{path}.{member}" if path else member
        if place not in DESCRIBED:
            yield from _field(shapes, of["shape"], place, member in shape.get("required", []))


def _field(shapes: dict[str, Any], name: str, path: str, required: bool) -> Iterator[str]:
    shape = shapes[name]
    kind = shape["type"]
    words = [path + ("!" if required else ""), KINDS.get(kind, kind)]
    if "min" in shape or "max" in shape:
        words.append(f"{shape.get('min', '')}..{shape.get('max', '')}")
    if 0 < len(shape.get("enum", [])) <= CHOICE:
        words.append("|".join(shape["enum"]))
    yield " ".join(words)
    if kind == "structure":
        yield from _members(shapes, name, path)
    elif kind == "list":
        yield from _field(shapes, shape["member"]["shape"], path + "[]", False)
    elif kind == "map":
        yield from _field(shapes, shape["value"]["shape"], path + "{}", False)


if __name__ == "__main__":
    print("\n".join(lines()))
