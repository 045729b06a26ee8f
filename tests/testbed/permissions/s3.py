"""S3's requests: which operation it is, and what that must be allowed.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

import functools
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.model import OperationModel, ServiceModel

# What each operation takes; `object` is the key's ARN, `bucket` the bucket's.
ACTIONS = {
    "GetObject": ("object", "s3:GetObject"),
    "HeadObject": ("object", "s3:GetObject"),
    "GetObjectTagging": ("object", "s3:GetObjectTagging"),
    "PutObjectTagging": ("object", "s3:PutObjectTagging"),
    "PutObject": ("object", "s3:PutObject"),
    "CopyObject": ("object", "s3:PutObject"),
    "CreateMultipartUpload": ("object", "s3:PutObject"),
    "UploadPart": ("object", "s3:PutObject"),
    "UploadPartCopy": ("object", "s3:PutObject"),
    "CompleteMultipartUpload": ("object", "s3:PutObject"),
    "AbortMultipartUpload": ("object", "s3:AbortMultipartUpload"),
    "ListParts": ("object", "s3:ListMultipartUploadParts"),
    "DeleteObject": ("object", "s3:DeleteObject"),
    "ListObjects": ("bucket", "s3:ListBucket"),
    "ListObjectsV2": ("bucket", "s3:ListBucket"),
    "HeadBucket": ("bucket", "s3:ListBucket"),
    "ListObjectVersions": ("bucket", "s3:ListBucketVersions"),
    "ListMultipartUploads": ("bucket", "s3:ListBucketMultipartUploads"),
    "GetBucketLocation": ("bucket", "s3:GetBucketLocation"),
}
# Where a version is named, the action is another.
OF_VERSION = {
    "s3:GetObject": "s3:GetObjectVersion",
    "s3:GetObjectTagging": "s3:GetObjectVersionTagging",
    "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
    "s3:DeleteObject": "s3:DeleteObjectVersion",
}


class UnknownOperation(Exception):
    """Nobody has written down what the operation takes."""


def wanted(service: ServiceModel, request: Any) -> list[tuple[str, str, dict[str, str]]]:
    """Everything that the request must be allowed."""
    bucket, key = place(request.path)
    query = parse_qs(request.query, keep_blank_values=True)
    name = operation(service, request.method, bool(bucket), bool(key), query, request.headers)
    if name not in ACTIONS:
        raise UnknownOperation(f"s3: {name}")
    kind, action = ACTIONS[name]
    if "versionId" in query:
        action = OF_VERSION.get(action, action)
    arn = f"arn:aws:s3:::{bucket}/{key}" if kind == "object" else f"arn:aws:s3:::{bucket}"
    context = {"s3:prefix": query["prefix"][0]} if "prefix" in query else {}
    found = [(action, arn, context)]
    if "x-amz-tagging" in request.headers:
        found.append(("s3:PutObjectTagging", arn, {}))
    if source := request.headers.get("x-amz-copy-source"):
        found += _of_source(source, arn, request.headers)
    return found


def _of_source(source: str, target: str, headers: dict[str, str]) -> list[tuple[str, str, dict[str, str]]]:
    """What a copy takes besides: to read the source, and its tags where it has any.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    path = urlsplit(source)
    bucket, key = place("/" + path.path.lstrip("/"))
    version = parse_qs(path.query).get("versionId", [""])[0]
    arn = f"arn:aws:s3:::{bucket}/{key}"
    found = [("s3:GetObjectVersion" if version else "s3:GetObject", arn, {})]
    if (
        "x-amz-copy-source-range" not in headers
        and headers.get("x-amz-tagging-directive") != "REPLACE"
        and tagged(bucket, key)
    ):
        found.append(("s3:GetObjectVersionTagging" if version else "s3:GetObjectTagging", arn, {}))
        found.append(("s3:PutObjectTagging", target, {}))
    return found


def tagged(bucket: str, key: str) -> bool:
    """Whether an object of the emulator has tags."""
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    found = backend.buckets[bucket].keys.get(key) if bucket in backend.buckets else None
    return bool(found and backend.tagger.get_tag_dict_for_resource(found.arn))


def place(path: str) -> tuple[str, str]:
    """Bucket and key of a path."""
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    return bucket, key


def operation(
    service: ServiceModel, method: str, bucket: bool, key: bool, query: dict[str, list[str]], headers: dict[str, str]
) -> str:
    """The operation whose method, place, query and headers the request has, and the most of them."""
    fitting = [
        (weight, name)
        for name, shape, weight, required in _shapes(service)
        if shape == (method, bucket, key)
        and all(each in (query if where == "query" else headers) for where, each in required)
    ]
    if not fitting:
        raise UnknownOperation(f"s3: {method} of {'an object' if key else 'a bucket'} with {sorted(query)}")
    return max(fitting)[1]


@functools.cache
def _shapes(service: ServiceModel) -> list[tuple[str, tuple[str, bool, bool], int, list[tuple[str, str]]]]:
    return [_shape(service.operation_model(name)) for name in service.operation_names]


def _shape(operation: OperationModel) -> tuple[str, tuple[str, bool, bool], int, list[tuple[str, str]]]:
    path, _, query = operation.http["requestUri"].partition("?")
    members = operation.input_shape.members if operation.input_shape else {}
    required = [("query", each.partition("=")[0]) for each in query.split("&") if each and not each.startswith("x-id=")]
    for name in operation.input_shape.required_members if operation.input_shape else []:
        serialization = members[name].serialization
        if serialization.get("location") in ("querystring", "header"):
            where = "query" if serialization["location"] == "querystring" else "header"
            required.append((where, serialization["name"].lower() if where == "header" else serialization["name"]))
    shape = (operation.http["method"], "Bucket" in members, "{Key" in path)
    # Of two that fit equally, the one in the table.
    return operation.name, shape, 2 * len(set(required)) + (operation.name in ACTIONS), required
