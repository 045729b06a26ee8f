"""The random programs of programs.py: statements and expressions as people write them, and as few do."""

import random

LISTS = ["A", "B", "C"]
DICTS = ["D", "E"]
TEXTS = ["s", "t"]
NUMBERS = ["n", "m"]
ENTERED = [
    "open('lines.txt')",
    "open(s)",
    "contextlib.suppress(Exception)",
    "contextlib.suppress(KeyError)",
]
FILES = {
    "pkg/__init__.py": "'about pkg'\n__version__ = '7.1'\nNAMES = ['x', 'y']\n",
    "version.py": "minor = '2'\nmajor = 1\n__version__ = f'{major}.{minor}'\nparts = [major, minor]\n",
    "lines.txt": "one\r\n two \n\n# three\nfour",
    "data/b.txt": "b\n",
    "data/a.txt": "a\n",
    "names.json": '{"b": 1, "a": [true, null, "c"], "b": {"d": ""}}',
}
START = """import collections, contextlib, copy, enum, functools, glob, importlib.util, io, itertools, json
import operator, os, re, sys
from pathlib import Path
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
def each(items):
    for item in items:
        if item:
            yield item
def both(items, more=()):
    got = yield s
    yield from each(items)
    for item in more:
        yield [item, got]
def noisy(items):
    try:
        for item in items:
            A.append('noise')
            yield item
    except (ValueError, IndexError):
        yield 'caught'
    finally:
        C.append(s)
h = (e for e in C)
class K:
    shared = ['k']
    def put(self, x):
        self.shared.append(x)
        A.append(x)
class L(K):
    own = 'o'
    def set(self, x):
        L.own = x
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
            self.method_of_text,
            self.formatted,
            self.read,
            lambda: f"({self.text()} if {self.condition()} else {self.text()})",
            lambda: f"{pick('repr', 'str')}({self.value()})",
            lambda: f"{self.items()}.pop()",
            lambda: f"'{{}}'.join({pick('E', 'D', '{s: t}', 'E.values()', 'A')})".replace("{}", pick(",", "", ".")),
            "K.shared[0]",
            "L.own",
            "(lambda: s)()",
            r"'\N{BULLET}\t\x41' 'b' r'\n'",
            "__doc__",
            "'' 'x'",
            lambda: f"next({self.generator()}{pick('', ', s')})",
            lambda: f"str(sorted(map(str, list({self.generator()}))))",
            lambda: f"'.'.join(str(e) for e in {self.items()})",
            lambda: f"re.sub({self.pattern()}, {pick(repr('-'), 'r' + repr(chr(92) + '1+'), repr(''))}, {self.text()})",
            lambda: f"(re.search({self.pattern()}, {self.text()}) or [t, s])[{pick('0', '1')}]",
            "str(re.match(r'(?P<a>.)(?P<b>.)?', s).groupdict())",
        )

    def pattern(self):
        """A regular expression."""
        return self.pick(
            "r'(a)'",
            "r'([a-z]+)'",
            "r'(.)(?P<c>b|c)?'",
            "r'''([\"'])(.*?)\\1'''",
            "r'''(?P<q>[\"'])([^\"']+)(?P=q)'''",
            "r'''x?([\"'])(?:b|\\1)+'''",
        )

    def generator(self):
        """An expression that gives a generator, mostly."""
        pick = self.pick
        return pick(
            "h",
            lambda: f"each({self.items()})",
            lambda: f"both({self.items()}{pick('', ', A')})",
            lambda: f"noisy({pick('C', 's', 'range(3)', 'list(B)')})",
            lambda: f"(e for e in {self.items()} if {self.condition()})",
            lambda: f"each({self.generator()})",
            lambda: f"(str(e) for e in {self.generator()})",
        )

    def disordered(self):
        """An expression that gives a list in no certain order."""
        return self.pick("os.listdir('data')", "os.listdir('.')", "glob.glob('data/*.txt')", "os.listdir('pkg')")

    def method_of_text(self):
        """A method of a text, with more or less usual arguments."""
        pick = self.pick
        of = pick(*TEXTS, "'a,b,,c'", "' x\\ty '", "'aXbXc'", "'aaa'", "'1.2.3'", "'é\\n'", "'a\\rb\\r\\nc\\x0cd'")
        return f"{of}." + pick(
            "rsplit('aa')[0]",
            "split(',', 1)[-1]",
            "rsplit('X', 1)[0]",
            "split(None, 1)[0]",
            "partition('X')[2]",
            "rpartition('.')[0]",
            "strip(' x')",
            "lstrip('a')",
            "rstrip()",
            "splitlines()[0]",
            "splitlines(True)[0]",
            "title()",
            "zfill(5)",
            "expandtabs(4)",
            "casefold()",
            "center(7, '*')",
            "ljust(4)",
            "swapcase()",
            "removeprefix('a')",
            "replace('a', 'b', 1)",
            "encode().decode()",
            "format()",
            "lower()",
            "join(A)",
            "join('xyz')",
            "capitalize()",
            "translate({97: 'z'})",
        )

    def formatted(self):
        """A text with something put into it."""
        pick = self.pick
        return pick(
            lambda: f"f'{{{self.name()}!{pick('r', 's', 'a')}}}'",
            lambda: f"f'{{{pick(*NUMBERS)}:{pick('>5', '03d', '', 'x', '+d', '.2f', ',')}}}'",
            lambda: f"f'{{{pick(*TEXTS)}:{pick('>8', '<8', '^9', '*^7', '.1')}}}'",
            lambda: f"f'{{{self.name()}=}}'",
            lambda: f"'{pick('%5s', '%-5s', '%r', '%d', '%05d', '%.1f', '%x', '%%')}|' % ({self.number()},)",
            lambda: "'%(p)s' % E",
            lambda: "'{p}{0!r}{1:>3}'.format(s, n, **E)",
            lambda: "'{x[0]}{y.real}'.format(x=A, y=n)",
            lambda: "'{0}{}'.format(s, t)",
            lambda: "'{}'.format(0.1 + 0.2) + str(1e16) + str(10 ** 20)",
        )

    def read(self):
        """What is read from a file."""
        pick = self.pick
        return pick(
            "open('lines.txt').read()",
            "open('lines.txt', newline='').read()",
            "open('lines.txt').readline()",
            "''.join(open('lines.txt'))",
            "open('lines.txt').readlines()[1]",
            "open('lines.txt', 'rb').read().decode()",
            "Path('lines.txt').read_text(encoding='utf-8')",
            "io.open('data/a.txt', encoding='ascii').read()",
            "open(os.path.join('data', pick_of)).read()".replace("pick_of", pick("'a.txt'", "'none.txt'", "s")),
            "str(Path('data') / 'a.txt')",
            "Path('data/../data/./b.txt').name",
            "os.path.basename(os.path.dirname('a/b/c'))",
            "os.path.splitext('data/b.tar.gz')[1]",
            "os.path.join('a', s, '')",
            "sorted(os.listdir('data'))[0]",
            "os.listdir('data')[0]",
            "glob.glob('data/a*')[0]",
            "next(line for line in open('lines.txt') if 'w' in line)",
            "re.search(r'^minor = [\\'\"](\\d+)', open('version.py').read(), re.M).group(1)",
            "re.search('(?P<a>o.)(x)?', open('lines.txt').read()).group('a')",
            "str(json.load(open('names.json')))",
            "json.dumps(D)",
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
            lambda: f"({pick('-7', '7', 'n', '-n')} {pick('//', '%', '**', '<<', '&', '/')} {pick('2', '-2', '3')})",
            lambda: f"{self.text()}.{pick('find', 'index', 'rfind', 'count')}({pick(chr(39) + 'a' + chr(39), 's')})",
            "True + n",
            "-True",
            "sum(range(n))",
            "sum([1, True])",
            "(m or n)",
            "len(set('aab'))",
            "len({*A, *B})",
            "max(1, n)",
            "abs(-2)",
            "range(5)[2]",
            "sys.maxsize",
            "divmod(7, 2)[1]",
            "len(range(3))",
            "int(' 12 ')",
            "int('x1')",
            "bool(m)",
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
            lambda: f"{pick(*LISTS)}[{pick('::2', '-1:0:-1', '1:-1', ':-5', '5:', '-2:', '::-2', 'n:', ':m')}]",
            lambda: f"sorted({self.items()}{pick('', ', reverse=True', ', key=str', ', key=len')})",
            lambda: f"sorted({pick('D', 'E', 'set(A)', 'D.items()', '{3, 1, 2}', '[(1, 2), (0, 3)]', '[1, True, 0]')})",
            lambda: f"[x for x in {self.items()} for y in {pick('A', 'x', 'range(2)')} if {self.condition()}]",
            lambda: (
                f"list({pick('map', 'filter')}"
                f"({pick('str', 'len', 'None', 'lambda x: x', 'f', 'A.append')}, {self.items()}))"
            ),
            lambda: f"list(enumerate({self.items()}{pick('', ', 1')}))",
            lambda: f"{self.items()} * {pick('2', 'm', '-1', 'True')}",
            lambda: (
                f"list({pick('range(3)', 'range(n)', 'range(1, 4)', 'range(6, 0, -2)', 'set(A)', 'D', 'iter(A)', 's')})"
            ),
            lambda: f"{pick(*DICTS)}.{pick('keys()', 'values()', 'items()')}",
            lambda: f"[*{pick('range(2)', 's', 'D', 'set(B)')}, {self.value()}]",
            lambda: f"[k for k, v in {pick('D', 'E')}.items() if {pick('v', 'k != s')}]",
            lambda: f"list(({self.value()}, {self.value()}))",
            lambda: f"({self.items()} or {self.items()})",
            lambda: f"({self.items()} and {self.items()})",
            "[l.strip() for l in open('lines.txt') if l.strip() and not l.startswith('#')]",
            "open('lines.txt').read().splitlines()",
            "glob.glob('data/*')",
            "os.listdir('data')",
            "sorted(glob.glob('data/*.txt'))",
            "[x for x in os.listdir('data') if x.startswith('a')]",
            "list(json.load(open('names.json')))",
            "(lambda *a, k=A: [*a, k])(1, 2)",
            "[i() for i in [lambda: j for j in range(2)]]",
            "list({s: 1, t: 2} | E)",
            "list({**D, 'k': 1})",
            "list(dict(zip('ab', A)).items())",
            "range(2)",
            "collections.OrderedDict(D)",
            lambda: f"re.{pick('findall', 'split')}({pick(repr('a*'), repr('[,.]'), repr(' ?'))}, {self.text()})",
            lambda: f"list({self.generator()})",
            lambda: f"[e for e in {self.generator()}]",
            lambda: f"[*{self.generator()}, {self.value()}]",
            lambda: f"sorted(set(A if all(isinstance(e, str) for e in A) else 'a').{pick('union', 'difference')}(s))",
            "[m.group() for m in re.finditer('o.', open('lines.txt').read())]",
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
            lambda: f"{self.number()} < {self.number()} {pick('<=', '!=', '>')} {self.number()}",
            lambda: f"{self.value()} {pick('==', '!=', 'in', 'not in', 'is', '<')} {self.value()}",
            lambda: f"{pick('any', 'all')}({pick('A', '[]', 'map(str, B)', '(e for e in C)', '(f(e) for e in A)')})",
            lambda: f"(n := {self.number()}) {pick('>', '==')} 2",
            lambda: f"{self.text()}.{pick('startswith', 'endswith')}({pick('s', '(s, t)', chr(39) + 'a' + chr(39))})",
            "'sdist' in sys.argv",
            "sys.version_info >= (3, 8)",
            "sys.version_info[0] == 2",
            "sys.version_info[1] > 10",
            "sys.version_info[:2] < (3, 12)",
            lambda: f"{pick('any', 'all')}({self.generator()})",
            lambda: f"{self.text()} in {self.generator()}",
            "sys.flags.optimize",
            "sys.dont_write_bytecode is None",
            "os.path.exists('lines.txt')",
            "Path('none').exists()",
            "Path('data').suffix",
            "__name__ == '__main__'",
            "hasattr(s, 'decode')",
            "'x' in D",
            "s.isdigit()",
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
            lambda: f"{pick('s, *A', '*A, t', '(s, t), n', '[s, t]', 'n, m')} = {self.items()}",
            lambda: f"{pick('A[1:2]', 'A[:0]', 'A[n]', 'D[s, t]', 'A[0][0]')} = {self.items()}",
            lambda: f"{pick('A', 'C')}[{pick('B.pop()', 'm', '-1')}] += {self.value()}",
            lambda: f"del {pick('s', 'A[-1]', 'D[t]', 'n', 'K.shared', 'A[:1]')}",
            lambda: f"{pick('map', 'filter')}({pick('A.append', 'f', 'K().put')}, {self.items()})",
            lambda: f"assert {self.condition()}" if depth else "pass",
            lambda: f"L().set({self.text()})",
            lambda: f"L.{pick('own', 'shared', 'new')} = {self.value()}",
            lambda: (
                f"{pick(*DICTS)} = {pick('dict(D)', 'dict(E, z=s)', '{k: v for k, v in D.items()}', 'copy.copy(D)')}"
            ),
            lambda: (
                f"ns = {{}}; exec(open('version.py').read(), {pick('ns', '{}, ns')}); "
                f"{pick(*TEXTS)} = ns['__version__']"
            ),
            lambda: "ns = {}; exec(open('version.py').read(), ns); B = [x for x in ns if x[0] != '_']",
            lambda: f"import pkg; {pick('A = pkg.NAMES', 's = pkg.__version__', 't = pkg.__doc__', 't = pkg.nothing')}",
            lambda: "from pkg import NAMES as A, __version__ as s",
            lambda: f"next({pick('iter(A)', '(A.append(x) for x in C)', 'map(f, A)')})",
            lambda: f"print({self.value()})",
            lambda: f"h = {self.generator()}",
            lambda: f"h = (e for e in {self.items()} if e != {pick('s', 't', 'n')})",
            lambda: f"{pick(*LISTS)}.extend({self.generator()})",
            lambda: f"s, t = {self.generator()}",
            lambda: (
                "spec = importlib.util.spec_from_file_location('v', 'version.py'); "
                "v = importlib.util.module_from_spec(spec); spec.loader.exec_module(v); "
                f"{pick('s = v.__version__', 'A = v.parts', 't = v.__name__', 'v.parts.append(s); A = v.parts')}"
            ),
            lambda: "fs = [lambda: i for i in range(3)]; n = fs[0]()",
            lambda: f"s = {self.text()}; str = repr; t = str(s); del str" if not depth else "pass",
            lambda: f"s = t = {self.text()}",
            lambda: f"A = B = {self.items()}",
            lambda: "x = A; x += ['i']; y = s; y += 'i'",
            lambda: "sys.exit('no')" if depth > 1 else "pass",
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
            lambda: [f"for e in {self.generator()}:", *body()],
            lambda: [
                f"for e in {self.generator()}:",
                *body(),
                *indented([f"if {self.condition()}:", f"    {pick('break', 'continue')}"]),
                *body(),
                *pick([], ["else:", *body()]),
            ],
            lambda: [f"for {pick('s', 'e', 't')} in {self.disordered()}:", *body(), *self.put_in_order()],
            lambda: [
                f"for {pick('s', 'e')} in {self.disordered()}:",
                *indented([f"{pick('A', 'B', 'C')}.append({pick('e', 's', '[s]', 's + t', 's.upper()')})"]),
                *pick([], body()),
                *self.put_in_order(),
            ],
            lambda: [
                "for s, A, B in os.walk('.'):",
                "    C."
                + pick("append(s)", "extend(B)", "append((s, sorted(B)))", "extend(os.path.join(s, t) for t in B)"),
                *pick([], body()),
                *self.put_in_order(),
            ],
            lambda: [f"while n < {self.chance.randint(3, 6)}:", *body(), "    n += 1"],
            lambda: [
                f"for e in {self.items()}:",
                *indented([f"if {self.condition()}:", "    break"]),
                "else:",
                *body(),
            ],
            lambda: ["try:", *body(), "except KeyError:", *body(), "else:", *body(), "finally:", *body()],
            lambda: [
                "try:",
                *body(),
                f"except {pick('Exception', 'LookupError')} as t:",
                *body(),
                *indented([pick("raise", "pass")]),
            ],
            lambda: [
                "try:",
                "    "
                + pick(
                    "from urllib import urlopen",
                    "import pkg_resources",
                    "from distutils.command.build_py import build_py_2to3",
                    "unicode",
                    "s.decode",
                    "import no_such_module",
                    "import json",
                    "json.loads('{')",
                ),
                *body(),
                f"except {pick('ImportError', 'NameError', 'AttributeError', 'Exception', 'ValueError')}:",
                *body(),
            ],
            lambda: [
                f"with {pick(*ENTERED)} as e:",
                *body(),
            ],
            lambda: [
                "with open('lines.txt') as e:",
                f"    {pick('s = e.readline()', 'A = [l for l in e]', 's = e.read()', 'e.read(2)')}",
                *body(),
                f"    {pick('t = e.read()', 'pass')}",
                pick("t = e.read()", "pass"),
            ],
            lambda: [
                f"match {self.value()}:",
                f"    case {pick(chr(39) + 'a' + chr(39), '[s, *t]', 'None', '1')}:",
                *indented(body()),
                "    case _:",
                *indented(body()),
            ],
            lambda: [
                f"class K{pick('', '(L)', '(enum.Enum)', '(str, enum.Enum)', '(object)')}:",
                f"    shared = {self.items()}",
                f"    own = {self.text()}",
                *indented(["def put(self, x):", *indented(self.block(depth + 1))]),
            ],
            lambda: ["def f(x=None):", *body(), f"    yield {self.value()}"],
            lambda: [
                f"def each(items{pick('', ', *more')}):",
                *body(),
                "    for item in items:",
                *indented(body()),
                "        yield item",
                *body(),
            ],
            lambda: [
                "def f(x=None):",
                "    s = 'inner'",
                "    def g(x=None):",
                f"        {pick('nonlocal s', 'global s', 'pass')}",
                *indented(body()),
                f"        return {pick('s', 'x', 'A')}",
                "    g(x)",
                "    return [s]",
            ],
            lambda: [
                f"@{pick('functools.wraps(g)', 'lambda f: f', 'lambda f: g', 'staticmethod')}",
                "def f(x=None):",
                *body(),
                "    return [x]",
            ],
            lambda: [f"g = lambda x=None: {pick('x', 'A', 'D', 'x or B')}"],
        )

    def put_in_order(self):
        """What is the same in any order, of what a loop leaves behind."""
        return self.pick([], ["A = sorted(map(str, A)); B = len(B); C = sorted(map(str, C))"])

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
            + f"\nshown = str({shown}).replace('\\n', '~').replace('\\r', '^')"
            + "\nsetup(name='a', version='1', packages=[], description='|' + shown + '|')\nA.append('late')\n"
        )


def indented(lines):
    """The lines, one level deeper."""
    return [f"    {line}" for line in lines]
