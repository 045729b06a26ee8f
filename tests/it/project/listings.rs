//! Loops over what the file system lists in no certain order.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{Right, Static};
use super::{agree, script};

#[test]
fn what_is_the_same_in_any_order() {
    agree(vec![
        script(
            Static,
            "the function that everybody copies",
            "
import os
def package_files(directory):
    paths = []
    for (path, directories, filenames) in os.walk(directory):
        for filename in filenames:
            paths.append(os.path.join('..', path, filename))
    return paths
D = [os.path.splitext(os.path.basename(p))[0].strip('_') for p in sorted(package_files('pkg'))]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "one at a time, in order",
            "
import os
D = []
for root, dirs, files in sorted(os.walk('.')):
    if root.endswith('pkg'):
        D.append(root[2:])
        D.extend(f.replace('.py', '').strip('_') for f in sorted(files))
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "rows made in each round",
            "
import os
rows = []
for root, dirs, files in os.walk('pkg'):
    names = []
    for f in files:
        names.append(f[2:6])
    rows.append((root, sorted(names)))
D = [row[0] for row in sorted(rows)] + [n for row in sorted(rows) for n in row[1]]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "added and extended",
            "
import os
paths = ['six']
for root, _, files in os.walk('pkg'):
    if not files:
        continue
    here = root.upper()
    paths += [here + f[2:6] for f in files]
    paths.extend(f[2:4] for f in files)
D = sorted(paths)
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "by a function that appends",
            "
import os
D = []
def add(name):
    D.append(name.replace('.', '').strip('_'))
for f in os.listdir('pkg'):
    add(f)
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "of nothing",
            "
import os
D = ['six']
for a, b, c in os.walk('nowhere'):
    D.append(a)
setup(name='a', version='1', install_requires=D)
",
        ),
    ]);
}

#[test]
fn what_depends_on_the_order_is_for_python_to_answer() {
    agree(vec![
        script(
            Right,
            "a counter",
            "
import os
n, names = 0, []
for f in os.listdir('.'):
    names.append('p' + f[0] + str(n))
    n += 1
D = sorted(names)
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "how many there are already",
            "
import os
names = []
for f in os.listdir('.'):
    names.append('p' + f[0] + str(len(names)))
D = sorted(names)
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "the same under another name",
            "
import os
names = []
other = names
for f in os.listdir('.'):
    if len(other) < 1:
        names.append('p' + f[0])
D = names
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "the first one",
            "
import os
for f in os.listdir('.'):
    break
D = ['p' + f[0]]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "the last one",
            "
import os
for f in os.listdir('.'):
    g = f
D = ['p' + g[0]]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "the one before",
            "
import os
before, D = 'x', []
for f in os.listdir('.'):
    D.append('p' + before[0])
    before = f
D.sort()
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "directories that are passed over",
            "
import os
D = []
for root, dirs, files in os.walk('.'):
    dirs[:] = [d for d in dirs if d != 'pkg']
    D.append('p' + root[2:])
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "directories that are taken out",
            "
import os
D = []
for root, dirs, files in os.walk('.'):
    if 'pkg' in dirs:
        dirs.remove('pkg')
    D.append('p' + root[2:])
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "what others take from",
            "
import os
R = ['six', 'idna', 'toolz']
out = []
for f in os.listdir('.'):
    out.append(f[0] + R.pop())
D = sorted(out)
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "a generator that goes on",
            "
import os
g = (x for x in 'abcdef')
out = []
for f in os.listdir('.'):
    out.append('p' + f[0] + next(g))
D = sorted(out)
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "a text that grows",
            "
import os
s = 'p'
for f in os.listdir('.'):
    s += f[0]
D = [s]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "an exception in the middle",
            "
import os
D = []
try:
    for f in os.listdir('.'):
        if f == 'pkg':
            raise ValueError
        D.append(f[:3])
except ValueError:
    pass
setup(name='a', version='1', install_requires=D)
",
        ),
    ]);
}
