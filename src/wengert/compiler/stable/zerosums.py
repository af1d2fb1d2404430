"""Sums that are zero whatever their numbers are: what a gradient adds for a shift by which a result doesn't change.

A softmax of ``x - max(x)`` is one of ``x``. So the derivative by the maximum is zero, though it is traced as a sum,
over each row, of the derivative by ``x - max(x)``. To see this, sums are written out: values as sums of products of
atoms (see ``terms.py``), with two rules for sums along axes: they add up term by term, and factors constant along the
axes stand before them. If nothing is left, the sum is zero.

That holds for real numbers. Rounded, it would be noise; where a number is NaN or infinite it would be NaN. So a value
found to be zero is left as it is computed, and *dropped only where it is added* to the very terms that it is the sum
of (`Zeros.without`): whatever is NaN among those remains in the result, at its own place. In rows with a NaN or with
equal infinities a softmax is NaN throughout, and so are those terms. A cotangent that is infinite no longer turns the
derivative by the maximum to NaN: that is the one case that changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from wengert._types import Shape
from wengert.compiler.graph import Value
from wengert.compiler.stable.terms import Products, is_map, number_in, unsigned

__all__ = ["Zeros"]

Powers = frozenset[tuple[Any, int]]
Expanded = dict[Powers, Fraction]
"""A sum of products: the coefficient of each."""

_MOST_TERMS = 12
_DEEPEST = 24


class Zeros:
    """Which values of a graph that is being built are zero, and which terms these are sums of."""

    def __init__(self, products: Products) -> None:
        self._products = products
        self._b = products.b
        self._expanded: dict[int, Expanded] = {}
        self._terms: dict[int, frozenset[int]] = {}

    # What is known

    def find(self, x: Value) -> None:
        """Note whether ``x``, a sum along axes or an addition to one, is zero."""
        if x.number in self._terms or x.dtype.kind != "f":
            return
        sums = self._sums(x, 4)
        if not sums:
            return
        kept = _kept(sums[0])
        whole = self._b.reshape(x, kept) if x.shape == sums[0].shape else x
        if not self._expand(whole, 0):
            self._terms[x.number] = frozenset([unsigned(y.inputs[0])[0].number for y in sums])

    def is_zero(self, x: Value) -> bool:
        """Whether ``x`` is known to be zero."""
        return x.number in self._terms

    def follow(self, made: Value, value: Value, inputs: Sequence[Value]) -> None:
        """Note whether ``made``, which stands for ``value`` of these inputs, is zero because an input is."""
        known = [self._terms.get(x.number) for x in inputs]
        if made.number in self._terms or not any(known) or made.dtype.kind != "f":
            return
        passes = value.prim == "view" or (value.prim == "reduce" and value.attrs[0] == "sum")
        if value.prim == "map":
            passes = value.attrs in ("neg", "mul", "copy", "cast") or (value.attrs == "div" and known[0] is not None)
            if value.attrs == "select":
                passes = all([k is not None or number_in(x) == 0 for k, x in zip(known[1:], inputs[1:], strict=True)])
        if passes:
            self._terms[made.number] = next(k for k in known if k)

    def without(self, x: Value, y: Value) -> Value | None:
        """``x``, if ``x + y`` is that: ``y`` is zero and was summed from terms of ``x``."""
        terms = self._terms.get(self._bare(y).number)
        return x if terms is not None and any([t in terms for t in self._added(x)]) else None

    def _bare(self, y: Value) -> Value:
        return y if y.number in self._terms else self._b.peeled(y)

    def _added(self, x: Value) -> list[int]:
        """The numbers of the terms of ``x``, but for signs."""
        found: list[int] = []
        stack = [x]
        while stack and len(found) < 2 * _MOST_TERMS:
            x = unsigned(stack.pop())[0]
            found.append(x.number)
            if is_map(x, "add") or is_map(x, "sub"):
                stack += [z for z in x.inputs if z.shape == x.shape]
        return found

    def _sums(self, x: Value, depth: int) -> list[Value]:
        """The sums along axes that ``x`` is computed of."""
        x = x.inputs[0] if x.prim == "view" else x
        if x.prim == "reduce" and x.attrs[0] == "sum":
            return [x]
        if x.prim != "map" or x.attrs not in ("add", "sub", "mul", "neg", "div") or not depth:
            return []
        return [sums for y in x.inputs for sums in self._sums(y, depth - 1)]

    # Sums written out

    def _expand(self, x: Value, depth: int) -> Expanded:
        x = self._b.peeled(x)
        known = self._expanded.get(x.number)
        if known is None:
            known = self._written_out(x, depth + 1) if depth < _DEEPEST else _atom(x)
            self._expanded[x.number] = known = known if len(known) <= _MOST_TERMS else _atom(x)
        return known

    def _written_out(self, x: Value, depth: int) -> Expanded:
        c = number_in(x)
        if c is not None and math.isfinite(c):
            return {frozenset(): Fraction(c)} if c else {}
        if x.dtype.kind != "f":
            return _atom(x)
        if x.prim in ("view", "reduce"):
            return self._shown(x, depth)
        if x.prim != "map":
            return _atom(x)
        if x.attrs in ("exp", "sigmoid"):
            term = self._products.of(x)
            return {frozenset(term.powers.items()): term.coefficient}
        if x.attrs not in ("add", "sub", "neg", "mul", "div"):
            return _atom(x)
        a, b = self._expand(x.inputs[0], depth), self._expand(x.inputs[-1], depth)
        if x.attrs == "neg":
            return _scaled(a, Fraction(-1))
        if x.attrs == "add" or x.attrs == "sub":
            return _sum_of(a, b if x.attrs == "add" else _scaled(b, Fraction(-1)))
        if x.attrs == "mul":
            return _product_of(a, b) if len(a) * len(b) <= _MOST_TERMS else _atom(x)
        divisor = _inverse(b)
        return _atom(x) if divisor is None else _product_of(a, divisor)

    def _shown(self, x: Value, depth: int) -> Expanded:
        """A sum along axes that it still has; or a view of what is computed element by element."""
        pushed = self._products.pushed(x) if x.prim == "view" else None
        if pushed is not None:
            return self._expand(pushed, depth)
        root = x.inputs[0] if x.prim == "view" else x
        if root.prim != "reduce" or root.attrs[0] != "sum":
            return _atom(x)
        kept = self._b.peeled(self._b.reshape(root, _kept(root)))
        return self._sum(root.inputs[0], root.attrs[1], depth) if kept is x else _atom(x)

    def _sum(self, x: Value, axes: tuple[int, ...], depth: int) -> Expanded:
        """The sum along ``axes``, which remain with length 1."""
        total: Expanded = {}
        along = tuple([axis - x.ndim for axis in axes])
        lengths = tuple([x.shape[axis] for axis in axes])
        for powers, c in self._expand(x, depth).items():
            outside = frozenset([(atom, n) for atom, n in powers if self._is_constant(atom, along)])
            inside = powers - outside
            if inside:
                shape = tuple([1 if i in axes else n for i, n in enumerate(x.shape)])
                positive = len(inside) == 1 and next(iter(inside))[0][0] == "exp"
                atom: Any = ("sum+" if positive else "sum", inside, along, lengths, shape)
                term = {frozenset({(atom, 1)}): c}
            else:
                term = {frozenset(): c * math.prod(lengths)}
            total = _sum_of(total, _product_of(term, {outside: Fraction(1)}))
        return total

    def _is_constant(self, atom: Any, along: tuple[int, ...]) -> bool:
        """Whether an atom is the same all along these axes, counted from the end."""
        while atom[0] == "inverse":
            atom = atom[1]
        shape: Shape = atom[4] if atom[0] in ("sum", "sum+") else self._b.graph.values[atom[1]].shape
        return all([-axis > len(shape) or shape[axis] == 1 for axis in along])


def _kept(sums: Value) -> Shape:
    """The shape of sums along axes with these axes, of length 1."""
    return tuple([1 if i in sums.attrs[1] else n for i, n in enumerate(sums.inputs[0].shape)])


def _atom(x: Value) -> Expanded:
    return {frozenset({(("num", x.number), 1)}): Fraction(1)}


def _scaled(a: Expanded, c: Fraction) -> Expanded:
    return {powers: c * k for powers, k in a.items()}


def _sum_of(a: Expanded, b: Expanded) -> Expanded:
    total = dict(a)
    for powers, c in b.items():
        total[powers] = total.get(powers, Fraction(0)) + c
    return {powers: c for powers, c in total.items() if c}


def _product_of(a: Expanded, b: Expanded) -> Expanded:
    total: Expanded = {}
    for p, c in a.items():
        for q, d in b.items():
            powers = dict(p)
            for atom, n in q:
                powers[atom] = powers.get(atom, 0) + n
            key = frozenset([(atom, n) for atom, n in powers.items() if n])
            total = _sum_of(total, {key: c * d})
    return total


def _inverse(a: Expanded) -> Expanded | None:
    """``1 / a``, if ``a`` is one product."""
    if len(a) != 1:
        return None
    ((powers, c),) = a.items()
    flipped = [(atom, -n) if atom[0] in ("exp", "plus", "sum+") else _flipped(atom, n) for atom, n in powers]
    return {frozenset(flipped): 1 / c}


def _flipped(atom: Any, n: int) -> tuple[Any, int]:
    """An atom of unknown sign, which may be 0, doesn't cancel with its inverse."""
    return (atom[1], n) if atom[0] == "inverse" else (("inverse", atom), n)
