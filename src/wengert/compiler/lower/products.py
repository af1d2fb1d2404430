"""Products of matrices and vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert.compiler.build import Builder
from wengert.compiler.graph import Value
from wengert.compiler.lower.rules import as_value, name_of, rule

__all__ = ["of_dtype"]


def of_dtype(b: Builder, value: Value, *xs: Any) -> list[Value] | None:
    """The operands as values of the result's dtype, if that is of floating-point numbers."""
    return [as_value(b, x, value.dtype) for x in xs] if value.dtype.kind == "f" else None


@rule("matmul")
def _matmul(b: Builder, x: Any, y: Any, axes: Any = None, *, value: Value) -> Value | None:
    pair = of_dtype(b, value, x, y)
    if pair is None:
        return None
    x, y = pair
    if axes is not None:
        if x.ndim < 2 or y.ndim < 2:
            return None
        x, y = _moved(b, x, axes[0], (-2, -1)), _moved(b, y, axes[1], (-2, -1))
        return _moved(b, b.matmul(x, y), (-2, -1), axes[2])
    left = b.reshape(x, (1, *x.shape)) if x.ndim == 1 else x
    right = b.reshape(y, (*y.shape, 1)) if y.ndim == 1 else y
    return b.reshape(b.matmul(left, right), value.shape)


def _moved(b: Builder, x: Value, source: Any, destination: Any) -> Value:
    """``x`` with axes moved."""
    return b.through(x, lambda m: np.moveaxis(m, source, destination))


@rule("dot", "inner")
def _dot(b: Builder, x: Any, y: Any, *, value: Value) -> Value | None:
    pair = of_dtype(b, value, x, y)
    if pair is None:
        return None
    x, y = pair
    if x.ndim == 0 or y.ndim == 0:
        return b.map("mul", x, y)
    turn = name_of(value) == "inner" or y.ndim == 1
    return _contracted(b, x, y, (x.ndim - 1,), (y.ndim - 1 if turn else y.ndim - 2,), value)


@rule("vdot")
def _vdot(b: Builder, x: Any, y: Any, *, value: Value) -> Value | None:
    pair = of_dtype(b, value, x, y)
    if pair is None:
        return None
    x, y = [b.reshape(z, (z.size,)) for z in pair]
    return b.reduce("sum", b.map("mul", x, y), (0,))


@rule("outer")
def _outer(b: Builder, x: Any, y: Any, *, value: Value) -> Value | None:
    pair = of_dtype(b, value, x, y)
    if pair is None:
        return None
    return b.map("mul", b.reshape(pair[0], (pair[0].size, 1)), b.reshape(pair[1], (1, pair[1].size)))


@rule("tensordot")
def _tensordot(b: Builder, x: Any, y: Any, axes: Any = 2, *, value: Value) -> Value | None:
    pair = of_dtype(b, value, x, y)
    if pair is None:
        return None
    x, y = pair
    if np.iterable(axes):
        first, second = [tuple(a) if np.iterable(a) else (a,) for a in axes]
    else:
        first, second = tuple(range(x.ndim - axes, x.ndim)), tuple(range(axes))
    return _contracted(b, x, y, tuple([a % x.ndim for a in first]), tuple([a % y.ndim for a in second]), value)


def _contracted(b: Builder, x: Value, y: Value, first: tuple[int, ...], second: tuple[int, ...], value: Value) -> Value:
    """The sum of products over pairs of axes."""
    rows = [i for i in range(x.ndim) if i not in first]
    columns = [i for i in range(y.ndim) if i not in second]
    k = math.prod([x.shape[i] for i in first])
    m, n = math.prod([x.shape[i] for i in rows]), math.prod([y.shape[i] for i in columns])
    left = b.reshape(b.transpose(x, (*rows, *first)), (m, k))
    right = b.reshape(b.transpose(y, (*second, *columns)), (k, n))
    return b.reshape(b.matmul(left, right), value.shape)


@rule("vecdot")
def _vecdot(b: Builder, x: Any, y: Any, axis: int = -1, *, value: Value, **params: Any) -> Value | None:
    pair = of_dtype(b, value, x, y)
    if pair is None or params:
        return None
    x, y = [_moved(b, z, axis, -1) for z in pair]
    product = b.map("mul", x, y)
    return b.reduce("sum", product, (product.ndim - 1,))


@rule("matvec", "vecmat")
def _with_vector(b: Builder, x: Any, y: Any, *, value: Value, **params: Any) -> Value | None:
    pair = of_dtype(b, value, x, y)
    if pair is None or params:
        return None
    x, y = pair
    turned = name_of(value) == "matvec"
    left = x if turned else b.reshape(x, (*x.shape[:-1], 1, x.shape[-1]))
    right = b.reshape(y, (*y.shape, 1)) if turned else y
    return b.reshape(b.matmul(left, right), value.shape)
