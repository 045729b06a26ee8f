"""A reader's shell and account, by the testbed: `eval "$(tests/testbed/testbed env)"` says where that is."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session


def client(service: str) -> Any:
    """A client of one of AWS's services."""
    return botocore.session.get_session().create_client(service)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One at a time: the names of the pages are the same for everybody."""
    with open(Path(os.environ["SGBUILD_TESTBED"], "docs.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def forget_repository(name: str) -> None:
    """Take a repository out of ECR, with all that its registry knows of it."""
    registry = client("ecr")
    if name in {each["repositoryName"] for each in registry.describe_repositories()["repositories"]}:
        registry.delete_repository(repositoryName=name, force=True)
    for repository in Path(os.environ["SGBUILD_TESTBED"], "registry").glob(f"**/repositories/{name}"):
        shutil.rmtree(repository)


def environment(sgbuild: Path, scratch: Path, github: Path) -> dict[str, str]:
    """The environment of a shell with a home of its own, where GitHub is a directory."""
    programs, home = scratch / "bin", scratch / "home"
    programs.mkdir()
    home.mkdir()
    (programs / "sgbuild").symlink_to(sgbuild.resolve())
    (programs / "aws").symlink_to(Path(sys.executable).parent / "aws")
    git = {
        f"url.file://{github}/.insteadOf": "https://github.com/",
        "user.name": "Ada",
        "user.email": "ada@example.com",
    }
    numbered = {"GIT_CONFIG_COUNT": str(len(git))}
    for number, (key, value) in enumerate(git.items()):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SGBUILD_", "GIT_", "PYTHON"))}
    return {
        **kept,
        **numbered,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "AWS_CA_BUNDLE": os.environ["SSL_CERT_FILE"],
        "LC_ALL": "C.UTF-8",
    }


class Played:
    """What AWS does by itself for a pipeline (tests/testbed/cloud_player.py)."""

    def __init__(self, name: str) -> None:
        self.url = f"{os.environ['SGBUILD_TESTBED_PLAYER']}/_pipelines/{name}"

    def begin(self, **body: Any) -> dict[str, Any]:
        """Let it act; what a pipeline is made of."""
        return self._ask("PUT", json.dumps(body).encode())

    def history(self) -> dict[str, Any]:
        """What has happened."""
        return self._ask("GET")

    def end(self) -> None:
        """It acts no more, if it ever did."""
        try:
            self._ask("DELETE")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise

    def _ask(self, method: str, body: bytes | None = None) -> dict[str, Any]:
        with urllib.request.urlopen(urllib.request.Request(self.url, body, method=method)) as answer:
            return json.load(answer)
