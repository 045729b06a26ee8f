"""moto as AWS, with the buckets, role, table and topic that the demo and the tests expect."""

from __future__ import annotations

import hashlib
import http.client
import json
import os

from . import process
from .state import ACCOUNT, FUNCTION_HOST_URL, HERE, MOTO_PORT, MOTO_URL, REGION, VENV, Trouble, say

NAME = "moto"
PROGRAM = HERE / "moto_server.py"
INPUT_BUCKET = "sgbuild-input"
OUTPUT_BUCKET = "sgbuild-output"
SYNTHETIC_BUCKET = "sgbuild-synthetic"
ROLE_NAME = "sgbuild-training"
# What function_host.py says of a function that tells nothing else.
FUNCTION_ROLE_NAME = "sgbuild-function"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{ROLE_NAME}"


def environment() -> dict[str, str]:
    """The variables that turn every AWS SDK to moto and away from anything real."""
    return {
        "AWS_ENDPOINT_URL": MOTO_URL,
        "AWS_ACCESS_KEY_ID": "AKIATESTBED000000000",
        "AWS_SECRET_ACCESS_KEY": "testbed-secret",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


def _status(path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", MOTO_PORT, timeout=5)
    try:
        connection.request("HEAD", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def answers() -> bool:
    """Whether moto answers."""
    return _status("/moto-api/") == 200


def current() -> bool:
    """Whether the moto that answers runs our additions to it as they are on disk now."""
    connection = http.client.HTTPConnection("127.0.0.1", MOTO_PORT, timeout=5)
    try:
        connection.request("GET", "/_testbed/health")
        answer = connection.getresponse()
        return answer.status == 200 and json.loads(answer.read()).get("source") == digest()
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def digest() -> str:
    """The state of our additions on disk, as moto_server.py tells it of what it runs."""
    packages = (HERE / "emulation", HERE / "permissions")
    files = [PROGRAM, HERE / "emulators.py", *(file for each in packages for file in sorted(each.glob("*.py")))]
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in files)).hexdigest()


def seeded() -> bool:
    """Whether it holds what the testbed put there (a server that was reset does not)."""
    return _status(f"/{SYNTHETIC_BUCKET}") == 200


def up() -> None:
    """Start moto unless it answers, and create what is missing in it; its state goes when our additions changed."""
    if process.recorded_pid(NAME) and current():
        if not seeded():
            seed()
        return
    process.stop(NAME)
    holder = process.listener("127.0.0.1", MOTO_PORT)
    if holder:
        raise Trouble(f"port {MOTO_PORT} of 127.0.0.1 is taken by {holder}: stop it, moto must listen there")
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [str(VENV / "bin" / "python"), str(PROGRAM), "--port", str(MOTO_PORT), "--functions", FUNCTION_HOST_URL]
    process.start(NAME, command, env=env)
    process.wait_until(NAME, answers)
    seed()
    say(NAME, f"answers on {MOTO_URL} with buckets {INPUT_BUCKET}, {OUTPUT_BUCKET}, {SYNTHETIC_BUCKET} and {ROLE}")


def seed() -> None:
    """Create the buckets and the role; safe to repeat."""
    env = {**os.environ, **environment()}
    env.pop("AWS_CA_BUNDLE", None)
    plan = {
        "buckets": [INPUT_BUCKET, OUTPUT_BUCKET, SYNTHETIC_BUCKET],
        "role": ROLE_NAME,
        "function_role": FUNCTION_ROLE_NAME,
        "region": REGION,
    }
    process.run([str(VENV / "bin" / "python"), str(HERE / "seed_aws.py")], feed=json.dumps(plan).encode(), env=env)


def down() -> None:
    """Stop moto; its state is in memory and goes with it."""
    if process.stop(NAME):
        say(NAME, "stopped")
