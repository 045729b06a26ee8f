//! Where `setup.py` calls `setup()`, and how it comes by it.

#![allow(clippy::too_many_lines, reason = "a table of situations is read line by line")]

use super::Kind::{Asked, Refused, Right, Static};
use super::{agree, bare, files};

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
