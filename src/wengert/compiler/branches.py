"""``Branch``, a block that runs one of two graphs; ``While``, one that runs a graph as long as another says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.compiler.backend import executable
from wengert.compiler.blocks import Block, apply_block, as_number, zeros
from wengert.compiler.bodies import Body, Mask, Weak, dependent, on_batch, pulled, pushed
from wengert.compiler.graph import Graph, Value
from wengert.compiler.packing import Packing
from wengert.compiler.replay import apply_values
from wengert.compiler.rounds import closed_under
from wengert.compiler.split import subgraph
from wengert.core.aliasing import innermost
from wengert.core.dispatch import Box
from wengert.errors import UnsupportedFunction

__all__ = ["Branch", "While", "with_inputs"]

Kinds = Sequence[tuple[Any, Any]]


class Branch(Block):
    """The first of two graphs if the first input is true, else the second. The other inputs are the graphs' inputs.

    A derivative is a branch between derivatives. The pullback computes what it needs of the branch that was taken anew.
    """

    name = "branch"

    def __init__(self, branches: Sequence[Graph], weak: Weak, kinds: Kinds, flag: int | None = None) -> None:
        self.branches = tuple(branches)
        self.weak = weak
        self.flag = flag
        self.packing = Packing(kinds)
        self._derived: dict[Any, Branch] = {}

    @property
    def graphs(self) -> Sequence[Graph]:
        """The branches."""
        return self.branches

    @cached_property
    def dtypes(self) -> list[np.dtype[Any]]:
        """The dtypes of the inputs."""
        return [np.dtype(bool), *[x.dtype for x in self.branches[0].inputs]]

    @cached_property
    def runs(self) -> list[Any]:
        """What computes the branches."""
        return [executable(graph) for graph in self.branches]

    def _choice(self, chosen: Any) -> int:
        return 0 if bool(np.asarray(innermost(chosen)).reshape(-1)[0]) else 1

    def _given(self, xs: Sequence[Any]) -> list[Any]:
        return [as_number(x) if w else x for x, w in zip(xs[1:], self.weak, strict=True)]

    def run(self, arrays: Sequence[Any]) -> np.ndarray[Any, Any]:
        """The flat array, for plain arrays."""
        flat, places = self.packing.blank()
        for place, y in zip(places, self.runs[self._choice(arrays[0])](self._given(arrays)), strict=True):
            place[...] = y
        return flat

    def unrolled(self, arrays: Sequence[Any]) -> list[Array | None]:
        """The results for boxed arrays, by the operations that the block is made of."""
        return list(apply_values(self.branches[self._choice(arrays[0])], self._given(arrays)))

    def _derive(self, key: Any, make: Callable[[Graph], tuple[Graph, bool]], weak: Weak) -> Branch:
        """The branch between what ``make`` makes of both graphs. It says whether the last output is a flag."""
        if key not in self._derived:
            made = [make(graph) for graph in self.branches]
            flagged = any([flag for _, flag in made])
            graphs = [_flagged(graph) if flagged and not flag else graph for graph, flag in made]
            kinds = [(y.shape, y.dtype) for y in graphs[0].outputs]
            self._derived[key] = Branch(graphs, weak, kinds, len(kinds) - 1 if flagged else None)
        return self._derived[key]

    def _smooth(self, variable: Mask) -> list[bool]:
        """Which results depend on the ``variable`` inputs in one of the branches."""
        both = [dependent(graph, variable[1:]) for graph in self.branches]
        smooth = [a or b for a, b in zip(*both, strict=True)]
        return [d and s.inexact for d, s in zip(smooth, self.packing.slots, strict=True)]

    def pull_back(
        self, variable: Mask, gs: Sequence[Array], xs: Sequence[Array], ys: Sequence[Array]
    ) -> list[Array | None]:
        """The cotangents of the ``variable`` inputs, from those of the results."""
        wanted = tuple(self._smooth(variable))

        def make(graph: Graph) -> tuple[Graph, bool]:
            joint, flagged = pulled(graph, variable[1:], wanted, self.weak, carried=False)
            return subgraph(joint, joint.inputs, joint.outputs[len(graph.outputs) :]), flagged

        weak = (*self.weak, *[None for w in wanted if w])
        block = self._derive(("pull", variable), make, weak)
        made = iter(apply_block(block, [*xs, *[g for g, w in zip(gs, wanted, strict=True) if w]]))
        return [next(made) if v else None for v in variable]

    def push_forward(self, ts: Sequence[Array | None], xs: Sequence[Array]) -> list[Array | None]:
        """The tangents of the results."""
        variable = tuple([t is not None for t in ts])
        smooth = self._smooth(variable)

        def make(graph: Graph) -> tuple[Graph, bool]:
            joint, flagged = pushed(graph, variable[1:], self.weak, carried=False)
            count = len(graph.outputs)
            made = iter(joint.outputs[count:])
            tangents = []
            for y, mine, any_of in zip(joint.outputs[:count], dependent(graph, variable[1:]), smooth, strict=True):
                if mine:
                    tangents.append(next(made))
                elif any_of:
                    tangents.append(_zeros(joint, y))
            return subgraph(joint, joint.inputs, [*tangents, *made]), flagged

        block = self._derive(("push", variable), make, (*self.weak, *[None for t in ts if t is not None]))
        made = iter(apply_block(block, [*xs, *[t for t in ts if t is not None]]))
        return [next(made) if s else None for s in smooth]

    def on_batch(self, xs: Sequence[Array], mapped: Mask, count: int) -> list[Array]:
        """The results for a batch, with the batch axis in front: both, and a choice, if examples choose differently."""
        weak = tuple([None if m else w for m, w in zip(mapped[1:], self.weak, strict=True)])
        same = (False,) * len(self.packing)
        block = self._derive(
            ("batch", mapped, count), lambda g: (on_batch(g, mapped[1:], same, count, self.weak), False), weak
        )
        if not mapped[0]:
            return apply_block(block, xs)
        given = block._given(xs)
        both = [apply_values(graph, given) for graph in block.branches]
        made = []
        for a, b, s in zip(*both, self.packing.slots, strict=True):
            chosen = np.reshape(xs[0], (count, *(1,) * len(s.shape)))
            made.append(np.where(chosen, a, b))
        return made


class While(Block):
    """``body`` again and again, as long as ``test`` gives true. Both take the carries, and what stays the same."""

    name = "while_loop"

    def __init__(
        self, test: Graph, body: Graph, carries: int, flag: int | None = None, kinds: Kinds | None = None
    ) -> None:
        self.test = test
        self.body = body
        self.carries = carries
        self.flag = flag
        self.packing = Packing(kinds or [(y.shape, y.dtype) for y in body.outputs])
        self._pushes: dict[Mask, tuple[While, Mask]] = {}
        self._batches: dict[tuple[Mask, int], tuple[While, Mask]] = {}

    @property
    def graphs(self) -> Sequence[Graph]:
        """The body. (The test has no derivative.)"""
        return [self.body]

    @cached_property
    def steps(self) -> tuple[Any, Any]:
        """What computes the test and the body."""
        return executable(self.test), executable(self.body)

    def run(self, arrays: Sequence[Any]) -> np.ndarray[Any, Any]:
        """The flat array, for plain arrays."""
        test, step = self.steps
        carry, rest = list(arrays[: self.carries]), arrays[self.carries :]
        while bool(test([*carry, *rest])[0]):
            carry = list(step([*carry, *rest]))
        flat, places = self.packing.blank()
        for place, y in zip(places, carry, strict=True):
            place[...] = y
        return flat

    def unrolled(self, arrays: Sequence[Any]) -> list[Array | None]:
        """The results for boxed arrays, by the operations that the block is made of."""
        carry, rest = list(arrays[: self.carries]), list(arrays[self.carries :])
        while bool(np.asarray(innermost(apply_values(self.test, [*carry, *rest])[0]))):
            carry = apply_values(self.body, [*carry, *rest])
        return [x if isinstance(x, Box) else np.asarray(x)[()] for x in carry]

    def pull_back(
        self, variable: Mask, gs: Sequence[Array], xs: Sequence[Array], ys: Sequence[Array]
    ) -> list[Array | None]:
        """An error: what to save for how many rounds isn't known."""
        raise UnsupportedFunction(
            "wg.jit: reverse mode can't differentiate a while_loop (or a fori_loop with traced bounds), as the number "
            "of its rounds, and so what has to be kept of them, isn't known. Use wg.scan, or wg.fori_loop with bounds "
            "that are known when the function is traced (static arguments); or use forward mode, wg.jvp; or don't jit."
        )

    def push_forward(self, ts: Sequence[Array | None], xs: Sequence[Array]) -> list[Array | None]:
        """The tangents of the results."""
        mask = tuple([t is not None for t in ts])
        if mask not in self._pushes:
            self._pushes[mask] = self._pushed(mask)
        block, varying = self._pushes[mask]
        n = self.carries
        given = [zeros(np.shape(x), x.dtype) if t is None and v else t for x, t, v in zip(xs, ts, varying, strict=True)]
        t_carry, t_rest = ([t for t in part if t is not None] for part in (given[:n], given[n:]))
        flag = [] if block.flag is None else [np.False_]
        made = iter(apply_block(block, [*xs[:n], *t_carry, *flag, *xs[n:], *t_rest])[n:])
        return [next(made) if v else None for v in varying[:n]]

    def _pushed(self, mask: Mask) -> tuple[While, Mask]:
        n, count = self.carries, len(self.body.inputs)
        varying = closed_under(self.body, n, mask)
        joint, flagged = pushed(self.body, varying, (None,) * count)
        inputs = joint.inputs
        places = [i for i, v in enumerate(varying) if v]
        ts = dict(zip(places, inputs[count:], strict=False))
        made = iter(joint.outputs[n : len(joint.outputs) - flagged])
        tangents = {i: next(made) for i, d in enumerate(dependent(self.body, varying)) if d}
        carried = [*joint.outputs[:n]]
        carried += [tangents[i] if i in tangents else _zeros(joint, inputs[i]) for i in places if i < n]
        carried += joint.outputs[len(joint.outputs) - flagged :]
        flag = inputs[len(inputs) - flagged :]
        given = [
            *inputs[:n],
            *[ts[i] for i in places if i < n],
            *flag,
            *inputs[n:count],
            *[ts[i] for i in places if i >= n],
        ]
        test = with_inputs(self.test, [(x.shape, x.dtype) for x in given], [given.index(x) for x in inputs[:count]])
        body = subgraph(joint, given, carried)
        return While(test, body, len(carried), len(carried) - 1 if flagged else None), varying

    def on_batch(self, xs: Sequence[Array], mapped: Mask, count: int) -> list[Array]:
        """The results for a batch: rounds until all examples are done; those that are keep their values."""
        key = mapped, count
        if key not in self._batches:
            full = closed_under(self.body, self.carries, mapped, smooth=False)
            if dependent(self.test, full, smooth=False)[0]:
                full = (*[True] * self.carries, *full[self.carries :])
            self._batches[key] = self._on_batch(full, count), full
        block, full = self._batches[key]
        arrays = [
            x if m or not f else np.broadcast_to(x, (count, *np.shape(x)))
            for x, m, f in zip(xs, mapped, full, strict=True)
        ]
        made = apply_block(block, arrays)
        return [y if f else np.broadcast_to(y, (count, *np.shape(y))) for y, f in zip(made, full, strict=False)]

    def _on_batch(self, full: Mask, count: int) -> While:
        weak: Weak = (None,) * len(full)
        test = on_batch(self.test, full, (False,), count, weak)
        body = on_batch(self.body, full, tuple([not f for f in full[: self.carries]]), count, weak)
        if not dependent(self.test, full, smooth=False)[0]:
            return While(_reduced(test), body, self.carries)
        frozen = Body()
        with frozen.open():
            given = [frozen.symbol(x.shape, x.dtype) for x in body.inputs]
            active = apply_values(test, given)[0]
            new = apply_values(body, given)
            kept = []
            for x, y in zip(given[: self.carries], new, strict=True):
                kept.append(np.where(np.reshape(active, (count, *(1,) * (y.ndim - 1))), y, x))
            frozen.graph.outputs = [frozen.value(y) for y in kept]
        return While(_reduced(test), frozen.graph, self.carries)


