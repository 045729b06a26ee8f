"""What a request to AWS does, in IAM's terms: its actions, each with its resource and condition keys.

The operation comes out of botocore's models of the services; which actions it takes, and on what, is documented:
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import RpcV2CBORParser

from . import s3

ACCOUNT = "123456789012"
# An action with its resource, and the condition keys besides those that every call has.
Wanted = tuple[str, str, dict[str, str]]
# What a service is called in credentials, where botocore's name is another.
MODELS = {"monitoring": "cloudwatch"}
# What a service is called in IAM, where its name in credentials is another.
PREFIXES = {"monitoring": "cloudwatch"}
# Operations whose action has another name: one permission stands for both.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
RENAMED = {"DeleteMessageBatch": "DeleteMessage", "SendMessageBatch": "SendMessage"}
# Operations that everybody may call: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
FREE = {("sts", "GetCallerIdentity")}


class UnknownRequest(Exception):
    """Nobody has written down what the request takes."""


@dataclass(frozen=True)
class Request:
    """What of an HTTP request matters here."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def scope(self) -> tuple[str, str, str]:
        """The access key, region and service that it is signed for; empty where it is not."""
        found = re.search(
            r"Credential=([A-Z0-9]+)/\d+/([a-z0-9-]+)/([a-z0-9-]+)/", self.headers.get("authorization", "")
        )
        return (found[1], found[2], found[3]) if found else ("", "", "")


@dataclass(frozen=True)
class Operation:
    """An operation with its parameters, by the names of the service's model."""

    service: str
    region: str
    name: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def arn(self, kind: str, service: str = "") -> str:
        """An ARN in the request's region."""
        return f"arn:aws:{service or self.service}:{self.region}:{ACCOUNT}:{kind}"


@functools.cache
def model(service: str) -> ServiceModel:
    """botocore's model of a service."""
    name = MODELS.get(service, service)
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def wanted(request: Request) -> list[Wanted]:
    """Everything that the request must be allowed."""
    _, region, service = request.scope
    if service == "s3":
        return s3.wanted(model("s3"), request)
    operation = operation_of(request, service, region)
    if (service, operation.name) in FREE:
        return []
    prefix = PREFIXES.get(service, service)
    action = f"{prefix}:{RENAMED.get(operation.name, operation.name)}"
    look = RESOURCES.get(service)
    if look is None or operation.name not in model(service).operation_names:
        raise UnknownRequest(f"{action}: nobody has written down its resource")
    return look(operation, action)


def operation_of(request: Request, service: str, region: str) -> Operation:
    """The operation of a request that is not S3's: in a header, in the path, or in a form."""
    if target := request.headers.get("x-amz-target"):
        return Operation(service, region, target.rpartition(".")[2], json.loads(request.body or b"{}"))
    if found := re.fullmatch(r"/service/\w+/operation/(\w+)", request.path):
        parser = RpcV2CBORParser()
        return Operation(
            service, region, found[1], parser.parse_data_item(parser.get_peekable_stream_from_bytes(request.body))
        )
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    if "Action" not in form:
        raise UnknownRequest(f"{service}: {request.method} {request.path}")
    return Operation(service, region, form.pop("Action"), form)


def _name(value: str) -> str:
    """A name, where an ARN of it may stand as well."""
    return re.split("[:/]", value)[-1]


def _table(operation: Operation, action: str) -> list[Wanted]:
    return [(action, operation.arn(f"table/{_name(operation.parameters['TableName'])}"), {})]


def _queue(operation: Operation, action: str) -> list[Wanted]:
    given = operation.parameters
    return [(action, operation.arn(given.get("QueueName") or _name(given["QueueUrl"])), {})]


def _topic(operation: Operation, action: str) -> list[Wanted]:
    return [(action, operation.parameters.get("TopicArn") or operation.parameters["TargetArn"], {})]


def _training_job(operation: Operation, action: str) -> list[Wanted]:
    given = operation.parameters
    job = given.get("ResourceArn") or operation.arn(f"training-job/{given['TrainingJobName']}")
    if operation.name != "CreateTrainingJob":
        return [(action, job, {})]
    # https://docs.aws.amazon.com/sagemaker/latest/dg/api-permissions-reference.html
    passed = ("iam:PassRole", given["RoleArn"], {"iam:PassedToService": "sagemaker.amazonaws.com"})
    return [(action, job, {}), passed, *([("sagemaker:AddTags", job, {})] if given.get("Tags") else [])]


def _project(operation: Operation, action: str) -> list[Wanted]:
    given = operation.parameters
    names = [given["projectName"]] if "projectName" in given else [each.partition(":")[0] for each in given["ids"]]
    return [(action, operation.arn(f"project/{name}"), {}) for name in dict.fromkeys(names)]


def _log_group(operation: Operation, action: str) -> list[Wanted]:
    # "Use the version with the trailing :*" for all but tags: what is asked for has a stream's place, filled or not.
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    given = operation.parameters
    stream = given.get("logStreamName", "") if operation.name == "PutLogEvents" else ""
    return [(action, operation.arn(f"log-group:{given['logGroupName']}:log-stream:{stream}"), {})]


def _repository(operation: Operation, action: str) -> list[Wanted]:
    if operation.name == "GetAuthorizationToken":
        return [(action, "*", {})]
    given = operation.parameters
    names = given.get("repositoryNames") or [given["repositoryName"]]
    return [(action, operation.arn(f"repository/{name}"), {}) for name in names]


def _public_repository(operation: Operation, action: str) -> list[Wanted]:
    # https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html
    return [(action, "*", {}), ("sts:GetServiceBearerToken", "*", {"sts:AWSServiceName": "ecr-public.amazonaws.com"})]


def _secret(operation: Operation, action: str) -> list[Wanted]:
    secret = operation.parameters["SecretId"]
    return [(action, secret if secret.startswith("arn:") else operation.arn(f"secret:{secret}-??????"), {})]


def _parameter(operation: Operation, action: str) -> list[Wanted]:
    given = operation.parameters
    names = given.get("Names") or [given["Name"]]
    return [(action, operation.arn(f"parameter/{name.removeprefix('/')}"), {}) for name in names]


def _metric(operation: Operation, action: str) -> list[Wanted]:
    return [(action, "*", {"cloudwatch:namespace": operation.parameters["Namespace"]})]


RESOURCES = {
    "dynamodb": _table,
    "sqs": _queue,
    "sns": _topic,
    "sagemaker": _training_job,
    "codebuild": _project,
    "logs": _log_group,
    "ecr": _repository,
    "ecr-public": _public_repository,
    "secretsmanager": _secret,
    "ssm": _parameter,
    "monitoring": _metric,
}
