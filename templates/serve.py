"""Serves what the package names, on port 8080, as Amazon SageMaker asks for it: `GET /ping` and `POST /invocations`.

The contract is https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html. run.py, beside
which this file is, hands itself over as `program`. gunicorn speaks HTTP, starts workers, and replaces those that die.
What is here decides what an object is, reads requests into what the function takes, writes what it returns, and loads
the model once a worker.
"""

import asyncio
import collections.abc
import contextlib
import csv
import ctypes
import email.message
import glob
import importlib
import inspect
import io
import json
import math
import mmap
import os
import socket
import struct
import sys
import threading
import time
import typing

# What an object is. Only an OWN server is called in this process: the others are imported by the workers alone.
OWN, FUNCTION, WSGI, ASGI = "own", "function", "wsgi", "asgi"
FACTORY = " factory"
# Tells this program, started anew, what it found the object to be.
FOUND = "SGBUILD_SERVED_AS"

JSON, LINES, CSV, NPY = "application/json", "application/jsonlines", "text/csv", "application/x-npy"
TEXT, BYTES = "text/plain", "application/octet-stream"
SAME_FORM = {
    "application/x-jsonlines": LINES,
    "application/jsonl": LINES,
    "application/x-ndjson": LINES,
    "application/x-jsonl": LINES,
}

MIB = 2**20
MAX_REQUEST = 25 * MIB  # what SageMaker hands on of a request to an endpoint
DRAINED_UNREAD = 256 * MIB  # how much of a refused body is read, so that whoever sends it gets to read the answer
# SageMaker kills a container 30 s after SIGTERM.
DRAIN, GRACE = 1, 25
START_LIMIT = 240  # seconds: what SageMaker waits for a first answer to /ping
MEMORY_OF_A_WORKER = 200 * MIB  # without a model
CONNECTIONS = 1000  # of a worker
THREADS = 256  # of a worker: those that wait for their turn leave some for /ping
BOOT_ERROR = 3  # gunicorn's exit code for a worker that must not be started again
SLOTS = 256


class Refused(Exception):
    """A request that gets an answer other than the function's."""

    def __init__(self, status, reason, *headers):
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, list(headers)


class Unfit(Exception):
    """A result that a form cannot hold."""


def main(program):
    """Serves it: does not return, except for what a server of the package's own returns."""
    kind = os.environ.pop(FOUND, "") or program.SERVED_AS
    if kind:
        return start(program, kind)
    target = program.load(program.SERVE)
    kind = kind_of(target, program)
    if kind == OWN:
        result = target()
        made = kind_of_app(result)
        if not made:
            return result
        kind = made + FACTORY
    # The workers import the package each for themselves: what was imported here may not survive a fork.
    os.environ[FOUND] = kind
    program.flush(sys.stdout)
    os.execv(sys.executable, [sys.executable, os.path.realpath(program.__file__), "serve"])


def kind_of(target, program):
    """What an object is that the package wants served."""
    app = kind_of_app(target)
    if app:
        return app
    count = len(required_of(target))
    if inspect.isclass(target):
        if "__call__" not in {name for each in target.__mro__ for name in vars(each)}:
            raise program.CannotStart(f"{program.SERVE} is a class whose objects cannot be called: it needs a __call__")
        return FUNCTION
    if count > 2:
        names = ", ".join(each.name for each in required_of(target))
        raise program.CannotStart(f"{program.SERVE} takes {names}: a serving function takes a payload, and the model")
    return FUNCTION if count else OWN


def kind_of_app(target):
    """Whether it speaks WSGI (https://peps.python.org/pep-3333/) or ASGI (https://asgi.readthedocs.io), by its call."""
    if target is None or inspect.isclass(target) or not callable(target):
        return ""
    call = target if inspect.isroutine(target) else type(target).__call__
    names = [each.name for each in required_of(target)]
    if inspect.iscoroutinefunction(call):
        return ASGI if names[-2:] == ["receive", "send"] else ""
    return (
        WSGI if len(names) == 2 and names[-1] == "start_response" else ASGI if names[-2:] == ["receive", "send"] else ""
    )


