"""What CodeBuild tells EventBridge of a build, in the form that it documents.

https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications-ref.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from . import cloud

STATE_CHANGE = "CodeBuild Build State Change"


def announce(build: dict[str, Any], status: str, log: str) -> None:
    """The build's state has changed to this one."""
    cloud.publish("aws.codebuild", STATE_CHANGE, build["arn"], state_change(build, status, log))


def state_change(build: dict[str, Any], status: str, log: str) -> dict[str, Any]:
    """The event's detail, of a build as BatchGetBuilds describes it. `log` is where a reader of it finds the log."""
    source, environment = build.get("source") or {}, build.get("environment") or {}
    group, stream = log_stream(build)
    information = {
        "artifact": {"location": ""},
        "environment": {
            "image": environment.get("image"),
            "privileged-mode": environment.get("privilegedMode", False),
            "compute-type": environment.get("computeType"),
            "type": environment.get("type"),
            "environment-variables": [
                {"name": each["name"], "type": each.get("type", "PLAINTEXT"), "value": each["value"]}
                for each in environment.get("environmentVariables") or []
            ],
        },
        "timeout-in-minutes": build.get("timeoutInMinutes"),
        "build-complete": status != "IN_PROGRESS",
        "build-number": build.get("buildNumber"),
        "initiator": "testbed",
        "build-start-time": _time(build["startTime"]),
        "source": {
            "type": source.get("type"),
            "location": source.get("location"),
            "buildspec": source.get("buildspec"),
        },
        "logs": {"group-name": group, "stream-name": stream, "deep-link": log},
        "phases": [_phase(each) for each in build.get("phases") or []],
        "queued-timeout-in-minutes": build.get("queuedTimeoutInMinutes"),
    }
    if build.get("sourceVersion"):
        information["source-version"] = build["sourceVersion"]
    return {
        "build-status": status,
        "project-name": build["projectName"],
        "build-id": build["arn"],
        "additional-information": {name: value for name, value in information.items() if value is not None},
        "current-phase": "SUBMITTED" if status == "IN_PROGRESS" else "COMPLETED",
        "current-phase-context": "[]",
        "version": "1",
    }


def log_stream(build: dict[str, Any]) -> tuple[str, str]:
    """The group and the stream of a build's log: the project's own group, or CodeBuild's for it."""
    project, _, number = build["id"].partition(":")
    group = ((build.get("logs") or {}).get("cloudWatchLogs") or {}).get("groupName")
    return group or f"/aws/codebuild/{project}", number


def _phase(phase: dict[str, Any]) -> dict[str, Any]:
    described = {"phase-type": phase["phaseType"], "start-time": _time(phase["startTime"])}
    if "endTime" in phase:
        described["end-time"] = _time(phase["endTime"])
        described["duration-in-seconds"] = phase.get("durationInSeconds", 0)
        described["phase-status"] = phase.get("phaseStatus")
        said = [f"{each['statusCode']}: {each['message']}" for each in phase.get("contexts") or []]
        described["phase-context"] = said or ["[]"]
    return described


def _time(moment: Any) -> str:
    """`Sep 1, 2017 4:12:29 PM`."""
    when = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment, UTC)
    return f"{when:%b} {when.day}, {when.year} {when.hour % 12 or 12}:{when:%M:%S %p}"
