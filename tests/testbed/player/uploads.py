"""Lambda's event source mapping from the queue of uploads to data_trigger: batches, partial failures, retries.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from . import cloud

# Lambda invokes with less when the batch would not fit in a payload.
MAX_PAYLOAD = 6 * 1024 * 1024
AT_ONCE = 10
Message = dict[str, Any]


def collect(
    receive: Callable[[], list[Message]],
    window: float,
    size: int,
    over: Callable[[], bool] = lambda: False,
) -> list[Message]:
    """The next batch: it closes `window` seconds after its first message, or when it is full."""
    batch: list[Message] = []
    payload, closes = 0, 0.0
    while not over():
        received = receive()
        if received and not batch:
            closes = time.monotonic() + window
        batch += received
        payload += sum(len(json.dumps(each)) for each in received)
        if len(batch) + AT_ONCE > size or payload > MAX_PAYLOAD - 256 * 1024 * AT_ONCE:
            break
        if batch and time.monotonic() >= closes:
            break
        if not received:
            time.sleep(0.1)
    return batch


def deliver(
    batch: list[Message],
    invoke: Callable[[dict[str, Any]], tuple[bool, Any]],
    delete: Callable[[list[Message]], None],
    arn: str,
) -> int:
    """Hand a batch to the function and delete what it has dealt with; how many messages that is."""
    succeeded, answer = invoke({"Records": [_record(each, arn) for each in batch]})
    if not succeeded:
        return 0
    failures = (answer or {}).get("batchItemFailures") or []
    failed = {each["itemIdentifier"] for each in failures}
    unknown = failed - {each["MessageId"] for each in batch}
    # An answer that names what was not in the batch fails all of it.
    done = [] if unknown else [each for each in batch if each["MessageId"] not in failed]
    if done:
        delete(done)
    return len(done)


def _record(message: Message, arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": cloud.REGION,
    }


class Mapping:
    """The mapping of one queue to one function."""

    def __init__(self, queue: str, function: str, window: float, size: int, caller: cloud.Caller = cloud.OWNER) -> None:
        # Lambda reads the queue with the function's role, and invokes its own function without asking.
        self.caller = caller
        self.function, self.window, self.size = function, window, size
        self.url = cloud.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{cloud.REGION}:{cloud.ACCOUNT}:{queue}"

    def begin(self) -> None:
        """Lambda looks at the queue before it reads from it.

        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
        """
        self.caller.client("sqs").get_queue_attributes(QueueUrl=self.url, AttributeNames=["VisibilityTimeout"])

    def next_batch(self, over: Callable[[], bool]) -> list[Message]:
        """Wait for a batch."""
        return collect(self._receive, self.window, self.size, over)

    def hand_over(self, batch: list[Message]) -> int:
        """Invoke the function with it; how many messages are dealt with."""
        return deliver(batch, self._invoke, self._delete, self.arn)

    def _receive(self) -> list[Message]:
        answer = self.caller.client("sqs").receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=AT_ONCE, MessageSystemAttributeNames=["All"]
        )
        return answer.get("Messages", [])

    def _invoke(self, event: dict[str, Any]) -> tuple[bool, Any]:
        answer = cloud.client("lambda").invoke(FunctionName=self.function, Payload=json.dumps(event).encode())
        body = json.loads(answer["Payload"].read() or b"null")
        return "FunctionError" not in answer, body

    def _delete(self, messages: list[Message]) -> None:
        for start in range(0, len(messages), AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]}
                for number, each in enumerate(messages[start : start + AT_ONCE])
            ]
            self.caller.client("sqs").delete_message_batch(QueueUrl=self.url, Entries=entries)
