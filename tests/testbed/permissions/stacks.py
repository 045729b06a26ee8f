"""The emulator's stacks as IAM sees them: what belongs to which, each role's policies and each resource's.

Resource policies are read out of the stack's own template, with its functions computed as CloudFormation computed them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation.models import Stack, cloudformation_backends
from moto.cloudformation.parsing import clean_json
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import Role, iam_backends

from .policy import Statement, listed, statements

# The ARN of a resource, of its physical id.
ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{}",
    "AWS::SNS::Topic": "{}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{}",
}
# The policies of resources, and the property that says of which.
POLICIES = {
    "AWS::S3::BucketPolicy": ("AWS::S3::Bucket", "Bucket"),
    "AWS::SQS::QueuePolicy": ("AWS::SQS::Queue", "Queues"),
    "AWS::SNS::TopicPolicy": ("AWS::SNS::Topic", "Topics"),
}


@dataclass
class Owned:
    """What of the account is a stack's."""

    stack: str
    # The logical name of each resource, by its ARN.
    names: dict[str, str] = field(default_factory=dict)
    # The resource policies, by the ARN of what they are about.
    policies: dict[str, list[Statement]] = field(default_factory=dict)
    # The alarms' properties, by their ARNs.
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)


_known: dict[str, tuple[int, Owned]] = {}


def owner(arn: str) -> Owned | None:
    """The stack that a resource belongs to; an object belongs to whom its bucket does."""
    arn = arn.partition("/")[0] if arn.startswith("arn:aws:s3:::") else arn
    return next((each for each in every() if arn in each.names), None)


def every() -> list[Owned]:
    """All stacks of the account, whichever region they are in."""
    found = []
    for region, backend in cloudformation_backends[DEFAULT_ACCOUNT_ID].items():
        for stack in list(backend.stacks.values()):
            # One that is being made has no say yet, and looking at it would make more of it.
            if stack.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
                continue
            # An update adds events.
            state = len(stack.events)
            known = _known.get(stack.stack_id)
            if known is None or known[0] != state:
                known = _known[stack.stack_id] = (state, _read(stack, region))
            found.append(known[1])
    return found


def _read(stack: Stack, region: str) -> Owned:
    owned = Owned(stack.name)
    resources = stack.resource_map
    for name, content in resources._resource_json_map.items():
        kind = content["Type"]
        made = resources._parsed_resources.get(name)
        if made is None:
            continue
        if kind in ARNS:
            owned.names[_arn(kind, made.physical_resource_id, region)] = name
        elif kind in POLICIES:
            properties = clean_json(content["Properties"], resources)
            of, where = POLICIES[kind]
            for each in listed(properties[where]):
                owned.policies.setdefault(_arn(of, each, region), []).extend(
                    statements(name, properties["PolicyDocument"])
                )
        elif kind == "AWS::Lambda::Permission":
            properties = clean_json(content["Properties"], resources)
            function = _arn("AWS::Lambda::Function", properties["FunctionName"], region)
            owned.policies.setdefault(function, []).append(_permission(name, properties, function))
        elif kind == "AWS::CloudWatch::Alarm":
            owned.alarms[made.get_cfn_attribute("Arn")] = clean_json(content["Properties"], resources)
    return owned


def _arn(kind: str, physical_id: str, region: str) -> str:
    # A queue's is its URL, a function may be named by its ARN.
    name = physical_id if kind == "AWS::SNS::Topic" else physical_id.rpartition("/")[2].rpartition(":")[2]
    return ARNS[kind].format(name, region=region, account=DEFAULT_ACCOUNT_ID)


def _permission(name: str, properties: dict[str, Any], function: str) -> Statement:
    """The statement that Lambda makes of a permission.

    https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
    """
    condition: dict[str, Any] = {}
    if "SourceArn" in properties:
        condition["ArnLike"] = {"AWS:SourceArn": properties["SourceArn"]}
    if "SourceAccount" in properties:
        condition["StringEquals"] = {"AWS:SourceAccount": properties["SourceAccount"]}
    content = {
        "Effect": "Allow",
        "Principal": {"Service": properties["Principal"]},
        "Action": properties["Action"],
        "Resource": function,
        "Condition": condition,
    }
    return Statement(name, name, content)


def role(arn: str) -> Role:
    """A role of the account."""
    return iam_backends[DEFAULT_ACCOUNT_ID]["aws"].get_role(arn.rpartition("/")[2])


def identity(arn: str) -> list[Statement]:
    """The statements of a role's own policies."""
    found = role(arn)
    if found.managed_policies or found.permissions_boundary_arn:
        raise ValueError(f"{arn}: managed policies and boundaries are not judged here")
    return [each for document in found.policies.values() for each in statements(holder(arn), _parsed(document))]


def trust(arn: str) -> list[Statement]:
    """The statements of a role's trust policy."""
    return statements(holder(arn), _parsed(role(arn).assume_role_policy_document))


def of_resource(arn: str) -> list[Statement]:
    """The statements of a resource's policy."""
    owned = owner(arn)
    if owned is None:
        return []
    bucket = arn.partition("/")[0] if arn.startswith("arn:aws:s3:::") else arn
    return owned.policies.get(bucket, [])


def holder(arn: str) -> str:
    """A role's logical name, where it is a stack's."""
    owned = owner(arn)
    return owned.names[arn] if owned else arn.rpartition("/")[2]


def _parsed(document: Any) -> dict[str, Any]:
    return json.loads(document) if isinstance(document, str) else document
