#!/usr/bin/env python3
"""AWS between a pipeline's calls: GitHub's webhook, CodeBuild, SageMaker and the events that tie them together.

moto answers API calls; nothing in it builds, trains or tells anybody. This program does, for the pipelines it is told
of, and leaves everything else in the account alone:

    PUT /_pipelines/{name}    {"binary": "/path/to/sgbuild", "source": "/path/to/repository", …}: player/pipeline.py
        makes what the stack makes (buckets, queue, table, topic, functions, build project, rules), where missing;
        with {"stack": "name", "source": …} it takes what that stack has made, and its program out of the stack's code;
        with {"template": "/path", "parameters": {…}, "binary": …, "source": …} it creates that stack first;
        a commit on the branch     starts a build of it
        a build                    runs the phases of buildspec.yml in a clean checkout
        an upload                  reaches data_trigger through the queue, in batches
        a training job             whose output goes to the artifact bucket runs in its container
        a model, a state change    reach record_result, sometimes twice
        a schedule                 fires its rule; a minute lasts as long as {"minute": seconds} says
    GET /_pipelines/{name}    what it did: {"builds": […], "jobs": […], "batches": […], "troubles": […]}, oldest first;
                              a trouble is one of the testbed's own, which nobody should wait out;
                              "denied": what a stack's roles asked for and its policies do not allow, "lost": how
                              many events wait in its dead letters
    POST /_pipelines/{name}/schedules    every schedule's time has come, whatever it says
    DELETE /_pipelines/{name} ends the playing, its events and its functions; data, table and history in AWS stay

Runs in the testbed's environment (AWS_ENDPOINT_URL is moto_server.py, AWS_ENDPOINT_URL_LAMBDA the function host).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from player import cloud, stack
from player.build import Build
from player.pipeline import Pipeline, ensure, forget
from player.schedules import Schedules
from player.training import Training
from player.uploads import Mapping

HERE = Path(__file__).resolve().parent
POLL_SECONDS = 0.3


def source_digest() -> str:
    """What tells one state of these files from the next."""
    files = [HERE / "cloud_player.py", *sorted((HERE / "player").glob("*.py"))]
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in files)).hexdigest()


class Played:
    """A pipeline that is played, and what has happened in it."""

    def __init__(self, pipeline: Pipeline, logs: Path) -> None:
        self.pipeline, self.logs = pipeline, logs
        self.over = threading.Event()
        self.history: dict[str, list[dict[str, Any]]] = {"builds": [], "jobs": [], "batches": [], "troubles": []}
        self.foreign: set[str] = set()
        self.head = self._head()
        self.schedules = Schedules(pipeline.schedules, pipeline.minute)

    def start(self) -> None:
        """Play in threads of its own."""
        mapping = Mapping(
            self.pipeline.queue,
            self.pipeline.functions["data_trigger"],
            self.pipeline.batching_window,
            self.pipeline.batch_size,
            self.pipeline.as_function(self.pipeline.functions["data_trigger"]),
        )
        mapping.begin()
        for look in (self._look_at_commits, self._look_at_builds, self._look_at_jobs, self.schedules.fire_due):
            self._keep(look, POLL_SECONDS)
        self._keep(lambda: self._next_batch(mapping), 0)

    def _keep(self, look: Callable[[], None], pause: float) -> None:
        """Do it again and again until the pipeline is over; what fails is told to whoever asks, and tried again."""

        def loop() -> None:
            while not self.over.wait(pause):
                try:
                    look()
                except Exception:  # noqa: BLE001 (the emulator may restart under us)
                    if not self.over.is_set():
                        self._trouble(traceback.format_exc())
                    self.over.wait(1)

        threading.Thread(target=loop, daemon=True).start()

    def told(self) -> dict[str, Any]:
        """What happened, what a stack's policies denied, and how many events were lost."""
        if not self.pipeline.stack:
            return {**self.history, "denied": [], "lost": 0}
        denied = cloud.permissions(self.pipeline.stack)["denied"]
        return {**self.history, "denied": denied, "lost": cloud.messages_in(self.pipeline.dead_letters)}

    def _trouble(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
        self.history["troubles"].append({"time": time.time(), "trouble": text})

    def _head(self) -> str:
        found = subprocess.run(
            [
                "git",
                "-C",
                self.pipeline.source,
                "rev-parse",
                "--quiet",
                "--verify",
                f"refs/heads/{self.pipeline.branch}",
            ],
            capture_output=True,
            check=False,
            text=True,
        )
        return found.stdout.strip()

    def _look_at_commits(self) -> None:
        """The webhook: a push to the branch starts a build of it."""
        head = self._head()
        if head and head != self.head:
            cloud.client("codebuild").start_build(projectName=self.pipeline.project, sourceVersion=head)
            self.head = head

    def _look_at_builds(self) -> None:
        known = {each["id"] for each in self.history["builds"]}
        listed = cloud.client("codebuild").list_builds_for_project(projectName=self.pipeline.project)["ids"]
        fresh = [each for each in reversed(listed) if each not in known]
        if not fresh:
            return
        for build in cloud.client("codebuild").batch_get_builds(ids=fresh)["builds"]:
            played = Build(self.pipeline, build, self.logs)
            entry = {"id": played.id, "commit": build.get("sourceVersion"), "log": str(played.log)}
            self._play("builds", entry, played.play)

    def _look_at_jobs(self) -> None:
        known = {each["name"] for each in self.history["jobs"]} | self.foreign
        client = cloud.client("sagemaker")
        pages = client.get_paginator("list_training_jobs").paginate(StatusEquals="InProgress")
        names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
        for name in (each for each in names if each not in known):
            job = client.describe_training_job(TrainingJobName=name)
            bucket = job["OutputDataConfig"]["S3OutputPath"].removeprefix("s3://").partition("/")[0]
            if bucket != self.pipeline.artifact_bucket:
                self.foreign.add(name)
                continue
            played = Training(self.pipeline, job, self.logs)
            self._play("jobs", {"name": name, "image": played.image, "log": str(played.log)}, played.play)

    def _next_batch(self, mapping: Mapping) -> None:
        batch = mapping.next_batch(self.over.is_set)
        if batch:
            self.history["batches"].append({"messages": len(batch), "done": mapping.hand_over(batch)})

    def _play(self, kind: str, entry: dict[str, Any], play: Callable[[], str]) -> None:
        """Let it run beside everything else, as AWS does."""
        entry["status"] = "IN_PROGRESS"
        self.history[kind].append(entry)

        def run() -> None:
            try:
                entry["status"] = play()
            except Exception:  # noqa: BLE001 (shown to whoever asks)
                entry["status"], entry["trouble"] = "TROUBLE", traceback.format_exc()
                self._trouble(entry["trouble"])

        threading.Thread(target=run, daemon=True).start()


class Player:
    """Every pipeline that is played."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.lock = threading.Lock()
        self.pipelines: dict[str, Played] = {}

    def register(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make and play a pipeline; one of the same name ends first."""
        pipeline = self._pipeline(name, body)
        with self.lock:
            self._end(name)
            ensure(pipeline)
            played = Played(pipeline, self.logs)
            played.start()
            self.pipelines[name] = played
        return pipeline.described()

    def _pipeline(self, name: str, body: dict[str, Any]) -> Pipeline:
        if template := body.pop("template", ""):
            stack.launch(name, template, body["binary"], body.pop("parameters", {}))
            body["stack"] = name
        if known := body.pop("stack", ""):
            return stack.adopt(name, known, body, self.logs)
        return Pipeline.read(name, body)

    def remove(self, name: str) -> bool:
        """End the playing."""
        with self.lock:
            return self._end(name)

    def _end(self, name: str) -> bool:
        played = self.pipelines.pop(name, None)
        if played:
            played.over.set()
            forget(played.pipeline)
        return played is not None


class Api(BaseHTTPRequestHandler):
    """Registration and history."""

    protocol_version = "HTTP/1.1"
    player: Player
    source: str

    def _answer(self, status: int, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _name(self) -> str | None:
        found = re.fullmatch(r"/_pipelines/([a-z0-9][a-z0-9-]{1,40})", self.path)
        return found[1] if found else None

    def do_GET(self) -> None:
        """The health, or a pipeline's history."""
        if self.path == "/_health":
            return self._answer(200, {"source": self.source, "pipelines": sorted(self.player.pipelines)})
        played = self.player.pipelines.get(self._name() or "")
        if played is None:
            return self._answer(404, {"message": "no such pipeline"})
        return self._answer(200, played.told())

    def do_PUT(self) -> None:
        """Register."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name = self._name()
        if name is None:
            return self._answer(404, {"message": "a name is 2 to 41 of a-z, 0-9 and -"})
        try:
            return self._answer(200, self.player.register(name, json.loads(body)))
        except Exception as error:  # noqa: BLE001 (the caller is to see it)
            traceback.print_exc()
            return self._answer(500, {"message": repr(error)})

    def do_POST(self) -> None:
        """Let the schedules' time come."""
        found = re.fullmatch(r"/_pipelines/([a-z0-9-]+)/schedules", self.path)
        played = self.player.pipelines.get(found[1]) if found else None
        if played is None:
            return self._answer(404, {"message": "no such pipeline"})
        return self._answer(200, {"fired": played.schedules.fire_all()})

    def do_DELETE(self) -> None:
        """Forget."""
        known = self.player.remove(self._name() or "")
        self._answer(200 if known else 404, {})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
        pass


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--logs", type=Path, required=True, help="where logs of builds and trainings go")
    given = parser.parse_args()
    given.logs.mkdir(parents=True, exist_ok=True)
    api = type("BoundApi", (Api,), {"player": Player(given.logs), "source": source_digest()})
    server = ThreadingHTTPServer(("127.0.0.1", given.port), api)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    print(f"cloud player on 127.0.0.1:{server.server_address[1]}", file=sys.stderr, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