def _reduced(test: Graph) -> Graph:
    """Whether a test is true for any example."""
    body = Body()
    with body.open():
        found = apply_values(test, [body.symbol(x.shape, x.dtype) for x in test.inputs])[0]
        body.graph.outputs = [body.value(np.any(found))]
    return body.graph


def with_inputs(graph: Graph, kinds: Kinds, places: Sequence[int]) -> Graph:
    """``graph`` with inputs of these kinds, of which those in ``places`` are its own."""
    made = Graph()
    given = [made.input(shape, dtype) for shape, dtype in kinds]
    new = {x.number: given[i] for x, i in zip(graph.inputs, places, strict=True)}
    for value in graph.values:
        if value.prim != "input":
            copy = Value(
                value.prim,
                tuple([new[x.number] for x in value.inputs]),
                value.attrs,
                value.shape,
                value.dtype,
                value.source,
            )
            new[value.number] = made.add(copy)
    made.outputs = [new[y.number] for y in graph.outputs]
    return made


def _constant(graph: Graph, array: Any) -> Value:
    return graph.add(Value("constant", (), array, array.shape, array.dtype))


def _zeros(graph: Graph, like: Value) -> Value:
    return _constant(graph, np.zeros(like.shape, like.dtype))


def _flagged(graph: Graph) -> Graph:
    """``graph`` with a further output that is false."""
    graph.outputs.append(_constant(graph, np.asarray(False)))
    return graph
