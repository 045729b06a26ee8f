#!/usr/bin/env python3
"""Emulators for tests that want an account of their own: each is moto_server.py's, and ends with who asked for it.

    emulators.py --port 24569

Whoever connects is told "PORT DIGEST\\n": where its emulator listens, and the state of the files that it runs. It ends
when the connection does. moto takes seconds to be loaded: it is loaded once, and each emulator is a fork of that.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading

import moto_server

# What sgbuild calls: loaded before it is asked for.
SERVICES = (
    "cloudformation",
    "codebuild",
    "dynamodb",
    "ecr",
    "events",
    "iam",
    "logs",
    "s3",
    "sagemaker",
    "sns",
    "sqs",
    "sts",
)


def serve(asker: socket.socket, application: object) -> None:
    """Be the asker's emulator until the asker is gone; never returns."""
    from moto.moto_api._internal import mock_random
    from werkzeug.serving import make_server

    # A fork has its parent's, and would name things as its siblings do.
    mock_random.seed(os.urandom(16))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    os.environ["MOTO_PORT"] = str(server.server_port)
    threading.Thread(target=end_with, args=[asker], daemon=True).start()
    asker.sendall(f"{server.server_port} {application.source}\n".encode())
    server.serve_forever()


def end_with(asker: socket.socket) -> None:
    """End the process with the connection."""
    try:
        while asker.recv(64):
            pass
    finally:
        os._exit(0)


def main() -> None:
    """Fork for each who connects, until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", "--port", type=int, required=True)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    # Nobody waits for those that ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    from moto import backends

    application = moto_server.application(moto_server.FUNCTIONS)
    for service in SERVICES:
        backends.get_backend(service)
    with socket.create_server(("127.0.0.1", given.port), backlog=64) as listener:
        while True:
            asker, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                serve(asker, application)
            asker.close()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
