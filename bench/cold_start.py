"""How long a function takes to its first answer from nothing: process start, runtime, clients, event, response.

    make bench                          (or: python3 bench/cold_start.py --sgbuild target/release/sgbuild)

Each run registers the binary anew with the testbed's function host, so that no process is warm, and invokes it once. The
time is the caller's: from the request, before the process exists, to the answer. Needs the testbed's environment.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import urllib.request
from pathlib import Path

LIMIT_MS = 100.0
# The function host and the emulator are programs on this machine as well; what is measured should be the function. So: an
# event that each handler answers by itself, and one that makes it ask the account.
EVENTS = {
    "start_training": {"refused payload": {}},
    "record_result": {
        "event of another service": {"source": "aws.other", "detail-type": "Other", "detail": {}},
        "state change of a foreign job": {
            "version": "0",
            "id": "0",
            "account": "123456789012",
            "region": "us-west-2",
            "time": "2026-11-24T04:12:05Z",
            "resources": [],
            "source": "aws.sagemaker",
            "detail-type": "SageMaker Training Job State Change",
            "detail": {"TrainingJobName": "bench-nobody", "TrainingJobStatus": "Completed"},
        },
    },
    "data_trigger": {"empty batch": {"Records": []}},
}


def call(method: str, path: str, body: dict | None = None) -> bytes:
    """One request to the function host."""
    data = None if body is None else json.dumps(body).encode()
    url = os.environ["AWS_ENDPOINT_URL_LAMBDA"] + path
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as answer:
        return answer.read()


def first_answer(sgbuild: str, handler: str, event: dict) -> tuple[float, bytes]:
    """Milliseconds from the request to the answer of a function that has no process yet, and the answer."""
    name = f"bench-cold-{handler.replace('_', '-')}-{time.time_ns()}"
    call("PUT", f"/_functions/{name}", {"binary": sgbuild, "handler": handler, "environment": environment()})
    try:
        began = time.perf_counter()
        answer = call("POST", f"/2015-03-31/functions/{name}/invocations", event)
        return 1000 * (time.perf_counter() - began), answer
    finally:
        call("DELETE", f"/_functions/{name}")


def environment() -> dict[str, str]:
    """The configuration of a function in the stack."""
    return {
        "SGBUILD_TABLE": "bench-nothing",
        "SGBUILD_TOPIC": "arn:aws:sns:us-west-2:123456789012:bench-nothing",
        "SGBUILD_PROJECT": "bench-nothing",
    }


def main() -> None:
    """Measure and print a table; fail above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sgbuild", type=Path, required=True, help="the release binary")
    parser.add_argument("--runs", type=int, default=20, help="cold starts an event (20)")
    given = parser.parse_args()
    if "SGBUILD_TESTBED" not in os.environ:
        sys.exit('bench: no testbed; run `make bench`, or first: eval "$(tests/testbed/testbed env)"')
    sgbuild = str(given.sgbuild.resolve())
    print(f"\ncold start of the functions, {given.runs} runs, milliseconds from the invocation to the answer")
    print(f"{'':50} {'median':>8} {'min':>8} {'max':>8}")
    slow = []
    for handler, events in EVENTS.items():
        for what, event in events.items():
            runs = [first_answer(sgbuild, handler, event) for _ in range(given.runs)]
            if any(b"UnknownHandler" in answer for _, answer in runs):
                sys.exit(f"bench: {sgbuild} has no handler {handler}")
            times = [milliseconds for milliseconds, _ in runs]
            median = statistics.median(times)
            print(f"{f'{handler}, {what}':50} {median:8.1f} {min(times):8.1f} {max(times):8.1f}")
            if median > LIMIT_MS:
                slow.append(handler)
    if slow:
        sys.exit(f"bench: slower than {LIMIT_MS:.0f} ms: {', '.join(slow)}")


if __name__ == "__main__":
    main()
