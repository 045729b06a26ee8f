//! Situations in which `setup.py` says it.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{Asked, Refused, Right, Static};
use super::{agree, bare, files, script};

#[test]
fn values_are_what_python_would_compute() {
    agree(vec![
        script(
            Static,
            "literals",
            "setup(name='a', version='1', description='d', python_requires='>=3.8', install_requires=['six'], packages=['pkg'])",
        ),
        script(
            Static,
            "names",
            "N = 'a'\nV = '1'\nR = ['six']\nsetup(name=N, version=V, install_requires=R)",
        ),
        script(Static, "rebinding", "V = '1'\nV = '2'\nsetup(name='a', version=V)"),
        script(
            Static,
            "sums",
            "B = ['six']\nsetup(name='a' + 'b', version='1', install_requires=B + ['idna>=3'])",
        ),
        script(
            Static,
            "conditional",
            "V = '1'\nif True:\n    V = '2'\nsetup(name='a', version=V)",
        ),
        script(
            Static,
            "conditional value",
            "setup(name='a', version='1' if 0 else '2')",
        ),
        script(
            Static,
            "a loop appends",
            "R = []\nfor n in ('six', 'idna'):\n    R.append(n)\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Static,
            "+=",
            "R = ['six']\nR += ['idna']\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Static,
            "alias",
            "R = []\nQ = R\nQ.append('six')\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Static,
            "nested alias",
            "R = []\nD = {'r': R}\nD['r'].append('six')\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Static,
            "a helper changes a list",
            "R = []\ndef add(r):\n    r.append('six')\nadd(R)\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Static,
            "a helper defined earlier changes a list",
            "def add():\n    R.append('six')\nR = []\nadd()\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Static,
            "a lambda defined earlier changes a list",
            "add = lambda: R.append('six')\nR = []\nadd()\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Static,
            "a helper with global",
            "def bump():\n    global V\n    V = '2'\nV = '1'\nbump()\nsetup(name='a', version=V)",
        ),
        script(
            Asked,
            "a helper with globals()",
            "def bump():\n    globals()['V'] = '2'\nV = '1'\nbump()\nsetup(name='a', version=V)",
        ),
        script(
            Asked,
            "a method with global",
            "class C:\n    def bump(self):\n        global V\n        V = '2'\nV = '1'\nC().bump()\nsetup(name='a', version=V)",
        ),
        script(
            Asked,
            "a property changes a list",
            "class C:\n    @property\n    def x(self):\n        R.append('six')\n        return 'd'\nR = []\nsetup(name='a', version='1', description=C().x, install_requires=R)",
        ),
        script(
            Right,
            "through the module",
            "import sys\nV = '1'\nsetattr(sys.modules['builtins'] and sys, 'x', 1)\nsetup(name='a', version=V)",
        ),
        script(
            Static,
            "an alias that a helper changes",
            "R = []\nQ = R\nP = Q\ndef add():\n    P.append('six')\nadd()\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Asked,
            "a packages tree that is made first",
            "import os\nos.makedirs('made/sub', exist_ok=True)\nopen('made/__init__.py', 'w').close()\nsetup(name='a', version='1', packages=find_packages())",
        ),
        files(
            Asked,
            "a module of the project changes setuptools",
            &[
                (
                    "helper.py",
                    "import setuptools\nreal = setuptools.setup\nsetuptools.setup = lambda **k: real(**dict(k, version='9'))\n",
                ),
                (
                    "setup.py",
                    "import sys\nsys.path.insert(0, '.')\nimport helper\nimport setuptools\nsetuptools.setup(name='a', version='1')",
                ),
            ],
        ),
        script(
            Static,
            "functions that change nothing",
            "import os\nhere = os.path.dirname(__file__)\ndef read(name):\n    lines = []\n    with open(os.path.join(here, name)) as f:\n        lines.append(f.read())\n    return lines[0]\nsetup(name='a', version='1', packages=find_packages(), install_requires=['six'], long_description=read('setup.py'))",
        ),
        script(Static, "exec", "V = '1'\nexec(\"V = '2'\")\nsetup(name='a', version=V)"),
        script(Static, "walrus", "setup(name=(V := 'a'), version='1', description=V)"),
        script(
            Static,
            "walrus changes what is passed",
            "V = '1'\nsetup(name='a', description=(V := '2'), version=V)",
        ),
        script(
            Asked,
            "match binds",
            "V = '1'\nmatch '2':\n    case V:\n        pass\nsetup(name='a', version=V)",
        ),
        script(
            Asked,
            "with binds",
            "import contextlib\nV = '1'\nwith contextlib.nullcontext('2') as V:\n    pass\nsetup(name='a', version=V)",
        ),
        script(
            Static,
            "for binds",
            "V = '1'\nfor V in ('2', '3'):\n    pass\nsetup(name='a', version=V)",
        ),
        script(Static, "unpacking binds", "V, W = '1', '2'\nsetup(name='a', version=W)"),
        script(
            Asked,
            "import binds",
            "string = '1'\nimport string\nsetup(name='a', version='1', description=string.digits)",
        ),
        script(Static, "an f-string", "X = 3\nsetup(name='a', version=f'1.{X}')"),
        script(Static, "%", "setup(name='a', version='1.%d' % 2)"),
        script(
            Static,
            "regex",
            "import re\nV = re.search(r\"'(.*)'\", open('pkg/__init__.py').read()).group(1)\nsetup(name='a', version=V)",
        ),
        files(
            Static,
            "open().read()",
            &[
                (
                    "setup.py",
                    "from setuptools import setup\nsetup(name='a', version=open('VERSION').read().strip())",
                ),
                ("VERSION", "3.1\n"),
            ],
        ),
        script(
            Static,
            "imported",
            "import sys\nsys.path.insert(0, '.')\nfrom pkg import __version__\nsetup(name='a', version=__version__)",
        ),
        script(
            Static,
            "an unused read",
            "long = open('pkg/__init__.py').read()\nsetup(name='a', version='1', long_description=long)",
        ),
        script(Static, "**", "K = {'version': '1'}\nsetup(name='a', **K)"),
        script(
            Static,
            "dict unpacked",
            "E = {'x': ['six']}\nsetup(name='a', version='1', extras_require={**E, 'y': ['idna']})",
        ),
        script(
            Static,
            "list unpacked",
            "E = ['six']\nsetup(name='a', version='1', install_requires=[*E, 'idna'])",
        ),
        script(
            Static,
            "joined strings and escapes",
            "setup(name='a', version='1' '.2', description='caf\\xe9 \\N{BULLET} \"x\"' r'\\n')",
        ),
        script(
            Static,
            "long strings",
            "setup(name='a', version='1', install_requires='''\nsix>=1 # why\n# no\n\nidna\n''')",
        ),
        script(
            Static,
            "comments among requirements",
            "setup(name='a', version='1', install_requires=[\n  'six', # why\n  # 'no',\n  'idna # because',\n])",
        ),
        script(
            Asked,
            "requirement continued by a backslash",
            "setup(name='a', version='1', install_requires='six \\\\\\n>=1')",
        ),
        script(
            Static,
            "a tuple of requirements",
            "setup(name='a', version='1', install_requires=('six',))",
        ),
        script(
            Asked,
            "a set of packages",
            "setup(name='a', version='1', packages={'pkg'})",
        ),
        script(Static, "semicolons", "N = 'a'; V = '1'; setup(name=N, version=V)"),
        script(
            Static,
            "tabs",
            "if __name__ == '__main__':\n\tsetup(\n\t\tname='a',\n\t\tversion='1')\n",
        ),
        files(
            Static,
            "byte order mark",
            &[(
                "setup.py",
                "\u{feff}from setuptools import setup\nsetup(name='a', version='1')",
            )],
        ),
        files(
            Static,
            "CRLF",
            &[(
                "setup.py",
                "from setuptools import setup\r\nsetup(name='a',\r\n  version='1', description='''x\r\n y''')\r\n",
            )],
        ),
        files(
            Right,
            "CR",
            &[(
                "setup.py",
                "from setuptools import setup\rsetup(name='a', version='1', description='x')\r",
            )],
        ),
        files(
            Right,
            "CR within a string",
            &[(
                "setup.py",
                "from setuptools import setup\nsetup(name='a', version='1', install_requires='''six\ridna''')\n",
            )],
        ),
        script(
            Right,
            "form feed in requirements",
            "setup(name='a', version='1', install_requires='six\\x0cidna')",
        ),
        script(
            Right,
            "line separator in requirements",
            "setup(name='a', version='1', install_requires='six\\u2028idna')",
        ),
        script(Refused, "a keyword twice", "setup(name='a', version='1', version='2')"),
        script(
            Right,
            "keys twice",
            "setup(name='a', version='1', extras_require={'b': ['six'], 'b': ['idna']})",
        ),
    ]);
}

