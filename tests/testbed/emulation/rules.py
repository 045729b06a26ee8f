"""EventBridge's default bus: an event to every rule that it matches, a schedule's turn, and what a target asks for.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
import sys
import time
import uuid
from typing import Any

from moto.codebuild.models import codebuild_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.events.models import Rule, events_backends
from moto.sns.models import sns_backends

from permissions import stacks
from permissions.account import ACCOUNT_STATE, Session

from . import builds, delivery, services

EVENTBRIDGE = "events.amazonaws.com"
# What EventBridge does with a target of each service.
ACTIONS = {"lambda": "InvokeFunction", "sns": "Publish", "codebuild": "StartBuild", "sqs": "SendMessage"}
Event = dict[str, Any]


def publish(region: str, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> int:
    """An AWS service's own event on the default bus: how many targets of enabled rules it went to."""
    event = _event(region, source, detail_type, resources, detail)
    bus = events_backends[DEFAULT_ACCOUNT_ID][region].describe_event_bus("default")
    # moto says of a rule without a pattern that everything matches it.
    matching = [
        rule
        for rule in bus.rules.values()
        if rule.state == "ENABLED" and rule.event_pattern.dump() and rule.event_pattern.matches_event(event)
    ]
    return sum(_deliver_all(rule, event, region) for rule in matching)


def fire(region: str, name: str) -> int:
    """The time of a rule's schedule has come: how many targets heard of it."""
    rule = events_backends[DEFAULT_ACCOUNT_ID][region].describe_event_bus("default").rules[name]
    if not rule.scheduled_expression:
        raise ValueError(f"{name} has no schedule")
    if rule.state != "ENABLED":
        return 0
    return _deliver_all(rule, _event(region, "aws.events", "Scheduled Event", [rule.arn], {}), region)


def _event(region: str, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> Event:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": DEFAULT_ACCOUNT_ID,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": region,
        "resources": resources,
        "detail": detail,
    }


def _deliver_all(rule: Rule, event: Event, region: str) -> int:
    for target in rule.targets:
        _deliver(rule, target, event, region)
    return len(rule.targets)


def _deliver(rule: Rule, target: dict[str, Any], event: Event, region: str) -> None:
    arn = target["Arn"]
    service = arn.split(":")[2]
    if not _allowed(rule, target, f"{service}:{ACTIONS[service]}"):
        return
    if service == "lambda":
        delivery.invoke_later(arn, _input(target, event))
    elif service == "sns":
        message = _input(target, event)
        text = message if isinstance(message, str) else json.dumps(message)
        sns_backends[DEFAULT_ACCOUNT_ID][region].publish(message=text, arn=arn)
    elif service == "codebuild":
        builds.start(codebuild_backends[DEFAULT_ACCOUNT_ID][region], arn.rpartition("/")[2])
    else:
        print(f"rules: no way from {rule.name} to {arn} here", file=sys.stderr, flush=True)


def _allowed(rule: Rule, target: dict[str, Any], action: str) -> bool:
    """Whether EventBridge may do that: with the target's role, where it has one, else by the resource's policy.

    What it may not do is not tried again, and goes to the target's dead-letter queue.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    if stacks.owner(target["Arn"]) is None and "RoleArn" not in target:
        return True
    why = _refusal(rule, target, action)
    if not why:
        return True
    print(f"rules: {rule.name} may not {action} {target['Arn']}: {why}", file=sys.stderr, flush=True)
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if queue and ACCOUNT_STATE.judge_service(EVENTBRIDGE, "sqs:SendMessage", queue, rule.arn).allowed:
        services.to_dead_letters(queue, {"rule": rule.arn, "target": target["Arn"], "why": why})
    return False


def _refusal(rule: Rule, target: dict[str, Any], action: str) -> str:
    if "RoleArn" not in target:
        return ACCOUNT_STATE.judge_service(EVENTBRIDGE, action, target["Arn"], rule.arn).why
    session = ACCOUNT_STATE.assume(target["RoleArn"], EVENTBRIDGE, rule.arn)
    return ACCOUNT_STATE.judge(session.role, action, target["Arn"]).why if isinstance(session, Session) else session.why


def _input(target: dict[str, Any], event: Event) -> Any:
    """The event as the target asks for it."""
    if "Input" in target:
        return json.loads(target["Input"])
    transformer = target.get("InputTransformer")
    if transformer is None:
        return event
    return transformed(transformer["InputTemplate"], transformer.get("InputPathsMap") or {}, event)


def transformed(template: str, paths: dict[str, str], event: Event) -> Any:
    """The template with its variables filled in: text where it is a text in quotes, else what its JSON says.

    A variable whose path leads nowhere in the event does not appear in the output.
    """
    values = {name: _at(event, path) for name, path in paths.items()}
    quoted = template.strip().startswith('"')

    def filled(found: re.Match[str]) -> str:
        if found[1] not in values:
            return found[0]
        value = values[found[1]]
        if value is None:
            return ""
        within = quoted or template.count('"', 0, found.start()) % 2 == 1
        text = value if isinstance(value, str) else json.dumps(value)
        # Within quotes a value's own are escaped; elsewhere a text gets quotes.
        return json.dumps(text)[1:-1] if within else json.dumps(value)

    return json.loads(re.sub(r"<([A-Za-z0-9_.-]+)>", filled, template))


def _at(event: Event, path: str) -> Any:
    value: Any = event
    for name in path.removeprefix("$").strip(".").split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
