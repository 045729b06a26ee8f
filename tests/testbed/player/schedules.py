"""Schedules of a stack's rules: whose turn it is, by a clock on which a minute takes as long as the pipeline says.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rate-expressions.html
"""

from __future__ import annotations

import re
import time

from . import cloud

MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}


class Schedules:
    """When each rule's turn is next. A cron expression has no turn here but the one that is asked for (`fire_all`)."""

    def __init__(self, rules: dict[str, str], minute: float) -> None:
        self.rules = rules
        self.periods = {name: period(expression) * minute for name, expression in rules.items() if period(expression)}
        self.next = {name: time.monotonic() + seconds for name, seconds in self.periods.items()}

    def fire_due(self) -> None:
        """Fire the rules whose turn has come."""
        for name, seconds in self.periods.items():
            if time.monotonic() >= self.next[name]:
                self.next[name] += seconds
                cloud.fire(name)

    def fire_all(self) -> list[str]:
        """Fire every rule with a schedule now; which they are."""
        for name in self.rules:
            cloud.fire(name)
        return sorted(self.rules)


def period(expression: str) -> int:
    """The minutes between two turns of `rate(…)`; 0 of what is no rate."""
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    return int(found[1]) * MINUTES[found[2]] if found else 0
