"""Create what the testbed's account has from the start. Runs in the testbed's environment; a JSON plan on stdin."""

import contextlib
import json
import sys

import boto3
from botocore.exceptions import ClientError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def main() -> None:
    """Buckets (versioned, as the pipeline makes them) and the training role."""
    plan = json.load(sys.stdin)
    s3 = boto3.client("s3")
    for bucket in plan["buckets"]:
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": plan["region"]})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    iam = boto3.client("iam")
    try:
        iam.create_role(RoleName=plan["role"], AssumeRolePolicyDocument=json.dumps(TRUST))
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise


if __name__ == "__main__":
    main()
