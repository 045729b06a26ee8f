"""The trainings that are asked of SageMaker's SDK and of sgbuild: every option of a training job, where it may be.

Values are the same for all three; each says them in its own way (estimator.py, model_trainer.py, compare.py).
"""

from __future__ import annotations

from typing import Any

REGION = "us-west-2"
ROLE = "arn:aws:iam::123456789012:role/service-role/SageMakerTraining"
OUTPUT = "s3://iris-models/"
TRAINING_DATA = "s3://{bucket}/input/data/training/"
HYPERPARAMETERS = {"max_depth": 3}

PLAIN: dict[str, Any] = {
    "instance_type": "ml.m5.large",
    "instance_count": 1,
    "volume_size": 30,
    "max_runtime": 3600,
}
JOBS: dict[str, dict[str, Any]] = {
    "plain": PLAIN,
    "spot": PLAIN
    | {
        "instance_type": "ml.m5.xlarge",
        "instance_count": 2,
        "volume_size": 50,
        "spot": True,
        "max_wait": 7200,
        "retry_attempts": 3,
        "checkpoints": "s3://iris-models/checkpoints/",
        "checkpoint_path": "/opt/ml/saved",
        "subnets": ["subnet-0a1b2c3d4e5f60718", "subnet-1a1b2c3d4e5f60718"],
        "security_groups": ["sg-0a1b2c3d4e5f60718"],
        "encrypt_traffic": True,
        "network_isolation": True,
        "output_key": "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555",
        "volume_key": "22222222-2222-3333-4444-555555555555",
        "tags": {"team": "iris", "cost-centre": "42"},
        "environment": {"OMP_NUM_THREADS": "1", "MODE": "fast"},
        "input_mode": "FastFile",
        "channels": {"vocabulary": "s3://iris-words/vocabulary/"},
        "channel_modes": {"vocabulary": "File"},
        "content_types": {"training": "text/csv", "vocabulary": "text/plain"},
        "metrics": {"accuracy": "accuracy=([0-9.]+)"},
    },
    "reserved": PLAIN
    | {
        "instance_type": "ml.p4d.24xlarge",
        "keep_alive": 600,
        "training_plan": "arn:aws:sagemaker:us-west-2:123456789012:training-plan/iris-in-november",
        "infrastructure_check": True,
        "max_pending": 7200,
        "input_mode": "Pipe",
    },
    "groups": {name: value for name, value in PLAIN.items() if not name.startswith("instance")}
    | {"instance_groups": {"data": ("ml.c5.2xlarge", 2), "train": ("ml.g5.xlarge", 1)}},
    "profiled": PLAIN | {"profiler": True},
    # What is no setting of sgbuild's, through its table.
    "further": PLAIN
    | {
        "container_arguments": ["--fast"],
        "compression": "NONE",
        "remote_debug": True,
        "session_chaining": True,
        "tensorboard": "s3://iris-models/tensorboard/",
    },
}
