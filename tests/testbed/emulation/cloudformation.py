"""What the pipeline's stack has and moto's CloudFormation leaves out: the build project, secrets, a bucket's events.

Resource policies are accepted and change nothing in moto, which would refuse by them, but knows no condition (such as:
without TLS): permissions/ reads them out of the template and judges by them.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codebuild-project.html
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend, Event, Stack
from moto.codebuild.models import codebuild_backends
from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import ServiceException
from moto.iam.access_control import PermissionResult
from moto.logs.models import LogGroup
from moto.s3.models import FakeBucket, s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import Queue
from werkzeug.exceptions import HTTPException


def install() -> None:
    """Change moto's CloudFormation; the classes below are found by their being defined."""
    create = FakeBucket.create_from_cloudformation_json.__func__

    def create_bucket(
        cls: type, resource_name: str, cloudformation_json: dict, account_id: str, region_name: str, **kwargs: Any
    ) -> Any:
        bucket = create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
        _complete(bucket, cloudformation_json.get("Properties", {}), account_id)
        return bucket

    FakeBucket.create_from_cloudformation_json = classmethod(create_bucket)
    # A bucket policy is kept and shown; moto would deny whatever a statement denies under a condition.
    FakeBucket.get_permission = lambda _bucket, _action, _resource: PermissionResult.NEUTRAL
    # What a condition leaves out is no resource of the stack.
    Stack.stack_resources = property(lambda stack: [each for each in stack.resource_map.values() if each])
    execute = CloudFormationBackend.execute_change_set

    def execute_change_set(self: CloudFormationBackend, change_set_name: str, stack_name: str | None = None) -> None:
        named = [
            each for each in self.change_sets.values() if change_set_name in (each.change_set_id, each.change_set_name)
        ]
        try:
            execute(self, change_set_name, stack_name)
        except _NotCreated as failure:
            for change_set in named:
                _roll_back(self.stacks[change_set.stack_id], failure)
            return
        # moto keeps the outputs, parameters and template of the empty stack that the change set was made for.
        for change_set in named:
            stack = self.stacks[change_set.stack_id]
            stack.parameters = {**stack.parameters, **change_set.parameters}
            stack._parse_template()
            stack.output_map = stack._create_output_map()

    CloudFormationBackend.execute_change_set = execute_change_set
    # "The ARN of the log group, such as arn:…:log-group:name:*":
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
    attribute = LogGroup.get_cfn_attribute
    LogGroup.get_cfn_attribute = lambda group, name: attribute(group, name) + (":*" if name == "Arn" else "")
    create_resource = parsing.parse_and_create_resource

    def create_or_say_which(logical_id: str, resource_json: dict[str, Any], *rest: Any, **kwargs: Any) -> Any:
        try:
            return create_resource(logical_id, resource_json, *rest, **kwargs)
        except (HTTPException, ServiceException) as refusal:
            raise _NotCreated(logical_id, resource_json["Type"], refusal.message) from refusal

    parsing.parse_and_create_resource = create_or_say_which
    # moto would run the function of an event source mapping itself, in a container; that is the cloud player's part.
    Queue.lambda_event_source_mappings = property(lambda _queue: {}, lambda _queue, _mappings: None)


class _NotCreated(Exception):
    """A service refused to create a resource."""

    def __init__(self, logical_id: str, kind: str, reason: str) -> None:
        super().__init__(logical_id, kind, reason)
        self.logical_id = logical_id
        self.kind = kind
        self.reason = reason


def _roll_back(stack: Stack, failure: _NotCreated) -> None:
    """What CloudFormation does and tells of a creation that failed, and that keeps nothing of it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
    """
    created = dict(stack.resource_map._parsed_resources)
    resources = stack.resource_map._resource_json_map
    begun = [name for name in resources if isinstance(created.get(name), CloudFormationModel)]
    cancelled = next(iter(name for name in resources if name not in begun and name != failure.logical_id), None)

    def tell(logical_id: str, kind: str, status: str, reason: str | None = None) -> None:
        physical_id = getattr(created.get(logical_id), "physical_resource_id", "")
        stack.events.append(
            Event(stack.stack_id, stack.name, logical_id, physical_id, kind, status, reason, resource_properties=None)
        )

    for name in begun:
        tell(name, resources[name]["Type"], "CREATE_COMPLETE")
    tell(failure.logical_id, failure.kind, "CREATE_FAILED", failure.reason)
    if cancelled:
        tell(cancelled, resources[cancelled]["Type"], "CREATE_FAILED", "Resource creation cancelled")
    stack._add_stack_event(
        "ROLLBACK_IN_PROGRESS", f"The following resource(s) failed to create: [{failure.logical_id}]."
    )
    for name in begun:
        resources[name].pop("DeletionPolicy", None)
    stack.resource_map.delete()
    for name in begun:
        tell(name, resources[name]["Type"], "DELETE_COMPLETE")
    # moto creates whatever it knows of when somebody looks.
    stack.resource_map._resource_json_map = {}
    stack._add_stack_event("ROLLBACK_COMPLETE")
    stack.status = "ROLLBACK_COMPLETE"


