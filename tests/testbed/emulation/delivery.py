"""Events on their way to functions, topics and builds: what moto drops, the function host gets.

S3 notifications to a function and EventBridge rules go through here. Delivery is at least once: every third event comes
twice, as AWS may do at any time.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from moto.codebuild.models import codebuild_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.events.models import events_backends
from moto.events.utils import EventTemplateParser
from moto.s3 import notifications
from moto.sns.models import sns_backends

REPEAT_EVERY = 3
# One worker a delivery: an S3 event must not wait for a slow function.
_workers = ThreadPoolExecutor(4, thread_name_prefix="delivery")
_count = itertools.count(1)
_function_host = ""


def install(function_host: str) -> None:
    """Send S3's events for functions to the function host."""
    global _function_host
    _function_host = function_host
    notifications._invoke_awslambda = lambda _account, event, arn, _region: invoke_later(arn, event)


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


def publish(region: str, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> int:
    """An AWS service's own event on the default bus: how many targets of enabled rules it went to."""
    now = time.time()
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": DEFAULT_ACCOUNT_ID,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "region": region,
        "resources": resources,
        "detail": detail,
    }
    bus = events_backends[DEFAULT_ACCOUNT_ID][region].describe_event_bus("default")
    matching = [
        rule for rule in bus.rules.values() if rule.state == "ENABLED" and rule.event_pattern.matches_event(event)
    ]
    targets = [target for rule in matching if rule.event_pattern.dump() for target in rule.targets]
    for target in targets:
        _deliver(target, event, region)
    return len(targets)


def _deliver(target: dict[str, Any], event: dict[str, Any], region: str) -> None:
    arn = target["Arn"]
    service = arn.split(":")[2]
    if service == "lambda":
        invoke_later(arn, _input(target, event))
    elif service == "sns":
        message = _input(target, event)
        text = message if isinstance(message, str) else json.dumps(message)
        sns_backends[DEFAULT_ACCOUNT_ID][region].publish(message=text, arn=arn)
    elif service == "codebuild":
        codebuild_backends[DEFAULT_ACCOUNT_ID][region].start_build(arn.rpartition("/")[2])
    else:
        print(f"delivery: no way to {arn} here", file=sys.stderr, flush=True)


def _input(target: dict[str, Any], event: dict[str, Any]) -> Any:
    """The event as the target asks for it."""
    if "Input" in target:
        return json.loads(target["Input"])
    transformer = target.get("InputTransformer")
    if transformer is None:
        return event
    return EventTemplateParser.parse(
        input_template=transformer["InputTemplate"], input_paths_map=transformer.get("InputPathsMap", {}), event=event
    )
