"""Products as numbers times powers: what chains of multiplication, division and negation multiply, in any order.

``1 / (1 + exp(-x))`` times itself times ``exp(-x)``, as a traced gradient computes it, overflows far from 0 though the
product doesn't. Once exponentials are known as such, it can be computed in factors that are at most 1. A `Term` is a
number and the powers of its *atoms*:

- ``("exp", u)``: ``exp(u)``; ``("plus", u)``: ``1 + exp(u)``. ``u`` is no negation: ``exp(-u)`` is ``1 / exp(u)``;
- ``("total", s)``: ``s``, the sum of ``exp(u)`` along some axes, which are of length 1;
- ``("num", x)`` and ``("den", x)``: any other value ``x`` among the factors or the divisors.

All but the last are positive and cancel: ``a * exp(u) / exp(u)`` is ``a`` also where ``exp(u)`` is 0, ``inf`` or NaN
and the quotient NaN. ``x / x`` remains as it is. Values are named by their numbers in the graph that is being built.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from wengert._types import Shape
from wengert.compiler.build import Builder, dense_strides
from wengert.compiler.graph import Value

__all__ = ["ONE", "Atom", "Products", "Term", "Total", "inverse", "times", "without"]

Atom = tuple[str, int]

_MOST_ATOMS = 12
"""A longer product is a value like others."""


class Term(NamedTuple):
    """``coefficient`` times the atoms to their ``powers``."""

    coefficient: Fraction
    powers: Mapping[Atom, int]


ONE = Term(Fraction(1), {})


class Total(NamedTuple):
    """``sum(exp(sign * u))`` along ``axes``."""

    u: Value
    sign: int
    axes: tuple[int, ...]
    shape: Shape

    @property
    def kept(self) -> Shape:
        """The shape with these axes, of length 1."""
        return tuple([1 if i in self.axes else n for i, n in enumerate(self.shape)])


def times(a: Term, b: Term) -> Term:
    """The product of two terms."""
    powers = dict(a.powers)
    for atom, n in b.powers.items():
        powers[atom] = powers.get(atom, 0) + n
    return Term(a.coefficient * b.coefficient, {atom: n for atom, n in powers.items() if n})


def without(a: Term, factor: Term) -> Term:
    """``a`` less a factor that it has."""
    powers = {atom: n - factor.powers.get(atom, 0) for atom, n in a.powers.items()}
    return Term(a.coefficient / factor.coefficient, {atom: n for atom, n in powers.items() if n})


def common(a: Term, b: Term) -> Term:
    """The largest term that both have as a factor, powers of one sign."""
    powers = {}
    for atom, n in a.powers.items():
        m = b.powers.get(atom, 0)
        if n * m > 0:
            powers[atom] = min(n, m, key=abs)
    return Term(Fraction(1), powers)


def inverse(a: Term) -> Term:
    """``1 / a``."""
    swapped = {"num": "den", "den": "num"}
    powers = {(swapped[kind], x) if kind in swapped else (kind, x): n if kind in swapped else -n
              for (kind, x), n in a.powers.items()}  # fmt: skip
    return Term(1 / a.coefficient, powers)


class Products:
    """Terms of the values that ``b`` makes, and values for terms."""

    def __init__(self, b: Builder) -> None:
        self.b = b
        self._terms: dict[int, Term] = {}
        self._totals: dict[int, Total | None] = {}
        self._sparse: set[int] = set()
        """Values that are 0 at most places, and must not be divided by what may be 0."""

    # From values to terms

    def of(self, x: Value) -> Term:
        """The term that ``x`` is."""
        x = self.b.peeled(x)
        term = self._terms.get(x.number)
        if term is None:
            term = self._of(x)
            plain = len(term.powers) > _MOST_ATOMS or (not term.powers and number_in(x) is None)
            self._terms[x.number] = term = self._atom(x) if plain else term
        return term

    def _of(self, x: Value) -> Term:
        c = number_in(x)
        if c is not None and c != 0 and math.isfinite(c):
            return Term(Fraction(c), {})
        if x.prim == "view":
            pushed = self.pushed(x)
            return self._atom(x) if pushed is None else self.of(pushed)
        if x.prim == "scatter":
            return self._scattered(x)
        if x.prim != "map" or x.dtype.kind != "f":
            return self._atom(x)
        if x.attrs == "neg":
            return times(Term(Fraction(-1), {}), self.of(x.inputs[0]))
        if x.attrs == "mul":
            return times(self.of(x.inputs[0]), self.of(x.inputs[1]))
        if x.attrs == "div":
            return times(self.of(x.inputs[0]), inverse(self.of(x.inputs[1])))
        if x.attrs == "exp":
            u, sign = unsigned(x.inputs[0])
            return Term(Fraction(1), {("exp", u.number): sign})
        if x.attrs == "sigmoid":
            u, sign = unsigned(x.inputs[0])
            return Term(Fraction(1), {("plus", u.number): -1} | ({("exp", u.number): 1} if sign > 0 else {}))
        if x.attrs == "add":
            for one, e in (x.inputs, x.inputs[::-1]):
                if number_in(one) == 1 and is_map(e, "exp"):
                    u, sign = unsigned(e.inputs[0])
                    return Term(Fraction(1), {("plus", u.number): 1} | ({("exp", u.number): -1} if sign < 0 else {}))
        return self._atom(x)

    def _scattered(self, x: Value) -> Term:
        """``v / y[places]`` at the places, among zeros, as ``v`` at the places over ``y``, for positive ``y``.

        So is the derivative of a logarithm at some places. As a value it would be 0 / 0 where ``y`` has underflowed;
        it is only made if ``y`` cancels.
        """
        if x.attrs[1] != "add" or number_in(self.b.peeled(x.inputs[0])) != 0:
            return self._atom(x)
        v = self.of(x.inputs[1])
        for atom, n in v.powers.items():
            read = self.b.graph.values[atom[1]]
            if atom[0] != "den" or n != 1 or read.prim != "gather" or read.attrs != x.attrs[0]:
                continue
            y = self.of(read.inputs[0])
            rest = self.value(without(v, Term(Fraction(1), {atom: 1})), x.inputs[1])
            if read.inputs[1:] != x.inputs[2:] or exponentials(y) != y or rest is None:
                continue
            made = self.b.unique("scatter", (x.inputs[0], rest, *x.inputs[2:]), x.attrs, x.shape, x.dtype)
            self._sparse.add(made.number)
            return times(self._atom(made), inverse(y))
        return self._atom(x)

    def _atom(self, x: Value) -> Term:
        return Term(Fraction(1), {("num" if self.total(x) is None else "total", x.number): 1})

    def total(self, x: Value) -> Total | None:
        """What ``x`` is the sum of, if it is a sum of exponentials along axes that it still has."""
        if x.number not in self._totals:
            self._totals[x.number] = self._total(x)
        return self._totals[x.number]

    def _total(self, x: Value) -> Total | None:
        total = total_in(x)
        root = x.inputs[0] if x.prim == "view" else x
        if total is None or self.b.peeled(self.b.reshape(root, total.kept)) is not x:
            return None
        return total

    def subjects(self, term: Term) -> set[int]:
        """What the exponentials in a term are exponentials of."""
        found = set()
        for kind, x in term.powers:
            if kind in ("exp", "plus"):
                found.add(x)
            elif kind == "total":
                found.add(self._total_subject(x))
            elif is_map(self.b.graph.values[x], "expm1"):
                found.add(unsigned(self.b.graph.values[x].inputs[0])[0].number)
        return found

    def _total_subject(self, x: int) -> int:
        total = self.total(self.b.graph.values[x])
        assert total is not None
        return total.u.number

    def pushed(self, x: Value) -> Value | None:
        """The view ``x`` of a function's values as the function of views, where it only names axes anew."""
        base = x.inputs[0]
        order = _axes_shown(x)
        if base.prim != "map" or order is None or base.attrs == "copy":
            return None
        gone = tuple([slice(None) if i in order else 0 for i in range(base.ndim)])
        kept = [i for i in order if i is not None]
        turned = tuple([sum([j < i for j in kept]) for i in kept])
        added = tuple([None if i is None else slice(None) for i in order])

        def viewed(operand: Value) -> Value:
            whole = self.b.broadcast(operand, base.shape)
            return self.b.through(whole, lambda m: np.broadcast_to(m[gone].transpose(turned)[added], x.shape))

        operands = [viewed(operand) for operand in base.inputs]
        if base.attrs == "cast":
            return self.b.peeled(self.b.cast(operands[0], base.dtype))
        return self.b.peeled(self.b.map(base.attrs, *operands))

    # From terms to values

    def value(self, term: Term, like: Value) -> Value | None:
        """``term`` as a value of the shape and dtype of ``like``, in a form that overflows only where it does."""
        b = self.b
        if not 2.0**-60 < abs(term.coefficient) < 2.0**60:
            return None
        divided = any([n * (1 if kind == "total" else -1) > 0 for (kind, _), n in term.powers.items()
                       if kind in ("exp", "total")])  # fmt: skip
        if divided and any([kind == "num" and x in self._sparse for kind, x in term.powers]):
            return None
        above: list[Value] = []
        below: list[Value] = []
        rest = dict(term.powers)
        sign = self._take_tangents(rest, above)
        for u in {x for kind, x in rest if kind in ("exp", "plus")}:
            above += self._logistic_factors(u, rest)
        for (kind, x), n in list(rest.items()):
            if kind == "total":
                self._take_shares(x, n, rest, above, below)
        for (kind, x), n in rest.items():
            if kind == "exp" and n:
                u_value = b.graph.values[x]
                above += [b.map("exp", u_value if n > 0 else b.map("neg", u_value))] * abs(n)
            elif kind in ("num", "den", "total") and n:
                (above if (n > 0) is (kind != "den") else below).extend([b.graph.values[x]] * abs(n))
        made = self._quotient(term.coefficient * sign, above, below)
        return b.broadcast(b.number(float(term.coefficient), like.dtype) if made is None else made, like.shape)

    def _take_tangents(self, rest: dict[Atom, int], above: list[Value]) -> int:
        """Move ``expm1(u) / (1 + exp(u))``, ``tanh(u / 2)``, from ``rest`` to ``above``; the sign that is left."""
        b = self.b
        left = 1
        for (kind, x), n in list(rest.items()):
            y = b.graph.values[x]
            if kind != "num" or n != 1 or not is_map(y, "expm1"):
                continue
            u, sign = unsigned(y.inputs[0])
            if rest.get(("plus", u.number), 0) < 0:
                above.append(b.map("tanh", b.map("mul", u, b.number(0.5, u.dtype))))
                del rest[kind, x]
                rest["plus", u.number] += 1
                if sign < 0:  # expm1(-u) is -expm1(u) / exp(u)
                    rest["exp", u.number] = rest.get(("exp", u.number), 0) - 1
                    left = -left
        return left

    def _logistic_factors(self, u: int, rest: dict[Atom, int]) -> Iterator[Value]:
        """``exp(u)**a * (1 + exp(u))**p`` but for an exponential, which stays in ``rest``."""
        b = self.b
        x = b.graph.values[u]
        a, p = rest.pop(("exp", u), 0), rest.pop(("plus", u), 0)
        for _ in range(-p):
            yield b.map("sigmoid", x if a > 0 else b.map("neg", x))
            a -= a > 0
        for _ in range(p):
            e = b.map("exp", b.map("neg", x) if a < 0 else x)
            yield b.map("add", b.number(1, x.dtype), e)
            a += a < 0
        rest["exp", u] = a

    def _take_shares(self, s: int, n: int, rest: dict[Atom, int], above: list[Value], below: list[Value]) -> None:
        """Move quotients of exponentials and their sum ``s`` from ``rest`` to ``above`` or ``below``."""
        total = self.total(self.b.graph.values[s])
        assert total is not None
        key = ("exp", total.u.number)
        a = rest.get(key, 0) * total.sign
        if a * n < 0:
            count = min(abs(a), abs(n))
            (above if a > 0 else below).extend([self.share(s, total)] * count)
            step = count if a > 0 else -count
            rest[key] = (a - step) * total.sign
            rest["total", s] = n + step

    def share(self, s: int, total: Total) -> Value:
        """The exponentials over their sum ``s``, a softmax."""
        _, e, shifted = self.shifted(total)
        y = self.b.map("div", e, shifted)
        self._terms[y.number] = Term(Fraction(1), {("exp", total.u.number): total.sign, ("total", s): -1})
        return y

    def shifted(self, total: Total) -> tuple[Value | None, Value, Value]:
        """``m, exp(u - m), sum(exp(u - m))`` with ``m`` the largest ``u``, 0 where that is not finite; or ``None``, 0.

        ``m`` and the sum have axes of length 1 where they are sums.
        """
        b = self.b
        u = total.u if total.sign > 0 else b.map("neg", total.u)
        m = None
        if not self._is_shifted(u, total):
            m = b.reshape(b.reduce("max", b.broadcast(u, total.shape), total.axes), total.kept)
            m = b.map("select", b.map("isfinite", m), m, b.number(0, m.dtype))
            u = b.map("sub", u, m)
        e = b.map("exp", u)
        return m, e, b.reshape(b.reduce("sum", b.broadcast(e, total.shape), total.axes), total.kept)

    def _is_shifted(self, u: Value, total: Total) -> bool:
        """Whether ``u`` is something less its largest element."""
        b = self.b
        if not is_map(u, "sub"):
            return False
        x, m = u.inputs
        largest = b.peeled(b.reshape(b.reduce("max", b.broadcast(x, total.shape), total.axes), total.kept))
        return any([m is largest, is_map(m, "select") and any([y is largest for y in m.inputs])])

    def _quotient(self, coefficient: Fraction, above: list[Value], below: list[Value]) -> Value | None:
        b = self.b
        c = float(coefficient)
        top, bottom = self._product(above), self._product(below)
        if bottom is not None and (top is None or bottom.size < top.size):
            bottom = b.map("div", b.number(abs(c), bottom.dtype), bottom)
            top = bottom if top is None else b.map("mul", top, bottom)
            return b.map("neg", top) if c < 0 else top
        if top is None:
            return None
        top = top if bottom is None else b.map("div", top, bottom)
        top = top if abs(c) == 1 else b.map("mul", top, b.number(abs(c), top.dtype))
        return b.map("neg", top) if c < 0 else top

    def _product(self, factors: list[Value]) -> Value | None:
        product = None
        for factor in sorted(factors, key=lambda x: (x.size, x.number)):
            product = factor if product is None else self.b.map("mul", product, factor)
        return product


