"""Compares metadata with what setuptools itself says: oracle.py < JSON of [{"directory", "said"}] > JSON of [{"error", "differences"}].

`said` is the metadata of `sgbuild inspect --json`, or null where only the oracle's error counts. Each project is asked in a fork,
because a setup.py may change anything in its process.
"""

import configparser
import email
import itertools
import json
import os
import sys
import tempfile
import traceback

import setuptools
import setuptools.dist
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version


def main():
    answers = []
    for order in json.load(sys.stdin):
        answers.append(in_fork(order))
    json.dump(answers, sys.stdout)


def in_fork(order):
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as log:
        child = os.fork()
        if child == 0:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            try:
                found = compare(order["said"], truth(order["directory"]))
            except BaseException as error:
                traceback.print_exc()
                found = {"error": f"{type(error).__name__}: {error}", "differences": []}
            answer.write(json.dumps(found).encode())
            answer.flush()
            os._exit(0)
        os.waitpid(child, 0)
        answer.seek(0)
        return json.loads(answer.read())


def truth(directory):
    seen = []
    run = setuptools.dist.Distribution.run_commands

    def run_commands(distribution):
        run(distribution)
        seen.append(distribution)

    setuptools.dist.Distribution.run_commands = run_commands
    os.chdir(directory)
    sys.argv = ["setup.py"]
    sys.path[:] = [path for path in sys.path if path and not path.endswith("/tests/it/project")]
    from setuptools import build_meta

    with tempfile.TemporaryDirectory() as out:
        dist_info = os.path.join(out, build_meta.__legacy__.prepare_metadata_for_build_wheel(out))
        with open(os.path.join(dist_info, "METADATA"), encoding="utf-8") as file:
            fields = email.message_from_file(file)
        text = ""
        if os.path.exists(os.path.join(dist_info, "entry_points.txt")):
            with open(os.path.join(dist_info, "entry_points.txt"), encoding="utf-8") as file:
                text = file.read()
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str
    parser.read_string(text)
    distribution = seen[-1]
    return {
        **descriptive(fields),
        "name": fields["Name"],
        "version": fields["Version"],
        "summary": None if fields["Summary"] in (None, "UNKNOWN") else fields["Summary"],
        "requires_python": fields["Requires-Python"],
        "requires_dist": fields.get_all("Requires-Dist") or [],
        "provides_extra": fields.get_all("Provides-Extra") or [],
        "entry_points": {section: dict(parser.items(section)) for section in parser.sections()},
        "packages": list(distribution.packages or []),
        "py_modules": list(distribution.py_modules or []),
    }


SINGLE = [
    "home_page",
    "download_url",
    "author",
    "author_email",
    "maintainer",
    "maintainer_email",
    "license",
    "license_expression",
    "description_content_type",
]
REPEATED = ["project_url", "platform", "classifier", "requires", "provides", "obsoletes"]


def descriptive(fields):
    """What core metadata says for people."""
    found = {key: fields[key.replace("_", "-")] for key in SINGLE}
    found.update({key: fields.get_all(key.replace("_", "-")) or [] for key in REPEATED})
    found["keywords"] = fields["Keywords"]
    found["description"] = fields.get_payload()
    return found


def header(text):
    """A header's value: reading takes the blanks before it, and setuptools indents its later lines."""
    return text and text.replace("\n        ", "\n").lstrip(" \t")


MEANINGS = {
    **dict.fromkeys(SINGLE, header),
    **dict.fromkeys(REPEATED, lambda listed: [item.lstrip() for item in listed]),
    "keywords": lambda words: words if isinstance(words, str) else ",".join(words or []) or None,
    "description": lambda text: (text or "").strip() or None,
    "version": lambda text: str(Version(text)),
    "requires_python": lambda text: text and sorted(map(str, SpecifierSet(text))),
    "requires_dist": lambda listed: sorted(map(requirement, listed)),
    "provides_extra": lambda listed: sorted(listed),
    "entry_points": lambda groups: {group: entries for group, entries in groups.items() if entries},
    "packages": sorted,
    "py_modules": sorted,
}


def compare(said, truth):
    differences = []
    left_out = {dynamic["field"].replace("-", "_") for dynamic in said["dynamic"]} if said else set()
    for field, expected in truth.items():
        if said is None:
            continue
        if field in left_out:
            if said[field]:
                differences.append(f"{field}: is said, and said to be left out")
            continue
        meaning = MEANINGS.get(field, lambda value: value)
        if meaning(said[field]) != meaning(expected):
            differences.append(f"{field}: sgbuild says {said[field]!r}, setuptools {expected!r}")
    return {"error": None, "differences": differences}


def requirement(text):
    parsed = Requirement(text)
    return repr(
        (
            canonicalize_name(parsed.name),
            sorted(map(canonicalize_name, parsed.extras)),
            sorted(map(str, parsed.specifier)),
            parsed.url,
            truths(parsed.marker),
        )
    )


def truths(marker):
    """A marker's meaning: where it is true."""
    if marker is None:
        return None
    axes = {
        "python_version": ["2.7", "3.5", "3.8", "3.9", "3.10", "3.12"],
        "sys_platform": ["linux", "win32"],
        "os_name": ["posix", "nt"],
        "extra": ["", "a", "b", "my-extra", "dev", "fast"],
    }
    places = [dict(zip(axes, values)) for values in itertools.product(*axes.values())]
    return "".join("01"[marker.evaluate(place)] for place in places)


if __name__ == "__main__":
    main()
