"""Entry point of the training image: `train` or `serve`, as Amazon SageMaker calls it.

The contract is https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-dockerfile.html: the
exit code says whether the package's function succeeded; why it failed goes to /opt/ml/output/failure, of which
SageMaker shows the first 1024 characters; SIGTERM means stop. A training runs in a child of the process that the
container starts, so that there is somebody to say why where it is killed.
"""

import contextlib
import enum
import errno
import faulthandler
import glob
import importlib.util
import inspect
import json
import os
import pathlib
import signal
import sys
import tempfile
import traceback
import typing

# Filled in by sgbuild. Empty where the package declares no such function.
TRAIN = "{{ train or '' }}"
SERVE = "{{ serve or '' }}"
INITIALIZER = "{{ initializer or '' }}"
# What serve.py takes `SERVE` for; empty where that is only seen once it is imported.
SERVED_AS = "{{ served_as or '' }}"
TRAIN_IS_CONSOLE_SCRIPT = "{{ 'yes' if train_is_console_script else 'no' }}" == "yes"
SERVE_IS_CONSOLE_SCRIPT = "{{ 'yes' if serve_is_console_script else 'no' }}" == "yes"
PREFIX = "{{ prefix | default('/opt/ml') }}"

INPUT = os.path.join(PREFIX, "input")
OUTPUT = os.path.join(PREFIX, "output")
FAILURE_FILE = os.path.join(OUTPUT, "failure")
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

    if command == "serve":
        prepare()
        return run(SERVE, serve, is_training=False)
    remove_old_failure()
    return supervise(train)


def train():
    """Runs the training function, and returns the exit code."""
    prepare()
    return run(TRAIN, call_training, is_training=True)


def call_training():
    """Calls the training function with what the job says, and returns what it returned."""
    job = Job()
    for name, value in job.environment().items():
        os.environ.setdefault(name, value)
    function = load(TRAIN)
    positional, named = arguments_of(function, job) if not TRAIN_IS_CONSOLE_SCRIPT else ((), {})
    return function(*positional, **named)


def serve():
    """Serves by serve.py, which may call a server of the package's own; that of a console script is called here."""
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), "serve.py")
    if not SERVE_IS_CONSOLE_SCRIPT and os.path.exists(path):
        spec = importlib.util.spec_from_file_location("sgbuild_serve", path)
        server = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(server)
        return server.main(sys.modules[__name__])
    function = load(SERVE)
    try:
        return function()
    except TypeError as error:
        if error.__traceback__.tb_next is None and not SERVE_IS_CONSOLE_SCRIPT:
            raise CannotStart(
                f"{SERVE} is no server that could be called ({error}): serve.py would serve it, and is not beside "
                "run.py. A Dockerfile template of your own has to copy both"
            ) from None
        raise


def usage(problem):
    """Says what is wrong with the arguments, and returns the exit code of a usage error."""
    say(problem + "\n" + USAGE.format(train=TRAIN or "none declared", serve=SERVE or "none declared"))
    return 2


def say(text):
    """Writes to standard error, if it can be written: what cannot be said there must not change how the run ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text.rstrip("\n") + "\n")
    flush(sys.stderr)


# What the container's process hands on to the training.
HANDED_ON = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
# What a process does to itself, by a fault of its own or of a library's.
CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSYS, signal.SIGTRAP}
# How often the kernel ended a process of this container for want of memory: control groups of version 2, and of 1.
MEMORY_EVENTS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def out_of_memory_kills():
    """How many processes of the container were killed for want of memory so far; None where nobody counts."""
    for path in MEMORY_EVENTS:
        with contextlib.suppress(OSError, ValueError):
            with open(path) as file:
                counts = dict(line.split() for line in file)
            return int(counts["oom_kill"]) if "oom_kill" in counts else None
    return None


KILLS_BEFORE = out_of_memory_kills()


def supervise(work):
    """Runs `work` in a child, and returns the exit code: its own, or as shells report the signal that ended it."""
    crash = crash_file()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signals = HANDED_ON | {signal.SIGCHLD}
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)
        if crash:
            faulthandler.enable(crash)
        return work()
    status = wait_for(child, signals)
    if os.WIFEXITED(status):
        code = os.WEXITSTATUS(status)
        if code not in (0, STOPPED):
            write_failure(f"exit code {code}, and nothing was said: the process was ended at once, as by os._exit")
        return code
    ended_by = os.WTERMSIG(status)
    if ended_by != signal.SIGTERM:
        problem = killed(ended_by, crash)
        say(problem)
        write_failure(problem)
    return 128 + ended_by


def wait_for(child, signals):
    """Hands signals on to the child until it ends, and returns its status. As PID 1 it sees off what others left."""
    while True:
        came = signal.sigwaitinfo(signals)
        # What a terminal sends (its `si_code` is the kernel's) goes to the child by itself.
        if came.si_signo != signal.SIGCHLD and came.si_code <= 0:
            os.kill(child, came.si_signo)
        with contextlib.suppress(ChildProcessError):
            ended, status = os.waitpid(-1, os.WNOHANG)
            while ended:
                if ended == child:
                    return status
                ended, status = os.waitpid(-1, os.WNOHANG)


def crash_file():
    """Where the interpreter says which line it was in when it crashed; None where nothing can be written."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return None


