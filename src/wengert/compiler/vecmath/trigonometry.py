"""Trigonometric functions: ``sin``, ``cos``, ``tan``.

With n the integer nearest to 2x/π, r = x - n π/2 is computed as a pair: fused, the first product's difference to x is
exact, and three numbers hold π/2 (Cody and Waite, *Software Manual for the Elementary Functions*). sin r and cos r are
polynomials; n says which of them is meant, and its sign. Arguments so large that this would lose digits are rare; they
take a branch, in which they are multiplied by those digits of 2/π that matter to them (Payne and Hanek, *SIGNUM
Newsletter* 18, 1983).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from wengert.compiler.vecmath.coefficients import PI, polynomial
from wengert.compiler.vecmath.pairs import Pair, divide, fast_sum, product, sum_of
from wengert.compiler.vecmath.text import Code, Value, parts

__all__ = ["cos", "sin", "tan"]


def _reduced(c: Code, a: Value) -> tuple[Value, Pair]:
    """n, of which the last two bits are right, and r as a pair."""
    huge = a > (2.0**17 if c.form.bits == 32 else 2.0**40)
    n, h, low = c.where_rare(huge, lambda: _reduced_by_digits(c, a), _reduced_by_differences(c, a))
    return n, (h, low)


def _reduced_by_differences(c: Code, a: Value) -> Sequence[Value]:
    n, nf = c.integer_after_scaling(a, 2 / PI)
    first, second, third = parts(PI / 2, 3, c.form)
    t, t_low = product(c, nf, c.number(second))
    h, error = sum_of(c, c.fma(nf, -first, a), -t)
    return n, *fast_sum(c, h, c.fma(nf, -third, error - t_low))


def _digits(c: Code, size: int, count: int) -> list[Value]:
    """2/π in groups of ``size`` bits, as integers. (No argument needs more than 25 groups of 48 bits.)"""
    groups = [math.floor(2 / PI * 2 ** (size * (i + 1))) % 2**size if i < 25 else 0 for i in range(count)]
    return [c.number(float(group)) for group in groups]


def _window(c: Code, values: list[Value], first: Value, steps: int, length: int) -> list[Value]:
    """``values[first : first + length]`` where ``first`` has ``steps`` bits: shifted by each bit in turn."""
    for step in reversed(range(steps)):
        shift = 1 << step
        taken = ~(first & shift).equals(0)
        kept = length + shift - 1
        values = [c.select(taken, values[i + shift], values[i]) for i in range(kept)]
    return values


def _reduced_by_digits(c: Code, a: Value) -> Sequence[Value]:
    """Left out are groups of digits whose product with ``a`` is a multiple of 4, and those that are too small."""
    form = c.form
    size, steps, length = (22, 3, 5) if form.bits == 32 else (48, 5, 5)
    ulp = (a.bits() >> form.mantissa) - (form.bias + form.mantissa)  # the exponent of a's last bit
    ulp_float = (ulp + form.pattern(form.magic)).floats() - form.magic
    first, _ = c.integer_after_scaling(ulp_float - (2 + (size - 1) / 2), Fraction(1, size))
    first = c.select(first < 0, 0, first)
    groups = _window(c, _digits(c, size, length + (1 << steps) - 1), first, steps, length)
    scale = c.power_of_two(-_times(first, size))
    scaled = (a * scale) * 2.0**-size
    products = [product(c, scaled, group * 2.0 ** (-size * i)) for i, group in enumerate(groups)]
    large = [_modulo_4(c, products[0][0]), _modulo_4(c, products[0][1]), _modulo_4(c, products[1][0]),
             products[1][1], products[2][0]]  # fmt: skip
    small = [products[2][1], *products[3], products[4][0]]
    n, nf = c.nearest_integer((large[0] + large[1]) + (large[2] + large[3]) + large[4])
    total, error, rest = -nf, c.number(0.0), c.number(0.0)
    for term in large:
        total, rounding = sum_of(c, total, term)
        error, rounding = sum_of(c, error, rounding)
        rest = rest + rounding
    for term in small:
        error, rounding = sum_of(c, error, term)
        rest = rest + rounding
    h, low = sum_of(c, total, error)
    high, high_low = parts(PI / 2, 2, form)
    r, r_low = product(c, h, c.number(high))
    return n, *fast_sum(c, r, c.fma(h, high_low, c.fma(low + rest, high, r_low)))


def _times(n: Value, factor: int) -> Value:
    """``n * factor``, by shifts: not every processor multiplies vectors of integers."""
    shifts = [i for i in range(factor.bit_length()) if factor >> i & 1]
    total = n << shifts[0]
    for shift in shifts[1:]:
        total = total + (n << shift)
    return total


def _modulo_4(c: Code, x: Value) -> Value:
    """What remains of x when a multiple of 4 is taken away."""
    return c.fma(c.call("rint", x * 0.25), -4.0, x)


def _sine(c: Code, r: Pair, z: Value) -> Pair:
    """sin r, not normalised."""
    return r[0], c.fma(r[0] * z, c.polynomial(z, polynomial("sin", c.form)), c.fma(r[1], -0.5 * z, r[1]))


def _cosine(c: Code, r: Pair, z: Value) -> Pair:
    """cos r, not normalised."""
    h, low = fast_sum(c, 1.0, -0.5 * z)
    return h, low + c.fma(z * z, c.polynomial(z, polynomial("cos", c.form)), -(r[0] * r[1]))


def _sign(c: Code, n: Value) -> Value:
    """A sign bit from the second last bit of an integer."""
    return (n & 2) << (c.form.bits - 2)


def _chosen(c: Code, n: Value, r: Pair) -> Value:
    """sin r for even n, cos r for odd n."""
    z = r[0] * r[0]
    (s, s_low), (k, k_low) = _sine(c, r, z), _cosine(c, r, z)
    even = (n & 1).equals(0)
    return c.select(even, s, k) + c.select(even, s_low, k_low)


def sin(c: Code, x: Value) -> Value:
    """sin |x| with the sign of x."""
    a = c.abs(x)
    n, r = _reduced(c, a)
    return (_chosen(c, n, r).bits() ^ _sign(c, n) ^ (x.bits() & -c.form.sign)).floats()


def cos(c: Code, x: Value) -> Value:
    """cos x = sin(x + π/2)."""
    n, r = _reduced(c, c.abs(x))
    n = n + 1
    return (_chosen(c, n, r).bits() ^ _sign(c, n)).floats()


def tan(c: Code, x: Value) -> Value:
    """sin r / cos r, or -cos r / sin r."""
    a = c.abs(x)
    n, r = _reduced(c, a)
    z = r[0] * r[0]
    s, k = fast_sum(c, *_sine(c, r, z)), fast_sum(c, *_cosine(c, r, z))
    even = (n & 1).equals(0)
    numerator = c.select(even, s[0], k[0]), c.select(even, s[1], k[1])
    denominator = c.select(even, k[0], s[0]), c.select(even, k[1], s[1])
    sign = ((n & 1) << (c.form.bits - 1)) ^ (x.bits() & -c.form.sign)
    return (divide(c, numerator, denominator).bits() ^ sign).floats()
