"""Passes over primitive graphs: each value made anew by the builder, or something else in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wengert.compiler.build import Builder, dense_strides, is_native
from wengert.compiler.graph import Graph, Rounds, Value, live_values

__all__ = ["Rewrite", "loop_inputs", "rebuilt", "same", "with_own_outputs"]

Rewrite = Callable[[Builder, Value, tuple[Value, ...]], Value | None]
"""``rewrite(b, old value, new inputs)``: what stands for the value in the new graph, or ``None`` for itself."""


def rebuilt(graph: Graph, rewrite: Rewrite, new: dict[int, Value] | None = None) -> Graph:
    """The part of ``graph`` that its outputs need, rewritten value by value.

    ``new`` is filled with what stands for each of the old values, by number.
    """
    b = Builder()
    live = live_values(graph)
    new = {} if new is None else new
    for value in graph.values:
        if value.prim == "input":
            new[value.number] = b.input(value.shape, value.dtype)
        elif value.number in live:
            b.source = value.source
            inputs = tuple([new[x.number] for x in value.inputs])
            made = rewrite(b, value, inputs)
            new[value.number] = same(b, value, inputs) if made is None else made
    b.graph.outputs = [new[y.number] for y in graph.outputs]
    return b.graph


def same(b: Builder, value: Value, inputs: tuple[Value, ...]) -> Value:
    """``value`` itself, of new inputs."""
    prim, attrs = value.prim, value.attrs
    if prim == "constant":
        return b.array(attrs)
    if prim == "map":
        if attrs == "cast":
            return b.cast(inputs[0], value.dtype)
        return b.dense(inputs[0]) if attrs == "copy" else b.map(attrs, *inputs, shape=value.shape)
    if prim == "index":
        return b.index(value.shape, attrs)
    if prim == "view":
        return b.view(inputs[0], value.shape, attrs)
    if prim == "reduce":
        return b.reduce(attrs[0], inputs[0], attrs[1])
    if prim == "matmul":
        return b.matmul(*inputs)
    if prim == "join":
        return b.join(inputs, attrs, value.shape, value.dtype)
    if prim == "loop":
        return b.unique(prim, loop_inputs(b, attrs, inputs), attrs, value.shape, value.dtype)
    dense = prim == "apply"
    return b.unique(prim, tuple([b.dense(x) if dense else x for x in inputs]), attrs, value.shape, value.dtype)


def loop_inputs(b: Builder, rounds: Rounds, given: Sequence[Value]) -> tuple[Value, ...]:
    """The inputs of a loop, of which steps can read rows, and what stays the same, where they are."""
    end = rounds.carries + rounds.rows
    rows = [_with_dense_rows(b, x) for x in given[rounds.carries : end]]
    return (*given[: rounds.carries], *rows, *[b.dense(x) for x in given[end:]])


def _with_dense_rows(b: Builder, x: Value) -> Value:
    """``x``, each row of which is dense, wherever the rows are."""
    if x.prim != "view" or 0 in x.shape:
        return b.dense(x)
    strides, dense = x.attrs.strides, dense_strides(x.shape)
    if all([n == 1 or s == d for n, s, d in zip(x.shape[1:], strides[1:], dense[1:], strict=True)]):
        return x
    if strides[0] == 0:
        return b.broadcast(b.dense(b.through(x, lambda m: m[0])), x.shape)
    return b.dense(x)


def with_own_outputs(graph: Graph, watched: int = 0) -> Graph:
    """The graph with outputs, but for those to be watched, that are computed: not inputs, constants, or views."""
    seen = set()
    for i, y in enumerate(graph.outputs[: len(graph.outputs) - watched]):
        if (y.prim in ("view", "input", "constant") or y.number in seen) and is_native(y.dtype):
            graph.outputs[i] = graph.add(Value("map", (y,), "copy", y.shape, y.dtype, y.source))
        seen.add(y.number)
    return graph
