"""Random programs as setup.py: what sgbuild computes of them must be what Python computes.

Each program ends in setup(description=str(…)) over what it bound. Python runs it with a setup() that keeps the
description; sgbuild reads it statically, or says that it cannot. What differs is wrong, and printed with its program.
"""

import argparse
import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import types
import warnings
from contextlib import redirect_stdout
from pathlib import Path

SECONDS = 0.5  # that a program may take
LISTS = ["A", "B", "C"]
DICTS = ["D", "E"]
TEXTS = ["s", "t"]
NUMBERS = ["n", "m"]
FUNCTIONS = ["f", "g"]
START = """import copy, functools, itertools, operator, os, re
from setuptools import setup
A = ['a', 'b']
B = A
C = [['x'], ['y', 'z'], A]
D = {'k': ['v'], 'l': A}
E = dict(p='q')
s = 'one two'
t = 'x'
n = 3
m = 0
def f(x, to=[]):
    to.append(x)
    return to
def g(x=None):
    return x
class K:
    shared = ['k']
    def put(self, x):
        self.shared.append(x)
        A.append(x)
"""


class Programs:
    """Makes one program after the other."""

    def __init__(self, seed):
        self.chance = random.Random(seed)

    def pick(self, *choices):
        """One of the choices; a function is called."""
        chosen = self.chance.choice(choices)
        return chosen() if callable(chosen) else chosen

    def text(self):
        """An expression that gives a text, mostly."""
        pick = self.pick
        return pick(
            "'a'",
            "'b c'",
            "''",
            lambda: pick(*TEXTS),
            lambda: f"({self.text()} + {self.text()})",
            lambda: f"{pick(*TEXTS)}.{pick('strip()', 'upper()', 'replace(chr(97), str(n))', 'title()')}",
            lambda: f"'{{}}-{{}}'.format({self.value()}, {self.number()})",
            lambda: f"'%s/%s' % ({self.text()}, {self.value()})",
            lambda: f"f'{{{self.name()}}}{{{self.pick(*NUMBERS)}!r}}'",
            lambda: f"'-'.join(map(str, {self.items()}))",
            lambda: f"{self.text()}[{pick('0:1', ':-1', '1:', '::-1')}]",
            lambda: f"str({self.name()})",
        )

    def number(self):
        """An expression that gives a number, mostly."""
        pick = self.pick
        return pick(
            "1",
            "2",
            lambda: pick(*NUMBERS),
            lambda: f"len({self.items()})",
            lambda: f"({self.number()} {pick('+', '-', '*', '%', '//')} {pick('1', '2', '3')})",
            lambda: f"{self.items()}.count({self.value()})" if self.chance.random() < 0.3 else "0",
            lambda: f"int(str({pick(*NUMBERS)}))",
        )

    def items(self):
        """An expression that gives a list, mostly."""
        pick = self.pick
        return pick(
            lambda: pick(*LISTS),
            lambda: f"[{self.value()}, {self.value()}]",
            lambda: f"{pick(*LISTS)}[{pick('1:', ':1', '::-1', '-1:')}]",
            lambda: f"({self.items()} + {self.items()})",
            lambda: (
                f"[{pick('e', 'str(e)', '(e, n)', 'e * 2')} for e in {self.items()}{pick('', ' if e', ' if e != s')}]"
            ),
            lambda: f"list({pick('D', 'E')}.{pick('keys()', 'values()', 'items()')})",
            lambda: f"sorted(map(str, {self.items()}))",
            lambda: f"list({pick('zip', 'itertools.chain')}({self.items()}, {self.items()}))",
            lambda: f"list(reversed({self.items()}))",
            lambda: f"{self.text()}.split()",
            lambda: f"D.get({pick(chr(39) + 'k' + chr(39), chr(39) + 'no' + chr(39))}, {self.items()})",
            lambda: "f('f')",
            lambda: f"g({pick(*LISTS)})",
            "K.shared",
            lambda: f"copy.copy({pick(*LISTS)})",
            lambda: f"[*{pick(*LISTS)}, *{self.items()}]",
            lambda: f"re.findall({pick(repr('[a-z]'), repr('(.)'), repr('o.'))}, {self.text()})",
        )

    def odd(self):
        """An expression that is not followed, but leads to a list that is."""
        pick = self.pick
        which = pick(*LISTS)
        return pick(
            f"operator.itemgetter(0)([{which}])",
            f"functools.reduce(lambda x, y: y, [[], {which}])",
            f"getattr({{}}, 'get')('x', {which})",
            f"next(iter([{which}]))",
            f"max([{which}], key=len)",
            f"dict(z={which}).popitem()[1]",
            f"(lambda *a, **k: a[0])({which}, {which})",
            f"(os.environ.get('NO_SUCH_VARIABLE') or {which})",
            f"[{which}][int(os.environ.get('NO_SUCH_VARIABLE', '0'))]",
            f"functools.partial(g, {which})()",
            f"vars(type('T', (), {{'x': {which}}}))['x']",
        )

    def name(self):
        """A name of anything."""
        return self.pick(*LISTS, *DICTS, *TEXTS, *NUMBERS)

    def value(self):
        """An expression."""
        return self.pick(self.text, self.number, self.items, self.name, "None", "True", lambda: f"({self.text()},)")

    def condition(self):
        """An expression for `if`."""
        pick = self.pick
        return pick(
            lambda: f"{self.number()} {pick('<', '>=', '==', '!=')} {self.number()}",
            lambda: f"{self.text()} in {pick(self.text, self.items)}",
            lambda: f"not {self.name()}",
            lambda: f"{self.name()} and {self.items()}",
            lambda: f"{self.value()} is {pick('None', 'not None')}",
            "os.environ.get('NO_SUCH_VARIABLE')",
            lambda: f"isinstance({self.name()}, {pick('str', 'list', '(str, dict)')})",
        )

    def statement(self, depth=0):
        """Lines of one statement."""
        pick = self.pick
        simple = [
            lambda: f"{pick(*LISTS)} = {self.items()}",
            lambda: f"{pick(*LISTS)} += {self.items()}",
            lambda: f"{pick(*TEXTS)} = {self.text()}",
            lambda: f"{pick(*NUMBERS)} {pick('=', '+=')} {self.number()}",
            lambda: f"{pick(*LISTS)}.{pick('append', 'append', 'remove', 'extend')}({pick(self.value, self.text)})",
            lambda: f"{pick(*LISTS)}.{pick('pop()', 'reverse()', 'sort()', 'clear()', 'insert(0, s)')}",
            lambda: f"{pick(*LISTS)}[0] = {self.value()}",
            lambda: f"D[{self.text()}] = {self.value()}",
            lambda: f"{pick(*DICTS)}.update({pick('E', 'x=A', '{s: t}')})",
            lambda: f"D.setdefault({self.text()}, []).append({self.value()})",
            lambda: f"{pick('s, t', 't, s')} = {self.text()}, {self.text()}",
            lambda: f"{self.odd()}.append({self.text()})",
            lambda: f"{pick(*LISTS)} = {self.odd()}",
            lambda: f"f({self.value()})",
            lambda: f"K().put({self.text()})",
            lambda: f"K.shared = {self.items()}",
            lambda: f"D['k'] = {pick(*LISTS)}",
            lambda: f"del {pick('A[0]', 'D[s]', 'B[:]')}",
            lambda: f"{pick('D |= E', 'B *= 2', 'A -= 1')}",
            lambda: f"raise {pick('ValueError', 'KeyError(s)', 'IOError(t)', 'K')}" if depth else "pass",
            lambda: f"({pick(*TEXTS)} := {self.text()})",
            lambda: f"exec({self.text()!r} and 'm = n + 1')",
        ]
        if depth > 2:
            return [pick(*simple)]

        def body():
            return indented(self.block(depth + 1))

        return pick(
            *[lambda each=each: [each()] for each in simple],
            lambda: [f"if {self.condition()}:", *body(), "else:", *body()],
            lambda: [f"for {pick('s', 'e', 'm')} in {self.items()}:", *body()],
            lambda: [
                f"for e in {pick(*LISTS)}:",
                *indented([f"if {self.condition()}:", f"    {pick('break', 'continue')}"]),
                *body(),
            ],
            lambda: [
                "try:",
                *body(),
                f"except {pick('(ValueError, IndexError)', 'Exception', 'KeyError', 'OSError as e')}:",
                *body(),
            ],
            lambda: [
                f"def f(x{pick('', ', y=A', ', *more')}, to=B):",
                *indented([pick("", "global A", "global s") or "pass"]),
                *body(),
                f"    return {pick('to', 'x', 'A')}",
            ],
            lambda: [f"while n < {self.chance.randint(3, 6)}:", *body(), "    n += 1"],
            lambda: [f"g = lambda x=None: {pick('x', 'A', 'D', 'x or B')}"],
        )

    def block(self, depth):
        """Lines of one to three statements."""
        return [line for _ in range(self.chance.randint(1, 3)) for line in self.statement(depth)]

    def program(self):
        """A whole setup.py."""
        lines = [line for _ in range(self.chance.randint(2, 8)) for line in self.statement()]
        names = ", ".join(LISTS + DICTS + TEXTS + NUMBERS)
        shown = self.pick(f"({names}, K.shared)", *LISTS, *DICTS, *TEXTS, *NUMBERS)
        return (
            START
            + "\n".join(lines)
            + f"\nsetup(name='a', version='1', description='|' + str({shown}) + '|')\nA.append('late')\n"
        )


