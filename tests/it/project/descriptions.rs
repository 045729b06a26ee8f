//! What is for people to read: authors, licenses, classifiers, the description.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{Asked, Refused, Right, Static};
use super::oracle::{Case, Kind};
use super::{agree, files, script};

const NAMED: &str = "name='a', version='1', packages=['pkg'],";

/// `setup()` with more keywords.
fn setup(kind: Kind, name: &'static str, keywords: &str) -> Case {
    script(kind, name, &format!("import os\nsetup({NAMED} {keywords})\n"))
}

fn project(kind: Kind, name: &'static str, text: &str) -> Case {
    let head = "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n";
    let text = format!("{head}[project]\nname = 'a'\nversion = '1'\n{text}");
    let readme = ("README.md", "# A\n\nText \u{e4}\n");
    files(
        kind,
        name,
        &[("pyproject.toml", &text), readme, ("LICENSE", "Mine.\nAll.\n")],
    )
}

#[test]
fn keywords_of_setup() {
    agree(vec![
        setup(
            Static,
            "all of them",
            "url='https://e.com', download_url='https://e.com/a', author='A', author_email='a@e.com', maintainer='M',
             maintainer_email='m@e.com', license='MIT', keywords=['a', 'b c'], platforms=['any', 'linux'],
             classifiers=['Topic :: Software Development', 'License :: OSI Approved :: MIT License'],
             project_urls={'Code': 'https://e.com/c', 'Docs': 'https://e.com/d'}, requires=['a.b', 'c (>=1.0, <2.0)'],
             provides=[' p ', 'q (1.0)'], obsoletes=['o'], long_description='# A\\n\\nText',
             long_description_content_type='text/markdown'",
        ),
        setup(
            Static,
            "texts that are split",
            "keywords='a, b\\nc,,', platforms='x\\ny'",
        ),
        setup(Static, "a text of classifiers", "classifiers='ab'"),
        setup(
            Static,
            "tuples",
            "keywords=('a', 'b'), classifiers=('Topic :: Utilities',)",
        ),
        setup(
            Static,
            "empty",
            "url='', author=None, license='', keywords=[], long_description=''",
        ),
        setup(Static, "a number", "url=5, author=True"),
        setup(
            Static,
            "a computed summary",
            "description=os.popen('echo one').read(), install_requires=['six']",
        ),
        setup(Static, "a license of two lines", "license='One.\\nTwo.'"),
        setup(Static, "the other spelling", "licence='B', license='A'"),
        setup(Static, "an expression", "license_expression='mit or  apache-2.0'"),
        setup(
            Static,
            "unknown ones",
            "author=os.environ.get('NO_SUCH_VARIABLE', 'A'), url='https://e.com'",
        ),
        setup(
            Static,
            "unknown description",
            "long_description=os.popen('echo hi').read(), license='MIT'",
        ),
        setup(
            Static,
            "unknown classifiers",
            "classifiers=os.popen('echo hi').read().split()",
        ),
        setup(
            Static,
            "unknown item",
            "keywords=['a', os.popen('echo hi').read().strip()]",
        ),
        setup(
            Refused,
            "no license that setuptools knows",
            "license_expression='My own'",
        ),
        setup(
            Refused,
            "an expression beside a classifier",
            "license_expression='MIT', classifiers=['License :: OSI Approved :: MIT License']",
        ),
        setup(Refused, "classifiers of none", "classifiers=None"),
        setup(Refused, "a list as license", "license=['MIT']"),
        setup(Refused, "urls as a list", "project_urls=['https://e.com']"),
        setup(Refused, "a wrong predicate", "requires=['scikit-learn']"),
        setup(Refused, "a number among keywords", "keywords=[1]"),
        files(
            Static,
            "a readme that is read",
            &[
                ("README.rst", "A\r\n=\r\n"),
                (
                    "setup.py",
                    "from setuptools import setup\nwith open('README.rst') as f:\n    text = f.read()\n\
                     setup(name='a', version='1', packages=['pkg'], long_description=text)\n",
                ),
            ],
        ),
    ]);
}

