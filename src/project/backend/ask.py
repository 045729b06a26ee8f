"""Asks a build backend for metadata, an sdist or a wheel: ask.py ORDER ANSWER.

ORDER is JSON: {"hook": "metadata" | "sdist" | "wheel", "root", "project", "places", "backend", "backend_path", "installed", "out"}; "root" is a copy
of "project", and below the first of "places" is in the copy what is below the second one outside.
ANSWER is written as JSON: {"install": […]} when the backend needs more to be installed first, {"sdist": file name},
{"wheel": file name}, or the metadata; {"outside": path} where a file was opened through a link that leads out of the project. What is called of the
backend are the hooks of PEP 517, https://peps.python.org/pep-0517/.
"""

import configparser
import email
import importlib
import json
import os
import signal
import sys
import traceback
import urllib.parse
import zipfile

# Keywords that setuptools-docker added to setup(); no metadata file carries them.
EXTRA_KEYWORDS = ("python_version", "dockerlines", "entry_point")


def main(order_path, answer_path):
    end_with_parent()
    with open(order_path, encoding="utf-8") as file:
        order = json.load(file)
    hook = HOOKS.get(order["hook"])
    if hook is None:
        sys.exit(f"there is nothing to ask for by the name {order['hook']!r}")
    os.chdir(order["root"])
    sys.path[:] = [path for path in sys.path if path and os.path.dirname(os.path.abspath(__file__)) != path]
    sys.path[:0] = [os.path.abspath(path) for path in order["backend_path"]]
    sys.argv = ["setup.py"]
    declared = {}
    outside = watch_links(order["root"], order["project"])
    if order["backend"].startswith("setuptools."):
        watch_setup(declared)
    if hook is metadata:
        keep_out_of_tree(order["out"])

    try:
        answer = hook(load(order["backend"]), order, declared)
    except Exception as error:
        if not outside:
            sys.exit(told(error))
    except SystemExit:
        if not outside:
            raise
    # Also where the backend made do without the file: that is not what it would have answered otherwise.
    if outside:
        answer = {"outside": outside[0]}
    temporary = answer_path + ".part"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(as_in_project(answer, *order["places"]), file)
    os.rename(temporary, answer_path)


def end_with_parent():
    """On Linux, be killed when sgbuild is: a setup.py that loops for ever must not outlive who asked it."""
    try:
        import ctypes

        # PR_SET_PDEATHSIG, https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        # Another system, or a Python without ctypes: the time limit remains.
        pass


class LeadsOut(Exception):
    """A file of the project lies, links followed, outside of it."""


def as_in_project(answer, copy, project):
    """The answer with paths of the project in the place of those of its copy."""
    if isinstance(answer, str):
        # A requirement may be the URL of a directory beside the project.
        return answer.replace("file://" + copy, "file://" + urllib.parse.quote(project)).replace(copy, project)
    if isinstance(answer, list):
        return [as_in_project(item, copy, project) for item in answer]
    if isinstance(answer, dict):
        return {as_in_project(key, copy, project): as_in_project(value, copy, project) for key, value in answer.items()}
    return answer


def watch_links(root, project):
    """Stops whoever opens a file through a link that leads out of the project, and returns the list where its path is noted.

    "root" is a copy of "project", with links to the files there that are large.

    The events are those of PEP 578, https://docs.python.org/3/library/audit_events.html.
    """
    root, project = (os.path.join(os.path.realpath(path), "") for path in (root, project))
    of_git = f"{os.sep}.git{os.sep}"
    noted = []

    def hook(event, arguments):
        if event != "open" or not isinstance(arguments[0], (str, bytes)):
            return
        named = os.path.join(os.getcwd(), os.fsdecode(arguments[0]))
        path = os.path.normpath(named)
        real = os.path.realpath(named)
        if not path.startswith(root) or of_git in path or (real.startswith((root, project)) and of_git not in real):
            return
        only_writes = arguments[2] & os.O_ACCMODE == os.O_WRONLY
        if only_writes or os.path.isdir(named) or not os.path.exists(named):
            return
        noted.append(named[len(root):] if named.startswith(root) else path[len(root):])
        raise LeadsOut(f"{noted[-1]} leads out of the project")

    sys.addaudithook(hook)
    return noted


def told(error):
    """The exception with the project's own frames only."""
    own = os.path.dirname(os.path.abspath(__file__))
    frames = []
    for frame in traceback.extract_tb(error.__traceback__):
        # The backend runs setup.py from a string.
        file = "setup.py" if frame.filename == "<string>" else frame.filename
        if not file.startswith((sys.prefix, sys.base_prefix, own, "<frozen")):
            frames.append(f"{os.path.relpath(file)}:{frame.lineno}: in {frame.name}\n")
    return "".join([*frames, *traceback.format_exception_only(type(error), error)])


def keep_out_of_tree(directory):
    """Has setuptools write its egg-info into `directory`: a file of extra settings comes after setup.cfg."""
    config = os.path.join(directory, "extra.cfg")
    egg_base = os.path.join(directory, "egg")
    os.makedirs(egg_base, exist_ok=True)
    with open(config, "w", encoding="utf-8") as file:
        file.write("[egg_info]\negg_base = " + egg_base.replace("%", "%%") + "\n")
    os.environ["DIST_EXTRA_CONFIG"] = config