def _complete(bucket: FakeBucket, properties: dict[str, Any], account_id: str) -> None:
    backend = s3_backends[account_id]["aws"]
    if properties.get("VersioningConfiguration"):
        backend.put_bucket_versioning(bucket.name, properties["VersioningConfiguration"]["Status"])
    notifications = properties.get("NotificationConfiguration")
    if notifications:
        wanted = {
            "QueueConfiguration": [_to(each, "Queue") for each in notifications.get("QueueConfigurations", [])],
            "CloudFunctionConfiguration": [
                _to(each, "Function") for each in notifications.get("LambdaConfigurations", [])
            ],
        }
        bucket.set_notification_configuration({name: rules for name, rules in wanted.items() if rules})


def _to(rule: dict[str, Any], kind: str) -> dict[str, Any]:
    """One notification as moto keeps it after PutBucketNotificationConfiguration."""
    keys = ((rule.get("Filter") or {}).get("S3Key") or {}).get("Rules") or []
    filters = {"Filter": {"S3Key": {"FilterRule": keys}}} if keys else {}
    return {"Event": [rule["Event"]], {"Queue": "Queue", "Function": "CloudFunction"}[kind]: rule[kind], **filters}


def _lowered(value: Any) -> Any:
    """A template's properties by the API's names: `ServiceRole` is `serviceRole`."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _lowered(each) for name, each in value.items()}
    # moto leaves AWS::NoValue in lists.
    return [_lowered(each) for each in value if each is not None] if isinstance(value, list) else value


class _Created(CloudFormationModel):
    """What was made, by its physical id."""

    def __init__(self, physical_id: str, attributes: dict[str, str]) -> None:
        self.physical_resource_id = physical_id
        self.attributes = attributes

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """All of them have an Arn or an Id, and no other is asked for."""
        return attr in ("Arn", "Id")

    def get_cfn_attribute(self, name: str) -> str:
        """For Fn::GetAtt."""
        return self.attributes[name]

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict,
        account_id: str,
        region_name: str,
    ) -> Any:
        """Made anew under the same name."""
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    def is_created(self) -> bool:
        """At once."""
        return True


class BuildProject(_Created, CloudFormationModel):
    """AWS::CodeBuild::Project."""

    @staticmethod
    def cloudformation_name_type() -> str:
        """The property that names it."""
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        """As templates have it."""
        return "AWS::CodeBuild::Project"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict, account_id: str, region_name: str, **kwargs: Any
    ) -> BuildProject:
        """Make the project."""
        given = _lowered(cloudformation_json["Properties"])
        source = given["source"]
        source["buildspec"] = source.pop("buildSpec", "")
        # CloudFormation makes text of numbers where the property is text.
        for variable in given["environment"].get("environmentVariables", []):
            variable["value"] = str(variable["value"])
        made = codebuild_backends[account_id][region_name].create_project(
            project_name=resource_name,
            description=given.get("description"),
            project_source=source,
            artifacts=given["artifacts"],
            environment=given["environment"],
            service_role=given["serviceRole"],
            tags=given.get("tags"),
            cache=given.get("cache"),
            timeout=given.get("timeoutInMinutes"),
            queued_timeout=given.get("queuedTimeoutInMinutes"),
            source_version=given.get("sourceVersion"),
            logs_config=given.get("logsConfig"),
            vpc_config=given.get("vpcConfig"),
        )
        return cls(resource_name, {"Arn": made["arn"], "Id": resource_name})

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict, account_id: str, region_name: str
    ) -> None:
        """Forget the project."""
        codebuild_backends[account_id][region_name].delete_project(resource_name)


class Secret(_Created, CloudFormationModel):
    """AWS::SecretsManager::Secret."""

    @staticmethod
    def cloudformation_name_type() -> str:
        """The property that names it."""
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        """As templates have it."""
        return "AWS::SecretsManager::Secret"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict, account_id: str, region_name: str, **kwargs: Any
    ) -> Secret:
        """Keep the secret."""
        given = cloudformation_json["Properties"]
        backend = secretsmanager_backends[account_id][region_name]
        backend.create_secret(
            name=resource_name,
            secret_string=given.get("SecretString"),
            secret_binary=None,
            description=given.get("Description"),
            tags=given.get("Tags"),
            kms_key_id=given.get("KmsKeyId"),
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        arn = backend.secrets[resource_name].arn
        return cls(arn, {"Arn": arn, "Id": arn})

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict, account_id: str, region_name: str
    ) -> None:
        """Delete the secret at once."""
        secretsmanager_backends[account_id][region_name].delete_secret(
            resource_name, recovery_window_in_days=None, force_delete_without_recovery=True
        )


class Accepted(_Created):
    """A resource that is listed in its stack and does nothing."""

    @staticmethod
    def cloudformation_name_type() -> str:
        """They have no names."""
        return ""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict, account_id: str, region_name: str, **kwargs: Any
    ) -> Accepted:
        """Remember that it was asked for."""
        arn = resource_name
        if cls.cloudformation_type() == "AWS::CloudWatch::Alarm":
            arn = f"arn:aws:cloudwatch:{region_name}:{account_id}:alarm:{resource_name}"
        return cls(resource_name, {"Arn": arn, "Id": resource_name})

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict, account_id: str, region_name: str
    ) -> None:
        """Nothing was made."""


def _accept(kind: str) -> type:
    return type(
        kind.replace("::", ""), (Accepted, CloudFormationModel), {"cloudformation_type": staticmethod(lambda: kind)}
    )


# moto finds a type by its class, so these must stay referred to.
ACCEPTED = [
    _accept(kind)
    for kind in (
        "AWS::S3::BucketPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy",
        "AWS::CloudWatch::Alarm",
    )
]
