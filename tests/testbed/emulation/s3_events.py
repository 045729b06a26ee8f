"""S3 notifications with what S3 says and moto leaves out: the version, the order, the time in UTC.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import itertools
import time
from datetime import datetime, UTC
from typing import Any
from urllib.parse import quote_plus

from moto.s3 import notifications

_count = itertools.count()


def install() -> None:
    """Change moto's S3 notifications."""
    original = notifications._get_s3_event

    def complete(event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
        event = original(event_name, bucket, key, notification_id)
        record = event["Records"][0]
        record["eventTime"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        record["userIdentity"] = {"principalId": "AWS:AIDATESTBED"}
        record["requestParameters"] = {"sourceIPAddress": "127.0.0.1"}
        record["responseElements"] = {"x-amz-request-id": "TESTBED", "x-amz-id-2": "testbed"}
        record["s3"]["bucket"]["ownerIdentity"] = {"principalId": "TESTBED"}
        described = record["s3"]["object"]
        # S3 leaves the slash as it is.
        described["key"] = quote_plus(key.name, safe="/")
        # Hexadecimal, growing with time: that is all S3 promises of it.
        described["sequencer"] = f"{time.time_ns():016X}{next(_count) % 0x100:02X}"
        if bucket.is_versioned and key.version_id:
            described["versionId"] = key.version_id
        return event

    notifications._get_s3_event = complete
