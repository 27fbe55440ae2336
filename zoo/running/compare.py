"""Two arrays that should be equal: by how much they differ, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What became of comparing one output."""

    equal: bool
    """Within the tolerance, and NaN only where the other has NaN too."""
    identical: bool
    """The same bits."""
    absolute: float | None = None
    """Largest absolute difference; None where there are no numbers."""
    relative: float | None = None
    """That difference over the largest magnitude of the expected array."""
    why: str = ""

    @property
    def words(self) -> str:
        """To stand behind the description of the output."""
        if self.identical:
            return "bit-identical"
        return f"largest difference {self.absolute:.3g}" if self.absolute is not None else "different"


def compare_arrays(expected: Any, found: Any, *, tolerance: float) -> Compared:
    """How ``found`` differs from ``expected``; equal within ``tolerance`` of its largest magnitude.

    An element-wise relative difference says nothing near zero, where both graphs hold rounding
    noise; the largest magnitude is the scale on which a kernel sums.
    """
    a, b = np.asarray(expected), np.asarray(found)
    if a.shape != b.shape or a.dtype != b.dtype:
        why = f"{a.dtype} {list(a.shape)} in the original, {b.dtype} {list(b.shape)} in the frozen graph"
        return Compared(equal=False, identical=False, why=why)
    if a.dtype.kind in "OSU":
        same = bool(np.array_equal(a, b))
        return Compared(equal=same, identical=same, why="" if same else "strings differ")
    identical = a.tobytes() == b.tobytes()
    if identical:
        return Compared(equal=True, identical=True, absolute=0.0, relative=0.0)
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    x, y = a.astype(wide), b.astype(wide)
    if not np.array_equal(np.isnan(x), np.isnan(y)):
        return Compared(equal=False, identical=False, why="NaN in other places")
    # Equal infinities subtract to NaN; what remains infinite differs in kind.
    with np.errstate(invalid="ignore"):
        difference = np.where((x == y) | np.isnan(x), 0.0, np.abs(x - y))
    finite = np.abs(x[np.isfinite(x)])
    scale = float(finite.max(initial=0.0))
    absolute = float(difference.max(initial=0.0))
    if not np.isfinite(absolute):
        return Compared(equal=False, identical=False, why="infinite in other places")
    relative = absolute / scale if scale else (0.0 if absolute == 0 else 1.0)
    exact = a.dtype.kind in "biu"
    equal = absolute == 0 if exact else relative <= tolerance
    why = "" if equal else f"by up to {absolute:.3g}, where values reach {scale:.3g}"
    return Compared(equal=equal, identical=False, absolute=absolute, relative=relative, why=why)


def describe(value: Any) -> str:
    """``float32 [1, 1000], 0.0001 to 0.93, no NaN``: the shape, range and NaN count in words."""
    array = np.asarray(value)
    shape = f"[{', '.join(map(str, array.shape))}]"
    if array.dtype.kind in "OSU":
        return f"string {shape}"
    name = f"{array.dtype} {shape}"
    if array.size == 0:
        return f"{name}, empty"
    if array.dtype.kind == "b":
        return f"{name}, {int(array.sum())} of {array.size} true"
    if array.dtype.kind in "iu":
        return f"{name}, {array.min()} to {array.max()}"
    wide = np.abs(array) if array.dtype.kind == "c" else array.astype(np.float64)
    nan = int(np.isnan(wide).sum())
    if nan == array.size:
        return f"{name}, all NaN"
    low, high = float(np.nanmin(wide)), float(np.nanmax(wide))
    return f"{name}, {low:.4g} to {high:.4g}, {nan or 'no'} NaN"
