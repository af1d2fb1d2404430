"""Products with a vector, written out as elementwise products and sums, so that they fuse with what is around them.

What BLAS gains on a matrix it can't on a vector: the matrix is read once either way. A matrix whose transpose is
multiplied again and again is transposed once.
"""

from __future__ import annotations

from collections import Counter

from wengert.compiler.build import Builder
from wengert.compiler.graph import Graph, Value
from wengert.compiler.rebuild import rebuilt

__all__ = ["thin_products"]

_OFTEN = 4
"""Uses from which on a transposed matrix is worth a copy."""


def thin_products(graph: Graph) -> Graph:
    """The graph with products of a row or a column and a matrix, and of a column and a row, written out."""
    times: Counter[int] = Counter([v.inputs[1].number for v in graph.values if v.prim == "matmul"])

    def rewrite(b: Builder, value: Value, inputs: tuple[Value, ...]) -> Value | None:
        if value.prim != "matmul":
            return None
        if inputs[0].shape[-1] == 1:
            return b.map("mul", *inputs)
        if value.ndim != 2:
            return None
        (m, k), n = inputs[0].shape, inputs[1].shape[1]
        if m == 1 and n == 1:
            product = b.map("mul", b.reshape(inputs[0], (k,)), b.reshape(inputs[1], (k,)))
            return b.reshape(b.reduce("sum", product, (0,)), (1, 1))
        if m == 1:
            matrix = inputs[1]
            if times[value.inputs[1].number] >= _OFTEN and _is_transposed(matrix):
                matrix = b.dense(matrix)
            product = b.map("mul", b.reshape(inputs[0], (k, 1)), matrix)
            return b.reshape(b.reduce("sum", product, (0,)), (1, n))
        if n == 1:
            product = b.map("mul", inputs[0], b.reshape(inputs[1], (1, k)))
            return b.reshape(b.reduce("sum", product, (1,)), (m, 1))
        return None

    return rebuilt(graph, rewrite)


def _is_transposed(matrix: Value) -> bool:
    return matrix.prim == "view" and matrix.attrs.strides[0] == 1 and matrix.attrs.strides[1] != 1
