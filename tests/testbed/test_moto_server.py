"""moto with emulation/ on top against what AWS documents. Needs the testbed's Python (boto3, moto)."""

import json
import socket
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

HERE = Path(__file__).resolve().parent
REGION = "us-west-2"


def free_port():
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Emulator:
    """A moto of the test's own, and clients of it."""

    def __init__(self, *arguments):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "moto_server.py"), "--port", str(self.port), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(self.url + "/_testbed/health"):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def client(self, service, **keys):
        """A boto3 client of one service, of the account's owner unless there are other keys."""
        keys = keys or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)

    def put(self, path, body):
        """The status of a PUT at the tests' door."""
        return self.asked("PUT", path, body)[0]

    def asked(self, method, path, body=None):
        """Status and answer at the tests' door."""
        request = urllib.request.Request(f"{self.url}/_testbed/{path}", json.dumps(body).encode(), method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def close(self):
        """End it."""
        self.process.terminate()
        self.process.wait(10)


class MotoServerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator()
        cls.sagemaker = cls.emulator.client("sagemaker")

    @classmethod
    def tearDownClass(cls):
        cls.emulator.close()

    def create(self, name, **changes):
        request = {
            "TrainingJobName": name,
            "RoleArn": "arn:aws:iam::123456789012:role/training",
            "AlgorithmSpecification": {
                "TrainingImage": "image@sha256:1f",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy=(.*)"}],
            },
            "OutputDataConfig": {"S3OutputPath": "s3://output/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            **changes,
        }
        return self.sagemaker.create_training_job(**request)

    def describe(self, name):
        return self.sagemaker.describe_training_job(TrainingJobName=name)

    def test_a_job_is_in_progress_until_it_is_told_otherwise(self):
        self.create("one", Environment={"A": "b"})
        job = self.describe("one")
        self.assertEqual((job["TrainingJobStatus"], job["SecondaryStatus"]), ("InProgress", "Starting"))
        self.assertEqual(job["Environment"], {"A": "b"})
        self.assertEqual(
            job["AlgorithmSpecification"]["MetricDefinitions"], [{"Name": "accuracy", "Regex": "accuracy=(.*)"}]
        )
        for absent in ("TrainingEndTime", "FailureReason", "FinalMetricDataList", "BillableTimeInSeconds"):
            self.assertNotIn(absent, job)
        ended = {
            "TrainingJobStatus": "Failed",
            "SecondaryStatus": "Failed",
            "FailureReason": "AlgorithmError: no",
            "TrainingStartTime": "2026-11-24T04:12:05Z",
            "TrainingEndTime": "2026-11-24T04:13:06Z",
            "BillableTimeInSeconds": 61,
            "FinalMetricDataList": [{"MetricName": "accuracy", "Value": 0.5}],
        }
        self.assertEqual(self.emulator.put("jobs/one", ended), 200)
        job = self.describe("one")
        self.assertEqual(job["FailureReason"], "AlgorithmError: no")
        self.assertEqual(job["TrainingEndTime"].timestamp() - job["TrainingStartTime"].timestamp(), 61)
        self.assertEqual(job["BillableTimeInSeconds"], 61)
        self.assertEqual(job["FinalMetricDataList"][0]["Value"], 0.5)
        self.assertEqual([each["Status"] for each in job["SecondaryStatusTransitions"]], ["Starting", "Failed"])
        summaries = self.sagemaker.list_training_jobs(StatusEquals="Failed")["TrainingJobSummaries"]
        self.assertEqual([each["TrainingJobName"] for each in summaries], ["one"])

    def test_a_name_is_used_once(self):
        self.create("twice", HyperParameters={"a": "1"})
        with self.assertRaises(ClientError) as raised:
            self.create("twice", HyperParameters={"a": "2"})
        self.assertEqual(raised.exception.response["Error"]["Code"], "ResourceInUse")
        self.assertEqual(self.describe("twice")["HyperParameters"], {"a": "1"})

    def test_a_job_is_stopped_once(self):
        self.create("stopped")
        self.sagemaker.stop_training_job(TrainingJobName="stopped")
        self.assertEqual(self.describe("stopped")["TrainingJobStatus"], "Stopping")
        self.emulator.put("jobs/stopped", {"TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped"})
        with self.assertRaisesRegex(ClientError, "in status Stopped"):
            self.sagemaker.stop_training_job(TrainingJobName="stopped")
        with self.assertRaisesRegex(ClientError, "Could not find"):
            self.sagemaker.stop_training_job(TrainingJobName="nobody")

    def test_the_door_refuses_what_it_does_not_know(self):
        self.create("named")
        self.assertEqual(self.emulator.put("jobs/nobody", {"TrainingJobStatus": "Failed"}), 404)
        self.assertEqual(self.emulator.put("jobs/named", {"TrainingJobName": "other"}), 400)
        self.assertEqual(self.emulator.put("jobs/named", ["x"]), 400)
        self.assertEqual(self.emulator.put("jobs/named?region=eu-west-1", {}), 404)
        self.assertEqual(self.emulator.put("builds/nobody:1", {}), 404)
        self.assertEqual(self.emulator.put("elsewhere", {}), 404)

    def test_builds_take_their_time(self):
        codebuild = self.emulator.client("codebuild")
        codebuild.create_project(
            name="project",
            source={"type": "GITHUB", "location": "https://example.com/repo"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole="arn:aws:iam::123456789012:role/build",
        )
        first = codebuild.start_build(projectName="project", idempotencyToken="t")["build"]["id"]
        again = codebuild.start_build(projectName="project", idempotencyToken="t")["build"]["id"]
        second = codebuild.start_build(projectName="project", sourceVersion="abc")["build"]["id"]
        self.assertEqual(first, again)
        self.assertEqual(codebuild.list_builds_for_project(projectName="project")["ids"], [second, first])
        found = codebuild.batch_get_builds(ids=[second, "project:none"])
        self.assertEqual(found["buildsNotFound"], ["project:none"])
        build = found["builds"][0]
        self.assertEqual((build["buildStatus"], build["currentPhase"]), ("IN_PROGRESS", "QUEUED"))
        self.assertEqual((build["sourceVersion"], build["buildNumber"]), ("abc", 2))
        self.emulator.put(f"builds/{second}", {"buildStatus": "FAILED", "currentPhase": "COMPLETED"})
        codebuild.stop_build(id=first)
        builds = codebuild.batch_get_builds(ids=[second, first])["builds"]
        self.assertEqual([each["buildStatus"] for each in builds], ["FAILED", "STOPPED"])
        self.assertTrue(all(each["buildComplete"] and each["endTime"] for each in builds))

    def test_a_stack_that_cannot_be_created_is_rolled_back(self):
        """Nothing of it stays, not even what it would retain, and its events say which resource was to blame."""
        cloudformation, ecr = self.emulator.client("cloudformation"), self.emulator.client("ecr")
        ecr.create_repository(repositoryName="taken")
        resources = {
            "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": "rolled"}},
            "Images": {
                "Type": "AWS::ECR::Repository",
                "DependsOn": "Bucket",
                "Properties": {"RepositoryName": "taken"},
            },
            "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "Images"},
        }
        names = {"StackName": "failing", "ChangeSetName": "first"}
        template = json.dumps({"Resources": resources})
        cloudformation.create_change_set(**names, ChangeSetType="CREATE", TemplateBody=template)
        cloudformation.execute_change_set(**names, RetainExceptOnCreate=True)
        (stack,) = cloudformation.describe_stacks(StackName="failing")["Stacks"]
        self.assertEqual(stack["StackStatus"], "ROLLBACK_COMPLETE")
        events = cloudformation.describe_stack_events(StackName="failing")["StackEvents"]
        failed = [each for each in reversed(events) if each["ResourceStatus"] == "CREATE_FAILED"]
        self.assertEqual([each["LogicalResourceId"] for each in failed], ["Images", "Topic"])
        self.assertIn("already exists", failed[0]["ResourceStatusReason"])
        self.assertNotIn("rolled", [each["Name"] for each in self.emulator.client("s3").list_buckets()["Buckets"]])
        self.assertEqual(cloudformation.describe_stack_resources(StackName="failing")["StackResources"], [])

    def test_a_long_template_comes_from_s3(self):
        cloudformation, s3 = self.emulator.client("cloudformation"), self.emulator.client("s3")
        template = {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": "x" * 51_200,
            "Parameters": {"Title": {"Type": "String"}},
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Title"}}}},
        }
        given = [{"ParameterKey": "Title", "ParameterValue": "trainings"}]
        names = {"StackName": "long", "ChangeSetName": "first", "ChangeSetType": "CREATE"}
        with self.assertRaisesRegex(ClientError, "less than or equal to 51200"):
            cloudformation.create_change_set(**names, TemplateBody=json.dumps(template))
        s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="code", Key="a/long.template", Body=json.dumps(template).encode())
        url = f"{self.emulator.url}/code/a/long.template"
        with self.assertRaisesRegex(ClientError, "does not exist"):
            cloudformation.create_change_set(**names, TemplateURL=url + "er")
        with self.assertRaisesRegex(ClientError, "supported URL"):
            cloudformation.create_change_set(**names, TemplateURL=url + "?X-Amz-Signature=0")
        self.assertEqual(cloudformation.get_template_summary(TemplateURL=url)["ResourceTypes"], ["AWS::SNS::Topic"])
        cloudformation.create_stack(StackName="long", TemplateURL=url, Parameters=given)
        # By AWS's own name for it, too.
        url = f"https://code.s3.{REGION}.amazonaws.com/a/long.template"
        with self.assertRaisesRegex(ClientError, "No updates"):
            cloudformation.update_stack(StackName="long", TemplateURL=url, Parameters=given)

    def test_s3_says_which_version_was_created(self):
        s3, sqs = self.emulator.client("s3"), self.emulator.client("sqs")
        s3.create_bucket(Bucket="watched", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket="watched", VersioningConfiguration={"Status": "Enabled"})
        queue = sqs.create_queue(QueueName="uploads")["QueueUrl"]
        rule = {"Name": "prefix", "Value": "input/"}
        s3.put_bucket_notification_configuration(
            Bucket="watched",
            NotificationConfiguration={
                "QueueConfigurations": [
                    {
                        "QueueArn": f"arn:aws:sqs:{REGION}:123456789012:uploads",
                        "Events": ["s3:ObjectCreated:*"],
                        "Filter": {"Key": {"FilterRules": [rule]}},
                    }
                ]
            },
        )
        put = s3.put_object(Bucket="watched", Key="input/a b+ü.csv", Body=b"1")
        s3.put_object(Bucket="watched", Key="elsewhere", Body=b"1")
        s3.copy_object(Bucket="watched", Key="input/copy", CopySource={"Bucket": "watched", "Key": "elsewhere"})
        upload = s3.create_multipart_upload(Bucket="watched", Key="input/parts")["UploadId"]
        part = s3.upload_part(Bucket="watched", Key="input/parts", UploadId=upload, PartNumber=1, Body=b"1")
        parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
        s3.complete_multipart_upload(Bucket="watched", Key="input/parts", UploadId=upload, MultipartUpload=parts)
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
        bodies = [json.loads(each["Body"]) for each in messages]
        self.assertEqual([each["Event"] for each in bodies if "Event" in each], ["s3:TestEvent"])
        records = [each["Records"][0] for each in bodies if "Records" in each]
        self.assertEqual(
            [(each["eventName"], each["s3"]["object"]["key"]) for each in records],
            [
                ("ObjectCreated:Put", "input/a+b%2B%C3%BC.csv"),
                ("ObjectCreated:Copy", "input/copy"),
                # One more than S3 sends; S3 itself may repeat any of them.
                ("ObjectCreated:Put", "input/parts"),
                ("ObjectCreated:CompleteMultipartUpload", "input/parts"),
            ],
        )
        self.assertEqual(records[0]["s3"]["object"]["versionId"], put["VersionId"])
        order = [each["s3"]["object"]["sequencer"] for each in records]
        self.assertEqual(order, sorted(order))

    def test_of_writers_under_one_condition_one_wins(self):
        tables = self.emulator.client("dynamodb")
        key = {"AttributeName": "name", "KeyType": "HASH"}
        named = {"AttributeName": "name", "AttributeType": "S"}
        tables.create_table(TableName="t", BillingMode="PAY_PER_REQUEST", KeySchema=[key], AttributeDefinitions=[named])
        tables.put_item(TableName="t", Item={"name": {"S": "one"}})
        # Many attributes, the claim last: a long time between the look at the condition and the write that ends it.
        attributes = [*(f"a{number}" for number in range(100)), "claim"]

        def claims(client):
            try:
                client.update_item(
                    TableName="t",
                    Key={"name": {"S": "one"}},
                    UpdateExpression="SET " + ", ".join(f"{attribute} = :one" for attribute in attributes),
                    ConditionExpression="attribute_not_exists(claim)",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                )
            except tables.exceptions.ConditionalCheckFailedException:
                return False
            return True

        clients = [self.emulator.client("dynamodb") for _ in range(8)]
        with ThreadPoolExecutor(len(clients)) as threads:
            self.assertEqual(sum(threads.map(claims, clients)), 1)


if __name__ == "__main__":
    unittest.main()
