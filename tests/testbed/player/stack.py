"""A pipeline that a CloudFormation stack has made: launched here from a template, and found by its logical names."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

from . import cloud
from .pipeline import Pipeline, ensure_bucket, upload_program

# A handler's function in the template.
LOGICAL = {"start_training": "StartTraining", "record_result": "RecordResult", "data_trigger": "DataTrigger"}
CODE_BUCKET = "sgbuild-testbed-code"


def launch(name: str, template: str, binary: str, parameters: dict[str, str]) -> None:
    """As with `aws cloudformation create-stack`: upload program and template, create the stack, wait."""
    ensure_bucket(CODE_BUCKET)
    upload_program(binary, CODE_BUCKET, f"{name}.zip")
    values = {"PipelineName": name, "CodeBucket": CODE_BUCKET, "CodeKey": f"{name}.zip", **parameters}
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


def adopt(name: str, stack: str, body: dict[str, Any], programs: Path) -> Pipeline:
    """The pipeline that a stack has made; its functions' program is taken out of the stack's own code."""
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    ids = {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in resources}
    variables = _project_variables(ids["BuildProject"])
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
        "binary": body.get("binary") or str(_program(variables["SGBUILD_CODE"], programs)),
    }
    return Pipeline(name=name, stack=stack, environment=variables | body.pop("environment", {}), **(known | body))


def _project_variables(project: str) -> dict[str, str]:
    found = cloud.client("codebuild").batch_get_projects(names=[project])["projects"][0]
    return {
        each["name"]: cloud.build_variable(each["value"], each.get("type", "PLAINTEXT"))
        for each in found["environment"].get("environmentVariables", [])
    }


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
