"""Sigmoids and softplus functions of ``x`` and ``-x``: from one exponential, where a graph has two of these or more.

With ``e = exp(-|x|)`` sigmoids are ``1 / (1 + e)`` and ``e / (1 + e)``, softplus is ``max(x, 0) + log1p(e)``. One is
the slope of another, so a value and its gradient have two.
"""

from __future__ import annotations

from wengert.compiler.build import Builder
from wengert.compiler.graph import Graph, Value, live_values
from wengert.compiler.rebuild import rebuilt
from wengert.compiler.stable.terms import unsigned

__all__ = ["with_one_exponential"]


def with_one_exponential(graph: Graph) -> Graph:
    """The graph with these functions rewritten."""
    live = live_values(graph)
    found: dict[int, set[int]] = {}
    for x in graph.values:
        if _is_one(x) and x.number in live:
            found.setdefault(unsigned(x.inputs[0])[0].number, set()).add(x.number)
    several = {number for number, uses in found.items() if len(uses) > 1}
    if not several:
        return graph

    def rewrite(b: Builder, value: Value, inputs: tuple[Value, ...]) -> Value | None:
        if not _is_one(value) or unsigned(value.inputs[0])[0].number not in several:
            return None
        return _sigmoid(b, inputs[0]) if value.attrs == "sigmoid" else _softplus(b, inputs[0])

    return rebuilt(graph, rewrite)


def _is_one(x: Value) -> bool:
    return x.prim == "map" and x.attrs in ("sigmoid", "softplus")


def _falling(b: Builder, x: Value) -> Value:
    """``exp(-|x|)``."""
    return b.map("exp", b.map("neg", b.map("abs", unsigned(x)[0])))


def _sigmoid(b: Builder, x: Value) -> Value:
    u, sign = unsigned(x)
    one, e = b.number(1, x.dtype), _falling(b, x)
    larger = b.map("div", one, b.map("add", one, e))
    smaller = b.map("mul", e, larger)
    rises = b.map("ge", u, b.number(0, x.dtype))
    return b.map("select", rises, *((larger, smaller) if sign > 0 else (smaller, larger)))


def _softplus(b: Builder, x: Value) -> Value:
    return b.map("add", b.map("maximum", x, b.number(0, x.dtype)), b.map("log1p", _falling(b, x)))
