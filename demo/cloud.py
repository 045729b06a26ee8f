"""The demo's look at the account, with boto3: uploads, registers, and shows; sgbuild has no part in it."""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import ssl
import sys
import tarfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

# Seconds; the first build installs the requirements.
PATIENCE = 900
# How long to wait without a word, in seconds.
SILENCE = 15
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


def image(reference: str) -> None:
    """The ECR repository and the manifest that its registry holds under the digest."""
    name, digest = reference.split("@")
    host, repository = name.split("/", 1)
    found = boto3.client("ecr").describe_repositories(repositoryNames=[repository])["repositories"][0]
    print(f"  repository  {found['repositoryUri']}")
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


def put(path: str, bucket: str, key: str) -> None:
    """Put one file into a bucket."""
    boto3.client("s3").upload_file(path, bucket, key)
    print(f"s3://{bucket}/{key} ({Path(path).stat().st_size} bytes)")


def play(name: str, stack: str, source: str) -> None:
    """Let the testbed play AWS's part of a stack: its builds, trainings and events. Prints what the stack has made."""
    body = json.dumps({"stack": stack, "source": source, "fresh_pull": True}).encode()
    with urllib.request.urlopen(urllib.request.Request(_pipeline(name), body, method="PUT")) as answer:
        made = json.load(answer)
    for what in ("input_bucket", "artifact_bucket", "table", "inbox"):
        print(f"{what.upper()}={made[what]}")


def end(name: str) -> None:
    """End the playing."""
    urllib.request.urlopen(urllib.request.Request(_pipeline(name), method="DELETE")).close()


def settled(name: str, table: str, count: str) -> None:
    """Wait until so many runs have ended and been announced; print the newest one's job and the log of its build."""

    def records(_: dict) -> list[dict]:
        found = boto3.resource("dynamodb").Table(table).scan()["Items"]
        return found if sum("notified_at" in record for record in found) >= int(count) else []

    found, history = wait(name, f"run {count} to end and be announced", records)
    newest = max(found, key=lambda record: record["recorded_at"])
    print(f"JOB={newest['training_job_name']}")
    print(f"IMAGE={newest['image']}")
    print(f"BUILD_LOG={history['builds'][-1]['log']}")


def failed(name: str, inbox: str) -> None:
    """Wait until the newest build has failed and somebody was told; print its log's name."""
    url = boto3.client("sqs").get_queue_url(QueueName=inbox)["QueueUrl"]
    waiting = "ApproximateNumberOfMessages"

    def mail(history: dict) -> bool:
        # The mail may be there before the build is known to be over.
        if not history["builds"] or history["builds"][-1]["status"] == "IN_PROGRESS":
            return False
        told = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[waiting])["Attributes"]
        return int(told[waiting]) > 0

    _, history = wait(name, "a build to fail, and the mail that tells it", mail, may_fail=True)
    newest = history["builds"][-1]
    if newest["status"] != "FAILED":
        sys.exit(f"demo: a build was to fail, and ended with {newest['status']}: {newest['log']}")
    print(f"BUILD_LOG={newest['log']}")


def wait(name: str, what: str, found: Callable[[dict], Any], *, may_fail: bool = False) -> tuple[Any, dict]:
    """What is found at last in the pipeline's history, and that. What goes wrong ends the demo at once, with a log."""
    begun, said = time.monotonic(), time.monotonic()
    while True:
        try:
            with urllib.request.urlopen(_pipeline(name)) as answer:
                history = json.load(answer)
        except OSError as error:
            logs = sorted(Path(os.environ["SGBUILD_TESTBED"]).glob("logs*/*.log"))
            said = "\n".join(f"{log}:\n{end_of(str(log), 15)}" for log in logs)
            sys.exit(f"demo: the testbed does not answer ({error}) while waiting for {what}; its logs:\n{said}")
        give_up_on(name, history, may_fail)
        if result := found(history):
            return result, history
        now = time.monotonic()
        if now - begun > PATIENCE:
            sys.exit(f"demo: waited {PATIENCE} s for {what}: {json.dumps(history, indent=2)}")
        if now - said > SILENCE:
            said = now
            print(f"   … {now - begun:.0f} s: waiting for {what}; {doing(history)}", file=sys.stderr, flush=True)
        time.sleep(0.3)


