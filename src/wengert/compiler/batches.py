"""Products with a matrix in common as one product: the rows of an array, multiplied step by step, multiplied at once.

``x[0] @ w``, ``x[1] @ w``, … of consecutive parts of one array are the rows of ``x @ w``.
"""

from __future__ import annotations

import itertools

from wengert.compiler.build import Builder
from wengert.compiler.graph import Affine, Graph, Value
from wengert.compiler.rebuild import rebuilt

__all__ = ["batches_of_products"]


def batches_of_products(graph: Graph) -> Graph:
    """The graph with products of consecutive rows of an array and one matrix made one."""
    batches = _batches(graph)
    if not batches:
        return graph
    new: dict[int, Value] = {}
    made: dict[int, Value] = {}

    def rewrite(b: Builder, value: Value, inputs: tuple[Value, ...]) -> Value | None:
        batch = batches.get(value.number)
        if batch is None:
            return None
        position = [v.number for v in batch].index(value.number)
        m = value.shape[0]
        whole = made.get(batch[0].number)
        if whole is None:
            base = new[batch[0].inputs[0].inputs[0].number]
            parts = [b.view(base, v.inputs[0].shape, Affine(*v.inputs[0].attrs)) for v in batch]
            rows = b.join(parts, 0, (m * len(batch), parts[0].shape[1]), value.dtype)
            whole = made[batch[0].number] = b.dense(b.matmul(rows, inputs[1]))
        return b.through(whole, lambda x: x[m * position : m * (position + 1)])

    return rebuilt(graph, rewrite, new)


def _batches(graph: Graph) -> dict[int, list[Value]]:
    """For each product that is part of a batch, all products of it, in the order of their rows."""
    groups: dict[tuple[int, int], list[Value]] = {}
    for value in graph.values:
        if value.prim == "matmul" and value.ndim == 2 and value.inputs[0].prim == "view":
            groups.setdefault((value.inputs[0].inputs[0].number, value.inputs[1].number), []).append(value)
    found = {}
    for products in groups.values():
        base, right = products[0].inputs[0].inputs[0], products[0].inputs[1]
        if len(products) < 2 or right.number > products[0].number or base.prim not in ("input", "constant"):
            continue
        products.sort(key=lambda v: v.inputs[0].attrs.offset)
        if _are_consecutive([v.inputs[0] for v in products]):
            found.update({v.number: products for v in products})
    return found


def _are_consecutive(views: list[Value]) -> bool:
    shape, strides = views[0].shape, views[0].attrs.strides
    if not all([v.shape == shape and v.attrs.strides == strides for v in views]):
        return False
    steps = {b.attrs.offset - a.attrs.offset for a, b in itertools.pairwise(views)}
    step = steps.pop()
    rows, columns = shape
    follow = (rows == 1 or strides[0] == columns) and strides[1] == (columns != 1)
    return not steps and step == rows * columns and follow
