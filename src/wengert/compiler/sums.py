"""Sums of products as one product: ``a₁ b₁ + a₂ b₂ + …`` is ``[a₁ a₂ …]`` times the ``bᵢ`` below one another.

The gradient of a weight that is used at every step of a loop is such a sum. One large product is quicker than many
small ones, and the factors can usually be computed right where the large product wants them (see ``plan.py``).
"""

from __future__ import annotations

from wengert._types import Shape
from wengert.compiler.build import Builder
from wengert.compiler.graph import Graph, Value, users
from wengert.compiler.rebuild import rebuilt, same

__all__ = ["sums_of_products"]

_FEWEST = 3
"""Terms that are worth joining."""


def sums_of_products(graph: Graph) -> Graph:
    """The graph with sums of products of matrices joined, and sums of what they are made of."""
    use = users(graph)
    sums = _sums(graph, use)
    if not sums:
        return graph
    new: dict[int, Value] = {}

    def rewrite(b: Builder, value: Value, inputs: tuple[Value, ...]) -> Value:
        terms = sums.get(value.number)
        return same(b, value, inputs) if terms is None else _joined_sum(b, terms, new, value.shape)

    return rebuilt(graph, rewrite, new)


def _sums(graph: Graph, use: list[list[Value]]) -> dict[int, list[Value]]:
    """The terms of each sum that is part of no larger one, and worth joining."""
    found: dict[int, list[Value]] = {}
    inside: set[int] = set()
    joined: set[int] = set()
    outputs = {y.number for y in graph.outputs}
    candidates = []
    for value in reversed(graph.values):
        if not _is_addition(value) or value.number in inside:
            continue
        terms = _terms(value, use, outputs, inside)
        products = [t for t in terms if _is_product(t, use, outputs)]
        if len(products) >= _FEWEST:
            found[value.number] = terms
            joined.update([_root(t.inputs[1]).number for t in products])
        else:
            candidates.append((value, terms))
    for value, terms in candidates:
        if len(terms) >= _FEWEST and all([_is_row(t) and _root(t).number in joined for t in terms]):
            found[value.number] = terms
    return found


def _terms(value: Value, use: list[list[Value]], outputs: set[int], inside: set[int]) -> list[Value]:
    """What ``value``, an addition, is the sum of, in the order in which it was computed."""
    terms: list[Value] = []
    stack = [value]
    while stack:
        node = stack.pop()
        alone = node is value or (len(use[node.number]) == 1 and node.number not in outputs)
        if _is_addition(node) and node.shape == value.shape and alone:
            inside.add(node.number)
            stack += node.inputs
        else:
            terms.append(node)
    return sorted(terms, key=lambda t: t.number)


def _is_addition(value: Value) -> bool:
    return value.prim == "map" and value.attrs == "add" and value.dtype.kind == "f"


def _is_product(value: Value, use: list[list[Value]], outputs: set[int]) -> bool:
    """Whether the value is a product of matrices that nobody else uses."""
    return value.prim == "matmul" and value.ndim == 2 and len(use[value.number]) == 1 and value.number not in outputs


def _is_row(value: Value) -> bool:
    """Whether the value is a matrix of one row, without that axis, or the sum of a matrix's rows."""
    if value.prim == "reduce":
        return value.attrs == ("sum", (0,)) and value.inputs[0].ndim == 2
    return value.prim == "view" and value.ndim == 1 and value.inputs[0].shape == (1, *value.shape)


def _root(value: Value) -> Value:
    return value.inputs[0] if value.prim in ("view", "reduce") else value


def _joined_sum(b: Builder, terms: list[Value], new: dict[int, Value], shape: Shape) -> Value:
    products = [t for t in terms if t.prim == "matmul" and t.ndim == 2 and t.shape == shape]
    if products:
        left = _below_one_another(b, [b.transpose(new[t.inputs[0].number], (1, 0)) for t in products])
        right = _below_one_another(b, [new[t.inputs[1].number] for t in products])
        total = b.matmul(b.transpose(left, (1, 0)), right)
    else:
        total = b.reduce("sum", _below_one_another(b, [new[_root(t).number] for t in terms]), (0,))
    for term in [t for t in terms if products and t not in products]:
        total = b.map("add", total, new[term.number])
    return b.broadcast(total, shape)


def _below_one_another(b: Builder, matrices: list[Value]) -> Value:
    shape = (sum([m.shape[0] for m in matrices]), matrices[0].shape[1])
    return b.join(matrices, 0, shape, matrices[0].dtype)
