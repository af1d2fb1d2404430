"""How operations along axes work on a batch: reductions, running sums, sorting, diagonals, searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert._types import Array, Axis, Params
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.core.registry import OPS
from wengert.ops.batching import BATCHING, Mapped, Rule, aligned, along, batch_rule, differs, one_by_one

__all__: list[str] = []


def _whole(default: Axis = None) -> Rule:
    """The rule of a reduction whose ``axis`` may be several, or ``None`` for all."""

    def rule(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
        (x,) = xs
        where = params.get("where")
        params = {**params, "where": aligned(where.array, x.ndim - 1)} if type(where) is Mapped else params
        if differs(params) or not mapped[0] or (x.ndim == 1 and where is not None):
            params = params if where is None else {**params, "where": where}
            return one_by_one(op, xs, mapped, params, count)
        if x.ndim == 1:  # NumPy's scalars: an axis to reduce, that is not kept
            return apply(op, (np.reshape(x, (count, 1)),), {**params, "axis": 1, "keepdims": False})
        axis = params.get("axis", default)
        if axis is None:
            return apply(op, (x,), {**params, "axis": tuple(range(1, x.ndim)) if x.ndim > 2 else 1})
        return along(op, x, params, "axis", axis)

    return rule


BATCHING.update(
    dict.fromkeys(
        [
            "sum",
            "mean",
            "max",
            "min",
            "nanmax",
            "nanmin",
            "prod",
            "var",
            "std",
            "length",
            "all",
            "any",
            "count_nonzero",
        ],
        _whole(),
    )
)
BATCHING.update(dict.fromkeys(("logaddexp.reduce", "logaddexp2.reduce"), _whole(0)))


def _lines(default: int | None) -> Rule:
    """The rule of an operation along one axis; where ``axis`` is ``None``, along all elements in a line."""

    def rule(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
        (x,) = xs
        if differs(params) or x.ndim == 1:
            return one_by_one(op, xs, mapped, params, count)
        axis = params.get("axis", default)
        if axis is not None:
            return along(op, x, params, "axis", axis)
        y = apply(op, (np.reshape(x, (count, -1)) if x.size else x.reshape(count, 0),), {**params, "axis": 1})
        if params.get("keepdims"):
            return np.reshape(y, (count,) + (1,) * (x.ndim - 1))
        return np.reshape(y, x.shape) if op.name == "roll" else y

    return rule


BATCHING.update(dict.fromkeys(["argmax", "argmin", "nanargmax", "nanargmin", "roll"], _lines(None)))
BATCHING.update(dict.fromkeys(["argsort", "argpartition", "partition", "unwrap"], _lines(-1)))
BATCHING.update(dict.fromkeys(("cumsum", "cumprod", "repeat", "add.reduceat"), _lines(0)))


@batch_rule("answer")
def _answered(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    where = params.get("where", True)
    (x,) = xs
    if differs(params) or where is not True or x.ndim == 1:
        return one_by_one(op, xs, mapped, params, count)
    axis = params["axis"]
    return along(op, x, params, "axis", tuple(range(x.ndim - 1)) if axis is None else axis)


@batch_rule("trace", "diagonal")
def _diagonals(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    (x,) = xs
    one, two = [normalize_axis_index(params.get(f"axis{k}", k - 1), x.ndim - 1) + 1 for k in (1, 2)]
    return apply(op, (x,), {**params, "axis1": one, "axis2": two})


@batch_rule("tril", "triu")
def _triangles(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    (x,) = xs
    if x.ndim == 2:  # NumPy makes of a vector as many rows as it has elements
        x = np.broadcast_to(x[:, None, :], (count, x.shape[1], x.shape[1]))
    return apply(op, (x,), params)


@batch_rule("diag")
def _on_diagonal(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    (v,) = xs
    k = params["k"]
    n = v.shape[1] + abs(k)
    rows = np.arange(v.shape[1]) + max(-k, 0)
    return apply(OPS["update"], (np.zeros((count, n, n), v.dtype), v), {"index": (slice(None), rows, rows + k)})


@batch_rule("searchsorted", "digitize", "isin")
def _sought(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    which = 1 if op.name == "searchsorted" else 0
    if mapped[1 - which] or differs(params):
        return one_by_one(op, xs, mapped, params, count)
    return apply(op, xs, params)
