"""What setuptools and pip do, each time in a fork of a Python that has them loaded: as in a fresh one, but sooner."""

from __future__ import annotations

import gc
import os
import runpy
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import places

# Loaded here, so that the forks need not. pip comes with setuptools' hook out of the way, which would unload distutils.
import _distutils_hack
import setuptools.build_meta
import setuptools.command.bdist_wheel
import setuptools.command.egg_info
import setuptools.command.install_lib
import setuptools.command.sdist

_distutils_hack.remove_shim()
from pip._internal.cli import main as pip_main  # noqa: E402
from pip._internal.commands import install as _install  # noqa: E402, F401
from pip._internal.utils import subprocess as pip_subprocess  # noqa: E402

# What is loaded stays, so that a fork need not copy it to count references.
gc.freeze()


def forked(function: Callable[..., object], *arguments: object) -> None:
    """Call a function in a fork; Trouble with the end of what it printed if it fails."""
    with tempfile.TemporaryFile() as log:
        child = os.fork()
        if child == 0:
            os._exit(_call(log.fileno(), function, arguments))
        _, status = os.waitpid(child, 0)
        if status != 0:
            log.seek(0)
            printed = log.read().decode(errors="replace").strip()[-1500:]
            raise places.Trouble(f"{function.__name__} ended with {os.waitstatus_to_exitcode(status)}:\n{printed}")


def _call(log: int, function: Callable[..., object], arguments: tuple[object, ...]) -> int:
    """In the fork: plain surroundings, then the function; its exit code."""
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    plain = places.plain_environment()
    for name in set(os.environ) - set(plain):
        del os.environ[name]
    sys.path[:] = [path for path in sys.path if path and Path(path).resolve() != places.HERE]
    try:
        code = function(*arguments)
    except SystemExit as end:
        code = 1 if end.code else 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else 0


def build_sdist(project: Path, out: Path) -> None:
    """What `python -m build --sdist --no-isolation` has setuptools do in a project."""
    out.mkdir(exist_ok=True)
    forked(_build_sdist, project, out)


def _build_sdist(project: Path, out: Path) -> None:
    _backend(project).build_sdist(str(out))


def _backend(project: Path) -> object:
    """The backend that a project names, in the project's directory as its front ends have it."""
    os.chdir(project)
    sys.argv = ["setup.py"]
    declares_backend = (project / "pyproject.toml").exists() and "build-backend" in (
        project / "pyproject.toml"
    ).read_text(encoding="utf-8")
    return setuptools.build_meta if declares_backend else setuptools.build_meta.__legacy__


def build_wheel(project: Path, out: Path) -> None:
    """The same for a wheel."""
    out.mkdir(exist_ok=True)
    forked(_build_wheel, project, out)


def _build_wheel(project: Path, out: Path) -> None:
    _backend(project).build_wheel(str(out))


def install_wheel(wheel: Path, prefix: Path) -> None:
    """`pip install --no-deps --target` of a wheel."""
    forked(_install_wheel_by_pip, wheel, prefix)


def _install_wheel_by_pip(wheel: Path, prefix: Path) -> int:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-index"]
    how = ["--no-deps", "--no-compile", "--no-warn-script-location", "--ignore-requires-python"]
    return pip_main.main(["install", *quiet, *how, "--target", str(prefix), str(wheel)])


def install(sdist: Path, prefix: Path) -> None:
    """`pip install --no-deps --no-build-isolation` of an sdist into an empty prefix."""
    forked(_install_by_pip, sdist, prefix)


def _install_by_pip(sdist: Path, prefix: Path) -> int:
    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="pip-", dir=prefix.parent)
    # pip starts a Python for each step of a build; a fork of this one does the same.
    pip_subprocess.call_subprocess = _fork_for_pip
    quiet = ["--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-index"]
    how = ["--no-deps", "--no-build-isolation", "--use-pep517", "--no-compile", "--no-warn-script-location"]
    return pip_main.main(["install", *quiet, *how, "--prefix", str(prefix), str(sdist)])


def _fork_for_pip(
    command: list[str], *, cwd: str | None = None, extra_environ: dict[str, str] | None = None, **_: object
) -> None:
    forked(_run_script, command[1:], cwd, extra_environ or {})


def _run_script(arguments: list[str], cwd: str | None, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    os.chdir(cwd or os.curdir)
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")