def give_up_on(name: str, history: dict, may_fail: bool) -> None:
    """End the demo where there is nothing to wait for any more."""
    if history["lost"]:
        sys.exit(f"demo: {history['lost']} events could not be handled; the functions' logs:\n{logs_of(name)}")
    for each in history["troubles"]:
        sys.exit(f"demo: the testbed itself failed:\n{each['trouble']}")
    for each in history["denied"]:
        sys.exit(f"demo: {each['caller']} may not {each['action']} on {each['resource']}: {each['why']}")
    for build in history["builds"]:
        if build["status"] not in ("IN_PROGRESS", "SUCCEEDED") and not may_fail:
            sys.exit(f"demo: the build {build['id']} ended with {build['status']}:\n{end_of(build['log'])}")


def logs_of(stack: str) -> str:
    """The last lines of each log group of a stack."""
    logs = boto3.client("logs")
    groups = [each["logGroupName"] for each in logs.describe_log_groups(logGroupNamePrefix=stack)["logGroups"]]
    events = {group: logs.filter_log_events(logGroupName=group)["events"][-30:] for group in groups}
    return "\n".join(f"{group}:\n" + "\n".join(each["message"] for each in lines) for group, lines in events.items())


def doing(history: dict) -> str:
    """What is going on, in a few words."""
    going = [f"{build['id']} builds" for build in history["builds"] if build["status"] == "IN_PROGRESS"]
    going += [f"{job['name']} trains" for job in history["jobs"] if job["status"] == "IN_PROGRESS"]
    last = history["builds"][-1:]
    return (", ".join(going) or "nothing runs") + "".join(f"; {end_of(each['log'], 1)}" for each in last)


def end_of(log: str, lines: int = 60) -> str:
    """A log's last lines."""
    try:
        return "\n".join(Path(log).read_text(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return str(error)


def messages(queue: str) -> None:
    """What the subscriber has got since it was last asked."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for each in received:
            body = json.loads(each["Body"])
            # What SNS writes where nobody has given one.
            print(f"  Subject: {body.get('Subject') or 'AWS Notification Message'}\n")
            print("".join(f"  {line}\n" for line in body["Message"].splitlines()))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])


def permissions(stack: str) -> None:
    """How many calls the stack's policies judged, of whom, and that they denied none."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_testbed/permissions/{stack}"
    with urllib.request.urlopen(url) as answer:
        report = json.load(answer)
    for each in report["denied"]:
        sys.exit(f"demo: {each['caller']} may not {each['action']} on {each['resource']}: {each['why']}")
    for caller, count in sorted(report["callers"].items()):
        print(f"  {count:5} calls by {caller}")
    unused = len(report["unused"])
    print(f"  {report['calls']:5} calls judged, none denied; {unused} actions allowed that nothing here needed")


def model(artifact: str) -> None:
    """What is in a model's archive, and its metrics."""
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        for member in archive.getmembers():
            print(f"  {member.name} ({member.size} bytes)")
        print(archive.extractfile("metrics.json").read().decode())


def _pipeline(name: str) -> str:
    return f"{os.environ['SGBUILD_TESTBED_PLAYER']}/_pipelines/{name}"


def _password() -> str:
    token = boto3.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(token).decode().split(":", 1)[1]


def main() -> None:
    """One verb a look."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(required=True)
    for verb in (upload, put, play, end, settled, failed, messages, permissions, model, image, job):
        added = verbs.add_parser(verb.__name__.replace("_", "-"), help=verb.__doc__)
        names = verb.__code__.co_varnames[: verb.__code__.co_argcount]
        for name in names:
            added.add_argument(name)
        added.set_defaults(run=lambda given, verb=verb, names=names: verb(*(getattr(given, name) for name in names)))
    given = parser.parse_args()
    given.run(given)


if __name__ == "__main__":
    main()
