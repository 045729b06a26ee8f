//! What may take part in reading beside setuptools: plugins that are installed for the build, keywords that may be theirs, and
//! options of commands.

use super::Kind::{Asked, Refused, Right, Static};
use super::{agree, files, script};

#[test]
fn what_is_no_plugin_changes_nothing() {
    agree(vec![
        script(
            Static,
            "a runner of tests",
            "setup(name='a', version='1', packages=['pkg'], setup_requires=['pytest-runner'])",
        ),
        script(
            Static,
            "what an extension module needs",
            "setup(name='a', version='1', packages=['pkg'], setup_requires=['setuptools>=18.0', 'Cython>=0.29', 'numpy', 'wheel'])",
        ),
        script(
            Static,
            "as lines",
            "setup(name='a', version='1', packages=['pkg'], setup_requires='wheel>=0.10\\npytest_runner')",
        ),
        script(
            Refused,
            "a requirement that is none",
            "setup(name='a', version='1', packages=['pkg'], setup_requires=['six>>1'])",
        ),
    ]);
}

#[test]
fn a_keyword_that_nobody_takes_is_passed_over() {
    agree(vec![
        script(
            Static,
            "one of a tool that is not there",
            "setup(name='a', version='1', packages=['pkg'], nice_to_have={'x': 1}, test_loader='x')",
        ),
        script(
            Static,
            "one whose value only Python knows",
            "import os\nsetup(name='a', version='1', packages=['pkg'], nice_to_have=os.environ)",
        ),
        files(
            Static,
            "with a build requirement that is no plugin",
            &[
                (
                    "pyproject.toml",
                    "[build-system]\nrequires = ['setuptools', 'wheel']\nbuild-backend = 'setuptools.build_meta'\n",
                ),
                (
                    "setup.py",
                    "from setuptools import setup\nsetup(name='a', version='1', packages=['pkg'], nice_to_have=1)",
                ),
            ],
        ),
        script(
            Asked,
            "one that is an attribute of setuptools' own",
            "setup(name='a', version='1', packages=['pkg'], verbose=1)",
        ),
    ]);
}

#[test]
fn options_of_commands_are_told_apart() {
    agree(vec![
        script(
            Static,
            "a wheel for two Pythons",
            "setup(name='a', version='1', packages=['pkg'], options={'bdist_wheel': {'universal': '1'}})",
        ),
        script(
            Static,
            "the same as a number and as a truth value",
            "setup(name='a', version='1', packages=['pkg'], options={'bdist_wheel': {'universal': True, 'python_tag': 'py3'}})",
        ),
        script(
            Static,
            "a command that does not build",
            "setup(name='a', version='1', packages=['pkg'], options={'test': {'x': 'y'}, 'build_sphinx': {}})",
        ),
        script(
            Static,
            "none",
            "setup(name='a', version='1', packages=['pkg'], options={})",
        ),
        script(
            Asked,
            "one of the metadata",
            "setup(name='a', version='1', packages=['pkg'], options={'egg_info': {'tag_build': '.dev3'}})",
        ),
        script(
            Right,
            "a directory for what is built",
            "setup(name='a', version='1', packages=['pkg'], options={'build': {'build_base': 'made'}})",
        ),
    ]);
}

#[test]
fn packages_are_found_by_setuptools_classes_too() {
    let two = [("pkg/sub/data.txt", "x"), ("pkg/deep/__init__.py", "")];
    let found = |name, expression: &str| {
        let setup_py = format!(
            "import setuptools\nfrom setuptools import PEP420PackageFinder, PackageFinder, setup\nsetup(name='a', version='1', packages={expression})"
        );
        files(Static, name, &[&two[..], &[("setup.py", &setup_py)]].concat())
    };
    agree(vec![
        found(
            "with namespaces",
            "PEP420PackageFinder.find(where='.', include=['pkg*'])",
        ),
        found("without", "PackageFinder.find(exclude=['pkg.deep'])"),
        found(
            "through the module",
            "setuptools.PEP420PackageFinder.find('.', ['pkg.sub'], ['pkg*'])",
        ),
        found(
            "through a name",
            "(lambda find: find(include=['pkg*']))(setuptools.PEP420PackageFinder.find)",
        ),
    ]);
}

#[test]
fn what_makes_a_method_something_else_changes_nothing_yet() {
    agree(vec![
        script(
            Static,
            "a static method that sets a name",
            "V = '1'\nclass Tool:\n    @staticmethod\n    def write():\n        global V\n        print(V)\nsetup(name='a', version=V)",
        ),
        script(
            Static,
            "a property and a class method",
            "V = '1'\nR = ['six']\nclass Tool:\n    @property\n    def x(self):\n        R.append('idna')\n    @classmethod\n    def y(cls):\n        global V\n        V = '2'\nsetup(name='a', version=V, install_requires=R)",
        ),
        script(
            Right,
            "a static method is called",
            "V = '1'\nclass Tool:\n    @staticmethod\n    def write():\n        global V\n        V = '2'\nTool.write()\nsetup(name='a', version=V)",
        ),
        script(
            Right,
            "a class method is called",
            "R = ['six']\nclass Tool:\n    @classmethod\n    def y(cls):\n        R.append('idna')\nTool.y()\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Right,
            "a property is looked up by hand",
            "R = ['six']\nclass Tool:\n    @property\n    def x(self):\n        R.append('idna')\nTool.x.fget(None)\nsetup(name='a', version='1', install_requires=R)",
        ),
        script(
            Right,
            "a property with a setter",
            "R = ['six']\nclass Tool:\n    @property\n    def x(self):\n        return 1\n    @x.setter\n    def x(self, value):\n        R.append(value)\nTool().x = 'idna'\nsetup(name='a', version='1', install_requires=R)",
        ),
    ]);
}

#[test]
fn a_comma_behind_the_last_specifier_says_nothing() {
    agree(vec![
        script(
            Static,
            "in requirements and for Python",
            "setup(name='a', version='1', python_requires='>=3.6,', install_requires=['six>=1.10,', 'idna (>=2,)', \"attrs>=1, ; os_name == 'nt'\"], extras_require={'x': ['wheel>=0.1,']})",
        ),
        script(
            Refused,
            "two of them",
            "setup(name='a', version='1', install_requires=['six>=1.10,,'])",
        ),
        script(
            Refused,
            "one behind the name",
            "setup(name='a', version='1', install_requires=['six,'])",
        ),
        script(
            Static,
            "several for Python",
            "setup(name='a', version='1', python_requires=',>=3.6,,<4')",
        ),
    ]);
}
