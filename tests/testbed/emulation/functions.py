"""What a stack says of a function and moto forgets: where its log goes, and events that it could not handle.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from __future__ import annotations

from typing import Any

from moto.awslambda.models import LambdaFunction

KEPT = ("LoggingConfig", "DeadLetterConfig")


def install() -> None:
    """Change moto's Lambda."""
    create = LambdaFunction.create_from_cloudformation_json.__func__
    configuration = LambdaFunction.get_configuration

    def create_function(
        cls: type, resource_name: str, cloudformation_json: dict, account_id: str, region_name: str, **kwargs: Any
    ) -> LambdaFunction:
        made = create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
        made.kept = {name: each for name, each in cloudformation_json["Properties"].items() if name in KEPT}
        return made

    def get_configuration(self: LambdaFunction, on_create: bool = False) -> dict[str, Any]:
        return configuration(self, on_create) | getattr(self, "kept", {})

    LambdaFunction.create_from_cloudformation_json = classmethod(create_function)
    LambdaFunction.get_configuration = get_configuration
