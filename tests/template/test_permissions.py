"""Who may do what: the roles of the pipeline's stack, and what its functions, queues and topic let services do."""

from __future__ import annotations

import unittest
from typing import Any

from pipeline import TemplateTest, listed

# The condition keys that a service sends along when it calls another for an account. A condition on another key bars it,
# silently. By the service's principal and the service that it calls.
SENT = {
    # "A SourceAccount setting prevents EventBridge from being able to invoke the function":
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
    ("events.amazonaws.com", "lambda"): {"aws:SourceArn"},
    # A rule's dead-letter queue: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    ("events.amazonaws.com", "sqs"): {"aws:SourceArn"},
    # None is documented: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    ("events.amazonaws.com", "sns"): set(),
    # The trust policy that the console writes has both.
    ("events.amazonaws.com", "sts"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    ("s3.amazonaws.com", "sqs"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-arn.html
    ("s3.amazonaws.com", "lambda"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    ("cloudwatch.amazonaws.com", "sns"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/codebuild/latest/userguide/cross-service-confused-deputy-prevention.html
    ("codebuild.amazonaws.com", "sts"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html
    ("sagemaker.amazonaws.com", "sts"): {"aws:SourceArn", "aws:SourceAccount"},
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html names none.
    ("lambda.amazonaws.com", "sts"): set(),
}


class PermissionsTest(TemplateTest):
    def given_to_services(self) -> list[tuple[str, str, str, set[str]]]:
        """Every permission of a service: the resource, the principal, the service called, the keys of conditions."""
        found = []
        for name, resource in self.resources.items():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::Lambda::Permission":
                keys = {f"aws:{key}" for key in ("SourceArn", "SourceAccount") if key in properties}
                found.append((name, properties["Principal"], "lambda", keys))
            for document in ("PolicyDocument", "AssumeRolePolicyDocument"):
                for statement in properties.get(document, {}).get("Statement", []):
                    found += [
                        (name, principal, action.partition(":")[0], keys_of(statement))
                        for principal in services(statement)
                        for action in listed(statement["Action"])
                    ]
        return found

    def test_a_condition_names_only_what_the_service_sends(self) -> None:
        given = self.given_to_services()
        self.assertGreater(len(given), 10)
        for name, principal, called, keys in given:
            self.assertLessEqual(keys, SENT[principal, called], (name, principal, called))

    def test_a_service_is_held_to_this_accounts_resources(self) -> None:
        for name, principal, called, keys in self.given_to_services():
            # A role is used by its own account's resources only, as passing it to a service takes iam:PassRole.
            if called != "sts":
                self.assertIn("aws:SourceArn", keys, (name, principal))

    def test_a_rule_publishes_with_a_role_that_may_do_nothing_else(self) -> None:
        # "EventBridge now supports IAM execution roles for all targets", March 2025:
        # https://aws.amazon.com/about-aws/whats-new/2025/03/amazon-eventbridge-iam-execution-role-all-targets/
        [target] = self.properties("BuildFailed")["Targets"]
        self.assertEqual(target["RoleArn"], {"Fn::GetAtt": ["BuildFailedRole", "Arn"]})
        [statement] = [each for role, each in self.statements() if role == "BuildFailedRole"]
        self.assertEqual((statement["Action"], statement["Resource"]), ("sns:Publish", {"Ref": "Notifications"}))

    def test_a_bucket_is_held_to_the_account_as_its_arn_names_none(self) -> None:
        for name, principal, called, keys in self.given_to_services():
            if principal == "s3.amazonaws.com":
                self.assertIn("aws:SourceAccount", keys, (name, called))


def services(statement: dict[str, Any]) -> list[str]:
    """The services that a statement allows something."""
    principal = statement.get("Principal")
    if statement["Effect"] != "Allow" or not isinstance(principal, dict):
        return []
    return listed(principal.get("Service", []))


def keys_of(statement: dict[str, Any]) -> set[str]:
    """The keys that a statement's conditions ask for."""
    return {key for operator in statement.get("Condition", {}).values() for key in operator}


if __name__ == "__main__":
    unittest.main()
