"""A pipeline that a CloudFormation stack has made: launched here from a template, and found by its logical names."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

from . import cloud
from .pipeline import Pipeline, ensure_bucket, upload_program

# A handler's function in the template.
LOGICAL = {"start_training": "StartTraining", "record_result": "RecordResult", "data_trigger": "DataTrigger"}
CODE_BUCKET = "sgbuild-testbed-code"
_uploading = threading.Lock()


def launch(name: str, template: str, binary: str, parameters: dict[str, str]) -> None:
    """As with `aws cloudformation create-stack`: upload program and template, create the stack, wait."""
    values = {"PipelineName": name, "CodeBucket": CODE_BUCKET, "CodeKey": _uploaded(binary), **parameters}
    client = cloud.client("cloudformation")
    # It is too long for the request itself.
    cloud.client("s3").put_object(Bucket=CODE_BUCKET, Key=f"{name}.template", Body=Path(template).read_bytes())
    client.create_stack(
        StackName=name,
        TemplateURL=f"https://{CODE_BUCKET}.s3.amazonaws.com/{name}.template",
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
    )
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def _uploaded(binary: str) -> str:
    """Where a program is in the code bucket; a debug binary is large, so each is uploaded once."""
    state = os.stat(binary)
    key = f"{state.st_size}-{state.st_ino}-{state.st_mtime_ns}.zip"
    with _uploading:
        ensure_bucket(CODE_BUCKET)
        listed = cloud.client("s3").list_objects_v2(Bucket=CODE_BUCKET, Prefix=key)
        if not listed.get("Contents"):
            upload_program(binary, CODE_BUCKET, key)
    return key


def adopt(name: str, stack: str, body: dict[str, Any], programs: Path) -> Pipeline:
    """The pipeline that a stack has made; its functions' program is taken out of the stack's own code."""
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    ids = {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in resources}
    project = cloud.client("codebuild").batch_get_projects(names=[ids["BuildProject"]])["projects"][0]
    variables = _variables(project)
    plain = {name: value for name, value, _ in variables}
    mapping = _mapping(ids["DataTrigger"])
    known = {
        "input_bucket": ids["TrainingInputBucket"],
        "artifact_bucket": ids["ModelArtifactBucket"],
        "table": ids["MetadataTable"],
        "topic": ids["Notifications"],
        "project": ids["BuildProject"],
        "queue": mapping["EventSourceArn"].rpartition(":")[2],
        "batching_window": mapping.get("MaximumBatchingWindowInSeconds") or 0,
        "batch_size": mapping["BatchSize"],
        "functions": {handler: ids[logical] for handler, logical in LOGICAL.items()},
        "role": cloud.client("iam").get_role(RoleName=ids["TrainingRole"])["Role"]["Arn"],
        "repository": ids["Repository"],
        "schedules": _schedules(resources),
        "binary": body.get("binary") or str(_program(plain["SGBUILD_CODE"], programs)),
        "dead_letters": ids["DeadLetters"].rpartition("/")[2],
        "build_role": project["serviceRole"],
        "source_auth": (project["source"].get("auth") or {}).get("resource", ""),
        "variables": variables,
    }
    return Pipeline(name=name, stack=stack, **(known | body))


def _schedules(resources: list[dict[str, Any]]) -> dict[str, str]:
    """The rules with a schedule, and what it is."""
    names = [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == "AWS::Events::Rule"]
    rules = {name: cloud.client("events").describe_rule(Name=name) for name in names}
    return {name: rule["ScheduleExpression"] for name, rule in rules.items() if rule.get("ScheduleExpression")}


def _variables(project: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Name, value and kind of each of the project's variables; what a parameter or secret holds, builds find out."""
    return tuple(
        (each["name"], each["value"], each.get("type", "PLAINTEXT"))
        for each in project["environment"].get("environmentVariables", [])
    )


def _mapping(function: str) -> dict[str, Any]:
    mappings = cloud.client_of_moto("lambda").list_event_source_mappings()["EventSourceMappings"]
    return next(each for each in mappings if each["FunctionArn"] == cloud.function_arn(function))


def _program(code: str, programs: Path) -> Path:
    """The functions' program, unpacked once for each content."""
    bucket, _, key = code.removeprefix("s3://").partition("/")
    body = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    program = programs / hashlib.sha256(body).hexdigest()[:16] / "bootstrap"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        partial = program.with_suffix(".partial")
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            partial.write_bytes(archive.read("bootstrap"))
        partial.chmod(0o755)
        partial.replace(program)
    return program
