"""The SageMaker Python SDK, 2.x, deploys an image of sgbuild's in its local mode, and the endpoint answers.

    ~/.cache/sgbuild-testbed/sdk-2-…/bin/python tests/sdk/deploy.py --image IMAGE --model model.tar.gz

It needs docker-compose (Debian's package of that name). IMAGE is one that `sgbuild build --load` made.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

# https://sagemaker.readthedocs.io/en/stable/overview.html#telemetry: the SDK counts its users otherwise.
SETTINGS = "SchemaVersion: '1.0'\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n"
ROLE = "arn:aws:iam::123456789012:role/sagemaker-serving"


def main() -> None:
    """Deploy, ask in JSON and CSV, delete."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--image", required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--payload", default='{"a": 1}')
    given = parser.parse_args()
    settings = Path(tempfile.mkdtemp(prefix="sgbuild-sdk-")) / "config.yaml"
    settings.write_text(SETTINGS)
    os.environ["SAGEMAKER_USER_CONFIG_OVERRIDE"] = os.environ["SAGEMAKER_ADMIN_CONFIG_OVERRIDE"] = str(settings)
    # Only then, lest it send something.
    from sagemaker.local import LocalSession
    from sagemaker.model import Model
    from sagemaker.predictor import Predictor

    session = LocalSession()
    session.config = {"local": {"local_code": True}}
    model = Model(
        image_uri=given.image,
        model_data=given.model.resolve().as_uri(),
        role=ROLE,
        sagemaker_session=session,
        predictor_cls=Predictor,
    )
    predictor = model.deploy(initial_instance_count=1, instance_type="local")
    try:
        answer = predictor.predict(given.payload, initial_args={"ContentType": "application/json", "Accept": "*/*"})
        print("JSON", answer.decode() if isinstance(answer, bytes) else answer)
        answer = predictor.predict(
            b"1,2\n", initial_args={"ContentType": "text/csv", "Accept": "application/jsonlines"}
        )
        print("CSV to JSON lines", answer.decode() if isinstance(answer, bytes) else answer)
    finally:
        predictor.delete_endpoint()


if __name__ == "__main__":
    main()
