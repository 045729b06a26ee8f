"""Writes a target's archive beside its wheel: the program, its manual pages and completions, licence and changelog.

  archive.py TARGET DIRECTORY

The same inputs give the same bytes. The program itself is asked for its pages, so the target must be this machine's."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from program import program_of, wheel_of

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("LICENSE", "README.md", "CHANGELOG.md")
# As the shells look for them.
COMPLETIONS = {"bash": "sgbuild.bash", "zsh": "_sgbuild", "fish": "sgbuild.fish"}
# 1980-01-01, as in every archive of sgbuild's own.
TIME = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))


def files(program: bytes) -> dict[str, bytes]:
    """What is in the archive, by path."""
    found = {"sgbuild": program}
    found.update({name: (ROOT / name).read_bytes() for name in DOCUMENTS})
    with tempfile.TemporaryDirectory() as scratch:
        sgbuild = Path(scratch) / "sgbuild"
        sgbuild.write_bytes(program)
        sgbuild.chmod(0o755)
        for shell, name in COMPLETIONS.items():
            script = subprocess.run([sgbuild, "completions", shell], check=True, stdout=subprocess.PIPE).stdout
            found[f"completions/{name}"] = script
        manual = Path(scratch) / "man1"
        subprocess.run([sgbuild, "man", manual], check=True, stdout=subprocess.DEVNULL)
        found.update({f"man/man1/{page.name}": page.read_bytes() for page in manual.iterdir()})
    return found


def archive(name: str, members: dict[str, bytes]) -> bytes:
    """A `.tar.gz` of `members` in a directory called `name`."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, content in sorted(members.items()):
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size, member.mtime = len(content), TIME
            member.mode = 0o755 if path == "sgbuild" else 0o644
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), compresslevel=9, mtime=0)


def main() -> None:
    """Writes the archive."""
    target, directory = sys.argv[1], Path(sys.argv[2])
    name = f"sgbuild-{target}"
    path = directory / f"{name}.tar.gz"
    path.write_bytes(archive(name, files(program_of(wheel_of(target, directory)))))
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
