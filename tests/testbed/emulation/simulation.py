"""IAM's simulation of calls, which moto has not: what a role's policies decide, with the condition keys that are told.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

from permissions import stacks
from permissions.policy import Call, Decision, decide


def install() -> None:
    """Add the operation to moto's IAM."""

    def simulate_principal_policy(self: IamResponse) -> ActionResult:
        return ActionResult({"EvaluationResults": simulate(self._get_params()), "IsTruncated": False})

    IamResponse.simulate_principal_policy = simulate_principal_policy


def simulate(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """A result for each action on each resource. A role that is not there is moto's own error."""
    role = asked["PolicySourceArn"]
    entries = asked.get("ContextEntries") or []
    context = {each["ContextKeyName"]: each["ContextKeyValues"][0] for each in entries}
    identity = stacks.identity(role)
    return [
        result(action, resource, decide(Call(action, resource, role=role, context=context), identity, []))
        for action in asked["ActionNames"]
        for resource in asked.get("ResourceArns") or ["*"]
    ]


def result(action: str, resource: str, decision: Decision) -> dict[str, Any]:
    """One evaluation, in IAM's words."""
    denied = "explicitDeny" if decision.by else "implicitDeny"
    return {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": "allowed" if decision.allowed else denied,
        "MatchedStatements": [{"SourcePolicyId": f"{each.holder}.{each.sid}"} for each in decision.by],
        "MissingContextValues": [],
    }
