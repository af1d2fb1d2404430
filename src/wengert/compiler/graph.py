"""Graphs: what a traced function computes, as data. Values in the order in which they were computed.

Tracing leaves a graph of the table's operations (``apply``). Lowering rewrites those that it knows into *primitives*,
few and simple enough for passes to reason about and for kernels to be made of; the others stay.

============  =============================  =======================================================================
``prim``      ``attrs``                      the value
============  =============================  =======================================================================
input         its position                   an argument's leaf, or a captured array
constant      an array                       it
apply         ``Applied``                    an operation of the table on ``inputs``
map           a scalar function's name       the function (``wengert.compiler.functions``, or ``cast``), element by
                                             element; inputs broadcast
index         an axis                        the position along the axis, ``int64``
view          ``Affine``                     elements of the input, a dense array, at regular places
reduce        ``(kind, axes)``               combined along axes, which are dropped (``REDUCTIONS`` in
                                             ``wengert.compiler.kernel``)
matmul        ``None``                       the product of two stacks of matrices, ``(..., m, k) @ (..., k, n)``
gather        ``Gathered``                   elements of ``inputs[0]`` at the positions that the other inputs give
scatter       ``(Gathered, kind)``           ``inputs[0]`` with ``inputs[1]`` written to (``set``) or added at (``add``)
                                             the positions that the rest give
update        ``(Affine, kind)``             ``inputs[0]`` with ``inputs[1]`` written to or added at regular places
alarm         ``None``                       nothing: where the input holds, the run's results are not to be used
loop          ``Rounds``                     nothing by itself: a body, run many times; items are its results
item          its position                   one of the results of ``inputs[0]``, a loop
packed        a slot for each of them        the inputs in one flat array; lowering leaves none
============  =============================  =======================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from wengert._types import Shape
from wengert.core.op import Op

__all__ = [
    "Affine",
    "Applied",
    "Gathered",
    "Graph",
    "Hole",
    "Rounds",
    "Source",
    "Value",
    "fill",
    "holes_in",
    "live_values",
    "users",
]


class Source(NamedTuple):
    """The line of a person's program that a value comes from: computed there, or in the derivative of what is."""

    file: str
    line: int
    function: str
    derivative: bool = False

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, in {self.function}"


class Hole(NamedTuple):
    """Stands for an input in the arguments or parameters of an operation."""

    index: int  # type: ignore[assignment]  # hides a method of tuples


class Applied(NamedTuple):
    """``op(*args, **params)``. Inputs of the value are holes; everything else is a literal."""

    op: Op
    args: tuple[Any, ...]
    params: dict[str, Any]


class Affine(NamedTuple):
    """Places in a dense array: element ``offset + sum(i[k] * strides[k])`` for the index ``i`` of the result."""

    offset: int
    strides: tuple[int, ...]


class Gathered(NamedTuple):
    """Places in a dense array that depend on data: an affine part, and for each array of positions its step.

    The arrays broadcast to the result's shape; negative positions count from the end of their ``extents``.
    """

    affine: Affine
    steps: tuple[int, ...]
    extents: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rounds:
    """``count`` rounds of ``body``.

    Its inputs are ``carries``, a row each of ``rows`` arrays, and what stays the same. Its outputs are the new carries,
    and results, which are stacked. ``reverse``: the last row comes first.
    """

    body: Graph
    carries: int
    rows: int
    count: int
    reverse: bool

    def __repr__(self) -> str:
        return f"{self.count} rounds{', the last row first' if self.reverse else ''}"


