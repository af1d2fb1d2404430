"""Inverse trigonometric functions: ``asin``, ``acos``, ``atan``, ``atan2``.

All have the form ``b + g (s + low)``: b a multiple of π/4, s a reduced argument, low what a polynomial and s's rounding
error contribute. For arcsin and arccos beyond ½, s = √((1 - |x|) / 2); for arctan, tan(π/8) and its reciprocal part the
axis, and s is x, (x - 1) / (x + 1) or -1/x.
"""

from __future__ import annotations

import math
from fractions import Fraction

from wengert.compiler.vecmath.coefficients import PI, polynomial
from wengert.compiler.vecmath.pairs import Pair, divide_to_pair, sum_of
from wengert.compiler.vecmath.text import Code, Operand, Value, parts

__all__ = ["acos", "asin", "atan", "atan2", "scale_to_one"]


def _combined(c: Code, b: Pair, g: Operand, s: Value, low: Value) -> Value:
    """``b + g (s + low)``; g is a power of two or its negative, b is 0 or larger than g s."""
    h = c.fma(g, s, b[0])
    return h + (c.fma(g, s, b[0] - h) + c.fma(g, low, b[1]))


def _of_angle(c: Code, choices: list[tuple[Value, int]]) -> Pair:
    """π/4 times the number of the first condition that holds, as a pair; 0 if none does."""
    h, low = c.number(0.0), c.number(0.0)
    for condition, quarters in reversed(choices):
        high, rest = parts(PI * quarters / 4, 2, c.form)
        h, low = c.select(condition, high, h), c.select(condition, rest, low)
    return h, low


def _half_angle(c: Code, a: Value) -> tuple[Value, Value, Value]:
    """Where ``a`` is beyond ½; s and low for arcsin's series."""
    beyond = a > 0.5
    z = c.select(beyond, c.fma(a, -0.5, 0.5), a * a)
    r = c.sqrt(z)
    error = c.select(beyond, c.fma(-r, r, z) / (r + r + c.form.tiny), 0.0)
    s = c.select(beyond, r, a)
    return beyond, s, c.fma(s * z, c.polynomial(z, polynomial("asin", c.form)), error)


def asin(c: Code, x: Value) -> Value:
    """``π/2 - 2 arcsin(s)`` beyond ½."""
    beyond, s, low = _half_angle(c, c.abs(x))
    return c.signed(_combined(c, _of_angle(c, [(beyond, 2)]), c.select(beyond, -2.0, 1.0), s, low), x)


def acos(c: Code, x: Value) -> Value:
    """``2 arcsin(s)``, ``π/2 - arcsin(x)`` or ``π - 2 arcsin(s)``."""
    beyond, s, low = _half_angle(c, c.abs(x))
    left = x < 0.0
    b = _of_angle(c, [(beyond & left, 4), (~beyond, 2)])
    g = c.flipped(c.select(beyond, 2.0, -1.0), x)
    return _combined(c, b, g, s, low)


def _reduced(c: Code, y: Value, x: Value) -> tuple[Value, Value, Value, Value]:
    """Which part of the axis y/x (both positive) is in: beyond tan(π/8), beyond its reciprocal; s and low."""
    middle, outer = y > x * Fraction(math.sqrt(2) - 1), y > x * Fraction(math.sqrt(2) + 1)
    difference, total = sum_of(c, y, -x), sum_of(c, x, y)
    zero = c.number(0.0)
    numerator = c.select(outer, -x, c.select(middle, difference[0], y)), c.select(middle & ~outer, difference[1], zero)
    denominator = c.select(outer, y, c.select(middle, total[0], x)), c.select(middle & ~outer, total[1], zero)
    s, error = divide_to_pair(c, numerator, denominator)
    z = s * s
    return middle, outer, s, c.fma(s * z, c.polynomial(z, polynomial("atan", c.form)), error)


def atan(c: Code, x: Value) -> Value:
    """The angle of the point (1, x)."""
    a = c.smaller(2.0 ** (c.form.mantissa + 4), c.abs(x))
    middle, outer, s, low = _reduced(c, a, c.number(1.0))
    return c.signed(_combined(c, _of_angle(c, [(outer, 2), (middle, 1)]), 1.0, s, low), x)


def scale_to_one(c: Code, x: Value) -> tuple[Value, Value]:
    """The power of two that brings a positive number near 1, and its reciprocal. Both are normal numbers."""
    form = c.form
    exponent = x.bits() >> form.mantissa
    exponent = c.select(exponent > 2 * form.bias - 1, 2 * form.bias - 1, c.select(exponent < 1, 1, exponent))
    back = exponent << form.mantissa
    return (c.value(2 * form.bias << form.mantissa, "i") - back).floats(), back.floats()


def atan2(c: Code, y: Value, x: Value) -> Value:
    """The angle of the point (x, y), scaled to the unit square; zeros and infinities lie on its corners and axes."""
    a, b = c.abs(y), c.abs(x)
    largest = c.larger(a, b)
    infinite = largest.equals(math.inf)
    a = c.select(infinite, c.select(a.equals(math.inf), 1.0, 0.0), a)
    b = c.select(infinite, c.select(b.equals(math.inf), 1.0, 0.0), c.select(largest.equals(0.0), 1.0, b))
    factor, _ = scale_to_one(c, c.larger(a, b))
    middle, outer, s, low = _reduced(c, a * factor, b * factor)
    left = c.negative(x)
    angle = _of_angle(c, [(outer, 2), (left & middle, 3), (middle, 1), (left, 4)])
    found = c.signed(_combined(c, angle, c.select(left, -1.0, 1.0), s, low), y)
    return c.select(x.unordered(y), x + y, found)
