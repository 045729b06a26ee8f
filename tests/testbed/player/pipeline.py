"""A pipeline's names in the account: those of a stack, or of what is made here when there is no stack."""

from __future__ import annotations

import contextlib
import json
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import cloud

TARGET = "record"
CODE_KEY = "sgbuild/code.zip"
HANDLERS = ("start_training", "record_result", "data_trigger")


@dataclass(frozen=True)
class Pipeline:
    """What a `PUT /_pipelines/{name}` says; names of resources follow from its own name unless given."""

    name: str
    binary: str
    source: str
    stack: str = ""
    branch: str = "main"
    input_bucket: str = ""
    artifact_bucket: str = ""
    synthetic_bucket: str = "sgbuild-synthetic"
    table: str = ""
    topic: str = ""
    project: str = ""
    queue: str = ""
    functions: dict[str, str] = field(default_factory=dict)
    role: str = f"arn:aws:iam::{cloud.ACCOUNT}:role/sgbuild-training"
    repository: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    batching_window: float = 2.0
    batch_size: int = 10_000
    # How soon a message that failed comes again, in seconds.
    visibility: int = 10
    stop_grace: int = 120
    # How long a minute of CodeBuild's and of a schedule takes here, in seconds.
    minute: float = 60.0
    # The build project's role and its source's secret or connection, where a stack has made them.
    build_role: str = ""
    source_auth: str = ""
    variables: tuple[tuple[str, str, str], ...] = ()
    # The queue of a stack for what could not be handled.
    dead_letters: str = ""
    # The stack's rules with a schedule: its expression by the rule's name.
    schedules: dict[str, str] = field(default_factory=dict)
    # Take the image out of the daemon before a training, so that it comes from the registry by its digest.
    fresh_pull: bool = False
    # Let builds fetch sgbuild from S3, as the stack's do, instead of finding it on their PATH.
    fetch: bool = False

    @classmethod
    def read(cls, name: str, body: dict[str, Any]) -> Pipeline:
        """The pipeline of a request; the names it leaves out are made of its own."""
        functions = {handler: f"{name}-{handler.replace('_', '-')}" for handler in HANDLERS}
        defaults = {
            "input_bucket": f"{name}-input",
            "artifact_bucket": f"{name}-artifacts",
            "table": f"{name}-runs",
            "topic": f"arn:aws:sns:{cloud.REGION}:{cloud.ACCOUNT}:{name}",
            "project": name,
            "queue": f"{name}-uploads",
            "repository": name,
        }
        return cls(name=name, **{**defaults, **body, "functions": functions | body.get("functions", {})})

    @property
    def code(self) -> str:
        """Where builds fetch sgbuild from, if they do."""
        return f"s3://{self.artifact_bucket}/{CODE_KEY}" if self.fetch else ""

    @property
    def inbox(self) -> str:
        """The queue that stands for the subscriber's mailbox."""
        return f"{self.name}-inbox"

    def described(self) -> dict[str, Any]:
        """What a caller needs to use it."""
        return {
            "input_bucket": self.input_bucket,
            "artifact_bucket": self.artifact_bucket,
            "table": self.table,
            "topic": self.topic,
            "project": self.project,
            "inbox": self.inbox,
            "functions": self.functions,
            "role": self.role,
        }

    def as_function(self, name: str) -> cloud.Caller:
        """Lambda with the function's role; without a stack, the account's owner."""
        if not self.stack:
            return cloud.OWNER
        configured = cloud.client_of_moto("lambda").get_function_configuration(FunctionName=name)
        return cloud.assume(configured["Role"], "lambda.amazonaws.com", configured["FunctionArn"])

    def as_build(self) -> cloud.Caller:
        """CodeBuild with the project's role; without a stack, the account's owner."""
        if not self.stack:
            return cloud.OWNER
        source = f"arn:aws:codebuild:{cloud.REGION}:{cloud.ACCOUNT}:project/{self.project}"
        return cloud.assume(
            self.build_role, "codebuild.amazonaws.com", source, repository=self._repository_arn(), push=True
        )

    def as_training(self, job: dict[str, Any]) -> cloud.Caller:
        """SageMaker with the job's role; without a stack, the account's owner."""
        if not self.stack:
            return cloud.OWNER
        source = job["TrainingJobArn"]
        return cloud.assume(job["RoleArn"], "sagemaker.amazonaws.com", source, repository=self._repository_arn())

    def _repository_arn(self) -> str:
        return f"arn:aws:ecr:{cloud.REGION}:{cloud.ACCOUNT}:repository/{self.repository}"

    def build_environment(self) -> dict[str, str]:
        """The variables of the build project: the stack's, else the original pipeline's."""
        if self.stack:
            return {name: value for name, value, kind in self.variables if kind == "PLAINTEXT"} | self.environment
        return {
            "AWS_DEFAULT_REGION": cloud.REGION,
            "FULL_NAME": f"{cloud.ACCOUNT}.dkr.ecr.{cloud.REGION}.amazonaws.com/{self.repository}:latest",
            "FUNCTION_NAME": self.functions["start_training"],
            "SRC_BKT_NAME": self.input_bucket,
            "OUTPUT_BKT": self.artifact_bucket,
            "SAGE_ROLE_ARN": self.role,
            "INSTANCE_CNT": "1",
            "INSTANCE_TYPE": "ml.m5.large",
            "EBS_VOL_GB": "30",
            "RUN_TIME_SEC": "3600",
            "SYNTHETIC_DATA_BKT": self.synthetic_bucket,
            "REPO_NAME": self.repository,
            **({"SGBUILD_CODE": self.code} if self.fetch else {}),
            **self.environment,
        }


