"""Graphs taken apart: the part that computes some values from others; what runs before cotangents are known, and after.

A *joint* graph computes a function's results and, from cotangents that are its last inputs, those of its arguments.
What doesn't depend on the cotangents can run with the function itself. The values that cross over are *residuals*.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from wengert.compiler.graph import Graph, Value

__all__ = ["depending", "residuals_of", "split", "subgraph"]


def split(graph: Graph, cotangents: int, kept: int) -> tuple[Graph, Graph]:
    """A joint graph, whose last ``cotangents`` inputs are such, as a forward and a backward part.

    The forward part gives the first ``kept`` outputs and residuals; the backward part takes all inputs and the
    residuals, and gives the other outputs.
    """
    early = len(graph.inputs) - cotangents
    residuals = [x for x in residuals_of(graph, graph.inputs[early:], graph.outputs[kept:]) if x.prim != "input"]
    forward = subgraph(graph, graph.inputs[:early], [*graph.outputs[:kept], *residuals])
    backward = subgraph(graph, [*graph.inputs, *residuals], graph.outputs[kept:])
    return forward, backward


def residuals_of(
    graph: Graph, late: Sequence[Value], outputs: Sequence[Value], shared: Sequence[Value] = ()
) -> list[Value]:
    """The values that don't depend on ``late`` inputs and that ``outputs`` need besides them, inputs among them.

    What can be computed from ``shared`` inputs alone is computed again, and so is what only rearranges a residual.
    """
    after = depending(graph, late)
    varying = depending(graph, [x for x in graph.inputs if x not in shared])
    found: dict[int, Value] = {}
    seen: set[int] = set()
    stack = list(outputs)
    while stack:
        value = stack.pop()
        if value.number in seen:
            continue
        seen.add(value.number)
        again = value.prim != "input" and (value.number not in varying or _is_rearranged(value))
        if value.number in after or again:
            stack += value.inputs
        elif value.prim != "constant":
            found[value.number] = value
    return [found[n] for n in sorted(found) if n not in {x.number for x in late}]


def depending(graph: Graph, start: Collection[Value]) -> set[int]:
    """Numbers of the values that depend on any of ``start``, themselves included."""
    marked = {x.number for x in start}
    for value in graph.values:
        if any([x.number in marked for x in value.inputs]):
            marked.add(value.number)
    return marked


def subgraph(graph: Graph, inputs: Sequence[Value], outputs: Sequence[Value]) -> Graph:
    """The part of ``graph`` that computes ``outputs`` from ``inputs``, which may be any values of it."""
    given = {x.number for x in inputs}
    needed: set[int] = set()
    stack = [y for y in outputs if y.number not in given]
    while stack:
        value = stack.pop()
        if value.number not in needed:
            needed.add(value.number)
            stack += [x for x in value.inputs if x.number not in given]
    made = Graph()
    new: dict[int, Value] = {}
    for x in inputs:
        new[x.number] = made.input(x.shape, x.dtype)
    for value in graph.values:
        if value.number in needed:
            xs = tuple([new[x.number] for x in value.inputs])
            new[value.number] = made.add(Value(value.prim, xs, value.attrs, value.shape, value.dtype, value.source))
    made.outputs = [new[y.number] for y in outputs]
    return made


def _is_rearranged(value: Value) -> bool:
    """Whether the value shows all of another, transposed, reshaped or broadcast."""
    if value.prim != "apply" or len(value.inputs) != 1:
        return False
    return bool(value.attrs.op.view) and value.size >= value.inputs[0].size
