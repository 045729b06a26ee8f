"""Entry point of the training image: `train` or `serve`, as Amazon SageMaker calls it.

The contract is https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-dockerfile.html: the
package's function is called without arguments; the exit code says whether it succeeded; why it failed goes to
/opt/ml/output/failure, of which SageMaker shows the first 1024 characters; SIGTERM means stop.
"""

import contextlib
import errno
import inspect
import os
import signal
import sys
import traceback

# Filled in by sgbuild. Empty where the package declares no such function.
TRAIN = "{{ train or '' }}"
SERVE = "{{ serve or '' }}"
TRAIN_IS_CONSOLE_SCRIPT = "{{ 'yes' if train_is_console_script else 'no' }}" == "yes"
SERVE_IS_CONSOLE_SCRIPT = "{{ 'yes' if serve_is_console_script else 'no' }}" == "yes"
PREFIX = "{{ prefix | default('/opt/ml') }}"

FAILURE_FILE = os.path.join(PREFIX, "output", "failure")
STOPPED = 128 + signal.SIGTERM  # the exit code of a process that SIGTERM ended, as shells report it
MAX_MESSAGE = 700  # characters: leaves room for the place in the 1024 that SageMaker shows
MAX_FAILURE = 16 * 1024  # characters
USAGE = """usage: docker run IMAGE [train | serve]

  train   run the training function (the default): {train}
  serve   run the serving function: {serve}
"""


class CannotStart(Exception):
    """The entry point cannot be called: its message says why."""


def main(arguments):
    """Runs the function that `arguments` ask for, and returns the process's exit code."""
    command = arguments[0] if arguments else "train"
    if command not in ("train", "serve") or len(arguments) > 1:
        problem = "cannot run: " + " ".join(arguments)
        if command == "train":
            remove_old_failure()
            write_failure(problem)
        return usage(problem)
    if command == "serve" and not SERVE:
        return usage("this image cannot serve: the package declares no serving function")

    prepare()
    if command == "serve":
        return run(SERVE, reports_failure=False)
    remove_old_failure()
    return run(TRAIN, reports_failure=True)


def usage(problem):
    """Says what is wrong with the arguments, and returns the exit code of a usage error."""
    say(problem + "\n" + USAGE.format(train=TRAIN or "none declared", serve=SERVE or "none declared"))
    return 2


def say(text):
    """Writes to standard error, if it can be written: what cannot be said there must not change how the run ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text.rstrip("\n") + "\n")
    flush(sys.stderr)


def prepare():
    """Makes this process a good PID 1, and gives the function the surroundings of a plain script."""
    # As PID 1, a process without a handler ignores SIGTERM. A handler that the package installs replaces this one.
    signal.signal(signal.SIGTERM, stop)
    # Worker processes keep the usual behaviour: multiprocessing ends them by SIGTERM.
    os.register_at_fork(after_in_child=restore_sigterm)
    # Lines reach the log when they are printed, not when a buffer is full.
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.reconfigure(line_buffering=True)
    sys.argv = sys.argv[:1]
    # A module of the package may have the name of this file.
    if sys.path and os.path.realpath(sys.path[0] or ".") == os.path.dirname(os.path.realpath(__file__)):
        del sys.path[0]


def stop(signum, frame):
    """Ends the main thread as `sys.exit` does: `finally` blocks and `atexit` functions run."""
    raise SystemExit(STOPPED)


def restore_sigterm():
    """In a forked child: takes our handler away again, and leaves the package's."""
    if signal.getsignal(signal.SIGTERM) is stop:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def run(entry_point, reports_failure):
    """Calls the entry point, reports how it failed, and returns the exit code."""
    code, reason = call(entry_point)
    if code != 0 and code & 0xFF == 0:
        code = 1  # The system keeps eight bits of it: 256 would be success.
    error = flush(sys.stdout)
    if error:
        problem = f"standard output could not be written: {error}"
        say(problem)
        code, reason = (1, problem) if code == 0 else (code, reason)
    flush(sys.stderr)
    if code not in (0, STOPPED) and reports_failure:
        write_failure(reason)
    return code


def call(entry_point):
    """Calls the entry point; returns the exit code, and the reason if it is not 0."""
    try:
        result = load(entry_point)()
        if inspect.iscoroutine(result):
            raise CannotStart(f"{entry_point} is an async function; name one that runs it, as by asyncio.run")
    except SystemExit as exit_request:
        return understand_exit(exit_request, entry_point)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT, "KeyboardInterrupt"
    except BaseException as error:  # Also what is no Exception must be reported.
        return report(error, entry_point)
    return understand_result(result, entry_point)


def report(error, entry_point):
    """Says what the function raised; returns the exit code, and the reason."""
    try:
        reason, shown = describe(error, entry_point), format_traceback(error)
    except Exception:  # Its own text cannot be made.
        reason = shown = type(error).__name__
    say(f"{shown}{error}" if isinstance(error, CannotStart) else shown)
    return 1, reason


