"""Several arrays in one: an operation has one result, so that of a loop is a flat array with all its results in it.

Numbers that may have a derivative are stored as they are, in the dtype that holds them all; integers and booleans as
bytes, in as many elements as these take. A result that was packed is a view of the flat array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert._types import Array, Params, Shape
from wengert.compiler.abstract import Abstract, fresh, rule, scalar_or_fresh
from wengert.core.dispatch import Box, apply
from wengert.core.op import Op

__all__ = ["FROM_BYTES", "TO_BYTES", "Packing", "Slot"]

_ALIGNMENT = 16


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the arrays: ``count`` elements of the flat array, from ``start`` on."""

    start: int
    count: int
    shape: Shape
    dtype: np.dtype[Any]

    @property
    def inexact(self) -> bool:
        """Whether it is stored as numbers, not as bytes."""
        return self.dtype.kind in "fc"


class Packing:
    """Where arrays of given shapes and dtypes are in a flat array of ``size`` elements and type ``dtype``."""

    def __init__(self, kinds: Sequence[tuple[Shape, np.dtype[Any]]]) -> None:
        inexact = [dtype for _, dtype in kinds if dtype.kind in "fc"]
        self.dtype: np.dtype[Any] = np.result_type(*inexact) if inexact else np.dtype(float)
        self.slots: list[Slot] = []
        itemsize = self.dtype.itemsize
        end = 0
        for shape, dtype in kinds:
            count = int(np.prod(shape, dtype=int))
            if dtype.kind not in "fc":
                step = max(_ALIGNMENT // itemsize, 1)
                end = -(-end // step) * step
                count = -(-count * dtype.itemsize // itemsize)
            self.slots.append(Slot(end, count, shape, dtype))
            end += count
        self.size = end

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def kinds(self) -> list[tuple[Shape, np.dtype[Any]]]:
        """Shapes and dtypes of the arrays."""
        return [(s.shape, s.dtype) for s in self.slots]

    def blank(self) -> tuple[np.ndarray[Any, Any], list[np.ndarray[Any, Any]]]:
        """A new flat array, and a view of it for each array to be written to; elements of none are 0."""
        flat = np.zeros(self.size, self.dtype)
        views = []
        for s in self.slots:
            part = flat[s.start : s.start + s.count]
            if not s.inexact:
                part = part.view(np.uint8)[: int(np.prod(s.shape, dtype=int)) * s.dtype.itemsize].view(s.dtype)
            views.append(part.reshape(s.shape))
        return flat, views

    def unpack(self, flat: Array, count: int | None = None) -> list[Array]:
        """The first ``count`` arrays in ``flat``, plain or boxed; all of them by default."""
        return [_unpacked(flat, s) for s in self.slots[:count]]

    def pack(self, arrays: Sequence[Array | None]) -> Array:
        """The flat array with ``arrays`` in it, plain or boxed; zeros for ``None``."""
        parts: list[Array] = []
        end = 0
        for x, s in zip(arrays, self.slots, strict=True):
            if s.start > end:
                parts.append(np.zeros(s.start - end, self.dtype))
            end = s.start + s.count
            parts.append(self._part(x, s))
        return np.concatenate(parts) if len(parts) > 1 else parts[0] if parts else np.zeros(0, self.dtype)

    def _part(self, x: Array, s: Slot) -> Array:
        if x is None or not s.count:
            return np.zeros(s.count, self.dtype)
        if not isinstance(x, Box):
            x = np.asarray(x)
        if s.inexact:
            part = np.reshape(x, (-1,))
            return part if part.dtype == self.dtype else part.astype(self.dtype)
        return apply(TO_BYTES, [x], {"dtype": s.dtype, "into": self.dtype, "count": s.count})


def _unpacked(flat: Array, s: Slot) -> Array:
    if not s.inexact:
        part = flat[s.start : s.start + s.count]
        return apply(FROM_BYTES, [part], {"dtype": s.dtype, "shape": s.shape})
    if s.shape == ():
        y = flat[s.start]
    else:
        y = flat[s.start : s.start + s.count]
        y = y if len(s.shape) == 1 else np.reshape(y, s.shape)
    if s.dtype.kind != "c" and y.dtype.kind == "c":
        y = np.real(y)
    return y if y.dtype == s.dtype else y.astype(s.dtype)


def _from_bytes(part: Any, dtype: np.dtype[Any], shape: Shape) -> Any:
    count = int(np.prod(shape, dtype=int))
    return np.frombuffer(np.ascontiguousarray(part).tobytes(), dtype, count).reshape(shape).copy()[()]


def _to_bytes(x: Any, dtype: np.dtype[Any], into: np.dtype[Any], count: int) -> Any:
    flat = np.zeros(count, into)
    data = np.frombuffer(np.ascontiguousarray(x, dtype).tobytes(), np.uint8)
    flat.view(np.uint8)[: len(data)] = data
    return flat


FROM_BYTES = Op("from_bytes", "constant", _from_bytes, ("x",))
TO_BYTES = Op("to_bytes", "constant", _to_bytes, ("x",))


@rule("from_bytes")
def _from_bytes_form(params: Params, arrays: Sequence[Any]) -> Abstract:
    return scalar_or_fresh(params["shape"], params["dtype"])


@rule("to_bytes")
def _to_bytes_form(params: Params, arrays: Sequence[Any]) -> Abstract:
    return fresh((params["count"],), params["into"])
