"""What an image holds, printed by its own Python: every path with kind, permissions, owner and content, as JSON.

What two ways of installing may differ in is left out: byte code, times, and where pip noted that a wheel came from. A
program that stands for an entry point is what it calls, as each pip writes it in words of its own.
"""

import csv
import hashlib
import json
import os
import re
import stat
import sys

# Docker's own in a container, and what a build leaves behind: pip's cache, and what was mounted into a step.
APART = ("/proc", "/sys", "/dev", "/tmp", "/run/secrets", "/root/.cache", "/var/cache/sgbuild-pip")
OF_DOCKER = ("/.dockerenv", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf")
LAUNCHER = re.compile(rb"^(#!.*\n)(?:.*\n)*?from (\S+) import (\S+)\n(?:.*\n)*?\s+sys\.exit\((\S+)\(\)\)\s*$")


def main() -> None:
    """Print what is below / or below the directories that are named."""
    held = {}
    for top in sys.argv[1:] or ["/"]:
        for directory, names, files in os.walk(top):
            names[:] = [name for name in names if not is_apart(os.path.join(directory, name))]
            for name in names + files:
                path = os.path.join(directory, name)
                if not is_apart(path):
                    held[path] = described(path)
    json.dump(held, sys.stdout)


def is_apart(path: str) -> bool:
    """Whether two images may differ in it."""
    name = os.path.basename(path)
    return path in APART + OF_DOCKER or name in ("__pycache__", "direct_url.json") or name.endswith(".pyc")


def described(path: str) -> str:
    """What is at a path, in a line."""
    about = os.lstat(path)
    line = f"{stat.filemode(about.st_mode)} {about.st_uid}:{about.st_gid}"
    if stat.S_ISLNK(about.st_mode):
        return f"{line} to {os.readlink(path)}"
    if not stat.S_ISREG(about.st_mode):
        return line
    if path.endswith(".dist-info/RECORD"):
        return f"{line} {recorded(path)}"
    return f"{line} {content(path)}"


def content(path: str) -> str:
    """What a program calls, and the digest of any other file."""
    with open(path, "rb") as opened:
        content = opened.read()
    launcher = LAUNCHER.match(content) if content.startswith(b"#!") and len(content) < 2000 else None
    if launcher:
        return "calls " + " ".join(part.decode().strip() for part in launcher.groups())
    return hashlib.sha256(content).hexdigest()


def recorded(path: str) -> str:
    """The lines of a RECORD, without what is apart, and without digests of the programs that each pip writes."""
    library = os.path.dirname(os.path.dirname(path))
    with open(path, encoding="utf-8", newline="") as opened:
        rows = [row for row in csv.reader(opened) if not is_apart("/" + row[0])]
    for row in rows:
        file = os.path.join(library, row[0])
        if os.path.isfile(file) and content(file).startswith("calls "):
            row[1:] = ["", ""]
    return json.dumps(sorted(set(map(tuple, rows))))


main()
