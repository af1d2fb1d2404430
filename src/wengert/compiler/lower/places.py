"""Elements read by position."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert._types import Shape
from wengert.compiler.build import Builder
from wengert.compiler.graph import Affine, Gathered, Value
from wengert.compiler.lower.rules import BOOL, as_value, rule

__all__ = ["as_view", "gathered", "is_basic", "offset_in", "parts_of", "shape_of"]

Model = np.ndarray[Any, Any]
INT = np.dtype(np.int64)


@rule("getitem")
def _getitem(b: Builder, x: Any, index: Any, *, value: Value) -> Value | None:
    x = as_value(b, x)
    if is_basic(index):
        whole = as_view(index)
        return b.through(x, lambda m: m[whole])
    base, model = b.model(x)
    places = gathered(b, base, model, index, value.shape)
    if places is None:
        return None
    root = x.inputs[0] if x.prim == "view" else x
    return b.unique("gather", (root, *places[1]), places[0], value.shape, value.dtype)


@rule("take")
def _take(b: Builder, x: Any, indices: Any, axis: int, *, value: Value) -> Value | None:
    return _getitem(b, x, (*(slice(None),) * axis, indices), value=value)


@rule("pick_labels")
def _pick(b: Builder, x: Any, places: Any, *, value: Value) -> Value | None:
    return _getitem(b, x, places, value=value)


def parts_of(index: Any) -> tuple[Any, ...]:
    """The parts of an index."""
    return index if type(index) is tuple else (index,)


def is_basic(index: Any) -> bool:
    """Whether the index gives a view: it has no arrays."""
    return all([type(p) in (int, slice, type(None), type(Ellipsis)) for p in parts_of(index)])


def as_view(index: Any) -> tuple[Any, ...]:
    """A basic index that gives a view also where ``index`` names one element."""
    parts = parts_of(index)
    return parts if Ellipsis in parts else (*parts, ...)


def offset_in(base: Model, shown: Model) -> int:
    """Where a view's first element is in its base, in elements."""
    there: int = shown.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return there // base.itemsize


def shape_of(index: Any, shape: Shape) -> Shape | None:
    """The shape of ``x[index]`` for an ``x`` of ``shape``, where arrays of positions may be traced."""
    parts = parts_of(index)
    if 0 in shape or any([isinstance(p, Value) and p.dtype == BOOL for p in parts]):
        return None
    known = tuple([np.zeros(p.shape, np.intp) if isinstance(p, Value) else p for p in parts])
    found: Shape = np.broadcast_to(np.zeros((), bool), shape)[known].shape
    return found


class _Part(NamedTuple):
    """A part of an index: what of the axis it takes; for an array of positions, that."""

    basic: Any
    positions: Any = None


def gathered(b: Builder, base: Model, model: Model, index: Any, shape: Shape) -> tuple[Gathered, list[Value]] | None:
    """The places that an index with arrays names in ``model``, a view of ``base``, and its arrays of positions.

    ``shape`` is that of the result.
    """
    parts = _parts(index, model.ndim)
    if parts is None:
        return None
    arrays = [p.positions for p in parts if p.positions is not None]
    common = np.broadcast_shapes(*[np.shape(p) for p in arrays])
    axes, axis = [], 0
    for part in parts:
        if part.positions is not None:
            axes.append(axis)
        axis += part.basic is not None
    extents = tuple([model.shape[axis] for axis in axes])
    if 0 in extents:
        return None
    rest = model[(*[p.basic for p in parts], ...)]
    strides = [s // base.itemsize for s in rest.strides]
    before = _axes_before(parts)
    strides[before:before] = [0] * len(common)
    if len(strides) != len(shape):
        return None
    trailing = (1,) * (len(shape) - before - len(common))
    positions = [as_value(b, p, INT) for p in arrays]
    positions = [b.reshape(p, (*p.shape, *trailing)) for p in positions]
    steps = tuple([model.strides[axis] // base.itemsize for axis in axes])
    affine = Affine(offset_in(base, rest) if rest.size else 0, tuple(strides))
    return Gathered(affine, steps, extents), positions


def _parts(index: Any, ndim: int) -> list[_Part] | None:
    """The parts of an index, one for each axis of the array or new axis; ``None`` if there are truth values in it."""
    parts: list[_Part] = []
    for part in parts_of(index):
        array = np.asarray(part) if isinstance(part, list) else part
        if isinstance(array, bool | np.bool_) or (isinstance(array, Value) and array.dtype == BOOL):
            return None
        if isinstance(array, np.ndarray) and array.dtype == bool:
            parts += [_Part(0, places) for places in np.nonzero(array)]
        elif isinstance(array, np.ndarray | Value):
            parts.append(_Part(0, array.astype(INT) if isinstance(array, np.ndarray) else array))
        else:
            parts.append(_Part(array))
    missing = ndim - len([p for p in parts if p.basic is not None and p.basic is not Ellipsis])
    whole = [_Part(slice(None))] * missing
    for i, part in enumerate(parts):
        if part.basic is Ellipsis:
            return parts[:i] + whole + parts[i + 1 :]
    return parts + whole


def _axes_before(parts: list[_Part]) -> int:
    """How many axes of the result come before those of the positions: none, if a slice is between two of these."""
    named = [i for i, p in enumerate(parts) if p.positions is not None or isinstance(p.basic, int | np.integer)]
    if named[-1] - named[0] + 1 > len(named):
        return 0
    return len([p for p in parts[: named[0]] if p.basic is None or type(p.basic) is slice])
