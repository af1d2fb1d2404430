"""Elements written, or added to, by position."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.compiler.build import Builder
from wengert.compiler.graph import Affine, Value
from wengert.compiler.lower.places import as_view, gathered, is_basic, offset_in, shape_of
from wengert.compiler.lower.rules import BOOL, as_value, rule

__all__: list[str] = []


@rule("spread")
def _spread(b: Builder, *values: Any, indices: Any, shape: Any, dtype: Any, value: Value) -> Value | None:
    total = b.broadcast(b.number(0, value.dtype), shape)
    written = [(index, x) for index, x in zip(indices, values, strict=True) if 0 not in np.shape(x)]
    for i, (index, x) in enumerate(written):
        first = i == 0 and is_basic(index)
        made = _written(b, total, as_value(b, x, value.dtype), index, "set" if first else "add")
        if made is None:
            return None
        total = made
    return total


@rule("spread_labels")
def _spread_labels(b: Builder, x: Any, places: Any, shape: Any, *, value: Value) -> Value | None:
    zeros = b.broadcast(b.number(0, value.dtype), shape)
    return _written(b, zeros, as_value(b, x, value.dtype), places, "set")


@rule("update")
def _update(
    b: Builder, x: Any, new: Any, index: Any, path: Any = (), order: Any = "C", *, value: Value
) -> Value | None:
    return _written(b, as_value(b, x, value.dtype), as_value(b, new, value.dtype), index, "set", path)


@rule("add_at")
def _add_at(
    b: Builder, x: Any, new: Any, index: Any, path: Any = (), order: Any = "C", *, value: Value
) -> Value | None:
    return _written(b, as_value(b, x, value.dtype), as_value(b, new, value.dtype), index, "add", path)


def _written(b: Builder, x: Value, new: Value, index: Any, kind: str, path: Any = ()) -> Value | None:
    """``x`` with ``new`` written to, or added at, ``index`` in what ``path`` leads to in it."""
    base: np.ndarray[Any, Any] = np.empty(x.shape, x.dtype)
    shown = base
    for op, params in path:
        shown = op.fun(shown, **params)
        if not np.may_share_memory(shown, base) and shown.size:
            return None
    if isinstance(index, np.ndarray | Value) and index.dtype == BOOL and new.size == 1:
        return None if path else _where_true(b, x, new, index, kind)
    if is_basic(index):
        return _at_regular_places(b, x, new, (base, shown[as_view(index)]), kind)
    filled = shape_of(index, shown.shape)
    places = None if filled is None else gathered(b, base, shown, index, filled)
    if filled is None or places is None:
        return None
    new = b.broadcast(_without_leading_axes(b, new, len(filled)), filled)
    return b.unique("scatter", (x, new, *places[1]), (places[0], kind), x.shape, x.dtype)


def _where_true(b: Builder, x: Value, new: Value, mask: Any, kind: str) -> Value | None:
    """One number for all elements where ``mask``, of the first axes, is true."""
    mask = as_value(b, mask)
    if mask.shape != x.shape[: mask.ndim]:
        return None
    mask = b.reshape(mask, (*mask.shape, *(1,) * (x.ndim - mask.ndim)))
    new = b.reshape(new, ())
    return b.map("select", mask, b.map("add", x, new) if kind == "add" else new, x, shape=x.shape)


def _at_regular_places(
    b: Builder, x: Value, new: Value, where: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], kind: str
) -> Value:
    base, shown = where
    if not shown.size:
        return x
    new = b.broadcast(_without_leading_axes(b, new, shown.ndim), shown.shape)
    offset = offset_in(base, shown)
    if kind == "set" and shown.size == base.size and shown.flags.c_contiguous and not offset:
        return b.reshape(new, x.shape)
    affine = Affine(offset, tuple([s // base.itemsize for s in shown.strides]))
    return b.unique("update", (x, new), (affine, kind), x.shape, x.dtype)


def _without_leading_axes(b: Builder, new: Value, ndim: int) -> Value:
    while new.ndim > ndim:
        new = b.reshape(new, new.shape[1:])
    return new
