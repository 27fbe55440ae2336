"""Ways of blocks that are set, where the real ones depend on the machine and on what ran before."""

from __future__ import annotations

from zoo.blocks import _Ways


class InTurns(_Ways):
    """Has every other block go past the cache."""

    def choose(self, waiting: float, price: float) -> bool:
        """See `zoo.blocks`."""
        self._count += 1
        return self._count % 2 == 0


class Past(_Ways):
    """Has everything go past the cache."""

    def choose(self, waiting: float, price: float) -> bool:
        """See `zoo.blocks`."""
        return True
