#!/usr/bin/env python3
"""moto's server, with emulation/ on top, and a door for tests to set what AWS would come to by itself.

    moto_server.py --host 127.0.0.1 --port 24566

    PUT /_testbed/jobs/{name}    DescribeTrainingJob's own fields, laid over the job; null takes one away:
        {"TrainingJobStatus": "Failed", "SecondaryStatus": "Failed", "FailureReason": "AlgorithmError: …",
         "TrainingStartTime": "2026-11-24T04:12:05Z", "TrainingEndTime": "…", "BillableTimeInSeconds": 61,
         "FinalMetricDataList": [{"MetricName": "accuracy", "Value": 0.97}]}
    PUT /_testbed/builds/{id}    BatchGetBuilds' own fields: {"buildStatus": "FAILED", "currentPhase": "COMPLETED"}
    PUT /_testbed/events         an AWS service's own event, which PutEvents would refuse:
        {"region": "us-west-2", "source": "aws.sagemaker", "detail-type": "…", "resources": [], "detail": {…}}
    PUT /_testbed/schedules      the time of a rule's schedule has come: {"region": "us-west-2", "rule": "name"}
    PUT /_testbed/sessions       a service takes a role, for one of its resources: credentials, or 403 with the reason:
        {"role": arn, "service": "codebuild.amazonaws.com", "source": arn, "repository": arn or "", "push": bool}
    PUT /_testbed/calls          whether a session may do something that is not done here; 403 with the reason if not:
        {"access_key": "ASIA…", "action": "lambda:InvokeFunction", "resource": arn}
    PUT /_testbed/functions      Lambda's part after an event, with the function's role:
        {"access_key": "ASIA…", "region": "…", "group": "…", "stream": "…", "lines": […]} or
        {"access_key": "ASIA…", "dead_letters": arn, "event": …}
    GET /_testbed/permissions/{stack}    what its policies allowed and denied, and which of it was never used
    GET /_testbed/health         {"source": digest of these files}

`?region=` says which region's job is meant where several have one of this name. The answer is 404 for what is unknown.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

HERE = Path(__file__).resolve().parent
# The testbed's function host.
FUNCTIONS = "http://127.0.0.1:24567"

NOUNS = ("jobs", "builds", "events", "schedules", "sessions", "calls", "functions")


def source_digest() -> str:
    """What tells one state of these files from the next."""
    packages = (HERE / "emulation", HERE / "permissions")
    programs = [HERE / "moto_server.py", HERE / "emulators.py"]
    files = [*programs, *(file for each in packages for file in sorted(each.glob("*.py")))]
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in files)).hexdigest()


class WithDoor:
    """A WSGI application: ours under /_testbed/, moto's elsewhere."""

    def __init__(self, moto: Callable[..., Iterable[bytes]]) -> None:
        self.moto = moto
        self.source = source_digest()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        if not path.startswith("/_testbed/"):
            return self.moto(environ, start_response)
        status, answer = self._answer(environ, path.removeprefix("/_testbed/"))
        body = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: dict[str, Any], path: str) -> tuple[str, dict[str, Any]]:
        from emulation import permissions_door as permissions

        if path == "health":
            return "200 OK", {"source": self.source}
        noun, _, name = path.partition("/")
        if environ["REQUEST_METHOD"] == "GET" and noun == "permissions":
            return permissions.report(unquote(name))
        if environ["REQUEST_METHOD"] != "PUT" or noun not in NOUNS:
            return "404 Not Found", {"message": "no such path"}
        region = parse_qs(environ.get("QUERY_STRING", "")).get("region", [None])[0]
        try:
            fields = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            if noun in permissions.ASKED:
                return permissions.ASKED[noun](fields)
            if noun == "events":
                return "200 OK", {"targets": publish(fields)}
            if noun == "schedules":
                return "200 OK", {"targets": rules().fire(fields["region"], fields["rule"])}
            known = set_job(unquote(name), region, fields) if noun == "jobs" else set_build(unquote(name), fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return "400 Bad Request", {"message": repr(error)}
        return ("200 OK", {}) if known else ("404 Not Found", {"message": f"unknown: {name}"})


def set_job(name: str, region: str | None, fields: dict[str, Any]) -> bool:
    """Lay fields over a training job; False when there is none."""
    from emulation import training_jobs

    job = training_jobs.find(name, region)
    if job is not None:
        training_jobs.change(job, fields)
    return job is not None


def set_build(build_id: str, fields: dict[str, Any]) -> bool:
    """Lay fields over a build; False when there is none."""
    from emulation import builds

    build = builds.find(build_id)
    if build is not None:
        builds.change(build, fields)
    return build is not None


def publish(event: dict[str, Any]) -> int:
    """Send an event to the rules of the default bus; how many targets got it."""
    return rules().publish(
        event["region"], event["source"], event["detail-type"], event.get("resources", []), event["detail"]
    )


def rules() -> Any:
    """EventBridge's part, once moto is loaded."""
    from emulation import rules

    return rules


def application(functions: str) -> Callable[..., Iterable[bytes]]:
    """moto with our additions; events of it go to the function host `functions`."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from emulation import (
        builds,
        cloudformation,
        delivery,
        functions as lambda_functions,
        passwords,
        quotas,
        s3_answers,
        s3_events,
        simulation,
        tables,
        templates,
        training_jobs,
    )
    from permissions.enforcement import Enforced

    changed = (
        training_jobs,
        builds,
        s3_answers,
        s3_events,
        cloudformation,
        templates,
        lambda_functions,
        tables,
        passwords,
        quotas,
        simulation,
    )
    for each in changed:
        each.install()
    delivery.install(functions)
    return WithDoor(Enforced(DomainDispatcherApplication(create_backend_app)))


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-H", "--host", default="127.0.0.1")
    parser.add_argument("-p", "--port", type=int, required=True)
    parser.add_argument("--functions", default=FUNCTIONS, help="the function host, where events go")
    given = parser.parse_args()
    # moto reads its own port from there where it names itself in an answer.
    os.environ["MOTO_PORT"] = str(given.port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    from werkzeug.serving import run_simple

    run_simple(given.host, given.port, application(given.functions), threaded=True)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
