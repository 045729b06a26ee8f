"""/opt/ml as SageMaker fills it before a training and empties it afterwards.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

from . import cloud

HOST = "algo-1"
MAX_REASON = 1024


def fill(root: Path, job: dict[str, Any], caller: cloud.Caller) -> None:
    """Make the directories, the three configuration files, and download every channel."""
    config = root / "input" / "config"
    for place in (config, root / "input" / "data", root / "model", root / "output" / "data"):
        place.mkdir(parents=True, exist_ok=True)
    channels = {channel["ChannelName"]: channel for channel in job.get("InputDataConfig") or []}
    _write(config / "hyperparameters.json", job.get("HyperParameters") or {})
    _write(config / "inputdataconfig.json", {name: _channel_config(each, job) for name, each in channels.items()})
    _write(config / "resourceconfig.json", _resource_config(job))
    for name, channel in channels.items():
        _download(channel["DataSource"]["S3DataSource"]["S3Uri"], root / "input" / "data" / name, caller)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content))


def _channel_config(channel: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    source = channel["DataSource"]["S3DataSource"]
    described = {
        "TrainingInputMode": channel.get("InputMode") or job["AlgorithmSpecification"]["TrainingInputMode"],
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return described | ({"ContentType": channel["ContentType"]} if channel.get("ContentType") else {})


def _resource_config(job: dict[str, Any]) -> dict[str, Any]:
    # One host whatever InstanceCount says: this is one machine.
    kind = job["ResourceConfig"]["InstanceType"]
    group = {"instance_group_name": "homogeneousCluster", "instance_type": kind, "hosts": [HOST]}
    return {
        "current_host": HOST,
        "hosts": [HOST],
        "network_interface_name": "eth0",
        "current_instance_type": kind,
        "current_group_name": "homogeneousCluster",
        "instance_groups": [group],
    }


def _download(uri: str, target: Path, caller: cloud.Caller) -> None:
    """Every object below the prefix; a key that ends in a slash is a folder, as the console makes them."""
    s3 = caller.client("s3")
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    target.mkdir(parents=True, exist_ok=True)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            rest = item["Key"].removeprefix(prefix).lstrip("/")
            if rest and not rest.endswith("/"):
                (target / rest).parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, item["Key"], str(target / rest))


def failure_reason(root: Path, exit_code: int) -> str:
    """What DescribeTrainingJob says of a container that failed."""
    try:
        said = (root / "output" / "failure").read_text(errors="replace")[:MAX_REASON].strip()
    except OSError:
        said = ""
    ending = f", exit code: {exit_code}"
    return f"AlgorithmError: {said}"[: MAX_REASON - len(ending)] + ending


def upload(root: Path, job: dict[str, Any], caller: cloud.Caller, *, model: bool) -> None:
    """model.tar.gz of a training that ended well, output.tar.gz where there is output."""
    place = f"{job['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{job['TrainingJobName']}/output"
    output = root / "output" / "data"
    # The model last: its event says that the job's files are there.
    if any(output.iterdir()):
        _upload_archive(output, f"{place}/output.tar.gz", root, caller)
    if model:
        _upload_archive(root / "model", f"{place}/model.tar.gz", root, caller)


def _upload_archive(directory: Path, uri: str, scratch: Path, caller: cloud.Caller) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    archive = scratch / Path(key).name
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(directory.iterdir()):
            tar.add(path, arcname=path.name)
    caller.client("s3").upload_file(str(archive), bucket, key)
