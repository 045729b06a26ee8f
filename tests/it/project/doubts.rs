//! What is certain only at first sight: sgbuild may leave it to Python, but not say what Python does not.

use super::Kind::{Right, Static};
use super::agree;
use super::oracle::Case;

/// A `setup.py` that describes itself by what an expression gives.
fn described(name: &'static str, before: &str, expression: &str) -> Case {
    let setup = format!(
        "from setuptools import setup\n{before}\nsetup(name='a', version='1', packages=[], description='|' + str({expression}) + '|')\n"
    );
    super::bare(
        Right,
        name,
        &[
            ("setup.py", &setup),
            ("v.py", "z = '1'\na = '2'\n"),
            ("d/a", ""),
            ("d/b", ""),
        ],
    )
}

#[test]
fn what_only_happens_later_or_elsewhere() {
    agree(vec![
        described(
            "any() stops early",
            "A=[]\nany(A.append(x) or x == 'a' for x in 'abc')",
            "A",
        ),
        described("next() takes one", "A=[]\nnext(A.append(x) for x in 'abc')", "A"),
        described(
            "what map() gives is not gone through",
            "A=[]\nmap(A.append, ['x'])",
            "A",
        ),
        described(
            "any() does not reach what raises",
            "d=[{'x':1},{}]",
            "any(e['x'] for e in d)",
        ),
        described(
            "a list grows in its last round",
            "A=['a']\nfor x in A:\n    if len(A) < 3:\n        A.append('b' + x)",
            "A",
        ),
        described(
            "a list grows in its comprehension",
            "A=['a']\nB=[A.append('b') for x in A if len(A) < 3]",
            "(A, B)",
        ),
        described(
            "a default changes out of sight",
            "import functools\ndef f(x, to=[]):\n    to.append(x)\n    return to\nfunctools.partial(f, 'a')()",
            "f('z')",
        ),
        described(
            "a method rebinds a class attribute",
            "class K:\n    v='a'\n    def m(self): K.v='b'\nK().m()",
            "K.v",
        ),
        described(
            "a function called by re.sub",
            "import re\nA=[]\nre.sub('a', lambda m: A.append('x') or '', 'aa')",
            "A",
        ),
        described(
            "a target with an effect",
            "A=[0,1,2]\nB=[0,1]\nA[B.pop()] += 5",
            "(A,B)",
        ),
        described(
            "a comprehension's name and global",
            "x='a'\ndef f():\n    global x\n    [x for x in 'bc']\nf()",
            "x",
        ),
        described(
            "break behind else",
            "y='0'\nfor a in 'ab':\n    for b in 'cd':\n        if b == 'x': break\n    else:\n        break\n    y += a",
            "y",
        ),
        described(
            "a name is local before it is bound",
            "x='a'\ndef f():\n    try:\n        y=x\n    except NameError:\n        y='none'\n    x='b'\n    return y",
            "f()",
        ),
    ]);
}

#[test]
fn what_raises_or_not() {
    agree(vec![
        described(
            "raise alone",
            "r = ''\ntry:\n    try:\n        {}['x']\n    except KeyError:\n        raise\nexcept RuntimeError:\n    r = 'runtime'\nexcept KeyError:\n    r = 'key'",
            "r",
        ),
        described(
            "an assertion that may fail",
            "import os\nx = os.environ.get('NO_SUCH')\ny = '0'\ntry:\n    assert x\n    y = '1'\nexcept AssertionError:\n    y = '2'",
            "y",
        ),
        described(
            "an item that is not there is deleted",
            "y='0'\nd={}\ntry:\n    del d['x']\n    y='1'\nexcept KeyError:\n    y='2'",
            "y",
        ),
        described(
            "an exception is suppressed",
            "import contextlib\ny='0'\nwith contextlib.suppress(KeyError):\n    {}['x']\n    y='1'",
            "y",
        ),
        described(
            "an exception may be suppressed",
            "import contextlib, os\ny='0'\nwith contextlib.suppress(KeyError):\n    os.environ['NO_SUCH']\n    y='1'",
            "y",
        ),
        described(
            "what setuptools gave up",
            "y='0'\ntry:\n    from distutils.command.build_py import build_py_2to3\n    y='1'\nexcept ImportError:\n    y='2'",
            "y",
        ),
        described(
            "pkg_resources",
            "y='0'\ntry:\n    import pkg_resources\n    y='1'\nexcept ImportError:\n    y='2'",
            "y",
        ),
        described(
            "what Python 2 had",
            "y='0'\ntry:\n    from urllib import urlopen\n    y='1'\nexcept ImportError:\n    y='2'",
            "y",
        ),
        described(
            "a method that Python 2 had",
            "y='0'\ntry:\n    ''.decode\n    y='1'\nexcept AttributeError:\n    y='2'",
            "y",
        ),
        described(
            "the name of an exception ends with its handler",
            "e='x'\ntry:\n    {}['a']\nexcept KeyError as e:\n    pass\ny='0'\ntry:\n    e\n    y='1'\nexcept NameError:\n    y='2'",
            "y",
        ),
        described(
            "an exception of the library",
            "import json\ny='0'\ntry:\n    raise json.JSONDecodeError('a','b',0)\nexcept ValueError:\n    y='1'\nexcept Exception:\n    y='2'",
            "y",
        ),
        described(
            "a private name",
            "class K:\n    __x = 'a'\ny='0'\ntry:\n    K.__x\n    y='1'\nexcept AttributeError:\n    y='2'",
            "y",
        ),
        described(
            "a closed file",
            "y='0'\ntry:\n    with open('v.py') as f: pass\n    f.read()\n    y='1'\nexcept ValueError:\n    y='2'",
            "y",
        ),
    ]);
}

