"""What the design relies on in templates/cicd-pipeline.yaml, read out of the parsed template.

Run by `make test`, with the Python that has cfn-lint: python -m unittest discover --start-directory tests/template
"""

from __future__ import annotations

import re
import unittest
from typing import Any

from pipeline import ROOT, TemplateTest, branches, listed

# Statements whose resource is `*`, because AWS knows none for the action; by role and Sid.
WILDCARDS = {
    ("BuildRole", "LogInToEcr"): "ecr:GetAuthorizationToken has no resource",
    (
        "BuildRole",
        "LogInToEcrPublic",
    ): "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken have none either",
    ("BuildRole", "JoinTheNetwork"): "ec2:Describe… have no resource, and CodeBuild documents the others so",
    ("TrainingRole", "JoinTheNetwork"): "as SageMaker documents it for trainings in a network",
    ("TrainingRole", "LogInToEcr"): "ecr:GetAuthorizationToken has no resource",
    ("TrainingRole", "Measure"): "cloudwatch:PutMetricData has no resource; its condition names the namespace",
}
ORIGINAL_PARAMETERS = {
    "Email",
    "GitHubUser",
    "GitHubRepo",
    "GitHubBranch",
    "GitHubToken",
    "SyntheticBucketName",
    "BuildTimeoutMins",
    "PythonBuildVersion",
    "InstanceCount",
    "InstanceType",
    "MaxRuntimeInSeconds",
    "VolInGB",
}


