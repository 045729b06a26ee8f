"""The testbed's own CA and the registries' certificate; the CA is trusted by Docker per host, by others on request."""

from __future__ import annotations

import os
from pathlib import Path

from .process import run
from .state import STATE, say

TLS = STATE / "tls"
CA = TLS / "ca.crt"
CERTIFICATE = TLS / "registry.crt"
KEY = TLS / "registry.key"
BUNDLE = TLS / "ca-bundle.crt"
SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


def up(hosts: list[str]) -> None:
    """Make the CA, the certificate for these hosts, Docker's certs.d entries and the bundle, where missing."""
    TLS.mkdir(parents=True, exist_ok=True)
    names = ",".join(f"DNS:{host}" for host in hosts)
    stamp = TLS / "names"
    if not (KEY.exists() and stamp.exists() and stamp.read_text() == names):
        _issue(names)
        stamp.write_text(names)
        say("certificates", f"issued for {', '.join(hosts)}")
    for host in hosts:
        _write_if_changed(Path("/etc/docker/certs.d") / host / "ca.crt", CA.read_bytes())
    _write_if_changed(BUNDLE, _system_bundle().read_bytes().rstrip(b"\n") + b"\n" + CA.read_bytes())


def _issue(names: str) -> None:
    ca_key, request, extensions = TLS / "ca.key", TLS / "registry.csr", TLS / "registry.ext"
    if not (ca_key.exists() and CA.exists()):
        # Once: a daemon that runs keeps the one that it has read.
        run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]
            + ["-subj", "/CN=sgbuild testbed CA"]
            + ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
            + ["-keyout", str(ca_key), "-out", str(CA)]
        )
    run(
        ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sgbuild testbed registry"]
        + ["-keyout", str(KEY), "-out", str(request)]
    )
    extensions.write_text(
        f"basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName={names}\n"
    )
    run(
        ["openssl", "x509", "-req", "-in", str(request), "-CA", str(CA), "-CAkey", str(ca_key), "-CAcreateserial"]
        + ["-days", "825", "-sha256", "-extfile", str(extensions), "-out", str(CERTIFICATE)]
    )


def _system_bundle() -> Path:
    """The CA file this machine's programs are told to use: a company's own CA must stay trusted."""
    named = Path(os.environ.get("SSL_CERT_FILE") or SYSTEM_BUNDLE)
    return named if named.is_file() and named != BUNDLE else SYSTEM_BUNDLE


def _write_if_changed(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
