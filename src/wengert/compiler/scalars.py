"""Bodies of loops that take few numbers apart and put them together again: all of it as functions of numbers.

The state of a small system of differential equations is such a body: an array of three numbers, of which single ones
are computed with and joined. As numbers they all stay in one kernel, between registers; as arrays each join is memory
that one kernel writes and the next one reads.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from wengert.compiler.build import Builder
from wengert.compiler.graph import Affine, Graph, Value, live_values

__all__ = ["as_numbers"]

_LARGEST = 4
"""Elements of an array that is taken apart, at most."""
_MOST = 512
"""Functions of numbers, at most."""

_COMBINED = {"sum": "add", "prod": "mul", "max": "maximum", "min": "minimum", "any": "or", "all": "and"}

Numbers = np.ndarray[Any, Any]
"""Values of no axes, as an array of objects."""


def as_numbers(graph: Graph) -> Graph:
    """The graph as functions of numbers, if it is one of those that gain by it."""
    live = live_values(graph)
    values = [v for v in graph.values if v.number in live]
    prims = {v.prim for v in values}
    if not prims <= _KNOWN or not prims & {"join", "update"} or not all([0 < v.size <= _LARGEST for v in values]):
        return graph
    if sum([v.size for v in values if v.prim == "map"]) > _MOST:
        return graph
    b = Builder()
    parts: dict[int, Numbers] = {}
    for value in graph.values:
        b.source = value.source
        if value.prim == "input":
            parts[value.number] = _taken_apart(b, b.input(value.shape, value.dtype))
        elif value.number in live:
            parts[value.number] = _numbers(b, value, [parts[x.number] for x in value.inputs])
    b.graph.outputs = [_put_together(b, parts[y.number], y) for y in graph.outputs]
    return b.graph


_KNOWN = frozenset({"input", "constant", "index", "map", "view", "join", "update", "reduce"})


def _taken_apart(b: Builder, x: Value) -> Numbers:
    made = np.empty(x.size, object)
    for i in range(x.size):
        made[i] = b.view(x, (), Affine(i, ()))
    return made.reshape(x.shape)


def _put_together(b: Builder, parts: Numbers, like: Value) -> Value:
    rows = [b.reshape(x, (1,)) for x in parts.reshape(-1)]
    return b.reshape(b.join(rows, 0, (like.size,), like.dtype), like.shape)


def _numbers(b: Builder, value: Value, inputs: list[Numbers]) -> Numbers:
    made = np.empty(value.shape, object)
    if value.prim in ("constant", "index"):
        known = value.attrs if value.prim == "constant" else np.indices(value.shape)[value.attrs]
        for i in np.ndindex(value.shape):
            made[i] = b.number(known[i], value.dtype)
    elif value.prim == "map":
        wide: list[Any] = [np.broadcast_to(x, value.shape) for x in inputs]
        for i in np.ndindex(value.shape):
            made[i] = _mapped(b, value, [x[i] for x in wide])
    elif value.prim == "view":
        shown: Any = inputs[0].reshape(-1)
        places = _places(value.attrs, value.shape)
        for i in np.ndindex(value.shape):
            made[i] = shown[places[i]]
    elif value.prim == "join":
        made = np.concatenate(inputs, axis=value.attrs)
    elif value.prim == "update":
        affine, kind = value.attrs
        made, written = inputs[0].copy(), cast("Any", inputs[1])
        flat: Any = made.reshape(-1)
        places = _places(affine, written.shape)
        for i in np.ndindex(written.shape):
            old, new = flat[places[i]], written[i]
            flat[places[i]] = new if kind == "set" else b.map("add", old, new)
    else:
        kind, axes = value.attrs
        rest = [i for i in range(inputs[0].ndim) if i not in axes]
        rows = inputs[0].transpose(*rest, *axes).reshape(*value.shape, -1)
        for i in np.ndindex(value.shape):
            total, *others = rows[i]
            for x in others:
                total = b.map(_COMBINED[kind], total, x)
            made[i] = total
    return made


def _mapped(b: Builder, value: Value, xs: list[Value]) -> Value:
    if value.attrs == "cast":
        return b.cast(xs[0], value.dtype)
    return xs[0] if value.attrs == "copy" else b.map(value.attrs, *xs)


def _places(affine: Affine, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    places = np.full(shape, affine.offset)
    for grid, stride in zip(np.indices(shape), affine.strides, strict=True):
        places += grid * stride
    return places
