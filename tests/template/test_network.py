"""A network, certificates and a key of one's own."""

from __future__ import annotations

import re
import unittest

from pipeline import Stack, TemplateTest, listed

NETWORK = {
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "SecurityGroupIds": "sg-0123456789abcdef0",
}
CERTIFICATE = "arn:aws:s3:::company/ca/all.pem"
KEY = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555"


class NetworkTest(TemplateTest):
    def test_builds_run_in_the_network_with_what_codebuild_asks_for(self) -> None:
        # https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html
        # #customer-managed-policies-example-create-vpc-network-interface
        stack = self.stack(**NETWORK)
        self.assertEqual(stack.refused(), [])
        self.assertEqual(
            stack.resource("BuildProject")["VpcConfig"],
            {
                "VpcId": NETWORK["VpcId"],
                "Subnets": NETWORK["SubnetIds"].split(","),
                "SecurityGroupIds": [NETWORK["SecurityGroupIds"]],
            },
        )
        statements = stack.statements("BuildRole")
        self.assertEqual(
            set(statements["JoinTheNetwork"]["Action"]),
            {
                "ec2:CreateNetworkInterface",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeSubnets",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeVpcs",
            },
        )
        lent = statements["LendItToCodeBuild"]
        self.assertEqual(lent["Action"], "ec2:CreateNetworkInterfacePermission")
        self.assertEqual(lent["Resource"], "arn:aws:ec2:us-west-2:123456789012:network-interface/*")
        self.assertEqual(
            lent["Condition"],
            {
                "StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"},
                "ArnLike": {"ec2:Subnet": [f"arn:*:ec2:*:*:subnet/{each}" for each in NETWORK["SubnetIds"].split(",")]},
            },
        )

    def test_without_a_network_builds_have_no_word_in_one(self) -> None:
        stack = self.stack()
        self.assertNotIn("VpcConfig", stack.resource("BuildProject"))
        self.assertFalse({"JoinTheNetwork", "LendItToCodeBuild"} & set(stack.statements("BuildRole")))

    def test_a_part_of_a_network_is_refused(self) -> None:
        for left_out in NETWORK:
            given = {name: value for name, value in NETWORK.items() if name != left_out}
            self.assertIn(left_out, self.stack(**given).refused()[0])
            self.assertIn(left_out, self.stack(**{left_out: NETWORK[left_out]}).refused()[0])

    def test_the_parameters_take_what_aws_calls_these_things(self) -> None:
        for name, good, bad in [
            ("VpcId", ["", "vpc-1a2b3c4d", NETWORK["VpcId"]], ["subnet-1a2b3c4d", "default"]),
            ("SubnetIds", ["", "subnet-1a2b3c4d", NETWORK["SubnetIds"]], ["subnet-1,", "subnet-1 subnet-2", "vpc-1"]),
            ("SecurityGroupIds", ["", "sg-1a2b3c4d,sg-2"], ["sg-1,", "default"]),
            ("CaCertificateArn", ["", CERTIFICATE], ["s3://company/ca/all.pem", "arn:aws:s3:::company"]),
            ("KmsKeyArn", ["", KEY], ["alias/aws/s3", KEY.replace("key/", "alias/")]),
        ]:
            pattern = self.template["Parameters"][name]["AllowedPattern"]
            for text in good:
                self.assertTrue(re.fullmatch(pattern, text), (name, text))
            for text in bad:
                self.assertFalse(re.fullmatch(pattern, text), (name, text))

    def test_certificates_reach_codebuild_and_pip(self) -> None:
        # https://docs.aws.amazon.com/codebuild/latest/userguide/sample-github-enterprise.html
        stack = self.stack(CaCertificateArn=CERTIFICATE)
        environment = stack.resource("BuildProject")["Environment"]
        self.assertEqual(environment["Certificate"], CERTIFICATE)
        variables = {each["Name"]: each["Value"] for each in environment["EnvironmentVariables"]}
        self.assertEqual(variables["CA_CERTIFICATE"], CERTIFICATE)
        self.assertTrue(variables["SGBUILD_CA_BUNDLE"].startswith("/"))
        statement = stack.statements("BuildRole")["ReadTheCertificate"]
        self.assertEqual((statement["Action"], statement["Resource"]), ("s3:GetObject", CERTIFICATE))
        without = self.stack().resource("BuildProject")["Environment"]
        self.assertNotIn("Certificate", without)
        self.assertNotIn("SGBUILD_CA_BUNDLE", str(without))

    def test_a_key_encrypts_the_buckets_and_is_for_those_who_read_and_write_them(self) -> None:
        stack = self.stack(KmsKeyArn=KEY)
        for bucket in self.of_type("AWS::S3::Bucket"):
            [rule] = stack.resource(bucket)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            self.assertEqual(
                rule["ServerSideEncryptionByDefault"], {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}, bucket
            )
            [rule] = self.stack().resource(bucket)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            self.assertEqual(rule["ServerSideEncryptionByDefault"], {"SSEAlgorithm": "AES256"}, bucket)
        using = ["kms:Decrypt", "kms:GenerateDataKey"]
        for role in self.of_type("AWS::IAM::Role"):
            if stack.resource(role) is None:
                continue
            actions = [action for each in stack.statements(role).values() for action in listed(each["Action"])]
            touches = any(action.startswith(("s3:", "secretsmanager:")) for action in actions)
            named = [
                each for sid, each in stack.statements(role).items() if each["Resource"] == KEY and sid != "Encrypt"
            ]
            self.assertEqual(
                [each["Action"] for each in named], [using] if touches or role == "BuildRole" else [], role
            )
            self.assertNotIn("kms:", str(self.stack().statements(role)))

    def test_trainings_are_in_the_network_where_that_is_asked_for(self) -> None:
        stack = self.stack(**NETWORK, TrainInNetwork="true")
        self.assertEqual(stack.refused(), [])
        build, function = variables(stack, "BuildProject"), variables(stack, "StartTraining")
        self.assertEqual(build["SGBUILD_SUBNETS"], NETWORK["SubnetIds"])
        self.assertEqual(build["SGBUILD_SECURITY_GROUPS"], NETWORK["SecurityGroupIds"])
        self.assertEqual(function["SGBUILD_ALLOWED_SUBNETS"], NETWORK["SubnetIds"].replace(",", " "))
        self.assertEqual(function["SGBUILD_ALLOWED_SECURITY_GROUPS"], NETWORK["SecurityGroupIds"])
        # https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createtrainingjob-perms
        self.assertEqual(
            set(stack.statements("TrainingRole")["JoinTheNetwork"]["Action"]),
            {
                "ec2:CreateNetworkInterface",
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeVpcs",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeSubnets",
                "ec2:DescribeSecurityGroups",
            },
        )
        self.assertIn("TrainInNetwork", self.stack(TrainInNetwork="true").refused()[0])

    def test_a_network_for_builds_is_none_for_trainings(self) -> None:
        for stack in (self.stack(), self.stack(**NETWORK)):
            self.assertNotIn("SGBUILD_SUBNETS", variables(stack, "BuildProject"))
            self.assertNotIn("JoinTheNetwork", stack.statements("TrainingRole"))
            function = variables(stack, "StartTraining")
            for name in ("SUBNETS", "SECURITY_GROUPS", "KEYS", "TRAINING_PLANS"):
                self.assertEqual(function[f"SGBUILD_ALLOWED_{name}"], "none")

    def test_the_key_encrypts_models_and_where_asked_for_volumes(self) -> None:
        stack = self.stack(KmsKeyArn=KEY)
        build = variables(stack, "BuildProject")
        self.assertEqual((build["SGBUILD_OUTPUT_KEY"], build.get("SGBUILD_VOLUME_KEY")), (KEY, None))
        self.assertEqual(variables(stack, "StartTraining")["SGBUILD_ALLOWED_KEYS"], KEY)
        self.assertEqual(stack.statements("TrainingRole")["Encrypt"]["Action"], "kms:Encrypt")
        self.assertNotIn("LendTheKey", stack.statements("TrainingRole"))
        both = self.stack(KmsKeyArn=KEY, EncryptVolumes="true")
        self.assertEqual(variables(both, "BuildProject")["SGBUILD_VOLUME_KEY"], KEY)
        lent = both.statements("TrainingRole")["LendTheKey"]
        self.assertEqual((lent["Action"], lent["Resource"]), (["kms:CreateGrant", "kms:DescribeKey"], KEY))
        self.assertIn("KmsKeyArn", self.stack(EncryptVolumes="true").refused()[0])

    def test_groups_of_instances_take_the_place_of_one_type(self) -> None:
        one = variables(self.stack(), "BuildProject")
        self.assertEqual((one["SGBUILD_INSTANCE_TYPE"], str(one["SGBUILD_INSTANCE_COUNT"])), ("ml.m5.large", "1"))
        groups = "data=ml.c5.xlarge:2,train=ml.g5.xlarge:1"
        build = variables(self.stack(InstanceGroups=groups), "BuildProject")
        self.assertEqual(build["SGBUILD_INSTANCE_GROUPS"], groups)
        self.assertFalse({"SGBUILD_INSTANCE_TYPE", "SGBUILD_INSTANCE_COUNT"} & set(build))

    def test_a_plan_is_the_stacks_to_use(self) -> None:
        plan = "arn:aws:sagemaker:us-west-2:123456789012:training-plan/mine"
        stack = self.stack(TrainingPlanArn=plan)
        self.assertEqual(variables(stack, "BuildProject")["SGBUILD_TRAINING_PLAN"], plan)
        self.assertEqual(variables(stack, "StartTraining")["SGBUILD_ALLOWED_TRAINING_PLANS"], plan)
        self.assertIn(plan, stack.statements("StartTrainingRole")["Train"]["Resource"])

    def test_checkpoints_have_a_folder_beside_the_models(self) -> None:
        statements = self.stack().statements("TrainingRole")
        self.assertTrue(str(statements["KeepCheckpoints"]["Resource"]).endswith("/checkpoints/*"))
        self.assertEqual(statements["FindCheckpoints"]["Condition"], {"StringLike": {"s3:prefix": "checkpoints/*"}})


def variables(stack: Stack, resource: str) -> dict[str, str]:
    """The environment of a function or of builds."""
    environment = stack.resource(resource)["Environment"]
    if "Variables" in environment:
        return environment["Variables"]
    return {each["Name"]: each["Value"] for each in environment["EnvironmentVariables"]}


if __name__ == "__main__":
    unittest.main()
