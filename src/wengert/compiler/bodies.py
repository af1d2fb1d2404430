"""Bodies of loops and branches: functions traced within a function that is being traced, and what derives from them.

A body is a graph of its own. Symbols and boxes of the function around it that it meets are captured: they become
further inputs. Its derivatives and its form for a batch are graphs made by tracing it again, on boxes of that kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from wengert._types import Array, Shape
from wengert.arrays.batched import batched
from wengert.arrays.dual import Dual, dual
from wengert.arrays.tensor import Tensor, lift
from wengert.compiler.captures import Capture
from wengert.compiler.graph import Graph, Value
from wengert.compiler.replay import apply_values, evaluate
from wengert.compiler.symbolic import Symbolic, symbolic
from wengert.compiler.trace import Trace
from wengert.core import modes
from wengert.core.aliasing import blank, innermost, layout_of, model_of
from wengert.core.dispatch import Box, close_level, core_of, open_level
from wengert.core.op import Op
from wengert.core.sweep import sweep
from wengert.core.tape import Node
from wengert.transforms.arguments import own
from wengert.transforms.vmap import examples, over_batch

__all__ = ["Body", "Mask", "Weak", "dependent", "on_batch", "pulled", "pushed"]

Mask = tuple[bool, ...]
Weak = tuple[type | None, ...]
"""For each input, the type of Python number that it is, if it is one."""


class Body(Trace):
    """One run of a body. ``flag`` says at the end whether a value that was watched has a NaN."""

    def __init__(self) -> None:
        super().__init__()
        self._outer = modes.trace()
        self._seen: list[Symbolic] = []
        self._found: dict[int, Callable[[], Any]] = {}

    def symbol(
        self, shape: Shape, dtype: Any, like: Any = None, weak: type | None = None, row: bool = False
    ) -> Symbolic:
        """A symbol for the next input. Its example, if it is ever needed, is ``like``, or the first row of that."""
        value = self.graph.input(shape, np.dtype(dtype))
        self._found[value.number] = lambda: _example(shape, value.dtype, like, weak, row)
        return symbolic(self, value, np.empty(shape, dtype) if shape else np.zeros((), dtype)[()], weak)

    def close(self) -> None:
        """The body has returned: tell captured arrays from those that it made."""
        self._found.clear()
        super().close()
        if self._outer is not None:
            self._outer.fixed += self.fixed
            self._outer.examples += self.examples
            self._outer.made_constants = self._outer.made_constants or self.made_constants

    def example(self, value: Value) -> Any:
        """The value for example inputs."""
        self.examples += 1
        for number, find in self._found.items():
            if number not in self._known:
                self._known[number] = find()
        return evaluate(value, self._known)

    def _capture(self, x: Any) -> Capture:
        if isinstance(x, Box):
            x._current()
        capture = Capture(x, self.here())
        symbol = self.symbol(x.shape, x.dtype, x)
        if x.shape:
            symbol._model = blank(*layout_of(model_of(x)))
        capture.value, capture.symbol = symbol._inner, symbol
        self.captures.append(capture)
        self._by_id[id(x)] = capture
        return capture

    def watch(self, arrays: Sequence[Any]) -> None:
        """A NaN in any of these is reported by the flag."""
        for x in arrays:
            x = innermost(x)
            if type(x) is Symbolic and x._trace is self and x.dtype.kind in "fc":
                self._seen.append(x._frozen())

    @property
    def watches(self) -> bool:
        """Whether there is something to be watched."""
        return bool(self._seen)

    def flag(self, before: Any = False) -> Value:
        """Whether ``before``, or there is a NaN in what was watched."""
        return self.value(reduce(np.logical_or, [np.any(np.isnan(x)) for x in self._seen], before))

    def value(self, y: Any) -> Value:
        """The value in the graph that ``y``, a result, stands for."""
        y = core_of(y._current()) if isinstance(y, Box) else y
        if isinstance(y, Box) and y._level < self.level and not self.is_made_here(y):
            y = self.lift(y)
        while isinstance(y, Box) and not y._symbolic:
            y = core_of(y._bare())
        made: Value = self.lift(y)._current()._inner
        return made


def _example(shape: Shape, dtype: np.dtype[Any], like: Any, weak: type | None, row: bool) -> Any:
    x = innermost(like) if like is not None else None
    if isinstance(x, Symbolic):
        x = x._trace.example(x._current()._inner)
    x = None if x is None or isinstance(x, Box) else np.asarray(x)
    if x is not None and row:
        x = x[0] if len(x) else None
    if x is None or x.shape != shape:
        x = np.random.default_rng(0).uniform(0.5, 1.5, shape)
        if len(shape) > 1 and shape[-1] == shape[-2]:  # regular, and positive definite
            x = x + np.swapaxes(x, -1, -2) + 4.0 * shape[-1] * np.eye(shape[-1])
    x = np.asarray(x).astype(dtype)
    return weak(x) if weak else x


# What derives from bodies


def dependent(graph: Graph, mask: Mask, smooth: bool = True) -> Mask:
    """Which outputs depend on the inputs in ``mask``; with ``smooth``, in such a way that they have a derivative."""
    marked = {x.number for x, m in zip(graph.inputs, mask, strict=True) if m}
    for value in graph.values:
        has_derivative = value.prim == "apply" and value.dtype.kind in "fc" and not value.attrs.op.is_constant
        if (has_derivative or not smooth) and any([x.number in marked for x in value.inputs]):
            marked.add(value.number)
    return tuple([y.number in marked for y in graph.outputs])


def _symbols(body: Body, graph: Graph, weak: Weak) -> list[Symbolic]:
    return [body.symbol(x.shape, x.dtype, weak=w) for x, w in zip(graph.inputs, weak, strict=True)]


def _like(y: Array, value: Value) -> Array:
    """``y`` with the dtype that was found first: Python's numbers among the inputs are arrays in later rounds."""
    y = y if isinstance(y, Box | np.ndarray | np.generic) else np.asarray(y)[()]
    return y if y.dtype == value.dtype else y.astype(value.dtype)


