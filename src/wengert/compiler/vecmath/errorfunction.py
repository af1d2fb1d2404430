"""The error function and its complement: ``erf``, ``erfc``.

Near 0, erf is an odd polynomial. From there to where erfc underflows, ``(1 + 2x) exp(x²) erfc(x)`` is one polynomial in
``(x - k) / (x + k)`` (Shepherd and Laframboise, *Mathematics of Computation* 36, 1981).
"""

from __future__ import annotations

from wengert.compiler.vecmath.coefficients import OFFSET, TWO_BY_ROOT_PI, centre, polynomial
from wengert.compiler.vecmath.exponentials import reduced_expm1, scaled
from wengert.compiler.vecmath.pairs import divide, divide_to_pair, fast_sum, square, sum_of
from wengert.compiler.vecmath.text import Code, Value

__all__ = ["erf", "erfc"]


def _complement(c: Code, a: Value, name: str) -> Value:
    """erfc of numbers that are not negative."""
    k = centre(name, c.form)
    t = divide(c, sum_of(c, a, -k), sum_of(c, a, k))
    h, low = fast_sum(c, OFFSET, c.polynomial(t, polynomial(name, c.form)))
    q, q_low = divide_to_pair(c, (h, low), sum_of(c, 1.0, a + a))
    power, power_low = square(c, a)
    n, (h, low) = reduced_expm1(c, -power, -power_low)
    h, error = fast_sum(c, 1.0, h)
    total = h * q
    rest = c.fma(h, q, -total) + c.fma(h, q_low, (error + low) * q)
    return scaled(c, n, total + rest)[0]


def _series(c: Code, x: Value) -> Value:
    """erf near 0."""
    z = x * x
    slope = c.fma(z, c.polynomial(z, polynomial("erf", c.form)), TWO_BY_ROOT_PI - 1)
    return c.fma(x, slope, x)


def erfc(c: Code, x: Value) -> Value:
    """``1 - erf(x)`` up to ½; for negative x, 2 less the value at -x."""
    a = c.abs(x)
    near = a < 0.5
    y = _complement(c, c.select(near, 0.5, c.smaller(10.2 if c.form.bits == 32 else 27.3, a)), "erfc")
    return c.select(near, 1.0 - _series(c, x), c.select(x < 0.0, 2.0 - y, y))


def erf(c: Code, x: Value) -> Value:
    """The odd polynomial up to 1, beyond it the complement."""
    a = c.smaller(4.0 if c.form.bits == 32 else 6.0, c.abs(x))
    near = a < 1.0
    outer = 1.0 - _complement(c, c.select(near, 1.0, a), "erf_tail")
    return c.signed(c.select(near, _series(c, a), outer), x)
