#!/usr/bin/env python3
"""A Lambda function for the function host's own test: does what the event's `do` says."""

import json
import os
import sys
import time
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime"


def post(path, body):
    urllib.request.urlopen(urllib.request.Request(f"{API}/{path}", json.dumps(body).encode(), method="POST")).read()


def main():
    print("init", flush=True)
    if os.environ["_HANDLER"] == "broken_init":
        post("init/error", {"errorType": "Init.Broken", "errorMessage": "no such handler"})
        sys.exit(1)
    if os.environ["_HANDLER"] == "dies_at_init":
        print("cannot start", file=sys.stderr, flush=True)
        sys.exit(3)
    events = 0
    while True:
        with urllib.request.urlopen(f"{API}/invocation/next") as answer:
            event = json.loads(answer.read())
            request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
            arn = answer.headers["Lambda-Runtime-Invoked-Function-Arn"]
            left = int(answer.headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time()
        events += 1
        print(f"event {events}: {event.get('do')}", flush=True)
        if event.get("count_in"):
            with open(event["count_in"], "a") as count:
                count.write("x")
        if event.get("do") == "fail":
            post(f"invocation/{request_id}/error", {"errorType": "Asked", "errorMessage": "as asked"})
        elif event.get("do") == "exit":
            sys.exit(event["code"])
        elif event.get("do") == "sleep":
            time.sleep(event["seconds"])
            post(f"invocation/{request_id}/response", {})
        else:
            reply = {"event": event, "events": events, "pid": os.getpid(), "arn": arn, "left": left}
            reply["environment"] = {
                name: os.environ.get(name) for name in ("AWS_REGION", "MODE", "AWS_LAMBDA_FUNCTION_NAME")
            }
            post(f"invocation/{request_id}/response", reply)


main()