def required_of(target):
    """The parameters that it cannot be called without."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # Of a compiled function that does not tell.
        return []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each for each in parameters if each.kind in positional and each.default is each.empty]


# The server


def start(program, kind):
    """Runs gunicorn, which ends this process."""
    try:
        from gunicorn.app.base import BaseApplication
        from gunicorn.arbiter import Arbiter
        from gunicorn.errors import HaltServer
    except ImportError:
        raise program.CannotStart(
            f"{program.SERVE} needs gunicorn to be served, and there is none: add it to the package's requirements, "
            "or name a function without parameters that runs a server of its own"
        ) from None
    board = Board()
    settings = settings_of(program, kind, board)

    class Draining(Arbiter):
        def stop(self, graceful=True):
            if graceful and self.WORKERS and not board.is_broken():
                drain(self.LISTENERS)
            # Where one worker cannot begin, the others end in the same way.
            with contextlib.suppress(HaltServer):
                super().stop(graceful)

    class Server(BaseApplication):
        def load_config(self):
            for name, value in settings.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self):
            return loaded(program, kind, board)

        def run(self):
            Draining(self).run()

    program.say(
        f"serving {program.SERVE} on port {settings['bind'].rpartition(':')[2]}, workers: {settings['workers']}"
    )
    return Server().run()


def settings_of(program, kind, board):
    """gunicorn's settings (https://docs.gunicorn.org/en/stable/settings.html); not every release has them all."""
    import gunicorn

    new = gunicorn.version_info[0] >= 24
    turns = number(program, "MODEL_SERVER_THREADS") or (8 if kind.startswith(WSGI) else 1)
    settings = {
        "bind": f"0.0.0.0:{os.environ.get('SAGEMAKER_BIND_TO_PORT', '8080')}",
        "workers": workers(program),
        "threads": max(turns, THREADS) if kind == FUNCTION else turns,
        "worker_connections": CONNECTIONS,
        # Before release 24, a worker that ends cuts the connections that wait for another request.
        "keepalive": 5 if new else 0,
        "timeout": START_LIMIT,
        "graceful_timeout": GRACE - DRAIN,
        "loglevel": "warning",
        "control_socket_disable": True,
        "child_exit": lambda _, worker: board.leave(worker.age % SLOTS),
    }
    if os.access("/dev/shm", os.W_OK):
        settings["worker_tmp_dir"] = "/dev/shm"
    if kind.startswith(ASGI):
        settings.update(worker_class=asgi_worker(program, gunicorn.version_info[0]), threads=1)
    else:
        settings["worker_class"] = fair_worker(board) if kind == FUNCTION else "gthread"
    return settings


def asgi_worker(program, release):
    """gunicorn's own since release 25, for Python 3.10; else uvicorn's."""
    if release >= 25:
        return "asgi"
    # uvicorn's own is to go into a package of its own: https://www.uvicorn.org/deployment/#gunicorn.
    for module in ("uvicorn_worker", "uvicorn.workers"):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
            return module + ".UvicornWorker"
    raise program.CannotStart(
        f"{program.SERVE} is an ASGI app, and this gunicorn speaks WSGI only: take Python 3.10 or newer, or add "
        "uvicorn to what the package requires"
    )


def fair_worker(board):
    """A worker with threads that leaves a connection to another one which has less to do."""
    from gunicorn.workers.gthread import ThreadWorker

    class FairWorker(ThreadWorker):
        left = 0

        def init_process(self):
            board.join(self.age % SLOTS)
            super().init_process()

        def accept(self, *arguments):
            if self.left < 20 and board.has_a_freer_one():
                self.left += 1
                time.sleep(0.0005)
                return
            self.left = 0
            super().accept(*arguments)

    return FairWorker


class Board:
    """What the workers tell one another, in memory that they share: whether one has the model or cannot have it, who is
    there, and how many requests each has."""

    READY, BROKEN = 1, 2

    def __init__(self):
        self.memory = mmap.mmap(-1, 1 + 2 * SLOTS)
        self.slot = 0

    def join(self, slot):
        self.slot = slot
        self.memory[1 + slot], self.memory[1 + SLOTS + slot] = 1, 0

    def leave(self, slot):
        self.memory[1 + slot] = 0

    def say_ready(self):
        self.memory[0] = self.READY

    def is_ready(self):
        """Whether a worker has the model: those that are still loading it answer for one that has it."""
        return self.memory[0] == self.READY

    def say_broken(self):
        self.memory[0] = self.BROKEN

    def is_broken(self):
        return self.memory[0] == self.BROKEN

    def has(self, requests):
        self.memory[1 + SLOTS + self.slot] = min(requests, 255)

    def has_a_freer_one(self):
        there, requests = self.memory[1 : 1 + SLOTS], self.memory[1 + SLOTS :]
        mine = requests[self.slot]
        return mine > 0 and any(there[slot] and requests[slot] < mine for slot in range(SLOTS))


