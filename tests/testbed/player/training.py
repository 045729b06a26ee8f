"""SageMaker's part of one training job: the image pulled by its digest, run as `train`, its end made known.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-dockerfile.html
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import cloud, opt_ml
from .pipeline import Pipeline

# The log group, and the namespace of the metrics as well.
LOGS = "/aws/sagemaker/TrainingJobs"
CANNOT_PULL = (
    "ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are incorrect."
)


class Training:
    """One job from InProgress to its end."""

    def __init__(self, pipeline: Pipeline, job: dict[str, Any], logs: Path) -> None:
        self.pipeline, self.job = pipeline, job
        self.name = job["TrainingJobName"]
        self.image = job["AlgorithmSpecification"]["TrainingImage"]
        self.log = logs / f"{self.name}.log"
        self.container = f"sgbuild-testbed-{self.name}"
        self.metrics: dict[str, float] = {}
        self.stopped_by: str | None = None
        self.began = time.time()
        self.caller = cloud.OWNER

    def play(self) -> str:
        """Everything SageMaker does for the job; its last status."""
        self._announce()
        with tempfile.TemporaryDirectory(prefix="sgbuild-testbed-") as scratch:
            root = Path(scratch) / "ml"
            try:
                self.caller = self.pipeline.as_training(self.job)
                opt_ml.fill(root, self.job, self.caller)
                docker = self._docker_login(scratch)
                self._pull(docker)
            except Exception as error:  # noqa: BLE001 (whatever it is, SageMaker ends the job with a reason)
                return self._end("Failed", "Failed", FailureReason=str(error) or repr(error))
            self.began = time.time()
            self._set(SecondaryStatus="Training", TrainingStartTime=_text(self.began))
            self._announce()
            code = self._run(docker, root)
            return self._finish(root, code)

    def _finish(self, root: Path, code: int) -> str:
        if code != 0 and self.stopped_by is None:
            opt_ml.upload(root, self.job, self.caller, model=False)
            return self._end("Failed", "Failed", FailureReason=opt_ml.failure_reason(root, code))
        if self.stopped_by is None:
            self._set(SecondaryStatus="Uploading")
        opt_ml.upload(root, self.job, self.caller, model=True)
        if self.stopped_by:
            return self._end("Stopped", self.stopped_by)
        return self._end("Completed", "Completed")

    def _docker_login(self, scratch: str) -> dict[str, str]:
        """The environment of docker commands that may pull: a token of ECR in a configuration of their own."""
        environment = {**os.environ, "DOCKER_CONFIG": str(Path(scratch) / "docker")}
        token = self.caller.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        login = ["login", "--username", user, "--password-stdin", self.image.partition("/")[0]]
        subprocess.run(
            [_docker(), *login], input=password.encode(), env=environment, capture_output=True, check=False, timeout=60
        )
        return environment

    def _pull(self, environment: dict[str, str]) -> None:
        self._set(SecondaryStatus="Downloading")
        if self.pipeline.fresh_pull:
            self._forget_image()
        pulled = subprocess.run(
            [_docker(), "pull", "--quiet", self.image], env=environment, capture_output=True, check=False, timeout=600
        )
        if pulled.returncode != 0:
            raise RuntimeError(f"{CANNOT_PULL} {pulled.stderr.decode(errors='replace').strip()}")

    def _forget_image(self) -> None:
        """Take the image out of the daemon under all its names, so that the pull is one over the network."""
        inspect = [_docker(), "image", "inspect", "--format", "{{.Id}}", self.image]
        found = subprocess.run(inspect, capture_output=True, check=False, text=True)
        if found.returncode == 0:
            subprocess.run([_docker(), "rmi", "--force", found.stdout.strip()], capture_output=True, check=False)

    def _run(self, environment: dict[str, str], root: Path) -> int:
        """The container until it ends; its lines go to CloudWatch Logs and to a file."""
        variables = {
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self.job["TrainingJobArn"],
            **(self.job.get("Environment") or {}),
        }
        command = [_docker(), "run", "--rm", "--name", self.container, "--hostname", opt_ml.HOST]
        command += ["--volume", f"{root}:/opt/ml"]
        for name, value in variables.items():
            command += ["--env", f"{name}={value}"]
        stream = cloud.LogStream(LOGS, f"{self.name}/{opt_ml.HOST}-{int(self.began)}", self.caller)
        self.caller.client("logs").describe_log_streams(logGroupName=LOGS, logStreamNamePrefix=self.name)
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(over, environment), daemon=True)
        watcher.start()
        with (
            open(self.log, "w", encoding="utf-8") as log,
            subprocess.Popen(
                [*command, self.image, "train"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            ) as process,
        ):
            for raw in process.stdout:
                line = raw.decode(errors="replace").rstrip("\r\n")
                log.write(line + "\n")
                log.flush()
                stream.write(line)
                self._measure(line)
        over.set()
        watcher.join()
        stream.flush()
        return process.returncode

    def _watch(self, over: threading.Event, environment: dict[str, str]) -> None:
        """Stop the container when the job is to stop or has run for too long: SIGTERM, the grace, SIGKILL."""
        limit = (self.job.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds") or 86_400
        while not over.wait(0.3):
            if time.time() - self.began > limit:
                self.stopped_by = "MaxRuntimeExceeded"
            elif self._status() == "Stopping":
                self.stopped_by = "Stopped"
            else:
                continue
            stop = [_docker(), "stop", "--time", str(self.pipeline.stop_grace), self.container]
            subprocess.run(stop, env=environment, capture_output=True, check=False)
            return

    def _measure(self, line: str) -> None:
        for definition in self.job["AlgorithmSpecification"].get("MetricDefinitions") or []:
            found = re.search(definition["Regex"], line)
            if found:
                try:
                    self.metrics[definition["Name"]] = float(found[1])
                except (IndexError, ValueError):
                    continue
                self._publish(definition["Name"])

    def _publish(self, name: str) -> None:
        """SageMaker gives CloudWatch what it has found in the log.

        https://docs.aws.amazon.com/sagemaker/latest/dg/training-metrics.html
        """
        data = [{"MetricName": name, "Value": self.metrics[name]}]
        self.caller.client("cloudwatch").put_metric_data(Namespace=LOGS, MetricData=data)

    def _status(self) -> str:
        described = cloud.client("sagemaker").describe_training_job(TrainingJobName=self.name)
        return described["TrainingJobStatus"]

    def _set(self, **fields: Any) -> None:
        cloud.set_job(self.name, **fields)

    def _end(self, status: str, secondary: str, **fields: Any) -> str:
        now = time.time()
        seconds = max(1, round(now - self.began))
        metrics = [{"MetricName": name, "Value": value} for name, value in self.metrics.items()]
        self._set(
            TrainingJobStatus=status,
            SecondaryStatus=secondary,
            TrainingEndTime=_text(now),
            TrainingTimeInSeconds=seconds,
            BillableTimeInSeconds=seconds,
            FinalMetricDataList=metrics or None,
            **fields,
        )
        self._announce()
        return status

    def _announce(self) -> None:
        """The state change as EventBridge tells it, with the whole description in it."""
        client = cloud.client("sagemaker")
        described = client.describe_training_job(TrainingJobName=self.name)
        described.pop("ResponseMetadata")
        tags = client.list_tags(ResourceArn=described["TrainingJobArn"])["Tags"]
        detail = {**_plain(described), "Tags": {tag["Key"]: tag["Value"] for tag in tags}}
        cloud.publish("aws.sagemaker", "SageMaker Training Job State Change", described["TrainingJobArn"], detail)


def _docker() -> str:
    return os.environ.get("SGBUILD_TESTBED_DOCKER", "docker")


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


def _plain(value: Any) -> Any:
    """JSON of what boto3 answers; times are milliseconds in these events."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
