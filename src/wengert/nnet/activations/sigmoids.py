"""Smooth activations that level off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.arrays.tensor import Tensor
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.nnet.fused import Pullback, fused
from wengert.nnet.values import finished, floating, precisely, run

__all__ = ["LOGISTIC", "glu", "logistic", "sigmoid", "soft_sign"]


def logistic(x: Array) -> Array:
    """``1 / (1 + exp(-x))`` of a plain array; the exponential may overflow, which gives the right value, 0."""
    dtype, (x,) = precisely(x)
    e = -x
    own = e if isinstance(e, np.ndarray) else None  # a scalar can't be written to
    with np.errstate(over="ignore"):
        e = np.exp(e, out=own)
    e += 1.0
    return np.reciprocal(e, out=own).astype(dtype, copy=False)


def _logistic_slope(y: Array) -> Array:
    slope = 1.0 - y
    slope *= y
    return slope


LOGISTIC = Op("sigmoid", "elementwise", logistic, ("x",), (_logistic_slope,))


def sigmoid(x: Any, *, constant: bool | None = None) -> Tensor:
    """The logistic function, ``1 / (1 + exp(-x))`` of each element; it overflows for no ``x``.

    ``x`` is an array-like of real numbers; the result has its shape. Raises ``TypeError`` for anything but real
    numbers.

    >>> import wengert as wg
    >>> from wengert.nnet import sigmoid
    >>> x = wg.tensor([-1e4, 0.0, 1e4])
    >>> y = sigmoid(x)
    >>> y
    Tensor([0. , 0.5, 1. ])
    >>> y.backward()
    >>> x.grad
    array([0.  , 0.25, 0.  ])
    """
    return finished(run(LOGISTIC, (floating("sigmoid", x),)), constant)


def _soft_sign(x: Array) -> Array:
    d = np.absolute(x)
    d += 1.0
    return np.divide(x, d, out=d if isinstance(d, np.ndarray) else None)


def _soft_sign_slope(x: Array) -> Array:
    d = np.absolute(x)
    d += 1.0
    r = 1.0 / d  # before it is squared: that overflows for no x
    return r * r


_SOFT_SIGN = Op("soft_sign", "elementwise", _soft_sign, ("x",), (_soft_sign_slope,))


def soft_sign(x: Any, *, constant: bool | None = None) -> Tensor:
    """``x / (1 + |x|)`` of each element.

    ``x`` is an array-like of real numbers; the result has its shape. The derivative is ``1 / (1 + |x|)²``; the second
    derivative, which jumps at 0, is 0 there. Raises ``TypeError`` for anything but real numbers.

    >>> import wengert as wg
    >>> from wengert.nnet import soft_sign
    >>> x = wg.tensor([-1.0, 0.0, 3.0])
    >>> y = soft_sign(x)
    >>> y
    Tensor([-0.5 ,  0.  ,  0.75])
    >>> y.backward()
    >>> x.grad
    array([0.25  , 1.    , 0.0625])
    """
    return finished(run(_SOFT_SIGN, (floating("soft_sign", x),)), constant)


def _gated_evaluated(x: Array, *, wanted: Sequence[bool], halves: Any) -> tuple[Array, Pullback]:
    first, second = halves
    gate = logistic(x[second])

    def pullback(g: Array, x: Array) -> tuple[Array]:
        r = np.empty(x.shape, x.dtype)
        a, b = r[first], r[second]
        np.multiply(g, gate, out=a)
        np.subtract(1.0, gate, out=b)
        b *= a
        b *= x[first]
        return (r,)

    return x[first] * gate, pullback


@fused(_gated_evaluated)
def _gated(x: Array, *, halves: Any) -> Array:
    first, second = halves
    return x[first] * apply(LOGISTIC, (x[second],))


def glu(x: Any, axis: int = -1, *, constant: bool | None = None) -> Tensor:
    """The gated linear unit, ``a sigmoid(b)``, where ``a`` and ``b`` are the first and second half of ``x``.

    ``x`` is an array-like of real numbers, of even length along ``axis``, along which it is halved; so the result is
    half as long there. Raises ``TypeError`` if ``axis`` is no integer or ``x`` not of real numbers, ``ValueError`` for
    an odd length, ``IndexError`` for an axis that ``x`` does not have.

    Dauphin, Fan, Auli and Grangier, "Language modeling with gated convolutional networks", 2017.

    >>> import wengert as wg
    >>> from wengert.nnet import glu
    >>> x = wg.tensor([2.0, 4.0, 0.0, 0.0])
    >>> y = glu(x)
    >>> y
    Tensor([1., 2.])
    >>> y.backward()
    >>> x.grad
    array([0.5, 0.5, 0.5, 1. ])
    """
    x = floating("glu", x)
    if not isinstance(axis, int | np.integer):
        raise TypeError(f"glu: axis must be an integer; got {axis!r}.")
    if not -x.ndim <= axis < x.ndim:
        raise IndexError(f"glu: axis {axis} is out of bounds for an array of shape {x.shape}.")
    n = x.shape[axis]
    if n % 2:
        raise ValueError(f"glu halves x along axis {axis}, where its shape {x.shape} has the odd length {n}.")
    before = (slice(None),) * (axis % x.ndim)
    halves = (*before, slice(n // 2)), (*before, slice(n // 2, None))
    return finished(_gated(x, halves=halves), constant)
