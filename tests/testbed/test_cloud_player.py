"""The cloud player against what AWS documents of builds, batches and events. Needs the testbed's Python."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

from emulation import rules
from player import build, build_events, opt_ml, schedules, uploads
from test_moto_server import REGION, Emulator, free_port

HERE = Path(__file__).resolve().parent


class PhasesTest(unittest.TestCase):
    """CodeBuild's phases, in a directory of the test's own."""

    def setUp(self):
        self.lines = []
        self.dir = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.dir)

    def run_phases(self, phases, begin=lambda name: True, **env):
        spec = {"version": 0.2, "env": env, "phases": phases}
        environment = {"PATH": os.environ["PATH"], "FROM_STACK": "stack"}
        done = build.run_phases(spec, self.dir, environment, self.lines.append, begin)
        return [(phase.name, phase.succeeded) for phase in done], done

    def said(self):
        return [line for line in self.lines if not line.startswith("[Container]")]

    def test_phases_run_in_order_each_in_a_fresh_shell(self):
        ended, done = self.run_phases(
            {
                "post_build": {"commands": ['echo "post ${MADE-none} $PWD"']},
                "build": {"commands": ["echo build $FROM_STACK $FROM_SPEC $NUMBER"]},
                "install": {"commands": ["cd /", "export MADE=yes", 'echo "install $MADE $PWD"']},
            },
            variables={"FROM_SPEC": "spec", "FROM_STACK": "overridden by the stack", "NUMBER": 3},
        )
        self.assertEqual(ended, [("install", True), ("build", True), ("post_build", True)])
        self.assertEqual(self.said(), ["install yes /", "build stack spec 3", f"post none {self.dir}"])
        self.assertEqual(done[0].described()["phaseType"], "INSTALL")

    def test_the_first_failing_command_ends_its_phase_and_the_build(self):
        ended, done = self.run_phases(
            {
                "install": {"commands": ["true"]},
                "pre_build": {"commands": ["echo before", "sh -c 'exit 7'", "echo after"], "finally": ["echo tidy"]},
                "build": {"commands": ["echo build"]},
                "post_build": {"commands": ["echo post"]},
            }
        )
        self.assertEqual(ended, [("install", True), ("pre_build", False)])
        self.assertEqual(self.said(), ["before", "tidy"])
        self.assertEqual(
            done[1].described()["contexts"][0]["message"],
            "Error while executing command: sh -c 'exit 7'. Reason: exit status 7",
        )

    def test_post_build_follows_a_failed_build_and_knows_it(self):
        phases = {
            "build": {"commands": ["false"]},
            "post_build": {"commands": ["echo succeeding $CODEBUILD_BUILD_SUCCEEDING"]},
        }
        self.assertEqual(self.run_phases(phases)[0], [("build", False), ("post_build", True)])
        self.assertEqual(self.said(), ["succeeding 0"])
        phases["build"]["on-failure"] = "ABORT"
        self.assertEqual(self.run_phases(phases)[0], [("build", False)])

    def test_a_command_of_several_lines_is_one_command(self):
        command = "for name in a b\ndo\n  echo $name\ndone\nexport HERE='it'\"'\"'s'\n"
        self.assertEqual(self.run_phases({"build": {"commands": [command, "echo $HERE"]}})[0], [("build", True)])
        self.assertEqual(self.said(), ["a", "b", "it's"])

    def test_a_stopped_build_begins_no_further_phase(self):
        phases = {"install": {"commands": ["true"]}, "build": {"commands": ["echo build"]}}
        ended, _ = self.run_phases(phases, begin=lambda name: name != "build")
        self.assertEqual((ended, self.said()), ([("install", True)], []))

    def test_the_time_of_a_build_is_bounded_and_nothing_that_it_started_stays(self):
        marker = self.dir / "still-there"
        commands = [f"(sleep 2; touch {marker}) & sleep 60"]
        phases = {"build": {"commands": commands}, "post_build": {"commands": ["echo post"]}}
        began = time.monotonic()
        environment = {"PATH": os.environ["PATH"]}
        done = build.run_phases(
            {"version": 0.2, "phases": phases}, self.dir, environment, self.lines.append, deadline=began + 0.5
        )
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual([(phase.name, phase.status) for phase in done], [("build", "TIMED_OUT")])
        self.assertEqual(done[0].described()["phaseStatus"], "TIMED_OUT")
        time.sleep(2.5)
        self.assertFalse(marker.exists())


class EventsTest(unittest.TestCase):
    """What CodeBuild and EventBridge say, and what a rule makes of it."""

    BUILD = {
        "id": "project:1f",
        "arn": f"arn:aws:codebuild:{REGION}:123456789012:build/project:1f",
        "projectName": "project",
        "sourceVersion": "abc",
        "buildNumber": 7,
        "timeoutInMinutes": 60,
        "startTime": 1504282349,
        "source": {"type": "GITHUB", "location": "https://github.com/example/iris.git"},
        "environment": {"image": "an/image", "computeType": "BUILD_GENERAL1_SMALL", "type": "LINUX_CONTAINER"},
        "phases": [
            {
                "phaseType": "BUILD",
                "phaseStatus": "FAILED",
                "startTime": 1504282400,
                "endTime": 1504282410,
                "durationInSeconds": 10,
                "contexts": [{"statusCode": "COMMAND_EXECUTION_ERROR", "message": "exit status 1"}],
            },
            {"phaseType": "COMPLETED", "startTime": 1504282410},
        ],
    }

    def test_a_builds_end_has_the_documented_form(self):
        # https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications-ref.html
        detail = build_events.state_change(self.BUILD, "FAILED", "https://log")
        self.assertEqual((detail["build-status"], detail["project-name"]), ("FAILED", "project"))
        self.assertEqual(detail["build-id"], self.BUILD["arn"])
        self.assertEqual((detail["current-phase"], detail["version"]), ("COMPLETED", "1"))
        information = detail["additional-information"]
        self.assertEqual(information["build-start-time"], "Sep 1, 2017 4:12:29 PM")
        self.assertEqual((information["build-complete"], information["build-number"]), (True, 7))
        self.assertEqual(information["environment"]["image"], "an/image")
        self.assertEqual(
            information["logs"],
            {"group-name": "/aws/codebuild/project", "stream-name": "1f", "deep-link": "https://log"},
        )
        failed, completed = information["phases"]
        self.assertEqual(failed["phase-context"], ["COMMAND_EXECUTION_ERROR: exit status 1"])
        self.assertEqual((failed["phase-type"], failed["phase-status"]), ("BUILD", "FAILED"))
        self.assertEqual(set(completed), {"phase-type", "start-time"})
        begun = build_events.state_change(self.BUILD, "IN_PROGRESS", "")
        self.assertFalse(begun["additional-information"]["build-complete"])

    def test_a_target_gets_what_it_asks_for(self):
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
        best = 'the "best"'
        event = {"detail": {"name": best, "count": 3, "more": {"a": [1]}}}
        paths = {"name": "$.detail.name", "count": "$.detail.count", "more": "$.detail.more", "none": "$.detail.none.x"}
        for template, expected in (
            ('"<name> has <count>"', 'the "best" has 3'),
            ('"<name>, <none>."', 'the "best", .'),
            ('{"name": <name>, "text": "it is <name>"}', {"name": best, "text": f"it is {best}"}),
            ('{"more": <more>, "count": <count>}', {"more": {"a": [1]}, "count": 3}),
            ('"<unknown>"', "<unknown>"),
        ):
            self.assertEqual(rules.transformed(template, paths, event), expected, template)

    def test_a_rate_is_so_many_minutes(self):
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rate-expressions.html
        for expression, minutes in (
            ("rate(1 hour)", 60),
            ("rate(5 minutes)", 5),
            ("rate(7 days)", 10_080),
            ("cron(0 3 ? * MON *)", 0),
        ):
            self.assertEqual(schedules.period(expression), minutes, expression)


class BatchesTest(unittest.TestCase):
    """The event source mapping's own decisions."""

    @staticmethod
    def messages(*names):
        return [{"MessageId": name, "ReceiptHandle": f"handle-{name}", "Body": "{}"} for name in names]

    def test_a_batch_closes_when_its_window_does(self):
        arrivals = [[], self.messages("a"), [], self.messages("b", "c")]
        began = time.monotonic()
        batch = uploads.collect(lambda: arrivals.pop(0) if arrivals else [], window=0.5, size=10_000)
        self.assertEqual([each["MessageId"] for each in batch], ["a", "b", "c"])
        self.assertTrue(0.5 <= time.monotonic() - began < 2)

    def test_a_full_batch_does_not_wait(self):
        batch = uploads.collect(lambda: self.messages(*"abcdefghij"), window=60, size=25)
        self.assertEqual(len(batch), 20)

    def test_nothing_is_waited_for_when_it_is_over(self):
        self.assertEqual(uploads.collect(list, window=60, size=10, over=lambda: True), [])

    def deliver(self, succeeded, answer):
        deleted = []
        events = []

        def invoke(event):
            events.append(event)
            return succeeded, answer

        done = uploads.deliver(self.messages("a", "b"), invoke, deleted.extend, "arn:queue")
        self.assertEqual(events[0]["Records"][0]["eventSourceARN"], "arn:queue")
        self.assertEqual(done, len(deleted))
        return [each["MessageId"] for each in deleted]

    def test_what_the_function_does_not_name_is_dealt_with(self):
        self.assertEqual(self.deliver(True, {"batchItemFailures": [{"itemIdentifier": "a"}]}), ["b"])
        self.assertEqual(self.deliver(True, {"batchItemFailures": []}), ["a", "b"])
        self.assertEqual(self.deliver(True, None), ["a", "b"])

    def test_a_failure_leaves_the_whole_batch(self):
        self.assertEqual(self.deliver(False, {"errorMessage": "no"}), [])
        self.assertEqual(self.deliver(True, {"batchItemFailures": [{"itemIdentifier": "nobody"}]}), [])