def killed(ended_by, crash):
    """Why a training was ended by a signal: the reason first, then where it was."""
    if ended_by == signal.SIGKILL and memory_ran_out():
        return out_of_memory()
    if ended_by == signal.SIGKILL:
        return "the training was killed (SIGKILL), as a system does when memory runs out"
    name = signal.Signals(ended_by).name
    if ended_by not in CRASHES:
        return f"the training was ended by a signal: {name}"
    said = ""
    if crash:
        crash.seek(0)
        said = crash.read(MAX_FAILURE).decode("utf-8", "backslashreplace")
    return f"the training crashed in compiled code: {name}\n{said}".rstrip()


def memory_ran_out():
    """Whether the kernel killed a process of the container for want of memory since this file was started."""
    return out_of_memory_kills() != KILLS_BEFORE


def out_of_memory():
    """What to say of it, with the limit where there is one."""
    limit = next(filter(None, map(read_number, MEMORY_LIMITS)), None)
    limited = f" The container may have {limit / 2**30:.1f} GiB." if limit and limit < 2**50 else ""
    advice = "Choose an instance with more, or hold less data at once."
    return f"out of memory: the kernel killed the training.{limited} {advice}"


def read_number(path):
    """The number that is in a file; None where there is none, as in `max`."""
    with contextlib.suppress(OSError, ValueError), open(path) as file:
        return int(file.read())
    return None


def prepare():
    """Gives the function the surroundings of a plain script, and has SIGTERM end it."""
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


def run(entry_point, work, is_training):
    """Does the work of the entry point, reports how it failed, and returns the exit code."""
    code, reason = call(entry_point, work)
    if code != 0 and code & 0xFF == 0:
        code = 1  # The system keeps eight bits of it: 256 would be success.
    error = flush(sys.stdout)
    if error:
        problem = f"standard output could not be written: {error}"
        say(problem)
        code, reason = (1, problem) if code == 0 else (code, reason)
    flush(sys.stderr)
    if code not in (0, STOPPED) and is_training:
        write_failure(reason)
    return code


def call(entry_point, work):
    """Does the work of the entry point; returns the exit code, and the reason if it is not 0."""
    try:
        result = work()
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
    if memory_ran_out():
        lines.append("Memory ran out: the kernel killed a process of this container, such as a worker.")
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
    """The traceback without the frames of this file and of serve.py."""
    error = cause_of(error)
    if error is None:
        return ""
    inner = error.__traceback__
    ours = os.path.dirname(os.path.realpath(__file__))
    while inner is not None and os.path.dirname(os.path.realpath(inner.tb_frame.f_code.co_filename)) == ours:
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


