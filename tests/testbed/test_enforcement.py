"""IAM as the emulator plays it, against what AWS documents: the language of policies, what requests take, refusals."""

import json
import unittest

from botocore.exceptions import ClientError

from permissions import s3
from permissions.policy import Call, UnknownElement, decide, statements
from permissions.requests import model
from test_moto_server import REGION, Emulator

ROLE = "arn:aws:iam::123456789012:role/worker"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:queue"
BUCKET = "arn:aws:s3:::bucket"


def allow(**changes):
    """One statement."""
    return {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE, **changes}


class LanguageTest(unittest.TestCase):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"""

    def decided(self, *own, theirs=(), call=None, **context):
        """Whether a role may send a message."""
        call = call or Call("sqs:SendMessage", QUEUE, role=ROLE, context=context)
        identity = statements("Role", {"Statement": list(own)})
        return decide(call, identity, statements("QueuePolicy", {"Statement": list(theirs)})).allowed

    def test_what_nobody_allows_is_denied(self):
        self.assertFalse(self.decided())
        self.assertTrue(self.decided(allow()))
        self.assertFalse(self.decided(allow(Action="sqs:ReceiveMessage")))
        self.assertFalse(self.decided(allow(Resource=QUEUE + "2")))

    def test_actions_and_resources_have_wildcards(self):
        for action in ("sqs:*", "SQS:sendmessage", "sqs:Send?essage", "*", ["sqs:ReceiveMessage", "sqs:Send*"]):
            self.assertTrue(self.decided(allow(Action=action)), action)
        for resource in ("*", "arn:aws:sqs:*:*:que*", ["arn:aws:sns:*", QUEUE]):
            self.assertTrue(self.decided(allow(Resource=resource)), resource)
        # A dot is a dot, and a resource's case is its own.
        self.assertFalse(self.decided(allow(Resource=QUEUE.upper())))
        self.assertFalse(self.decided(allow(Resource="arn.aws:sqs:*")))

    def test_a_deny_wins(self):
        self.assertFalse(self.decided(allow(), allow(Effect="Deny")))
        denied = allow(Effect="Deny", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
        self.assertFalse(self.decided(allow(), theirs=[denied], **{"aws:SecureTransport": "false"}))
        self.assertTrue(self.decided(allow(), theirs=[denied], **{"aws:SecureTransport": "true"}))

    def test_a_resources_policy_is_about_its_principals(self):
        for principal, allowed in (
            ({"AWS": ROLE}, True),
            ({"AWS": "arn:aws:iam::123456789012:root"}, True),
            ({"AWS": "arn:aws:iam::999999999999:root"}, False),
            ({"Service": "s3.amazonaws.com"}, False),
            ("*", True),
        ):
            self.assertEqual(self.decided(theirs=[allow(Principal=principal)]), allowed, principal)
        service = Call("sqs:SendMessage", QUEUE, service="s3.amazonaws.com")
        self.assertTrue(self.decided(theirs=[allow(Principal={"Service": "s3.amazonaws.com"})], call=service))
        self.assertFalse(self.decided(theirs=[allow(Principal={"Service": "events.amazonaws.com"})], call=service))

    def test_a_condition_on_a_key_that_is_not_sent_does_not_hold(self):
        for operator in ("StringEquals", "ArnLike", "ArnEquals", "StringLike", "Bool"):
            statement = allow(Condition={operator: {"aws:SourceAccount": "*"}})
            self.assertFalse(self.decided(statement), operator)

    def test_conditions_hold_for_every_key_and_one_of_its_values(self):
        wanted = {"StringEquals": {"aws:SourceAccount": ["1", "2"]}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b*"}}
        statement = allow(Condition=wanted)
        for account, arn, allowed in (
            ("2", "arn:aws:s3:::bucket", True),
            ("3", "arn:aws:s3:::bucket", False),
            ("2", "arn:aws:s3:::other", False),
            # The parts of an ARN are compared one by one.
            ("2", "arn:aws:s3:eu:::b", False),
        ):
            keys = {"aws:SourceAccount": account, "aws:SourceArn": arn}
            self.assertEqual(self.decided(statement, **keys), allowed, keys)

    def test_variables_are_filled_in_or_match_nothing(self):
        statement = allow(Resource="arn:aws:sqs:*:${aws:PrincipalAccount}:*")
        self.assertTrue(self.decided(statement, **{"aws:PrincipalAccount": "123456789012"}))
        self.assertFalse(self.decided(statement, **{"aws:PrincipalAccount": "1"}))
        self.assertFalse(self.decided(statement))

    def test_what_is_not_known_is_an_error_and_never_allowed(self):
        for statement in (
            allow(Condition={"StringNotEquals": {"aws:SourceAccount": "1"}}),
            # Behind one that does not hold as well.
            allow(Condition={"Bool": {"a:b": "true"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            allow(NotResource="*"),
        ):
            with self.assertRaises(UnknownElement):
                self.decided(statement)
        with self.assertRaises(UnknownElement):
            self.decided(theirs=[allow(Principal={"Federated": "x"})])


class RequestsTest(unittest.TestCase):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html"""

    def operation(self, method, key, query="", **headers):
        named = {name: [""] for name in query.split("&") if name}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return s3.operation(model("s3"), method, True, key, named, given)

    def test_s3_requests_are_told_apart(self):
        for expected, *request in (
            ("GetObject", "GET", True),
            ("GetObject", "GET", True, "versionId"),
            ("HeadObject", "HEAD", True),
            ("GetObjectTagging", "GET", True, "tagging"),
            ("ListObjectsV2", "GET", False, "list-type&prefix"),
            ("ListObjects", "GET", False, "prefix"),
            ("ListObjectVersions", "GET", False, "versions&prefix"),
            ("PutObject", "PUT", True),
            ("UploadPart", "PUT", True, "partNumber&uploadId"),
            ("CreateMultipartUpload", "POST", True, "uploads"),
            ("CompleteMultipartUpload", "POST", True, "uploadId"),
            ("AbortMultipartUpload", "DELETE", True, "uploadId"),
            ("DeleteObject", "DELETE", True),
        ):
            self.assertEqual(self.operation(*request), expected, request)
        self.assertEqual(self.operation("PUT", True, x_amz_copy_source="b/k"), "CopyObject")
        self.assertEqual(self.operation("PUT", True, "partNumber&uploadId", x_amz_copy_source="b/k"), "UploadPartCopy")


