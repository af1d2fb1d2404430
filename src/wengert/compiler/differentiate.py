"""Derivatives of compiled functions: calls with tensors and other boxes, to any order, by compiled programs.

A *program* is a graph and what runs it. Applied to boxes it is one operation of the kind that the table has: its
pullback is again a program, which tracing the backward pass over the graph gives, and which is split in two. What does
not depend on the cotangent runs together with the value and leaves *residuals*; the rest runs in the backward pass. The
pushforward is a program, too. Where their arguments are boxed in turn, these programs are applied like any other, so
every order is compiled when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from wengert._types import PLAIN, Array
from wengert.arrays.dual import Dual, dual
from wengert.arrays.tensor import Tensor, lift, wrap
from wengert.compiler.backend import executable
from wengert.compiler.compiled import Compiled
from wengert.compiler.graph import Graph, Value
from wengert.compiler.replay import apply_values
from wengert.compiler.split import split, subgraph
from wengert.compiler.trace import Trace
from wengert.core.dispatch import Box, apply, close_level, core_of, open_level
from wengert.core.op import Op
from wengert.core.sweep import sweep
from wengert.core.tape import Node

__all__ = ["Program", "call_boxed", "is_boxed"]

Mask = tuple[bool, ...]


class _Careful(Exception):
    """A watched derivative has a NaN: the function is to be evaluated without compiled programs."""


def is_boxed(compiled: Compiled) -> bool:
    """Whether the compiled function has captured boxes."""
    return any([isinstance(c.array, Box) for c in compiled.captures])


def call_boxed(compiled: Compiled, arrays: Sequence[Any]) -> Any:
    """The result for the traced leaves, of which some, or some captures, are boxes; or ``NotImplemented``."""
    if compiled.program is None:
        compiled.program = Program(compiled.graph, compiled.watched)
    try:
        outputs = compiled.program.apply([*arrays, *[c.array for c in compiled.captures]])
    except _Careful:
        return NotImplemented
    return compiled.result(outputs)


class Program:
    """A graph as a function that can be differentiated. Its last ``watched`` outputs are watched for NaN."""

    def __init__(self, graph: Graph, watched: int = 0) -> None:
        self.graph = graph
        self.watched = watched
        self.count = len(graph.outputs) - watched
        self._pullbacks: dict[Mask, tuple[Program, Program, Program]] = {}
        self._pushforwards: dict[Mask, Program] = {}

    @cached_property
    def run(self) -> Any:
        """What computes the outputs from plain arrays."""
        return executable(self.graph)

    @cached_property
    def selective(self) -> bool:
        """Whether an operation of the graph selects among elements, other than by reading an input."""
        return any([_selects(value) for value in self.graph.values])

    @cached_property
    def inexact(self) -> list[int]:
        """The outputs that may have a derivative."""
        return [i for i, y in enumerate(self.graph.outputs[: self.count]) if y.dtype.kind in "fc"]

    @cached_property
    def packed(self) -> Program:
        """The same with all inexact outputs in one array, its first output."""
        outputs = self.graph.outputs
        rest = [y for i, y in enumerate(outputs) if i not in self.inexact]
        if len(self.inexact) == 1:
            copied = subgraph(self.graph, self.graph.inputs, [outputs[self.inexact[0]], *rest])
            return Program(copied, self.watched)
        trace, symbols = _opened(self.graph.inputs)
        with trace.open():
            made = apply_values(self.graph, [trace.input(x) for x in symbols])
            kind = np.result_type(*[made[i].dtype for i in self.inexact])
            parts = [np.reshape(made[i], (-1,)).astype(kind) for i in self.inexact]
            found = [np.concatenate(parts), *[y for i, y in enumerate(made) if i not in self.inexact]]
            trace.graph.outputs = [_value(trace, y) for y in found]
        trace.freeze()
        return Program(trace.graph, self.watched)

    def unpack(self, y: Array, others: Sequence[Any]) -> list[Array]:
        """The outputs, but for those that are watched, of what ``packed`` gave."""
        rest = iter(others)
        made: list[Array] = []
        start = 0
        for i, value in enumerate(self.graph.outputs[: self.count]):
            if i not in self.inexact:
                made.append(next(rest))
            elif len(self.inexact) == 1:
                made.append(y)
            else:
                part = y[start : start + value.size].reshape(value.shape)
                if value.dtype.kind != "c" and part.dtype.kind == "c":
                    part = np.real(part)
                made.append(part if part.dtype == value.dtype else part.astype(value.dtype))
                start += value.size
        return made

    def apply(self, arrays: Sequence[Any]) -> list[Array]:
        """The outputs for ``arrays``, plain or boxed."""
        arrays = [core_of(x) if isinstance(x, Box) else x for x in arrays]
        kinds = {kind for x in arrays for kind in _kinds(x)}
        if not kinds or not self.inexact:
            outputs = self.run([_bare(x) for x in arrays])
            self.check(outputs)
            return outputs[: self.count]
        if not kinds <= _KNOWN or (self.selective and Dual in kinds):
            outputs = apply_values(self.graph, arrays)
            self.check([_bare(y) for y in outputs])
            return [
                y if isinstance(y, Box) or y.dtype.kind not in "fc" else wrap(y, 0, None) for y in outputs[: self.count]
            ]
        variable = tuple([isinstance(x, Box) and x.dtype.kind in "fc" for x in arrays])
        call = _Call(self.packed, variable, Tensor in kinds)
        y = apply(self.packed.op, arrays, {"call": call})
        return self.unpack(y, call.others)

    def check(self, outputs: Sequence[Any]) -> None:
        """Raise ``_Careful`` if a watched output has a NaN."""
        for x in outputs[len(outputs) - self.watched :]:
            if x.dtype.kind in "fc" and bool(np.isnan(x).any()):
                raise _Careful

    @cached_property
    def op(self) -> Op:
        """The program, with one inexact output, as an operation."""
        return Op(
            "jit",
            "structured",
            _forward,
            ("*xs",),
            joint=_pull_back,
            push_all=_push_forward,
            opened=_opened_node,
            selects=self.selective,
        )

    def pullback(self, variable: Mask) -> tuple[Program, Program, Program]:
        """From inputs and the first output's cotangent to the cotangents of the ``variable`` inputs.

        Whole; the part that does not depend on the cotangent, which gives the outputs and residuals; and the rest.
        """
        if variable not in self._pullbacks:
            whole = self._traced_pullback(variable)
            kept = len(self.graph.outputs)
            forward, backward = split(whole, 1, kept)
            cotangents = subgraph(whole, whole.inputs, whole.outputs[kept:])
            watched = len(cotangents.outputs) - sum(variable)
            self._pullbacks[variable] = Program(cotangents, watched), Program(forward), Program(backward, watched)
        return self._pullbacks[variable]

    def _traced_pullback(self, variable: Mask) -> Graph:
        """The graph of the outputs, the cotangents, and what is watched."""
        y = self.graph.outputs[0]
        trace, symbols = _opened([*self.graph.inputs, y])
        with trace.open():
            *xs, g = [trace.input(x) for x in symbols]
            level = open_level()
            try:
                lifted: list[Any] = [lift(x, level) if v else x for x, v in zip(xs, variable, strict=True)]
                nodes: list[Any] = [t._node for t, v in zip(lifted, variable, strict=True) if v]
                made = apply_values(self.graph, lifted)
            finally:
                close_level(level)
            root = made[0]
            live = type(root) is Tensor and root._level == level and root._node is not None
            totals = sweep(root._node, g, nested=True) if live else {}
            leaves = [totals[n] if n in totals else np.zeros(n.shape, n.dtype) for n in nodes]
            trace.graph.outputs = [*[_value(trace, y) for y in (*made, *leaves)], *trace.watched]
        trace.freeze()
        return trace.graph

    def pushforward(self, variable: Mask) -> Program:
        """From inputs, and the tangents of the ``variable`` ones, to the first output's tangent."""
        if variable not in self._pushforwards:
            inputs = self.graph.inputs
            trace, symbols = _opened([*inputs, *[x for x, v in zip(inputs, variable, strict=True) if v]])
            with trace.open():
                boxes = [trace.input(x) for x in symbols]
                tangents = iter(boxes[len(inputs) :])
                level = open_level()
                try:
                    duals = [
                        dual(x, next(tangents), level) if v else x
                        for x, v in zip(boxes[: len(inputs)], variable, strict=True)
                    ]
                    y = apply_values(self.graph, duals)[0]
                finally:
                    close_level(level)
                t = y._tangent if type(y) is Dual and y._level == level else None
                made = self.graph.outputs[0]
                tangent = _value(trace, np.zeros(made.shape, made.dtype) if t is None else t)
                trace.graph.outputs = [tangent, *trace.watched]
            trace.freeze()
            self._pushforwards[variable] = Program(trace.graph, len(trace.watched))
        return self._pushforwards[variable]


