"""Random projects: setup.py, setup.cfg, pyproject.toml, MANIFEST.in and a tree, in pieces that can be left out."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

DIRECTORIES = [
    *("counter", "counter", "counter", "counter/readers", "counter/readers/csv", "counter/data", "counter/data/raw"),
    *("counter/.cache", "counter/build", "models", "models/deep", "docs", "docs/api", "data", "data/raw", "tests"),
    *("tests", "test", "tests/unit", "scripts", "src", "src/counter", "src/counter/data", "src/models", ".github"),
    *(".", ".", "."),
]
NAMES = [
    *("__init__.py", "__init__.py", "train.py", "model.py", "labels.txt", "labels.csv", "notes.md", "weights.bin"),
    *(".hidden", ".hidden.py", "py.typed", "types.pyi", "two words.txt", "größe.txt", "a]b.txt", "a-b.txt", "b"),
    *("test_model.py", "README", "README.md", "README.rst", "README.txt", "LICENSE", "LICENCE.txt", "COPYING"),
    *("NOTICE.md", "AUTHORS", "license.txt", "backup~", "Labels.txt", "module.PY", "conftest.py", "labels.tar.gz"),
]
PARTS = [
    *(
        "*",
        "**",
        "*.txt",
        "*.py",
        "*.*",
        "[a-c]*",
        "[!a]*",
        "?abels.*",
        ".*",
        "*.csv",
        "l*",
        "labels.txt",
        "raw",
        "data",
    ),
    *("counter", "docs", "readers", "[lm]*.[ct]*", "**.txt", "*-*", "*[!x]", "api", "src", "models", "tests", "test*"),
    *("notes.md", ".cache", "[]", "[!]", "[a-"),
]
FOUND = ["counter", "counter.*", "counter*", "*", "*.data*", "models*", "tests", "[ct]*", "docs*"]
REQUIREMENTS = [
    *("numpy", "numpy>=1.24,<3", "Scikit_Learn ~= 1.3", "pandas[excel,aws]>=2", "tomli; python_version < '3.11'"),
    *('colorama ; sys_platform == "win32" and python_version >= "3.8"', "six==1.*", "torch != 2.0.1", "a.b-c"),
    *(
        "features @ https://example.com/features.zip",
        "tqdm>=4 ; os_name == 'posix' or extra == 'never'",
    ),
]
EXTRAS = ["plot", "Test_Tools", "gpu.fast", "all"]
OBJECTS = ["counter.train:train", "counter.model", "counter.model:Model.fit", "models:run [plot]"]
GROUPS = ["console_scripts", "gui_scripts", "counter.reports", "counter.readers"]
PACKAGES = ["counter", "counter.readers", "counter.readers.csv", "counter.data", "models", "models.deep", "docs"]
VERSIONS = ["1.0", "0.1.dev3", "v2.0-rc.1", "2024.05.01", "1!2.0", "1.0+local.1", "1.0.post1", "01.2"]
BUILD_SYSTEM = 'requires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"'
SHIM = "from setuptools import setup\nsetup()\n"


class Piece(NamedTuple):
    """A line of a section of a file, or (file is None) a file of the tree."""

    file: str | None
    section: str
    text: str


Project = list[Piece]


def files(project: Project) -> dict[str, str]:
    """The project's files with their texts."""
    found = {piece.text: f"{piece.text}\n" for piece in project if piece.file is None}
    declared: dict[str, dict[str, list[str]]] = {}
    for piece in project:
        if piece.file is not None:
            declared.setdefault(piece.file, {}).setdefault(piece.section, []).append(piece.text)
    for file, sections in declared.items():
        found[file] = "".join(_section(file, name, lines) for name, lines in sections.items())
    return found


def _section(file: str, name: str, lines: list[str]) -> str:
    joined = "\n".join(lines)
    if file == "setup.py" and name == "setup":
        arguments = "".join(f"    {line},\n" for line in lines)
        return f"setup(\n{arguments})\n"
    return f"[{name}]\n{joined}\n\n" if name else f"{joined}\n"