def unsigned(u: Value) -> tuple[Value, int]:
    """``u`` as ``sign * x``, with an ``x`` that is no negation."""
    return (u.inputs[0], -1) if is_map(u, "neg") else (u, 1)


def exponentials(term: Term) -> Term:
    """The atoms of a term that are exponentials or made of such."""
    return Term(Fraction(1), {atom: n for atom, n in term.powers.items() if atom[0] in ("exp", "plus", "total")})


def total_in(x: Value) -> Total | None:
    """The sum of exponentials that ``x`` is, or is a view of."""
    root = x.inputs[0] if x.prim == "view" else x
    if root.prim != "reduce" or root.attrs[0] != "sum" or not is_map(root.inputs[0], "exp"):
        return None
    e = root.inputs[0]
    u, sign = unsigned(e.inputs[0])
    return Total(u, sign, root.attrs[1], e.shape)


def number_in(x: Value) -> float | None:
    """The number that ``x`` is, if it is a constant one."""
    return float(x.attrs) if x.prim == "constant" and x.ndim == 0 and x.dtype.kind == "f" else None


def is_map(x: Value, fn: str) -> bool:
    """Whether ``x`` is ``fn`` of something."""
    return x.prim == "map" and x.attrs == fn


def _axes_shown(x: Value) -> list[int | None] | None:
    """For each axis of a view the base's axis that it is, ``None`` for another; ``None`` if it is no such view."""
    base, affine = x.inputs[0], x.attrs
    steps = {s: i for i, (s, n) in enumerate(zip(dense_strides(base.shape), base.shape, strict=True)) if n != 1}
    order: list[int | None] = []
    for s, n in zip(affine.strides, x.shape, strict=True):
        i = steps.get(s) if s and n != 1 else None
        if s and n != 1 and (i is None or base.shape[i] != n or i in order):
            return None
        order.append(i)
    every = all([i in order for i in steps.values()])
    return order if every and affine.offset == 0 and base.size and x.size else None