class FailureReasonTest(unittest.TestCase):
    """What SageMaker makes of /opt/ml/output/failure."""

    def test_the_reason_is_the_beginning_of_the_file(self):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            self.assertEqual(opt_ml.failure_reason(root, 137), "AlgorithmError: , exit code: 137")
            (root / "output").mkdir()
            (root / "output" / "failure").write_text("bad row 17\n")
            self.assertEqual(opt_ml.failure_reason(root, 1), "AlgorithmError: bad row 17, exit code: 1")
            (root / "output" / "failure").write_text("x" * 5000)
            self.assertEqual(len(opt_ml.failure_reason(root, 1)), 1024)


class PlayerTest(unittest.TestCase):
    """The whole program, with a moto and a function host of the test's own; the functions keep what they get."""

    @classmethod
    def setUpClass(cls):
        cls.dir = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        host_port, port = free_port(), free_port()
        cls.emulator = Emulator("--functions", f"http://127.0.0.1:{host_port}")
        cls.addClassCleanup(cls.emulator.close)
        cls.url = f"http://127.0.0.1:{port}"
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": cls.emulator.url,
            "AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{host_port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }
        cls.begin([HERE / "function_host.py", "--port", host_port, "--logs", cls.dir / "functions"], environment)
        cls.begin([HERE / "cloud_player.py", "--port", port, "--logs", cls.dir / "player"], environment)

    @classmethod
    def begin(cls, command, environment):
        """Start a program and wait for its first line."""
        arguments = [sys.executable, *map(str, command)]
        process = subprocess.Popen(arguments, stderr=subprocess.PIPE, env=environment, text=True)
        cls.addClassCleanup(process.stderr.close)
        cls.addClassCleanup(process.wait, 10)
        cls.addClassCleanup(process.terminate)
        process.stderr.readline()

    def call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, method=method)) as answer:
            return json.load(answer)

    def play(self, name, **changes):
        """A pipeline over a repository without commits."""
        self.functions = self.dir / name
        self.functions.mkdir()
        self.source = self.functions / "source"
        self.git("init", "--quiet", "--initial-branch=main", str(self.source), inside=False)
        binary = self.functions / "function.py"
        shutil.copy(HERE / "keeping_function.py", binary)
        body = {"binary": str(binary), "source": str(self.source), "batching_window": 0.5, **changes}
        made = self.call("PUT", f"/_pipelines/{name}", body)
        self.addCleanup(self.call, "DELETE", f"/_pipelines/{name}")
        return made

    def git(self, *arguments, inside=True):
        place = ["-C", str(self.source)] if inside else []
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *place, *identity, *arguments], check=True, capture_output=True)

    def kept(self, handler):
        """The events a function got."""
        try:
            return [json.loads(line) for line in (self.functions / f"{handler}.jsonl").read_text().splitlines()]
        except OSError:
            return []

    def wait(self, what, found):
        """Wait for something to be found."""
        deadline = time.monotonic() + 30
        while not found():
            self.assertLess(time.monotonic(), deadline, f"no {what}")
            time.sleep(0.1)
        return found()

    def test_a_burst_of_uploads_is_one_event_and_a_failed_message_comes_again(self):
        made = self.play("uploads", visibility=2)
        s3 = self.emulator.client("s3")
        for number in range(25):
            s3.put_object(Bucket=made["input_bucket"], Key=f"input/data/training/{number}.csv", Body=b"1")
        s3.put_object(Bucket=made["input_bucket"], Key="input/data/training/again.csv", Body=b"1")
        s3.put_object(Bucket=made["input_bucket"], Key="elsewhere/no.csv", Body=b"1")

        def again():
            bodies = [record["body"] for event in self.kept("data_trigger") for record in event["Records"]]
            return bodies if sum("again.csv" in body for body in bodies) > 1 else None

        bodies = self.wait("second delivery", again)
        self.assertFalse([body for body in bodies if "elsewhere" in body])
        for number in range(25):
            self.assertEqual(sum(f"/{number}.csv" in body for body in bodies), 1)
        # The burst, perhaps in two because the window may close in its middle, and the message that failed.
        self.assertLessEqual(len(self.kept("data_trigger")), 3)

    def test_state_changes_follow_the_rules_and_repeat(self):
        self.play("changes")
        events = [
            ("aws.sagemaker", "changes-1", "InProgress"),
            ("aws.sagemaker", "other-1", "InProgress"),
            ("aws.other", "changes-1", "Failed"),
            ("aws.sagemaker", "changes-1", "Completed"),
            ("aws.sagemaker", "changes-1", "Completed"),
        ]
        for source, name, status in events:
            event = {"region": REGION, "source": source, "detail-type": "SageMaker Training Job State Change"}
            detail = {"TrainingJobName": name, "TrainingJobStatus": status}
            self.assertEqual(self.emulator.put("events", {**event, "detail": detail}), 200)
        # Every third delivery comes twice, and three events match.
        kept = self.wait("repeated event", lambda: len(self.kept("record_result")) > 3 and self.kept("record_result"))
        details = [(event["source"], event["detail"]["TrainingJobName"]) for event in kept]
        self.assertEqual(set(details), {("aws.sagemaker", "changes-1")})
        self.assertGreater(len(details), 3)

    def test_an_artifact_reaches_its_function(self):
        made = self.play("artifacts")
        s3 = self.emulator.client("s3")
        for key in ("some job+1/output/model.tar.gz", "job/output/output.tar.gz"):
            s3.put_object(Bucket=made["artifact_bucket"], Key=key, Body=b"1")
        kept = self.wait("artifact event", lambda: self.kept("record_result"))
        self.assertEqual(kept[0]["Records"][0]["s3"]["object"]["key"], "some+job%2B1/output/model.tar.gz")

    def commit(self, message, commands):
        """Commit a buildspec that has these commands to build with."""
        (self.source / "buildspec.yml").write_text(json.dumps({"phases": {"build": {"commands": commands}}}))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def test_a_commit_is_built_in_a_clean_checkout(self):
        self.play("commits", environment={"FROM_STACK": "it is"})
        codebuild = self.emulator.client("codebuild")
        self.commit("first", ["echo $FROM_STACK $REPO_NAME $CODEBUILD_RESOLVED_SOURCE_VERSION", "ls"])
        (self.source / "untracked").write_text("")

        def ended(count):
            ids = codebuild.list_builds_for_project(projectName="commits")["ids"]
            builds = codebuild.batch_get_builds(ids=ids)["builds"] if ids else []
            return builds if len(builds) == count and all(each["buildComplete"] for each in builds) else None

        (first,) = self.wait("build", lambda: ended(1))
        self.assertEqual((first["buildStatus"], first["currentPhase"]), ("SUCCEEDED", "COMPLETED"))
        phases = [phase["phaseType"] for phase in first["phases"]]
        self.assertEqual(phases, ["SUBMITTED", "QUEUED", "DOWNLOAD_SOURCE", "BUILD", "FINALIZING", "COMPLETED"])
        log = Path(self.call("GET", "/_pipelines/commits")["builds"][0]["log"]).read_text()
        self.assertIn(f"it is commits {first['sourceVersion']}\n", log)
        self.assertIn("buildspec.yml\n", log)
        self.assertNotIn("untracked", log)
        group = self.emulator.client("logs").get_log_events(
            logGroupName="/aws/codebuild/commits", logStreamName=first["id"].partition(":")[2]
        )
        self.assertIn("buildspec.yml", [event["message"] for event in group["events"]])

        self.commit("second", ["exit 3"])
        second, _ = self.wait("second build", lambda: ended(2))
        self.assertEqual(second["buildStatus"], "FAILED")
        failed = [phase for phase in second["phases"] if phase.get("phaseStatus") == "FAILED"]
        self.assertEqual([phase["phaseType"] for phase in failed], ["BUILD"])
        self.assertIn("exit status 3", failed[0]["contexts"][0]["message"])


if __name__ == "__main__":
    unittest.main()