class Job:
    """What SageMaker says of the training job in /opt/ml/input/config; perhaps nothing, where others run it."""

    def __init__(self):
        self.hyperparameters = read_config("hyperparameters.json")
        self.channels = read_config("inputdataconfig.json")
        self.resources = read_config("resourceconfig.json")

    def directories(self):
        """The container's directories, by the names that the SDK gives them; the channels' by their own."""
        found = {
            "model_dir": os.path.join(PREFIX, "model"),
            "input_dir": INPUT,
            "input_data_dir": os.path.join(INPUT, "data"),
            "input_config_dir": os.path.join(INPUT, "config"),
            "output_dir": OUTPUT,
            "output_data_dir": os.path.join(OUTPUT, "data"),
        }
        found.update((identifier(channel), os.path.join(INPUT, "data", channel)) for channel in self.channels)
        return found

    def own_hyperparameters(self):
        """Those that are the function's: not the SDK's, nor the one that a tuning job adds."""
        ours = (name for name in self.hyperparameters if not name.startswith("sagemaker_"))
        return {name: self.hyperparameters[name] for name in ours if name != "_tuning_objective_metric"}

    def environment(self):
        """The variables that SageMaker's training toolkit sets, and its SDK
        (https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md)."""
        hosts = sorted(self.resources.get("hosts", []))
        host = self.resources.get("current_host", "")
        network = self.resources.get("network_interface_name", "")
        values = {name: decoded(text) for name, text in self.own_hyperparameters().items()}
        directories = self.directories()
        found = {
            "MODEL_DIR": directories["model_dir"],
            "INPUT_DIR": INPUT,
            "INPUT_DATA_DIR": directories["input_data_dir"],
            "INPUT_CONFIG_DIR": directories["input_config_dir"],
            "OUTPUT_DIR": OUTPUT,
            "OUTPUT_DATA_DIR": directories["output_data_dir"],
            "OUTPUT_FAILURE": FAILURE_FILE,
            "CHANNELS": sorted(self.channels),
            "HPS": values,
            "USER_ARGS": [part for name, value in values.items() for part in (f"--{name}", as_text(value))],
            "HOSTS": hosts,
            "HOST_COUNT": len(hosts),
            "CURRENT_HOST": host,
            "CURRENT_HOST_RANK": hosts.index(host) if host in hosts else 0,
            "CURRENT_INSTANCE_TYPE": self.resources.get("current_instance_type", ""),
            "CURRENT_INSTANCE_GROUP": self.resources.get("current_group_name", ""),
            "INSTANCE_GROUPS": [
                group.get("instance_group_name") for group in self.resources.get("instance_groups", [])
            ],
            "MASTER_ADDR": hosts[0] if hosts else "",
            "MASTER_PORT": 7777,
            "NETWORK_INTERFACE_NAME": network,
            "NUM_CPUS": len(os.sched_getaffinity(0)),
            "NUM_GPUS": len(glob.glob("/dev/nvidia[0-9]*")),
            "RESOURCE_CONFIG": self.resources,
            "INPUT_DATA_CONFIG": self.channels,
        }
        found.update((f"CHANNEL_{identifier(name).upper()}", directories[identifier(name)]) for name in self.channels)
        found.update((f"HP_{identifier(name).upper()}", value) for name, value in values.items())
        found["TRAINING_ENV"] = {name.lower(): value for name, value in found.items()}
        variables = {f"SM_{name}": as_text(value) for name, value in found.items()}
        if len(hosts) > 1 and network:
            # By themselves they take the interface that comes first.
            variables.update(NCCL_SOCKET_IFNAME=network, GLOO_SOCKET_IFNAME=network)
        return variables


def read_config(name):
    """An object of /opt/ml/input/config; empty where there is none."""
    path = os.path.join(INPUT, "config", name)
    try:
        with open(path, encoding="utf-8") as file:
            read = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CannotStart(f"{path} cannot be read: {error}") from None
    if not isinstance(read, dict):
        raise CannotStart(f"{path} is no JSON object")
    return read


def identifier(name):
    """How Python writes the name of a channel or a hyperparameter."""
    return name.replace("-", "_").replace(".", "_")


def as_text(value):
    """A value as a variable of the environment has it."""
    return value if isinstance(value, str) else json.dumps(value)


def decoded(text):
    """The value of a hyperparameter, which the SDK writes as JSON, and others as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def arguments_of(function, job):
    """What to call the training function with: each parameter's hyperparameter, channel or directory of that name."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # Of a compiled function that does not tell.
        return (), {}
    parameters = signature.parameters.values()
    named = {each.name: each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)}
    takes_any = any(each.kind == each.VAR_KEYWORD for each in parameters) and (named or inspect.isroutine(function))
    directories, given, twice = job.directories(), {}, None
    for name, text in job.own_hyperparameters().items():
        parameter = name if name in named else identifier(name)
        twice = name if parameter in given else twice
        given[parameter] = (name, text)
    takes_some = any(name not in directories and wants_a_value(each) for name, each in named.items())
    if not takes_any and not takes_some and named.keys().isdisjoint(given):
        given, twice = {}, None  # Such a function reads its hyperparameters itself, if it has any.
    if twice:
        raise CannotStart(f"there are two hyperparameters for {identifier(twice)}, {twice} is one")
    unknown = sorted(name for parameter, (name, _) in given.items() if parameter not in named)
    if unknown and not takes_any:
        raise CannotStart(f"{TRAIN} takes no hyperparameter {', '.join(unknown)}: it takes {', '.join(named)}")

    types = annotations_of(function)
    bound, missing = signature.bind_partial(), []
    for name, parameter in named.items():
        wanted = type_of(parameter, types.get(name))
        if name in given:
            bound.arguments[name] = hyperparameter(*given[name], wanted)
        elif name in directories:
            bound.arguments[name] = converted(directories[name], wanted if wanted is not None else str)
        elif parameter.default is parameter.empty:
            missing.append(name)
    if missing:
        raise CannotStart(
            f"{TRAIN} needs {', '.join(missing)}, and the job has no hyperparameter or channel of that name"
        )
    # What the signature does not name goes to its `**`, as it is.
    more = {name: decoded(text) for name, (_, text) in given.items() if name not in named}
    return bound.args, {**bound.kwargs, **more}