def drain(listeners):
    """Refuses new connections, and lets the workers accept those there are: a listener that is closed cuts them."""
    for listener in listeners:
        for refuse in (drop_connections, listen_to_the_container_alone):
            with contextlib.suppress(OSError, AttributeError):
                refuse(listener.sock)
                break
    time.sleep(DRAIN)


def listen_to_the_container_alone(listener):
    """Has the kernel refuse connections from elsewhere, where it takes no filter; those that there are stay.

    Source: https://man7.org/linux/man-pages/man7/socket.7.html, SO_BINDTODEVICE.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")


def drop_connections(listener):
    """Has the kernel drop the packets that open a connection (SYN without ACK), and no others.

    Source: https://www.kernel.org/doc/html/latest/networking/filter.html.
    """
    load_byte, mask, is_equal, give = 0x30, 0x54, 0x15, 0x06
    flags, syn, syn_ack = 13, 0x02, 0x12
    rules = [
        (load_byte, 0, 0, flags),
        (mask, 0, 0, syn_ack),
        (is_equal, 0, 1, syn),
        (give, 0, 0, 0),
        (give, 0, 0, 0xFFFFFFFF),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    so_attach_filter = 26
    listener.setsockopt(socket.SOL_SOCKET, so_attach_filter, struct.pack("HL", len(rules), ctypes.addressof(code)))


def workers(program):
    """How many: as was said, else one a CPU, as far as memory goes, or one a GPU."""
    for name in ("SAGEMAKER_MODEL_SERVER_WORKERS", "MODEL_SERVER_WORKERS", "LAMBDA_SERVER_WORKERS"):
        if os.environ.get(name) not in (None, "", "auto"):
            return number(program, name)
    gpus = len(glob.glob("/dev/nvidia[0-9]*"))
    if gpus:
        return gpus
    # In memory a model is about twice what it is on the disk.
    needed = MEMORY_OF_A_WORKER + 2 * size_of(os.path.join(program.PREFIX, "model"))
    return max(1, min(cpus(), memory(program) // needed, SLOTS - 1))


def number(program, name):
    """A variable that is a number above 0; None where it is not set."""
    text = os.environ.get(name)
    if not text:
        return None
    if not text.isdigit() or int(text) == 0:
        raise program.CannotStart(f"the variable {name} is no number above 0: {text}")
    return int(text)


def cpus():
    """Those that the container may use, by its affinity and its control group."""
    usable = len(os.sched_getaffinity(0))
    with contextlib.suppress(OSError, ValueError), open("/sys/fs/cgroup/cpu.max") as file:
        quota, period = map(int, file.read().split())
        usable = min(usable, math.ceil(quota / period))
    return usable


def memory(program):
    """The container's limit, or what the machine has."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *filter(None, map(program.read_number, program.MEMORY_LIMITS))])


def size_of(directory):
    """The bytes below a directory."""
    sizes = 0
    for parent, _, files in os.walk(directory):
        for name in files:
            with contextlib.suppress(OSError):
                sizes += os.path.getsize(os.path.join(parent, name))
    return sizes


# A worker


def loaded(program, kind, board):
    """What a worker serves. What cannot be loaded ends the container: another worker could not either."""
    try:
        target = program.load(program.SERVE)
        if kind == FUNCTION:
            return Invocations(program, target, board)
        target = target() if kind.endswith(FACTORY) else target
        if kind_of_app(target) != kind.partition(FACTORY)[0]:
            raise program.CannotStart(f"{program.SERVE} is no {kind.upper()}: it is {target!r}")
        return target
    except BaseException as error:
        give_up(program, error, board)


def give_up(program, error, board):
    """Says why it cannot be served, unless another worker did, and ends the container."""
    if not board.is_broken():
        board.say_broken()
        program.say(f"{program.SERVE} cannot be served:")
        program.report(error, program.SERVE)
    program.flush(sys.stdout)
    os._exit(BOOT_ERROR)