#[test]
fn what_looks_like_something_else() {
    agree(vec![
        described("rsplit goes from the right", "", "'aaa'.rsplit('aa')"),
        described("!a", "x='é'", "f'{x!a}'"),
        described("a range is shown as one", "", "str(range(3))"),
        described("a range is no list", "", "range(3) == [0,1,2]"),
        described("a range is no instance of list", "", "isinstance(range(2), list)"),
        described("an Enum's member", "import enum\nclass V(enum.Enum):\n    A='1'", "V.A"),
        described(
            "a member that is a str",
            "from enum import Enum\nclass V(str, Enum):\n    A='1'",
            "V.A",
        ),
        described(
            "a number of the library",
            "import sys\ny='0'\nif sys.flags.optimize: y='1'",
            "y",
        ),
        described(
            "a flag of the library",
            "import sys\ny='1' if sys.flags.debug else '2'",
            "y",
        ),
        described(
            "a text of the library",
            "import string",
            "isinstance(string.digits, str)",
        ),
        described("what of the library is None", "import sys", "sys.flags.debug is None"),
        described(
            "the name of a path's ..",
            "from pathlib import Path",
            "Path('a/..').name",
        ),
        described("a stem with a dot", "from pathlib import Path", "Path('a.').stem"),
        described(
            "a suffix",
            "from pathlib import Path",
            "'y' if Path('a').suffix else 'n'",
        ),
        described(
            "an absolute path keeps its ..",
            "from pathlib import Path",
            "Path('..').absolute().name",
        ),
        described(
            "a set of what is not known",
            "import os",
            "len({os.environ.get('HOME'), os.environ.get('HOME')})",
        ),
        described(
            "an OrderedDict is shown as one",
            "from collections import OrderedDict",
            "OrderedDict(a=1)",
        ),
        described("empty matches", "import re", "re.findall('a*', 'baac')"),
        described(
            "a pattern searches from somewhere",
            "import re",
            "re.compile('A').search('aA', 2)",
        ),
        described(
            "a hook",
            "import json",
            "json.loads('{\"a\":1}', object_hook=lambda d: 'x')",
        ),
        described("a part of a file is read", "f=open('v.py')\nf.read(2)", "f.read()"),
        described(
            "a file is read elsewhere",
            "import shutil, io\nf=open('v.py')\nnext(f)",
            "f.read()",
        ),
        described(
            "a listing",
            "import os\nL = os.listdir('d')",
            "(isinstance(L, list), sorted(L))",
        ),
        described("a listing's first item", "import os", "(os.listdir('d')[0] in 'ab')"),
        described(
            "the names that exec binds",
            "ns = {}\nexec(\"b = 1\\na = 2\", ns)",
            "([k for k in ns], len(ns))",
        ),
        described(
            "exec with two dicts",
            "g, l = {}, {}\nexec(\"a = '2'\", g, l)",
            "((l['a'], 'a' in g))",
        ),
    ]);
}

#[test]
fn a_module_knows_its_own_name_and_file() {
    let module = "import os\nwith open(os.path.join(os.path.dirname(__file__), 'VERSION')) as f:\n    V = f.read()\nif __name__ == '__main__':\n    V = '3'\n";
    agree(vec![super::bare(
        Static,
        "attr:",
        &[
            ("pkg/__init__.py", module),
            ("pkg/VERSION", "2"),
            ("VERSION", "1"),
            (
                "setup.cfg",
                "[metadata]\nname = a\nversion = attr: pkg.V\n[options]\npackages = pkg\n",
            ),
        ],
    )]);
}

#[test]
fn files_may_be_listed_in_any_order() {
    agree(vec![super::bare(
        Static,
        "glob and listdir",
        &[
            (
                "setup.py",
                "import glob, os\nfrom setuptools import setup\nsetup(name='a', version='1', packages=[], scripts=glob.glob('d/*'), data_files=[('d', ['d/' + n for n in os.listdir('d')])])\n",
            ),
            ("d/a", ""),
            ("d/b", ""),
        ],
    )]);
}
