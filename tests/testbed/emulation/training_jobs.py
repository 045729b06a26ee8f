"""SageMaker training jobs that live: in progress until told otherwise, one job a name, stoppable.

moto completes a job at once, lets a second one replace it, and forgets its environment.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from __future__ import annotations

import re
import threading
from datetime import datetime, UTC
from typing import Any

from moto.core.responses import EmptyResult
from moto.sagemaker import models, responses
from moto.sagemaker.exceptions import ResourceInUseException, ValidationError

_lock = threading.Lock()
# What moto drops of a request and SageMaker describes.
KEPT = {"Environment": "environment", "RetryStrategy": "retry_strategy"}
TERMINAL = ("Completed", "Failed", "Stopped")


def install() -> None:
    """Change moto's SageMaker."""
    original = responses.SageMakerResponse.create_training_job

    def create_training_job(self: responses.SageMakerResponse) -> Any:
        name = self._get_param("TrainingJobName")
        algorithm = dict(self._get_param("AlgorithmSpecification") or {})
        with _lock:
            existing = self.sagemaker_backend.training_jobs.get(name)
            if existing is not None:
                raise ResourceInUseException(
                    "Training job names must be unique within an AWS account and region, "
                    f"and a training job with this name already exists ({existing.arn})"
                )
            answer = original(self)
            job = self.sagemaker_backend.training_jobs[name]
            for parameter, attribute in KEPT.items():
                setattr(job, attribute, self._get_param(parameter))
            _begin(job, algorithm)
        return answer

    def stop_training_job(self: responses.SageMakerResponse) -> EmptyResult:
        name = self._get_param("TrainingJobName")
        self.sagemaker_backend.describe_training_job(name)
        job = self.sagemaker_backend.training_jobs[name]
        if job.training_job_status in TERMINAL:
            raise ValidationError(
                message="The request was rejected because the training job is in status " + job.training_job_status
            )
        change(job, {"TrainingJobStatus": "Stopping", "SecondaryStatus": "Stopping"})
        return EmptyResult()

    responses.SageMakerResponse.create_training_job = create_training_job
    responses.SageMakerResponse.stop_training_job = stop_training_job


def _begin(job: models.FakeTrainingJob, algorithm: dict[str, Any]) -> None:
    """Take back what moto has made up: nothing has run yet."""
    job.algorithm_specification = algorithm
    job.training_job_status = "InProgress"
    job.secondary_status = "Starting"
    job.training_start_time = None
    job.training_end_time = None
    job.final_metric_data_list = None
    job.secondary_status_transitions = [
        {"Status": "Starting", "StartTime": job.creation_time, "StatusMessage": "Preparing the instances for training"}
    ]


def find(name: str, region: str | None = None) -> models.FakeTrainingJob | None:
    """The job of this name, in this region or in whichever has it."""
    for _, place, backend in models.sagemaker_backends.iter_backends():
        if region in (None, place) and name in backend.training_jobs:
            return backend.training_jobs[name]
    return None


def change(job: models.FakeTrainingJob, fields: dict[str, Any]) -> None:
    """Lay fields over the job, by their names in DescribeTrainingJob; null takes one away, times are RFC 3339."""
    job.last_modified_time = _now()
    for name, value in fields.items():
        if name in ("TrainingJobName", "TrainingJobArn"):
            raise ValueError(f"{name} cannot be changed")
        setattr(job, _attribute(name), _value(name, value))
    if "SecondaryStatus" in fields:
        _follow(job)


def _follow(job: models.FakeTrainingJob) -> None:
    """One transition a secondary status, the one before it ended."""
    now, transitions = job.last_modified_time, job.secondary_status_transitions
    if transitions and transitions[-1]["Status"] == job.secondary_status:
        return
    for transition in transitions:
        transition.setdefault("EndTime", now)
    transitions.append({"Status": job.secondary_status, "StartTime": now})


def _value(name: str, value: Any) -> Any:
    if name.endswith("Time") and isinstance(value, str):
        return datetime.fromisoformat(value)
    if name == "FinalMetricDataList":
        return [{"Timestamp": _now(), **metric} for metric in value] if value else None
    return value


def _attribute(name: str) -> str:
    # moto turns `training_job_status` into `TrainingJobStatus`; this is the way back.
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