class Invocations:
    """A WSGI app around a function: https://peps.python.org/pep-3333/."""

    def __init__(self, program, target, board):
        self.program, self.board = program, board
        self.place = program.SERVE
        self.function, self.model = None, ()
        self.is_loaded = threading.Event()
        self.turns = threading.Semaphore(number(program, "MODEL_SERVER_THREADS") or 1)
        self.requests, self.counting = 0, threading.Lock()
        self.loop = None
        self.most = most_of_a_request(program)
        initializer = program.load(program.INITIALIZER) if program.INITIALIZER else None
        call = target.__call__ if inspect.isclass(target) else target
        taken = required_of(call)[1:] if inspect.isclass(target) else required_of(call)
        if inspect.isclass(target) and len(taken) != 1:
            raise program.CannotStart(
                f"{self.place}: its __call__ takes {len(taken)} parameters, and gets one, the payload"
            )
        if len(taken) == 2 and not initializer:
            raise program.CannotStart(
                f"{self.place} takes {taken[1].name} beside the payload, and no function is declared that makes it: "
                "name one in the group sgbuild.initialize, or by the setting initializer"
            )
        annotations = program.annotations_of(call)
        self.wanted = Wanted(program, annotations.get(taken[0].name))
        threading.Thread(target=self.load, args=(target, initializer, len(taken) == 2), daemon=True).start()

    def load(self, target, initializer, takes_model):
        """Makes the model, while /ping says that it is being made."""
        try:
            model = self.made(initializer) if initializer else None
            self.function = self.made(target) if inspect.isclass(target) else target
            self.model = (model,) if takes_model else ()
        except BaseException as error:
            give_up(self.program, error, self.board)
        self.is_loaded.set()
        self.board.say_ready()

    def made(self, maker):
        """What an initializer or a class makes, which is told the model's directory where it has a parameter for it."""
        wanted = required_of(maker) or [
            each for each in inspect.signature(maker).parameters.values() if each.name == "model_dir"
        ]
        if not wanted:
            return maker()
        annotations = self.program.annotations_of(maker.__init__ if inspect.isclass(maker) else maker)
        directory = os.path.join(self.program.PREFIX, "model")
        return maker(self.program.converted(directory, annotations.get(wanted[0].name) or str))

    def __call__(self, environ, start_response):
        asked = Asked(environ)
        try:
            content, body = self.answer(asked)
            status, headers = "200 OK", [("Content-Type", content)] if content else []
        except Refused as refused:
            status, headers = refused.status, refused.headers
            content, body = asked.problem(refused.reason)
            headers.append(("Content-Type", content))
        headers.append(("Content-Length", str(len(body))))
        start_response(status, headers)
        return [body] if asked.method != "HEAD" else []

    def answer(self, asked):
        """The content type and the body of the answer."""
        if asked.path == "/ping":
            asked.refuse_other_methods("GET", "HEAD")
            if not (self.is_loaded.is_set() or self.board.is_ready()):
                raise Refused("503 Service Unavailable", "the model is being loaded")
            return "", b""
        if asked.path == "/invocations":
            asked.refuse_other_methods("POST")
            body = asked.body(self.most)
            self.is_loaded.wait()
            return self.invoke(asked, body)
        raise Refused("404 Not Found", f"there is no {asked.path}: GET /ping and POST /invocations are answered")

    def invoke(self, asked, body):
        """Calls the function: as many at a time as there are turns."""
        with self.counting:
            self.requests += 1
            self.board.has(self.requests)
        try:
            payload = self.wanted.of(asked, body)
            with self.turns:
                result = self.called(payload)
            return written(result, asked)
        except Refused:
            raise
        except Unfit as unfit:
            self.program.say(f"POST /invocations: {self.place} returned what cannot be sent: {unfit}")
            raise Refused("500 Internal Server Error", str(unfit)) from None
        except (Exception, SystemExit) as error:
            place = self.program.where(error, self.place)
            shown = self.program.summary(error)
            self.program.say(f"POST /invocations: {shown} {place}\n{self.program.format_traceback(error)}")
            raise Refused("500 Internal Server Error", shown) from None
        finally:
            with self.counting:
                self.requests -= 1
                self.board.has(self.requests)

    def called(self, payload):
        result = self.function(payload, *self.model)
        if not inspect.iscoroutine(result):
            return result
        if not self.loop:
            self.loop = asyncio.new_event_loop()
            threading.Thread(target=self.loop.run_forever, daemon=True).start()
        return asyncio.run_coroutine_threadsafe(result, self.loop).result()


