"""Formulas as they are written, computed as they should be: without overflow, and without losing digits.

A person writes ``1 / (1 + np.exp(-x))``, ``np.log(1 + np.exp(x))``, ``np.log(np.sum(np.exp(x)))``, a softmax with or
without its shift; the compiler computes them, and the derivatives that tracing the rules of the table gives, by
functions made for it. What stands for what:

- ``exp(x) - 1``: ``expm1``; ``log(1 + x)``: ``log1p``; ``log(exp(x))`` and ``log1p(expm1(x))``: ``x``;
- ``log(1 + exp(x))``, ``log1p(exp(x))``, ``logaddexp(x, 0)``: ``softplus``; the logarithm of a sigmoid: its opposite;
- products of powers of ``exp(x)`` and ``1 + exp(x)`` with quotients among them: products of sigmoids; so are
  ``1 - sigmoid(x)``, ``1 + tanh(x / 2)`` and other sums of two terms (see ``binomials.py``);
- ``log(sum(exp(x)))``: the same of ``x - max(x)``, and the maximum added; ``exp(x) / sum(exp(x))``: a softmax of
  ``x - max(x)``, whose logarithm is ``x - max(x) - log(sum)``;
- in derivatives, sums in which one of these quotients hides are multiplied out or factored; what is added for the
  maximum is dropped, since it is zero (see ``zerosums.py``).

Each holds for all real numbers; results differ where the formula as written is NaN, overflows or has lost digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from wengert.compiler.build import Builder
from wengert.compiler.graph import Graph, Value
from wengert.compiler.rebuild import rebuilt, same
from wengert.compiler.stable.binomials import Binomials
from wengert.compiler.stable.logarithms import Logarithms
from wengert.compiler.stable.sigmoids import with_one_exponential
from wengert.compiler.stable.terms import (
    ONE,
    Atom,
    Products,
    Term,
    common,
    exponentials,
    inverse,
    is_map,
    times,
    without,
)
from wengert.compiler.stable.zerosums import Zeros

__all__ = ["stabilised"]


def stabilised(graph: Graph) -> Graph:
    """The graph with these formulas rewritten."""
    if not any([x.prim == "map" and x.attrs in _TELLING and x.dtype.kind == "f" for x in graph.values]):
        return graph
    shifts = any([x.prim == "reduce" and x.attrs[0] in ("max", "min") for x in graph.values])
    state: list[_Formulas] = []

    def rewrite(b: Builder, value: Value, inputs: tuple[Value, ...]) -> Value:
        if not state:
            state.append(_Formulas(b, shifts))
        return state[0].rewritten(value, inputs)

    return with_one_exponential(rebuilt(graph, rewrite))


_TELLING = frozenset({"exp", "expm1", "tanh", "log", "log1p", "logaddexp", "sigmoid"})
"""Functions without which none of the formulas occurs."""


class _Formulas:
    """Rewrites one value after another. ``shifts`` says whether there are extrema that results may not depend on."""

    def __init__(self, b: Builder, shifts: bool) -> None:
        self.b = b
        self._shifts = shifts
        self.products = Products(b)
        self.zeros = Zeros(self.products)
        self.binomials = Binomials(self.products)
        logs = Logarithms(self.products)
        self._rules: dict[str, Callable[[Value, tuple[Value, ...]], Value | None]] = {
            "mul": self._product, "div": self._product, "add": self._sum, "sub": self._sum, "log": logs.log,
            "log1p": logs.log1p, "logaddexp": logs.logaddexp,
        }  # fmt: skip

    def rewritten(self, value: Value, inputs: tuple[Value, ...]) -> Value:
        """What stands for ``value``, of new inputs."""
        made = None
        if value.dtype.kind == "f" and value.size:
            if value.prim == "map" and value.attrs in self._rules:
                made = self._rules[value.attrs](value, inputs)
            elif value.prim == "reduce" and value.attrs[0] == "sum":
                made = self._along_axes(value, inputs[0])
        plain = same(self.b, value, inputs) if made is None else made
        if self._shifts:
            if made is None and (plain.prim == "reduce" or is_map(plain, "add") or is_map(plain, "sub")):
                self.zeros.find(plain)
            self.zeros.follow(plain, value, inputs)
        return plain

    def _product(self, value: Value, inputs: tuple[Value, ...]) -> Value | None:
        a, b = [self.products.of(x) for x in inputs]
        split = value.attrs == "div" and any([kind == "plus" and n > 0 for (kind, _), n in b.powers.items()])
        term = times(a, inverse(b) if value.attrs == "div" else b)
        multiplied = self._multiplied_out(term)
        if multiplied is not None:
            return self.products.value(multiplied, value)
        cancels = abs(term.coefficient) == 1 != abs(a.coefficient) and _is_power_of_two(a.coefficient)
        if term.powers and (split or cancels or self.products.subjects(a) & self.products.subjects(b)):
            return self.products.value(term, value)
        return None

    def _multiplied_out(self, term: Term) -> Term | None:
        """``term`` with a sum among its factors that has exponentials, or divisors, of the same subject as the rest."""
        for atom, n in term.powers.items():
            sum_ = self.b.graph.values[atom[1]]
            if atom[0] != "num" or n != 1 or not (is_map(sum_, "add") or is_map(sum_, "sub")):
                continue
            rest = Term(term.coefficient, {a: n for a, n in term.powers.items() if a != atom})
            parts = self._parts(sum_.attrs, sum_.inputs)
            shared = self.products.subjects(rest) & (
                self.products.subjects(parts[0]) | self.products.subjects(parts[1])
            )
            if not shared:
                continue
            moved = exponentials(rest) if any([_divides(p, u) for p in parts for u in shared]) else ONE
            parts = [times(moved, p) for p in parts]
            shared_atoms = exponentials(common(*parts))
            made = [self.products.value(without(p, shared_atoms), sum_) for p in parts]
            if (moved is ONE and not shared_atoms.powers) or made[0] is None or made[1] is None:
                continue
            inner = self.b.map("add", made[0], made[1])
            return times(times(times(rest, inverse(moved)), shared_atoms), self.products.of(inner))
        return None

    def _parts(self, fn: str, inputs: tuple[Value, ...]) -> list[Term]:
        """The two terms of a sum or difference."""
        a, b = [self.products.of(x) for x in inputs]
        return [a, b if fn == "add" else Term(-b.coefficient, b.powers)]

    # Sums

    def _sum(self, value: Value, inputs: tuple[Value, ...]) -> Value | None:
        a, b = inputs
        if self._shifts:
            left = self.zeros.without(a, b) or (self.zeros.without(b, a) if value.attrs == "add" else None)
            if left is not None:
                return self.b.broadcast(left, value.shape)
        whole = self.binomials.sum(*self._parts(value.attrs, inputs))
        return None if whole is None else self.products.value(whole, value)

    def _along_axes(self, value: Value, x: Value) -> Value | None:
        """Sums of products with what is constant along the axes, such as a softmax's divisors, before them."""
        b, axes = self.b, value.attrs[1]
        made = b.reduce("sum", x, axes)
        if x.prim != "map" or made.prim != "reduce" or made.inputs[0] is not x:
            return None
        if self._shifts:
            self.zeros.find(made)
            if self.zeros.is_zero(made):
                return made
        term = self.products.of(x)
        outside: dict[Atom, int] = {}
        for (kind, s), n in term.powers.items():
            total = self.products.total(b.graph.values[s]) if kind == "total" else None
            if total is not None and total.axes == axes and total.shape == x.shape:
                e = term.powers.get(("exp", total.u.number), 0) * total.sign
                paired = max(0, min(e, -n)) if n < 0 else 0
                if n + paired:
                    outside[kind, s] = n + paired
        if not outside:
            return b.map("neg", b.reduce("sum", x.inputs[0], axes)) if x.attrs == "neg" else None
        inside = self.products.value(times(term, inverse(Term(term.coefficient, outside))), x)
        if inside is None:
            return None
        dropped = {("num", self._root(s)): n for (_, s), n in outside.items()}
        divisors = {("den" if n < 0 else "num", s): abs(n) for (_, s), n in dropped.items()}
        sums = self.products.of(b.reduce("sum", inside, axes))
        return self.products.value(times(sums, Term(term.coefficient, divisors)), made)

    def _root(self, s: int) -> int:
        x = self.b.graph.values[s]
        return (x.inputs[0] if x.prim == "view" else x).number


def _is_power_of_two(c: Fraction) -> bool:
    return abs(math.frexp(c)[0]) == 0.5


def _divides(term: Term, u: int) -> bool:
    """Whether ``exp(u)`` is a divisor of a term."""
    return term.powers.get(("exp", u), 0) < 0
