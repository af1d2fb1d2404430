"""Elements in another arrangement: joined, repeated, rolled, cut to triangles."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.compiler.build import Builder
from wengert.compiler.graph import Affine, Value
from wengert.compiler.lower.rules import as_value, name_of, rule

__all__: list[str] = []


@rule("concatenate")
def _concatenate(b: Builder, *xs: Any, axis: int | None = 0, value: Value, **params: Any) -> Value | None:
    if not set(params) <= {"dtype", "casting"}:
        return None
    arrays = [as_value(b, x, value.dtype) for x in xs]
    if axis is None:
        arrays, axis = [b.reshape(x, (x.size,)) for x in arrays], 0
    return b.join(arrays, normalize_axis_index(axis, value.ndim), value.shape, value.dtype)


@rule("reshape", "ravel")
def _reshape(b: Builder, x: Any, shape: Any = None, order: str = "C", *, value: Value, **params: Any) -> Value | None:
    """In Fortran's order, the elements with their axes turned round."""
    x = as_value(b, x)
    if params or order not in ("C", "F"):
        return None
    if order == "C":
        return b.reshape(x, value.shape)
    turned = b.reshape(b.transpose(x, range(x.ndim)[::-1]), value.shape[::-1])
    return b.transpose(turned, range(value.ndim)[::-1])


@rule("stack")
def _stack(b: Builder, *xs: Any, axis: int = 0, value: Value, **params: Any) -> Value | None:
    if not set(params) <= {"dtype", "casting"}:
        return None
    axis = normalize_axis_index(axis, value.ndim)
    values = [as_value(b, x, value.dtype) for x in xs]
    arrays = [b.reshape(x, (*x.shape[:axis], 1, *x.shape[axis:])) for x in values]
    return b.join(arrays, axis, value.shape, value.dtype)


@rule("roll")
def _roll(b: Builder, x: Any, shift: Any, axis: Any = None, *, value: Value) -> Value | None:
    x = as_value(b, x)
    if isinstance(shift, Value) or not x.size:
        return None
    if axis is None:
        flat = _rolled(b, b.reshape(x, (x.size,)), int(shift), 0)
        return b.reshape(flat, value.shape)
    pairs = np.broadcast_arrays(shift, axis)
    for s, a in zip(*[np.ravel(p).tolist() for p in pairs], strict=True):
        x = _rolled(b, x, s, normalize_axis_index(a, x.ndim))
    return x


def _rolled(b: Builder, x: Value, shift: int, axis: int) -> Value:
    n = x.shape[axis]
    cut = -shift % n
    if cut == 0:
        return x
    before = (slice(None),) * axis
    parts = [b.through(x, itemgetter((*before, s))) for s in (slice(cut, None), slice(None, cut))]
    return b.join(parts, axis, x.shape, x.dtype)


@rule("tril", "triu")
def _triangle(b: Builder, x: Any, k: int = 0, *, value: Value) -> Value | None:
    x = as_value(b, x)
    if isinstance(k, Value):
        return None
    x = b.broadcast(x, value.shape)
    row, column = b.index(x.shape, x.ndim - 2), b.index(x.shape, x.ndim - 1)
    limit = b.map("add", row, b.number(k, row.dtype))
    kept = b.map("le" if name_of(value) == "tril" else "ge", column, limit)
    return b.map("select", kept, x, b.number(0, x.dtype))


@rule("repeat")
def _repeat(b: Builder, x: Any, repeats: int, axis: int, *, value: Value) -> Value | None:
    x = as_value(b, x)
    wide = b.reshape(x, (*x.shape[: axis + 1], 1, *x.shape[axis + 1 :]))
    wide = b.broadcast(wide, (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :]))
    return b.reshape(wide, value.shape)


@rule("tile")
def _tile(b: Builder, x: Any, reps: Any, *, value: Value) -> Value | None:
    x = as_value(b, x)
    counts = tuple(reps) if np.iterable(reps) else (reps,)
    ndim = max(len(counts), x.ndim)
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - x.ndim) + x.shape
    wide = b.reshape(x, tuple([n for m in shape for n in (1, m)]))
    wide = b.broadcast(wide, tuple([n for pair in zip(counts, shape, strict=True) for n in pair]))
    return b.reshape(wide, value.shape)


@rule("diag")
def _diag(b: Builder, x: Any, k: int = 0, *, value: Value) -> Value | None:
    """The numbers ``x`` along a diagonal, among zeros."""
    x = as_value(b, x, value.dtype)
    if x.ndim != 1:
        return None
    zeros = b.broadcast(b.number(0, x.dtype), value.shape)
    if not x.size:
        return zeros
    n = value.shape[0]
    place = Affine(k if k >= 0 else -k * n, (n + 1 if x.size > 1 else 0,))
    return b.unique("update", (zeros, x), (place, "set"), value.shape, x.dtype)
