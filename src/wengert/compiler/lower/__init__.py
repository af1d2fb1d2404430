"""Lowering: operations of the table as primitives. What has no lowering stays, and is computed by NumPy.

The rules are in the other files, by family; ``rules.py`` says what a rule is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.compiler.build import Builder, is_native
from wengert.compiler.graph import Applied, Graph, Hole, Value, fill
from wengert.compiler.lower import arrange, einsum, formulas, networks, places, products, reductions, updates, windows
from wengert.compiler.lower.elementwise import ELEMENTWISE, elementwise
from wengert.compiler.lower.rules import RULES, as_value, rule
from wengert.core.registry import OPS

__all__ = ["as_value", "lower", "rule"]

_FAMILIES = (arrange, einsum, formulas, networks, places, products, reductions, updates, windows)
_OUTSIDE = frozenset({
    "ascontiguousarray", "elu", "hard_tanh", "leaky_relu", "logsoftmax", "pick_labels", "relu", "sigmoid", "soft_sign",
    "softmax", "spread_labels", "stop_gradient",
})  # fmt: skip
"""Operations with a lowering that are entered by no file of ``ops``."""


def lower(graph: Graph) -> Graph:
    """The same computation in primitives, as far as they go."""
    b = Builder()
    new: list[Value] = []
    for value in graph.values:
        b.source = value.source
        inputs = [new[x.number] for x in value.inputs]
        if value.prim == "input":
            made = b.input(value.shape, value.dtype)
        elif value.prim == "constant":
            made = b.array(value.attrs)
        elif value.prim == "apply":
            made = _lowered(b, value, inputs)
        else:
            made = b.unique(value.prim, tuple([b.dense(x) for x in inputs]), value.attrs, value.shape, value.dtype)
        new.append(made)
    b.graph.outputs = [new[y.number] for y in graph.outputs]
    return b.graph


def _lowered(b: Builder, value: Value, inputs: list[Value]) -> Value:
    applied: Applied = value.attrs
    made = None
    if is_native(value.dtype) and not value.size:
        return b.broadcast(b.number(0, value.dtype), value.shape)
    if is_native(value.dtype) and all([is_native(x.dtype) or _is_written(x, applied) for x in inputs]):
        args = [inputs[a.index] if type(a) is Hole else a for a in applied.args]
        known = [x.attrs if x.prim == "constant" else made for x, made in zip(value.inputs, inputs, strict=True)]
        made = _by_rule(b, value, applied, args, fill(applied.params, known))
        if made is not None and (made.shape != value.shape or made.dtype != value.dtype):
            raise ValueError(
                f"The lowering of {applied.op.name} gave {made.dtype}{made.shape} for {value.describe()}: a mistake of "
                "the compiler's."
            )
    if made is None:
        dense = tuple([b.dense(x) for x in inputs])
        made = b.unique("apply", dense, applied, value.shape, value.dtype)
    return made


def _by_rule(b: Builder, value: Value, applied: Applied, args: list[Any], params: dict[str, Any]) -> Value | None:
    op = applied.op
    if op.name in ELEMENTWISE and not applied.params:
        return elementwise(b, op, args, value)
    rule = RULES.get(op.name)
    if rule is not None:
        made = rule(b, *args, value=value, **params)
        if made is not None:
            return made
    if op.view and isinstance(args[0], Value) and not _is_traced(args[1:]) and not _is_traced(params):
        x = args[0]
        dense = np.empty(x.shape, x.dtype)
        if np.may_share_memory(op.fun(dense, **params), dense) or not x.size:
            return b.through(x, lambda m: op.fun(m, **params))
    return None


def _is_written(x: Value, applied: Applied) -> bool:
    """Whether ``x`` is a number that an update writes, so that its dtype doesn't matter."""
    return applied.op.name == "update" and x.prim == "constant" and x.ndim == 0 and x.dtype.kind == "f"


def _is_traced(tree: Any) -> bool:
    """Whether there are values among the parameters."""
    if isinstance(tree, list | tuple | dict):
        return any([_is_traced(part) for part in (tree.values() if isinstance(tree, dict) else tree)])
    return isinstance(tree, Value)


for _name in (*ELEMENTWISE, *RULES):
    if _name not in OPS and _name not in _OUTSIDE:
        raise ValueError(f"A lowering for {_name}, which is not in the table.")
