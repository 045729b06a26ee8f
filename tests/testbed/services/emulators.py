"""Emulators that tests have to themselves: see emulators.py beside this directory."""

from __future__ import annotations

import os
import socket

from . import aws, process
from .state import EMULATORS_ADDRESS, EMULATORS_PORT, HERE, VENV, Trouble, say

NAME = "emulators"
PROGRAM = HERE / "emulators.py"


def answers() -> bool:
    """Whether it gives emulators that run the programs as they are on disk now."""
    try:
        with socket.create_connection(("127.0.0.1", EMULATORS_PORT), timeout=10) as asked:
            return asked.makefile().readline().split()[1:] == [aws.digest()]
    except OSError:
        return False


def up() -> None:
    """Start it unless it answers."""
    if process.recorded_pid(NAME) and answers():
        return
    process.stop(NAME)
    holder = process.listener("127.0.0.1", EMULATORS_PORT)
    if holder:
        raise Trouble(f"port {EMULATORS_PORT} of 127.0.0.1 is taken by {holder}: stop it first")
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process.start(NAME, [str(VENV / "bin" / "python"), str(PROGRAM), "--port", str(EMULATORS_PORT)], env=env)
    process.wait_until(NAME, answers)
    say(NAME, f"gives a test an AWS emulator of its own, on {EMULATORS_ADDRESS}")


def down() -> None:
    """Stop it; the emulators that it gave end with those who have them."""
    if process.stop(NAME):
        say(NAME, "stopped")
