"""Tracing: running a function on symbolic arrays, so that what it computes becomes a graph.

Everything that the function meets and that is no part of its arguments is *captured*: arrays become inputs of the
graph that are read anew at each call (``wengert.compiler.captures``); numbers become constants.
"""

from __future__ import annotations

import sys
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, SupportsIndex

import numpy as np

from wengert._types import NO_PARAMS, PLAIN, Array, Params
from wengert.compiler.abstract import abstract
from wengert.compiler.captures import Capture, Fixed, freeze, settle
from wengert.compiler.graph import Applied, Graph, Hole, Source, Value, holes_in
from wengert.compiler.replay import evaluate
from wengert.compiler.symbolic import STOP, Symbolic, symbolic, view_of
from wengert.core import modes
from wengert.core.aliasing import blank, innermost, layout_of, of_all_examples
from wengert.core.dispatch import Box, close_level, open_level, operand
from wengert.core.op import Op
from wengert.core.tape import Node
from wengert.errors import TraceError

__all__ = ["Trace"]


class Trace:
    """One run of a function on symbols.

    ``graph`` has an input for each argument and then one for each of ``captures``. ``fixed`` are arrays whose very
    elements the graph depends on. ``watched`` are cotangents and tangents in which a NaN means that elements which were
    not selected have to be told from those that were (see ``wengert.core.masking``). ``examples`` counts the values
    that had to be computed as only they could tell a shape. ``masked`` says that derivatives are to be told apart in
    the graph itself, whatever that costs.
    """

    def __init__(self, masked: bool = False) -> None:
        self.graph = Graph()
        self.masked = masked
        self.selecting = False
        self.level = -1
        self.captures: list[Capture] = []
        self.fixed: list[Fixed] = []
        self.watched: list[Value] = []
        self.examples = 0
        self.made_constants = False
        self._by_id: dict[int, Capture] = {}
        self._known: dict[int, Any] = {}
        self._recorded: list[tuple[int, Value]] = []
        self._line: Source | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """While the function runs."""
        self.level = open_level()
        token = modes.enter_trace(self)
        try:
            with np.errstate(all="ignore"):
                yield
        finally:
            modes.leave_trace(token)
            close_level(self.level)

    def close(self) -> None:
        """The function has returned: tell captured arrays from those that it made. May raise ``TraceError``."""
        self._by_id.clear()
        self._known.clear()
        self._recorded.clear()
        if self.captures:
            self.captures, self.made_constants = settle(self.captures, self.graph)
        self.fixed = [fixed for fixed in self.fixed if not fixed.is_temporary()]

    def freeze(self) -> None:
        """What was traced is over; the arrays that it met are constants."""
        freeze(self.captures, self.graph)
        self.captures = []

    def input(self, example: Any, weak: type | None = None) -> Symbolic:
        """A symbol for the next argument. ``weak`` is its type if it is a Python number."""
        array = np.asarray(example)
        value = self.graph.input(array.shape, array.dtype)
        self._known[value.number] = example if weak else array
        model = blank(*layout_of(array)) if type(example) is np.ndarray else array[()]
        return symbolic(self, value, model, weak)

    def lift(self, x: Any) -> Symbolic:
        """The symbol for an array that was found: a capture, or a constant if it can't change."""
        if type(x) is Symbolic and x._trace is self:
            return x
        if not isinstance(x, Box) and type(x) is not np.ndarray:
            x = operand(x)
            if type(x) is not np.ndarray:
                return self.constant(np.asarray(x), type(x) if type(x) in (int, float, complex) else None)
        capture = self._by_id.get(id(x))
        if capture is None or capture.has_changed():
            capture = self._capture(x)
        symbol: Symbolic = capture.symbol
        return symbol

    def _capture(self, x: Any) -> Capture:
        """Let an array that was met outside be an input of the graph."""
        if isinstance(x, Box):
            x._current()
        capture = Capture(x, self.here())
        symbol = self.input(self._plain_of(x))
        capture.value, capture.symbol = symbol._inner, symbol
        self.captures.append(capture)
        self._by_id[id(x)] = capture
        return capture

    def _plain_of(self, x: Any) -> Any:
        held = innermost(x)
        return held._trace.example(held._inner) if isinstance(held, Symbolic) else held

    def fix(self, array: np.ndarray[Any, Any]) -> None:
        """The graph depends on the elements of ``array``, which the function has found."""
        if all([fixed.array is not array for fixed in self.fixed]):
            self.fixed.append(Fixed(array))

    def constant(self, array: np.ndarray[Any, Any], weak: type | None = None) -> Symbolic:
        """A symbol for an array that nobody can change."""
        value = self.graph.add(Value("constant", (), array, array.shape, array.dtype, self.here()))
        self._known[value.number] = array
        return symbolic(self, value, array[()] if array.ndim == 0 else array, weak)

    def owns(self, arrays: Sequence[Any]) -> bool:
        """Whether an operation on ``arrays`` is this trace's: one of them is a symbol, and the others are plain."""
        mine = False
        for x in arrays:
            if type(x) is Symbolic:
                if x._trace is not self:
                    return False
                mine = True
            elif type(x) not in PLAIN:
                return False
        return mine

    def made(self, data: Any) -> Symbolic:
        """What stands for a tensor that is made of plain ``data`` while the function is traced."""
        if type(data) is np.ndarray:
            return self.lift(data)
        array = np.array(data)
        operand(array)  # raises if it holds no numbers
        return self.constant(array)

    def taken(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """``arrays``; as symbols, those that are boxes from outside the trace."""
        level = self.level
        for x in arrays:
            if type(x) is not Symbolic and isinstance(x, Box) and x._level < level and not self.is_made_here(x):
                return [self._taken(x) for x in arrays]
        return arrays

    def _taken(self, x: Any) -> Any:
        return self.lift(x) if isinstance(x, Box) and x._level < self.level and not self.is_made_here(x) else x

    def is_made_here(self, x: Box) -> bool:
        """Whether a box of an outer level holds what was computed in this trace: it was written into it."""
        held = of_all_examples(x)
        return type(held) is Symbolic and held._trace is self

    def record(self, op: Op, arrays: Sequence[Any], params: Params) -> Array:
        """``op(*arrays, **params)`` as a value of the graph."""
        inputs: list[Value] = []
        models: list[Any] = []
        args: list[Any] = []
        weak = True

        for x in arrays:
            if type(x) is not Symbolic or x._trace is not self:
                if type(x) not in PLAIN and not isinstance(x, Box):
                    x = operand(x)
                if type(x) in PLAIN and type(x) is not np.ndarray:
                    weak = weak and type(x) in _NUMBERS
                    args.append(x)
                    continue
                x = self.lift(x)
            if x._alias is not None:
                x._current()
            args.append(Hole(len(inputs)))
            inputs.append(x._inner)
            models.append(x._weak or x._model)
            weak = weak and x._weak is not None
        if params:

            def hole(x: Any) -> Hole | None:
                if type(x) is not Symbolic and (type(x) is not np.ndarray or x.dtype.kind == "b"):
                    return None
                symbol = self.lift(x)._current()
                inputs.append(symbol._inner)
                models.append(symbol._weak or symbol._model)
                return Hole(len(inputs) - 1)

            count = len(inputs)
            kept = {
                name: param if type(param) in _LITERALS else holes_in(param, hole) for name, param in params.items()
            }
            applied = Applied(op, tuple(args), kept)
            free = len(inputs) == count
        else:
            applied = Applied(op, tuple(args), {})
            free = True
        try:
            what = abstract(applied, inputs, models, free, self.example)
        except TraceError as error:
            raise TraceError(f"{error} The line is {self.here()}.") from None
        source = self._line or self.here()
        value = self.graph.add(Value("apply", tuple(inputs), applied, what.shape, what.dtype, source))
        self._recorded.append((modes.next_number(), value))
        made = symbolic(self, value, what.model, what.weak if weak else None)
        if self._is_suspended(op):
            made = self.record(STOP, (made,), NO_PARAMS)
        if what.shows and type(first := arrays[0]) is Symbolic:
            return view_of(made, op, params, first)
        return made

    def _is_suspended(self, op: Op) -> bool:
        """Whether the function has switched recording off, so that no derivative may flow through the operation."""
        return modes.floor() > self.level and op is not STOP and not op.is_constant

    def example(self, value: Value) -> Any:
        """The value for the example arguments, computed by NumPy when something can't do without."""
        self.examples += 1
        return evaluate(value, self._known)

    def masks(self) -> bool:
        """Whether the graph tells unselected elements apart; asked when a tangent meets an operation that selects."""
        self.selecting = True
        return self.masked

    def watch_tangent(self, tangent: Any) -> None:
        """``watch``, for what a transformation in forward mode is about to return."""
        if self.selecting and not self.masked:
            self.watch([tangent])

    def watch(self, arrays: Sequence[Any]) -> None:
        """A NaN in any of these derivatives asks for a slower, more careful computation."""
        for x in arrays:
            x = of_all_examples(x)
            if type(x) is Symbolic and x._trace is self:
                self.watched.append(x._current()._inner)

    def assume(self, condition: Any) -> None:
        """All elements of a traced condition are true; if they are not, the function is to be evaluated as it is."""
        self.watch([np.where(condition, 0.0, np.nan)])

    @contextmanager
    def followed(self, order: list[Node]) -> Iterator[list[Node]]:
        """While a sweep goes back over ``order``: what is recorded counts as of the line of the node in question."""
        before = self._line
        try:
            yield _Followed(order, self)
        finally:
            self._line = before

    def at(self, node: Node) -> None:
        """What is recorded from now on belongs to the derivative of ``node``."""
        i = bisect(self._recorded, node.number, key=_number_of)
        value = self._recorded[i - 1][1] if i else None  # the last one before the node was made
        source = value.source if value is not None and value.shape == node.shape else None
        self._line = None if source is None else source._replace(derivative=True)

    def here(self) -> Source | None:
        """The line of the person's program that is being run."""
        frame = sys._getframe(2)
        while frame is not None:
            code = frame.f_code
            ours = _FILES.get(code.co_filename)
            if ours is None:
                ours = _is_ours(frame)
            if not ours:
                return Source(code.co_filename, frame.f_lineno, code.co_name)
            frame = frame.f_back  # type: ignore[assignment]
        return None


class _Followed(list[Node]):
    """Nodes; the trace is told which of them is taken."""

    def __init__(self, order: list[Node], trace: Trace) -> None:
        super().__init__(order)
        self._trace = trace

    def pop(self, index: SupportsIndex = -1) -> Node:
        """The last node, which is taken off."""
        node = super().pop(index)
        self._trace.at(node)
        return node

    def __reversed__(self) -> Iterator[Node]:
        for node in super().__reversed__():
            self._trace.at(node)
            yield node


def _number_of(recorded: tuple[int, Value]) -> int:
    return recorded[0]


_OWN = frozenset({"wengert", "numpy", "contextlib", "optree", "functools"})
_FILES: dict[str, bool] = {}
"""Whether a file belongs to these packages, by its name."""


def _is_ours(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__")
    if name is None:  # a rule of the table, which was made of text
        return True
    ours = name.partition(".")[0] in _OWN
    if not frame.f_code.co_filename.startswith("<"):
        _FILES[frame.f_code.co_filename] = ours
    return ours


_NUMBERS = frozenset({int, float, complex})
_LITERALS = frozenset({int, float, bool, str, type(None)})
