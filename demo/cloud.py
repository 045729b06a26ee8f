"""The demo's look at the account, with boto3: uploads, registers, and shows; sgbuild has no part in it."""

from __future__ import annotations

import argparse
import base64
import json
import os
import ssl
import sys
import urllib.request
from pathlib import Path

import boto3

MANIFEST_TYPES = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
]


def upload(directory: str, bucket: str) -> None:
    """Put a directory's input/ into the bucket, as the pipeline's users do."""
    s3 = boto3.client("s3")
    for path in sorted(Path(directory, "input").rglob("*")):
        if path.is_file():
            key = str(path.relative_to(directory))
            s3.upload_file(str(path), bucket, key)
            print(f"s3://{bucket}/{key} ({path.stat().st_size} bytes)")


def register(function: str, binary: str) -> None:
    """Register the binary as a Lambda function with the function host."""
    body = json.dumps({"binary": binary, "handler": "start_training", "timeout": 60}).encode()
    url = f"{os.environ['AWS_ENDPOINT_URL_LAMBDA']}/_functions/{function}"
    with urllib.request.urlopen(urllib.request.Request(url, body, method="PUT")) as answer:
        print(json.load(answer)["FunctionArn"])


def password() -> None:
    """The registry password, as `aws ecr get-login-password` prints it."""
    print(_password())


def image(reference: str) -> None:
    """The ECR repository and the manifest that its registry holds under the digest."""
    name, digest = reference.split("@")
    host, repository = name.split("/", 1)
    found = boto3.client("ecr").describe_repositories(repositoryNames=[repository])["repositories"][0]
    print(f"  repository  {found['repositoryUri']}")
    print(f"  scan        {'on push' if found['imageScanningConfiguration']['scanOnPush'] else 'off'}")
    basic = base64.b64encode(f"AWS:{_password()}".encode()).decode()
    url = f"https://{host}/v2/{repository}/manifests/{digest}"
    headers = {"Authorization": f"Basic {basic}", "Accept": ", ".join(MANIFEST_TYPES)}
    trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), context=trust) as answer:
        manifest = json.load(answer)
        print(f"  digest      {answer.headers['Docker-Content-Digest']}")
        print(f"  media type  {answer.headers['Content-Type']}")
    for layer in manifest["layers"]:
        print(f"  layer       {layer['size'] / 1e6:8.2f} MB  {layer['digest'][:19]}  {layer['mediaType']}")


def find_job(reference: str) -> None:
    """The name of the newest training job of an image."""
    client = boto3.client("sagemaker")
    pages = client.get_paginator("list_training_jobs").paginate()
    names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
    jobs = [client.describe_training_job(TrainingJobName=name) for name in names]
    mine = [job for job in jobs if job["AlgorithmSpecification"].get("TrainingImage") == reference]
    if not mine:
        sys.exit(f"no training job uses {reference}; there are: {', '.join(names) or 'none'}")
    print(max(mine, key=lambda job: job["CreationTime"])["TrainingJobName"])


def job(name: str) -> None:
    """What DescribeTrainingJob says."""
    described = boto3.client("sagemaker").describe_training_job(TrainingJobName=name)
    resources = described["ResourceConfig"]
    print(f"  job         {described['TrainingJobName']} ({described['TrainingJobStatus']})")
    print(f"  image       {described['AlgorithmSpecification']['TrainingImage']}")
    print(f"  role        {described['RoleArn']}")
    print(f"  resources   {resources['InstanceCount']} x {resources['InstanceType']}, {resources['VolumeSizeInGB']} GB")
    for channel in described.get("InputDataConfig", []):
        print(f"  channel     {channel['ChannelName']}: {channel['DataSource']['S3DataSource']['S3Uri']}")
    print(f"  output      {described['OutputDataConfig']['S3OutputPath']}")
    print(f"  parameters  {json.dumps(described.get('HyperParameters', {}))}")


def stage(name: str, directory: str) -> None:
    """Fill a directory as SageMaker fills /opt/ml for the job: channels from S3, hyperparameters as strings."""
    described = boto3.client("sagemaker").describe_training_job(TrainingJobName=name)
    root = Path(directory)
    config = root / "input" / "config"
    for place in (config, root / "model", root / "output"):
        place.mkdir(parents=True, exist_ok=True)
    (config / "hyperparameters.json").write_text(json.dumps(described.get("HyperParameters", {})))
    for channel in described.get("InputDataConfig", []):
        bucket, _, prefix = channel["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://").partition("/")
        _download(bucket, prefix, root / "input" / "data" / channel["ChannelName"])


def _download(bucket: str, prefix: str, target: Path) -> None:
    s3 = boto3.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            rest = item["Key"].removeprefix(prefix).lstrip("/")
            if rest:
                (target / rest).parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, item["Key"], str(target / rest))


def _password() -> str:
    token = boto3.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(token).decode().split(":", 1)[1]


def main() -> None:
    """One verb a look."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(required=True)
    for verb in (upload, register, password, image, find_job, job, stage):
        added = verbs.add_parser(verb.__name__.replace("_", "-"), help=verb.__doc__)
        names = verb.__code__.co_varnames[: verb.__code__.co_argcount]
        for name in names:
            added.add_argument(name)
        added.set_defaults(run=lambda given, verb=verb, names=names: verb(*(getattr(given, name) for name in names)))
    given = parser.parse_args()
    given.run(given)


if __name__ == "__main__":
    main()
