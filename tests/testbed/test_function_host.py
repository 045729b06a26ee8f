"""The function host against what AWS documents of the Lambda APIs. Run: python3 -m unittest discover tests/testbed"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent


class FunctionHostTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = Path(tempfile.mkdtemp())
        command = [sys.executable, str(HERE / "function_host.py"), "--port", "0", "--logs", str(cls.dir / "logs")]
        cls.host = subprocess.Popen([*command, "--env", "AWS_REGION=us-west-2"], stderr=subprocess.PIPE, text=True)
        cls.url = "http://" + cls.host.stderr.readline().split()[-1]

    @classmethod
    def tearDownClass(cls):
        cls.host.terminate()
        cls.host.wait(10)
        cls.host.stderr.close()
        shutil.rmtree(cls.dir)

    def setUp(self):
        # A binary of its own for each test, so that it may be replaced.
        self.binary = self.dir / f"{self._testMethodName}.py"
        shutil.copy(HERE / "fake_function.py", self.binary)
        self.binary.chmod(0o755)
        self.register()

    def call(self, method, path, body=None, headers=None):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def register(self, **changes):
        body = {"binary": str(self.binary), "handler": "start", "environment": {"MODE": "a"}, **changes}
        self.assertEqual(self.call("PUT", f"/_functions/{self._testMethodName}", body)[0], 200)

    def invoke(self, event, name=None, **headers):
        path = f"/2015-03-31/functions/{name or self._testMethodName}/invocations"
        return self.call(
            "POST", path, event, {f"X-Amz-{key.replace('_', '-')}": value for key, value in headers.items()}
        )

    def reply(self, event):
        status, headers, body = self.invoke(event)
        self.assertEqual((status, headers["X-Amz-Function-Error"]), (200, None), body)
        return json.loads(body)

    def test_answers_with_the_documented_headers(self):
        status, headers, body = self.invoke({"a": "ü"}, Log_Type="Tail")
        reply = json.loads(body)
        self.assertEqual((status, headers["X-Amz-Executed-Version"]), (200, "$LATEST"))
        self.assertEqual(reply["event"], {"a": "ü"})
        self.assertEqual(reply["arn"], f"arn:aws:lambda:us-west-2:123456789012:function:{self._testMethodName}")
        self.assertEqual(
            reply["environment"],
            {"AWS_REGION": "us-west-2", "MODE": "a", "AWS_LAMBDA_FUNCTION_NAME": self._testMethodName},
        )
        self.assertTrue(58 < reply["left"] <= 60)
        log = base64.b64decode(headers["X-Amz-Log-Result"]).decode()
        self.assertRegex(log, r"(?s)^START RequestId: .*\ninit\nevent 1: None\nEND RequestId: .*\nREPORT ")

    def test_stays_warm_until_the_binary_or_the_registration_changes(self):
        first = self.reply({})
        self.register()
        second = self.reply({})
        self.assertEqual((second["pid"], second["events"]), (first["pid"], 2))
        shutil.copy(HERE / "fake_function.py", self.dir / "new")
        (self.dir / "new").chmod(0o755)
        os.replace(self.dir / "new", self.binary)
        third = self.reply({})
        self.assertNotEqual(third["pid"], first["pid"])
        self.register(environment={"MODE": "b"})
        self.assertEqual(self.reply({})["environment"]["MODE"], "b")

    def test_a_full_arn_names_the_function(self):
        arn = f"arn:aws:lambda:us-west-2:123456789012:function:{self._testMethodName}:$LATEST"
        self.assertEqual(self.invoke({}, name=urllib.request.quote(arn, safe=""))[0], 200)

    def test_function_error(self):
        status, headers, body = self.invoke({"do": "fail"})
        self.assertEqual((status, headers["X-Amz-Function-Error"]), (200, "Unhandled"))
        self.assertEqual(json.loads(body), {"errorType": "Asked", "errorMessage": "as asked"})
        self.assertIsNone(headers["X-Amz-Log-Result"])

    def test_exit_during_an_event_and_recovery(self):
        for code, how in ((0, "without providing a reason"), (7, "with error: exit status 7")):
            _, headers, body = self.invoke({"do": "exit", "code": code})
            self.assertEqual(headers["X-Amz-Function-Error"], "Unhandled")
            self.assertRegex(json.loads(body)["errorMessage"], f"^RequestId: .* Error: Runtime exited {how}$")
            self.assertEqual(json.loads(body)["errorType"], "Runtime.ExitError")
        self.assertEqual(self.reply({})["events"], 1)

    def test_timeout(self):
        self.register(timeout=0.5)
        _, headers, body = self.invoke({"do": "sleep", "seconds": 30}, Log_Type="Tail")
        self.assertEqual(headers["X-Amz-Function-Error"], "Unhandled")
        self.assertRegex(json.loads(body)["errorMessage"], "Task timed out after 0.50 seconds$")
        self.assertEqual(self.reply({})["events"], 1)

    def test_init_failures(self):
        self.register(handler="broken_init")
        self.assertEqual(
            json.loads(self.invoke({})[2]), {"errorType": "Init.Broken", "errorMessage": "no such handler"}
        )
        self.register(handler="dies_at_init")
        _, headers, body = self.invoke({}, Log_Type="Tail")
        self.assertRegex(json.loads(body)["errorMessage"], "exit status 3$")
        self.assertIn(b"cannot start", base64.b64decode(headers["X-Amz-Log-Result"]))
        self.register(binary="/nowhere/bootstrap")
        _, headers, body = self.invoke({})
        self.assertEqual(json.loads(body)["errorType"], "Runtime.InvalidEntrypoint")
        self.assertRegex(
            json.loads(body)["errorMessage"], "Error: fork/exec /nowhere/bootstrap: no such file or directory$"
        )

    def test_requests_aws_refuses(self):
        status, headers, body = self.invoke({}, name="nobody")
        self.assertEqual((status, headers["x-amzn-ErrorType"]), (404, "ResourceNotFoundException"))
        self.assertEqual(
            json.loads(body),
            {"Type": "User", "Message": "Function not found: arn:aws:lambda:us-west-2:123456789012:function:nobody"},
        )
        status, headers, _ = self.invoke(b"{not json")
        self.assertEqual((status, headers["x-amzn-ErrorType"]), (400, "InvalidRequestContentException"))
        self.register(
            refuse={"status": 429, "type": "TooManyRequestsException", "message": "Rate exceeded", "times": 1}
        )
        self.assertEqual(self.invoke({})[0], 429)
        self.assertEqual(self.invoke({})[0], 200)

    def test_dry_run_and_configuration(self):
        self.assertEqual(self.invoke({}, Invocation_Type="DryRun")[0], 204)
        status, _, body = self.call("GET", f"/2015-03-31/functions/{self._testMethodName}/configuration")
        self.assertEqual((status, json.loads(body)["Handler"]), (200, "start"))
        self.assertEqual(self.call("DELETE", f"/_functions/{self._testMethodName}")[0], 204)
        self.assertEqual(self.invoke({}, Invocation_Type="DryRun")[0], 404)

    def test_asynchronous_events_are_tried_three_times(self):
        self.register(retry_delay=0.05)
        count = self.dir / "count"
        for event, tries in (({"do": "fail"}, 3), ({}, 1)):
            count.write_text("")
            status, _, body = self.invoke({**event, "count_in": str(count)}, Invocation_Type="Event")
            self.assertEqual((status, body), (202, b""))
            deadline = time.monotonic() + 10
            while len(count.read_text()) < tries and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(0.3)
            self.assertEqual(len(count.read_text()), tries)


if __name__ == "__main__":
    unittest.main()
