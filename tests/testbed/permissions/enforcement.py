"""In front of the emulator: what a session of a role asks for is judged, and refused as the service refuses it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

from .account import ACCOUNT_STATE, Session
from .policy import Decision
from .requests import Request, wanted

JSON = "application/x-amz-json-1.1"
Environ = dict[str, Any]
App = Callable[..., Iterable[bytes]]


class Enforced:
    """A WSGI application whose callers may do what their roles allow; whoever has no role's session, everything."""

    def __init__(self, app: App) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        request = _read(environ)
        key, _, service = request.scope
        session = ACCOUNT_STATE.sessions.get(key)
        if session is None:
            return self.app(environ, start_response)
        for action, resource, context in wanted(request):
            decision = ACCOUNT_STATE.judge(session.role, action, resource, context)
            if not decision.allowed:
                return _answer(start_response, *refusal(service, session, action, resource, decision, request.method))
        if service == "ecr-public":
            # The emulator has no public registry; AWS has none in most regions either.
            return _answer(start_response, 400, JSON, json.dumps({"__type": "UnsupportedCommandException"}))
        status, headers, body = self._asked(environ)
        if service == "s3" and status == 404 and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._missing(start_response, session, request, (status, headers, body))
        if service == "ecr" and request.headers.get("x-amz-target", "").endswith("GetAuthorizationToken"):
            body = _token(session, body)
            headers = [(name, value if name.lower() != "content-length" else str(len(body))) for name, value in headers]
        start_response(f"{status} {'OK' if status < 300 else 'Error'}", headers)
        return [body]

    def _asked(self, environ: Environ) -> tuple[int, list[tuple[str, str]], bytes]:
        said: list[Any] = []
        parts = self.app(environ, lambda status, headers, *_: said.extend((status, headers)))
        try:
            body = b"".join(parts)
        finally:
            getattr(parts, "close", lambda: None)()
        return int(said[0].split()[0]), said[1], body

    def _missing(
        self, start_response: Callable[..., Any], session: Session, request: Request, answer: tuple[int, Any, bytes]
    ) -> Iterable[bytes]:
        """S3 says that an object is missing to those only who may list the bucket.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        bucket = "arn:aws:s3:::" + request.path.lstrip("/").partition("/")[0]
        decision = ACCOUNT_STATE.judge(session.role, "s3:ListBucket", bucket)
        if not decision.allowed:
            return _answer(start_response, *refusal("s3", session, "s3:ListBucket", bucket, decision, request.method))
        start_response(f"{answer[0]} Not Found", answer[1])
        return [answer[2]]


def _read(environ: Environ) -> Request:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    request = Request(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers, b"")
    key, _, service = request.scope
    if service in ("", "s3") or key not in ACCOUNT_STATE.sessions:
        return request
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return Request(request.method, path, request.query, headers, body)


def _token(session: Session, body: bytes) -> bytes:
    """The registry's password, where the session may do what it takes the password for; the registry knows no roles."""
    judged = [ACCOUNT_STATE.judge(session.role, action, session.repository) for action in session.registry]
    if all(each.allowed for each in judged):
        return body
    answer = json.loads(body)
    for each in answer["authorizationData"]:
        each["authorizationToken"] = base64.b64encode(b"AWS:not-for-this-role").decode()
    return json.dumps(answer).encode()


def refusal(
    service: str, session: Session, action: str, resource: str, decision: Decision, method: str
) -> tuple[int, str, str]:
    """Status, type and body of the service's own answer to what is not allowed."""
    on = "" if resource == "*" else f" on resource: {resource}"
    message = f"User: {session.user} is not authorized to perform: {action}{on} {decision.why}"
    if service == "s3":
        body = f"<Error><Code>AccessDenied</Code><Message>{escape(message)}</Message></Error>"
        return 403, "application/xml", "" if method == "HEAD" else body
    if service in ("sns", "sts"):
        code = "AuthorizationError" if service == "sns" else "AccessDenied"
        body = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return 403, "text/xml", f"<ErrorResponse>{body}<RequestId>testbed</RequestId></ErrorResponse>"
    return (
        400,
        JSON,
        json.dumps({"__type": "AccessDeniedException", "message": message, "Message": message}),
    )


def _answer(start_response: Callable[..., Any], status: int, kind: str, text: str) -> Iterable[bytes]:
    body = text.encode()
    start_response(
        f"{status} {'Forbidden' if status == 403 else 'Bad Request'}",
        [("Content-Type", kind), ("Content-Length", str(len(body)))],
    )
    return [body]