def wants_a_value(parameter):
    """Whether a parameter is for a hyperparameter: not for a place that is another one in tests, nor for a command line
    or an object that a caller may bring along."""
    default = parameter.default
    if isinstance(default, str):
        return not default.startswith("/")
    is_object = default is None and parameter.annotation is parameter.empty
    return not is_object and not isinstance(default, os.PathLike)


def annotations_of(function):
    """The types of its parameters, as far as they can be told."""
    try:
        called = function.__init__ if inspect.isclass(function) else type(function).__call__
        return typing.get_type_hints(function if inspect.isroutine(function) else called)
    except Exception:  # Names that are there for a type checker alone.
        basic = {each.__name__: each for each in (bool, int, float, str, list, dict, tuple)}
        written = getattr(function, "__annotations__", {})
        return {name: basic.get(hint) if isinstance(hint, str) else hint for name, hint in written.items()}


def type_of(parameter, annotation):
    """What a parameter wants: its annotation, else what its default is; None where neither says."""
    if annotation is not None:
        return annotation
    default = parameter.default
    # `dropout=0` may well be a fraction.
    if type(default) is int:
        return typing.Union[int, float]  # noqa: UP007 (Python 3.7)
    known = (bool, float, str, list, tuple, dict, enum.Enum, os.PathLike)
    return type(default) if isinstance(default, known) else None


def hyperparameter(name, text, wanted):
    """The value of a hyperparameter, as the function wants it."""
    try:
        return converted(text if isinstance(text, str) else json.dumps(text), wanted)
    except ValueError:
        kind = getattr(wanted, "__name__", None) or str(wanted).replace("typing.", "")
        raise CannotStart(f"the hyperparameter {name} of {TRAIN} is no {kind}: {cut(str(text), 100)}") from None


def converted(text, wanted):
    """A text as a value of the type `wanted`; ValueError where it is none."""
    value, origin, options = decoded(text), getattr(wanted, "__origin__", None), getattr(wanted, "__args__", ())
    if origin is typing.Union or type(wanted).__name__ == "UnionType":
        return first_of(text, value, options)
    if str(origin).endswith("Literal"):
        return one_of(text, value, {option: option for option in options})
    kind = origin if isinstance(origin, type) else wanted
    if not isinstance(kind, type):
        return value
    if issubclass(kind, enum.Enum):
        return one_of(text, value, {**{each.value: each for each in kind}, **kind.__members__})
    if kind is bool:
        return one_of(text.lower(), None, {"true": True, "1": True, "false": False, "0": False})
    if kind is int:
        return whole(value)
    if kind is float:
        return float(value if isinstance(value, str) else whole_or_not(value))
    if kind is str:
        return value if isinstance(value, str) else text
    if issubclass(kind, os.PathLike):
        return (pathlib.Path if inspect.isabstract(kind) else kind)(text)
    if issubclass(kind, dict):
        return of_type(value, dict)
    for collection in (list, tuple, set, frozenset):
        if issubclass(collection, kind) and kind is not object:
            items = of_type(value, list)
            item = options[0] if options and not isinstance(options[0], typing.TypeVar) else None
            return collection(converted(as_text(each), item) if item else each for each in items)
    return value


def first_of(text, value, options):
    """The first of several types that takes it."""
    if value is None and type(None) in options:
        return None
    for option in options:
        if option is not type(None):
            with contextlib.suppress(ValueError):
                return converted(text, option)
    raise ValueError(text)


def one_of(text, value, options):
    """What stands for it among `options`."""
    for option, meant in options.items():
        if option == text or (option == value and type(option) is type(value)):
            return meant
    raise ValueError(text)


def whole(value):
    """An integer, also where it is written with a point."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if type(value) is int:
        return value
    raise ValueError(value)


def whole_or_not(value):
    """A number, which no truth value is."""
    if type(value) in (int, float):
        return value
    raise ValueError(value)


def of_type(value, kind):
    """It, where it is of that type."""
    if isinstance(value, kind):
        return value
    raise ValueError(value)


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