def most_of_a_request(program):
    """The limit of a request's body in bytes: as was said, a batch transform's, or an endpoint's."""
    batch = number(program, "SAGEMAKER_MAX_PAYLOAD_IN_MB")
    return number(program, "MAX_CONTENT_LENGTH") or (batch * MIB if batch else MAX_REQUEST)


class Asked:
    """A request: what is asked for, in which form it is written, and which forms are accepted."""

    def __init__(self, environ):
        self.input = environ["wsgi.input"]
        self.method, self.path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        self.length = environ.get("CONTENT_LENGTH") or ""
        said = environ.get("CONTENT_TYPE") or os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_CONTENT_TYPE") or BYTES
        self.form, self.parameters = media_type(said)
        accepted = environ.get("HTTP_ACCEPT") or os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or ""
        self.accepted = ranges(accepted)

    def refuse_other_methods(self, *allowed):
        if self.method not in allowed:
            raise Refused("405 Method Not Allowed", f"{self.path} takes {allowed[0]}", ("Allow", ", ".join(allowed)))

    def body(self, most):
        """Its body, if that is within the limit."""
        known = int(self.length) if self.length.isdigit() else 0
        body = b"" if known > most else self.input.read(most + 1)
        if known <= most and len(body) <= most:
            return body
        unread = DRAINED_UNREAD
        while unread > 0:
            part = self.input.read(MIB)
            unread = unread - len(part) if part else 0
        raise Refused(
            "413 Payload Too Large",
            f"the request has more than {most} bytes; the variable MAX_CONTENT_LENGTH says how many it may have",
        )

    def text(self, body):
        """Its body as text, in the charset that it names."""
        charset = self.parameters.get("charset", "utf-8")
        try:
            return body.decode("utf-8-sig" if charset.lower() in ("utf-8", "utf8") else charset)
        except (UnicodeDecodeError, LookupError) as error:
            raise Refused("400 Bad Request", f"the request is no {charset}: {error}") from None

    def problem(self, reason):
        """A refusal in the form that whoever asks can read."""
        if self.form == JSON or any(name == JSON for name, _ in self.accepted):
            return JSON, json.dumps({"error": reason}).encode()
        return TEXT + "; charset=utf-8", (reason + "\n").encode("utf-8", "backslashreplace")


def media_type(text):
    """A media type by the name that it has here, and its parameters (RFC 9110, section 8.3)."""
    message = email.message.Message()
    message["content-type"] = text
    name = text.partition(";")[0].strip().lower()
    form = JSON if name.endswith("+json") else SAME_FORM.get(name, name)
    return form, {key.lower(): value for key, value in message.get_params(failobj=[])[1:]}


def ranges(accepted):
    """The media ranges of a header `Accept` (RFC 9110, section 12.5.1) that are wanted, those liked best first."""
    found = []
    for part in filter(None, map(str.strip, accepted.split(","))):
        form, parameters = media_type(part)
        try:
            liked = float(parameters.pop("q", 1))
        except ValueError:
            liked = 0
        if liked > 0:
            found.append((-liked, form, parameters))
    found.sort(key=lambda each: each[0])
    return [(form, parameters) for _, form, parameters in found]


# From a request to what the function takes


class Wanted:
    """What a function takes for a payload, by its first parameter's annotation; without one, what the form gives."""

    def __init__(self, program, annotation):
        self.program, self.annotation = program, annotation
        self.kind = kind_of_payload(annotation)
        if self.kind is None:
            raise program.CannotStart(
                f"{program.SERVE}: no request becomes {annotation!r}. The payload may be bytes, str, list, dict, "
                "numpy.ndarray, pandas.DataFrame, or without an annotation"
            )

    def of(self, asked, body):
        """The payload."""
        if self.kind is bytes:
            return body
        if self.kind is str and asked.form in (JSON, LINES, CSV, TEXT):
            return asked.text(body)
        if self.kind is typing.Any and asked.form not in READERS:
            return body
        reader = READERS.get(asked.form)
        if not reader or self.kind is str or (asked.form == TEXT and self.kind is not typing.Any):
            raise Refused("415 Unsupported Media Type", f"{asked.form} is not among what is taken: {self.taken()}")
        value = reader(asked, body)
        try:
            return self.fitted(value, asked)
        except (ValueError, TypeError) as error:
            raise Refused("400 Bad Request", f"the request is no {self.name()}: {error}") from None

    def fitted(self, value, asked):
        """A value that was read, as the function wants it; ValueError where it cannot be."""
        is_array = hasattr(value, "tolist")
        if self.kind == "ndarray":
            return value if is_array else array(value, asked)
        if self.kind == "DataFrame":
            return frame(value, asked)
        if self.kind is dict and not isinstance(value, dict):
            raise ValueError("it is not an object of names and values")
        if self.kind is list:
            value = value.tolist() if is_array else value
            if not isinstance(value, list):
                raise ValueError("it is not a list")
            items = getattr(self.annotation, "__args__", None)
            if items and not isinstance(items[0], typing.TypeVar) and items[0] is not typing.Any:
                return self.program.converted(json.dumps(value), self.annotation)
        return value

    def taken(self):
        """The forms that it may have, for messages."""
        if self.kind is str:
            return ", ".join((JSON, LINES, CSV, TEXT))
        return JSON if self.kind is dict else ", ".join((JSON, LINES, CSV, NPY))

    def name(self):
        return self.kind if isinstance(self.kind, str) else self.kind.__name__


