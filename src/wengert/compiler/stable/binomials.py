"""Sums of two terms that are one term: ``1 - sigmoid(x)``, ``1 + tanh(x)``, ``exp(x) - 1``, and such times a factor."""

from __future__ import annotations

import math
from fractions import Fraction

from wengert.compiler.graph import Value
from wengert.compiler.stable.terms import Products, Term, common, inverse, is_map, times, unsigned, without

__all__ = ["Binomials"]


class Binomials:
    """What sums of two terms are."""

    def __init__(self, products: Products) -> None:
        self.b = products.b
        self.products = products
        self._halves: set[int] = set()
        """The arguments of tangents that became sigmoids."""

    def sum(self, a: Term, b: Term) -> Term | None:
        """``a + b`` as one term that no longer subtracts, if it is one."""
        if not any([self._is_telling(kind, x) for t in (a, b) for kind, x in t.powers]):
            return None
        shared = common(a, b)
        rest = [without(t, shared) for t in (a, b)]
        factor = self._exponential_sum(*rest) or self._tangent_sum(*rest) or self._exponential(*rest)
        if factor is None:
            return None
        whole = times(shared, factor)
        lost = (self.products.subjects(a) | self.products.subjects(b)) - self.products.subjects(whole)
        return None if lost and not self._has_expm1(whole) else whole

    def _has_expm1(self, term: Term) -> bool:
        return any([is_map(self.b.graph.values[x], "expm1") for _, x in term.powers])

    def _is_telling(self, kind: str, x: int) -> bool:
        y = self.b.graph.values[x]
        return kind in ("exp", "plus") or (kind == "num" and (is_map(y, "tanh") or is_map(y, "expm1")))

    def _exponential_sum(self, a: Term, b: Term) -> Term | None:
        """The sum of two terms in ``exp(u)`` and ``1 + exp(u)``, if it is a product of these and ``expm1(u)``."""
        atoms = {*a.powers, *b.powers}
        subjects = {x for kind, x in atoms if kind in ("exp", "plus")}
        if len(subjects) != 1 or any([kind not in ("exp", "plus") for kind, _ in atoms]):
            return None
        (u,) = subjects
        lowest = {atom: min(a.powers.get(atom, 0), b.powers.get(atom, 0)) for atom in (("exp", u), ("plus", u))}
        outside = Term(Fraction(1), {atom: n for atom, n in lowest.items() if n})
        total: dict[int, Fraction] = {}
        for term in (a, b):
            inside = times(term, inverse(outside)).powers
            p = inside.get(("plus", u), 0)
            for k in range(p + 1):  # (1 + e)**p is a sum of these
                n = inside.get(("exp", u), 0) + k
                total[n] = total.get(n, Fraction(0)) + term.coefficient * math.comb(p, k)
        factor = self._factored(total, u, lowest["exp", u], lowest["plus", u] < 0)
        if factor is None or (factor == Term(Fraction(1), {("plus", u): 1}) and not outside.powers.get(("plus", u))):
            return None
        return times(outside, factor)

    def _factored(self, total: dict[int, Fraction], u: int, outside: int, divided: bool) -> Term | None:
        """``sum(c * exp(u)**n)`` as one term, which ``exp(u)**outside`` and maybe a power of a sigmoid multiply."""
        x = self.b.graph.values[u]
        total = {n: c for n, c in total.items() if c}
        if not total:
            return None
        first, last = min(total), max(total)
        c = total[first]
        power = Term(c, {("exp", u): first} if first else {})
        if len(total) == 1:
            return power
        if total == {first + k: c * math.comb(last - first, k) for k in range(last - first + 1)}:
            return times(power, Term(Fraction(1), {("plus", u): last - first}))
        if total == {first: c, first + 1: -c} and not divided:
            if outside + first < 0:  # exp(-u) - 1
                minus = self.products.of(self.b.map("expm1", self.b.map("neg", x)))
                return times(times(power, minus), Term(Fraction(1), {("exp", u): 1}))
            return times(times(power, self.products.of(self.b.map("expm1", x))), Term(Fraction(-1), {}))
        return None

    def _tangent_sum(self, a: Term, b: Term) -> Term | None:
        """``c ± c * tanh(v)`` as a sigmoid; so is ``1 - tanh(v)**2`` if that sigmoid is there already."""
        if not a.powers:
            a, b = b, a
        if b.powers or len(a.powers) != 1 or abs(a.coefficient) != abs(b.coefficient):
            return None
        (((kind, x), n),) = a.powers.items()
        t = self.b.graph.values[x]
        if kind != "num" or not is_map(t, "tanh"):
            return None
        v, sign = unsigned(t.inputs[0])
        if n == 1:
            self._halves.add(v.number)
            rising = sign * a.coefficient * b.coefficient > 0
            return times(Term(2 * b.coefficient, {}), self._logistic(v, 1 if rising else -1))
        if n == 2 and a.coefficient == -b.coefficient and v.number in self._halves:
            return times(Term(4 * b.coefficient, {}), times(self._logistic(v, 1), self._logistic(v, -1)))
        return None

    def _exponential(self, a: Term, b: Term) -> Term | None:
        """``1 + expm1(u)``."""
        if not a.powers:
            a, b = b, a
        ((_, x), n), *others = [*a.powers.items(), (("", 0), 0)]
        y = self.b.graph.values[x]
        if b.powers or len(others) != 1 or n != 1 or a.coefficient != b.coefficient or not is_map(y, "expm1"):
            return None
        return times(Term(a.coefficient, {}), self.products.of(self.b.map("exp", y.inputs[0])))

    def _logistic(self, v: Value, sign: int) -> Term:
        """``1 / (1 + exp(-2 * sign * v))``."""
        b = self.b
        term = self.products.of(v)
        x = self.products.value(times(term, Term(Fraction(2), {})), v)
        x = b.map("mul", v, b.number(2, v.dtype)) if x is None else x
        return self.products.of(b.map("sigmoid", x if sign > 0 else b.map("neg", x)))
