"""Elements picked out by positions, conditions or choices: compositions of indexing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert._types import Array
from wengert.core.aliasing import deliver, innermost, is_traced, known
from wengert.core.dispatch import Box, apply
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.ops.cases import call, drawn
from wengert.ops.entries import composite
from wengert.ops.index import GETITEM, plain_index, scattered
from wengert.ops.join import along
from wengert.ops.shape import array_of, at_least

__all__ = ["along_axis"]

TAKE: Op = register(
    Op(
        "take",
        "linear",
        lambda a, indices, axis: np.take(a, indices, axis),
        ("a",),
        (lambda g, a_like, indices, axis: scattered(g, along(axis, indices), a_like),),
        selects=True,
    )
)


@composite(
    np.take,
    samples=drawn(
        ((5,), [0, 2, 2]), ((2, 3), 4), ((2, 3), np.array([[0, 2], [2, 1]]), 1), ((2, 3), [1, 1, -1], {"axis": -2}),
        ((3,), [4, -5], {"mode": "wrap"}), ((2, 3), [-1, 7], 1, None, "clip"), ((2, 3), 1, 1), ((3,), []),
    ),
)  # fmt: skip
def _take(a: Array, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Array:
    if not isinstance(a, Box) and not is_traced(indices):
        return deliver(np.take(a, innermost(indices), axis, mode=mode), out, "np.take")
    if axis is None:
        a, axis = np.ravel(a), 0
    a = at_least(1, a)
    axis = normalize_axis_index(axis, a.ndim)
    indices = _bounded(indices, a.shape[axis], mode)
    return deliver(apply(TAKE, (a,), {"indices": indices, "axis": axis}), out, "np.take")


def _bounded(indices: Any, n: int, mode: str) -> Any:
    """``indices`` into an axis of length ``n``, those outside treated as ``mode`` says."""
    indices = plain_index(indices)
    indices = indices if isinstance(indices, Box) else np.asarray(indices)
    if mode == "raise":
        return indices
    if mode not in ("wrap", "clip"):
        raise ValueError(f"mode is 'raise', 'wrap' or 'clip', not {mode!r}.")
    if n == 0 and indices.size:
        raise IndexError("Can't take elements from an empty axis.")
    return indices % n if mode == "wrap" else np.clip(indices, 0, n - 1)


def along_axis(shape: tuple[int, ...], indices: Any, axis: int) -> tuple[Any, ...]:
    """The index that reads, and writes, what ``np.take_along_axis`` does."""
    indices = innermost(indices)
    indices = indices if isinstance(indices, Box) else np.array(indices)
    if indices.dtype.kind not in "iu":
        raise IndexError(f"take_along_axis: indices has dtype {indices.dtype}; positions are integers.")
    if indices.ndim != len(shape):
        raise ValueError(
            f"take_along_axis: indices has {indices.ndim} axes, the array {len(shape)}; both need as many."
        )
    index: list[Any] = [np.arange(n).reshape((-1,) + (1,) * (len(shape) - 1 - i)) for i, n in enumerate(shape)]
    index[axis] = indices
    return tuple(index)


@composite(
    np.take_along_axis,
    samples=drawn(
        ((2, 3), np.array([[0, 2, 2, 1], [1, 1, 0, 0]]), 1), ((2, 3), np.array([[1, 0, 1]]), 0),
        ((4,), np.array([3, 3, 0]), {"axis": None}), ((2, 3), {"indices": np.array([[-1]])}),
    ),
)  # fmt: skip
def _take_along_axis(arr: Array, indices: Any, axis: int | None = -1) -> Array:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis = normalize_axis_index(axis, arr.ndim)
    return apply(GETITEM, (arr,), {"index": along_axis(arr.shape, indices, axis)})


@composite(
    np.compress,
    samples=lambda r: [
        call([True, False, True], r.normal(size=(2, 3)), 1),
        call(np.array([0, 1, 1]), r.normal(size=(2, 3)), axis=-1),
        call([True, False, True, True], r.normal(size=(2, 3))),
    ],
)
def _compress(condition: Any, a: Array, axis: int | None = None, out: Any = None) -> Array:
    condition = np.asarray(known(condition, "np.compress"))
    if condition.ndim != 1:
        raise ValueError(f"compress: condition has shape {condition.shape}; it must have one axis.")
    return np.take(a, np.flatnonzero(condition), axis, out)


@composite(np.extract, samples=lambda r: [call(np.array([[1, 0, 1], [0, 0, 1]]), r.normal(size=(2, 3)))])
def _extract(condition: Any, arr: Array) -> Array:
    return np.take(np.ravel(arr), np.flatnonzero(known(condition, "np.extract")))


@composite(
    np.apply_along_axis,
    samples=lambda r: [
        call(np.sum, 0, r.normal(size=(2, 3))),
        call(np.outer, 1, r.normal(size=(2, 2)), [1.0, -2.0]),
        call(np.cumsum, -1, r.normal(size=(2, 3))),
    ],
)
def _apply_along_axis(func1d: Callable[..., Array], axis: int, arr: Array, *args: Any, **kwargs: Any) -> Array:
    axis = normalize_axis_index(axis, arr.ndim)
    lanes = np.moveaxis(arr, axis, -1)
    shape = lanes.shape[:-1]
    if 0 in shape:
        raise ValueError(f"apply_along_axis: an array of shape {arr.shape} has no lane along axis {axis}.")
    parts = [array_of(func1d(lanes[place], *args, **kwargs)) for place in np.ndindex(*shape)]
    y = np.reshape(np.stack(parts), shape + parts[0].shape)
    made = range(len(shape), y.ndim)
    return np.moveaxis(y, made, range(axis, axis + len(made)))


@composite(
    np.apply_over_axes,
    samples=lambda r: [call(np.sum, r.normal(size=(2, 3, 2)), (0, 2)), call(np.mean, r.normal(size=(2, 3)), -1)],
)
def _apply_over_axes(func: Callable[..., Array], a: Array, axes: Any) -> Array:
    y = array_of(a)
    ndim = y.ndim
    for axis in np.ravel(axes).tolist():
        made = func(y, axis)
        if made.ndim == ndim - 1:
            made = np.expand_dims(made, axis)
        if made.ndim != ndim:
            raise ValueError(f"apply_over_axes: the function gave {made.ndim} axes where {ndim} were wanted.")
        y = made
    return y
