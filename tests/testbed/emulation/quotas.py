"""The account's quotas for SageMaker, which moto has not: every type of instance, a page at a time.

https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

import botocore.session
from moto.servicequotas.responses import ServiceQuotasResponse

# The largest page, which is the default as well.
PAGE = 100
# Of these there is none without asking AWS for it, as in a new account.
SCARCE = ("ml.p", "ml.g", "ml.trn")
PLENTY = 20
# Quotas that are set for this account; for the others, the defaults apply.
APPLIED = {
    "Number of instances across all training jobs": 40,
    "Maximum number of instances per training job": 20,
    "Longest run time for a training job": 432_000,
    "Size of EBS volume for a training job instance": 1_024,
}
USAGES = ("training job usage", "endpoint usage", "processing job usage")


def install() -> None:
    """Add SageMaker to moto's Service Quotas."""
    moto_defaults = ServiceQuotasResponse.list_aws_default_service_quotas

    def list_service_quotas(self: ServiceQuotasResponse) -> str:
        return page(applied(), json.loads(self.body))

    def list_defaults(self: ServiceQuotasResponse) -> str:
        asked = json.loads(self.body)
        return page(defaults(), asked) if asked.get("ServiceCode") == "sagemaker" else moto_defaults(self)

    ServiceQuotasResponse.list_service_quotas = list_service_quotas
    ServiceQuotasResponse.list_aws_default_service_quotas = list_defaults


@cache
def types() -> list[str]:
    """Every type of instance that trains, as SageMaker's own model names them."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return model.shape_for("TrainingInstanceType").enum


def by_type(usage: str) -> list[dict[str, Any]]:
    """A quota for each type."""
    return [quota(f"{name} for {usage}", 0 if name.startswith(SCARCE) else PLENTY) for name in types()]


def applied() -> list[dict[str, Any]]:
    """What applies to this account."""
    own = [quota(name, value) for name, value in APPLIED.items()]
    return [each for usage in USAGES for each in by_type(usage)] + own


def defaults() -> list[dict[str, Any]]:
    """What applies where nothing else does: for trainings on spot, of which this account has no quotas of its own."""
    return by_type("spot training job usage") + [quota("Number of instances across all spot training jobs", PLENTY)]


def quota(name: str, value: float) -> dict[str, Any]:
    """One quota, with a code of AWS's form."""
    code = hashlib.sha256(name.encode()).hexdigest()[:8].upper()
    return {"ServiceCode": "sagemaker", "QuotaName": name, "QuotaCode": f"L-{code}", "Value": float(value)}


def page(quotas: list[dict[str, Any]], asked: dict[str, Any]) -> str:
    """The page that is asked for, and where the next begins."""
    begin = int(asked.get("NextToken") or 0)
    end = begin + int(asked.get("MaxResults") or PAGE)
    answer: dict[str, Any] = {"Quotas": quotas[begin:end]}
    if end < len(quotas):
        answer["NextToken"] = str(end)
    return json.dumps(answer)