def understand_result(result, entry_point):
    """The exit code and the reason. Only the function of a console script returns them, as `sys.exit` takes them."""
    is_console_script = SERVE_IS_CONSOLE_SCRIPT if entry_point == SERVE else TRAIN_IS_CONSOLE_SCRIPT
    if is_console_script and type(result) is int:
        return result, f"{entry_point} returned {result}"
    if is_console_script and isinstance(result, str):
        say(result)
        return 1, cut(result, MAX_MESSAGE)
    return 0, ""


def load(entry_point):
    """Imports the object that "package.module:attribute" names."""
    if not entry_point:
        raise CannotStart("the package declares no training function")
    module_name, _, attributes = entry_point.partition(":")
    try:
        __import__(module_name)  # importlib.import_module would show its own frames in the traceback.
        target = sys.modules[module_name]
    except ImportError as error:
        raise CannotStart(import_problem(error, module_name)) from error
    for attribute in attributes.split("."):
        if not hasattr(target, attribute):
            raise CannotStart(f"cannot find {entry_point}: {target!r} has no attribute {attribute!r}")
        target = getattr(target, attribute)
    if not callable(target):
        raise CannotStart(f"{entry_point} is not a function but {target!r}")
    return target


def import_problem(error, module_name):
    """Why the import failed, and what to do if a dependency is missing."""
    problem = f"cannot import {module_name}: {type(error).__name__}: {error}"
    missing = (getattr(error, "name", None) or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and missing and missing != module_name.partition(".")[0]:
        problem += f"\nIs {missing} in install_requires of the package?"
    return problem


def understand_exit(exit_request, entry_point):
    """The exit code of `sys.exit(…)` by Python's rules, and a reason."""
    code = exit_request.code
    if code is None:
        return 0, ""
    place = where(exit_request, entry_point)
    if isinstance(code, int):
        return int(code), f"exit code {int(code)}\n{place}"
    try:
        text = str(code)
    except Exception:  # Its own text cannot be made.
        text = type(code).__name__
    say(text)
    return 1, f"{cut(text, MAX_MESSAGE)}\n{place}"


def describe(error, entry_point):
    """What SageMaker shows: the exception, the place in the package's code, then the whole traceback."""
    lines = [cut(summary(error), MAX_MESSAGE), where(cause_of(error), entry_point)]
    if is_disk_full(error):
        lines.append("The disk is full: raise the volume size, or write less to it.")
    return "\n".join(filter(None, lines)) + "\n\n" + format_traceback(error)


def summary(error):
    """The exception as Python writes it in the last lines of a traceback."""
    if isinstance(error, CannotStart):
        return str(error)
    return "".join(traceback.format_exception_only(type(error), error)).strip()


def cause_of(error):
    """The exception to show: what the package raised, not what this file made of it."""
    return error.__cause__ if isinstance(error, CannotStart) else error


def where(error, entry_point):
    """The innermost line of the package's own code that the exception went through."""
    package = entry_point.partition(":")[0].partition(".")[0]
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__ if error else None):
        module = frame.f_globals.get("__name__") or ""
        if module == package or module.startswith(package + "."):
            place = f"at {frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
    return place


def is_disk_full(error):
    """Whether the exception, or one that led to it, is ENOSPC."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return True
        error = error.__cause__ or error.__context__
    return False


def format_traceback(error):
    """The traceback without this file's frames."""
    error = cause_of(error)
    if error is None:
        return ""
    inner = error.__traceback__
    while inner is not None and inner.tb_frame.f_code.co_filename == __file__:
        inner = inner.tb_next
    return "".join(traceback.format_exception(type(error), error, inner))


def flush(stream):
    """Writes out what was printed; returns what went wrong, or None."""
    try:
        # A package that closed it has written what it wanted.
        if stream and not stream.closed:
            stream.flush()
    except (OSError, ValueError) as error:
        drop(stream)
        return error
    return None


def drop(stream):
    """Lets what such a stream still holds vanish. Python would try it once more, and end with the exit code 120."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def remove_old_failure():
    """What an earlier run left is not this run's. Without it, a failure file at the end is the package's own."""
    with contextlib.suppress(OSError):  # Usually there is none. One that cannot be removed is left alone, and kept.
        os.remove(FAILURE_FILE)


def write_failure(reason):
    """Says why the training failed, unless the package did so itself."""
    try:
        if os.path.exists(FAILURE_FILE) and os.path.getsize(FAILURE_FILE) > 0:
            return
        os.makedirs(os.path.dirname(FAILURE_FILE), exist_ok=True)
        with open(FAILURE_FILE, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(cut(reason, MAX_FAILURE))
    except OSError as error:
        say(f"{FAILURE_FILE} could not be written: {error}")


def cut(text, length):
    """The text, shortened to so many characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
