"""What the stack becomes of its parameters."""

from __future__ import annotations

import re
import unittest

from pipeline import ROOT, TemplateTest


class ParametersTest(TemplateTest):
    def environment(self, **given: str) -> dict[str, str]:
        """The build project's environment."""
        return self.stack(**given).resource("BuildProject")["Environment"]

    def variables(self, **given: str) -> dict[str, str]:
        """The variables that the build is given."""
        return {each["Name"]: each["Value"] for each in self.environment(**given)["EnvironmentVariables"]}

    def test_builds_run_on_intel_whatever_the_functions_run_on(self) -> None:
        # The image is for linux/amd64, as no training instance is a Graviton; CodeBuild's ARM machines emulate nothing:
        # https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html
        given = {"Architecture": "arm64", "CodeKey": "sgbuild/arm.zip", "BuildCodeKey": "sgbuild/intel.zip"}
        for parameters in ({}, given):
            self.assertEqual(self.environment(**parameters)["Type"], "LINUX_CONTAINER", parameters)
            self.assertNotIn("aarch64", self.environment(PythonBuildVersion="", **parameters)["Image"])
        stack = self.stack(**given)
        self.assertEqual(stack.refused(), [])
        self.assertEqual(stack.resource("StartTraining")["Code"]["S3Key"], "sgbuild/arm.zip")
        self.assertTrue(self.variables(**given)["SGBUILD_CODE"].endswith("/sgbuild/intel.zip"))
        self.assertTrue(stack.statements("BuildRole")["FetchSgbuild"]["Resource"].endswith("/sgbuild/intel.zip"))

    def test_arm_functions_alone_leave_builds_without_a_program(self) -> None:
        [refused] = self.stack(Architecture="arm64").refused()
        self.assertIn("BuildCodeKey", refused)

    def test_the_documented_parameters_find_the_program_that_was_uploaded(self) -> None:
        # src/deployment: the bucket that `launch` makes, and the key that `--upload-only` keeps pointing at the latest.
        stack = self.stack()
        self.assertEqual(stack.refused(), [])
        code = {"S3Bucket": "sgbuild-123456789012-us-west-2", "S3Key": "sgbuild/x86_64.zip"}
        for function in self.of_type("AWS::Lambda::Function"):
            self.assertEqual(stack.resource(function)["Code"], code)
        self.assertEqual(self.variables()["SGBUILD_CODE"], "s3://sgbuild-123456789012-us-west-2/sgbuild/x86_64.zip")

    def test_a_bucket_of_ones_own_holds_the_program(self) -> None:
        given = {"CodeBucket": "mine", "CodeKey": "a/b.zip"}
        self.assertEqual(self.variables(**given)["SGBUILD_CODE"], "s3://mine/a/b.zip")
        self.assertEqual(self.stack(**given).resource("RecordResult")["Code"], {"S3Bucket": "mine", "S3Key": "a/b.zip"})
        fetched = self.stack(**given).statements("BuildRole")["FetchSgbuild"]
        self.assertEqual(fetched["Resource"], "arn:aws:s3:::mine/a/b.zip")

    def test_a_strangers_bucket_of_the_same_name_is_not_read(self) -> None:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourceaccount
        condition = self.stack().statements("BuildRole")["FetchSgbuild"]["Condition"]
        self.assertEqual(condition, {"StringEquals": {"aws:ResourceAccount": "123456789012"}})

    def test_a_private_image_is_pulled_with_the_role_and_aws_own_by_aws(self) -> None:
        # imagePullCredentialsType: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html
        private = "123456789012.dkr.ecr.us-west-2.amazonaws.com/builder:1"
        for image, credentials in [
            ("", "CODEBUILD"),
            ("aws/codebuild/standard:7.0", "CODEBUILD"),
            (private, "SERVICE_ROLE"),
            ("public.ecr.aws/docker/library/python:3.12", "SERVICE_ROLE"),
            ("python", "SERVICE_ROLE"),
        ]:
            environment = self.environment(PythonBuildVersion=image)
            self.assertEqual(environment["ImagePullCredentialsType"], credentials, image)

    def test_builds_pull_base_images_from_the_repositories_that_are_named(self) -> None:
        self.assertNotIn("PullBaseImages", self.stack().statements("BuildRole"))
        arns = [
            "arn:aws:ecr:us-west-2:763104351884:repository/pytorch-training",
            "arn:aws:ecr:us-west-2:123456789012:repository/base/python",
        ]
        pattern = self.template["Parameters"]["BaseImageRepositoryArns"]["AllowedPattern"]
        for text in ("", arns[0], ",".join(arns)):
            self.assertTrue(re.fullmatch(pattern, text), text)
        for text in (f"{arns[0]},", "pytorch-training", f"{arns[0]} {arns[1]}", f"{arns[0]},*"):
            self.assertFalse(re.fullmatch(pattern, text), text)
        statement = self.stack(BaseImageRepositoryArns=",".join(arns)).statements("BuildRole")["PullBaseImages"]
        self.assertEqual(statement["Resource"], arns)
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-pull.html
        self.assertEqual(
            statement["Action"], ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        )

    def test_builds_log_in_to_ecr_public(self) -> None:
        # https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html
        statement = self.stack().statements("BuildRole")["LogInToEcrPublic"]
        self.assertEqual(statement["Action"], ["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"])

    def test_a_batch_has_the_window_that_lambda_asks_for(self) -> None:
        # "If you set BatchSize to a value greater than 10, you must set MaximumBatchingWindowInSeconds to at least 1":
        # https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
        self.assertGreater(self.properties("DataBatches")["BatchSize"], 10)
        self.assertGreaterEqual(self.template["Parameters"]["DataBatchingSeconds"]["MinValue"], 1)

    def test_a_build_may_take_as_long_as_the_setting_says(self) -> None:
        rows = (ROOT / "src" / "settings" / "table.rs").read_text()
        bounds = re.search(r'number\("build-timeout".*?\.between\((\d+), (\d+)\)', rows, re.S)
        declared = self.template["Parameters"]["BuildTimeoutMins"]
        self.assertEqual((str(declared["MinValue"]), str(declared["MaxValue"])), bounds.groups())

    def test_the_engines_are_those_that_there_are(self) -> None:
        source = (ROOT / "src" / "engine" / "kind.rs").read_text()
        names = set(re.findall(r'\("(\w+)", Self::', source)) - {"auto"}
        self.assertEqual(set(self.template["Parameters"]["Engine"]["AllowedValues"]), names)

    def test_the_token_asks_for_what_codebuild_uses(self) -> None:
        # https://docs.aws.amazon.com/codebuild/latest/userguide/access-tokens-github.html
        description = self.template["Parameters"]["GitHubToken"]["Description"]
        for permission in ("repo", "Contents", "Webhooks", "Commit statuses"):
            self.assertIn(permission, description)

    def test_the_mail_of_a_build_does_not_know_what_was_trained(self) -> None:
        [target] = self.properties("BuildFailed")["Targets"]
        self.assertNotIn("nothing was trained", target["InputTransformer"]["InputTemplate"])


if __name__ == "__main__":
    unittest.main()
