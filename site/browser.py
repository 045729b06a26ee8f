"""Headless Chromium, driven over a pipe by its DevTools protocol; it can reach this machine and nothing else.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    # A recording is shown as it ends.
    "--force-prefers-reduced-motion",
    # No name leads anywhere.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-proxy-server",
    "--remote-debugging-pipe",
]
# Seconds that the browser may take to answer.
PATIENCE = 60


class BrowserError(Exception):
    """The browser did not do what it was asked."""


class Browser:
    """A browser with one page."""

    def __init__(self) -> None:
        self.profile = tempfile.mkdtemp(prefix="sgbuild-browser-")
        their_in, self.out = os.pipe()
        self.into, their_out = os.pipe()

        def as_chromium_has_them() -> None:
            # It reads commands from 3 and writes to 4; these may be among the numbers that are there.
            reading, writing = os.dup(their_in), os.dup(their_out)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        program = shutil.which("chromium") or "chromium"
        with open(os.devnull, "w") as nothing:
            self.process = subprocess.Popen(
                [program, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
                stdin=subprocess.DEVNULL,
                stdout=nothing,
                stderr=nothing,
                preexec_fn=as_chromium_has_them,
                close_fds=False,
                start_new_session=True,
            )
        os.close(their_in)
        os.close(their_out)
        self.buffer = b""
        self.number = 0
        self.events: list[dict[str, Any]] = []
        targets = self.ask("Target.getTargets", session=None)["targetInfos"]
        page = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self.ask("Target.attachToTarget", session=None, targetId=page, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, *, session: str | None = "", **parameters: Any) -> Any:
        """A command's result; events that come meanwhile are kept."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session or self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(PATIENCE)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, url: str, width: int, height: int, scheme: str) -> list[dict[str, Any]]:
        """Show a page to its end; what happened meanwhile."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.ask("Page.navigate", url=url)
        until = time.monotonic() + PATIENCE
        while not any(each.get("method") == "Page.loadEventFired" for each in self.events):
            self.events.append(self._next(until - time.monotonic()))
        return list(self.events)

    def evaluate(self, expression: str) -> Any:
        """A JavaScript expression's value."""
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise BrowserError(result["exceptionDetails"].get("exception", {}).get("description", expression))
        return result["result"].get("value")

    def screenshot(self, path: Path, *, height: int) -> None:
        """The page as it looks, its first so many pixels."""
        width = self.evaluate("document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """End it, and all that it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.out)
        os.close(self.into)
        shutil.rmtree(self.profile, ignore_errors=True)

    def _next(self, seconds: float) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.into], [], [], max(seconds, 0))
            if not ready:
                raise BrowserError("Chromium does not answer")
            read = os.read(self.into, 1 << 20)
            if not read:
                raise BrowserError("Chromium has ended")
            self.buffer += read
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)
