"""A wheel of a project 1.0 that is named for what is odd about it: odd_wheel.py KIND DIRECTORY."""

import io
import random
import struct
import sys
import zipfile
import zlib
from pathlib import Path

KIND, DIRECTORY = sys.argv[1], Path(sys.argv[2])
NAME = KIND.replace("-", "_")
INFO = f"{NAME}-1.0.dist-info"
ABOUT = {
    f"{NAME}/__init__.py": "VALUE = 1\n" * 100,
    f"{INFO}/METADATA": f"Metadata-Version: 2.1\nName: {KIND}\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def written(files: list[tuple[str, str]], method: int = zipfile.ZIP_DEFLATED, *, into=None, lie=("", "")) -> bytes:
    """The bytes of a wheel of these files and its metadata; RECORD has the second text of `lie` for the first."""
    files = [*files, *ABOUT.items()]
    record = "".join(f"{name},,{len(text)}\n" for name, text in files) + f"{INFO}/RECORD,,\n"
    buffer = into or io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        for name, text in [*files, (f"{INFO}/RECORD", record.replace(*lie))]:
            about = zipfile.ZipInfo(name)
            about.compress_type = method
            with wheel.open(about, "w", force_zip64=KIND == "large-entries") as file:
                file.write(text.encode())
    return buffer.getvalue()


def entry_points(line: str) -> tuple[str, str]:
    """A file of one program."""
    return f"{INFO}/entry_points.txt", f"[console_scripts]\n{line}\n"


class OneWay(io.BytesIO):
    """What cannot be gone back in: sizes follow their files."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError("only forwards")

    def tell(self) -> int:
        raise OSError("only forwards")


def replaced(content: bytes, old: str, new: str) -> bytes:
    """With a name of the same length in all its places."""
    assert len(old) == len(new)
    return content.replace(old.encode(), new.encode())


def in_directory(content: bytes, name: str, offset: int, value: bytes) -> bytes:
    """With a field of a file's header in the central directory changed."""
    at = content.index(b"PK\x01\x02")
    while content[at + 46 : at + 46 + len(name)] != name.encode():
        at = content.index(b"PK\x01\x02", at + 4)
    return content[: at + offset] + value + content[at + offset + len(value) :]


def large() -> str:
    """A text that does not shrink below what a layer of its own begins with."""
    return random.Random(0).randbytes(8 << 20).hex()


def bomb() -> bytes:
    """Two gigabytes of zeros in two megabytes, of which every byte is there."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = compressor.compress(bytes(1 << 20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    deflated = piece * 2048 + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    content = written([(f"{NAME}/zeros.bin", "")], zipfile.ZIP_STORED)
    name = f"{NAME}/zeros.bin".encode()
    sizes = struct.pack("<II", len(deflated), 2048 << 20)
    head = content.index(name) - 30
    after = head + 30 + len(name)
    header = content[head : head + 8] + struct.pack("<H", 8) + content[head + 10 : head + 18] + sizes
    local = header + content[head + 26 : after] + deflated
    moved = len(local) - (after - head)
    content = content[:head] + local + content[after:]
    content = in_directory(content, name.decode(), 10, struct.pack("<H", 8))
    content = in_directory(content, name.decode(), 20, sizes)
    # All that follows has moved.
    at = content.index(b"PK\x01\x02")
    first = at
    while content[at : at + 4] == b"PK\x01\x02":
        (place,) = struct.unpack("<I", content[at + 42 : at + 46])
        if place > head:
            content = content[: at + 42] + struct.pack("<I", place + moved) + content[at + 46 :]
        at += 46 + sum(struct.unpack("<HHH", content[at + 28 : at + 34]))
    return content[: at + 16] + struct.pack("<I", first) + content[at + 20 :]


TAG = "cp311-cp311-win_amd64" if KIND == "other-platform" else "py3-none-any"
LAST = f"{NAME}/zz.py"
PLAIN = [(LAST, "print('a text that shrinks')\n" * 50)]
# Sixty megabytes that shrink to half, as a compiled program does.
PROGRAM = "#!/bin/sh\n" + random.Random(1).randbytes(30_000_000).hex() if KIND == "large-program" else ""
SHORTER = (f"{LAST},,{len(PLAIN[0][1])}", f"{LAST},,5")
MAKE = {
    "cut-off": lambda: written(PLAIN)[:-400],
    "leads-up": lambda: replaced(written(PLAIN), LAST, "../" + "e" * (len(LAST) - 6) + ".py"),
    "leads-away": lambda: replaced(written(PLAIN), LAST, "/" + "e" * (len(LAST) - 4) + ".py"),
    "same-name-twice": lambda: replaced(written([*PLAIN, (LAST[:-5] + "zy.py", "")]), LAST[:-5] + "zy.py", LAST),
    "becomes-gigabytes": bomb,
    "record-lies": lambda: written(PLAIN, lie=SHORTER),
    "directory-lies": lambda: in_directory(written(PLAIN, lie=SHORTER), LAST, 24, struct.pack("<I", 5)),
    "sum-is-wrong": lambda: in_directory(written(PLAIN), LAST, 16, struct.pack("<I", 5)),
    "by-another-method": lambda: written(PLAIN, zipfile.ZIP_BZIP2),
    "locked-up": lambda: in_directory(written(PLAIN), LAST, 8, struct.pack("<H", 1)),
    "two-of-them": lambda: written([*PLAIN, ("other-1.0.dist-info/METADATA", "")]),
    "other-platform": lambda: written(PLAIN),
    "other-hash": lambda: written(PLAIN),
    "stored-only": lambda: written(PLAIN, zipfile.ZIP_STORED),
    "large-entries": lambda: written(PLAIN),
    "sizes-follow": lambda: written(PLAIN, into=OneWay()),
    "large-program": lambda: written([(f"{NAME}-1.0.data/scripts/program", PROGRAM)]),
    "case-differs": lambda: written([*PLAIN, (f"{NAME}/ZZ.py", "other = 2\n")]),
    "whiteout": lambda: written([*PLAIN, (f"{NAME}-1.0.data/data/bin/.wh.python3", "")]),
    "whiteout-program": lambda: written([*PLAIN, entry_points(".wh.python3 = os:getpid")]),
    "no-program": lambda: written([*PLAIN, entry_points("a\0b = os:getpid")]),
    "long-name": lambda: written([*PLAIN, ("d/" * 32_000 + "f", "")]),
    "deep": lambda: written([*PLAIN, *((f"d{number}/" * 600 + "f", "") for number in range(100))]),
    "large-one": lambda: written([*PLAIN, (f"{NAME}/data.txt", large())]),
    # In one package with others of that kind, and in one file.
    "shared": lambda: written([*PLAIN, (f"shared/{NAME}.py", "")]),
    "clashes": lambda: written([*PLAIN, ("clashes/__init__.py", f"OF = {NAME!r}\n")]),
    "plain": lambda: written(PLAIN),
}
# The names of some kinds go on, as in `plain-a`.
KIND = KIND if KIND in MAKE else KIND.partition("-")[0]
(DIRECTORY / f"{NAME}-1.0-{TAG}.whl").write_bytes(MAKE[KIND]())
