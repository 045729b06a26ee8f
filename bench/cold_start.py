"""How long a function takes to its first answer from nothing: process start, runtime, clients, event, response.

    make bench                          (or: python3 bench/cold_start.py --sgbuild target/release/sgbuild)

Each run registers the binary anew with the testbed's function host, so that no process is warm, and invokes it once.
The time is the caller's: from the request, before the process exists, to the answer. Each handler gets an event that it
answers by itself, and one that makes it ask the account first. Needs the testbed's environment.
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
RECORD = {
    "eventSource": "aws:s3",
    "eventName": "ObjectCreated:Put",
    "eventVersion": "2.1",
    "awsRegion": "us-west-2",
    "eventTime": "2026-11-24T04:12:05.000Z",
    "s3": {"bucket": {"name": "bench-nothing"}, "object": {"key": "input/data/training/gone.csv", "size": 1}},
}
MESSAGE = {
    "messageId": "1",
    "receiptHandle": "1",
    "body": json.dumps({"Records": [RECORD]}),
    "attributes": {},
    "messageAttributes": {},
    "md5OfBody": "",
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:us-west-2:123456789012:bench-nothing",
    "awsRegion": "us-west-2",
}
CHANGE = {
    "version": "0",
    "id": "0",
    "detail-type": "SageMaker Training Job State Change",
    "source": "aws.sagemaker",
    "account": "123456789012",
    "time": "2026-11-24T04:12:05Z",
    "region": "us-west-2",
    "resources": [],
    "detail": {"TrainingJobName": "bench-nobody", "TrainingJobStatus": "Completed"},
}
PAYLOAD = {
    "source_bucket_uri": "s3://bench-nothing/input/data/training/",
    "destination_bucket_uri": "s3://bench-nothing/",
    "image": "123456789012.dkr.ecr.us-west-2.amazonaws.com/bench@sha256:" + "0" * 64,
    "role": "arn:aws:iam::123456789012:role/bench",
    "num_instances": "1",
    "instance_type": "ml.m5.large",
    "vol_in_gb": "30",
    "training_job_name": "bench",
    "max_runtime_sec": "60",
    "git_hash": "0" * 40,
    "run_id": "bench-1",
}
EVENTS = {
    "start_training": {"refused payload": {}, "bucket that is not there": PAYLOAD},
    "record_result": {"foreign event": {**CHANGE, "source": "aws.other"}, "job that is not there": CHANGE},
    "data_trigger": {"empty batch": {"Records": []}, "object that is gone": {"Records": [MESSAGE]}},
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
    parser.add_argument("--show", action="store_true", help="print what each event is answered")
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
            if given.show:
                print(f"{handler}, {what}: {runs[0][1].decode()}", file=sys.stderr)
            times = [milliseconds for milliseconds, _ in runs]
            median = statistics.median(times)
            print(f"{f'{handler}, {what}':50} {median:8.1f} {min(times):8.1f} {max(times):8.1f}")
            if median > LIMIT_MS:
                slow.append(f"{handler} ({what})")
    if slow:
        sys.exit(f"bench: slower than {LIMIT_MS:.0f} ms: {', '.join(slow)}")


if __name__ == "__main__":
    main()