#[test]
fn where_setup_is_called_and_how_it_is_imported() {
    let named = "(name='a', version='1')\n";
    let py = |text: &str| text.replace("(...)", named);
    let alone = |kind, name, text: &str| files(kind, name, &[("setup.py", &py(text))]);
    agree(vec![
        alone(Static, "module", "import setuptools\nsetuptools.setup(...)"),
        alone(Static, "module under a name", "import setuptools as st\nst.setup(...)"),
        alone(Static, "distutils", "from distutils.core import setup\nsetup(...)"),
        alone(
            Static,
            "distutils with setuptools' keywords",
            "from distutils.core import setup\nsetup(name='a', version='1', install_requires=['six'])",
        ),
        alone(Asked, "star", "from setuptools import *\nsetup(...)"),
        alone(
            Static,
            "main guard",
            "from setuptools import setup\nif __name__ == '__main__':\n    setup(...)",
        ),
        alone(
            Static,
            "try setuptools",
            "try:\n    from setuptools import setup\nexcept ImportError:\n    from distutils.core import setup\nsetup(...)",
        ),
        alone(
            Right,
            "try something missing first",
            "try:\n    import nonesuch\n    from setuptools import setup, find_packages\nexcept ImportError:\n    from setuptools import setup\n    find_packages = lambda: ['other']\nsetup(name='a', version='1', packages=find_packages(), package_dir={'other': 'pkg'})",
        ),
        alone(
            Right,
            "try with else",
            "try:\n    from setuptools import setup, find_packages\nexcept ImportError:\n    pass\nelse:\n    find_packages = lambda: ['other']\nsetup(name='a', version='1', packages=find_packages(), package_dir={'other': 'pkg'})",
        ),
        alone(
            Static,
            "in a function",
            "from setuptools import setup\ndef main():\n    setup(...)\nmain()",
        ),
        alone(
            Static,
            "in a with",
            "import contextlib\nfrom setuptools import setup\nwith contextlib.nullcontext():\n    setup(...)",
        ),
        alone(
            Static,
            "in a try",
            "from setuptools import setup\ntry:\n    setup(...)\nexcept ZeroDivisionError:\n    pass",
        ),
        alone(
            Static,
            "in either branch",
            "import sys\nfrom setuptools import setup\nif sys.version_info < (3,):\n    setup(name='b', version='2')\nelse:\n    setup(...)",
        ),
        alone(
            Right,
            "wrapped",
            "from setuptools import setup as real\ndef setup(**k):\n    real(**dict(k, name='b'))\nsetup(...)",
        ),
        alone(
            Right,
            "patched",
            "import setuptools\nreal = setuptools.setup\nsetuptools.setup = lambda **k: real(**dict(k, name='b'))\nsetuptools.setup(...)",
        ),
        alone(
            Right,
            "find_packages patched",
            "import setuptools\nsetuptools.find_packages = lambda: ['other']\nsetuptools.setup(name='a', version='1', packages=setuptools.find_packages(), package_dir={'other': 'pkg'})",
        ),
        alone(
            Right,
            "find_packages replaced after its import",
            "from setuptools import setup, find_packages\ndef find_packages():\n    return ['other']\nsetup(name='a', version='1', packages=find_packages(), package_dir={'other': 'pkg'})",
        ),
        alone(
            Static,
            "its result kept",
            "from setuptools import setup\nd = setup(...)",
        ),
        alone(
            Right,
            "code after it",
            "from setuptools import setup\nsetup(...)\nname = 'b'\nfor x in (1, 2):\n    print(x)",
        ),
        alone(
            Refused,
            "stopped before",
            "from setuptools import setup\nraise SystemExit('no')\nsetup(...)",
        ),
        alone(
            Refused,
            "exits before",
            "import sys\nfrom setuptools import setup\nsys.exit('no')\nsetup(...)",
        ),
        alone(
            Refused,
            "a syntax error",
            "from setuptools import setup\nsetup(name='a' version='1')",
        ),
        alone(
            Right,
            "moved elsewhere",
            "import os\nfrom setuptools import setup, find_packages\nos.chdir(os.path.dirname(os.path.abspath(__file__)))\nsetup(name='a', version='1', packages=find_packages())",
        ),
        alone(
            Right,
            "options",
            "from setuptools import setup\nsetup(name='a', version='1', options={'egg_info': {'tag_build': '.dev3'}})",
        ),
        alone(
            Right,
            "cmdclass sdist",
            "from setuptools import setup\nfrom setuptools.command.sdist import sdist\nclass S(sdist):\n    pass\nsetup(name='a', version='1', cmdclass={'sdist': S})",
        ),
        alone(
            Asked,
            "cmdclass egg_info",
            "from setuptools import setup\nfrom setuptools.command.egg_info import egg_info\nclass E(egg_info):\n    def run(self):\n        self.distribution.metadata.description = 'late'\n        super().run()\nsetup(name='a', version='1', cmdclass={'egg_info': E})",
        ),
        alone(
            Right,
            "ext_modules",
            "from setuptools import setup, Extension\nsetup(name='a', version='1', ext_modules=[Extension('x', ['x.c'])])",
        ),
        alone(
            Right,
            "no ext_modules",
            "from setuptools import setup\nsetup(name='a', version='1', ext_modules=[])",
        ),
        alone(
            Right,
            "unknown keyword",
            "from setuptools import setup\nsetup(name='a', version='1', nonsense=True)",
        ),
        alone(
            Static,
            "the original's keywords",
            "from setuptools import setup\nsetup(name='a', version='1', python_version='3.11', dockerlines=['RUN true'], entry_point={'pkg': 'f'})",
        ),
        alone(
            Static,
            "the original's keywords, asked",
            "from setuptools import setup\nv = '1'.strip()\nsetup(name='a', version=v, python_version=3.11, dockerlines='RUN true\\nRUN false', entry_point={'pkg': 'f'})",
        ),
        alone(
            Static,
            "package data",
            "from setuptools import setup\nsetup(name='a', version='1', packages=['pkg'], package_data={'pkg': ['*.csv']}, include_package_data=True)",
        ),
        alone(
            Right,
            "distclass",
            "from setuptools import setup, Distribution\nclass D(Distribution):\n    def get_name(self):\n        return 'b'\nsetup(name='a', version='1', distclass=D)",
        ),
        bare(
            Refused,
            "twice",
            &[
                ("pkg/__init__.py", ""),
                (
                    "setup.py",
                    &py("from setuptools import setup\nsetup(name='first', version='1')\nsetup(...)"),
                ),
            ],
        ),
    ]);
}

