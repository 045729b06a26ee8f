"""A package index with one wheel behind basic authentication: private_index.py ADDRESS USER PASSWORD DIRECTORY.

Prints host:port once it listens; runs until it is killed.
"""

import base64
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ADDRESS, USER, PASSWORD, DIRECTORY = sys.argv[1:]
WHEEL = "privatepkg-1.0-py3-none-any.whl"


def make_wheel(path: Path) -> bytes:
    info = "privatepkg-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("privatepkg.py", "VALUE = 1\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: privatepkg\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"privatepkg.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path.read_bytes()


CONTENT = make_wheel(Path(DIRECTORY) / WHEEL)
EXPECTED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.headers.get("Authorization") != EXPECTED:
            self.answer(401, b"", "text/plain")
        elif self.path == "/simple/privatepkg/":
            self.answer(200, f'<a href="/files/{WHEEL}">{WHEEL}</a>'.encode(), "text/html")
        elif self.path == f"/files/{WHEEL}":
            self.answer(200, CONTENT, "application/zip")
        else:
            self.answer(404, b"", "text/plain")

    do_HEAD = do_GET

    def answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", "Basic")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


server = ThreadingHTTPServer((ADDRESS, 0), Index)
print(f"{ADDRESS}:{server.server_address[1]}", flush=True)
server.serve_forever()