_KNOWN = {Tensor, Dual}


class _Call:
    """One application of a program: which inputs may vary, and what running it left besides the first output."""

    __slots__ = ("others", "program", "recorded", "residuals", "variable")

    def __init__(self, program: Program, variable: Mask, recorded: bool) -> None:
        self.program = program
        self.variable = variable
        self.recorded = recorded
        self.others: Sequence[Any] = ()
        self.residuals: Sequence[Any] | None = None


def _forward(*xs: Array, call: _Call) -> Array:
    program = call.program
    count = len(program.graph.outputs)
    if call.recorded:
        outputs = program.pullback(call.variable)[1].run(xs)
        call.residuals = outputs[count:]
    else:
        outputs = program.run(xs)
    program.check(outputs[:count])
    call.others = outputs[1 : count - program.watched]
    y = outputs[0]
    return y if isinstance(y, np.generic) else y[()] if y.ndim == 0 else y


def _pull_back(g: Array, xs: Sequence[Array], call: _Call) -> list[Array | None]:
    whole, _, backward = call.program.pullback(call.variable)
    try:
        if call.residuals is not None and PLAIN.issuperset(map(type, (g, *xs))):
            outputs = backward.run([*xs, g, *call.residuals])
            backward.check(outputs)
        else:
            outputs = whole.apply([*xs, g])
    except _Careful:
        leaves, root = _openly(call.program, xs, call.variable)
        totals = {} if root is None else sweep(root, g, nested=True)
        outputs = [totals.get(n, np.zeros(n.shape, n.dtype)) for n in leaves if n is not None]
    made = iter(outputs)
    return [next(made) if v else None for v in call.variable]


