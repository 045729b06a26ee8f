"""What the SageMaker Python SDK 2.x asks SageMaker for: `Estimator(…).fit()` of each training of options.py, as JSON.

No request leaves the machine: botocore hands each to this program, which answers it. What is written is the body that
would be sent.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import sent  # noqa: I001  The first, as it closes the way out.
import boto3
from options import HYPERPARAMETERS, JOBS, OUTPUT, REGION, ROLE, TRAINING_DATA
from sagemaker.debugger import TensorBoardOutputConfig
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.instance_group import InstanceGroup
from sagemaker.session import Session

# The names of Estimator's parameters, where they are not those of options.py.
NAMES = {
    "max_runtime": "max_run",
    "spot": "use_spot_instances",
    "retry_attempts": "max_retry_attempts",
    "checkpoints": "checkpoint_s3_uri",
    "checkpoint_path": "checkpoint_local_path",
    "security_groups": "security_group_ids",
    "encrypt_traffic": "encrypt_inter_container_traffic",
    "network_isolation": "enable_network_isolation",
    "output_key": "output_kms_key",
    "volume_key": "volume_kms_key",
    "keep_alive": "keep_alive_period_in_seconds",
    "infrastructure_check": "enable_infra_check",
    "remote_debug": "enable_remote_debug",
    "session_chaining": "enable_session_tag_chaining",
}
CHANNELS = ("channels", "channel_modes", "content_types")
# There is no parameter for it.
MISSING = ("max_pending",)


def main(output: Path, image: str, bucket: str) -> None:
    """Write the requests by their names in options.py."""
    requests = {name: request(options, image, bucket) for name, options in JOBS.items()}
    output.write_text(json.dumps(requests))


def request(options: dict[str, Any], image: str, bucket: str) -> dict[str, Any]:
    """What is sent for one training."""
    given = {NAMES.get(name, name): value for name, value in options.items() if name not in CHANNELS + MISSING}
    profiled = given.pop("profiler", False)
    groups = given.pop("instance_groups", {})
    metrics = given.pop("metrics", {})
    tensorboard = given.pop("tensorboard", None)
    if groups:
        given["instance_groups"] = [InstanceGroup(name, kind, count) for name, (kind, count) in groups.items()]
    if metrics:
        given["metric_definitions"] = [{"Name": name, "Regex": regex} for name, regex in metrics.items()]
    if tensorboard:
        given["tensorboard_output_config"] = TensorBoardOutputConfig(s3_output_path=tensorboard)
    if "tags" in given:
        given["tags"] = [{"Key": key, "Value": value} for key, value in given["tags"].items()]
    if given.pop("compression", None) == "NONE":
        given["disable_output_compression"] = True
    boto_session = boto3.Session(region_name=REGION)
    with sent.instead(boto_session) as bodies:
        session = Session(boto_session=boto_session, default_bucket="not-used")
        # Debugger's hook and the profiler are on unless they are switched off.
        estimator = Estimator(
            image_uri=image,
            role=ROLE,
            output_path=OUTPUT,
            sagemaker_session=session,
            hyperparameters=HYPERPARAMETERS,
            debugger_hook_config=False,
            disable_profiler=not profiled,
            **given,
        )
        estimator.fit(channels(options, bucket), wait=False)
    return bodies[0]


def channels(options: dict[str, Any], bucket: str) -> dict[str, TrainingInput]:
    """Each channel with what is said of it."""
    places = {"training": TRAINING_DATA.format(bucket=bucket)} | options.get("channels", {})
    types, modes = options.get("content_types", {}), options.get("channel_modes", {})
    return {
        name: TrainingInput(place, content_type=types.get(name), input_mode=modes.get(name))
        for name, place in places.items()
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
