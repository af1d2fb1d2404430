"""Exponentials: ``exp``, ``exp2``, ``expm1`` and the logistic function.

With n the integer nearest to x / ln 2 and r = x - n ln 2, eˣ = 2ⁿ eʳ; eʳ - 1 is a polynomial in r, ``r + r² q(r)``.
"""

from __future__ import annotations

from wengert.compiler.vecmath.coefficients import LN2, polynomial
from wengert.compiler.vecmath.pairs import Pair, divide, fast_sum
from wengert.compiler.vecmath.text import Code, Value, parts

__all__ = [
    "clamped", "exp", "exp2", "exp2_limits", "exp_pair", "expm1", "reduced_expm1", "scaled", "sigmoid", "two_to_the",
]  # fmt: skip


def limits(c: Code) -> tuple[float, float]:
    """From where on exp is 0 and infinite."""
    return (-104.0, 89.0) if c.form.bits == 32 else (-746.0, 709.9)


def clamped(c: Code, x: Value, low: float, high: float) -> Value:
    """``x`` held within limits; NaN stays NaN."""
    return c.smaller(high, c.select(x < low, low, x))


def scaled(c: Code, n: Value, *values: Value) -> list[Value]:
    """Values times 2ⁿ, which need not be a normal number."""
    doubled = n + 2 * c.form.bias
    half = doubled >> 1
    first = (half << c.form.mantissa).floats()
    second = ((doubled - half) << c.form.mantissa).floats()
    return [value * first * second for value in values]


def reduced_expm1(c: Code, x: Value, low: Value | None = None) -> tuple[Value, Pair]:
    """n, and eʳ - 1 as a pair, for x or a pair of which x is the higher part."""
    n, nf = c.integer_after_scaling(x, 1 / LN2)
    high, rest = parts(LN2, 2, c.form)
    head = c.fma(nf, -high, x)
    tail = c.fma(nf, -rest, low) if low is not None else nf * -rest
    r, r_low = fast_sum(c, head, tail)
    q = c.polynomial(r, polynomial("exp", c.form))
    return n, fast_sum(c, r, c.fma(r * r, q, c.fma(r, r_low, r_low)))


def exp(c: Code, x: Value) -> Value:
    """2ⁿ eʳ, scaled in two steps so that tiny results are rounded once."""
    x = clamped(c, x, *limits(c))
    n, nf = c.integer_after_scaling(x, 1 / LN2)
    high, rest = parts(LN2, 2, c.form)
    r = c.fma(nf, -rest, c.fma(nf, -high, x))
    q = c.polynomial(r, polynomial("exp", c.form))
    return scaled(c, n, c.fma(r * r, q, r) + 1.0)[0]


def two_to_the(c: Code, x: Value, low: Value | None = None) -> Value:
    """2ˣ, or 2 to the power of a pair, between the limits of the format."""
    n, nf = c.nearest_integer(x)
    r = x - nf if low is None else (x - nf) + low
    high, rest = parts(LN2, 2, c.form)
    q = c.polynomial(r, polynomial("exp2", c.form))
    tail = c.fma(r * r, q, r * rest)
    return scaled(c, n, c.fma(r, high, tail) + 1.0)[0]


def exp2_limits(c: Code) -> tuple[float, float]:
    """From where on exp2 is 0 and infinite."""
    return (-152.0, 128.5) if c.form.bits == 32 else (-1077.0, 1024.5)


def exp2(c: Code, x: Value) -> Value:
    """2ˣ."""
    return two_to_the(c, clamped(c, x, *exp2_limits(c)))


def expm1(c: Code, x: Value) -> Value:
    """``(2ⁿ - 1) + 2ⁿ (eʳ - 1)``, at half the size so that 2ⁿ does not overflow before the result does."""
    limit = limits(c)
    n, (h, low) = reduced_expm1(c, clamped(c, x, limit[0] / 2, limit[1]))
    size = c.power_of_two(n - 1)
    head = size - 0.5
    total = c.fma(size, h, head)
    rest = c.fma(size, low, c.fma(size, h, head - total))
    return c.select(c.abs(x) < c.number(2.0 ** -(c.form.mantissa + 2)), x, (total + rest) * 2.0)


def exp_pair(c: Code, x: Value, low: Value | None = None) -> Pair:
    """eˣ for x (or a pair) that isn't positive. The lower part is of no use where the result isn't normal."""
    x = c.select(x < limits(c)[0], limits(c)[0], x)
    n, (h, rest) = reduced_expm1(c, x, low)
    total, error = fast_sum(c, 1.0, h)
    high, low_part = scaled(c, n, total, error + rest)
    return high, low_part


def sigmoid(c: Code, x: Value) -> Value:
    """``1 / (1 + t)`` or ``t / (1 + t)``, t = exp(-|x|)."""
    h, low = exp_pair(c, -c.abs(x))
    total, error = fast_sum(c, 1.0, h)
    left = x < 0.0
    return divide(c, (c.select(left, h, 1.0), c.select(left, low, 0.0)), (total, error + low))