#[test]
fn keys_of_setup_cfg() {
    let cfg = |kind, name, text: &str| {
        let text = format!("[metadata]\nname = a\nversion = 1\n{text}\n[options]\npackages = pkg\n");
        let more = ("MORE.txt", "more\n");
        files(kind, name, &[("setup.cfg", &text), ("README.rst", "A\n=\n"), more])
    };
    let over = |kind, name, keywords: &str, text: &str| {
        let setup_py = format!("from setuptools import setup\nsetup({keywords})\n");
        let text = format!("[metadata]\nname = a\nversion = 1\n{text}\n[options]\npackages = pkg\n");
        files(kind, name, &[("setup.py", &setup_py), ("setup.cfg", &text)])
    };
    agree(vec![
        cfg(
            Static,
            "all of them",
            "author = A\nauthor-email = a@e.com\nmaintainer = M\nmaintainer_email = m@e.com\nhome_page = https://e.com\n\
             download_url = https://e.com/a\nlicense = MIT\nkeywords = a, b c\nplatform =\n  any\n  linux\n\
             classifier =\n  Topic :: Utilities\n  Environment :: Console\nproject_urls =\n  Code = https://e.com/c?a=b\n\
             \x20 Docs=https://e.com/d\nprovides = p, q\nobsoletes = o\nlong_description = file: README.rst, MORE.txt\n\
             long_description_content_type = text/x-rst",
        ),
        cfg(Static, "an expression", "license_expression = mit"),
        cfg(Static, "classifiers of a file", "classifiers = file: MORE.txt"),
        cfg(Static, "requires, letter by letter", "requires = six"),
        cfg(Static, "empty ones", "url =\nkeywords =\nlong_description ="),
        cfg(
            Static,
            "a file that is missing",
            "long_description = file: NONE.rst\nlicense = x",
        ),
        cfg(Refused, "a license file", "license = file: LICENSE"),
        cfg(Refused, "urls without a name", "project_urls = https://e.com"),
        over(
            Static,
            "setup.py first",
            "author='P', url=''",
            "author = C\nurl = https://e.com\nlicense = MIT",
        ),
        over(Static, "setup.py says nothing", "url='', license=None", "license = MIT"),
        over(
            Static,
            "an unknown one first",
            "author=__import__('os').getenv('NONE', 'P')",
            "author = C",
        ),
    ]);
}

#[test]
fn fields_of_pyproject() {
    let other = |kind, name, text: &str, more: (&str, &str)| {
        let mut case = project(kind, name, text);
        case.files.push((more.0.to_owned(), more.1.as_bytes().to_owned()));
        case
    };
    agree(vec![
        project(
            Static,
            "all of them",
            "description = 'd'\nreadme = 'README.md'\nlicense = 'mit'\nlicense-files = ['LICEN*']\nkeywords = ['a', 'b']\n\
             classifiers = ['Topic :: Utilities']\nauthors = [{name = 'A B'}, {email = 'x@e.com'}, \
             {name = 'Dr. \"C\"', email = 'c@e.com'}, {name = 'D'}]\nmaintainers = [{name = 'M', email = 'm@e.com'}]\n\
             [project.urls]\nHomepage = 'https://e.com'\n\"Bug Tracker\" = 'https://e.com/b'\n\
             [tool.setuptools]\nplatforms = ['any']\nprovides = ['p']\nobsoletes = ['o']\n",
        ),
        project(Static, "a license as text", "license = {text = 'One.\\nTwo.'}\n"),
        project(Static, "a license of a file", "license = {file = 'LICENSE'}\n"),
        project(
            Static,
            "a readme as text",
            "readme = {text = '# A', content-type = 'text/markdown'}\n",
        ),
        project(
            Static,
            "a readme of a file",
            "readme = {file = 'README.md', content-type = 'text/plain'}\n",
        ),
        project(Static, "a readme without an ending", "readme = 'LICENSE'\n"),
        project(Static, "a readme that is missing", "readme = 'NONE.md'\n"),
        project(
            Static,
            "a dynamic readme",
            "dynamic = ['readme', 'classifiers']\n[tool.setuptools.dynamic]\nreadme = {file = ['README.md', 'LICENSE']}\n\
             classifiers = {file = 'LICENSE'}\n",
        ),
        other(
            Static,
            "setup.py has an author too",
            "authors = [{name = 'A'}]\n",
            (
                "setup.py",
                "from setuptools import setup\nsetup(author='B', author_email='b@e.com')\n",
            ),
        ),
        other(
            Right,
            "setup.py gives the description",
            "dynamic = ['readme']\n",
            (
                "setup.py",
                "from setuptools import setup\nsetup(long_description='d')\n",
            ),
        ),
        other(
            Refused,
            "a description that nobody announced",
            "",
            (
                "setup.py",
                "from setuptools import setup\nsetup(long_description='d')\n",
            ),
        ),
        project(Asked, "a rare license", "license = 'Zed'\n"),
        project(Refused, "no license", "license = 'My own'\n"),
        project(
            Refused,
            "a table beside files",
            "license = {text = 'x'}\nlicense-files = ['LICENSE']\n",
        ),
        project(Refused, "nobody", "authors = [{}]\n"),
        project(Refused, "no URL", "urls = {Home = 'https://'}\n"),
        project(Refused, "an unknown ending", "readme = 'README.adoc'\n"),
        project(Refused, "a readme that nobody gives", "dynamic = ['readme']\n"),
        project(
            Refused,
            "license files twice",
            "license-files = ['LICENSE']\n[tool.setuptools]\nlicense-files = ['LICENSE']\n",
        ),
    ]);
}

#[test]
fn what_is_left_out_is_named_with_its_place() {
    let case = setup(Static, "", "author=os.popen('whoami').read(), license='MIT'");
    let said = case.make().run(&["inspect", "--json", "--static"]).json();
    assert_eq!(said["author"], serde_json::Value::Null);
    assert_eq!(said["license"], "MIT");
    let dynamic = &said["dynamic"][0];
    assert_eq!(dynamic["field"], "author");
    assert_eq!(dynamic["place"], "setup.py:3");
    let shown = case.make().run(&["inspect", "--static"]).stdout;
    assert!(shown.contains("license         MIT\n"), "{shown}");
    assert!(shown.contains("left out        author: setup.py:3: `"), "{shown}");
}
