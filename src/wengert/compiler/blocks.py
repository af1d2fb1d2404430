"""Blocks: a loop or a branch of a traced function as one operation of the table.

A block is a function of arrays, made of graphs. Its derivatives are blocks again, made when they are first asked for.
Its results lie in one flat array (``wengert.compiler.packing``). Where it is applied to tensors, a block that also
keeps what the pullback needs, *residuals*, runs in its place, one set for each level of tensors: the outermost level
pulls the block itself back, the next one the block with one set of residuals, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wengert._types import Array, Params
from wengert.arrays.batched import Batched
from wengert.arrays.dual import Dual, dual
from wengert.arrays.tensor import Tensor, lift
from wengert.compiler.abstract import Abstract, fresh, rule
from wengert.compiler.bodies import Mask
from wengert.compiler.graph import Graph
from wengert.compiler.packing import Packing
from wengert.core import modes
from wengert.core.aliasing import of_all_examples
from wengert.core.dispatch import Box, apply, close_level, core_of, open_level
from wengert.core.op import Op
from wengert.core.tape import Node
from wengert.ops.batching import batch_rule

__all__ = ["Block", "any_selects", "apply_block", "as_number", "shape_and_dtype", "zeros"]


class Block:
    """Abstract. ``packing`` says where the results are."""

    name: str
    packing: Packing
    flag: int | None = None
    """Which result is the flag (see ``Body``), if there is one."""

    def run(self, arrays: Sequence[Any]) -> np.ndarray[Any, Any]:
        """The flat array, for plain arrays."""
        raise NotImplementedError

    def unrolled(self, arrays: Sequence[Any]) -> list[Array | None]:
        """The results for boxed arrays, by the operations that the block is made of."""
        raise NotImplementedError

    @property
    def graphs(self) -> Sequence[Graph]:
        """What the block is made of."""
        raise NotImplementedError

    @cached_property
    def dtypes(self) -> list[np.dtype[Any]]:
        """The dtypes of the inputs."""
        return [x.dtype for x in self.graphs[0].inputs]

    def with_residuals(self, variable: Mask) -> Block:
        """The block, with residuals for the pullback with respect to the ``variable`` inputs as further results."""
        return self

    def pull_back(
        self, variable: Mask, gs: Sequence[Array], xs: Sequence[Array], ys: Sequence[Array]
    ) -> list[Array | None]:
        """The cotangents of the ``variable`` inputs, from those of the results; ``ys`` has residuals, too."""
        raise NotImplementedError

    def push_forward(self, ts: Sequence[Array | None], xs: Sequence[Array]) -> list[Array | None]:
        """The tangents of the results."""
        raise NotImplementedError

    def on_batch(self, xs: Sequence[Array], mapped: Mask, count: int) -> list[Array]:
        """The results for a batch, with the batch axis in front."""
        raise NotImplementedError

    @cached_property
    def op(self) -> Op:
        """The block as an operation."""
        return _OPS[self.name, any_selects(self.graphs)]


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    """One application. ``stack`` is the block, then with one set of residuals, with two, ...; the last one runs."""

    stack: tuple[Block, ...]
    variable: Mask
    levels: tuple[int, ...]

    @property
    def block(self) -> Block:
        """The block that runs."""
        return self.stack[-1]

    def __repr__(self) -> str:
        return f"<{self.block.name}>"


def apply_block(block: Block, arrays: Sequence[Any]) -> list[Array]:
    """The results of ``block`` for ``arrays``, plain or boxed."""
    call, flat = _applied(block, arrays)
    made = call.block.packing.unpack(flat, len(block.packing))
    if block.flag is not None and modes.tracing and (trace := modes.trace()) is not None:
        trace.watch([np.where(of_all_examples(made[block.flag]), np.nan, 0.0)])
    return made


def _applied(block: Block, arrays: Sequence[Any]) -> tuple[_Call, Array]:
    arrays = [
        core_of(x) if isinstance(x, Box) else x if isinstance(x, np.ndarray) else np.asarray(x)[()] for x in arrays
    ]
    levels = tuple(sorted({level for x in arrays for level in _tensor_levels(x)}, reverse=True))
    variable = tuple([x.dtype.kind in "fc" and bool(_tensor_levels(x)) for x in arrays])
    stack = [block]
    for _ in levels:
        stack.append(stack[-1].with_residuals(variable))
    call = _Call(tuple(stack), variable, levels)
    return call, apply(call.block.op, arrays, {"call": call})


def _reapplied(arrays: Sequence[Any], params: Params) -> Array:
    """What a graph that is applied to boxes calls: residuals are kept for these."""
    block: Block = params["call"].block
    call, flat = _applied(block, arrays)
    if call.block is block:
        return flat
    if call.block.packing.dtype == block.packing.dtype:
        return flat[: block.packing.size]
    return block.packing.pack(call.block.packing.unpack(flat, len(block.packing)))


def _tensor_levels(x: Any) -> list[int]:
    """The levels of the tensors around an array, up to the first batch."""
    found = []
    while isinstance(x := core_of(x), Box) and type(x) is not Batched and not x._symbolic:
        x._current()
        if type(x) is Tensor and not x._inert:
            found.append(x._level)
        x = x._inner
    return found


def _all_levels(x: Any) -> set[int]:
    found = set()
    while isinstance(x, Box) and not (x._symbolic and type(x) is not Batched):
        found.add(x._level)
        x = x._current()._inner
    return found


def _run(*arrays: Any, call: _Call) -> Any:
    kinds = call.block.dtypes
    with np.errstate(all="ignore"):
        return call.block.run([_of_dtype(x, kind) for x, kind in zip(arrays, kinds, strict=True)])


def _of_dtype(x: Any, dtype: np.dtype[Any]) -> Any:
    if not isinstance(x, np.ndarray | np.generic):
        return dtype.type(x)
    return x if x.dtype == dtype else x.astype(dtype)


def _pull_back(g: Array, xs: Sequence[Array], y: Array, call: _Call) -> list[Array | None]:
    gs = call.block.packing.unpack(g)
    inside = _all_levels(y)
    above = len([level for level in call.levels if level not in inside])
    if above:  # the levels from this one up
        block, variable = call.stack[above - 1], call.variable
        ys = call.block.packing.unpack(y)
    else:
        block, variable = call.block, tuple([x.dtype.kind in "fc" for x in xs])
        ys = apply_block(block.with_residuals(variable), xs)
    return block.pull_back(variable, gs[: len(block.packing)], xs, ys)


def _push_forward(ts: Sequence[Array | None], frame: Node) -> Array:
    block: Block = frame.params["call"].block
    op: Any = frame.op
    if op.selects and not modes.trace():
        return _pushed_one_by_one(block, ts, frame.xs)
    return block.packing.pack(block.push_forward(ts, frame.xs))


def _pushed_one_by_one(block: Block, ts: Sequence[Array | None], xs: Sequence[Array]) -> Array:
    """Where the reach of each tangent inside matters (see ``wengert.core.masking``)."""
    level = open_level()
    try:
        made = block.unrolled([x if t is None else dual(x, t, level) for x, t in zip(xs, ts, strict=True)])
        tangents = [y._tangent if type(y) is Dual and y._level == level else None for y in made]
    finally:
        close_level(level)
    return block.packing.pack(tangents)


def _opened(node: Node) -> tuple[list[Node | None], Node | None]:
    """The block done anew with the operations of the table: the leaves, one a parent, and the root."""
    block: Block = node.params["call"].block
    level = open_level()
    try:
        lifted = [x if p is None else lift(x, level) for x, p in zip(node.xs, node.parents, strict=True)]
        made = [y if isinstance(y, Tensor) and y._level == level else None for y in block.unrolled(lifted)]
        root: Any = block.packing.pack(made)
    finally:
        close_level(level)
    leaves = [None if p is None else t._node for t, p in zip(lifted, node.parents, strict=True)]
    return leaves, root._node if type(root) is Tensor and root._level == level else None


@rule("loop", "branch", "while_loop")
def _form(params: Params, arrays: Sequence[Any]) -> Abstract:
    packing = params["call"].block.packing
    return fresh((packing.size,), packing.dtype)


def _op(name: str, selects: bool) -> Op:
    return Op(
        name,
        "structured",
        _run,
        ("*xs",),
        joint=_pull_back,
        push_all=_push_forward,
        opened=_opened,
        selects=selects,
        reapplied=_reapplied,
    )


_OPS = {(name, selects): _op(name, selects) for name in ("loop", "branch", "while_loop") for selects in (False, True)}


@batch_rule(*_OPS.values())
def _batched(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Any:
    block: Block = params["call"].block
    made = block.on_batch(xs, tuple(mapped), count)
    return _packed_examples(block.packing, made, count)


def _packed_examples(packing: Packing, made: Sequence[Array], count: int) -> Array:
    """The flat arrays of all examples."""
    if count == 0 or not packing.slots:
        return np.zeros((count, packing.size), packing.dtype)
    if all([s.inexact for s in packing.slots]):
        rows = [np.reshape(y, (count, -1)) for y in made]
        return np.concatenate([r if r.dtype == packing.dtype else r.astype(packing.dtype) for r in rows], axis=1)
    return np.stack([packing.pack([y[i] for y in made]) for i in range(count)])


# What kinds of blocks share


def any_selects(graphs: Sequence[Graph]) -> bool:
    """Whether an operation in a graph selects among elements, other than by reading an input."""
    for graph in graphs:
        for value in graph.values:
            op = value.attrs.op if value.prim == "apply" else None
            if op is not None and op.selects and not (op.reads and value.inputs[0].prim == "input"):
                return True
    return False


def shape_and_dtype(graph: Graph) -> list[tuple[Any, Any]]:
    """Shapes and dtypes of a graph's outputs."""
    return [(y.shape, y.dtype) for y in graph.outputs]


def as_number(x: Array) -> Any:
    """A Python number, which widens no dtype; boxes as they are."""
    return x if isinstance(x, Box) else np.asarray(x).item()


def zeros(shape: Any, dtype: Any) -> Array:
    """Zeros; a constant of the graph where one is being traced."""
    made = np.zeros(shape, dtype)[()]
    trace = modes.trace() if modes.tracing else None
    return made if trace is None else trace.constant(np.asarray(made))