def ensure(pipeline: Pipeline) -> None:
    """Make what the account does not have; what it has stays as it is."""
    if pipeline.stack:
        _ensure_functions_of_stack(pipeline)
        _ensure_inbox(pipeline)
        return
    _ensure_functions(pipeline)
    _ensure_queue(f"{pipeline.queue}-dead")
    redrive = {"deadLetterTargetArn": _queue_arn(f"{pipeline.queue}-dead"), "maxReceiveCount": 30}
    _ensure_queue(pipeline.queue, RedrivePolicy=json.dumps(redrive), VisibilityTimeout=str(pipeline.visibility))
    for bucket in (pipeline.input_bucket, pipeline.artifact_bucket):
        ensure_bucket(bucket)
    if pipeline.fetch:
        _upload_code(pipeline)
    _ensure_table(pipeline.table)
    _ensure_topic(pipeline)
    _ensure_project(pipeline)
    _ensure_events(pipeline)


def _ensure_functions(pipeline: Pipeline) -> None:
    environment = {
        "SGBUILD_TABLE": pipeline.table,
        "SGBUILD_TOPIC": pipeline.topic,
        "SGBUILD_SYNTHETIC_BUCKET": pipeline.synthetic_bucket,
        "SGBUILD_SYNTHETIC_PREFIX": f"{pipeline.repository}/",
    }
    for handler, name in pipeline.functions.items():
        # Nobody tells of failed builds here, so start_training is not to rely on that.
        known = environment | ({"SGBUILD_PROJECT": pipeline.project} if handler == "data_trigger" else {})
        registration = {"binary": pipeline.binary, "handler": handler, "environment": known, "timeout": 60}
        cloud.register_function(name, registration)


def _ensure_functions_of_stack(pipeline: Pipeline) -> None:
    """The functions as the stack configures them."""
    for name in pipeline.functions.values():
        configured = cloud.client_of_moto("lambda").get_function_configuration(FunctionName=name)
        variables = (configured.get("Environment") or {}).get("Variables", {})
        registration = {
            "binary": pipeline.binary,
            "handler": configured["Handler"],
            "environment": {**variables, **pipeline.as_function(name).environment},
            "log_group": (configured.get("LoggingConfig") or {}).get("LogGroup", ""),
            "dead_letters": (configured.get("DeadLetterConfig") or {}).get("TargetArn", ""),
            "timeout": configured["Timeout"],
            "memory": configured["MemorySize"],
            "role": configured["Role"],
        }
        cloud.register_function(name, registration)


def ensure_bucket(name: str) -> None:
    """A versioned bucket."""
    s3 = cloud.client("s3")
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": cloud.REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _ensure_queue(name: str, **attributes: str) -> None:
    sqs = cloud.client("sqs")
    with contextlib.suppress(sqs.exceptions.QueueNameExists):
        sqs.create_queue(QueueName=name, Attributes=attributes)


