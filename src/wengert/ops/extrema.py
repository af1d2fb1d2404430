"""Largest and smallest elements, and what is computed from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from wengert._types import Array, Axis
from wengert.core.aliasing import deliver, keeps_gradient
from wengert.core.dispatch import Box, apply, operand
from wengert.core.op import Op
from wengert.core.registry import ALONE, register
from wengert.ops.cases import Call, call
from wengert.ops.entries import composite
from wengert.ops.queries import plain_tree
from wengert.ops.reduce import keep, restrict


def _shares(a: Array, y: Array, axis: Axis, keepdims: bool, initial: Any, where: Array) -> Array:
    """What part of each result every element of ``a`` stands for: equal parts of equal elements.

    Plain truth values where each result has one source. ``initial`` counts as an element; a result that equals none
    of its elements is a NaN among them, and its derivative is NaN.
    """
    results = y
    y = keep(y, a.shape, axis, keepdims)
    chosen = a == y if where is True else (a == y) & where
    plain = type(a) is ndarray and not isinstance(results, Box) and initial is None
    if plain and np.count_nonzero(chosen) == results.size and not np.count_nonzero(y != y):
        return chosen
    sources = np.add.reduce(chosen, axis=axis, keepdims=True)
    if initial is not None:
        sources = sources + (initial == y)
    lost = y != y
    share = np.where(lost, np.nan, 1.0) / np.where(sources == 0, 1, sources)
    return np.where(chosen | lost, share, 0.0).astype(a.dtype)


def _pull(
    g: Array, a: Array, y: Array, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Array = True
) -> Array:
    shares = _shares(a, y, axis, keepdims, initial, where)
    g = keep(g, a.shape, axis, keepdims)
    if shares.dtype.kind == "b":
        return np.where(shares, g, 0.0)
    return np.where(shares != 0, g * shares, 0.0)


def _push(
    t: Array, a: Array, y: Array, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Array = True
) -> Array:
    shares = _shares(a, y, axis, keepdims, initial, where)
    return np.sum(np.where(shares != 0, t * shares, 0.0), axis=axis, keepdims=keepdims)


def _samples(rng: np.random.Generator) -> list[Call]:
    a = rng.permutation(30).reshape(2, 3, 5) / 7.0 - 2.0
    where = np.array([[True], [False], [True]])
    return [
        call(a),
        call(a, axis=1),
        call(a, axis=(0, -1), keepdims=True),
        call(a[0], keepdims=True),
        call(a[0, 0, 0]),
        call(a[0], axis=-1, initial=0.5),
        call(a[0], axis=0, where=where, initial=-0.25),
        call(a[:, :0], axis=0),
    ]


_LARGE = np.array([2.0, -1.0, 2.0])
_LARGE_ROWS = np.array([[2.0, 2.0, 1.0], [2.0, 2.0, 1.0]])
_GAP = np.array([1.0, np.nan, 2.0])


def _ties(sign: float) -> list[tuple[Call, tuple[Any, ...]]]:
    """Equal largest (``sign`` 1) or smallest (-1) elements, along every form of axis."""
    row, rows = sign * _LARGE, sign * _LARGE_ROWS
    quarters = np.array([[0.25, 0.25, 0.0], [0.25, 0.25, 0.0]])
    return [
        (call(row), (np.array([0.5, 0.0, 0.5]),)),
        (call(rows), (quarters,)),
        (call(rows, axis=0), (np.full((2, 3), 0.5),)),
        (call(rows, axis=1, keepdims=True), (2.0 * quarters,)),
        (call(rows, axis=(1, 0)), (quarters,)),
        (call(row, initial=row[0]), (np.array([1.0, 0.0, 1.0]) / 3.0,)),
        (
            call(rows, axis=1, where=np.array([True, False, True]), initial=-9.0 * sign),
            (np.eye(1, 3) + np.zeros((2, 3)),),
        ),
    ]


def _extremum(
    functions: tuple[Callable[..., Any], ...],
    evaluate: Callable[..., Array],
    sign: float,
    gradient_at_gap: Any,
) -> None:
    """Enter the functions that find the largest (``sign`` 1) or smallest (-1) element."""
    name = functions[0].__name__
    op = register(Op(name, "structured", evaluate, ("a",), (_pull,), (_push,), selects=True))
    ALONE.update(dict.fromkeys(functions, op))
    join = np.maximum if sign > 0 else np.minimum

    @composite(*functions, samples=_samples, kinks=[*_ties(sign), (call(_GAP), (np.array(gradient_at_gap),))])
    def extremum(
        a: Array, axis: Axis = None, out: Any = None, keepdims: bool = False, initial: Array = None, where: Array = True
    ) -> Array:
        a = operand(a)
        params: dict[str, Any] = {} if axis is None else {"axis": axis}
        if keepdims:
            params["keepdims"] = True
        if keeps_gradient(initial):
            least = -sign * np.inf
            y = join(apply(op, (restrict(a, where, least),), {**params, "initial": least}), initial)
        else:
            if initial is not None:
                params["initial"] = plain_tree(initial)
            if where is not True:
                params["where"] = plain_tree(where)
            y = apply(op, (a,), params)
        return y if out is None else deliver(y, out, f"np.{name}")


_GREATEST: Any = np.maximum.reduce
_LEAST: Any = np.minimum.reduce


def _max(a: Array, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Array = True) -> Array:
    return _GREATEST(a, axis, None, None, keepdims, initial, where)


def _min(a: Array, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Array = True) -> Array:
    return _LEAST(a, axis, None, None, keepdims, initial, where)


_LOST = [np.nan, np.nan, np.nan]

_extremum((np.max, np.amax), _max, 1.0, _LOST)
_extremum((np.min, np.amin), _min, -1.0, _LOST)
_extremum((np.nanmax,), np.nanmax, 1.0, [0.0, 0.0, 1.0])
_extremum((np.nanmin,), np.nanmin, -1.0, [1.0, 0.0, 0.0])


@composite(
    np.ptp,
    samples=lambda rng: [c for c in _samples(rng) if not {"initial", "where"} & set(c.kwargs)],
    kinks=[(call(_LARGE), (np.array([0.5, -1.0, 0.5]),))],
)
def _ptp(a: Array, axis: Axis = None, out: Any = None, keepdims: bool = False) -> Array:
    y = np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)
    return y if out is None else deliver(y, out, "np.ptp")