def load(name):
    module, _, attributes = name.partition(":")
    backend = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        backend = getattr(backend, attribute)
    return backend


def watch_setup(declared):
    """Notes what setup() is called with and what it makes of it."""
    import setuptools  # noqa: F401, I001: it puts its own distutils in place
    import distutils.core

    original = distutils.core.setup

    def setup(**keywords):
        declared.update({name: keywords[name] for name in EXTRA_KEYWORDS if name in keywords})
        distribution = original(**keywords)
        declared["says_version"] = bool(distribution.metadata.version)
        declared["packages"] = list(distribution.packages or [])
        declared["py_modules"] = list(distribution.py_modules or [])
        return distribution

    distutils.core.setup = setup


def missing(backend, hook, order):
    """What the backend wants installed beside [build-system] requires."""
    ask = getattr(backend, hook, None)
    wanted = list(ask({})) if ask else []
    return [requirement for requirement in wanted if requirement not in order["installed"]]


def sdist(backend, order, declared):
    requires = missing(backend, "get_requires_for_build_sdist", order)
    if requires:
        return {"install": requires}
    return {"sdist": backend.build_sdist(order["out"], {})}


def wheel(backend, order, declared):
    requires = missing(backend, "get_requires_for_build_wheel", order)
    if requires:
        return {"install": requires}
    return {"wheel": backend.build_wheel(order["out"], {})}


def metadata(backend, order, declared):
    requires = missing(backend, "get_requires_for_build_wheel", order)
    if requires:
        return {"install": requires}
    # The hook places its egg-info itself, and wants to find no other.
    os.environ.pop("DIST_EXTRA_CONFIG", None)
    if hasattr(backend, "prepare_metadata_for_build_wheel"):
        # All that a wheel's .dist-info holds is in it: https://peps.python.org/pep-0517/#prepare-metadata-for-build-wheel
        read = reader_of_directory(os.path.join(order["out"], backend.prepare_metadata_for_build_wheel(order["out"], {})))
    else:
        # The hook is optional. A wheel may take minutes to build, and is the only other thing that tells.
        read = reader_of_wheel(os.path.join(order["out"], backend.build_wheel(order["out"], {})))
    fields = email.message_from_string(read("METADATA"))
    return {
        "python": ".".join(map(str, sys.version_info[:3])),
        "name": fields["Name"],
        "version": fields["Version"],
        "says_version": declared.get("says_version", True),
        "requires_python": fields["Requires-Python"],
        "requires_dist": fields.get_all("Requires-Dist") or [],
        "provides_extra": fields.get_all("Provides-Extra") or [],
        "entry_points": entry_points(read("entry_points.txt")),
        "packages": sorted(declared.get("packages", [])),
        "py_modules": sorted(declared.get("py_modules", [])),
        "python_version": optional_text(declared.get("python_version")),
        "docker_lines": lines(declared.get("dockerlines")),
        "entry_point": functions(declared.get("entry_point")),
        "license_files": fields.get_all("License-File") or [],
        "descriptive": descriptive(fields),
    }


def descriptive(fields):
    """The fields of core metadata that are for people to read; those that may be repeated are lists."""
    single = ["home_page", "download_url", "author", "author_email", "maintainer", "maintainer_email"]
    single += ["license_expression", "description_content_type"]
    repeated = ["project_url", "platform", "classifier", "requires", "provides", "obsoletes"]
    found = {key: fields[key.replace("_", "-")] for key in single}
    found.update({key: fields.get_all(key.replace("_", "-")) or [] for key in repeated})
    found["summary"] = known(fields["Summary"])
    found["license"] = without_indent(fields["License"])
    found["keywords"] = (fields["Keywords"] or "").split(",") if fields["Keywords"] else []
    # Before metadata 2.1, the description is a field.
    found["description"] = fields.get_payload() or without_indent(fields["Description"]) or None
    return found


def without_indent(text):
    """A value of several lines, without what marks the later ones as a continuation."""
    if text is None:
        return None
    first, *rest = text.split("\n")
    return "\n".join([first, *(line.removeprefix(" " * 8) for line in rest)])


def known(text):
    return None if text in (None, "", "UNKNOWN") else text


def optional_text(value):
    return None if value is None else str(value)


def lines(value):
    return value.splitlines() if isinstance(value, str) else [str(line) for line in value or []]


def functions(value):
    if not value:
        return {}
    if not isinstance(value, dict):
        sys.exit(f'entry_point={value!r} is not a dict such as {{"package.module": "function"}}')
    return {str(module): str(function) for module, function in value.items()}


def reader_of_directory(directory):
    def read(name):
        path = os.path.join(directory, name)
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as file:
            return file.read()

    return read


def reader_of_wheel(path):
    def read(name):
        with zipfile.ZipFile(path) as wheel:
            for member in wheel.namelist():
                if member.endswith(".dist-info/" + name):
                    return wheel.read(member).decode("utf-8")
        return ""

    return read


def entry_points(text):
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str
    parser.read_string(text)
    return {section: dict(parser.items(section)) for section in parser.sections() if parser.items(section)}


HOOKS = {"metadata": metadata, "sdist": sdist, "wheel": wheel}


if __name__ == "__main__":
    main(*sys.argv[1:])
