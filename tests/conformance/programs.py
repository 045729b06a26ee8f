"""Random programs as setup.py: what sgbuild computes of them must be what Python computes.

Each program ends in setup(description=str(…)) over what it bound. Python runs it with a setup() that keeps the
description; sgbuild reads it statically, or says that it cannot. What differs is wrong, and printed with its program.
"""

import argparse
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import types
import warnings
from pathlib import Path

from grammar import FILES, Programs

SECONDS = 0.5  # that a program may take
# sgbuild reads for the Python of an image, which is this one here.
VERSION = "{}.{}".format(*sys.version_info[:2])


def python_says(program):
    """The description that Python computes, or None where the program fails, runs too long or crashes Python."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        with contextlib.suppress(BaseException):
            os.write(writer, run(program).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as answer:
        said = answer.read().decode()
    os.waitpid(child, 0)
    return said or None


def run(program):
    """Run it as setup.py, in a process of its own: the description that setup() is given."""
    kept = {}
    fake = types.ModuleType("setuptools")
    fake.setup = lambda **arguments: kept.update(arguments)
    sys.modules["setuptools"] = fake
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    # What doubles in a loop ends in a MemoryError.
    resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, resource.RLIM_INFINITY))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    exec(compile(program, "setup.py", "exec"), {"__name__": "__main__", "__file__": "setup.py"})
    return kept["description"]


def sgbuild_says(sgbuild, directory):
    """The description that sgbuild reads, or None where it leaves it out or would ask Python; a crash is an error."""
    command = [sgbuild, "inspect", "--json", "--static", str(directory)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "SGBUILD_PYTHON_VERSION": VERSION}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    if ran.returncode == 0:
        return json.loads(ran.stdout)["summary"]
    if ran.returncode != 1:
        raise SystemExit(f"sgbuild ended with {ran.returncode}: {ran.stderr}")
    return None


def main():
    """Try many programs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sgbuild", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--programs", type=int, default=500)
    parser.add_argument("--failing", action="store_true", help="print programs that fail in Python and were followed")
    arguments = parser.parse_args()
    sgbuild = str(Path(arguments.sgbuild).resolve())
    programs = Programs(arguments.seed)
    sys.dont_write_bytecode = True
    warnings.simplefilter("ignore")
    followed = wrong = failing = lenient = 0
    with tempfile.TemporaryDirectory() as scratch:
        setup = Path(scratch, "setup.py")
        for name, text in FILES.items():
            Path(scratch, name).parent.mkdir(exist_ok=True)
            Path(scratch, name).write_bytes(text.encode())
        os.chdir(scratch)
        sys.path.insert(0, scratch)
        sys.argv[:] = ["setup.py", "egg_info"]
        for number in range(arguments.programs):
            program = programs.program()
            expected = python_says(program)
            setup.write_text(program)
            said = sgbuild_says(sgbuild, scratch)
            followed += said is not None
            failing += expected is None
            # What is not followed may fail in Python; sgbuild then knows a value that nobody will use.
            lenient += expected is None and said is not None
            if arguments.failing and expected is None and said is not None:
                print(f"---- program {number} of seed {arguments.seed} fails in Python\n{program}\nsgbuild: {said}")
            if said is not None and expected is not None and said != expected:
                wrong += 1
                print(
                    f"---- program {number} of seed {arguments.seed}\n{program}\npython:  {expected}\nsgbuild: {said}"
                )
    counts = (
        f"{failing} fail in Python ({lenient} of them were followed), {followed} followed to their end, {wrong} wrong"
    )
    print(f"{arguments.programs} programs: {counts}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