def write(project: Project, root: Path) -> None:
    """Make the project in a directory; of two pieces that cannot both be there the first is."""
    for name, text in files(project).items():
        path = root / name
        if path.exists() or any(parent.is_file() for parent in path.parents):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


class Generator:
    """Makes the pieces of one project."""

    def __init__(self, seed: str) -> None:
        self.chance = random.Random(seed)
        self.pieces: Project = []
        self.below = "src/" if self.likely(0.2) else ""

    def project(self) -> Project:
        """One project."""
        self.tree()
        kind = self.pick("setup.py", "setup.py", "setup.cfg", "setup.cfg", "pyproject.toml", "both", "no setup.py")
        if kind in ("setup.py", "both"):
            self.setup_py(sparse=kind == "both")
        if kind in ("setup.cfg", "both", "no setup.py"):
            self.setup_cfg(sparse=kind == "both")
        if kind == "no setup.py":
            self.add("pyproject.toml", "build-system", BUILD_SYSTEM)
        if kind == "setup.cfg":
            self.add("setup.py", "", SHIM)
        if kind == "pyproject.toml":
            self.pyproject()
        if self.likely(0.7):
            self.manifest()
        return self.pieces

    def pick(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def some(self, choices: list[str], most: int = 3) -> list[str]:
        return [self.chance.choice(choices) for _ in range(self.chance.randint(1, most))]

    def likely(self, share: float) -> bool:
        return self.chance.random() < share

    def add(self, file: str | None, section: str, text: str) -> None:
        self.pieces.append(Piece(file, section, text))

    def tree(self) -> None:
        """Files; the package that most declarations name is there."""
        paths = [f"{self.below}counter/__init__.py", f"{self.below}counter/train.py"]
        for _ in range(self.chance.randint(5, 30)):
            directory, name = self.pick(*DIRECTORIES), self.pick(*NAMES)
            paths.append(name if directory == "." else f"{directory}/{name}")
        for path in dict.fromkeys(paths):
            self.add(None, "", path)

    def pattern(self, most: int = 3) -> str:
        """A pattern, or a path."""
        path = "/".join(self.some(PARTS, most))
        if self.likely(0.2):
            path = self.pick(*(piece.text for piece in self.pieces if piece.file is None)).replace(" ", "?")
        return self.pick(path, path, path, path, f"./{path}", f"{path}/", path.replace("/", "//"))

    # MANIFEST.in

    def manifest(self) -> None:
        for _ in range(self.chance.randint(1, 6)):
            self.add("MANIFEST.in", "", self.manifest_line())

    def manifest_line(self) -> str:
        command = self.pick(
            *("include", "exclude", "global-include", "global-exclude"),
            *("recursive-include", "recursive-exclude", "graft", "prune", "graft", "prune"),
        )
        words = [command]
        if command not in ("include", "exclude", "global-include", "global-exclude"):
            words.append(self.pick(self.pattern(2), *DIRECTORIES, *DIRECTORIES))
        if command not in ("graft", "prune"):
            words += [self.pattern() for _ in range(self.chance.randint(1, 2))]
        if self.likely(0.1):
            words.append(self.pick("# remark", "#", "\\", "\\\n  *.csv", "\\\n# between", "\\#x", "x#y"))
        if self.likely(0.05):
            words.insert(0, self.pick("#", "", "  ", "inclood"))
        if self.likely(0.03):
            words = words[:1]
        return self.pick(" ", " ", " ", "\t", "   ").join(words)

    # What each kind of file can say: {key: value}, the value a Python object.

    def packages(self) -> list[str]:
        listed = ["counter", *(package for package in PACKAGES if self.likely(0.15))]
        there = {piece.text.rpartition("/")[0] for piece in self.pieces if piece.file is None}
        there |= {str(parent) for directory in there for parent in Path(directory).parents}
        return [name for name in dict.fromkeys(listed) if self.below + name.replace(".", "/") in there]

    def data(self) -> dict[str, list[str]]:
        keys = ["", "*", "counter", "counter.readers", "models"]
        patterns = lambda: [self.pattern() for _ in range(self.chance.randint(1, 2))]  # noqa: E731
        return {key: patterns() for key in self.some(keys, 2)}

    def existing(self, suffixes: tuple[str, ...] = ("",)) -> list[str]:
        paths = [p.text for p in self.pieces if p.file is None and p.text.endswith(suffixes) and " " not in p.text]
        return self.some(paths, 2) if paths else []

    def facts(self) -> dict[str, object]:
        """Keywords of setup()."""
        found: dict[str, object] = {
            "name": self.pick("counter", "My.Counter", "row_counter-2"),
            "version": self.pick(*VERSIONS),
        }
        optional = {
            "description": lambda: self.pick("Counts", "Counts: rows, and 'more'", " padded ", "größer"),
            "python_requires": lambda: self.pick(">=3.8", ">=3.8,!=3.9.*", "~=3.9"),
            "install_requires": lambda: self.some(REQUIREMENTS),
            "extras_require": lambda: {extra: self.some(REQUIREMENTS[:8], 2) for extra in self.some(EXTRAS, 2)},
            "entry_points": self.entry_points,
            "package_data": self.data,
            "exclude_package_data": self.data,
            "include_package_data": lambda: self.likely(0.7),
            "py_modules": lambda: [Path(path).stem for path in self.existing((".py",)) if "/" not in path],
            "data_files": lambda: {"share/counter": self.existing(), "etc": self.existing()},
            "scripts": lambda: self.existing(),
            "license_files": lambda: [self.pattern(1) for _ in range(self.chance.randint(1, 2))],
            "zip_safe": lambda: self.likely(0.5),
        }
        return found | {key: make() for key, make in optional.items() if self.likely(0.3)}

    def entry_points(self) -> dict[str, list[str]]:
        names = ["rows", "columns", "row-count", "Run"]
        return {
            group: [
                f"{self.pick(*names)}{self.pick('=', ' = ')}{self.pick(*OBJECTS)}"
                for _ in range(self.chance.randint(1, 2))
            ]
            for group in self.some(GROUPS, 2)
        }

    # setup.py

    def setup_py(self, *, sparse: bool) -> None:
        self.add("setup.py", "", "from setuptools import find_namespace_packages, find_packages, setup")
        facts = self.facts()
        if self.likely(0.8):
            facts["packages"] = self.packages()
        said = {key: self.literal(key, value) for key, value in facts.items() if not sparse or self.likely(0.5)}
        if "packages" in said and self.likely(0.5):
            said["packages"] = self.find()
        if self.below:
            said["package_dir"] = "{'': 'src'}"
        for key, value in said.items():
            self.add("setup.py", "setup", f"{key}={value}")

    def literal(self, key: str, value: object) -> str:
        if key == "data_files" and isinstance(value, dict):
            return repr(list(value.items()))
        if key == "entry_points" and isinstance(value, dict) and self.likely(0.2):
            return repr("".join(f"[{group}]\n" + "\n".join(lines) + "\n" for group, lines in value.items()))
        if isinstance(value, list) and self.likely(0.15):
            return repr(tuple(value))
        return repr(value)

    def find(self) -> str:
        arguments = [f"where={self.below.rstrip('/')!r}"] if self.below else []
        for key in ("include", "exclude"):
            if self.likely(0.4):
                arguments.append(f"{key}={self.some(FOUND)!r}")
        return f"{self.pick('find_packages', 'find_namespace_packages')}({', '.join(arguments)})"

    # setup.cfg

    def setup_cfg(self, *, sparse: bool) -> None:
        facts = self.facts()
        options: dict[str, list[tuple[str, object]]] = {"metadata": [], "options": []}
        for key, value in facts.items():
            if sparse and self.likely(0.5):
                continue
            if key in ("package_data", "exclude_package_data", "data_files", "extras_require", "entry_points"):
                options[f"options.{key}"] = list({name or "*": listed for name, listed in value.items()}.items())
            elif key in ("name", "version", "description", "license_files"):
                options["metadata"].append((key, value))
            else:
                options["options"].append((key, value))
        if self.likely(0.5):
            options["options"].append(("packages", self.packages()))
        elif self.likely(0.7):
            options["options"].append(("packages", self.pick("find:", "find_namespace:")))
            options["options.packages.find"] = [("where", "src")] if self.below else []
            for key in ("include", "exclude"):
                if self.likely(0.4):
                    options["options.packages.find"].append((key, self.some(FOUND)))
        if self.below:
            options["options"].append(("package_dir", ["=src"]))
        for section, lines in options.items():
            for key, value in lines:
                self.add("setup.cfg", section, self.option(key, value))

    def option(self, key: str, value: object) -> str:
        key = key if self.likely(0.95) else f"# a remark\n{key}"
        if isinstance(value, bool):
            return f"{key} = {self.pick('true', 'yes', '1') if value else self.pick('false', 'no', '0')}"
        if not isinstance(value, list):
            return f"{key}{self.pick(' = ', '=', ': ')}{value}".replace("%", "%%")
        if len(value) == 1 and self.likely(0.5) and ";" not in value[0]:
            return f"{key} = {value[0]}"
        lines = [line for item in value for line in (item, *(["# remark"] if self.likely(0.1) else []))]
        return "\n".join([f"{key} =", *(f"    {line}" for line in lines)])

    # pyproject.toml

    def pyproject(self) -> None:
        facts = self.facts()
        file = "pyproject.toml"
        self.add(file, "build-system", BUILD_SYSTEM)
        project = {
            "python_requires": "requires-python",
            "install_requires": "dependencies",
            "license_files": "license-files",
        }
        for key, value in facts.items():
            if key in ("name", "version", "description", *project):
                self.add(file, "project", f"{project.get(key, key)} = {toml(value)}")
            elif key == "extras_require":
                for extra, listed in value.items():
                    self.add(file, "project.optional-dependencies", f"{toml(extra)} = {toml(listed)}")
            elif key == "entry_points":
                self.toml_entry_points(value)
            elif key in ("package_data", "exclude_package_data", "data_files"):
                for name, listed in {name or "*": listed for name, listed in value.items()}.items():
                    self.add(file, f"tool.setuptools.{key.replace('_', '-')}", f"{toml(name)} = {toml(listed)}")
            elif key != "scripts":
                self.add(file, "tool.setuptools", f"{key.replace('_', '-')} = {toml(value)}")
        self.toml_packages()
        if self.likely(0.4):
            names = [path for path in self.existing() if path.endswith((".md", ".rst", ".txt"))]
            self.pieces += [Piece(file, "project", f"readme = {toml(name)}") for name in names[:1]]

    def toml_entry_points(self, groups: dict[str, list[str]]) -> None:
        tables = {"console_scripts": "scripts", "gui_scripts": "gui-scripts"}
        for group, lines in groups.items():
            table = tables.get(group, f"entry-points.{toml(group)}")
            entries = dict(line.replace(" ", "").replace("[plot]", "").split("=") for line in lines)
            for name, target in entries.items():
                self.add("pyproject.toml", f"project.{table}", f"{name} = {toml(target)}")

    def toml_packages(self) -> None:
        file, table = "pyproject.toml", "tool.setuptools"
        if self.below and self.likely(0.5):
            self.add(file, table, 'package-dir = { "" = "src" }')
        if self.likely(0.4):
            self.add(file, table, f"packages = {toml(self.packages())}")
        elif self.likely(0.6):
            self.add(file, f"{table}.packages.find", f"where = [{toml(self.below.rstrip('/') or '.')}]")
            for key in ("include", "exclude"):
                if self.likely(0.4):
                    patterns = self.some(FOUND)
                    self.add(file, f"{table}.packages.find", f"{key} = {toml(patterns)}")
            if self.likely(0.3):
                self.add(file, f"{table}.packages.find", f"namespaces = {toml(self.likely(0.5))}")


def toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
