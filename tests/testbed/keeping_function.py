#!/usr/bin/env python3
"""A Lambda function for the cloud player's test: keeps every event it gets in <handler>.jsonl beside itself.

As data_trigger it fails, the first time, each message whose key has `again` in it.
"""

import json
import os
import urllib.request
from pathlib import Path

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime"
HANDLER = os.environ["_HANDLER"]


def failures(event):
    """Which messages of an SQS event to have once more."""
    seen = [record for record in event.get("Records", []) if "again" in record.get("body", "")]
    first = [each for each in seen if each["attributes"]["ApproximateReceiveCount"] == "1"]
    return [{"itemIdentifier": each["messageId"]} for each in first]


def main():
    """Serve until killed."""
    kept = Path(__file__).with_name(f"{HANDLER}.jsonl")
    while True:
        with urllib.request.urlopen(f"{API}/invocation/next") as answer:
            event = json.loads(answer.read())
            request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        with open(kept, "a") as file:
            file.write(json.dumps(event) + "\n")
        reply = {"batchItemFailures": failures(event)} if HANDLER == "data_trigger" else {}
        url = f"{API}/invocation/{request_id}/response"
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(reply).encode(), method="POST")).read()


main()
