"""Asks serve.py's WSGI app one request, and prints its answer; argv: the directory of run.py, a request as JSON.

No server is needed for that: PEP 3333 is the border between it and the app.
"""

import importlib.util
import io
import json
import os
import sys


def module(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


directory, asked = sys.argv[1], json.loads(sys.argv[2])
program, server = (module(name, os.path.join(directory, name + ".py")) for name in ("run", "serve"))
try:
    app = server.Invocations(program, program.load(program.SERVE), server.Board())
except program.CannotStart as problem:
    print(problem)
    sys.exit()
body = bytes(asked.get("body", ""), "latin-1")
environ = {
    "REQUEST_METHOD": asked.get("method", "POST"),
    "PATH_INFO": asked.get("path", "/invocations"),
    "CONTENT_TYPE": asked.get("type", ""),
    "CONTENT_LENGTH": str(len(body)) if asked.get("has_length", True) else "",
    "HTTP_ACCEPT": asked.get("accept", ""),
    "wsgi.input": io.BytesIO(body),
}
app.is_loaded.wait()
said = []
answer = b"".join(app(environ, lambda status, headers: said.extend((status, dict(headers)))))
assert said[1]["Content-Length"] == str(len(answer)), (said, answer)
print(said[0].partition(" ")[0], said[1].get("Content-Type", "-"), answer.decode("latin-1"), end="")
