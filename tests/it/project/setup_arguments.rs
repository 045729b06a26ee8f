//! What `setup()` is called with, and what becomes of it.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{Asked, Refused, Right, Static};
use super::{agree, files, script};

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
            "string = '1'\nimport string\nsetup(name='a', version=string.digits)",
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
fn what_setuptools_checks_is_refused_as_it_refuses_it() {
    let given = |kind, name, keywords: &str| {
        script(
            kind,
            name,
            &format!("setup(name='a', version='1', packages=['pkg'], {keywords})"),
        )
    };
    agree(vec![
        given(Refused, "zip_safe as a string", "zip_safe='False'"),
        given(Refused, "zip_safe as an empty string", "zip_safe=''"),
        given(Refused, "zip_safe as another number", "zip_safe=2"),
        given(Refused, "zip_safe as a list", "zip_safe=[]"),
        given(Static, "zip_safe as a number", "zip_safe=0"),
        given(Static, "zip_safe as none", "zip_safe=None"),
        given(
            Refused,
            "include_package_data as a string",
            "include_package_data='true'",
        ),
        given(Static, "include_package_data as a number", "include_package_data=1"),
        given(Refused, "2to3", "use_2to3=True"),
        given(Static, "no 2to3", "use_2to3=False"),
        given(Refused, "links as one text", "dependency_links='https://example.org/a'"),
        given(Static, "links", "dependency_links=['https://example.org/a']"),
        given(Static, "no links", "dependency_links=[]"),
        given(Refused, "resources as one text", "eager_resources='a'"),
        given(Refused, "a namespace of nothing", "namespace_packages=['other']"),
        given(Refused, "a namespace as one text", "namespace_packages='pkg'"),
        given(Refused, "libraries that are none", "libraries=['m']"),
        given(Static, "no libraries", "libraries=[]"),
        given(
            Refused,
            "requirements of pip in requires",
            "requires=['py-applescript', 'six']",
        ),
        given(Refused, "a bare specifier in requires", "requires=['six>=1.0']"),
    ]);
}

#[test]
fn a_version_of_python_is_no_number_that_loses_its_zero() {
    for (number, string) in [("3.10", "3.10"), ("3.1", "3.10"), ("3.20", "3.20")] {
        let sandbox = crate::support::Sandbox::empty();
        let setup_py =
            format!("from setuptools import setup\nsetup(name='a', version='1',\n      python_version={number})\n");
        sandbox.write("setup.py", &setup_py);
        let ran = sandbox.run(&["inspect"]);
        assert_eq!(ran.code, 1);
        let wanted = format!("write it as a string: python_version=\"{string}\"");
        assert!(
            ran.stderr.contains("setup.py:3: ") && ran.stderr.contains(&wanted),
            "{}",
            ran.stderr
        );
    }
    let sandbox = crate::support::Sandbox::empty();
    sandbox.write(
        "setup.py",
        "from setuptools import setup\nsetup(name='a', version='1', python_version=3.11)\n",
    );
    assert_eq!(sandbox.run(&["inspect"]).code, 0);
}
