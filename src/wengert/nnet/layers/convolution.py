"""Convolution over any number of axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from wengert._types import Array, Params, Shape
from wengert.arrays.tensor import Tensor
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.nnet.layers.windows import grid, integers, places
from wengert.nnet.values import finished, precisely, real, run
from wengert.ops.batching import batch_rule, one_by_one

__all__ = ["conv_nd"]


@dataclass(frozen=True, slots=True)
class _Layout:
    """How windows are placed: by how much they are apart, the zeros around the data, how far elements are apart."""

    stride: Shape
    padding: Shape
    dilation: Shape

    def padded(self, shape: Shape) -> Shape:
        """The shape of the data with the zeros around it."""
        return (*shape[:2], *[n + 2 * p for n, p in zip(shape[2:], self.padding, strict=True)])

    def inside(self, shape: Shape) -> tuple[Any, ...]:
        """Where the data of ``shape`` lies among the zeros."""
        return (..., *[slice(p, p + n) for n, p in zip(shape[2:], self.padding, strict=True)])


# Data x, filters w and cotangents c of the result are tied by one form that is linear in each: the sum over all windows
# of data times filter times c. The convolution is its derivative by c; the two other operations are those by x and by
# w. So the derivatives of each of the three are the other two, to any order.
#
# All are products of matrices that have, for each datum, a row for each element of a window and a column for each
# window. What is copied to make one is then runs along the last axis of the data, several times as fast as copying
# window by window. A few data are worked on at a time, in memory that stays in the cache.

_ELEMENTS_AT_A_TIME = 2**17


class _Matrices:
    """The matrices of windows of ``n`` data, some at a time, all in the same memory."""

    def __init__(self, n: int, channels: int, window: Shape, counts: Shape, dtype: Any) -> None:
        self.shape = (channels, *window, *counts)
        rows, columns = channels * math.prod(window), math.prod(counts)
        step = max(1, min(n, _ELEMENTS_AT_A_TIME // max(rows * columns, 1)))
        self.data = np.empty((step, rows, columns), dtype)
        self.blocks = [slice(i, min(i + step, n)) for i in range(0, n, step)]

    def __iter__(self) -> Iterator[tuple[slice, Array, Array]]:
        """Which data, their matrices, and these with an axis for each of the data's and the window's."""
        for block in self.blocks:
            data = self.data[: block.stop - block.start]
            yield block, data, np.reshape(data, (len(data), *self.shape))


def _windows(x: Array, window: Shape, counts: Shape, how: _Layout) -> Array:
    """A view of ``x``, zeros around it, of shape ``(N, C, *window, *counts)``: what each window shows."""
    if any(how.padding):
        padded = np.zeros(how.padded(x.shape), x.dtype)
        padded[how.inside(x.shape)] = x
        x = padded
    by_element = [step * d for step, d in zip(x.strides[2:], how.dilation, strict=True)]
    by_window = [step * s for step, s in zip(x.strides[2:], how.stride, strict=True)]
    strides = (*x.strides[:2], *by_element, *by_window)
    return as_strided(x, (*x.shape[:2], *window, *counts), strides, writeable=False)


def _flat(x: Array, ahead: int) -> Array:
    """``x`` with all axes but the first ``ahead`` merged."""
    return np.reshape(x, (*x.shape[:ahead], math.prod(x.shape[ahead:])))


def _convolve(x: Array, w: Array, how: _Layout) -> Array:
    dtype, (x, w) = precisely(x, w)
    window = w.shape[2:]
    counts = grid("conv_nd", how.padded(x.shape)[2:], window, how.stride, how.dilation)
    filters, windows = _flat(w, 1), _windows(x, window, counts, how)
    y = np.empty((len(x), len(w), *counts), x.dtype)
    products = _flat(y, 2)
    for block, matrices, parts in _Matrices(len(x), x.shape[1], window, counts, x.dtype):
        parts[...] = windows[block]
        np.matmul(filters, matrices, out=products[block])
    return y.astype(dtype, copy=False)


def _spread(c: Array, w: Array, how: _Layout, shape: Shape) -> Array:
    """The form's derivative by ``x``, which is of ``shape``: to each window is added its filters times ``c``."""
    dtype, (c, w) = precisely(c, w)
    window, counts = w.shape[2:], c.shape[2:]
    total = np.zeros(how.padded(shape), c.dtype)
    filters, cotangents = _flat(w, 1).T, _flat(c, 2)
    shown = list(zip(np.ndindex(*window), places(counts, window, how.stride, how.dilation), strict=True))
    for block, matrices, parts in _Matrices(shape[0], shape[1], window, counts, total.dtype):
        np.matmul(filters, cotangents[block], out=matrices)
        data = total[block]
        for element, place in shown:
            data[place] += parts[(slice(None), slice(None), *element)]
    return (total[how.inside(shape)] if any(how.padding) else total).astype(dtype, copy=False)