def _push_forward(ts: Sequence[Any], frame: Node) -> Array:
    call: _Call = frame.params["call"]
    variable = tuple([t is not None for t in ts])
    try:
        return call.program.pushforward(variable).apply([*frame.xs, *[t for t in ts if t is not None]])[0]
    except _Careful:
        level = open_level()
        try:
            duals = [x if t is None else dual(x, t, level) for x, t in zip(frame.xs, ts, strict=True)]
            y = apply_values(call.program.graph, duals)[0]
        finally:
            close_level(level)
        t = y._tangent if type(y) is Dual and y._level == level else None
        return np.zeros(frame.shape, frame.dtype) if t is None else t


def _opened_node(node: Node) -> tuple[list[Node | None], Node | None]:
    """The operation of ``node`` done anew with those of the table: the leaves, one a parent, and the root."""
    call: _Call = node.params["call"]
    return _openly(call.program, node.xs, tuple([p is not None for p in node.parents]))


def _openly(program: Program, xs: Sequence[Array], variable: Mask) -> tuple[list[Node | None], Node | None]:
    level = open_level()
    try:
        lifted: list[Any] = [lift(x, level) if v else x for x, v in zip(xs, variable, strict=True)]
        root = apply_values(program.graph, lifted)[0]
    finally:
        close_level(level)
    leaves = [t._node if v else None for t, v in zip(lifted, variable, strict=True)]
    return leaves, root._node if type(root) is Tensor and root._level == level else None


def _opened(values: Sequence[Value]) -> tuple[Trace, list[Any]]:
    """A trace, and examples for inputs like ``values``."""
    return Trace(), [np.ones(x.shape, x.dtype) if x.dtype.kind in "fc" else np.zeros(x.shape, x.dtype) for x in values]


def _value(trace: Trace, y: Array) -> Value:
    """The value that ``y`` stands for."""
    while isinstance(y, Box) and not y._symbolic:
        y = y._bare()
    made: Value = trace.lift(y)._current()._inner if isinstance(y, Box) else trace.constant(np.asarray(y))._inner
    return made


def _selects(value: Value) -> bool:
    if value.prim != "apply" or not value.attrs.op.selects:
        return False
    return not (value.attrs.op.reads and value.inputs[0].prim == "input")


def _kinds(x: Any) -> set[type]:
    """The kinds of boxes around an array."""
    found: set[type] = set()
    while isinstance(x := core_of(x), Box):
        found.add(type(x))
        x = x._inner
    return found


def _bare(x: Any) -> Any:
    while isinstance(x, Box):
        x = x._current()._inner
    return x
