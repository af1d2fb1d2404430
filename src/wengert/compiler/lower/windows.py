"""Windows that slide along axes: convolutions, and the sums that undo windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from wengert._types import Shape
from wengert.compiler.build import Builder, dense_strides
from wengert.compiler.graph import Affine, Value
from wengert.compiler.lower.rules import as_value, rule

__all__ = ["padded"]


def padded(b: Builder, x: Value, before: tuple[int, ...], shape: Shape) -> Value:
    """``x`` among zeros in an array of ``shape``, where it begins at the position ``before``."""
    zeros = b.broadcast(b.number(0, x.dtype), shape)
    if not x.size:
        return zeros
    steps = dense_strides(shape)
    offset = sum([i * s for i, s in zip(before, steps, strict=True)])
    strides = tuple([0 if n == 1 else s for n, s in zip(x.shape, steps, strict=True)])
    return b.unique("update", (zeros, x), (Affine(offset, strides), "set"), shape, x.dtype)


@rule("pad")
def _pad(b: Builder, x: Any, width: Any, *, value: Value) -> Value | None:
    x = as_value(b, x, value.dtype)
    return padded(b, x, tuple([before for before, _ in width]), value.shape)


@rule("convolve")
def _convolve(b: Builder, x: Any, y: Any, mode: str, *, value: Value) -> Value | None:
    """Sums over windows of the longer factor, which ends of zeros make long enough."""
    if value.dtype.kind != "f" or not isinstance(mode, str):
        return None
    x, y = as_value(b, x, value.dtype), as_value(b, y, value.dtype)
    if x.size < y.size:
        x, y = y, x
    m = y.size
    start = {"f": 0, "s": (m - 1) // 2, "v": m - 1}[mode[0]]  # in the full convolution
    before = m - 1 - start
    if value.size > x.size - m + 1:
        x = padded(b, x, (before,), (value.size + m - 1,))
    else:
        x = b.dense(x)
    windows = b.view(x, (value.size, m), Affine(0, (1, 1))) if x.size > 1 else b.reshape(x, (1, 1))
    turned = b.through(y, lambda v: v[::-1])
    return b.reduce("sum", b.map("mul", windows, turned), (1,))


@rule("fold")
def _fold(b: Builder, g: Any, shape: Shape, window_shape: Any, axis: Any, *, value: Value) -> Value | None:
    """Each element's shares in the windows that show it, which lie on a diagonal of the windows among zeros."""
    g = as_value(b, g, value.dtype)
    windows = tuple(window_shape) if np.iterable(window_shape) else (window_shape,)
    axes = tuple(range(len(shape))) if axis is None else normalize_axis_tuple(axis, len(shape), allow_duplicate=True)
    wide, before = list(g.shape), [0] * g.ndim
    for i, n in zip(axes, windows, strict=True):
        wide[i] += 2 * (n - 1)
        before[i] += n - 1
    whole = padded(b, g, tuple(before), tuple(wide))
    steps = dense_strides(tuple(wide))
    own = list(steps[: len(shape)])
    along = list(steps[len(shape) :])
    offset = 0
    for k, (i, n) in enumerate(zip(axes, windows, strict=True)):
        offset += (n - 1) * own[i]
        along[k] -= own[i]
    if whole.prim == "view":
        return b.broadcast(b.number(0, value.dtype), value.shape)
    shown = b.view(whole, (*shape, *windows), Affine(offset, (*own, *along)))
    return b.reduce("sum", shown, tuple(range(len(shape), shown.ndim)))
