"""Roots and powers: ``sqrt``, ``cbrt``, ``hypot``, ``pow``."""

from __future__ import annotations

import math
from fractions import Fraction

from wengert.compiler.vecmath.coefficients import LN2, polynomial
from wengert.compiler.vecmath.exponentials import clamped, exp2_limits, two_to_the
from wengert.compiler.vecmath.inverse_trigonometry import scale_to_one
from wengert.compiler.vecmath.logarithms import normalised, split
from wengert.compiler.vecmath.pairs import Pair, divide_to_pair, fast_sum, product, square
from wengert.compiler.vecmath.text import Code, Value, parts

__all__ = ["cbrt", "hypot", "power", "sqrt"]


def sqrt(c: Code, x: Value) -> Value:
    """The processor's own."""
    return c.sqrt(x)


def cbrt(c: Code, x: Value) -> Value:
    """x = 2³ᵏ v; from a polynomial for v**(-1/3), one step of third order, and one of Newton's for the root itself."""
    a = c.abs(x)
    normal, shift = normalised(c, a)
    _, ef, m = split(c, normal)
    ef = ef - shift
    k, kf = c.integer_after_scaling(ef, Fraction(1, 3))
    j = c.fma(kf, -3.0, ef)
    v = m * c.select(j > 0.0, 2.0, c.select(j < 0.0, 0.5, 1.0))
    near = c.select(j > 0.0, 2.0 ** (-1 / 3), c.select(j < 0.0, 2.0 ** (1 / 3), 1.0))
    y = near * c.polynomial(m, polynomial("cbrt", c.form))
    e = c.fma(-(v * y), y * y, 1.0)
    y = c.fma(y * e, c.fma(e, 2 / 9, 1 / 3), y)
    inverse = y * y
    root = v * inverse
    h, low = square(c, root)
    rest = c.fma(-root, low, c.fma(-root, h, v))
    found = c.fma(rest, inverse * Fraction(1, 3), root) * c.power_of_two(k)
    return c.select((a > 0.0) & (a < math.inf), c.signed(found, x), x)


def hypot(c: Code, x: Value, y: Value) -> Value:
    """Scaled by the larger argument's exponent."""
    a, b = c.abs(x), c.abs(y)
    larger, smaller = c.larger(a, b), c.select(a > b, b, a)
    factor, back = scale_to_one(c, larger)
    p, q = larger * factor, smaller * factor
    found = c.sqrt(c.fma(p, p, q * q)) * back
    infinite = c.value(math.inf, "f")
    return c.select(a.equals(infinite) | b.equals(infinite), infinite, found)


def _log2_to_pair(c: Code, x: Value) -> Pair:
    """The binary logarithm of a positive number, to some ten digits more than the format has."""
    normal, shift = normalised(c, x)
    _, ef, m = split(c, normal)
    ef = ef - shift
    f = m - 1.0
    s, s_low = divide_to_pair(c, (f, c.number(0.0)), fast_sum(c, 2.0, f))
    z, z_low = square(c, s)
    z_low = c.fma(s + s, s_low, z_low)
    third, third_low = parts(Fraction(1, 3), 2, c.form)
    p, p_low = fast_sum(c, third, z * c.polynomial(z, polynomial("pow", c.form)))
    g, g_low = product(c, z, p)
    g_low = c.fma(z, p_low + third_low, c.fma(z_low, p, g_low))
    h, low = product(c, s, g)
    low = c.fma(s, g_low, c.fma(s_low, g, low))
    total, error = fast_sum(c, s, h)
    error = error + (low + s_low)
    unit, unit_low = parts(2 / LN2, 2, c.form)
    h, low = product(c, total, c.number(unit))
    low = c.fma(total, unit_low, c.fma(error, unit, low))
    total, error = fast_sum(c, ef, h)
    return fast_sum(c, total, error + low)


def power(c: Code, x: Value, y: Value) -> Value:
    """2 to the power of ``y log2 |x|``, then C99's rules for zeros, infinities, negative bases and NaN."""
    a = c.abs(x)
    log, log_low = _log2_to_pair(c, a)
    zero, infinite = a.equals(0.0), a.equals(math.inf)
    log = c.select(zero, -math.inf, c.select(infinite, math.inf, log))
    h, low = product(c, y, log)
    bounded = c.abs(h) < 4.0 * c.form.bias
    low = c.select(bounded & ~(zero | infinite), c.fma(y, log_low, low), 0.0)
    magnitude = two_to_the(c, clamped(c, h, *exp2_limits(c)), low)
    magnitude = c.select(a.equals(1.0), 1.0, magnitude)
    whole = c.call("floor", y).equals(y)
    half = 0.5 * y
    odd = whole & ~c.call("floor", half).equals(half)
    sign = c.select(odd, x.bits() & -c.form.sign, 0)
    found = (magnitude.bits() | sign).floats()
    found = c.select((x < 0.0) & ~whole & ~infinite, math.nan, found)
    found = c.select(x.unordered(y), x + y, found)
    return c.select(y.equals(0.0) | x.equals(1.0), 1.0, found)
