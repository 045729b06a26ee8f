"""DynamoDB's writes one after the other: a condition and the write under it are one step.

moto answers every request in a thread of its own, and looks at a condition some steps before it writes: of two writers
under a condition that one of them ends, both may win.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
"""

from __future__ import annotations

import threading
from typing import Any

from moto.dynamodb.models import DynamoDBBackend

_lock = threading.RLock()
WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")


def install() -> None:
    """Change moto's DynamoDB."""
    for name in WRITES:
        setattr(DynamoDBBackend, name, _alone(getattr(DynamoDBBackend, name)))


def _alone(write: Any) -> Any:
    def alone(*arguments: Any, **named: Any) -> Any:
        with _lock:
            return write(*arguments, **named)

    return alone
