"""Cotangent arithmetic: summing back what broadcasting repeated, adding contributions up, casting at the end.

These are the only places where a cotangent's shape or dtype is mended, so no rule has to think of either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert._types import PLAIN, Array, Shape
from wengert.core import modes
from wengert.core.aliasing import of_all_examples

__all__ = ["Scatter", "accumulate", "add_parts", "finish", "fit", "has_nan", "names_once"]

HALF = np.dtype(np.float16)
SINGLE = np.dtype(np.float32)


def fit(g: Array, shape: Shape) -> Array:
    """Sum ``g`` over the axes along which an input of ``shape`` was broadcast. float16 is summed in float32."""
    extra = g.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(shape) if n == 1 and g.shape[i + extra] != 1)
    if g.dtype == HALF:
        g = g.astype(SINGLE)
    if axes:
        g = np.add.reduce(g, axis=axes, keepdims=extra == 0)
    return g if g.shape == shape else g.reshape(shape)


def accumulate(total: Array, g: Array, node: Any, shared: set[Any]) -> Array:
    """``total + g`` for the cotangent of ``node``: in place, unless the node is in ``shared``, which it then leaves."""
    if type(total) is np.ndarray and type(g) is np.ndarray and total.dtype is g.dtype and total.dtype is not HALF:
        if node not in shared:
            total += g
            return total
    elif type(total) is Scatter:
        return total.absorb(g, node, shared)
    elif type(g) is Scatter:
        return g.add_to(total, node, shared)
    elif node.dtype == HALF and total.dtype == HALF:
        total = total.astype(SINGLE)
    total = total + g
    shared.discard(node)
    return total


def finish(g: Array, dtype: np.dtype[Any]) -> Array:
    """``g`` as a dense array of ``dtype``; of a complex cotangent of something real, the real part."""
    if type(g) is Scatter:
        g = g.dense()
    if g.dtype != dtype:
        if g.dtype.kind == "c" and dtype.kind != "c":
            g = np.real(g)
        g = g.astype(dtype)
    return g


def has_nan(g: Array) -> bool:
    """Whether there is a NaN in ``g``."""
    if isinstance(g, np.generic):
        return bool(g != g)
    if isinstance(g, np.ndarray) and g.dtype.char in "fdFD":
        # either is NaN exactly if an element is; which of them is the quicker depends on the size
        number = np.vdot(g, g) if g.size < 4096 else np.minimum.reduce(g, None)
        return bool(number != number)
    g = of_all_examples(g)
    return bool(np.any(g != g))


class Scatter:
    """A cotangent that is zero but for parts of it, as reading ``x[index]`` gives: never built before it must be.

    Contributions of many reads are held until they are as large as ``x`` together, and then added into one buffer: n of
    them cost what they touch and one array of zeros, not n. ``spread(indices, values, shape, dtype)`` builds the dense
    array when values are boxed and must be recorded.
    """

    __slots__ = ("buffer", "held", "indices", "kind", "limit", "nan", "ndim", "shape", "spread", "values")

    dtype = None  # so that it is never taken for a finished cotangent
    base = None

    def __init__(
        self, index: Any, value: Array, shape: Shape, dtype: np.dtype[Any], spread: Callable[..., Array]
    ) -> None:
        self.shape = shape
        self.ndim = len(shape)
        self.kind = dtype
        self.spread = spread
        self.indices = [index]
        self.values = [value]
        self.held = value.size
        self.limit = max(math.prod(shape), 1024)
        self.nan = False
        self.buffer: Array = None

    def dense(self) -> Array:
        """The whole array."""
        if self._flush():
            return self.buffer
        rest = self.spread(self.indices, self.values, self.shape, self.kind)
        return rest if self.buffer is None else self.buffer + rest

    def absorb(self, g: Array, node: Any, shared: set[Any]) -> Array:
        """This cotangent plus ``g``."""
        if type(g) is not Scatter:
            shared.add(node)
            return self.add_to(g, node, shared)
        if g.buffer is not None:
            return accumulate(g.dense(), self.dense(), node, shared)
        for index, value in zip(g.indices, g.values, strict=True):
            self.hold(index, value)
        self.nan |= g.nan
        return self

    def hold(self, index: Any, value: Array) -> None:
        """Add the cotangent of another ``x[index]``."""
        self.indices.append(index)
        self.values.append(value)
        self.held += value.size
        if self.held > self.limit:
            self._flush()

    def add_to(self, total: Array, node: Any, shared: set[Any]) -> Array:
        """``total`` (a dense array) plus this cotangent."""
        if self.buffer is not None or not _are_known((total, *self.values)):
            return accumulate(total, self.dense(), node, shared)
        dtype = np.result_type(total, _wide(total.dtype), *{v.dtype for v in self.values})
        if node in shared or total.dtype != dtype or not isinstance(total, np.ndarray):
            total = np.array(total, dtype=dtype)
            shared.discard(node)
        add_parts(total, self.indices, self.values)
        return total

    def _flush(self) -> bool:
        """Add what is held into the buffer; whether that could be done, values being plain."""
        if not _are_known(self.values):
            return False
        dtype = np.result_type(_wide(self.kind), *{v.dtype for v in self.values})
        if self.buffer is None:
            self.buffer = np.zeros(self.shape, dtype)
        elif not np.can_cast(dtype, self.buffer.dtype):
            self.buffer = self.buffer.astype(np.result_type(dtype, self.buffer))
        self.nan |= add_parts(self.buffer, self.indices, self.values)
        self.indices, self.values, self.held = [], [], 0
        return True


def _are_known(arrays: Sequence[Array]) -> bool:
    """Whether ``arrays`` are plain, and so is what they are indexed by."""
    return PLAIN.issuperset(map(type, arrays)) and not (modes.batching or (modes.tracing and modes.trace() is not None))


def add_parts(buffer: np.ndarray[Any, Any], indices: Sequence[Any], values: Sequence[Array]) -> bool:
    """Add to ``buffer`` each of ``values`` at its index; whether there is a NaN among them."""
    if len(indices) > 8 and buffer.ndim == 1 and {*map(type, indices)} == {int}:
        indices, values = [np.array(indices)], [np.array(values)]
    found = False
    for index, value in zip(indices, values, strict=True):
        if names_once(index):
            buffer[index] += value
        elif buffer.ndim > 1 and buffer.flags.c_contiguous and (axis := _axis_of(index)) is not None:
            _add_slices(buffer, axis, index, value)
        else:
            np.add.at(buffer, index, value)
        found = found or has_nan(value)
    return found


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return SINGLE if dtype == HALF else dtype


def _axis_of(index: Any) -> int | None:
    """The axis whose positions ``index`` lists in an array of integers, if it does no more than that."""
    *before, last = index if type(index) is tuple else (index,)
    return len(before) if type(last) is np.ndarray and all([type(p) is slice and p == _ALL for p in before]) else None


_ALL = slice(None)


def _add_slices(buffer: np.ndarray[Any, Any], axis: int, index: Any, value: Array) -> None:
    """Add ``value`` to whole slices across ``axis``, element by element: several times as quick as ``np.add.at``."""
    before, n, after = math.prod(buffer.shape[:axis]), buffer.shape[axis], math.prod(buffer.shape[axis + 1 :])
    positions = np.ravel(index[-1] if type(index) is tuple else index).astype(np.intp)
    positions = np.where(positions < 0, positions + n, positions)
    places = (np.arange(before)[:, None, None] * n + positions[:, None]) * after + np.arange(after)
    np.add.at(buffer.reshape(-1), places.reshape(-1), np.asarray(value, buffer.dtype).reshape(-1))


def names_once(index: Any) -> bool:
    """Whether ``index`` is known to name no element twice: it has no array of integers in it."""
    parts = index if type(index) is tuple else (index,)
    return all([type(p) in _ONCE or (type(p) is np.ndarray and p.dtype.kind == "b") for p in parts])


_ONCE = frozenset({int, bool, slice, type(None), type(Ellipsis)})