#[test]
fn every_field_as_setuptools_writes_it() {
    let versions = [
        "1.0-RC1",
        "v2",
        " 1.0 ",
        "1.0.post3",
        "1.0+Local.1",
        "1!2.0",
        "2024.01.05",
        "1.0.0-beta.2",
        "1.0-1",
        "1.0.dev",
        "0",
    ];
    let mut cases: Vec<_> = versions
        .iter()
        .map(|v| script(Static, v, &format!("setup(name='a', version={v:?})")))
        .collect();
    cases.extend([
        script(Right, "a number", "setup(name='a', version=1.10)"),
        script(Right, "an integer", "setup(name='a', version=3)"),
        script(Refused, "no version at all", "setup(name='a', version='one')"),
        script(Static, "capitals and dots", "setup(name='My.Pkg_A', version='1')"),
        script(Static, "summary of several lines", "setup(name='a', version='1', description='one\\ntwo')"),
        script(Static, "summary of several lines, the first blank", "setup(name='a', version='1', description='''\n  one\n  two\n''')"),
        script(Right, "summary with blanks", "setup(name='a', version='1', description='  one  ')"),
        script(Right, "summary with a carriage return", "setup(name='a', version='1', description='one\\rtwo')"),
        script(Right, "summary with a tab and a form feed", "setup(name='a', version='1', description='one\\ttwo\\x0cthree')"),
        script(Right, "an empty summary", "setup(name='a', version='1', description='')"),
        script(Static, "ranges", "setup(name='a', version='1', python_requires='!=3.0.*, >=2.7,<4')"),
        script(Right, "no range", "setup(name='a', version='1', python_requires='')"),
        script(Refused, "a bad range", "setup(name='a', version='1', python_requires='3.8')"),
        script(Static, "extras", "setup(name='a', version='1', install_requires=['six'], extras_require={'a': ['idna>=2; python_version < \"3.9\" or os_name == \"nt\"'], 'b': 'six\\nidna', 'dev': []})"),
        script(Static, "conditional extras", "setup(name='a', version='1', extras_require={':python_version<\"3.9\"': ['six'], 'fast:os_name==\"nt\"': ['idna; sys_platform == \"linux\"'], 'fast': ['attrs']})"),
        script(Static, "names of extras", "setup(name='a', version='1', extras_require={'My_Extra': ['six'], 'b.c': []})"),
        script(Asked, "an odd extra", "setup(name='a', version='1', extras_require={'b c': ['six']})"),
        script(Right, "two spellings of an extra", "setup(name='a', version='1', extras_require={'a_b': ['six'], 'A-B': ['idna']})"),
        script(Refused, "no list in an extra", "setup(name='a', version='1', extras_require={'a': None})"),
        script(Static, "entry points", "setup(name='a', version='1', entry_points={'console_scripts': ['a = pkg:a', 'b=pkg.m:C.d [x]'], 'g': 'c = pkg:c\\n# no\\nd=pkg', 'empty': []})"),
        script(Static, "entry points as text", "setup(name='a', version='1', entry_points='''\n[console_scripts]\n a = pkg:a\n# no\n[g.h]\nb=pkg:b\n''')"),
        script(Right, "entry points as text with a semicolon", "setup(name='a', version='1', entry_points='[g]\\n;a = pkg:a\\nb=pkg:b')"),
        script(Refused, "an entry point twice", "setup(name='a', version='1', entry_points={'g': ['a = pkg:b', 'a = pkg:a']})"),
        script(Right, "a group twice", "setup(name='a', version='1', entry_points='[g]\\na = pkg:a\\n[g]\\nb = pkg:b')"),
        script(Refused, "an entry point with a comment", "setup(name='a', version='1', entry_points={'g': ['a = pkg:a # why']})"),
        script(Refused, "an entry point with parentheses", "setup(name='a', version='1', entry_points={'g': ['a = pkg:a()']})"),
        script(Refused, "no entry point", "setup(name='a', version='1', entry_points={'g': ['a']})"),
        script(Refused, "entry points as dict of dicts", "setup(name='a', version='1', entry_points={'g': {'a': 'pkg:a'}})"),
        script(Static, "packages and modules", "setup(name='a', version='1', packages=['pkg'], py_modules=['m'])"),
        script(Refused, "packages as text", "setup(name='a', version='1', packages='pkg')"),
        script(Right, "no packages", "setup(name='a', version='1', packages=[])"),
        script(Right, "packages None", "setup(name='a', version='1', packages=None)"),
        script(Right, "setup_requires", "setup(name='a', version='1', setup_requires=['six'])"),
        script(Right, "no setup_requires", "setup(name='a', version='1', setup_requires=[])"),
    ]);
    agree(cases);
}

