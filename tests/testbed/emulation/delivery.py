"""Events on their way to functions: what moto drops, the function host gets.

S3 notifications to a function and EventBridge's rules (rules.py) go through here. Delivery is at least once: every
third event comes twice, as AWS may do at any time.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
"""

from __future__ import annotations

import itertools
import json
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from moto.s3 import notifications

from permissions import stacks
from permissions.account import ACCOUNT_STATE

REPEAT_EVERY = 3
# One worker a delivery: an S3 event must not wait for a slow function.
_workers = ThreadPoolExecutor(4, thread_name_prefix="delivery")
_count = itertools.count(1)
_function_host = ""


def install(function_host: str) -> None:
    """Send S3's events for functions to the function host."""
    global _function_host
    _function_host = function_host
    send = notifications._send_sqs_message

    def invoke(_account: str, event: dict[str, Any], arn: str, _region: str) -> None:
        if _allowed("lambda:InvokeFunction", arn, event):
            invoke_later(arn, event)

    def send_message(account: str, event: dict[str, Any], queue: str, region: str) -> None:
        if _allowed("sqs:SendMessage", f"arn:aws:sqs:{region}:{account}:{queue}", event):
            send(account, event, queue, region)

    notifications._invoke_awslambda = invoke
    notifications._send_sqs_message = send_message


def _allowed(action: str, resource: str, event: dict[str, Any]) -> bool:
    """Whether a stack's resource lets S3 do that for the bucket; what is no stack's has no policies."""
    # A test event comes while the stack is made.
    if "Records" not in event or stacks.owner(resource) is None:
        return True
    bucket = event["Records"][0]["s3"]["bucket"]["arn"]
    decision = ACCOUNT_STATE.judge_service("s3.amazonaws.com", action, resource, bucket)
    if not decision.allowed:
        print(f"delivery: S3 may not {action} {resource}: {decision.why}", file=sys.stderr, flush=True)
    return decision.allowed


def invoke_later(arn: str, event: dict[str, Any]) -> None:
    """Hand an event to a function, asynchronously, as services do; now and then twice."""
    times = 2 if next(_count) % REPEAT_EVERY == 0 else 1
    for _ in range(times):
        _workers.submit(_invoke, arn, json.dumps(event).encode())


def _invoke(arn: str, payload: bytes) -> None:
    name = quote(arn, safe="")
    url = f"{_function_host}/2015-03-31/functions/{name}/invocations"
    request = urllib.request.Request(url, payload, {"X-Amz-Invocation-Type": "Event"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30):
            pass
    except OSError as error:
        # Such as a rule whose function is gone: AWS counts it as a failed invocation and goes on.
        print(f"delivery: {arn}: {error}", file=sys.stderr, flush=True)
