"""Compiles modules for `bytecode/batch.rs`, and neither imports nor runs them.

Standard input, numbers as four bytes, little-endian: the modules' time; then of each the lengths of its path and source, and both.
Standard output: of each the length of its byte code, and that; NONE for one that does not compile.
"""

import sys

# Nothing is imported from where this happens to run.
sys.path[:] = [place for place in sys.path if place]

import gc
import marshal
from _frozen_importlib_external import MAGIC_NUMBER

NONE = 0xFFFFFFFF
MOST_MEMORY = 4 << 30
# Up to 3.10 a set is written in the order that it has in memory.
SETS_ARE_SORTED = sys.version_info >= (3, 11)


def bounded():
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    except (ImportError, OSError, ValueError):
        pass


def number(value):
    return (value & 0xFFFFFFFF).to_bytes(4, "little")


def is_certain(constant):
    """Whether it is written the same every time: sets of what is hashed by its address are not."""
    if isinstance(constant, type(compiled.__code__)):
        return all(map(is_certain, constant.co_consts))
    if isinstance(constant, tuple):
        return all(map(is_certain, constant))
    if isinstance(constant, frozenset):
        return all(isinstance(item, (str, bytes, int, float, complex)) for item in constant)
    return True


def compiled(path, source, time):
    # As `compileall` does, whose header has the time and the size of the source: https://peps.python.org/pep-0552/.
    code = compile(source, path, "exec", dont_inherit=True)
    if not SETS_ARE_SORTED and not is_certain(code):
        return None
    return MAGIC_NUMBER + number(0) + number(time) + number(len(source)) + marshal.dumps(code)


def main():
    bounded()
    # What is collected when would decide what the rest refers to.
    gc.disable()
    given, answer = sys.stdin.buffer, sys.stdout.buffer

    def read_number():
        return int.from_bytes(given.read(4), "little")

    time = read_number()
    while given.peek(1):
        lengths = read_number(), read_number()
        path, source = map(given.read, lengths)
        try:
            code = compiled(path.decode(), source, time)
        except Exception:
            code = None
        if code is None:
            answer.write(number(NONE))
        else:
            answer.write(number(len(code)))
            answer.write(code)
    answer.flush()


main()
