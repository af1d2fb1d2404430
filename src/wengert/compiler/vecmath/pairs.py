"""Numbers with twice the digits: unevaluated sums ``h + l`` of two floating-point numbers, l below half a unit of h.

The exact sums are Knuth's and Dekker's, the product needs one fused multiply-add; see Muller et al., *Handbook of
Floating-Point Arithmetic*, chapter 4.
"""

from __future__ import annotations

from wengert.compiler.vecmath.text import Code, Operand, Value

__all__ = ["Pair", "divide", "divide_to_pair", "fast_sum", "product", "root", "square", "sum_of"]

Pair = tuple[Value, Value]


def fast_sum(c: Code, a: Operand, b: Operand) -> Pair:
    """``a + b`` exactly, where ``|a| >= |b|`` or ``a == 0``."""
    a, b = c.value(a, "f"), c.value(b, "f")
    h = a + b
    return h, (a - h) + b


def sum_of(c: Code, a: Operand, b: Operand) -> Pair:
    """``a + b`` exactly."""
    a, b = c.value(a, "f"), c.value(b, "f")
    h = a + b
    shadow = h - a
    return h, (a - (h - shadow)) + (b - shadow)


def product(c: Code, a: Value, b: Value) -> Pair:
    """``a * b`` exactly."""
    h = a * b
    return h, c.fma(a, b, -h)


def square(c: Code, a: Value) -> Pair:
    """``a * a`` exactly."""
    return product(c, a, a)


def divide_to_pair(c: Code, n: Pair, d: Pair) -> Pair:
    """A quotient, with one division. The divisor's reciprocal must be a normal number."""
    inverse = 1.0 / d[0]
    h = n[0] * inverse
    rest = c.fma(-h, d[0], n[0]) + c.fma(-h, d[1], n[1])
    return h, rest * inverse


def divide(c: Code, n: Pair, d: Pair) -> Value:
    """A quotient, rounded nearly correctly."""
    h, low = divide_to_pair(c, n, d)
    return h + low


def root(c: Code, x: Pair) -> Pair:
    """A square root, of numbers above 0."""
    h = c.sqrt(x[0])
    return h, (c.fma(-h, h, x[0]) + x[1]) * (0.5 / h)
