"""IAM's decision on one call, for what the pipeline's policies use of its language. What is not known is an error.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

KNOWN = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


class UnknownElement(Exception):
    """A statement says what is not understood here, so nobody can say what it allows."""


@dataclass(frozen=True)
class Call:
    """Who wants to do what to which resource: a role, by its ARN, or a service, by its principal; one is empty."""

    action: str
    resource: str
    role: str = ""
    service: str = ""
    # The condition keys that this call has.
    context: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.role or self.service}: {self.action} on {self.resource}"


@dataclass(frozen=True)
class Statement:
    """One statement, and who has it: `BuildRole`, `DataQueuePolicy`."""

    holder: str
    sid: str
    content: dict[str, Any]

    @property
    def effect(self) -> str:
        """Allow or Deny."""
        return self.content["Effect"]

    def actions(self) -> list[str]:
        """The actions it names."""
        return listed(self.content["Action"])


@dataclass(frozen=True)
class Decision:
    """What was decided, and the statements that did."""

    allowed: bool
    by: tuple[Statement, ...]
    why: str


def statements(holder: str, document: dict[str, Any]) -> list[Statement]:
    """A policy document's statements."""
    # The emulator leaves AWS::NoValue in lists.
    return [
        Statement(holder, each.get("Sid", str(number)), each)
        for number, each in enumerate(listed(document["Statement"]))
        if each is not None
    ]


def decide(call: Call, identity: Iterable[Statement], resource: Iterable[Statement]) -> Decision:
    """Allowed by the role's own policies or by the resource's, and denied by neither. A service has none of its own."""
    own = [each for each in identity if applies(each, call)]
    theirs = [each for each in resource if names(each, call) and applies(each, call)]
    denying = [each for each in own + theirs if each.effect == "Deny"]
    if denying:
        return Decision(False, tuple(denying), f"with an explicit deny in {denying[0].holder}, {denying[0].sid}")
    allowing = [each for each in own + theirs if each.effect == "Allow"]
    if allowing:
        return Decision(True, tuple(allowing), "")
    kind = "identity" if call.role else "resource"
    return Decision(False, (), f"because no {kind}-based policy allows the {call.action} action")


def names(statement: Statement, call: Call) -> bool:
    """Whether a resource's statement is about this caller."""
    principal = statement.content.get("Principal")
    if principal == "*":
        return True
    if not isinstance(principal, dict) or set(principal) - {"Service", "AWS"}:
        raise UnknownElement(f"{statement.holder}: principal {principal!r}")
    account = re.sub(r"^arn:aws:iam::(\d+):.*", r"\1", call.role)
    callers = {call.role, account, f"arn:aws:iam::{account}:root", "*"} if call.role else set()
    return call.service in listed(principal.get("Service", [])) or bool(callers & set(listed(principal.get("AWS", []))))


def applies(statement: Statement, call: Call) -> bool:
    """Whether a statement is about this call."""
    unknown = set(statement.content) - KNOWN
    if unknown:
        raise UnknownElement(f"{statement.holder}, {statement.sid}: {', '.join(sorted(unknown))}")
    if not any(glob(each.lower(), call.action.lower()) for each in statement.actions()):
        return False
    # A trust policy has no resource: the role is.
    resources = listed(statement.content.get("Resource", "*"))
    if not any(glob(filled(each, call), call.resource) for each in resources):
        return False
    # Every operator is looked at, so that one that is not known never passes unseen.
    return all([holds(statement, call, *each) for each in statement.content.get("Condition", {}).items()])


def holds(statement: Statement, call: Call, operator: str, keys: dict[str, Any]) -> bool:
    """Whether an operator of a condition holds: for each key, for one of its values. A key that is missing does not."""
    if operator not in OPERATORS:
        raise UnknownElement(f"{statement.holder}, {statement.sid}: the operator {operator}")
    context = {name.lower(): value for name, value in call.context.items()}
    return all(
        key.lower() in context
        and any(OPERATORS[operator](filled(text(value), call), context[key.lower()]) for value in listed(values))
        for key, values in keys.items()
    )


def arn_like(pattern: str, arn: str) -> bool:
    """Each of an ARN's six parts by itself."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) == 6 and all(map(glob, patterns, parts))


def glob(pattern: str, value: str) -> bool:
    """`*` and `?` as IAM has them."""
    expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, value, re.S) is not None


# ArnEquals and ArnLike are the same:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringLike": glob,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
}


def filled(value: str, call: Call) -> str:
    """A value with its policy variables. One that the call does not have matches nothing."""
    context = {name.lower(): each for name, each in call.context.items()}
    return re.sub(r"\$\{([^}*?$]+)\}", lambda found: context.get(found[1].lower(), "\0"), value)


def listed(value: Any) -> list[Any]:
    """IAM takes one value where it takes a list."""
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """A condition's value: JSON's true is `true`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
