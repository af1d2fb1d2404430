"""Sums, products, quotients, powers, roots and remainders."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.ops.cases import Call, call
from wengert.ops.entries import composite, elementwise, linear

_ZERO = np.array([0.0])


def widened(x: Array, y_like: Any) -> Array:
    """``x`` in the result's dtype, so that a partial derivative loses nothing to an operand of lower precision."""
    if not hasattr(x, "dtype") or x.dtype == y_like.dtype or x.dtype.kind not in "fc":
        return x
    return x.astype(np.result_type(x, y_like.dtype.type(0).real.dtype))


def _inverse(b: Array, y_like: Any) -> Array:
    """``1 / b``, where ``b`` may be a plain Python zero."""
    try:
        return 1.0 / widened(b, y_like)
    except ZeroDivisionError:
        return math.copysign(math.inf, b) if isinstance(b, float | int) else math.nan


elementwise(np.add, a=1, b=1, analytic=True)
elementwise(np.subtract, a=1, b=-1, analytic=True)
elementwise(np.multiply, a=lambda b: b, b=lambda a: a, analytic=True)
elementwise(np.negative, x=-1, analytic=True)
elementwise(np.positive, x=1, analytic=True)
_RECIPROCAL = elementwise(np.reciprocal, x=lambda y: -y * y, domain="nonzero", analytic=True)
elementwise(
    np.true_divide,
    a=lambda b, y_like: _inverse(b, y_like),
    b=lambda y, b: -y / b,
    of_one=_RECIPROCAL,
    domain="nonzero",
    analytic=True,
)
elementwise(np.square, x=lambda x: 2.0 * x, analytic=True)
elementwise(np.sqrt, x=lambda y: 0.5 / y, domain="positive", analytic=True)
elementwise(np.cbrt, x=lambda y: 1.0 / (3.0 * (y * y)), domain="nonzero")

# Powers

_POWERS: dict[float, Callable[[Array], Array]] = {
    0: lambda a: 0.0,
    1: lambda a: 1.0,
    2: lambda a: 2.0 * a,
    3: lambda a: 3.0 * (a * a),
    4: lambda a: 4.0 * (a * a * a),
    0.5: lambda a: 0.5 / np.sqrt(a),
    -1: lambda a: -1.0 / (a * a),
    -2: lambda a: -2.0 / (a * a * a),
}
"""The derivative of ``a**b`` for exponents written as numbers: a general power takes a hundred times as long."""


def _power_by_base(a: Array, b: Array, y_like: Any) -> Array:
    """``b a^(b−1)``; 0 where both are 0, as x⁰ is constant."""
    a, b = widened(a, y_like), widened(b, y_like)
    if type(b) in (int, float, complex):
        known = _POWERS.get(b)
        return known(a) if known is not None else b * a ** (b - 1.0)
    return b * a ** np.where((a == 0) & (b == 0), 0.0, b - 1.0)


def _power_by_exponent(a: Array, y: Array) -> Array:
    """``a^b log(a)``; 0 where ``a`` is 0, which is the limit for positive exponents and a convention for exponent 0."""
    a = widened(a, y)
    if type(a) in (int, float, complex):
        return y * _log(a, y.dtype.kind == "c")
    if y.dtype.kind == "c" and a.dtype.kind != "c":
        a = a + 0j
    return y * np.log(np.where(a == 0, 1.0, a))


def _log(a: complex, to_complex: bool) -> complex:
    """The logarithm of a Python number, again a Python number: one of NumPy's would widen float32 arrays."""
    if a == 0:
        return 0.0
    if to_complex or isinstance(a, complex):
        return cmath.log(a)
    return math.log(a) if a > 0 else math.nan


for _ufunc in (np.power, np.float_power):
    elementwise(
        _ufunc,
        a=_power_by_base,
        b=_power_by_exponent,
        domain=("positive", "real"),
        analytic=True,
        kinks=(
            (call(_ZERO, _ZERO), (_ZERO, _ZERO)),
            (call(_ZERO, 0), (_ZERO,)),
            (call(_ZERO, np.array([0])), (_ZERO,)),
            (call(_ZERO, np.array([2.0])), (_ZERO, _ZERO)),
            (call(np.array([-2.0, 0.0, -3.0]), 3), (np.array([12.0, 0.0, 27.0]),)),
            (call(np.array([-2.0, 0.0, -0.5]), np.array([3, 1, -2])), (np.array([12.0, 1.0, 16.0]),)),
        ),
    )

# Remainders. The quotient is a whole number, so by the divisor their derivative is minus the quotient.

elementwise(np.remainder, a=1, b=lambda a, b: -np.floor_divide(a, b), domain=("real", "nonzero"))
elementwise(np.fmod, a=1, b=lambda a, b, y: -np.rint((a - y) / b), domain=("real", "nonzero"))


def _pairs(rng: np.random.Generator) -> list[Call]:
    return [call(rng.normal(size=(2, 3)), rng.uniform(0.3, 2.0, 3)), call(rng.normal(size=()), 0.7)]


@composite(np.divmod, samples=_pairs)
def _divmod(a: Array, b: Array) -> tuple[Array, Array]:
    return np.floor_divide(a, b), np.remainder(a, b)


# Parts of numbers

_FRACTION = register(Op("fraction", "structured", lambda x: np.modf(x)[0], ("x",), (lambda g: g,), jvps=(lambda t: t,)))
_EXPONENT = register(Op("exponent", "constant", lambda x: np.frexp(x)[1], ("x",), (None,)))


def _numbers(rng: np.random.Generator) -> list[Call]:
    return [call(rng.normal(size=(2, 3))), call(rng.normal(size=())), call(rng.normal(size=(0, 2)))]


@composite(np.modf, samples=_numbers)
def _modf(x: Array) -> tuple[Array, Array]:
    return apply(_FRACTION, (x,)), np.trunc(x)


@composite(np.frexp, samples=_numbers)
def _frexp(x: Array) -> tuple[Array, Array]:
    exponent = apply(_EXPONENT, (x,))
    return np.ldexp(x, -exponent), exponent


def _scalings(rng: np.random.Generator) -> list[Call]:
    return [
        call(rng.normal(size=(2, 3)), rng.integers(-3, 4, 3)),
        call(rng.normal(size=3), rng.integers(-3, 4, (2, 1))),
    ]


linear(np.ldexp, x1=lambda g, x2: np.ldexp(g, x2), x2=None, samples=_scalings)
elementwise(np.nextafter, a=1, b=None)  # a step of rounding, which is 0 as real numbers go: the identity
elementwise(
    np.copysign,
    a=lambda a, y: np.sign(a) * np.sign(y),
    b=None,
    domain="nonzero",
    kinks=[(call(_ZERO, np.array([-1.0])), (_ZERO, _ZERO))],
)
elementwise(np.fabs, x=lambda x: np.sign(x), domain="nonzero", kinks=[(call(_ZERO), (_ZERO,))])
