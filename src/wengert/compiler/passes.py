"""The passes between lowering and fusion, in order, with a validator between them."""

from __future__ import annotations

from collections.abc import Callable

from wengert.compiler.batches import batches_of_products
from wengert.compiler.gathers import gathers_of_parts
from wengert.compiler.graph import Graph
from wengert.compiler.stable import stabilised
from wengert.compiler.sums import sums_of_products
from wengert.compiler.thin import thin_products

__all__ = ["PASSES", "improved"]

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    stabilised,
    gathers_of_parts,
    sums_of_products,
    batches_of_products,
    thin_products,
)


def improved(graph: Graph) -> Graph:
    """The graph after all passes."""
    for improve in PASSES:
        graph = improve(graph)
        graph.validate()
    return graph
