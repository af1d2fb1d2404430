"""Logarithms: ``log``, ``log2``, ``log10``, ``log1p``, and of sums of exponentials, ``softplus`` and ``logaddexp``.

x = 2ᵉ m with m between √½ and √2; with f = m - 1 and s = f / (2 + f), log m = 2 artanh s = f - f²/2 + s (f²/2 + R(s²)),
R being a polynomial (the arrangement is that of Ng's fdlibm).
"""

from __future__ import annotations

import math

from wengert.compiler.vecmath.coefficients import LN2, LN10, polynomial
from wengert.compiler.vecmath.exponentials import exp_pair
from wengert.compiler.vecmath.pairs import Pair, fast_sum, product, sum_of
from wengert.compiler.vecmath.text import Code, Value, parts

__all__ = ["log", "log1p", "log2", "log10", "log_of_pair", "logaddexp", "normalised", "softplus", "split"]


def normalised(c: Code, x: Value) -> tuple[Value, Value]:
    """Numbers that are not tiny, and how many powers of two they are too large."""
    shift = c.form.mantissa + 2
    tiny = x < c.form.tiny
    return c.select(tiny, x * 2.0**shift, x), c.select(tiny, float(shift), 0.0)


def split(c: Code, x: Value) -> tuple[Value, Value, Value]:
    """e as an integer and as a floating-point number, and m. ``x`` is positive and normal."""
    form = c.form
    bits = x.bits()
    biased = (bits + ((form.bias << form.mantissa) - form.pattern(form.rounded(math.sqrt(0.5))))) >> form.mantissa
    e = biased - form.bias
    large = 2.0**form.mantissa
    ef = (biased | form.pattern(large)).floats() - (large + form.bias)
    return e, ef, (bits - (e << form.mantissa)).floats()


def _terms(c: Code, f: Value) -> tuple[Value, Value, Value]:
    """``s``, ``f²/2`` and ``R``."""
    s = f / (f + 2.0)
    z = s * s
    return s, (0.5 * f) * f, z * c.polynomial(z, polynomial("log", c.form))


def _ln2(c: Code) -> tuple[float, float]:
    """ln 2 as a number whose products with exponents are exact, and what is left."""
    step = 2.0 ** (c.form.mantissa - 12)
    high = math.floor(float(LN2) * step) / step
    return high, c.form.rounded(LN2 - type(LN2)(high))


def log_of_pair(c: Code, u: Pair, doublings: Value | None = None) -> Pair:
    """The logarithm of a pair, positive and normal; accurate also near 1. ``doublings`` is added to the exponent."""
    e, ef, m = split(c, u[0])
    low = (u[1] * c.power_of_two(1 - e)) * 0.5
    f, error = fast_sum(c, m - 1.0, low)
    if doublings is not None:
        ef = ef + doublings
    s, square, rest = _terms(c, f)
    head = f - square
    correction = c.fma(s, square + rest, c.fma(-error, f, error))
    tail = (((f - head) - square) - c.fma(0.5 * f, f, -square)) + correction
    high, low_part = _ln2(c)
    total, error = fast_sum(c, ef * high, head)
    return total, error + c.fma(ef, low_part, tail)


def _defined(c: Code, x: Value, y: Value) -> Value:
    """A logarithm's values at 0, at infinity, at negative numbers and at NaN."""
    edge = c.select(x < 0.0, math.nan, c.select(x.equals(0.0), -math.inf, x))
    return c.select((x > 0.0) & (x < math.inf), y, edge)


def log(c: Code, x: Value) -> Value:
    """``e ln 2 + log m``."""
    normal, shift = normalised(c, x)
    _, ef, m = split(c, normal)
    ef = ef - shift
    f = m - 1.0
    s, square, rest = _terms(c, f)
    high, low = parts(LN2, 2, c.form)
    tail = c.fma(s, square + rest, ef * low)
    return _defined(c, x, c.fma(ef, high, f - (square - tail)))


def _logarithm_in_base(c: Code, x: Value, base_exponent: tuple[float, float], unit: list[float]) -> Value:
    normal, shift = normalised(c, x)
    _, ef, m = split(c, normal)
    ef = ef - shift
    f = m - 1.0
    s, square, rest = _terms(c, f)
    head = f - square
    tail = c.fma(s, square + rest, ((f - head) - square) - c.fma(0.5 * f, f, -square))
    p, p_low = product(c, head, c.number(unit[0]))
    p_low = p_low + c.fma(head, unit[1], tail * unit[0])
    whole, error = product(c, ef, c.number(base_exponent[0]))
    total, rounding = fast_sum(c, whole, p)
    return _defined(c, x, total + (rounding + (p_low + c.fma(ef, base_exponent[1], error))))


def log2(c: Code, x: Value) -> Value:
    """``e + log m / ln 2``."""
    return _logarithm_in_base(c, x, (1.0, 0.0), parts(1 / LN2, 2, c.form))


def log10(c: Code, x: Value) -> Value:
    """``(e ln 2 + log m) / ln 10``."""
    exponent = parts(LN2 / LN10, 2, c.form)
    return _logarithm_in_base(c, x, (exponent[0], exponent[1]), parts(1 / LN10, 2, c.form))


def log1p(c: Code, x: Value) -> Value:
    """log of 1 + x and its rounding error."""
    u = x + 1.0
    low = c.select(x > 1.0, 1.0 - (u - x), x - (u - 1.0))
    h, rest = log_of_pair(c, (u, low))
    edge = c.select(x < -1.0, math.nan, c.select(x.equals(-1.0), -math.inf, x))
    return c.select((x > -1.0) & (x < math.inf) & ~x.equals(0.0), h + rest, edge)


def _log_one_plus(c: Code, t: Pair) -> Pair:
    """log(1 + t) for pairs between 0 and 1."""
    u, low = fast_sum(c, 1.0, t[0])
    return log_of_pair(c, (u, low + t[1]))


def softplus(c: Code, x: Value) -> Value:
    """``max(x, 0) + log(1 + exp(-|x|))``."""
    h, low = _log_one_plus(c, exp_pair(c, -c.abs(x)))
    return c.larger(x, c.number(0.0)) + (h + low)


def logaddexp(c: Code, a: Value, b: Value) -> Value:
    """``max(a, b) + log(1 + exp(-|a - b|))``, to within 1.5 units of the largest of ``|a|``, ``|b|`` and the result."""
    a_is_larger = a > b
    high, low = c.select(a_is_larger, a, b), c.select(a_is_larger, b, a)
    d, error = sum_of(c, low, -high)
    d = c.select(a.equals(b), 0.0, d)
    error = c.select((d > -1000.0) & (d < 0.0), error, 0.0)
    h, rest = _log_one_plus(c, exp_pair(c, d, error))
    total, error = sum_of(c, high, h)
    total_is_finite = c.abs(total) < math.inf
    return total + c.select(total_is_finite, error + rest, 0.0)
