"""A small till."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

MOST: int = 64
name = "till"


@dataclass
class Till(Base):
    """Coins, by their worth."""

    coins: dict[int, int] = field(default_factory=dict)
    label = None

    def count(self) -> int:
        """Add everything up."""
        return sum(worth * n for worth, n in self.coins.items())

    @property
    def empty(self):
        return self.count() == 0

    @staticmethod
    async def take(amount, *, missing=0, **rest):
        def inner(x):
            return x

        if amount < 0:
            raise ValueError(f"negative: {amount!r}")
        return inner(amount)


def main(argv: list[str] | None = None) -> int:
    match argv:
        case [first, *others]:
            print(first, others)
        case _:
            pass
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
