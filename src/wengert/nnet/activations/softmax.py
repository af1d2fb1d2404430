"""Shares of exponentials, and their logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import Array, Axis
from wengert.arrays.tensor import Tensor
from wengert.core.cotangents import HALF, SINGLE
from wengert.core.op import Op
from wengert.nnet.values import finished, floating, precisely, run
from wengert.ops.batching import along_axes, batch_rule

__all__ = ["LOG_SOFTMAX", "SOFTMAX", "logsoftmax", "shifted", "softmax"]

_ADD_UP: Any = np.add.reduce
_GREATEST: Any = np.maximum.reduce


def shifted(x: Array, axis: Axis) -> Array:
    """A new array, ``x`` less its maximum along ``axis``; equal infinities are zero apart."""
    top = _GREATEST(x, axis, None, None, True, -np.inf)
    with np.errstate(over="ignore"):  # what lies further below than numbers reach is infinitely far below
        if np.isfinite(top).all():
            return np.asarray(x - top)
        same = x == top
        return np.asarray(np.where(same, 0, x) - np.where(same, 0, top), x.dtype)


def _softmax(x: Array, axis: Axis) -> Array:
    dtype, (x,) = precisely(x)
    y = shifted(x, axis)
    np.exp(y, out=y)
    y /= _ADD_UP(y, axis, None, None, True)
    return y.astype(dtype, copy=False)


def _softmax_pull(g: Array, y: Array, axis: Axis) -> Array:
    r = _wide(g * y)
    r -= y * _ADD_UP(r, axis, None, None, True)
    return r


def _wide(g: Array) -> Array:
    """float16 in float32, in which it is added up."""
    return g.astype(SINGLE) if g.dtype == HALF else g


def _log_softmax(x: Array, axis: Axis) -> Array:
    dtype, (x,) = precisely(x)
    y = shifted(x, axis)
    if y.size:
        y -= np.log(_ADD_UP(np.exp(y), axis, None, None, True))
    return y.astype(dtype, copy=False)


def _log_softmax_pull(g: Array, y: Array, axis: Axis) -> Array:
    r = np.exp(y) * -_ADD_UP(_wide(g), axis, None, None, True)
    r += g
    return r


SOFTMAX = Op(
    "softmax",
    "structured",
    _softmax,
    ("x",),
    (_softmax_pull,),
    (lambda t, y, axis: _softmax_pull(t, y, axis),),
)
LOG_SOFTMAX = Op(
    "logsoftmax",
    "structured",
    _log_softmax,
    ("x",),
    (_log_softmax_pull,),
    (lambda t, y, axis: t - _ADD_UP(_wide(np.exp(y) * t), axis, None, None, True),),
)
batch_rule(SOFTMAX, LOG_SOFTMAX)(along_axes)


def softmax(x: Any, axis: Axis = -1, *, constant: bool | None = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along one axis or several, all of them if ``axis=None``; it overflows for no ``x``.

    ``x`` is an array-like of real numbers; the result has its shape. Where all elements are equal infinities their
    shares are equal. Raises ``TypeError`` for anything but real numbers, NumPy's ``AxisError`` for an axis that ``x``
    does not have.

    >>> import wengert as wg
    >>> from wengert.nnet import softmax
    >>> x = wg.tensor([[0.0, 0.0], [1e4, 0.0]])
    >>> y = softmax(x)
    >>> y
    Tensor([[0.5, 0.5],
            [1. , 0. ]])
    >>> y[:, 0].backward()
    >>> x.grad
    array([[ 0.25, -0.25],
           [ 0.  ,  0.  ]])
    """
    x = floating("softmax", x)
    return finished(run(SOFTMAX, (x,), {"axis": _axes(x, axis)}), constant)


def logsoftmax(x: Any, axis: Axis = -1, *, constant: bool | None = None) -> Tensor:
    """``x - log(sum(exp(x)))`` along one axis or several, all of them if ``axis=None``; it overflows for no ``x``.

    ``x`` is an array-like of real numbers; the result has its shape. Where all elements are equal infinities their
    shares are equal. Raises ``TypeError`` for anything but real numbers, NumPy's ``AxisError`` for an axis that ``x``
    does not have.

    >>> import wengert as wg
    >>> from wengert.nnet import logsoftmax
    >>> x = wg.tensor([[0.0, 0.0], [1e4, 0.0]])
    >>> y = logsoftmax(x)
    >>> y
    Tensor([[-6.93147181e-01, -6.93147181e-01],
            [ 0.00000000e+00, -1.00000000e+04]])
    >>> y[:, 0].backward()
    >>> x.grad
    array([[ 0.5, -0.5],
           [ 0. ,  0. ]])
    """
    x = floating("logsoftmax", x)
    return finished(run(LOG_SOFTMAX, (x,), {"axis": _axes(x, axis)}), constant)


def _axes(x: Array, axis: Axis) -> Axis:
    """``axis``, of a single number any: it has itself for its only axis."""
    return () if x.ndim == 0 and axis in (-1, 0) else axis
