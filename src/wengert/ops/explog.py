"""Exponentials and logarithms."""

from __future__ import annotations

import math

import numpy as np

from wengert._types import Array
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.ops.cases import call
from wengert.ops.entries import elementwise

_LN2 = math.log(2.0)
_LN10 = math.log(10.0)

elementwise(np.exp, x=lambda y: y, analytic=True)
elementwise(np.exp2, x=lambda y: _LN2 * y, analytic=True)
elementwise(np.expm1, x=lambda x: np.exp(x), analytic=True)  # not y + 1, which is 0 from x = -38 on
elementwise(np.log, x=lambda x: 1.0 / x, domain="positive", analytic=True)
elementwise(np.log2, x=lambda x: (1.0 / _LN2) / x, domain="positive", analytic=True)
elementwise(np.log10, x=lambda x: (1.0 / _LN10) / x, domain="positive", analytic=True)
elementwise(np.log1p, x=lambda x: 1.0 / (1.0 + x), domain="above_minus_one", analytic=True)

# log(eᵃ + eᵇ). Its derivative by a is the share of eᵃ in the sum, the logistic function of a − b: a primitive, so that
# it can be evaluated without overflow and yet be differentiated where a = b.


def _logistic(a: Array, b: Array, scale: float = 1.0) -> Array:
    """``1 / (1 + exp(scale·(b − a)))``; equal infinities have equal shares."""
    same = a == b
    difference = (np.where(same, 0.0, b) - np.where(same, 0.0, a)) * scale
    e = np.exp(-np.abs(difference))
    return np.where(difference > 0, e, 1.0) / (1.0 + e)


def _share(a: Array, b: Array, scale: float = 1.0) -> Array:
    return apply(_LOGISTIC, (a, b), {"scale": scale})


def _slope(a: Array, b: Array, y: Array, scale: float = 1.0) -> Array:
    return scale * (y * _share(b, a, scale))


_LOGISTIC = register(
    Op(
        "logistic_of_difference",
        "elementwise",
        _logistic,
        ("a", "b"),
        (_slope, lambda a, b, y, scale: -_slope(a, b, y, scale)),
    )
)

_INFINITE = [
    (call(np.array([-np.inf, -np.inf]), np.array([-np.inf, 0.0])), (np.array([0.5, 0.0]), np.array([0.5, 1.0]))),
    (call(np.array([np.inf, np.inf]), np.array([np.inf, 0.0])), (np.array([0.5, 1.0]), np.array([0.5, 0.0]))),
]

elementwise(np.logaddexp, a=lambda a, b: _share(a, b), b=lambda a, b: _share(b, a), kinks=_INFINITE)
elementwise(
    np.logaddexp2,
    a=lambda a, b: _share(a, b, _LN2),
    b=lambda a, b: _share(b, a, _LN2),
    kinks=_INFINITE,
)
