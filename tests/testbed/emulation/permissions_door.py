"""The tests' door to who may do what: roles are taken here, and calls judged that no request to AWS makes."""

from __future__ import annotations

from typing import Any

from permissions.account import ACCOUNT_STATE, Session

from . import services

Answer = tuple[str, dict[str, Any]]


def take_role(fields: dict[str, Any]) -> Answer:
    """Credentials of a role's session."""
    session = ACCOUNT_STATE.assume(
        fields["role"],
        fields["service"],
        fields.get("source", ""),
        fields.get("repository", ""),
        bool(fields.get("push")),
    )
    if not isinstance(session, Session):
        action = f"{fields['service']} is not authorized to perform: sts:AssumeRole on resource: {fields['role']}"
        return "403 Forbidden", {"message": f"{action} {session.why}"}
    return "200 OK", {"AccessKeyId": session.access_key, "SecretAccessKey": "testbed", "SessionToken": "testbed"}


def ask(fields: dict[str, Any]) -> Answer:
    """Whether a session may do something."""
    session = ACCOUNT_STATE.sessions[fields["access_key"]]
    decision = ACCOUNT_STATE.judge(session.role, fields["action"], fields["resource"], fields.get("context"))
    if decision.allowed:
        return "200 OK", {}
    what = f"{fields['action']} on resource: {fields['resource']}"
    return "403 Forbidden", {"message": f"User: {session.user} is not authorized to perform: {what} {decision.why}"}


def after_event(fields: dict[str, Any]) -> Answer:
    """A function's log, or an event that it could not handle."""
    key = fields["access_key"]
    if "dead_letters" in fields:
        return "200 OK", {"kept": services.give_up(key, fields["dead_letters"], fields["event"])}
    services.keep_log(key, fields["region"], fields["group"], fields["stream"], fields["lines"])
    return "200 OK", {}


def report(stack: str) -> Answer:
    """What a stack's policies allowed and denied."""
    try:
        return "200 OK", ACCOUNT_STATE.report(stack)
    except LookupError:
        return "404 Not Found", {"message": f"no stack {stack}"}


ASKED = {"sessions": take_role, "calls": ask, "functions": after_event}
