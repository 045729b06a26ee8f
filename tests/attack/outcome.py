"""What came of an attack."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """One kind of attack: how often it was tried, and what did not hold."""

    name: str
    tried: int = 0
    broken: int = 0
    failures: list[str] = field(default_factory=list)
    note: str = ""

    def record(self, where: str, troubles: list[str]) -> None:
        """One more was tried; these are its troubles."""
        self.tried += 1
        self.broken += bool(troubles)
        self.failures += [f"{where}: {each}" for each in troubles]
