"""Pooling: the largest element of each window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index as as_integer
from typing import Any

import numpy as np

from wengert._types import Array, Shape
from wengert.arrays.tensor import Tensor
from wengert.core.cotangents import HALF, SINGLE
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.nnet.layers.windows import grid, integers, places
from wengert.nnet.values import InvalidSetting, finished, real, run
from wengert.ops.batching import along_last_axes, batch_rule

__all__ = ["max_pool"]


@dataclass(frozen=True, slots=True)
class _Windows:
    """Windows over the last axes of an array, and how far they are apart."""

    pool: Shape
    stride: Shape

    def parts(self, counts: Shape) -> list[tuple[Any, ...]]:
        """For each element of a window, the index of those elements of all windows; ``counts`` windows an axis."""
        return list(places(counts[len(counts) - len(self.pool) :], self.pool, self.stride, (1,) * len(self.pool)))

    def counts(self, shape: Shape) -> Shape:
        """How many windows there are along each of the last axes of an array of ``shape``."""
        return grid("max_pool", shape[len(shape) - len(self.pool) :], self.pool, self.stride)


def _peaks(x: Array, how: _Windows) -> Array:
    first, *rest = how.parts(how.counts(x.shape))
    y = x[first].copy() if not rest else np.maximum(x[first], x[rest[0]])
    for part in rest[1:]:
        np.maximum(y, x[part], out=y)
    return y


def _shares(x: Array, peaks: Array, parts: Sequence[Any]) -> list[Array]:
    """For each element of a window the part of the result it stands for, of all windows: equal parts of equal ones.

    They are truth values where each result has one source. A window with a NaN in it has none, so its shares are NaN.
    """
    chosen = [np.asarray(x[part] == peaks) for part in parts]
    sources = np.zeros(peaks.shape, np.int8 if len(parts) < 128 else np.intp)
    for part in chosen:
        sources += part
    if not sources.size or (sources.min() == 1 == sources.max()):
        return chosen
    with np.errstate(divide="ignore", invalid="ignore"):
        return [np.divide(part, sources, dtype=x.dtype) for part in chosen]


def _scatter(values: Array, x: Array, peaks: Array, how: _Windows) -> Array:
    """To each place in ``x`` is added what is in ``values`` for the windows that it is the largest element of."""
    parts = how.parts(peaks.shape)
    shares = _shares(x, peaks, parts)
    if values.dtype == HALF:
        values = values.astype(SINGLE)
    apart = all([s >= n for s, n in zip(how.stride, how.pool, strict=True)])
    total = np.zeros(x.shape, values.dtype)
    for part, share in zip(parts, shares, strict=True):
        if apart:
            np.multiply(values, share, out=total[part])
        else:
            total[part] += values * share
    return total


def _gather(values: Array, x: Array, peaks: Array, how: _Windows) -> Array:
    """For each window what is in ``values`` where ``x`` has its largest element: the transpose of ``_scatter``."""
    parts = how.parts(peaks.shape)
    total: Array = np.zeros((), values.dtype)
    for part, share in zip(parts, _shares(x, peaks, parts), strict=True):
        total = total + values[part] * share
    return total


_SCATTER: Op = Op(
    "max_pool_scatter",
    "linear",
    _scatter,
    ("values", "x", "peaks"),
    (lambda g, x, peaks, how: apply(_GATHER, (g, x, peaks), {"how": how}), None, None),
    selects=True,
)
_GATHER: Op = Op(
    "max_pool_gather",
    "linear",
    _gather,
    ("values", "x", "peaks"),
    (lambda g, x, peaks, how: apply(_SCATTER, (g, x, peaks), {"how": how}), None, None),
    selects=True,
)
_MAX_POOL: Op = Op(
    "max_pool",
    "structured",
    _peaks,
    ("x",),
    (lambda g, x, y, how: apply(_SCATTER, (g, x, y), {"how": how}),),
    (lambda t, x, y, how: apply(_GATHER, (t, x, y), {"how": how}),),
    selects=True,
)
batch_rule(_SCATTER, _GATHER, _MAX_POOL)(along_last_axes)


def max_pool(x: Any, pool: Any, stride: Any, *, constant: bool | None = None) -> Tensor:
    """The largest element of each window over the last axes of ``x``.

    ``x`` is an array-like of real numbers; ``pool``, a tuple, has the window's length along each of the last axes, as
    many as are to be pooled; ``stride``, the step from window to window, is an integer or a tuple of one for each of
    these. Of an axis of length X the result has ``(X - pool) / stride + 1``, which has to be a whole number. Where a
    window has several largest elements the derivative is split evenly among them; where it has a NaN it is NaN.

    Raises ``AssertionError`` for windows or strides that are not tuples of positive integers or have more or fewer
    entries than there are axes, ``ValueError`` for windows that don't fill the axes, ``TypeError`` for what is no
    number.

    >>> import wengert as wg
    >>> from wengert.nnet import max_pool
    >>> x = wg.tensor([[0.0, 10.0, 8.0], [2.0, 7.0, 3.0], [7.0, 7.0, 20.0]])
    >>> y = max_pool(x, (2, 2), 1)
    >>> y
    Tensor([[10., 10.],
            [ 7., 20.]])
    >>> y.backward()
    >>> x.grad
    array([[0.        , 2.        , 0.        ],
           [0.        , 0.33333333, 0.        ],
           [0.33333333, 0.33333333, 1.        ]])
    """
    x = real("max_pool: x", x)
    how = _windows(x, pool, stride)
    return finished(run(_MAX_POOL, (x,), {"how": how}), constant)


def _windows(x: Array, pool: Any, stride: Any) -> _Windows:
    try:
        lengths = tuple([as_integer(n) for n in pool])
    except TypeError:
        lengths = ()
    if not lengths or min(lengths) < 1:
        raise InvalidSetting(f"max_pool: pool must be a tuple of positive integers; got {pool!r}.")
    if len(lengths) > x.ndim:
        raise InvalidSetting(f"max_pool: pool {lengths} is for more axes than x has, whose shape is {x.shape}.")
    how = _Windows(lengths, integers("max_pool", "stride", stride, len(lengths), 1))
    how.counts(x.shape)
    return how
