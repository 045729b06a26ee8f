"""The SageMaker Python SDK 3.x trains an image on this machine: `ModelTrainer` in a local container."""

from __future__ import annotations

import sys

from local_mode import HYPERPARAMETERS, JOB, ROLE, VARIABLES, no_telemetry

no_telemetry()

from sagemaker.core.helper.session_helper import Session  # noqa: E402
from sagemaker.core.training.configs import Compute, InputData  # noqa: E402
from sagemaker.train.model_trainer import Mode, ModelTrainer  # noqa: E402


def main(image: str, data: str, output: str) -> None:
    """Train, and leave model.tar.gz below `output`."""
    trainer = ModelTrainer(
        training_mode=Mode.LOCAL_CONTAINER,
        training_image=image,
        role=ROLE,
        sagemaker_session=Session(),
        compute=Compute(instance_type="local_cpu", instance_count=1),
        hyperparameters=HYPERPARAMETERS,
        environment=VARIABLES,
        base_job_name=JOB,
        local_container_root=output,
        remove_inputs_and_container_artifacts=True,
    )
    trainer.train(input_data_config=[InputData(channel_name="training", data_source=data)])


if __name__ == "__main__":
    main(*sys.argv[1:])
