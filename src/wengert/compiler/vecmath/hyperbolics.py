"""Hyperbolic functions: ``sinh``, ``cosh``, ``tanh``.

sinh and cosh are taken apart by their addition theorems, x = n ln 2 + r: sinh and cosh of n ln 2 are sums of powers of
two, those of r are polynomials. tanh x = (e²ˣ - 1) / (e²ˣ + 1).
"""

from __future__ import annotations

from wengert.compiler.vecmath.coefficients import LN2, polynomial
from wengert.compiler.vecmath.exponentials import reduced_expm1
from wengert.compiler.vecmath.pairs import Pair, divide, fast_sum
from wengert.compiler.vecmath.text import Code, Value, parts

__all__ = ["cosh", "sinh", "tanh"]


def _parts_of(c: Code, x: Value) -> tuple[Pair, Pair, Value, Value, Value]:
    """Half of sinh and cosh of n ln 2, as pairs; cosh r - 1; r; sinh r - r."""
    x = c.smaller(89.5 if c.form.bits == 32 else 710.6, x)
    n, nf = c.integer_after_scaling(x, 1 / LN2)
    high, rest = parts(LN2, 2, c.form)
    r, low = fast_sum(c, c.fma(nf, -high, x), nf * -rest)
    z = r * r
    cosh_r = c.fma(z * z, c.polynomial(z, polynomial("cosh", c.form)), c.fma(r, low, 0.5 * z))
    sinh_r = c.fma(r * z, c.polynomial(z, polynomial("sinh", c.form)), low)
    grown = c.power_of_two(n - 2)
    shrunk = c.select(x > 60.0, 0.0, c.power_of_two(-2 - n))
    return fast_sum(c, grown, -shrunk), fast_sum(c, grown, shrunk), cosh_r, r, sinh_r


def sinh(c: Code, x: Value) -> Value:
    """``sinh(n ln 2) cosh r + cosh(n ln 2) sinh r``."""
    a = c.abs(x)
    (s, s_low), (k, _), cosh_r, r, sinh_r = _parts_of(c, a)
    total = c.fma(k, r, s)
    rest = c.fma(k, sinh_r, c.fma(s, cosh_r, c.fma(k, r, s - total) + s_low))
    return c.select(a < c.number(2.0 ** -(c.form.mantissa // 2 + 1)), x, c.signed((total + rest) * 2.0, x))


def cosh(c: Code, x: Value) -> Value:
    """``cosh(n ln 2) cosh r + sinh(n ln 2) sinh r``."""
    (s, _), (k, k_low), cosh_r, r, sinh_r = _parts_of(c, c.abs(x))
    return (k + c.fma(k, cosh_r, c.fma(s, r, c.fma(s, sinh_r, k_low)))) * 2.0


def tanh(c: Code, x: Value) -> Value:
    """``(d - 2) / d`` for d = e²ˣ + 1."""
    a = c.smaller(10.0 if c.form.bits == 32 else 20.0, c.abs(x))
    n, (h, low) = reduced_expm1(c, a + a)
    size = c.power_of_two(n)
    head, error = fast_sum(c, size, 1.0)
    total = c.fma(size, h, head)
    rest = c.fma(size, low, c.fma(size, h, head - total) + error)
    below, error = fast_sum(c, total, -2.0)
    return c.signed(divide(c, (below, error + rest), (total, rest)), x)
