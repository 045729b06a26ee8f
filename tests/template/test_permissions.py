"""Who may do what: the roles of the pipeline's stack, and what its functions, queues and topic let services do."""

from __future__ import annotations

import sys
import unittest
from typing import Any

from pipeline import ROOT, TemplateTest, listed
from policy_sentry.querying.actions import get_action_data
from policy_sentry.querying.conditions import get_condition_keys_for_service

# The loop judges by the same table.
sys.path.insert(0, str(ROOT / "tests" / "testbed"))
from permissions.sent import SENT  # noqa: E402


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

    def test_functions_may_do_what_losses_and_copies_take(self) -> None:
        start = self.stack().statements("StartTrainingRole")["CopySyntheticData"]
        self.assertEqual(start["Resource"], "${TrainingInputBucket.Arn}/input/data/*")
        self.assertIn("s3:DeleteObject", start["Action"])
        self.assertIn("dynamodb:Scan", self.stack().statements("RecordResultRole")["Record"]["Action"])

    def test_a_training_writes_below_jobs_names_only(self) -> None:
        written = self.stack().statements("TrainingRole")["WriteModels"]["Resource"]
        self.assertEqual(written, "${ModelArtifactBucket.Arn}/sgbuild-*")
        # The lists of versions that records refer to are the functions'.
        records = self.stack().statements("StartTrainingRole")["RecordLongVersionLists"]["Resource"]
        self.assertEqual(records, "${ModelArtifactBucket.Arn}/records/*")

    def test_the_end_of_a_training_is_told_without_its_model(self) -> None:
        actions = [
            action for role, each in self.statements() for action in listed(each["Action"]) if role.startswith("Rec")
        ]
        self.assertFalse([action for action in actions if action.startswith("s3:")])

    def test_every_action_is_one_of_aws_and_takes_such_a_resource(self) -> None:
        # The Service Authorization Reference: https://docs.aws.amazon.com/service-authorization/latest/reference/
        for role, statement in self.statements():
            for action in listed(statement["Action"]):
                service, name = action.split(":")
                # Older than codeconnections, the newer name of the same service.
                known = get_action_data(service.replace("codeconnections", "codestar-connections"), name)
                self.assertTrue(known, (role, action))
                [rows] = known.values()
                if statement["Resource"] == "*":
                    continue
                self.assertTrue(
                    any(row["resource_arn_format"] != "*" for row in rows), (role, action, "has no resource but `*`")
                )

    def test_every_condition_is_on_a_key_of_the_service(self) -> None:
        for role, statement in self.statements():
            services = {action.partition(":")[0] for action in listed(statement["Action"])}
            # A global key, which every call to a resource has.
            for key in keys_of(statement) - {"aws:ResourceAccount"}:
                for service in services:
                    self.assertIn(key, get_condition_keys_for_service(service), (role, statement["Sid"]))

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
