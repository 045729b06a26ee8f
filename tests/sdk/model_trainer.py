"""What the SageMaker Python SDK 3.x asks SageMaker for: `ModelTrainer(…).train()` of options.py, as JSON.

As estimator.py, whose SDK cannot be installed beside this one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import sent  # noqa: I001  The first, as it closes the way out.
import boto3
from options import HYPERPARAMETERS, JOBS, OUTPUT, REGION, ROLE, TRAINING_DATA
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.shapes import (
    Channel,
    CheckpointConfig,
    DataSource,
    InfraCheckConfig,
    InstanceGroup,
    MetricDefinition,
    OutputDataConfig,
    RemoteDebugConfig,
    RetryStrategy,
    S3DataSource,
    SessionChainingConfig,
    StoppingCondition,
    Tag,
    TensorBoardOutputConfig,
)
from sagemaker.core.training.configs import Compute, Networking
from sagemaker.train import ModelTrainer

COMPUTE = {
    "instance_type": "instance_type",
    "instance_count": "instance_count",
    "volume_size": "volume_size_in_gb",
    "volume_key": "volume_kms_key_id",
    "keep_alive": "keep_alive_period_in_seconds",
    "training_plan": "training_plan_arn",
    "spot": "enable_managed_spot_training",
}
STOPPING = {
    "max_runtime": "max_runtime_in_seconds",
    "max_wait": "max_wait_time_in_seconds",
    "max_pending": "max_pending_time_in_seconds",
}
NETWORKING = {
    "subnets": "subnets",
    "security_groups": "security_group_ids",
    "encrypt_traffic": "enable_inter_container_traffic_encryption",
    "network_isolation": "enable_network_isolation",
}
OUTPUTS = {"output_key": "kms_key_id", "compression": "compression_type"}


def main(output: Path, image: str, bucket: str) -> None:
    """Write the requests by their names in options.py."""
    requests = {name: request(options, image, bucket) for name, options in JOBS.items()}
    output.write_text(json.dumps(requests))


def named(options: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Those of the options that have a name here, under it."""
    return {name: options[option] for option, name in names.items() if option in options}


def request(options: dict[str, Any], image: str, bucket: str) -> dict[str, Any]:
    """What is sent for one training."""
    compute = named(options, COMPUTE)
    if groups := options.get("instance_groups"):
        compute["instance_groups"] = [
            InstanceGroup(instance_group_name=name, instance_type=kind, instance_count=count)
            for name, (kind, count) in groups.items()
        ]
    more: dict[str, Any] = {}
    if networking := named(options, NETWORKING):
        more["networking"] = Networking(**networking)
    if "checkpoints" in options:
        more["checkpoint_config"] = CheckpointConfig(
            s3_uri=options["checkpoints"], local_path=options["checkpoint_path"]
        )
    if "tags" in options:
        more["tags"] = [Tag(key=key, value=value) for key, value in options["tags"].items()]
    boto_session = boto3.Session(region_name=REGION)
    with sent.instead(boto_session) as bodies:
        trainer = ModelTrainer(
            training_image=image,
            role=ROLE,
            sagemaker_session=Session(boto_session=boto_session, default_bucket="not-used"),
            compute=Compute(**compute),
            stopping_condition=StoppingCondition(**named(options, STOPPING)),
            output_data_config=OutputDataConfig(s3_output_path=OUTPUT, **named(options, OUTPUTS)),
            training_input_mode=options.get("input_mode", "File"),
            environment=options.get("environment", {}),
            hyperparameters=HYPERPARAMETERS,
            **more,
        )
        trainer = with_the_rest(trainer, options)
        trainer.train(input_data_config=channels(options, bucket), wait=False, logs=False)
    return bodies[0]


def with_the_rest(trainer: ModelTrainer, options: dict[str, Any]) -> ModelTrainer:
    """What ModelTrainer is told by methods."""
    if "retry_attempts" in options:
        trainer.with_retry_strategy(RetryStrategy(maximum_retry_attempts=options["retry_attempts"]))
    if "infrastructure_check" in options:
        trainer.with_infra_check_config(InfraCheckConfig(enable_infra_check=options["infrastructure_check"]))
    if "metrics" in options:
        definitions = [MetricDefinition(name=name, regex=regex) for name, regex in options["metrics"].items()]
        trainer.with_metric_definitions(definitions)
    if "remote_debug" in options:
        trainer.with_remote_debug_config(RemoteDebugConfig(enable_remote_debug=options["remote_debug"]))
    if "session_chaining" in options:
        chaining = SessionChainingConfig(enable_session_tag_chaining=options["session_chaining"])
        trainer.with_session_chaining_config(chaining)
    if "tensorboard" in options:
        trainer.with_tensorboard_output_config(TensorBoardOutputConfig(s3_output_path=options["tensorboard"]))
    return trainer


def channels(options: dict[str, Any], bucket: str) -> list[Channel]:
    """Each channel with what is said of it."""
    places = {"training": TRAINING_DATA.format(bucket=bucket)} | options.get("channels", {})
    return [channel(name, place, options) for name, place in places.items()]


def channel(name: str, place: str, options: dict[str, Any]) -> Channel:
    """One of them."""
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=place, s3_data_distribution_type="FullyReplicated")
    said = {"content_type": options.get("content_types", {}), "input_mode": options.get("channel_modes", {})}
    more = {field: texts[name] for field, texts in said.items() if name in texts}
    return Channel(channel_name=name, data_source=DataSource(s3_data_source=source), **more)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
