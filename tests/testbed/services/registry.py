"""Registries that stand for ECR: TLS on port 443, the account's host name, Basic auth as ECR has it.

And one that stands for its public gallery, which asks for no password.

Each listens on a loopback address of its own, so that all can have port 443 and a password of their own.
"""

from __future__ import annotations

import base64
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from . import certificates, leftovers, process
from .state import ACCOUNT, BASE_ACCOUNT, BASE_REGION, REGION, STATE, Trouble, say

# Some 5 GB of what tests push.
MOST_BLOBS = 2500


@dataclass(frozen=True)
class Registry:
    """One account's registry in one region."""

    account: str
    region: str
    address: str

    @property
    def host(self) -> str:
        """The name ECR gives this registry."""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"

    @property
    def service(self) -> str:
        """The name of its process."""
        return f"registry-{self.account}"

    @property
    def password(self) -> str:
        """What moto's GetAuthorizationToken hands out for this account (user AWS)."""
        return f"{self.account}-auth-token"

    def answers(self) -> bool:
        """Whether it answers with this account's password and our certificate: then it is ours and works."""
        try:
            return self._status() == 200
        except (OSError, ValueError, IndexError):
            return False

    def _status(self) -> int:
        trust = ssl.create_default_context(cafile=str(certificates.CA))
        basic = base64.b64encode(f"AWS:{self.password}".encode()).decode()
        request = f"GET /v2/ HTTP/1.0\r\nHost: {self.host}\r\nAuthorization: Basic {basic}\r\n\r\n"
        plain = socket.create_connection((self.address, 443), timeout=5)
        with plain, trust.wrap_socket(plain, server_hostname=self.host) as tls:
            tls.sendall(request.encode())
            return int(tls.recv(64).split()[1])

    def up(self) -> None:
        """Start the registry unless it answers."""
        if self.answers():
            return
        process.stop(self.service)
        holder = self._holder()
        if holder:
            raise Trouble(
                f"port 443 of {self.address} is taken by {holder}: stop it; the registry must have it, as {self.host}"
            )
        directory = STATE / "registry" / self.account
        leftovers.forget(directory / "blobs", "docker/registry/v2/blobs/sha256/*/*", most=MOST_BLOBS)
        (directory / "blobs").mkdir(parents=True, exist_ok=True)
        self._prepare(directory)
        (directory / "config.yml").write_text(self._configuration(directory))
        process.start(self.service, ["/usr/bin/docker-registry", "serve", str(directory / "config.yml")])
        process.wait_until(self.service, self.answers)
        say("registry", f"https://{self.host} ({self.address}) answers")

    def _holder(self) -> str | None:
        """Who has the port, once one that was stopped has let go of it."""
        for _ in range(20):
            holder = process.listener(self.address, 443)
            if holder is None:
                return None
            time.sleep(0.1)
        return holder

    def _prepare(self, directory: Path) -> None:
        line = process.run(["htpasswd", "-Bbn", "-C", "5", "AWS", self.password])
        (directory / "htpasswd").write_bytes(line)

    def _authentication(self, directory: Path) -> str:
        return f'auth:\n  htpasswd: {{realm: "https://{self.host}/", path: {directory}/htpasswd}}\n'

    def _configuration(self, directory: Path) -> str:
        return f"""version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {directory}/blobs}}
  delete: {{enabled: true}}
http:
  addr: {self.address}:443
  tls: {{certificate: {certificates.CERTIFICATE}, key: {certificates.KEY}}}
{self._authentication(directory)}"""

    def down(self) -> None:
        """Stop it; what was pushed stays on disk."""
        if process.stop(self.service):
            say("registry", f"{self.host} stopped")


class Gallery(Registry):
    """The public gallery, which everybody may read; here everybody may write too."""

    @property
    def host(self) -> str:
        """The one name that the gallery has."""
        return "public.ecr.aws"

    def _prepare(self, directory: Path) -> None:
        pass

    def _authentication(self, directory: Path) -> str:
        return ""


MAIN = Registry(ACCOUNT, REGION, "127.0.0.1")
BASE = Registry(BASE_ACCOUNT, BASE_REGION, "127.0.0.2")
PUBLIC = Gallery("public", "us-east-1", "127.0.0.3")
ALL = (MAIN, BASE, PUBLIC)
