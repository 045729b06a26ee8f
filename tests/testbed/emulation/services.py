"""What services do for a function or an alarm with the account's permissions: logs, dead letters, mail of an alarm.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Alarms.html
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from permissions import stacks
from permissions.account import ACCOUNT_STATE


def keep_log(access_key: str, region: str, group: str, stream: str, lines: list[str]) -> None:
    """Lambda writes a function's log with the function's role; without the permission there is none, as on AWS."""
    role = ACCOUNT_STATE.sessions[access_key].role
    place = f"arn:aws:logs:{region}:{DEFAULT_ACCOUNT_ID}:log-group:{group}:log-stream:"
    logs = logs_backends[DEFAULT_ACCOUNT_ID][region]
    if not ACCOUNT_STATE.judge(role, "logs:CreateLogStream", place).allowed:
        return
    with contextlib.suppress(logs_exception()):
        logs.create_log_stream(group, stream)
    if ACCOUNT_STATE.judge(role, "logs:PutLogEvents", place + stream).allowed:
        now = int(time.time() * 1000)
        logs.put_log_events(group, stream, [{"timestamp": now, "message": line} for line in lines if line])


def logs_exception() -> type[Exception]:
    """What the emulator raises where a stream is there already."""
    from moto.logs.exceptions import ResourceAlreadyExistsException

    return ResourceAlreadyExistsException


def give_up(access_key: str, queue: str, event: Any) -> bool:
    """An event that a function could not handle goes to its dead-letter queue, with the function's role."""
    role = ACCOUNT_STATE.sessions[access_key].role
    if not ACCOUNT_STATE.judge(role, "sqs:SendMessage", queue).allowed:
        return False
    to_dead_letters(queue, event)
    return True


def to_dead_letters(queue: str, event: Any) -> None:
    """Keep what was lost, and let the alarm that watches the queue go off."""
    _, _, _, region, account, name = queue.split(":")
    sqs_backends[account][region].send_message(name, json.dumps(event))
    owned = stacks.owner(queue)
    for alarm, properties in (owned.alarms if owned else {}).items():
        if {"Name": "QueueName", "Value": name} in properties.get("Dimensions", []):
            sound(alarm, properties, region)


def sound(arn: str, properties: dict[str, Any], region: str) -> None:
    """An alarm goes off: its actions, as CloudWatch does them."""
    name = arn.rpartition(":")[2]
    for topic in properties.get("AlarmActions", []):
        decision = ACCOUNT_STATE.judge_service("cloudwatch.amazonaws.com", "sns:Publish", topic, arn)
        if not decision.allowed:
            print(f"alarm {name}: {topic} {decision.why}", file=sys.stderr, flush=True)
            continue
        message = {
            "AlarmName": name,
            "AlarmDescription": properties.get("AlarmDescription"),
            "NewStateValue": "ALARM",
            "AlarmArn": arn,
            "Trigger": {"MetricName": properties["MetricName"], "Namespace": properties["Namespace"]},
        }
        subject = f'ALARM: "{name}" in US West (Oregon)'
        sns_backends[DEFAULT_ACCOUNT_ID][region].publish(message=json.dumps(message), arn=topic, subject=subject[:100])