class TemplateShapeTest(TemplateTest):
    def test_no_action_has_a_wildcard(self) -> None:
        for name, statement in self.statements():
            self.assertEqual(statement["Effect"], "Allow")
            self.assertNotIn("NotAction", statement)
            for action in listed(statement["Action"]):
                self.assertNotIn("*", action, (name, statement["Sid"]))

    def test_a_wildcard_resource_is_on_the_list(self) -> None:
        found = set()
        for name, statement in self.statements():
            self.assertNotIn("NotResource", statement)
            if "*" in listed(statement["Resource"]):
                found.add((name, statement["Sid"]))
        self.assertEqual(found, set(WILDCARDS))

    def test_only_the_training_role_is_passed_and_only_to_sagemaker(self) -> None:
        passing = [(name, each) for name, each in self.statements() if "iam:PassRole" in listed(each["Action"])]
        self.assertEqual([name for name, _ in passing], ["StartTrainingRole"])
        statement = passing[0][1]
        self.assertEqual(statement["Action"], "iam:PassRole")
        self.assertEqual(statement["Resource"], {"Fn::GetAtt": ["TrainingRole", "Arn"]})
        self.assertEqual(statement["Condition"], {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}})

    def test_the_build_pushes_to_one_repository_and_invokes_one_function(self) -> None:
        of_build = [each for name, each in self.statements() if name == "BuildRole"]
        for statement in of_build:
            for action in listed(statement["Action"]):
                if action.startswith("lambda:"):
                    self.assertEqual(
                        (action, statement["Resource"]),
                        ("lambda:InvokeFunction", {"Fn::GetAtt": ["StartTraining", "Arn"]}),
                    )
                if action in (
                    "ecr:PutImage",
                    "ecr:InitiateLayerUpload",
                    "ecr:UploadLayerPart",
                    "ecr:CompleteLayerUpload",
                ):
                    self.assertEqual(statement["Resource"], {"Fn::GetAtt": ["Repository", "Arn"]})

    def test_the_functions_are_those_of_the_binary_with_what_they_read(self) -> None:
        source = (ROOT / "src" / "lambda" / "mod.rs").read_text()
        handlers = re.findall(r'"(\w+)"', re.search(r"HANDLERS[^=]*= \[(.*?)\]", source, re.S)[1])
        functions = self.of_type("AWS::Lambda::Function").values()
        self.assertEqual({each["Properties"]["Handler"] for each in functions}, set(handlers))
        source += (ROOT / "src" / "training" / "allowed.rs").read_text()
        read = set(re.findall(r'"(SGBUILD_[A-Z_]+)"', source))
        given = {name for each in functions for name in each["Properties"]["Environment"]["Variables"]}
        self.assertEqual(given, read)
        for each in functions:
            self.assertEqual(each["Properties"]["Runtime"], "provided.al2023")

    def test_the_functions_take_the_stacks_own_role_repository_and_buckets_only(self) -> None:
        def allowed(function: str) -> dict[str, Any]:
            variables = self.properties(function)["Environment"]["Variables"]
            return {name: value for name, value in variables.items() if name.startswith("SGBUILD_ALLOWED_")}

        inputs = {"Fn::Sub": "s3://${TrainingInputBucket}/input/"}
        given = allowed("StartTraining")
        # What is the stack's by parameters: test_network.py.
        for name in ("KEYS", "SUBNETS", "SECURITY_GROUPS", "TRAINING_PLANS"):
            self.assertEqual(given.pop(f"SGBUILD_ALLOWED_{name}")["Fn::If"][2], "none")
        self.assertEqual(
            given,
            {
                "SGBUILD_ALLOWED_ROLES": {"Fn::GetAtt": ["TrainingRole", "Arn"]},
                "SGBUILD_ALLOWED_IMAGES": {"Fn::GetAtt": ["Repository", "RepositoryUri"]},
                "SGBUILD_ALLOWED_INPUTS": inputs,
                "SGBUILD_ALLOWED_OUTPUTS": {"Fn::Sub": "s3://${ModelArtifactBucket}/"},
            },
        )
        self.assertEqual(allowed("DataTrigger"), {"SGBUILD_ALLOWED_INPUTS": inputs})
        # By its name and not by reference: the bucket notifies the function, so it comes after it.
        text, parts = allowed("RecordResult")["SGBUILD_ALLOWED_OUTPUTS"]["Fn::Sub"]
        bucket, named = self.properties("ModelArtifactBucket")["BucketName"]["Fn::Sub"]
        self.assertEqual((text, parts), (f"s3://{bucket}/", named))

    def test_the_build_is_told_what_push_asks_for(self) -> None:
        rows = (ROOT / "src" / "settings" / "table.rs").read_text()
        keys = re.findall(r'= (?:text|file|number|switch|list|map)\(\s*"([a-z-]+)"', rows)
        settings = {f"SGBUILD_{key.replace('-', '_').upper()}" for key in keys}
        variables = self.properties("BuildProject")["Environment"]["EnvironmentVariables"]
        given = {each["Name"] for variable in variables for each in branches(variable)}
        self.assertEqual({name for name in given if name.startswith("SGBUILD_")} - settings, {"SGBUILD_CODE"})
        needed = (
            "FUNCTION SOURCE_BUCKET OUTPUT_BUCKET ROLE INSTANCE_TYPE INSTANCE_COUNT VOLUME_SIZE MAX_RUNTIME REPOSITORY"
        )
        self.assertLessEqual({f"SGBUILD_{each}" for each in needed.split()}, given)

    def test_pushes_to_the_branch_start_a_build_and_forks_do_not(self) -> None:
        triggers = self.properties("BuildProject")["Triggers"]
        self.assertTrue(triggers["Webhook"])
        [group] = triggers["FilterGroups"]
        filters = {each["Type"]: each["Pattern"] for each in group}
        self.assertEqual(set(filters), {"EVENT", "HEAD_REF"})
        # Pull requests, from forks or not, are other events.
        self.assertEqual(filters["EVENT"], "PUSH")
        pattern, parts = filters["HEAD_REF"]["Fn::Sub"]
        self.assertEqual(pattern, "^refs/heads/${Branch}$")
        # A dot of the branch's name stands for itself alone.
        self.assertEqual(parts["Branch"], {"Fn::Join": ["[.]", {"Fn::Split": [".", {"Ref": "GitHubBranch"}]}]})

    def test_the_engine_decides_on_privilege(self) -> None:
        environment = self.properties("BuildProject")["Environment"]
        condition, privileged, plain_mode = environment["PrivilegedMode"]["Fn::If"]
        self.assertEqual((privileged, plain_mode), (True, False))
        self.assertEqual(self.template["Conditions"][condition], {"Fn::Equals": [{"Ref": "Engine"}, "docker"]})
        self.assertIn("Fn::If", environment["ComputeType"])
        self.assertEqual(self.template["Parameters"]["Engine"]["Default"], "native")

    def test_a_native_build_keeps_what_it_read_of_base_images_where_no_training_writes(self) -> None:
        condition, of_docker, of_native = self.properties("BuildProject")["Cache"]["Fn::If"]
        self.assertEqual(condition, "UsesDocker")
        self.assertEqual(of_docker, {"Type": "LOCAL", "Modes": ["LOCAL_DOCKER_LAYER_CACHE"]})
        self.assertEqual(of_native, {"Type": "S3", "Location": {"Fn::Sub": "${TrainingInputBucket}/build-cache"}})
        # What comes in there starts no build.
        told = self.properties("TrainingInputBucket")["NotificationConfiguration"]["QueueConfigurations"]
        prefixes = [rule["Value"] for each in told for rule in each["Filter"]["S3Key"]["Rules"]]
        self.assertTrue(all(prefix.startswith("input/") for prefix in prefixes), prefixes)

    def test_the_token_is_nowhere_but_in_its_secret(self) -> None:
        self.assertTrue(self.template["Parameters"]["GitHubToken"]["NoEcho"])
        holders = [name for name, each in self.resources.items() if re.search(r"GitHubToken(?!\w)", str(each))]
        self.assertEqual(holders, ["GitHubTokenSecret"])
        self.assertNotIn("InsecureSsl", str(self.template))

    def test_data_outlives_the_stack(self) -> None:
        kept = [
            *self.of_type("AWS::S3::Bucket"),
            *self.of_type("AWS::ECR::Repository"),
            *self.of_type("AWS::DynamoDB::Table"),
        ]
        self.assertEqual(len(kept), 4)
        for name in kept:
            resource = self.resources[name]
            self.assertEqual((resource["DeletionPolicy"], resource["UpdateReplacePolicy"]), ("Retain", "Retain"), name)

    def test_buckets_are_hardened(self) -> None:
        policies = {
            each["Properties"]["Bucket"]["Ref"]: each for each in self.of_type("AWS::S3::BucketPolicy").values()
        }
        for name, bucket in self.of_type("AWS::S3::Bucket").items():
            properties = bucket["Properties"]
            self.assertEqual(set(properties["PublicAccessBlockConfiguration"].values()), {True}, name)
            self.assertEqual(properties["VersioningConfiguration"], {"Status": "Enabled"}, name)
            self.assertIn("BucketEncryption", properties, name)
            statements = policies[name]["Properties"]["PolicyDocument"]["Statement"]
            insecure = [each for each in statements if each["Effect"] == "Deny"]
            self.assertEqual(str(insecure[0]["Condition"]["Bool"]["aws:SecureTransport"]).lower(), "false", name)

    def test_uploads_reach_the_trigger_in_batches(self) -> None:
        configurations = self.properties("TrainingInputBucket")["NotificationConfiguration"]["QueueConfigurations"]
        prefixes = {
            rule["Value"]
            for each in configurations
            for rule in each["Filter"]["S3Key"]["Rules"]
            if rule["Name"] == "prefix"
        }
        self.assertEqual(prefixes, {"input/data/", "input/config/hyperparameters.json"})
        self.assertEqual({each["Event"] for each in configurations}, {"s3:ObjectCreated:*"})
        batches = self.properties("DataBatches")
        self.assertEqual(batches["FunctionResponseTypes"], ["ReportBatchItemFailures"])
        self.assertEqual(
            (batches["BatchSize"], batches["MaximumBatchingWindowInSeconds"]), (10000, {"Ref": "DataBatchingSeconds"})
        )
        self.assertIn("RedrivePolicy", self.properties("DataQueue"))

    def test_models_and_state_changes_reach_the_record(self) -> None:
        [models] = self.properties("ModelArtifactBucket")["NotificationConfiguration"]["LambdaConfigurations"]
        rules = {rule["Name"].lower(): rule["Value"] for rule in models["Filter"]["S3Key"]["Rules"]}
        self.assertEqual(rules, {"suffix": "/output/model.tar.gz"})
        pattern = self.properties("JobChanged")["EventPattern"]
        self.assertEqual(pattern["source"], ["aws.sagemaker"])
        self.assertEqual(pattern["detail-type"], ["SageMaker Training Job State Change"])
        self.assertEqual(pattern["detail"]["TrainingJobName"], [{"prefix": {"Fn::Sub": "${PipelineName}-"}}])
        # One rule may have both, and then fires for either:
        # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
        self.assertEqual(self.properties("JobChanged")["ScheduleExpression"], "rate(1 hour)")
        targets = self.properties("JobChanged")["Targets"]
        self.assertEqual([each["Arn"] for each in targets], [{"Fn::GetAtt": ["RecordResult", "Arn"]}])

    def test_data_waits_for_three_builds(self) -> None:
        """The queue delivers again for as long as three usual builds may take, and keeps the data till then."""
        queue = self.properties("DataQueue")
        patience = queue["RedrivePolicy"]["maxReceiveCount"] * queue["VisibilityTimeout"]
        self.assertGreater(patience, 3 * 60 * self.template["Parameters"]["BuildTimeoutMins"]["Default"])
        self.assertLess(patience, queue["MessageRetentionPeriod"])

    def test_failed_builds_are_announced(self) -> None:
        pattern = self.properties("BuildFailed")["EventPattern"]
        self.assertEqual(set(pattern["detail"]["build-status"]), {"FAILED", "FAULT", "STOPPED", "TIMED_OUT"})
        self.assertEqual(self.properties("BuildFailed")["Targets"][0]["Arn"], {"Ref": "Notifications"})

    def test_the_schedule_is_optional(self) -> None:
        self.assertEqual(self.template["Parameters"]["ScheduleExpression"]["Default"], "")
        self.assertIn("Condition", self.resources["Schedule"])

    def test_the_original_parameters_are_there(self) -> None:
        parameters = self.template["Parameters"]
        self.assertLessEqual(ORIGINAL_PARAMETERS, set(parameters))
        # Those of the documented command are enough.
        required = {name for name, each in parameters.items() if "Default" not in each}
        documented = {"Email", "GitHubUser", "GitHubRepo", "GitHubBranch", "GitHubToken", "PythonBuildVersion"}
        self.assertLessEqual(required, documented)

    def test_the_buildspec_is_the_file_without_its_comments(self) -> None:
        lines = (ROOT / "buildspec.yml").read_text().splitlines()
        kept = [line for line in lines if line.strip() and not line.strip().startswith("#")]
        self.assertEqual(self.properties("BuildProject")["Source"]["BuildSpec"].splitlines(), kept)

    def test_the_consoles_pages_are_outputs(self) -> None:
        urls = [name for name in self.template["Outputs"] if name.endswith("Url")]
        self.assertEqual(len(urls), 5)


if __name__ == "__main__":
    unittest.main()