class Value:
    """One value of a graph; an array."""

    __slots__ = ("attrs", "dtype", "inputs", "number", "prim", "shape", "source", "use")

    def __init__(
        self,
        prim: str,
        inputs: tuple[Value, ...],
        attrs: Any,
        shape: Shape,
        dtype: np.dtype[Any],
        source: Source | None = None,
    ) -> None:
        self.prim = prim
        self.inputs = inputs
        self.attrs = attrs
        self.shape = shape
        self.dtype = dtype
        self.source = source
        self.number = -1
        self.use: Any = None
        """What ``fuse.use_of`` has found out."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for n in self.shape:
            size *= n
        return size

    def __repr__(self) -> str:
        return f"%{self.number}"

    def describe(self) -> str:
        """One line of a listing."""
        what = self.attrs
        if self.prim == "apply":
            what = self.attrs.op.name
        elif self.prim == "constant":
            what = f"{self.attrs.reshape(-1)[0]}" if self.size == 1 else "..."
        shape = ",".join(map(str, self.shape))
        return f"%{self.number} = {self.prim} {what} {' '.join(map(repr, self.inputs))} : {self.dtype}[{shape}]"


class Graph:
    """Values in order, each after its inputs; some are the graph's inputs and outputs."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []

    def add(self, value: Value) -> Value:
        """Append a value, which gets its number."""
        value.number = len(self.values)
        self.values.append(value)
        if value.prim == "input":
            self.inputs.append(value)
        return value

    def input(self, shape: Shape, dtype: np.dtype[Any]) -> Value:
        """Append another input."""
        return self.add(Value("input", (), len(self.inputs), shape, dtype))

    def validate(self) -> None:
        """Raise ``ValueError`` where the graph is none: a mistake of the compiler's."""
        seen: set[int] = set()
        for number, value in enumerate(self.values):
            if value.number != number:
                raise ValueError(f"{value.describe()}: is number {number} of its graph.")
            for x in value.inputs:
                if id(x) not in seen:
                    raise ValueError(f"{value.describe()}: its input {x.describe()} does not come before it.")
            seen.add(id(value))
        for i, value in enumerate(self.inputs):
            if value.prim != "input" or value.attrs != i or id(value) not in seen:
                raise ValueError(f"{value.describe()}: is no input number {i}.")
        for value in self.outputs:
            if id(value) not in seen:
                raise ValueError(f"{value.describe()}: is an output, but not in the graph.")

    def __str__(self) -> str:
        lines = []
        for value in self.values:
            lines.append(value.describe())
            if value.prim == "loop":
                lines += [f"    {line}" for line in str(value.attrs.body).splitlines()]
        return "\n".join([*lines, f"outputs: {' '.join(map(repr, self.outputs))}"])


def holes_in(tree: Any, take: Callable[[Any], Hole | None]) -> Any:
    """``tree`` (of tuples, lists, dicts and slices) with a hole for each part that ``take`` makes one for."""
    hole = take(tree)
    if hole is not None:
        return hole
    if type(tree) is tuple or type(tree) is list:
        return type(tree)([holes_in(part, take) for part in tree])
    if type(tree) is dict:
        return {key: holes_in(part, take) for key, part in tree.items()}
    if type(tree) is slice:
        return slice(*[holes_in(part, take) for part in (tree.start, tree.stop, tree.step)])
    return tree


def fill(tree: Any, values: Sequence[Any]) -> Any:
    """``tree`` with its holes filled."""
    if type(tree) is Hole:
        return values[tree.index]
    if type(tree) is tuple or type(tree) is list:
        return type(tree)([fill(part, values) for part in tree])
    if type(tree) is dict:
        return {key: fill(part, values) for key, part in tree.items()}
    if type(tree) is slice:
        return slice(*[fill(part, values) for part in (tree.start, tree.stop, tree.step)])
    return tree


def live_values(graph: Graph) -> set[int]:
    """Numbers of the values that the outputs depend on."""
    live = {y.number for y in graph.outputs}
    for value in reversed(graph.values):
        if value.number in live:
            live.update([x.number for x in value.inputs])
    return live


def users(graph: Graph) -> list[list[Value]]:
    """For each value, by number, those that use it."""
    found: list[list[Value]] = [[] for _ in graph.values]
    for value in graph.values:
        for x in value.inputs:
            found[x.number].append(value)
    return found
