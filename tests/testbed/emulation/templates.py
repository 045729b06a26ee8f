"""How CloudFormation comes by a template: within the request, up to its limit, or from S3 by the object's address.

moto takes a body of any length, finds a bucket of its own only under a host named localhost, and compares what was read
from S3 with nothing.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlparse

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import get_stack_from_s3_url
from moto.s3.models import s3_backends

MAX_BODY = 51_200
MAX_OBJECT = 1024 * 1024


def install() -> None:
    """Change moto's CloudFormation."""
    given = CloudFormationResponse._get_param

    def get_param(self: CloudFormationResponse, name: str, if_none: Any = None) -> Any:
        value = given(self, name, if_none)
        if name == "TemplateBody" and value and len(value.encode()) > MAX_BODY:
            raise ValidationError(
                message="1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
                f"Member must have length less than or equal to {MAX_BODY}"
            )
        url = given(self, "TemplateURL") if name in ("TemplateBody", "TemplateURL") else None
        if not url:
            return value
        # From here on it is as if the request had carried it.
        return _read(self, url) if name == "TemplateBody" else None

    CloudFormationResponse._get_param = get_param


def _read(request: CloudFormationResponse, url: str) -> str:
    address = urlparse(url)
    if address.query or address.scheme not in ("http", "https"):
        raise ValidationError(message=f"TemplateURL must be a supported URL: {url}")
    if address.netloc != urlparse(request.uri).netloc:
        text = get_stack_from_s3_url(url, request.current_account, request.partition)
    else:
        bucket, _, key = unquote(address.path).lstrip("/").partition("/")
        found = s3_backends[request.current_account][request.partition].get_object(bucket, key)
        if found is None:
            raise ValidationError(message="S3 error: The specified key does not exist.")
        text = found.value.decode()
    if len(text.encode()) > MAX_OBJECT:
        raise ValidationError(message="Template may not exceed 1048576 bytes in size.")
    return text
