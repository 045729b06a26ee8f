"""S3's answers about multipart uploads under the names that S3 gives them; strict SDKs read no others.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html#API_CompleteMultipartUpload_ResponseSyntax
"""

from __future__ import annotations

import re
from typing import Any

from moto.s3.responses import S3Response

# The document's element, by what moto calls it.
NAMES = {
    "CreateMultipartUploadResponse": "InitiateMultipartUploadResult",
    "UploadPartCopyResponse": "CopyPartResult",
    "CompleteMultipartUploadResponse": "CompleteMultipartUploadResult",
}


def install() -> None:
    """Change moto's S3."""
    original = S3Response.serialized

    def serialized(self: S3Response, result: Any) -> Any:
        status, headers, body = original(self, result)
        text = body.decode() if isinstance(body, bytes) else body
        text = re.sub(r"(</?)(\w+)(?=[ >])", lambda found: found[1] + NAMES.get(found[2], found[2]), text)
        return status, headers, text

    S3Response.serialized = serialized
