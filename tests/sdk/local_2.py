"""The SageMaker Python SDK 2.x trains an image on this machine: `Estimator(instance_type="local").fit()`."""

from __future__ import annotations

import os
import sys

from local_mode import HYPERPARAMETERS, JOB, ROLE, VARIABLES, no_telemetry

no_telemetry()

from sagemaker.estimator import Estimator  # noqa: E402
from sagemaker.local import LocalSession  # noqa: E402


def main(image: str, data: str, output: str) -> None:
    """Train, and leave model.tar.gz in `output`."""
    session = LocalSession()
    session.config = {"local": {"local_code": True, "container_root": os.path.dirname(output)}}
    estimator = Estimator(
        image_uri=image,
        role=ROLE,
        instance_count=1,
        instance_type="local",
        output_path=f"file://{output}",
        sagemaker_session=session,
        hyperparameters=HYPERPARAMETERS,
        environment=VARIABLES,
    )
    estimator.fit({"training": f"file://{data}"}, job_name=JOB)


if __name__ == "__main__":
    main(*sys.argv[1:])
