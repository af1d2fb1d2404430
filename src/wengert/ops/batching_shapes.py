"""How operations that rearrange elements, join arrays or make copies work on a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert._types import Array, Axis, Params
from wengert.core.aliasing import Layout, model_of
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.core.registry import OPS
from wengert.ops.batching import Same, aligned, batch_rule, laid_out, mapped_all, one_by_one

__all__: list[str] = []


@batch_rule("reshape")
def _reshaped(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    (x,) = xs
    shape = np.empty(x.shape[1:], bool).reshape(params["shape"]).shape
    return apply(op, (x,), {**params, "shape": (count, *shape)})


@batch_rule("ravel")
def _raveled(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    (x,) = xs
    size = int(np.prod(x.shape[1:], dtype=int))
    return apply(OPS["reshape"], (x,), {**params, "shape": (count, size)})


@batch_rule("transpose")
def _transposed(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    (x,) = xs
    ndim = x.ndim - 1
    axes = params.get("axes")
    axes = range(ndim)[::-1] if axes is None else normalize_axis_tuple(axes, ndim)
    if len(axes) != ndim:
        raise ValueError(f"np.transpose: axes={params['axes']} for an array with {ndim} axes.")
    return apply(op, (x,), {"axes": (0, *[i + 1 for i in axes])})


@batch_rule("broadcast_to")
def _broadcast(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    shape = params["shape"]
    shape = tuple(shape) if np.iterable(shape) else (shape,)
    if len(shape) < xs[0].ndim - 1:
        raise ValueError(f"np.broadcast_to: an array with {xs[0].ndim - 1} axes can't be broadcast to shape {shape}.")
    return apply(op, (aligned(xs[0], len(shape)),), {**params, "shape": (count, *shape)})


@batch_rule("sliding_window_view", "writeable_windows")
def _windows(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    return apply(op, xs, {**params, "axis": _all_axes(params.get("axis"), xs[0].ndim - 1)})


@batch_rule("fold")
def _folded(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    shape = params["shape"]
    return apply(op, xs, {**params, "shape": (count, *shape), "axis": _all_axes(params["axis"], len(shape))})


def _all_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim, allow_duplicate=True)
    return tuple([i + 1 for i in axes])


@batch_rule("tile")
def _tiled(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    reps = params["reps"]
    return apply(op, (aligned(xs[0], len(reps)),), {"reps": (1,) * (xs[0].ndim - len(reps)) + reps})


@batch_rule("pad")
def _padded(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    return apply(op, xs, {"width": ((0, 0), *params["width"])})


@batch_rule("concatenate")
def _concatenated(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    parts = mapped_all(xs, mapped, count)
    axis = params.get("axis", 0)
    if axis is None:
        parts = [np.reshape(x, (count, int(np.prod(x.shape[1:], dtype=int)))) for x in parts]
        axis = 0
    return apply(op, parts, {**params, "axis": normalize_axis_index(axis, parts[0].ndim - 1) + 1})


@batch_rule("stack")
def _joined(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    parts = mapped_all(xs, mapped, count)
    return apply(op, parts, {**params, "axis": normalize_axis_index(params.get("axis", 0), parts[0].ndim) + 1})


@batch_rule("copy", "astype")
def _copied(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    (x,) = xs
    order = params.get("order", "K")
    if order not in ("F", "A") or x.ndim < 3:
        return apply(op, xs, params)
    y = apply(op, xs, {**params, "order": "K"})
    is_f = order == "F" or model_of(x)[:1].reshape(x.shape[1:]).flags.fnc if count else True
    return laid_out(y, "F" if is_f else "C")


@batch_rule("view_as_real", "view_as_complex")
def _viewed(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    return apply(op, xs, params) if xs[0].ndim > 1 else one_by_one(op, xs, mapped, params, count)


@batch_rule("zeros_like", "ones_like", "empty_like", "diag_indices_from", "tril_indices_from", "triu_indices_from")
def _by_form(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Any:
    """What asks for shape and dtype alone is the same for all examples."""
    forms = [_form(x) if m else x for x, m in zip(xs, mapped, strict=True)]
    return Same(op.fun(*forms, **params))


def _form(x: Array) -> np.ndarray[Any, Any]:
    model = model_of(x)
    return np.asarray(model[0]) if model.shape[0] else np.empty(model.shape[1:], model.dtype)


@batch_rule("fill")
def _filled(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    layout: Layout = params["layout"]
    shape, dtype, order = layout
    value = xs[0]
    if value.ndim - 1 > len(shape):
        value = np.reshape(value, (count, *value.shape[value.ndim - len(shape) :]))
    y = apply(op, (aligned(value, len(shape)),), {"layout": ((count, *shape), dtype, "C")})
    return y if order == "C" else laid_out(y, order)