#[test]
fn requirements_mean_what_they_mean_to_setuptools() {
    let right = [
        "six",
        "six>=1.10",
        "six >= 1.10 , < 2",
        "six[a,B_c]>=1",
        "six (>=1.0)",
        "six==1.*",
        "six!=1.5,~=1.4",
        "Six_X.y",
        "six; python_version<'3'",
        "six;python_version in '2.7 3.5'",
        "six; os_name=='nt' and (sys_platform=='linux' or python_version>'3')",
        "six @ https://example.com/six.whl",
        "six@https://example.com/six.whl ; os_name=='nt'",
        "six[a] @ file:///x",
        "six>=1.0.dev0",
        "six ==1.0",
        "six<=2,>=1,!=1.5",
        "six; 'linux' in sys_platform",
        "six; extra == 'a'",
        "six; 'nt' == os_name",
        "six; platform_python_implementation=='PyPy'",
        "six @ git+https://example.com/six.git@v1#egg=six",
        "six[]",
        "six; python_full_version >= '3.8.1'",
        "six; implementation_version > '3'",
        "six >=v1.0",
        "six~=1.0.post1",
        "six # why",
        "six>1.0a1",
    ];
    let doubtful = [
        "six===1.0-odd",
        "six>=1.0+local",
        "six>=1,",
        "six>1.0.*",
        "six=>1",
        "six>=",
        "six 1.0",
        "six>=1<2",
        "-e .",
        ".",
        "six;",
        "six; nonsense == 'x'",
        "six; python_version",
        "six[a",
        "https://example.com/x.whl",
        "six @ ./x",
        "six @",
        "six>=1.0-foo",
        "six; python_version >= 3",
        "six~=1",
        "~six",
        "six==*",
        "six>=1;os_name='nt'",
        "six@https://example.com/x;os_name=='nt'",
        "-r requirements.txt",
        "six --hash=sha256:0",
        "git+https://example.com/x",
        "six; os.name == 'nt'",
        "six; platform.machine == 'x'",
        "six == 1.0 \\",
        "s!x",
        "six @ not-a-url",
    ];
    let one = |kind, r: &'static str| {
        script(
            kind,
            r,
            &format!("setup(name='a', version='1', install_requires=[{r:?}], extras_require={{'a': [{r:?}]}})"),
        )
    };
    agree(right.into_iter().map(|r| one(Right, r)).collect());
    super::oracle::never_wrong(doubtful.into_iter().map(|r| one(Right, r)).collect());
}

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
