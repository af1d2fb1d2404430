"""Activations made of two or three pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import Array
from wengert.arrays.tensor import Tensor
from wengert.core.dispatch import Box
from wengert.core.op import Op
from wengert.nnet.values import finished, floating, number, real, run

__all__ = ["elu", "hard_tanh", "leaky_relu", "relu", "selu"]


def _row(x: Array, value: float = 0.0) -> Array:
    """``value`` to compare ``x`` with, in an array: three times as fast as comparing with a number."""
    row = np.zeros(x.shape[-1:], x.dtype)  # np.full takes longer
    if value:
        row += value
    return row


_RELU = Op("relu", "elementwise", lambda x: np.maximum(x, _row(x)), ("x",), (lambda y: y > 0,), selects=True)


def relu(x: Any, *, constant: bool | None = None) -> Tensor:
    """The rectified linear unit, ``max(x, 0)`` of each element.

    ``x`` is an array-like of real numbers, of any shape; the result has its shape and dtype. The derivative is 1 where
    ``x > 0`` and 0 elsewhere, also at 0. Raises ``TypeError`` for anything but real numbers.

    >>> import wengert as wg
    >>> from wengert.nnet import relu
    >>> x = wg.tensor([-2.0, 0.0, 3.0])
    >>> relu(x).backward()
    >>> x.grad
    array([0., 0., 1.])
    """
    return finished(run(_RELU, (real("relu", x),)), constant)


def _leaky(x: Array, slope: float) -> Array:
    zeros = _row(x)
    y = np.minimum(x, zeros) * slope
    y += np.maximum(x, zeros)
    return y


def _leaky_slope(x: Array, slope: float) -> Array:
    d = (x < 0) * x.dtype.type(slope)
    d += x > 0
    return d


_LEAKY_RELU = Op("leaky_relu", "elementwise", _leaky, ("x",), (_leaky_slope,))


def leaky_relu(x: Any, slope: Any, *, constant: bool | None = None) -> Tensor:
    """The leaky rectified linear unit, ``max(x, 0) + slope min(x, 0)`` of each element.

    ``x`` is an array-like of real numbers, ``slope`` a real number; the result has the shape of ``x``. The derivative
    by ``x`` is 1 where ``x > 0``, ``slope`` where ``x < 0``, and 0 at 0. If ``slope`` is a tensor it is differentiated
    with respect to as well. Raises ``TypeError`` for anything but real numbers, ``ValueError`` for several slopes.

    >>> import wengert as wg
    >>> from wengert.nnet import leaky_relu
    >>> x = wg.tensor([-2.0, 0.0, 3.0])
    >>> y = leaky_relu(x, 0.1)
    >>> y
    Tensor([-0.2,  0. ,  3. ])
    >>> y.backward()
    >>> x.grad
    array([0.1, 0. , 1. ])
    """
    x = floating("leaky_relu", x)
    slope = number("leaky_relu", "slope", slope, x)
    if isinstance(slope, Box):
        return finished(run(_RELU, (x,)) - slope * run(_RELU, (-x,)), constant)
    return finished(run(_LEAKY_RELU, (x,), {"slope": slope}), constant)


def _elu(x: Array, alpha: float, scale: float) -> Array:
    zeros = _row(x)
    y = np.expm1(np.minimum(x, zeros))  # which does not overflow
    y *= scale * alpha
    rest = np.maximum(x, zeros)
    if scale != 1.0:
        rest *= scale
    y += rest
    return y


def _elu_slope(x: Array, y: Array, alpha: float, scale: float) -> Array:
    """Below 0 it is ``scale alpha exp(x)``, which is ``y + scale alpha``. Elsewhere y may be infinite."""
    height = scale * alpha
    negative = x < 0
    d = np.minimum(y, _row(x, abs(height)))
    d += height
    d *= negative
    d += ~negative if scale == 1.0 else ~negative * x.dtype.type(scale)
    return d


_ELU = Op("elu", "elementwise", _elu, ("x",), (_elu_slope,))


def elu(x: Any, alpha: Any, *, constant: bool | None = None) -> Tensor:
    """The exponential linear unit: ``x`` where ``x >= 0``, ``alpha (exp(x) - 1)`` elsewhere.

    ``x`` is an array-like of real numbers, ``alpha`` a real number; the result has the shape of ``x``. At 0 the
    derivative by ``x`` is that from above, 1. If ``alpha`` is a tensor it is differentiated with respect to as well.
    Raises ``TypeError`` for anything but real numbers, ``ValueError`` for several values of ``alpha``.

    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units (ELUs)",
    2016.

    >>> import wengert as wg
    >>> from wengert.nnet import elu
    >>> x = wg.tensor([-1.0, 0.0, 2.0])
    >>> y = elu(x, 0.5)
    >>> y
    Tensor([-0.31606028,  0.        ,  2.        ])
    >>> y.backward()
    >>> x.grad
    array([0.18393972, 1.        , 1.        ])
    """
    x = floating("elu", x)
    alpha = number("elu", "alpha", alpha, x)
    if isinstance(alpha, Box):
        return finished(np.where(x < 0, alpha * np.expm1(np.minimum(x, 0.0)), x), constant)
    return finished(run(_ELU, (x,), {"alpha": alpha, "scale": 1.0}), constant)


_ALPHA = 1.6732632423543772
_SCALE = 1.0507009873554805
"""For which activations of mean 0 and variance 1 keep those from layer to layer."""


def selu(x: Any, *, constant: bool | None = None) -> Tensor:
    """The scaled exponential linear unit, ``1.0507… elu(x, 1.6733…)`` of each element.

    ``x`` is an array-like of real numbers; the result has its shape. At 0 the derivative is that from above,
    ``1.0507…``. Raises ``TypeError`` for anything but real numbers.

    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", 2017.

    >>> from wengert.nnet import selu
    >>> selu([-1.0, 0.0, 2.0])
    Tensor([-1.11133074,  0.        ,  2.10140197])
    """
    return finished(run(_ELU, (floating("selu", x),), {"alpha": _ALPHA, "scale": _SCALE}), constant)


_HARD_TANH = Op(
    "hard_tanh",
    "elementwise",
    lambda x, lower, upper: np.maximum(np.minimum(x, upper), lower),
    ("x",),
    (lambda y, lower, upper: (y > lower) & (y < upper),),
    selects=True,
)


def hard_tanh(x: Any, *, lower_bound: Any = -1, upper_bound: Any = 1, constant: bool | None = None) -> Tensor:
    """``x`` between the bounds, the nearer bound elsewhere.

    ``x`` is an array-like of real numbers, the bounds are real numbers; the result has the shape of ``x``. The
    derivative by ``x`` is 1 strictly between the bounds and 0 elsewhere, also at them. If a bound is a tensor it is
    differentiated with respect to as well. Raises ``TypeError`` for anything but real numbers, ``ValueError`` for
    several values of a bound.

    >>> import wengert as wg
    >>> from wengert.nnet import hard_tanh
    >>> x = wg.tensor([-2.0, -1.0, 0.5, 3.0])
    >>> y = hard_tanh(x)
    >>> y
    Tensor([-1. , -1. ,  0.5,  1. ])
    >>> y.backward()
    >>> x.grad
    array([0., 0., 1., 0.])
    """
    x = real("hard_tanh", x)
    lower = number("hard_tanh", "lower_bound", lower_bound, x)
    upper = number("hard_tanh", "upper_bound", upper_bound, x)
    if isinstance(lower, Box) or isinstance(upper, Box):
        return finished(np.where(x <= lower, lower, np.where(x >= upper, upper, x)), constant)
    return finished(run(_HARD_TANH, (x,), {"lower": lower, "upper": upper}), constant)
