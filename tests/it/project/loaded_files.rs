//! Files of the project that setup.py loads as modules, and what it finds in them.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{Right, Static};
use super::{agree, script};

#[test]
fn importlib_loads_files_of_the_project() {
    agree(vec![
        script(
            Static,
            "a spec, as the documentation has it",
            "
import importlib.util
spec = importlib.util.spec_from_file_location('about', 'pkg/__init__.py')
about = importlib.util.module_from_spec(spec)
spec.loader.exec_module(about)
D = [about.__name__ + '>=' + about.__version__]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "in a function",
            "
from importlib.util import spec_from_file_location, module_from_spec
import os
def load(name, *path):
    spec = spec_from_file_location(name, os.path.join(os.path.dirname(__file__), *path))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
D = ['six==' + load('about', 'pkg', '__init__.py').__version__]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "a loader",
            "
from importlib.machinery import SourceFileLoader
D = ['six==' + SourceFileLoader('about', 'pkg/__init__.py').load_module().__version__]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "a spec of a loader",
            "
import importlib.machinery, importlib.util
loader = importlib.machinery.SourceFileLoader('about', 'pkg/__init__.py')
about = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
loader.exec_module(about)
D = ['six==' + about.__version__]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "import_module",
            "
import importlib, sys
sys.path.insert(0, '.')
D = ['six==' + importlib.import_module('pkg').__version__]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "run_path",
            "
import runpy
D = ['six==' + runpy.run_path('pkg/__init__.py')['__version__']]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "a file that is not there",
            "
import importlib.util
spec = importlib.util.spec_from_file_location('about', 'pkg/nothing.py')
about = importlib.util.module_from_spec(spec)
try:
    spec.loader.exec_module(about)
except FileNotFoundError:
    D = ['six']
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "by code that is not followed",
            "
import importlib.util
spec = importlib.util.spec_from_file_location('about', 'pkg/__init__.py')
about = importlib.util.module_from_spec(spec)
run = getattr(spec.loader, 'exec_module')
run(about)
D = ['six==' + about.__version__]
setup(name='a', version='1', install_requires=D)
",
        ),
    ]);
}

#[test]
fn patterns_find_what_python_finds() {
    agree(vec![
        script(
            Static,
            "a quote that ends as it began",
            r#"
import re
text = open('pkg/__init__.py').read()
D = ['six==' + re.search(r'''^__version__\s*=\s*(["'])(.+?)\1\s*$''', text, flags=re.MULTILINE).group(2)]
setup(name='a', version='1', install_requires=D)
"#,
        ),
        script(
            Static,
            "by name",
            r#"
import re
m = re.match(r'__version__ = (?P<q>["\'])(?P<version>[^"\']+)(?P=q)', open('pkg/__init__.py').read())
D = ['six==' + m.group('version'), 'idna==' + m['version'], 'toolz==' + m.groupdict()['version'], 'tomli==' + m.group(1, 2)[1]]
setup(name='a', version='1', install_requires=D)
"#,
        ),
        script(
            Static,
            "the other quote inside",
            r#"
import re
D = [b for a, b in re.findall(r'''(["'])(\w+)\1''', '''"six' "idna" 'toolz' ''')]
setup(name='a', version='1', install_requires=D)
"#,
        ),
        script(
            Static,
            "put in",
            r"
import re
D = [re.sub(r'(a)(b)', r'\2\g<1>', 'abxab'), re.sub('(?P<n>x)', r'\g<n>\g<n>', 'sixix', count=1), re.compile('_').sub('-', 'a_b_c', 1)]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "split and found one by one",
            r"
import re
D = re.split(r'[,;]\s*', 'six, idna;toolz') + [m.group(1) for m in re.finditer(r'(\w+)=', 'a1=b a2=d')] + re.split('(x)', 'axb', maxsplit=1)
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "as a whole",
            "
import re
D = ['six'] if re.fullmatch('a|ab', 'ab') and not re.fullmatch('a', 'ab') else ['idna']
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "groups that had no part",
            "
import re
m = re.search(r'(a)|(b)', 'b')
D = [str(m.group(1)), m.groups('six')[0], m.groups()[1]]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "a reference to more than a character",
            r"
import re
D = ['p' + re.search(r'(\w+) \1', 'ab ab cd').group(1)]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "a repeated group",
            r#"
import re
D = ['p' + str(len(re.search(r'''(?:(["'])x\1)+''', '''"x"'x' ''').group()))]
setup(name='a', version='1', install_requires=D)
"#,
        ),
        script(
            Right,
            "empty matches",
            "
import re
D = ['p' + re.sub('x*', '-', 'abxd') + 'z']
setup(name='a', version='1', install_requires=D)
",
        ),
    ]);
}

#[test]
fn extras_may_be_sets() {
    let extras = |kind, name, given: &str| {
        script(
            kind,
            name,
            &format!(
                "E = {{'a': ['six', 'idna'], 'b': ['toolz']}}\nsetup(name='a', version='1', extras_require={given})"
            ),
        )
    };
    agree(vec![
        extras(
            Static,
            "all of the others",
            "dict(E, all={r for group in E.values() for r in group})",
        ),
        extras(Static, "a union", "{'c': set(E['a']) | set(E['b'])}"),
        extras(
            Static,
            "what is in none",
            "{'c': set(E['a']).difference(E['b'], ) or {'six'}}",
        ),
        extras(
            Static,
            "with versions and markers",
            "{'c': {'six>=1', \"idna; python_version < '3.4'\"}}",
        ),
        script(
            super::Kind::Refused,
            "a set is no list of requirements",
            "setup(name='a', version='1', install_requires={'six', 'idna'})",
        ),
    ]);
}
