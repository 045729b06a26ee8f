"""The account's memory: who has taken which role, what was asked for, and how it was decided."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from . import stacks
from .policy import Call, Decision, Statement, decide
from .requests import ACCOUNT
from .sent import SENT

# What pushing and pulling take of a repository; the registry's own API knows no roles.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
# https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createtrainingjob-perms
PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH = (*PULL, "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage")


@dataclass(frozen=True)
class Session:
    """A role that a service has taken, as AssumeRole gives it."""

    role: str
    service: str
    access_key: str
    # The repository that it pushes to or pulls from, and what that takes.
    repository: str = ""
    registry: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        """What AWS calls it in an error."""
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.role.rpartition('/')[2]}/{self.service.partition('.')[0]}"


@dataclass(frozen=True)
class Record:
    """A call, and what was decided."""

    call: Call
    decision: Decision

    @property
    def caller(self) -> str:
        """The role's logical name, or the service."""
        return stacks.holder(self.call.role) if self.call.role else self.call.service

    def described(self) -> dict[str, Any]:
        """For a reader."""
        call, decision = self.call, self.decision
        return {
            "caller": self.caller,
            "action": call.action,
            "resource": call.resource,
            "context": call.context,
            "allowed": decision.allowed,
            "by": [f"{each.holder}.{each.sid}" for each in decision.by],
            "why": decision.why,
        }


@dataclass
class Account:
    """What this process remembers."""

    sessions: dict[str, Session] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def assume(
        self, role: str, service: str, source: str, repository: str = "", push: bool = False
    ) -> Session | Decision:
        """A service takes a role, for one of the account's own resources; or why it may not."""
        decision = self.judge_service(service, "sts:AssumeRole", role, source, stacks.trust(role))
        if not decision.allowed:
            return decision
        registry = (PUSH if push else PULL) if repository else ()
        session = Session(role, service, "ASIA" + secrets.token_hex(8).upper(), repository, registry)
        with self.lock:
            self.sessions[session.access_key] = session
        return session

    def judge(self, role: str, action: str, resource: str, context: dict[str, str] | None = None) -> Decision:
        """Whether a role may do something; kept."""
        known = {
            # AWS's own endpoints speak TLS, for which loopback stands here.
            "aws:SecureTransport": "true",
            "aws:PrincipalArn": role,
            "aws:PrincipalAccount": ACCOUNT,
            "aws:ResourceAccount": ACCOUNT,
        }
        call = Call(action, resource, role=role, context=known | (context or {}))
        return self._decide(call, stacks.identity(role), stacks.of_resource(resource))

    def judge_service(
        self, service: str, action: str, resource: str, source: str, policy: list[Statement] | None = None
    ) -> Decision:
        """Whether a service may do something for a resource of the account, with the keys that it sends of it; kept."""
        keys = {"aws:SourceArn": source, "aws:SourceAccount": ACCOUNT}
        sent = SENT[service, action.partition(":")[0]]
        context = {"aws:SecureTransport": "true"} | {
            name: value for name, value in keys.items() if name in sent and value
        }
        call = Call(action, resource, service=service, context=context)
        return self._decide(call, [], stacks.of_resource(resource) if policy is None else policy)

    def _decide(self, call: Call, identity: list[Statement], resource: list[Statement]) -> Decision:
        decision = decide(call, identity, resource)
        with self.lock:
            self.records.append(Record(call, decision))
        return decision

    def report(self, stack: str) -> dict[str, Any]:
        """Of a stack: what was denied; what its policies allow, and how often that was used; what is allowed twice."""
        owned = next((each for each in stacks.every() if each.stack == stack), None)
        if owned is None:
            raise LookupError(stack)
        records = [each for each in list(self.records) if _concerns(owned, each.call)]
        allowing = {(each.holder, each.sid, action): 0 for each in self._allowing(owned) for action in each.actions()}
        needed = set()
        for record in records:
            for each in record.decision.by if record.decision.allowed else ():
                for action in each.actions():
                    key = (each.holder, each.sid, action)
                    if action.lower() == record.call.action.lower() and key in allowing:
                        allowing[key] += 1
                        if len(record.decision.by) == 1:
                            needed.add(key[:2])
        used = {key[:2] for key, count in allowing.items() if count}
        return {
            "calls": len(records),
            "callers": Counter(each.caller for each in records),
            "denied": [each.described() for each in records if not each.decision.allowed],
            "unused": sorted(" ".join(key) for key, count in allowing.items() if not count),
            "used": {" ".join(key): count for key, count in sorted(allowing.items()) if count},
            "twice": sorted(" ".join(key) for key in used - needed),
        }

    @staticmethod
    def _allowing(owned: stacks.Owned) -> list[Statement]:
        roles = [arn for arn in owned.names if arn.startswith("arn:aws:iam:")]
        own = [each for arn in roles for each in stacks.identity(arn) + stacks.trust(arn)]
        theirs = [each for policy in owned.policies.values() for each in policy]
        return [each for each in own + theirs if each.effect == "Allow"]


def _concerns(owned: stacks.Owned, call: Call) -> bool:
    """Whether a call is one of the stack's roles, or a service's to one of its resources."""
    return call.role in owned.names if call.role else call.resource in owned.names


ACCOUNT_STATE = Account()
