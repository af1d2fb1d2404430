"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

import math

import numpy as np

from wengert._types import Array
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.ops.cases import Call, call
from wengert.ops.entries import elementwise, structured

_ZERO = np.array([0.0])
_DEGREE = math.pi / 180.0


def _one_more(x: Array) -> Array:
    """``1 + x``. Of complex numbers an imaginary part of 0 keeps its sign, which tells the sides of a cut apart."""
    return -(-x - 1.0) if x.dtype.kind == "c" else 1.0 + x


def _inverse_root(x: Array) -> Array:
    """``1 / √(1 − x²)``, in a form that keeps its digits near ±1. There it is infinite, as documented: no warning."""
    root = np.sqrt(_one_more(-x) * _one_more(x) if x.dtype.kind == "c" else (1.0 - x) * (1.0 + x))
    with np.errstate(divide="ignore"):
        return 1.0 / root


def _inverse_length(x: Array) -> Array:
    """``1 / √(1 + x²)``, for real numbers of any size."""
    return 1.0 / (np.sqrt(_one_more(x * x)) if x.dtype.kind == "c" else np.hypot(1.0, x))


elementwise(np.sin, x=lambda x: np.cos(x), analytic=True)
elementwise(np.cos, x=lambda x: -np.sin(x), analytic=True)
elementwise(np.tan, x=lambda y: 1.0 + y * y, domain="unit", analytic=True)
elementwise(
    np.arcsin,
    x=lambda x: _inverse_root(x),
    domain="unit",
    analytic=True,
    kinks=[(call(np.array([1.0, -1.0])), (np.array([np.inf, np.inf]),))],
)
elementwise(
    np.arccos,
    x=lambda x: -_inverse_root(x),
    domain="unit",
    analytic=True,
    kinks=[(call(np.array([1.0, -1.0])), (np.array([-np.inf, -np.inf]),))],
)
elementwise(np.arctan, x=lambda x: 1.0 / (1.0 + x * x), analytic=True)
elementwise(np.sinh, x=lambda x: np.cosh(x), analytic=True)
elementwise(np.cosh, x=lambda x: np.sinh(x), analytic=True)
elementwise(np.tanh, x=lambda y: 1.0 - y * y, analytic=True)
elementwise(np.arcsinh, x=lambda x: _inverse_length(x), analytic=True)
elementwise(np.arccosh, x=lambda x: 1.0 / (np.sqrt(x - 1.0) * np.sqrt(_one_more(x))), domain="above_one", analytic=True)
elementwise(np.arctanh, x=lambda x: 1.0 / ((1.0 - x) * (1.0 + x)), domain="unit", analytic=True)

elementwise(np.deg2rad, x=lambda: _DEGREE)
elementwise(np.radians, x=lambda: _DEGREE)
elementwise(np.rad2deg, x=lambda: 1.0 / _DEGREE)
elementwise(np.degrees, x=lambda: 1.0 / _DEGREE)

# Right triangles. At the origin, where no direction is distinguished, the first derivatives are 0 by convention. They
# jump there, so the second derivatives come out infinite or NaN: no finite number would be right in every composition.

_SIDE_OVER_LENGTH = register(
    Op(
        "side_over_length",
        "elementwise",
        lambda a, r: a / np.where(r == 0, np.inf, r),
        ("a", "r"),
        (lambda r: 1.0 / r, lambda y, r: -y / r),
    )
)


def _over_length(a: Array, r: Array) -> Array:
    """``a / r``, where ``r`` is the length of an arrow and ``a`` one of its sides; 0 if there is no arrow."""
    return apply(_SIDE_OVER_LENGTH, (a, r))


def _over_square(a: Array, x: Array, y: Array) -> Array:
    """``a / (x² + y²)`` without squares that could overflow, and 0 at the origin."""
    r = np.hypot(x, y)
    return _over_length(_over_length(a, r), r)


_ORIGIN = [(call(np.array([0.0, -0.0]), np.array([0.0, 0.0])), (np.zeros(2), np.zeros(2)))]

elementwise(
    np.hypot,
    a=lambda a, y: _over_length(a, y),
    b=lambda b, y: _over_length(b, y),
    domain="nonzero",
    kinks=_ORIGIN,
)
elementwise(
    np.arctan2,
    a=lambda a, b: _over_square(b, a, b),
    b=lambda a, b: -_over_square(a, a, b),
    domain="nonzero",
    kinks=_ORIGIN,
)

# sinc(x) = j₀(πx), with the spherical Bessel functions jₙ. Their recurrence
# (2n + 1) jₙ′ = n jₙ₋₁ − (n + 1) jₙ₊₁ divides by no x, so derivatives of every order are right at 0 and near it
# (NIST Digital Library of Mathematical Functions, 10.51.2).

_TERMS = 20


def _spherical_bessel(x: Array, n: int) -> Array:
    """``jₙ(x)`` for ``n ≥ 1``: by its power series near 0, else by upward recurrence, which is stable beyond ``n``."""
    is_near = np.abs(x) < n + 1
    far = np.where(is_near, n + 1.0, x)
    lower, y = np.cos(far) / far, np.sin(far) / far  # j₋₁ and j₀
    for k in range(n):
        lower, y = y, (2.0 * k + 1.0) / far * y - lower
    near = np.where(is_near, x, 0.0)
    square = near * near * 0.5
    series = np.ones_like(near)
    for k in range(_TERMS, 0, -1):
        series = 1.0 - square * series / (k * (2.0 * n + 2.0 * k + 1.0))
    return np.where(is_near, near**n / math.prod(range(2 * n + 1, 1, -2)) * series, y)[()]


def _bessel(x: Array, n: int) -> Array:
    return apply(_BESSEL, (x,), {"n": n})


def _bessel_slope(x: Array, y: Array, n: int) -> Array:
    lower = np.sinc(x / math.pi) if n == 1 else _bessel(x, n - 1)
    return (n * lower - (n + 1.0) * _bessel(x, n + 1)) / (2.0 * n + 1.0)


_BESSEL = register(Op("spherical_bessel", "elementwise", _spherical_bessel, ("x",), (_bessel_slope,)))

elementwise(
    np.sinc,
    x=lambda x: -math.pi * _bessel(math.pi * x, 1),
    analytic=True,
    kinks=[(call(_ZERO), (_ZERO,))],
)


# I₀ and its derivatives, by the like recurrence 2 Iₙ′ = Iₙ₋₁ + Iₙ₊₁ (NIST Digital Library, 10.29.1).


def _modified_bessel(x: Array, n: int) -> Array:
    from scipy.special import iv  # loaded on first use: SciPy takes longer to import than wengert

    return iv(n, x)


def _modified(x: Array, n: int) -> Array:
    return apply(_MODIFIED_BESSEL, (x,), {"n": n})


_MODIFIED_BESSEL = register(
    Op(
        "modified_bessel",
        "elementwise",
        _modified_bessel,
        ("x",),
        (lambda x, n: 0.5 * (_modified(x, abs(n - 1)) + _modified(x, n + 1)),),
    )
)

elementwise(np.i0, x=lambda x: _modified(x, 1))


def _phases(rng: np.random.Generator) -> list[Call]:
    return [call(rng.uniform(-10.0, 10.0, (2, 5))), call(rng.uniform(-4.0, 4.0, (4, 3)), axis=0, period=2)]


structured(np.unwrap, "p discont axis", p=lambda g: g, jvps=(lambda t: t,), samples=_phases)
