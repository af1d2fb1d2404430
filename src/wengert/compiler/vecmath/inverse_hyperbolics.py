"""Inverse hyperbolic functions: ``asinh``, ``acosh``, ``atanh``.

Each is the logarithm of an argument that is computed as a pair, so that nothing is lost where it is near 1:
``x + √(x² + 1)``, ``x + √(x² - 1)``, and the square root of ``(1 + x) / (1 - x)``.
"""

from __future__ import annotations

import math

from wengert.compiler.vecmath.logarithms import log_of_pair
from wengert.compiler.vecmath.pairs import Pair, divide_to_pair, fast_sum, root, square, sum_of
from wengert.compiler.vecmath.text import Code, Value

__all__ = ["acosh", "asinh", "atanh"]


def _log_of_sum(c: Code, a: Value, r: Pair) -> Value:
    """log(a + r), r at most about a or a at most r; where the square of a would overflow, log(2a)."""
    large = a > 2.0 ** (c.form.mantissa // 2 + 4)
    h, low = sum_of(c, a, r[0])
    argument = c.select(large, a, h), c.select(large, 0.0, low + r[1])
    total, rest = log_of_pair(c, argument, c.select(large, 1.0, 0.0))
    return total + rest


def asinh(c: Code, x: Value) -> Value:
    """``log(|x| + √(x² + 1))`` with the sign of x."""
    a = c.abs(x)
    h, low = square(c, a)
    total, error = sum_of(c, 1.0, h)
    y = c.signed(_log_of_sum(c, a, root(c, (total, error + low))), x)
    return c.select((a < math.inf) & (a > c.number(2.0 ** -(c.form.mantissa // 2 + 1))), y, x)


def acosh(c: Code, x: Value) -> Value:
    """``log(x + √(x² - 1))``."""
    h, low = square(c, x)
    total, error = fast_sum(c, h, -1.0)
    total, low = fast_sum(c, total, error + low)
    r, rest = root(c, (total, low))
    y = _log_of_sum(c, x, (r, rest))
    edge = c.select(x < 1.0, math.nan, c.select(x.equals(1.0), 0.0, x))
    return c.select((x > 1.0) & (x < math.inf), y, edge)


def atanh(c: Code, x: Value) -> Value:
    """``log((1 + |x|) / (1 - |x|)) / 2`` with the sign of x."""
    a = c.abs(x)
    total, rest = log_of_pair(c, divide_to_pair(c, fast_sum(c, 1.0, a), fast_sum(c, 1.0, -a)))
    y = c.signed((total + rest) * 0.5, x)
    edge = c.select(a > 1.0, math.nan, c.select(a.equals(1.0), c.signed(c.number(math.inf), x), x))
    return c.select((a < 1.0) & (a > c.number(2.0 ** -(c.form.mantissa // 2 + 1))), y, edge)
