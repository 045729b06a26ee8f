//! What the interpreter follows, and what it leaves to Python.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{Right, Static};
use super::{agree, files, script};

#[test]
fn what_is_out_of_sight_is_for_python_to_answer() {
    agree(vec![
        script(
            Right,
            "an argument changes another",
            "R = ['six']\nsetup(name='a', version='1', description=R.pop(), install_requires=R)",
        ),
        script(
            Right,
            "a default changes a list",
            "R = ['six']\ndef f(x=R.append('idna')):\n    pass\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Right,
            "a decorator changes a list",
            "R = ['six']\n@lambda f: R.append('idna')\ndef g():\n    pass\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Right,
            "a comprehension changes a list",
            "R = ['six']\n[R.append(x) for x in ['idna']]\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Right,
            "a bound method",
            "R = ['six']\nadd = R.append\nadd('idna')\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Right,
            "a class attribute",
            "R = ['six']\nclass C:\n    r = R\nC.r.append('idna')\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Right,
            "a slice",
            "R = ['six']\nR[:] = ['idna']\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(Right, "deleted", "V = '1'\nW = V\ndel V\nsetup(name='a', version=W)"),
        script(
            Right,
            "a tuple with a list",
            "T = (['six'],)\nT[0].append('idna')\nsetup(name='a', version='1', install_requires=T[0])",
        ),
        script(
            Right,
            "a nested function",
            "R = ['six']\ndef f():\n    def g():\n        R.append('idna')\n    return g\nf()()\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Right,
            "a module's attribute",
            "import os\nos.V = '1'\nV = os.V\nsetup(name='a', version=V)",
        ),
    ]);
}

#[test]
fn what_the_interpreter_follows_is_what_python_does() {
    agree(vec![
        script(
            Static,
            "comprehensions have names of their own",
            "n = '1'\nR = [n + '>=1' for n in ('six', 'idna') if n != 'idna']\nsetup(name='a', version=n, install_requires=R)",
        ),
        script(
            Right,
            "a walrus in a comprehension",
            "v = '1'\n[v := x for x in ('2', '3')]\nsetup(name='a', version=v)",
        ),
        script(
            Static,
            "closures see what is bound later",
            "def make():\n    def version():\n        return part\n    part = '3'\n    return version\nsetup(name='a', version=make()())",
        ),
        script(
            Static,
            "a default is made once",
            "def add(name, to=[]):\n    to.append(name)\n    return to\nadd('six')\nsetup(name='a', version='1', install_requires=add('idna'))",
        ),
        script(
            Static,
            "nonlocal",
            "def f():\n    v = '1'\n    def g():\n        nonlocal v\n        v = '2'\n    g()\n    return v\nsetup(name='a', version=f())",
        ),
        script(
            Static,
            "exceptions take their way",
            "def f(d):\n    try:\n        return d['x']\n    except (ValueError, KeyError) as e:\n        return '4'\n    finally:\n        d['y'] = '1'\nD = {}\nv = f(D)\nsetup(name='a', version=v + '.' + D['y'])",
        ),
        script(
            Static,
            "loops end as they say",
            "for n in range(9):\n    if n == 3:\n        break\nelse:\n    n = 8\nwhile n < 6:\n    n += 1\n    continue\nsetup(name='a', version=str(n))",
        ),
        script(
            Right,
            "the environment decides",
            "import os\nv = '1'\nif os.environ.get('NO_SUCH_VARIABLE_AT_ALL'):\n    v = '2'\nsetup(name='a', version=v)",
        ),
        script(
            Static,
            "the environment decides what does not matter",
            "import os\nkw = {}\nif os.environ.get('NO_SUCH_VARIABLE_AT_ALL'):\n    author = 'x'\nsetup(name='a', version='1')",
        ),
        script(
            Right,
            "a list that something unknown was handed",
            "import random\nR = ['six', 'idna', 'toolz', 'tomli']\nrandom.shuffle(R)\nsetup(name='a', version='1', install_requires=sorted(R))",
        ),
        script(
            Right,
            "a list reached through something unknown",
            "import os\nR = ['six']\nT = (R, [])\nT[int(os.environ.get('NO_SUCH_VARIABLE', '0'))].append('idna')\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Right,
            "a list reached through getattr",
            "R = ['six']\ngetattr(R, 'append')('idna')\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Right,
            "a list reached through a class",
            "class C:\n    r = ['six']\nC().r.append('idna')\nsetup(name='a', version='1', install_requires=C.r)",
        ),
        script(
            Right,
            "a method sees the module's name, not the class's",
            "v = '1'\nclass C:\n    v = '2'\n    @staticmethod\n    def get():\n        return v\nsetup(name='a', version=C.get())",
        ),
        script(
            Right,
            "a file read in parts",
            "f = open('setup.py')\nfirst = f.readline()\nrest = f.read()\nsetup(name='a', version='1', description=str(len(rest) > 0))",
        ),
        script(
            Static,
            "what comes after setup() is too late",
            "R = ['six']\nX = {'x': R}\nsetup(name='a', version='1', install_requires=R, extras_require=X)\nR.append('idna')\nX['y'] = []",
        ),
        script(
            Right,
            "the text of an exception",
            "try:\n    open('missing')\nexcept OSError as e:\n    v = str(e)\ntry:\n    {}['k']\nexcept KeyError as e:\n    w = str(e)\nsetup(name='a', version='1', description=v + w)",
        ),
        script(
            Static,
            "one exception under two names",
            "try:\n    raise OSError('x')\nexcept IOError:\n    v = '2'\nsetup(name='a', version=v)",
        ),
        script(
            Right,
            "a dict that is changed in place",
            "D = {'x': ['six']}\nE = D\nD |= {'y': ['idna']}\nL = ['six']\nM = L\nL *= 2\nsetup(name='a', version='1', extras_require=E, description=str(M))",
        ),
        script(
            Right,
            "an exception of the project's own",
            "class OwnError(Exception):\n    pass\ntry:\n    raise OwnError('x')\nexcept OwnError:\n    v = '2'\nelse:\n    v = '1'\nsetup(name='a', version=v)",
        ),
        script(
            Right,
            "a function called in its class",
            "v = '1'\nclass C:\n    v = '2'\n    def get():\n        return v\n    w = get()\n    x = [v for _ in 'a']\nsetup(name='a', version=C.w, description=str(C.x))",
        ),
        script(
            Right,
            "exec in a function",
            "v = '1'\ndef f():\n    exec(\"v = '2'\")\n    return v\nsetup(name='a', version=f())",
        ),
        script(
            Right,
            "exec of code that only Python knows",
            "import os\nv = '1'\nexec(os.environ.get('NO_SUCH', \"v = '2'\"))\nsetup(name='a', version=v)",
        ),
        script(
            Right,
            "exec of one of several arguments",
            "import os\nv = '1'\nexec(*[os.environ.get('NO_SUCH', \"v = '2'\")])\nsetup(name='a', version=v)",
        ),
        script(
            Right,
            "exec in no namespace of its own",
            "v = '1'\nexec(\"v = '2'\", None)\nsetup(name='a', version=v)",
        ),
        script(
            Right,
            "a generator is used up",
            "g = (x for x in ['six'])\nlist(g)\nsetup(name='a', version='1', install_requires=list(g))",
        ),
        script(
            Right,
            "an iterator is used up",
            "m = map(str.strip, [' six '])\nlist(m)\nz = zip('ab', 'cd')\nlist(z)\nsetup(name='a', version='1', install_requires=list(m), description=str(list(z)))",
        ),
        script(
            Right,
            "a view follows its dict",
            "d = {'six': 1}\nk = d.keys()\nd['idna'] = 2\nsetup(name='a', version='1', install_requires=list(k))",
        ),
        script(
            Right,
            "sets have no order",
            "R = list({'six', 'idna', 'toolz'})\nsetup(name='a', version='1', install_requires=sorted(R))",
        ),
        script(
            Static,
            "texts are cut and joined",
            "t = ' a, b ,c '\nv = '.'.join(p.strip() for p in '1 2 3'.split())\nsetup(name='a', version=v, description='|'.join(t.strip().split(',')) + t[1:-1].replace(' ', '_') + '{0}-{x}'.format(1, x='y') + '%s%%%d' % ('q', 2) + f'{v}{3!r}')",
        ),
        script(
            Static,
            "numbers",
            "V = (1, 2 * 3, 7 // 2, -1 % 4)\nsetup(name='a', version='.'.join(map(str, V)), description=str([1.5, None, True, (1,), {'k': 'v'}]))",
        ),
        script(
            Static,
            "patterns",
            "import re\nt = open('setup.py').read()\nv = re.search(r'VER\\s*=\\s*.(\\d+\\.\\d+)', t, re.M).group(1)\nVER = '8.9'\nsetup(name='a', version=v, install_requires=re.findall(r'^# (\\w+)$', t, re.MULTILINE))\n# six\n# idna",
        ),
        script(
            Right,
            "patterns that Python reads in its own way",
            "import re\nsetup(name='a', version='1', description=str([re.findall(p, 'a\\nb1]é\\n') for p in (r'\\w$', r'[[]', r'(?i)É', r'(.)\\1', r'(?<=a).', r'b?1{,2}')]))",
        ),
        script(
            Static,
            "code of the project's own",
            "ns = {}\nexec('__version__ = \\'5\\' + \\'.1\\'', ns)\nexec(compile('N = 6', 'x', 'exec'))\nsetup(name='a', version=ns['__version__'], description=str(N))",
        ),
        script(
            Static,
            "setup() in a helper with what it was given",
            "def run(**more):\n    kw = dict(name='a', version='1')\n    kw.update(more)\n    setup(**kw)\nif __name__ == '__main__':\n    run(install_requires=['six'], extras_require={k: [k] for k in ('idna', 'toolz')})",
        ),
        script(
            Static,
            "own commands on the command line are not ours",
            "import os, sys\nif sys.argv[-1] == 'publish':\n    os.system('false')\n    sys.exit()\nsetup(name='a', version='1', packages=find_packages())",
        ),
        script(
            Right,
            "a command of setuptools on the command line",
            "import sys\nv = '1' if 'egg_info' in sys.argv or 'dist_info' in sys.argv or 'sdist' in sys.argv else '2'\nsetup(name='a', version=v)",
        ),
        files(
            Static,
            "modules of the project",
            &[
                (
                    "pkg/__init__.py",
                    "from .version import V as __version__\nfrom . import names\n",
                ),
                ("pkg/version.py", "import sys\nV = '.'.join(str(n) for n in (1, 4))\n"),
                ("pkg/names.py", "R = ['six']\n"),
                (
                    "setup.py",
                    "from setuptools import setup\nimport pkg.names\nfrom pkg import __version__\npkg.names.R.append('idna')\nsetup(name='a', version=__version__, install_requires=pkg.names.R, packages=['pkg'])",
                ),
            ],
        ),
        files(
            Right,
            "a module of the project that changes what was imported before",
            &[
                ("pkg/__init__.py", ""),
                ("one.py", "R = ['six']\n"),
                ("two.py", "import one\none.R.append('idna')\none.V = '2'\n"),
                (
                    "setup.py",
                    "from setuptools import setup\nimport one\none.V = '1'\nimport two\nsetup(name='a', version=one.V, install_requires=one.R, packages=['pkg'])",
                ),
            ],
        ),
    ]);
}
