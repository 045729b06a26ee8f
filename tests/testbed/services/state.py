"""Where the testbed keeps its files, and how it speaks to the person in front of it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

ACCOUNT = "123456789012"
REGION = "us-west-2"
BASE_ACCOUNT = "210987654321"
BASE_REGION = "eu-west-1"

# Another first port makes a second set of moto and the programs beside it, with state and processes of its own; the
# Docker daemon and the registries stay one for all.
USUAL_PORT = 24566
MOTO_PORT = int(os.environ.get("SGBUILD_TESTBED_PORT") or USUAL_PORT)
FUNCTION_HOST_PORT = MOTO_PORT + 1
PLAYER_PORT = MOTO_PORT + 2
EMULATORS_PORT = MOTO_PORT + 3
MOTO_URL = f"http://127.0.0.1:{MOTO_PORT}"
FUNCTION_HOST_URL = f"http://127.0.0.1:{FUNCTION_HOST_PORT}"
PLAYER_URL = f"http://127.0.0.1:{PLAYER_PORT}"
EMULATORS_ADDRESS = f"127.0.0.1:{EMULATORS_PORT}"

HERE = Path(__file__).resolve().parent.parent


class Trouble(Exception):
    """Something a person has to know or to mend; its text is shown as it is."""


def state_dir() -> Path:
    """The directory every clone shares: $SGBUILD_TESTBED_DIR, else sgbuild-testbed in the user's cache."""
    explicit = os.environ.get("SGBUILD_TESTBED_DIR")
    if explicit:
        return Path(explicit).resolve()
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "sgbuild-testbed"


STATE = state_dir()
_SET = "" if MOTO_PORT == USUAL_PORT else f"-{MOTO_PORT}"
LOGS = STATE / f"logs{_SET}"
PIDS = STATE / f"pids{_SET}"
VENV = STATE / "venv"
TEMPLATE_VENV = STATE / "template-venv"

_started = time.monotonic()


def say(service: str, text: str) -> None:
    """One line of progress on stderr, with the seconds since the start."""
    print(f"[{time.monotonic() - _started:5.1f}s] {service}: {text}", file=sys.stderr, flush=True)


def ensure_directories() -> None:
    """Make the state directory and the fixed places inside it."""
    for directory in (STATE, LOGS, PIDS):
        directory.mkdir(parents=True, exist_ok=True)