def _correlate(x: Array, c: Array, how: _Layout, window: Shape) -> Array:
    """The form's derivative by ``w``, whose filters have the shape ``window``: data times ``c``, over all windows."""
    dtype, (x, c) = precisely(x, c)
    counts = c.shape[2:]
    cotangents, windows = _flat(c, 2), _windows(x, window, counts, how)
    total = np.zeros((c.shape[1], x.shape[1], *window), x.dtype)
    sums = _flat(total, 1)
    for block, matrices, parts in _Matrices(len(x), x.shape[1], window, counts, x.dtype):
        parts[...] = windows[block]
        sums += np.add.reduce(np.matmul(cotangents[block], matrices.transpose(0, 2, 1)), 0)
    return total.astype(dtype, copy=False)


_CONVOLVE: Op = Op(
    "conv_nd",
    "multilinear",
    _convolve,
    ("x", "w"),
    (
        lambda g, x_like, w, how: apply(_SPREAD, (g, w), {"how": how, "shape": x_like.shape}),
        lambda g, x, w_like, how: apply(_CORRELATE, (x, g), {"how": how, "window": w_like.shape[2:]}),
    ),
)
_SPREAD: Op = Op(
    "conv_nd_by_data",
    "multilinear",
    _spread,
    ("c", "w"),
    (
        lambda g, w, how: apply(_CONVOLVE, (g, w), {"how": how}),
        lambda g, c, w_like, how: apply(_CORRELATE, (g, c), {"how": how, "window": w_like.shape[2:]}),
    ),
)
_CORRELATE: Op = Op(
    "conv_nd_by_filters",
    "multilinear",
    _correlate,
    ("x", "c"),
    (
        lambda g, x_like, c, how: apply(_SPREAD, (c, g), {"how": how, "shape": x_like.shape}),
        lambda g, x, how: apply(_CONVOLVE, (x, g), {"how": how}),
    ),
)


@batch_rule(_CONVOLVE, _SPREAD)
def _batched(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    """Many batches of data are one, where the filters are the same for all."""
    x, w = xs
    if mapped[1]:
        return one_by_one(op, xs, mapped, params, count)
    if "shape" in params:
        n, *rest = params["shape"]
        params = {**params, "shape": (count * n, *rest)}
    y = apply(op, (np.reshape(x, (count * x.shape[1], *x.shape[2:])), w), params)
    return np.reshape(y, (count, x.shape[1], *y.shape[1:]))


def conv_nd(
    x: Any,
    filter_bank: Any,
    *,
    stride: Any,
    padding: Any = 0,
    dilation: Any = 1,
    constant: bool | None = None,
) -> Tensor:
    """Slide each filter over each datum: at each place, the sum of the products of what lies upon one another.

    ``x``, the data, has shape (N, C, X0, ...), ``filter_bank`` shape (F, C, W0, ...), both real; the result has shape
    (N, F, G0, ...), with ``G = (X + 2 padding - ((W - 1) dilation + 1)) / stride + 1``, which has to be a whole
    number. ``stride``, the step from place to place, ``padding``, the zeros put before and after each axis, and
    ``dilation``, the step from element to element of a window, are integers or tuples of one for each of the axes
    X0, ... Filters are not flipped, as is usual for networks. float16 is multiplied and added up in float32.

    Raises ``ValueError`` for shapes that don't fit, ``AssertionError`` for a stride or dilation below 1, a negative
    padding, or as many as there are not axes, ``TypeError`` for what is no number.

    >>> import numpy as np, wengert as wg
    >>> from wengert.nnet import conv_nd
    >>> x, k = wg.tensor([[[1.0, 2.0, 4.0, 8.0]]]), wg.tensor([[[-1.0, 1.0]]])
    >>> y = conv_nd(x, k, stride=1)
    >>> y
    Tensor([[[1., 2., 4.]]])
    >>> y.backward()
    >>> x.grad, k.grad
    (array([[[-1.,  0.,  0.,  1.]]]), array([[[ 7., 14.]]]))
    """
    x, w = real("conv_nd: x", x), real("conv_nd: filter_bank", filter_bank)
    if x.ndim < 3 or w.ndim != x.ndim:
        raise ValueError(
            f"conv_nd: x has shape {x.shape} and filter_bank {w.shape}; they must be (N, C, X0, ...) and "
            "(F, C, W0, ...), with as many axes each, at least three."
        )
    if x.shape[1] != w.shape[1]:
        raise ValueError(
            f"conv_nd: x has {x.shape[1]} channels (shape {x.shape}), filter_bank {w.shape[1]} (shape {w.shape}); "
            "these are the lengths of the second axes, which must be equal."
        )
    if 0 in w.shape[2:]:
        raise ValueError(f"conv_nd: filters must have elements; filter_bank has shape {w.shape}.")
    n = x.ndim - 2
    how = _Layout(
        integers("conv_nd", "stride", stride, n, 1),
        integers("conv_nd", "padding", padding, n, 0),
        integers("conv_nd", "dilation", dilation, n, 1),
    )
    return finished(run(_CONVOLVE, (x, w), {"how": how}), constant)
