"""A package index of the wheels in a directory, which tells of their metadata: odd_index.py DIRECTORY.

Below /sized/ it tells of their sizes too. Who installs from it need not open a wheel before all are chosen. Prints its
address once it listens; runs until it is killed. Of a project that is called `other-hash` it says another hash than its
file has.
"""

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DIRECTORY = Path(sys.argv[1])


def project(path: Path) -> str:
    return path.name.partition("-")[0].replace("_", "-")


class Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, _, rest = self.path.strip("/").partition("/")
        wheels = {path.name: path for path in DIRECTORY.glob("*.whl")}
        if kind == "sized":
            files = [sized(path) for path in wheels.values() if project(path) == rest]
            page = {"meta": {"api-version": "1.0"}, "name": rest, "files": files}
            self.answer(200 if files else 404, json.dumps(page).encode(), "application/vnd.pypi.simple.v1+json")
        elif kind == "simple":
            links = [link(path) for path in wheels.values() if project(path) == rest]
            self.answer(200 if links else 404, "".join(links).encode(), "text/html")
        elif rest.removesuffix(".metadata") in wheels:
            path = wheels[rest.removesuffix(".metadata")]
            text = f"Metadata-Version: 2.1\nName: {project(path)}\nVersion: 1.0\n".encode()
            self.answer(200, path.read_bytes() if rest in wheels else text, "application/octet-stream")
        else:
            self.answer(404, b"", "text/plain")

    do_HEAD = do_GET

    def answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def link(path: Path) -> str:
    digest = "0" * 64 if project(path) == "other-hash" else hashlib.sha256(path.read_bytes()).hexdigest()
    return f'<a href="/files/{path.name}#sha256={digest}" data-core-metadata="true">{path.name}</a>\n'


def sized(path: Path) -> dict:
    """As JSON has it (PEP 691 and 700), with the size."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    about = {"filename": path.name, "url": f"/files/{path.name}", "hashes": {"sha256": digest}}
    return about | {"size": len(content), "core-metadata": True}


server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
print(f"127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
