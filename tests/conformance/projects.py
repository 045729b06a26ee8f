"""Random projects: what sgbuild reads and packs of them must be what setuptools does.

    python3 tests/conformance/projects.py --sgbuild target/release/sgbuild [--projects 1000] [--seed 1]

What sgbuild does not read without Python, or refuses, is counted and passed over. A project that it reads otherwise
than setuptools, or that only setuptools refuses, is wrong: it is made smaller, piece by piece, as long as it stays
wrong, and printed as files.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import places

# setuptools fails to warn of a wrong line of MANIFEST.in that goes on in the next.
ODD_WARNING = "TypeError: int() argument must be"


def main() -> int:
    """Make and judge projects; 1 if sgbuild is wrong about one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sgbuild", type=Path, required=True, help="the program to judge")
    parser.add_argument("--projects", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--seed", default="1", help="another one makes other projects (default: 1)")
    options = parser.parse_args()
    try:
        places.enter_venv()
    except places.Trouble as trouble:
        sys.exit(f"projects: {trouble}")
    judge = partial(_judge, options.sgbuild.resolve(), options.seed)
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork"), _load) as pool:
        outcomes = Counter(pool.map(judge, range(options.projects), chunksize=4))
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{options.projects} projects of seed {options.seed}: {counts}")
    return int(outcomes["wrong"] > 0)


def _load() -> None:
    import warm  # noqa: F401


def _judge(sgbuild: Path, seed: str, number: int) -> str:
    import generated

    project = generated.Generator(f"{seed}/{number}").project()
    outcome, differences = _outcome(sgbuild, project)
    if outcome == "wrong":
        project, differences = _smaller(sgbuild, project, differences)
        shown = [f"--- {name}\n{text}" for name, text in sorted(generated.files(project).items())]
        print(f"==== project {number} of seed {seed}", *shown, "----", *differences, "", sep="\n", flush=True)
    return outcome


def _smaller(sgbuild: Path, project: list, differences: list[str]) -> tuple[list, list[str]]:
    """The project without the pieces that it is wrong without."""
    for piece in list(reversed(project)):
        without = [kept for kept in project if kept is not piece]
        outcome, still = _outcome(sgbuild, without)
        # Another fault is another finding.
        if outcome == "wrong" and _kinds(still) & _kinds(differences):
            project, differences = without, still
    return project, differences


def _kinds(differences: list[str]) -> set[str]:
    return {difference.partition(":")[0] for difference in differences}


def _outcome(sgbuild: Path, project: list) -> tuple[str, list[str]]:
    import generated
    import warm

    with tempfile.TemporaryDirectory(prefix="sgbuild-projects-") as scratch:
        ours, theirs, out = (Path(scratch) / name for name in ("ours", "theirs", "out"))
        out.mkdir()
        for root in (ours, theirs):
            root.mkdir()
            generated.write(project, root)
        inspected = _run(sgbuild, ["inspect", "--json", "--static"], ours)
        if inspected.returncode != 0:
            return _refusal(inspected.stderr), []
        packed = _run(sgbuild, ["dist", "--train", "os:getcwd"], ours)
        try:
            warm.build_sdist(theirs, out / "sdist")
        except places.Trouble as trouble:
            if packed.returncode != 0:
                return "refused by both", []
            if ODD_WARNING in str(trouble):
                return "too odd for setuptools", []
            return "wrong", [f"setuptools refuses: {str(trouble)[-400:]}"]
        if packed.returncode != 0:
            return _refusal(packed.stderr), []
        sdists = next(ours.glob("dist/*.tar.gz")), next((out / "sdist").iterdir())
        differences = _differences(json.loads(inspected.stdout), *sdists)
        for wheel in ours.glob("dist/*.whl"):
            differences += _wheel_differences(wheel, project, Path(scratch) / "wheel")
    return ("wrong", differences) if differences else ("equal", [])


def _refusal(said: str) -> str:
    if "error[" not in said:
        return "wrong"
    return "asked" if "only Python can tell" in said else "refused"


def _run(sgbuild: Path, arguments: list[str], project: Path) -> subprocess.CompletedProcess[str]:
    command = [str(sgbuild), *arguments]
    environment = places.plain_environment()
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def _wheel_differences(ours: Path, project: list, scratch: Path) -> list[str]:
    """What differs from the wheel that setuptools builds of the project."""
    import generated
    import warm
    import wheels

    tree = scratch / "tree"
    tree.mkdir(parents=True)
    generated.write(project, tree)
    try:
        warm.build_wheel(tree, scratch / "out")
    except places.Trouble as trouble:
        return [f"setuptools refuses to build the wheel: {str(trouble)[-400:]}"]
    return wheels.differences(ours, next((scratch / "out").iterdir()))


def _differences(said: dict, mine: Path, real: Path) -> list[str]:
    import contents
    import verdicts
    from sdists import Sdist, differences, inspectable, inspected

    ours, theirs = Sdist(mine), Sdist(real)
    fields, files = verdicts.sdist_differences(ours, theirs)
    ours_read, theirs_read = inspected(said), inspectable(theirs, said)
    if not theirs.texts["entry_points.txt"]:
        # MANIFEST.in may leave out the file that would say.
        ours_read.pop("entry_points")
        theirs_read.pop("entry_points")
    read = differences(ours_read, theirs_read)
    return [*read, *fields, *files, *contents.differences(mine, real)]


if __name__ == "__main__":
    sys.exit(main())
