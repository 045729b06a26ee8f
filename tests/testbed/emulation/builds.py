"""CodeBuild builds that take their time: in progress until told otherwise, newest first, idempotent starts.

moto completes a build when it is looked at, lists the oldest first, and says times as text where AWS says seconds.
https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from moto.codebuild import models, responses
from moto.codebuild.exceptions import InvalidInputException

_lock = threading.Lock()
# (project, token) -> (when, build id); CodeBuild remembers a token for five minutes.
_tokens: dict[tuple[str, str], tuple[float, str]] = {}
TOKEN_SECONDS = 300
# Where moto says text. Elsewhere (`created` of a project) as well, but nobody here asks for it.
TIMES = ("startTime", "endTime")


def install() -> None:
    """Change moto's CodeBuild."""

    def start_build(self: responses.CodeBuildResponse) -> str:
        project, token = self._get_param("projectName"), self._get_param("idempotencyToken")
        with _lock:
            known = _tokens.get((project, token)) if token else None
            if known and time.time() - known[0] < TOKEN_SECONDS:
                build = find(known[1])
            else:
                build = _started(self, project)
                if token:
                    _tokens[(project, token)] = (time.time(), build["id"])
        return json.dumps({"build": build})

    def _started(self: responses.CodeBuildResponse, project: str) -> dict[str, Any]:
        backend = self.codebuild_backend
        if project not in backend.codebuild_projects:
            raise responses.ResourceNotFoundException(
                f"Project cannot be found: arn:aws:codebuild:{self.region}:{self.current_account}:project/{project}"
            )
        build = start(backend, project, self._get_param("sourceVersion"), self._get_param("artifactsOverride"))
        build["environment"]["environmentVariables"] = self._get_param("environmentVariablesOverride") or []
        return build

    def batch_get_builds(self: responses.CodeBuildResponse) -> str:
        asked = self._get_param("ids")
        if any(":" not in each for each in asked):
            raise InvalidInputException("Invalid build ID provided")
        known = {build["id"]: build for build in _of(self.codebuild_backend)}
        found = [known[each] for each in asked if each in known]
        missing = [each for each in asked if each not in known]
        return json.dumps({"builds": found, "buildsNotFound": missing})

    def stop_build(self: responses.CodeBuildResponse) -> str:
        build = find(self._get_param("id"))
        if build is None:
            raise responses.ResourceNotFoundException(f"Build {self._get_param('id')} does not exist")
        if not build["buildComplete"]:
            change(build, {"buildStatus": "STOPPED", "currentPhase": "COMPLETED"})
        return json.dumps({"build": build})

    ids = responses.CodeBuildResponse.list_builds_for_project

    def list_builds_for_project(self: responses.CodeBuildResponse) -> str:
        listed = json.loads(ids(self))["ids"]
        newest_first = self._get_param("sortOrder") != "ASCENDING"
        return json.dumps({"ids": listed[::-1] if newest_first else listed})

    for method in (start_build, batch_get_builds, stop_build, list_builds_for_project):
        setattr(responses.CodeBuildResponse, method.__name__, method)


def start(
    backend: models.CodeBuildBackend, project: str, version: str | None = None, artifacts: Any = None
) -> dict[str, Any]:
    """A build of the project, which takes its time."""
    build = backend.start_build(project, version, artifacts)
    _begin(build, backend.codebuild_projects[project].project_metadata)
    build["buildNumber"] = len(backend.build_history[project])
    build["environment"]["environmentVariables"] = []
    return build


def _begin(build: dict[str, Any], project: dict[str, Any]) -> None:
    now = time.time()
    build.update(startTime=now, currentPhase="QUEUED", buildStatus="IN_PROGRESS", buildComplete=False)
    build["source"] = project["source"]
    build["timeoutInMinutes"] = int(project.get("timeoutInMinutes") or 60)
    build["environment"] = dict(project["environment"])
    build["logs"] = project.get("logsConfig") or {}
    build["phases"] = [
        {
            "phaseType": "SUBMITTED",
            "phaseStatus": "SUCCEEDED",
            "startTime": now,
            "endTime": now,
            "durationInSeconds": 0,
        },
        {"phaseType": "QUEUED", "startTime": now},
    ]


def _of(backend: models.CodeBuildBackend) -> list[dict[str, Any]]:
    return [build for builds in backend.build_metadata_history.values() for build in builds]


def find(build_id: str) -> dict[str, Any] | None:
    """The build of this id, in whichever region has it."""
    for _, _, backend in models.codebuild_backends.iter_backends():
        for build in _of(backend):
            if build["id"] == build_id:
                return build
    return None


def change(build: dict[str, Any], fields: dict[str, Any]) -> None:
    """Lay fields over the build, by their names in BatchGetBuilds; `phases` replaces the list. Times are seconds."""
    for name, value in fields.items():
        if name in TIMES and not isinstance(value, (int, float)):
            raise ValueError(f"{name} is a number of seconds")
        build[name] = value
    if build["buildStatus"] != "IN_PROGRESS" and not build["buildComplete"]:
        build["buildComplete"] = True
        build.setdefault("endTime", time.time())
