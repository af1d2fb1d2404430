"""Replay: a graph computed by NumPy, operation by operation. The yardstick of what is compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.compiler.graph import Graph, Value, fill
from wengert.core import modes
from wengert.core.dispatch import apply
from wengert.core.op import Op

__all__ = ["apply_values", "evaluate", "replay"]


def replay(graph: Graph, arrays: Sequence[Any]) -> list[Any]:
    """The outputs of a traced graph for plain ``arrays``, one an input: arrays that share memory with nothing else."""
    with np.errstate(all="ignore"):
        outputs = _walk(graph, arrays, _evaluated)
    return _owned(outputs)


def apply_values(graph: Graph, arrays: Sequence[Any]) -> list[Any]:
    """The same for ``arrays`` of which some are boxes, each operation applied to them."""
    return _walk(graph, arrays, _applied, modes.trace())


def _evaluated(op: Op, args: Sequence[Any], params: dict[str, Any]) -> Any:
    return op.fun(*args, **params)


def _applied(op: Op, args: Sequence[Any], params: dict[str, Any]) -> Any:
    return apply(op, args, params) if op.reapplied is None else op.reapplied(args, params)


def _walk(
    graph: Graph,
    arrays: Sequence[Any],
    call: Callable[[Op, Sequence[Any], dict[str, Any]], Any],
    trace: Any = None,
) -> list[Any]:
    """The outputs, each value computed by ``call``, and forgotten when it has been used for the last time."""
    known: list[Any] = [None] * len(graph.values)
    last: list[int] = list(range(len(graph.values)))
    for value in graph.values:
        for x in value.inputs:
            last[x.number] = value.number
    for y in graph.outputs:
        last[y.number] = -1
    for x, a in zip(graph.inputs, arrays, strict=True):
        known[x.number] = a
    for value in graph.values:
        if value.prim == "input":
            continue
        number = value.number
        if value.prim == "constant":
            known[number] = value.attrs if trace is None else trace.constant(value.attrs)
            continue
        applied = value.attrs
        inputs = [known[x.number] for x in value.inputs]
        plain = (
            inputs if trace is None else [x.attrs if x.prim == "constant" else known[x.number] for x in value.inputs]
        )
        known[number] = call(applied.op, fill(applied.args, inputs), fill(applied.params, plain))
        for x in value.inputs:
            if last[x.number] == number:
                known[x.number] = None
    return [known[y.number] for y in graph.outputs]


def _owned(outputs: list[Any]) -> list[Any]:
    """``outputs`` as arrays that share memory neither with inputs nor with each other."""
    return [np.array(y) if np.ndim(y) else y if isinstance(y, np.generic) else np.asarray(y)[()] for y in outputs]


def compute(value: Value, inputs: Sequence[Any]) -> Any:
    """One value from its inputs' values."""
    if value.prim == "constant":
        return value.attrs
    applied = value.attrs
    return applied.op.fun(*fill(applied.args, inputs), **fill(applied.params, inputs))


def evaluate(value: Value, known: dict[int, Any]) -> Any:
    """``value``, and what it is computed from, added to ``known`` (by number)."""
    stack = [value]
    while stack:
        top = stack[-1]
        if top.number in known:
            stack.pop()
            continue
        missing = [x for x in top.inputs if x.number not in known]
        if missing:
            stack += missing
            continue
        known[top.number] = compute(top, [known[x.number] for x in top.inputs])
        stack.pop()
    return known[value.number]