_TIE = Op("tie", "structured", lambda *xs: xs[0], ("*xs",), joint=lambda g, cotangents: cotangents)
"""Stands behind several results of known cotangents."""


def pulled(
    graph: Graph, variable: Mask, wanted: Mask, weak: Weak, summed: Mask | None = None, carried: bool = True
) -> tuple[Graph, bool]:
    """The joint graph of ``graph``, and whether its last output is a flag (and its last input, if ``carried``).

    Its inputs are those of ``graph``; a cotangent for each output in ``wanted``; a total for each input in ``summed``.
    Its outputs: those of ``graph``, and a cotangent for each ``variable`` input, added to its total if it has one.
    """
    body = Body()
    summed = summed or (False,) * len(variable)
    with body.open():
        xs = _symbols(body, graph, weak)
        ends = [y for y, w in zip(graph.outputs, wanted, strict=True) if w]
        gs = [body.symbol(y.shape, y.dtype) for y in ends]
        totals = [body.symbol(x.shape, _wide(x.dtype)) for x, s in zip(xs, summed, strict=True) if s]
        level = open_level()
        try:
            lifted = [lift(x, level) if v else x for x, v in zip(xs, variable, strict=True)]
            nodes: list[Any] = [_node(t, level) for t, v in zip(lifted, variable, strict=True) if v]
            made = [_like(y, v) for y, v in zip(apply_values(graph, lifted), graph.outputs, strict=True)]
            roots = [_node(y, level) for y, w in zip(made, wanted, strict=True) if w]
        finally:
            close_level(level)
        pairs = [(root, g) for root, g in zip(roots, gs, strict=True) if root is not None]
        found: dict[Any, Any] = {}
        if pairs:
            parents, cotangents = tuple([p for p, _ in pairs]), [g for _, g in pairs]
            tied = Node(_TIE, parents, (None,) * len(pairs), None, {"cotangents": cotangents}, (), np.dtype(float))
            found = sweep(tied, np.float64(1.0), nested=True)
        rest = iter(totals)
        outputs = []
        for node, s in zip(nodes, [s for s, v in zip(summed, variable, strict=True) if v], strict=True):
            g = found.get(node)
            if s:
                total = next(rest)
                outputs.append(total if g is None else total + g)
            else:
                outputs.append(np.zeros(node.shape, node.dtype) if g is None else g)
        body.graph.outputs = [body.value(y) for y in (*made, *outputs)]
        if body.watches:
            body.graph.outputs.append(body.flag(body.symbol((), bool) if carried else False))
    return _closed(body), body.watches


def pushed(graph: Graph, variable: Mask, weak: Weak, carried: bool = True) -> tuple[Graph, bool]:
    """``graph`` with tangents, and whether its last output is a flag (and its last input, if ``carried``).

    Its inputs are those of ``graph`` and a tangent for each ``variable`` one; its outputs likewise, with a tangent for
    each output that depends on those.
    """
    body = Body()
    with body.open():
        xs = _symbols(body, graph, weak)
        ts = iter([body.symbol(x.shape, x.dtype) for x, v in zip(xs, variable, strict=True) if v])
        level = open_level()
        try:
            duals = [dual(x, next(ts), level) if v else x for x, v in zip(xs, variable, strict=True)]
            made = [_like(y, v) for y, v in zip(apply_values(graph, duals), graph.outputs, strict=True)]
            tangents = [_tangent(y, level) for y, d in zip(made, dependent(graph, variable), strict=True) if d]
        finally:
            close_level(level)
        body.graph.outputs = [body.value(y) for y in (*made, *tangents)]
        if body.watches:
            body.graph.outputs.append(body.flag(body.symbol((), bool) if carried else False))
    return _closed(body), body.watches


def on_batch(graph: Graph, mapped: Mask, kept: Mask, count: int, weak: Weak) -> Graph:
    """``graph`` for ``count`` examples, which lie along the first axis of the ``mapped`` inputs.

    Outputs have the batch axis, but for those in ``kept``, which are the same for all examples.
    """
    body = Body()
    with body.open():
        xs = [
            body.symbol((count, *x.shape) if m else x.shape, x.dtype, weak=None if m else w)
            for x, m, w in zip(graph.inputs, mapped, weak, strict=True)
        ]
        with over_batch() as level:
            boxes = [batched(x, count, level) if m else x for x, m in zip(xs, mapped, strict=True)]
            made = [_like(y, v) for y, v in zip(apply_values(graph, boxes), graph.outputs, strict=True)]
            outputs = []
            for y, same in zip(made, kept, strict=True):
                inner, is_mapped = examples(y, level)
                outputs.append(own(inner) if same or is_mapped else np.broadcast_to(inner, (count, *np.shape(inner))))
        body.graph.outputs = [body.value(y) for y in outputs]
    return _closed(body)


def _closed(body: Body) -> Graph:
    """The graph of a body that was traced again: the arrays that it captures were made on the way."""
    body.freeze()
    return body.graph


def _node(y: Any, level: int) -> Node | None:
    return y._node if type(y) is Tensor and y._level == level else None


def _tangent(y: Any, level: int) -> Array:
    t = y._tangent if type(y) is Dual and y._level == level else None
    return np.zeros(y.shape, y.dtype) if t is None else t


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which contributions are added up."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype
