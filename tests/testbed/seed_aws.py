"""Create what the testbed's account has from the start. Runs in the testbed's environment; a JSON plan on stdin."""

import contextlib
import json
import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError


def trusted(service: str) -> str:
    """The trust policy of a role of a service's."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def main() -> None:
    """Buckets (versioned, as the pipeline makes them), the training role, and the functions', which may pass that."""
    plan = json.load(sys.stdin)
    s3 = boto3.client("s3")
    for bucket in plan["buckets"]:
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": plan["region"]})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    iam = boto3.client("iam")
    training = role(iam, plan["role"], "sagemaker.amazonaws.com")
    role(iam, plan["function_role"], "lambda.amazonaws.com")
    condition = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": training, "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [passing]})
    iam.put_role_policy(RoleName=plan["function_role"], PolicyName="pass", PolicyDocument=document)


def role(iam: Any, name: str, service: str) -> str:
    """A role that a service assumes; its ARN."""
    try:
        return iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted(service))["Role"]["Arn"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
    return iam.get_role(RoleName=name)["Role"]["Arn"]


if __name__ == "__main__":
    main()
