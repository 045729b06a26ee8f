"""What a project's own build backend makes of it: backends.py PROJECT prints JSON.

The judge is `python -m build`: the metadata of the wheel, and the names in the sdist.
"""

import configparser
import email
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path


def main(project):
    with tempfile.TemporaryDirectory() as directory:
        build = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check", "--outdir", directory]
        subprocess.run([*build, project], check=True, stdout=sys.stderr)
        (wheel,) = Path(directory).glob("*.whl")
        (sdist,) = Path(directory).glob("*.tar.gz")
        print(json.dumps({"metadata": metadata(wheel), "sdist": names(sdist)}))


def metadata(path):
    with zipfile.ZipFile(path) as wheel:

        def read(name):
            found = [member for member in wheel.namelist() if member.endswith(".dist-info/" + name)]
            return wheel.read(found[0]).decode() if found else ""

        fields = email.message_from_string(read("METADATA"))
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
        parser.optionxform = str
        parser.read_string(read("entry_points.txt"))
    return {
        "name": fields["Name"],
        "version": fields["Version"],
        "summary": fields["Summary"],
        "requires_python": fields["Requires-Python"],
        "requires_dist": fields.get_all("Requires-Dist") or [],
        "provides_extra": fields.get_all("Provides-Extra") or [],
        # Some write the heads of groups that are empty.
        "entry_points": {group: dict(parser.items(group)) for group in parser.sections() if parser.items(group)},
    }


def names(path):
    with tarfile.open(path) as sdist:
        return sorted(member.name for member in sdist if member.isfile())


if __name__ == "__main__":
    main(*sys.argv[1:])
