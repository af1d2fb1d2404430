"""Lowering of loops: what is one operation with one flat result becomes a ``loop``, whose results are ``item`` values.

A loop is lowered if its whole body is. The flat array in which the table's operation has its results is not made: the
parts of it that are read are items. Where the whole of it is asked for after all, it is put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.compiler.build import Builder, is_native
from wengert.compiler.graph import Applied, Graph, Hole, Rounds, Value, live_values
from wengert.compiler.lower import as_value, rule
from wengert.compiler.lower import lower as lower_operations
from wengert.compiler.outside import Lifted, lifted
from wengert.compiler.packing import TO_BYTES
from wengert.compiler.passes import improved
from wengert.compiler.rebuild import loop_inputs, rebuilt
from wengert.compiler.scalars import as_numbers

__all__ = ["lower"]


def lower(graph: Graph) -> Graph:
    """The same computation in primitives, as far as they go."""
    lowered = lower_operations(graph)
    live = live_values(lowered)
    if any([value.prim == "packed" and value.number in live for value in lowered.values]):
        return rebuilt(lowered, lambda b, value, inputs: _packed(b, value, inputs) if value.prim == "packed" else None)
    return lowered


@rule("loop")
def _loop(b: Builder, *xs: Any, value: Value, call: Any) -> Value | None:
    block: Any = call.block
    body = _body(block)
    if body is None:
        return None
    given = [as_value(b, x, inner.dtype) for x, inner in zip(xs, body.inputs, strict=True)]
    rounds = Rounds(body, block.carries, block.rows, block.count, block.reverse)
    left = lifted(b, rounds, given) if block.count else Lifted(rounds, given, [])
    b.source = value.source
    rounds = replace(left.rounds, body=as_numbers(improved(left.rounds.body)))
    results = left.results(b, _items(b, rounds, left.given), len(block.packing))
    slots = tuple([(s.start, s.count, s.shape, np.dtype(s.dtype)) for s in block.packing.slots])
    return b.unique("packed", tuple([b.dense(y) for y in results]), slots, value.shape, value.dtype)


def _items(b: Builder, rounds: Rounds, given: Sequence[Value]) -> list[Value]:
    """The results of a loop."""
    loop = b.unique("loop", loop_inputs(b, rounds, given), rounds, (), np.dtype(bool))
    items = []
    for i, y in enumerate(rounds.body.outputs):
        shape = y.shape if i < rounds.carries else (rounds.count, *y.shape)
        items.append(b.unique("item", (loop,), i, shape, y.dtype))
    return items


def _body(block: Any) -> Graph | None:
    """The body as primitives, if all of it can be."""
    body = lower(block.body)
    kinds = [(shape, np.dtype(dtype)) for shape, dtype in block.kinds]
    ends = (*body.inputs, *body.outputs)
    if not all([is_native(x.dtype) for x in ends]) or not all([is_native(dtype) for _, dtype in kinds]):
        return None
    live = live_values(body)
    if any([value.prim == "apply" and value.number in live for value in body.values]):
        return None
    if any([y.shape != shape for y, (shape, _) in zip(body.outputs, kinds, strict=True)]):
        return None
    for i, (y, (shape, dtype)) in enumerate(zip(body.outputs, kinds, strict=True)):
        if y.dtype != dtype:
            body.outputs[i] = body.add(Value("map", (y,), "cast", shape, dtype, y.source))
    return body


@rule("from_bytes")
def _from_bytes(b: Builder, x: Value, dtype: Any, shape: Any, *, value: Value) -> Value | None:
    packed, offset = (x.inputs[0], x.attrs.offset) if x.prim == "view" else (x, 0)
    if packed.prim != "packed":
        return None
    for item, slot in zip(packed.inputs, packed.attrs, strict=True):
        if slot == (offset, x.size, shape, dtype):
            return item
    return None


def _packed(b: Builder, value: Value, items: Sequence[Value]) -> Value:
    """The flat array."""
    parts = []
    end = 0
    for x, (start, width, _, dtype) in zip(items, value.attrs, strict=True):
        parts.append(b.broadcast(b.number(0, value.dtype), (start - end,)))
        end = start + width
        if dtype.kind == "f":
            parts.append(b.cast(b.reshape(x, (width,)), value.dtype))
        else:
            applied = Applied(TO_BYTES, (Hole(0),), {"dtype": dtype, "into": value.dtype, "count": width})
            parts.append(b.unique("apply", (b.dense(x),), applied, (width,), value.dtype))
    return b.join(parts, 0, value.shape, value.dtype)
