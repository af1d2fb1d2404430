"""Sums and means along axes, and what all reductions share: axes kept and spread, ``where`` and ``initial``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from wengert._types import Array, Axis, Shape
from wengert.core.aliasing import deliver
from wengert.core.arraymethods import converted
from wengert.core.cotangents import HALF, SINGLE
from wengert.core.dispatch import Box, operand
from wengert.core.registry import FUNCTIONS, register_function
from wengert.ops.cases import Call, call
from wengert.ops.entries import linear
from wengert.ops.queries import plain_tree

__all__ = ["ADD_UP", "axes_of", "count", "counted", "keep", "kept_shape", "restrict", "selective", "spread"]

ADD_UP: Any = np.add.reduce
"""Quicker than ``np.sum``, also by its positional arguments, of which NumPy's type stubs do not know."""

# Shapes


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes that a reduction is along, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    return tuple([i % ndim for i in axis]) if isinstance(axis, tuple) else (axis % ndim if ndim else 0,)


def kept_shape(shape: Shape, axis: Axis) -> Shape:
    """``shape`` with 1 in place of the axes that are reduced."""
    if type(axis) is int and shape:
        i = axis % len(shape)
        return (*shape[:i], 1, *shape[i + 1 :])
    axes = axes_of(axis, len(shape))
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])


def keep(g: Array, shape: Shape, axis: Axis, keepdims: bool) -> Array:
    """The result ``g`` of a reduction of an array of ``shape``, with the reduced axes as axes of length 1."""
    return g if keepdims or axis is None else np.reshape(g, kept_shape(shape, axis))


def spread(g: Array, shape: Shape, axis: Axis, keepdims: bool) -> Array:
    """The result ``g`` of a reduction repeated along the axes that were reduced, to ``shape``."""
    if isinstance(g, Box):
        return np.broadcast_to(keep(g, shape, axis, keepdims), shape)
    full = np.empty(shape, g.dtype)
    if axis is None:
        full.fill(g.reshape(()) if keepdims else g)
    else:
        full[...] = g if keepdims or axis == 0 else g.reshape(kept_shape(shape, axis))
    return full


def count(shape: Shape, axis: Axis) -> int:
    """How many elements each result of a reduction is computed from."""
    if axis is None:
        return math.prod(shape)
    if isinstance(axis, tuple):
        return math.prod([shape[i] for i in axis])
    return shape[axis] if shape else 1


# Keywords that several reductions share


def restrict(a: Array, where: Array, fill: Any) -> Array:
    """``a`` where ``where`` is true, ``fill`` elsewhere."""
    chosen = np.where(plain_tree(where), a, fill)
    if chosen.shape != a.shape:
        raise ValueError(f"where of shape {np.shape(where)} does not fit the array of shape {a.shape}.")
    return chosen


def selective(
    function: Callable[..., Any], signature: str, neutral: float, join: Callable[[Array, Array], Array]
) -> Callable[..., Any]:
    """What answers for a reduction with ``where`` and ``initial``, which the entry of ``function`` itself ignores.

    ``neutral`` takes the place of elements that do not count; ``join`` adds ``initial`` to the result.
    """
    plain = FUNCTIONS[function]
    names = signature.split()

    def reduction(*args: Any, **params: Any) -> Array:
        if len(args) <= 3 and "where" not in params and "initial" not in params:
            return plain(*args, **params)
        params.update(zip(names, args, strict=False))
        a = operand(params.pop(names[0]))
        out = params.pop("out", None)
        where, initial = params.pop("where", True), params.pop("initial", None)
        if where is not True:
            a = restrict(a, where, neutral)
        y = plain(a, **params)
        if initial is not None:
            y = join(initial, y)
        return y if out is None else deliver(y, out, f"np.{function.__name__}")

    return reduction


# Sums and means


def _values(rng: np.random.Generator) -> list[Call]:
    """Calls of a function of ``a``, ``axis`` and ``keepdims``, in every form of those."""
    a = rng.normal(size=(2, 3, 5))
    return [
        call(a),
        call(a, axis=1),
        call(a, axis=-1, keepdims=True),
        call(a, axis=(0, 2)),
        call(a, axis=(-1, 0), keepdims=True),
        call(a[0], keepdims=True),
        call(a[0], axis=()),
        call(a[0, 0, 0]),
        call(a[0, 0]),
    ]


def _totals(rng: np.random.Generator) -> list[Call]:
    """The same, and ``where`` and ``initial``, and empty arrays."""
    a = rng.normal(size=(2, 3))
    where = np.array([[True, False, True], [True, True, False]])
    return [
        *_values(rng),
        call(a, axis=0, where=where),
        call(a, where=where[0], keepdims=True),
        call(a, initial=2.5),
        call(a, axis=1, initial=0.5, where=where),
        call(a[:, :0], axis=1),
        call(a[:0]),
    ]


def _sum(a: Array, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    if dtype is None and a.dtype is HALF:
        return ADD_UP(a, axis, SINGLE, None, keepdims).astype(HALF)
    return ADD_UP(a, axis, dtype, None, keepdims)


linear(
    np.sum,
    "a axis dtype",
    evaluate=_sum,
    a=lambda g, a_like, axis=None, keepdims=False: spread(g, a_like.shape, axis, keepdims),
    samples=_totals,
    analytic=True,
)
register_function(np.sum, selective(np.sum, "a axis dtype out keepdims initial where", 0, np.add))


def _mean(a: Array, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Array:
    n = count(a.shape, axis)
    if n == 0 or dtype is not None or a.dtype is HALF or a.dtype.kind not in "fc":
        return np.mean(a, axis, dtype, None, keepdims)
    y = ADD_UP(a, axis, None, None, keepdims)
    if type(y) is ndarray:
        y /= n
        return y
    return y / n


def _mean_pull(g: Array, a_like: Any, axis: Axis = None, keepdims: bool = False) -> Array:
    n = count(a_like.shape, axis)
    return spread(g / n if n else g, a_like.shape, axis, keepdims)


linear(
    np.mean,
    "a axis dtype out keepdims",
    evaluate=_mean,
    a=_mean_pull,
    samples=lambda rng: [
        *_values(rng),
        call(rng.normal(size=(2, 3)), axis=1, where=np.array([True, False, True])),
        call(rng.normal(size=(2, 3)), where=np.array([[True], [False]]), keepdims=True),
        call(rng.normal(size=(0, 3)), axis=1),
    ],
    analytic=True,
)
_plain_mean = FUNCTIONS[np.mean]


def counted(where: Array, a: Array, axis: Axis, keepdims: bool) -> Array:
    """How many elements of ``a`` count, in a dtype that does not widen ``a``'s."""
    chosen = np.broadcast_to(plain_tree(where), a.shape)
    n = ADD_UP(chosen, axis, np.intp, None, keepdims)
    return n.astype(np.finfo(a.dtype).dtype if a.dtype.kind in "fc" else np.float64)


def _mean_where(
    a: Array, axis: Axis = None, dtype: Any = None, out: Any = None, keepdims: bool = False, *, where: Array
) -> Array:
    a = operand(a)
    wide = converted(a, SINGLE if a.dtype is HALF and dtype is None else dtype or a.dtype)
    y = np.sum(wide, axis=axis, keepdims=keepdims, where=where) / counted(where, wide, axis, keepdims)
    if a.dtype is HALF and dtype is None:
        y = converted(y, HALF)
    return y if out is None else deliver(y, out, "np.mean")


register_function(np.mean, lambda *args, **params: (_mean_where if "where" in params else _plain_mean)(*args, **params))
