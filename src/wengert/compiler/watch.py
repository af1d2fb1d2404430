"""Watching derivatives for NaN, which compiled functions do in place of masking (see ``core/masking.py``).

A NaN in a watched value sounds an alarm, and the call is answered in another way. Instead of a product of matrices that
is larger than its factors these are watched: where they are finite, the product has a NaN only if masking would leave
one there, too.
"""

from __future__ import annotations

import numpy as np

from wengert.compiler.build import is_native
from wengert.compiler.graph import Graph, Value

__all__ = ["with_alarm"]

_BOOL = np.dtype(bool)
_STATUS = np.dtype(np.int32)


def with_alarm(graph: Graph, watched: int) -> tuple[Graph, list[Value]]:
    """The graph with an alarm as its last output, in place of its last ``watched`` outputs.

    And those of its values that no kernel can watch, as they are of half precision or complex.
    """
    if not watched:
        return graph, []
    values, graph.outputs = graph.outputs[-watched:], graph.outputs[:-watched]
    conditions: dict[int, Value] = {}
    rest: dict[int, Value] = {}
    for value in values:
        for root, test in _tests(value):
            if root.dtype.kind not in "fc" or not root.size:
                continue
            if not is_native(root.dtype):
                rest[root.number] = root
            elif root.number not in conditions:
                conditions[root.number] = _any(graph, root, test)
    found: Value | None = None
    for condition in conditions.values():
        found = condition if found is None else _map(graph, "or", found, condition)
    if found is not None:
        graph.outputs.append(graph.add(Value("alarm", (found,), None, (), _STATUS, None)))
    return graph, list(rest.values())


def _tests(value: Value) -> list[tuple[Value, str]]:
    """What to look at for a NaN in ``value``."""
    root = value.inputs[0] if value.prim == "view" else value
    if root.prim in ("constant", "input"):
        return []
    if root.prim == "matmul" and sum([x.size for x in root.inputs]) < root.size:
        factors = [x.inputs[0] if x.prim == "view" else x for x in root.inputs]
        return [(x, "isfinite") for x in factors if x.prim != "constant"]
    return [(root, "isnan")]


def _any(graph: Graph, value: Value, test: str) -> Value:
    found = _map(graph, test, value)
    if test == "isfinite":
        found = _map(graph, "not", found)
    if value.ndim == 0:
        return found
    return graph.add(Value("reduce", (found,), ("any", tuple(range(value.ndim))), (), _BOOL, value.source))


def _map(graph: Graph, fn: str, *xs: Value) -> Value:
    return graph.add(Value("map", xs, fn, xs[0].shape, _BOOL, xs[0].source))
