"""Division with remainder, ``fmod``, ``remainder``, ``floor_divide``, and rounding to integers.

The remainder of ``|a| / |b|`` is exact where the quotient has no more digits than the format: one fused multiply-add.
Larger quotients are rare; they take a branch to LLVM's ``frem``, which is the C library's ``fmod``.
"""

from __future__ import annotations

import math

from wengert.compiler.vecmath.text import Code, Value

__all__ = ["ceil", "floor", "floor_divide", "fmod", "remainder", "rint", "trunc"]


def floor(c: Code, x: Value) -> Value:
    """The largest integer that is not above x."""
    return c.call("floor", x)


def ceil(c: Code, x: Value) -> Value:
    """The smallest integer that is not below x."""
    return c.call("ceil", x)


def trunc(c: Code, x: Value) -> Value:
    """x without its fraction."""
    return c.call("trunc", x)


def rint(c: Code, x: Value) -> Value:
    """The nearest integer, the even one of two."""
    return c.call("rint", x)


def fmod(c: Code, a: Value, b: Value) -> Value:
    """The remainder with the sign of ``a``."""
    n, d = c.abs(a), c.abs(b)
    q = c.call("trunc", n / d)
    r = c.fma(-q, d, n)
    r = c.select(n < d, n, c.select(r < 0.0, r + d, r))
    many = (q >= 2.0**c.form.mantissa) & (d > 0.0) & (n < math.inf)
    exact = c.where_rare(many, lambda: [c.emit(f"frem {c.type('f')} {n.text}, {d.text}", "f")], [r])
    return c.signed(exact[0], a)


def _adjusted(c: Code, r: Value, b: Value) -> Value:
    """Where a remainder has the other sign than the divisor."""
    return ((r < 0.0) & (b > 0.0)) | ((r > 0.0) & (b < 0.0))


def remainder(c: Code, a: Value, b: Value) -> Value:
    """The remainder with the sign of ``b``."""
    r = fmod(c, a, b)
    y = c.select(_adjusted(c, r, b), r + b, r)
    return c.select(r.equals(0.0), c.signed(c.abs(r), b), y)


def floor_divide(c: Code, a: Value, b: Value) -> Value:
    """The floor of the quotient, from the remainder, as NumPy computes it."""
    r = fmod(c, a, b)
    quotient = (a - r) / b
    quotient = c.select(_adjusted(c, r, b), quotient - 1.0, quotient)
    whole = c.call("floor", quotient)
    whole = c.select(quotient - whole > c.number(0.5), whole + 1.0, whole)
    plain = a / b
    found = c.select(quotient.equals(0.0), c.signed(c.number(0.0), plain), whole)
    return c.select(b.equals(0.0), plain, found)