def kind_of_payload(annotation):
    """What is made for an annotation; None where nothing is."""
    origin = getattr(annotation, "__origin__", None)
    kind = origin if isinstance(origin, type) else annotation
    if kind in (None, typing.Any, object, inspect.Parameter.empty):
        return typing.Any
    if not isinstance(kind, type):
        return None
    module = kind.__module__.partition(".")[0]
    if (module, kind.__name__) in (("numpy", "ndarray"), ("pandas", "DataFrame")):
        return kind.__name__
    if kind in (bytes, str):
        return kind
    for made, general in ((list, collections.abc.Sequence), (dict, collections.abc.Mapping)):
        if issubclass(kind, made) or kind in (general, getattr(collections.abc, "Mutable" + general.__name__)):
            return made
    return None


def read_json(asked, body):
    """JSON, as RFC 8259 has it."""
    try:
        return json.loads(asked.text(body))
    except ValueError as error:
        raise Refused("400 Bad Request", f"the request is no JSON: {error}") from None


def read_lines(asked, body):
    """A list of what each line says (https://jsonlines.org)."""
    values = []
    for index, line in enumerate(asked.text(body).splitlines(), 1):
        try:
            values.extend([json.loads(line)] if line.strip() else [])
        except ValueError as error:
            raise Refused("400 Bad Request", f"line {index} of the request is no JSON: {error}") from None
    return values


def read_csv(asked, body):
    """A list of rows (RFC 4180), each a list of texts; with `header=present`, a dict by the names of the first row."""
    try:
        rows = [row for row in csv.reader(io.StringIO(asked.text(body), newline=""), strict=True) if row]
    except csv.Error as error:
        raise Refused("400 Bad Request", f"the request is no CSV: {error}") from None
    if asked.parameters.get("header") != "present" or not rows:
        return rows
    names = rows.pop(0)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Refused("400 Bad Request", f"two columns of the request are called {twice!r}")
    wrong = next((index for index, row in enumerate(rows, 2) if len(row) != len(names)), None)
    if wrong:
        raise Refused("400 Bad Request", f"row {wrong} of the request has not as many values as there are names")
    return [{name: row[index] for index, name in enumerate(names)} for row in rows]


def read_npy(_, body):
    """An array (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)."""
    try:
        import numpy
    except ImportError:
        raise Refused("415 Unsupported Media Type", f"{NPY} is read by numpy, which is not installed") from None
    try:
        return numpy.load(io.BytesIO(body), allow_pickle=False)
    except Exception as error:  # Of what is no array, numpy says so by errors of several kinds.
        raise Refused("400 Bad Request", f"the request is no array: {error}") from None


READERS = {JSON: read_json, LINES: read_lines, CSV: read_csv, NPY: read_npy, TEXT: lambda asked, body: asked.text(body)}


def array(value, asked):
    """Numbers as an array."""
    import numpy

    if asked.form == CSV:
        value = [[float(cell) for cell in (row.values() if isinstance(row, dict) else row)] for row in value]
    made = numpy.asarray(value)
    if made.dtype == object:
        raise ValueError("it has not as many values in each row")
    return made


def frame(value, asked):
    """Rows or columns as a table; of CSV, with the types that pandas finds."""
    import pandas

    if isinstance(value, dict):
        return table_of(pandas, value)
    if value is None:
        raise ValueError("it is null")
    if isinstance(value, list):
        # pandas would fill up the shorter ones.
        lengths = {len(row) for row in value if isinstance(row, list)}
        if len(lengths) > 1:
            raise ValueError("it has not as many values in each row")
    table = pandas.DataFrame(value)
    return table.apply(lambda column: numbers_of(pandas, column)) if asked.form == CSV and value else table


