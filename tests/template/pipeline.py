"""templates/cicd-pipeline.yaml as the tests look at it: parsed, and as CloudFormation makes it of parameters."""

from __future__ import annotations

import re
import unittest
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "templates" / "cicd-pipeline.yaml"

# The parameters of the documented command, and what CloudFormation itself knows of a stack.
DOCUMENTED = {
    "Email": "someone@example.com",
    "GitHubUser": "example",
    "GitHubRepo": "iris",
    "GitHubBranch": "main",
    "GitHubToken": "not-a-token",
    "PythonBuildVersion": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
}
STACK = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-west-2",
    "AWS::StackId": "arn:aws:cloudformation:us-west-2:123456789012:stack/iris/0a1b2c3d-1111-2222-3333-444455556666",
    "AWS::StackName": "iris",
}
NO_VALUE = {"Ref": "AWS::NoValue"}


def plain(value: Any) -> Any:
    """The parsed template without the parser's own types."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def listed(value: Any) -> list[Any]:
    """IAM takes one value where it takes a list."""
    return value if isinstance(value, list) else [value]


def branches(value: Any) -> list[Any]:
    """A value, or what a condition chooses between."""
    if isinstance(value, dict) and set(value) == {"Fn::If"}:
        return [each for branch in value["Fn::If"][1:] for each in branches(branch)]
    return [] if value == NO_VALUE else [value]


class TemplateTest(unittest.TestCase):
    """What tests of the template begin with."""

    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.template = plain(cfn_yaml.load(str(TEMPLATE)))
        cls.resources = cls.template["Resources"]

    def of_type(self, kind: str) -> dict[str, Any]:
        """The resources of one type, by name."""
        return {name: each for name, each in self.resources.items() if each["Type"] == kind}

    def properties(self, name: str) -> dict[str, Any]:
        """A resource's properties, as they are written."""
        return self.resources[name]["Properties"]

    def statements(self) -> list[tuple[str, dict[str, Any]]]:
        """Every statement of every role's policies, with the role's name."""
        found = []
        for name, role in self.of_type("AWS::IAM::Role").items():
            self.assertNotIn("ManagedPolicyArns", role["Properties"], name)
            for policy in role["Properties"]["Policies"]:
                for each in policy["PolicyDocument"]["Statement"]:
                    found += [(name, statement) for statement in branches(each)]
        for policy in self.of_type("AWS::IAM::Policy").values():
            roles = [each["Ref"] for each in policy["Properties"]["Roles"]]
            for each in policy["Properties"]["PolicyDocument"]["Statement"]:
                found += [(name, statement) for name in roles for statement in branches(each)]
        return found

    def stack(self, **given: str) -> Stack:
        """The stack that the documented command makes, with these parameters besides."""
        return Stack(self.template, given)


class Stack:
    """The template's resources as CloudFormation makes them of parameters: conditions decided, functions computed.

    What only the account knows stays a name: `${BuildRole.Arn}`.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
    """

    def __init__(self, template: dict[str, Any], given: dict[str, str]) -> None:
        self.template = template
        defaults = {name: str(each["Default"]) for name, each in template["Parameters"].items() if "Default" in each}
        self.values = {**defaults, **DOCUMENTED, **STACK, **given}

    def has(self, condition: str) -> bool:
        """Whether the condition of this name holds."""
        return self.holds(self.template["Conditions"][condition])

    def holds(self, condition: dict[str, Any]) -> bool:
        """Whether a condition holds."""
        [(function, value)] = condition.items()
        match function:
            case "Condition":
                return self.has(value)
            case "Fn::Equals":
                one, other = (self.computed(each) for each in value)
                return str(one) == str(other)
            case "Fn::Not":
                return not self.holds(value[0])
            case "Fn::And":
                return all(self.holds(each) for each in value)
            case "Fn::Or":
                return any(self.holds(each) for each in value)
        raise AssertionError(f"no condition: {condition}")

    def refused(self) -> list[str]:
        """What the template's rules say against these parameters."""
        rules = self.template.get("Rules", {}).values()
        return [
            each["AssertDescription"] for rule in rules for each in rule["Assertions"] if not self.holds(each["Assert"])
        ]

    def resource(self, name: str) -> Any:
        """A resource's properties; None where its condition leaves it out."""
        resource = self.template["Resources"][name]
        if "Condition" in resource and not self.has(resource["Condition"]):
            return None
        return self.computed(resource["Properties"])

    def statements(self, role: str) -> dict[str, dict[str, Any]]:
        """The statements of a role's policies, by their Sid."""
        documents = [each["PolicyDocument"] for each in self.resource(role)["Policies"]]
        for name, policy in self.template["Resources"].items():
            properties = self.resource(name) if policy["Type"] == "AWS::IAM::Policy" else None
            if properties and f"${{{role}}}" in properties["Roles"]:
                documents.append(properties["PolicyDocument"])
        return {each["Sid"]: each for document in documents for each in document["Statement"]}

    def computed(self, value: Any) -> Any:
        """A value with its functions computed."""
        if isinstance(value, list):
            return [self.computed(each) for each in value if each != NO_VALUE and not self._is_nothing(each)]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(function, argument)] = value.items()
            if function == "Ref":
                return self.values.get(argument, f"${{{argument}}}")
            if function.startswith("Fn::"):
                return self._function(function, argument)
        return {name: self.computed(each) for name, each in value.items() if not self._is_nothing(each)}

    def _is_nothing(self, value: Any) -> bool:
        if isinstance(value, dict) and set(value) == {"Fn::If"}:
            return self._is_nothing(self._chosen(value["Fn::If"]))
        return value == NO_VALUE

    def _chosen(self, choice: list[Any]) -> Any:
        condition, one, other = choice
        return one if self.has(condition) else other

    def _function(self, function: str, argument: Any) -> Any:
        match function:
            case "Fn::If":
                return self.computed(self._chosen(argument))
            case "Fn::GetAtt":
                return f"${{{'.'.join(listed(argument))}}}"
            case "Fn::Sub":
                text, named = argument if isinstance(argument, list) else (argument, {})
                known = {**self.values, **self.computed(named)}
                return re.sub(r"\$\{([^}!]+)\}", lambda found: str(known.get(found[1], found[0])), text)
            case "Fn::Join":
                return argument[0].join(self.computed(argument[1]))
            case "Fn::Split":
                return self.computed(argument[1]).split(argument[0])
            case "Fn::Select":
                return self.computed(argument[1])[int(argument[0])]
        raise AssertionError(f"no function: {function}")
