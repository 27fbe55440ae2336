"""How often Python looks for cycles of objects that nobody needs any more."""

from __future__ import annotations

import gc


def look_seldom() -> None:
    """Look for cycles after a hundred thousand objects, not after seven hundred.

    A job makes half a million objects that stay before its first row, and a graph a million small tuples
    that go by themselves: looking through them again and again took a tenth of the time of either.
    """
    gc.set_threshold(100_000, 20, 100)


def look_no_more() -> None:
    """Leave all that is there to the end of the process: taking it apart first takes a tenth of a second."""
    gc.freeze()
