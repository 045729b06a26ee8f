//! Generators: what they yield, and when they run.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{Right, Static};
use super::{agree, script};

#[test]
fn what_generators_yield() {
    agree(vec![
        script(
            Static,
            "a generator expression that is bound",
            "
lines = (line.strip() for line in open('setup.py'))
D = [line.split()[1].replace('=', '') for line in lines if line.startswith('# ')]
# six =
# idna =
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "a function that yields",
            "
def read():
    for line in ['six', '', '# no', 'idna']:
        if not line or line.startswith('#'):
            continue
        yield line
D = list(read())
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "yield from, and by recursion",
            "
def walk(tree):
    for each in tree:
        if isinstance(each, list):
            yield from walk(each)
        else:
            yield each
D = sorted(walk(['six', ['idna', ['toolz']]]))
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "joined, unpacked, in a set and a dict",
            "
def g():
    yield 's'
    yield 'x'
a, b = g()
D = [a + 'i' + b, 'i'.join(g()), *g()] + sorted(set(g())) + list(dict((k, 1) for k in g()))
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "the first, or nothing",
            "
def g():
    yield 'six'
    raise ValueError
D = [next(g()), next((x for x in [] if x), 'idna')]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "one that another goes through",
            "
def up(items):
    for item in items:
        yield item.lower()
def g():
    yield 'SIX'
D = list(up(up(g()))) + list(up(x for x in ['IDNA']))
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "added to a list",
            "
def g():
    yield 'six'
D = []
D.extend(g())
D += (x for x in ['idna'])
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "twice: the second time it is over",
            "
g = (x for x in ['six', 'idna'])
D = list(g) + list(g)
setup(name='a', version='1', install_requires=D)
",
        ),
    ]);
}

#[test]
fn generators_and_their_consumers_take_turns() {
    agree(vec![
        script(
            Static,
            "a loop that changes what the generator looks at",
            "
state = {'n': 0}
def g():
    while state['n'] < 5:
        yield 'p' + str(state['n'])
D = []
for x in g():
    state['n'] += 2
    D.append(x)
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "a loop that is left",
            "
D = []
def g():
    try:
        for x in ['six', 'idna', 'toolz']:
            D.append(x)
            yield x
        D.append('tomli')
    finally:
        D.append('attrs')
for x in g():
    if x == 'idna':
        break
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "a loop that returns",
            "
def g():
    for i in range(10):
        yield i
def find():
    for i in g():
        if i > 3:
            return i
D = ['p' + str(find())]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "an exception of the loop is none of the generator",
            "
D = []
def g():
    try:
        yield 1
    except ValueError:
        D.append('six')
try:
    for x in g():
        raise ValueError('x')
except ValueError:
    D.append('idna')
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "conditions are looked at late, the first iterable early",
            "
R, t = ['a1', 'a22'], 1
g = (x for x in R if len(x) > t)
R, t = ['a333'], 2
D = list(g)
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Static,
            "any and all stop",
            "
D = []
def g():
    for x in ['', 'six', 'idna']:
        D.append('p' + x)
        yield x
if any(g()) and not all(g()):
    D.append('toolz')
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "one that goes on where it was left",
            "
g = (x for x in ['six', 'idna', 'toolz'])
for x in g:
    break
D = list(g)
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "one that nobody sees run",
            "
import collections
L = ['six']
def g():
    L.append('idna')
    yield 1
collections.deque(g())
D = L
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "membership goes through it",
            "
g = (x for x in ['six', 'idna', 'toolz'])
found = 'six' in g
D = list(g)
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "one that catches that it is left",
            "
D = []
def g():
    try:
        yield 1
    except:
        D.append('six')
for x in g():
    break
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "what it yields is not certain",
            "
import time
def g():
    if time.time() > 5:
        yield 'six'
D = list(g())
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "items and effects take turns in a comprehension too",
            "
L = []
def g():
    L.append('x')
    yield 1
    L.append('y')
    yield 2
D = ['p' + str(len(L)) for x in g()]
setup(name='a', version='1', install_requires=D)
",
        ),
        script(
            Right,
            "numbered as they come",
            "
def g():
    yield 'six'
    yield 'idna'
D = [x + '>=' + str(i) for i, x in enumerate(g())]
setup(name='a', version='1', install_requires=D)
",
        ),
    ]);
}