def indented(lines):
    """The lines, one level deeper."""
    return [f"    {line}" for line in lines]


def python_says(program):
    """The description that Python computes, or None where the program fails or runs too long."""
    kept = {}
    fake = types.ModuleType("setuptools")
    fake.setup = lambda **arguments: kept.update(arguments)
    real = sys.modules.get("setuptools")
    sys.modules["setuptools"] = fake
    try:
        code = compile(program, "setup.py", "exec")
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        with redirect_stdout(io.StringIO()):
            exec(code, {"__name__": "__main__", "__file__": "setup.py"})
    except BaseException:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.modules["setuptools"] = real
    return kept.get("description")


def sgbuild_says(sgbuild, directory):
    """The description that sgbuild reads, or None where it would ask Python; a crash is an error."""
    command = [sgbuild, "inspect", "--json", "--static", str(directory)]
    ran = subprocess.run(
        command, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": str(directory)}
    )
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
    arguments = parser.parse_args()
    programs = Programs(arguments.seed)
    # What doubles in a loop ends in a MemoryError.
    resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, resource.RLIM_INFINITY))
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    followed = wrong = failing = lenient = 0
    with tempfile.TemporaryDirectory() as scratch:
        setup = Path(scratch, "setup.py")
        for number in range(arguments.programs):
            program = programs.program()
            expected = python_says(program)
            setup.write_text(program)
            said = sgbuild_says(arguments.sgbuild, scratch)
            followed += said is not None
            failing += expected is None
            # What is not followed may fail in Python; sgbuild then knows a value that nobody will use.
            lenient += expected is None and said is not None
            if said is not None and expected is not None and said != " ".join(expected.split("\n")[0:1]):
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