def _queue_arn(name: str) -> str:
    return f"arn:aws:sqs:{cloud.REGION}:{cloud.ACCOUNT}:{name}"


def _upload_code(pipeline: Pipeline) -> None:
    upload_program(pipeline.binary, pipeline.artifact_bucket, CODE_KEY)


def upload_program(binary: str, bucket: str, key: str) -> None:
    """A binary as Lambda's code: a zip with one file, executable."""
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    with tempfile.TemporaryFile() as file:
        # Stored: this one travels over loopback only.
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(entry, Path(binary).read_bytes())
        file.seek(0)
        cloud.client("s3").upload_fileobj(file, bucket, key)


def _ensure_table(name: str) -> None:
    dynamodb = cloud.client("dynamodb")
    with contextlib.suppress(dynamodb.exceptions.ResourceInUseException):
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "training_job_name", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "training_job_name", "KeyType": "HASH"}],
        )


def _ensure_topic(pipeline: Pipeline) -> None:
    cloud.client("sns").create_topic(Name=pipeline.topic.rpartition(":")[2])
    _ensure_inbox(pipeline)


def _ensure_inbox(pipeline: Pipeline) -> None:
    """A queue subscribed to the topic, in place of a person's mailbox."""
    _ensure_queue(pipeline.inbox)
    cloud.client("sns").subscribe(TopicArn=pipeline.topic, Protocol="sqs", Endpoint=_queue_arn(pipeline.inbox))


def _ensure_project(pipeline: Pipeline) -> None:
    codebuild = cloud.client("codebuild")
    with contextlib.suppress(codebuild.exceptions.ResourceAlreadyExistsException):
        codebuild.create_project(
            name=pipeline.project,
            source={"type": "GITHUB", "location": f"https://github.com/example/{pipeline.repository}.git"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [
                    {"name": name, "value": value} for name, value in pipeline.build_environment().items()
                ],
            },
            serviceRole=f"arn:aws:iam::{cloud.ACCOUNT}:role/{pipeline.name}-build",
        )


def _ensure_events(pipeline: Pipeline) -> None:
    """Uploads to the queue, artifacts to record_result, state changes of this pipeline's jobs to record_result."""
    s3 = cloud.client("s3")
    created = ["s3:ObjectCreated:*"]
    uploads = [
        {"QueueArn": _queue_arn(pipeline.queue), "Events": created, "Filter": _keys(prefix=prefix)}
        for prefix in ("input/data/", "input/config/hyperparameters.json")
    ]
    s3.put_bucket_notification_configuration(
        Bucket=pipeline.input_bucket, NotificationConfiguration={"QueueConfigurations": uploads}
    )
    recorder = cloud.function_arn(pipeline.functions["record_result"])
    artifacts = {"LambdaFunctionArn": recorder, "Events": created, "Filter": _keys(suffix="/output/model.tar.gz")}
    s3.put_bucket_notification_configuration(
        Bucket=pipeline.artifact_bucket,
        NotificationConfiguration={"LambdaFunctionConfigurations": [artifacts]},
        SkipDestinationValidation=True,
    )
    events = cloud.client("events")
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Training Job State Change"],
        "detail": {"TrainingJobName": [{"prefix": f"{pipeline.repository}-"}]},
    }
    events.put_rule(Name=_rule(pipeline), EventPattern=json.dumps(pattern), State="ENABLED")
    events.put_targets(Rule=_rule(pipeline), Targets=[{"Id": TARGET, "Arn": recorder}])


def forget(pipeline: Pipeline) -> None:
    """Undo what would go on without the player: events and functions. Data, table, builds and a stack stay."""
    for name in pipeline.functions.values():
        cloud.forget_function(name)
    if pipeline.stack:
        return
    for bucket in (pipeline.input_bucket, pipeline.artifact_bucket):
        cloud.client("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    events = cloud.client("events")
    events.remove_targets(Rule=_rule(pipeline), Ids=[TARGET])
    events.delete_rule(Name=_rule(pipeline))


def _rule(pipeline: Pipeline) -> str:
    return f"{pipeline.name}-state-change"


def _keys(**rules: str) -> dict[str, Any]:
    return {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in rules.items()]}}