def table_of(pandas, value):
    """A table of an object: a list for each column, or as pandas writes one by `to_json(orient="split")`."""
    if {"columns", "data"} <= set(value) <= {"columns", "data", "index"}:
        return pandas.DataFrame(value["data"], index=value.get("index"), columns=value["columns"])
    if value and not any(isinstance(column, (list, dict)) for column in value.values()):
        raise ValueError("an object has a list for each column; a single row is a list of one object")
    return pandas.DataFrame(value)


def numbers_of(pandas, column):
    """A column of texts as numbers, where all of them are."""
    try:
        return pandas.to_numeric(column)
    except (ValueError, TypeError):
        return column


# From what the function returns to an answer


def written(result, asked):
    """The content type and the bytes, in the form that is accepted, else in that of the request."""
    own = [form for form in dict.fromkeys((asked.form, JSON)) if form in WRITERS]
    if isinstance(result, (bytes, bytearray)):
        named = [form for form, _ in asked.accepted if "*" not in form]
        return (named or [BYTES])[0], bytes(result)
    problems = []
    for form, _ in asked.accepted or [("*/*", {})]:
        top = form.partition("/")[0]
        meant = (
            own
            if form == "*/*"
            else [each for each in WRITERS if each.startswith(top + "/")]
            if form.endswith("/*")
            else [form]
        )
        for each in meant:
            try:
                return each + ("; charset=utf-8" if each in (CSV, TEXT) else ""), writer(each)(result)
            except Unfit as unfit:
                problems.append(f"{each}: {unfit}")
    wanted = ", ".join(form for form, _ in asked.accepted)
    if asked.accepted and "*/*" not in wanted:
        raise Refused("406 Not Acceptable", f"the answer cannot be {'; '.join(problems) or wanted}")
    raise Unfit("; ".join(problems))


def writer(form):
    if form not in WRITERS:
        raise Unfit(f"nothing is written so; {', '.join(WRITERS)} are")
    return WRITERS[form]


def plain(value):
    """What JSON has no form for, by what it has one for."""
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        if not value.columns.is_unique:
            raise Unfit("two columns of the table have one name")
        return value.to_dict("records")
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form in it")


def dumped(value):
    try:
        return json.dumps(value, default=plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Unfit(str(error)) from None


def write_json(result):
    """A text that is JSON already is sent as it is."""
    if isinstance(result, str):
        with contextlib.suppress(ValueError):
            json.loads(result)
            return result.encode()
    return dumped(result).encode()


def items_of(result):
    """The items of a list, an array or a table; a single value is the only item."""
    result = plain(result) if hasattr(result, "tolist") or hasattr(result, "columns") else result
    return list(result) if isinstance(result, (list, tuple)) else [result]


def write_lines(result):
    """An item a line. A text is written already."""
    if isinstance(result, str):
        return result.encode()
    return "".join(dumped(item) + "\n" for item in items_of(result)).encode()


def write_csv(result):
    """A row a line: a value alone is a row of one. A text is written already."""
    if isinstance(result, str):
        return result.encode()
    if hasattr(result, "to_dict") and hasattr(result, "columns"):
        # Each column keeps its type; what is missing is empty, as pandas writes and reads it.
        result = list(result.astype(object).where(result.notna(), None).itertuples(index=False, name=None))
    rows = [row if isinstance(row, (list, tuple)) else [row] for row in items_of(result)]
    if any(isinstance(cell, (dict, list, tuple)) for row in rows for cell in row):
        raise Unfit("it has values within values")
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def write_npy(result):
    try:
        import numpy

        made = numpy.asarray(result)
    except (ImportError, ValueError) as error:
        raise Unfit(str(error)) from None
    if made.dtype.kind not in "biufcUS":
        raise Unfit("it is no array of numbers or texts")
    out = io.BytesIO()
    numpy.save(out, made, allow_pickle=False)
    return out.getvalue()


def write_text(result):
    if isinstance(result, (str, int, float)):
        return str(result).encode()
    raise Unfit(f"{type(result).__name__} is no text")


WRITERS = {JSON: write_json, LINES: write_lines, CSV: write_csv, NPY: write_npy, TEXT: write_text}