class SessionsTest(unittest.TestCase):
    """A stack of the test's own, and callers with its role."""

    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator()
        cls.addClassCleanup(cls.emulator.close)
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        policy = [
            {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/input/*"},
            {"Sid": "Table", "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"},
            {
                "Sid": "Measure",
                "Effect": "Allow",
                "Action": "cloudwatch:PutMetricData",
                "Resource": "*",
                "Condition": {"StringEquals": {"cloudwatch:namespace": "ours"}},
            },
        ]
        resources = {
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "bucket"}},
            "Worker": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                    "Policies": [{"PolicyName": "work", "PolicyDocument": {"Statement": policy}}],
                },
            },
        }
        names = {"StackName": "stack", "ChangeSetName": "first"}
        cloudformation = cls.emulator.client("cloudformation")
        template = json.dumps({"Resources": resources})
        cloudformation.create_change_set(**names, ChangeSetType="CREATE", TemplateBody=template)
        cloudformation.execute_change_set(**names)
        found = cloudformation.describe_stack_resource(StackName="stack", LogicalResourceId="Worker")
        cls.role = "arn:aws:iam::123456789012:role/" + found["StackResourceDetail"]["PhysicalResourceId"]
        cls.emulator.client("s3").put_object(Bucket="bucket", Key="input/a", Body=b"1")

    def take(self, service):
        """The answer to a service that takes the role."""
        return self.emulator.asked("PUT", "sessions", {"role": self.role, "service": service})

    def client(self, service):
        status, given = self.take("lambda.amazonaws.com")
        self.assertEqual(status, 200)
        keys = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
        return self.emulator.client(service, aws_session_token=given["SessionToken"], **keys)

    def refused(self, code, action, call):
        with self.assertRaises(ClientError) as raised:
            call()
        error = raised.exception.response["Error"]
        self.assertEqual(error["Code"], code)
        if action:
            self.assertIn(f"is not authorized to perform: {action}", error["Message"])

    def test_a_role_is_taken_by_whom_it_trusts(self):
        status, said = self.take("codebuild.amazonaws.com")
        self.assertEqual(status, 403)
        self.assertIn("sts:AssumeRole", said["message"])

    def test_refusals_have_each_services_form(self):
        bucket, queues, topics = self.client("s3"), self.client("sqs"), self.client("sns")
        self.assertEqual(bucket.get_object(Bucket="bucket", Key="input/a")["Body"].read(), b"1")
        self.refused("AccessDenied", "s3:GetObject", lambda: bucket.get_object(Bucket="bucket", Key="other"))
        self.refused("AccessDenied", "s3:PutObject", lambda: bucket.put_object(Bucket="bucket", Key="input/a"))
        self.refused("403", "", lambda: bucket.head_object(Bucket="bucket", Key="other"))
        url = f"{self.emulator.url}/123456789012/q"
        self.refused(
            "AccessDeniedException", "sqs:SendMessage", lambda: queues.send_message(QueueUrl=url, MessageBody="x")
        )
        topic = f"arn:aws:sns:{REGION}:123456789012:topic"
        self.refused("AuthorizationError", "sns:Publish", lambda: topics.publish(TopicArn=topic, Message="x"))
        table = self.client("dynamodb")
        self.refused("AccessDeniedException", "dynamodb:Scan", lambda: table.scan(TableName="t"))
        self.refused("ResourceNotFoundException", "", lambda: table.get_item(TableName="t", Key={"a": {"S": "b"}}))

    def test_only_who_may_list_a_bucket_hears_that_an_object_is_missing(self):
        bucket = self.client("s3")
        self.refused("AccessDenied", "s3:ListBucket", lambda: bucket.get_object(Bucket="bucket", Key="input/none"))
        with self.assertRaisesRegex(ClientError, "NoSuchKey"):
            self.emulator.client("s3").get_object(Bucket="bucket", Key="input/none")

    def test_the_condition_keys_of_a_request_count(self):
        metrics = self.client("cloudwatch")
        data = [{"MetricName": "rows", "Value": 1}]
        metrics.put_metric_data(Namespace="ours", MetricData=data)
        with self.assertRaisesRegex(ClientError, "cloudwatch:PutMetricData"):
            metrics.put_metric_data(Namespace="theirs", MetricData=data)

    def test_a_report_tells_what_was_used_and_what_was_denied(self):
        bucket = self.client("s3")
        bucket.get_object(Bucket="bucket", Key="input/a")
        self.refused("AccessDenied", "", lambda: bucket.delete_object(Bucket="bucket", Key="input/a"))
        status, report = self.emulator.asked("GET", "permissions/stack")
        self.assertEqual(status, 200)
        self.assertIn("Worker Read s3:GetObject", report["used"])
        self.assertIn(("Worker", "s3:DeleteObject"), [(each["caller"], each["action"]) for each in report["denied"]])
        self.assertEqual(self.emulator.asked("GET", "permissions/nobodys")[0], 404)


if __name__ == "__main__":
    unittest.main()
