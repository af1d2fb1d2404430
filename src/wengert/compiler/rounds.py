"""``Loop``: a block that runs a body for each row of some arrays, and what derives from it, which are loops, too.

The pullback of a loop is a loop in the other direction. It goes through the residuals that the forward rounds left, and
carries the cotangents of the carry and the totals of what is the same in all rounds. The body is traced once for
the loop, once for its pullback, once for its pushforward, however many rounds there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from wengert._types import Array
from wengert.compiler.backend import executable
from wengert.compiler.blocks import Block, apply_block, as_number, zeros
from wengert.compiler.bodies import Mask, Weak, dependent, on_batch, pulled, pushed
from wengert.compiler.graph import Graph, Value
from wengert.compiler.packing import Packing
from wengert.compiler.replay import apply_values
from wengert.compiler.split import residuals_of, subgraph
from wengert.core.dispatch import Box

__all__ = ["Loop", "closed_under"]


class Loop(Block):
    """``count`` rounds of ``body``. Its inputs: ``carries``, a row of each of ``rows`` arrays, what stays the same.

    The body's outputs are the carries and results of the round, which are stacked. ``weak`` says which inputs of the
    body are Python numbers. ``reverse``: the last row comes first.
    """

    name = "loop"

    def __init__(
        self,
        body: Graph,
        carries: int,
        rows: int,
        count: int,
        reverse: bool,
        weak: Weak,
        kinds: Sequence[tuple[Any, Any]] | None = None,
        flag: int | None = None,
    ) -> None:
        self.body = body
        self.carries = carries
        self.rows = rows
        self.count = count
        self.reverse = reverse
        self.weak = weak
        self.flag = flag
        self.kinds = list(kinds or [(y.shape, y.dtype) for y in body.outputs])
        stacked = [((count, *shape), dtype) for shape, dtype in self.kinds[carries:]]
        self.packing = Packing([*self.kinds[:carries], *stacked])
        self._pulls: dict[Mask, _Pull] = {}
        self._pushes: dict[Mask, tuple[Loop, Mask]] = {}
        self._batches: dict[tuple[Mask, int], tuple[Loop, Mask]] = {}

    @property
    def graphs(self) -> Sequence[Graph]:
        """The body."""
        return [self.body]

    @cached_property
    def step(self) -> Any:
        """What computes a round."""
        return executable(self.body)

    @property
    def order(self) -> range:
        """The rounds, in order."""
        return range(self.count - 1, -1, -1) if self.reverse else range(self.count)

    def _row(self, rows: Sequence[Any], i: int) -> list[Any]:
        weak = self.weak[self.carries : self.carries + self.rows]
        return [as_number(x[i]) if w else x[i] for x, w in zip(rows, weak, strict=True)]

    def _parts(self, xs: Sequence[Any]) -> tuple[list[Any], Sequence[Any], Sequence[Any]]:
        end = self.carries + self.rows
        return list(xs[: self.carries]), xs[self.carries : end], xs[end:]

    def run(self, arrays: Sequence[Any]) -> np.ndarray[Any, Any]:
        """The flat array, for plain arrays."""
        carry, rows, rest = self._parts(arrays)
        flat, places = self.packing.blank()
        stacks = places[self.carries :]
        for i in self.order:
            ys = self.step([*carry, *self._row(rows, i), *rest])
            carry = [_of_dtype(y, k[1]) for y, k in zip(ys[: self.carries], self.kinds, strict=False)]
            for place, y in zip(stacks, ys[self.carries :], strict=True):
                place[i] = y
        for place, y in zip(places, carry, strict=False):
            place[...] = y
        return flat

    def unrolled(self, arrays: Sequence[Any]) -> list[Array | None]:
        """The results for boxed arrays, by the operations that the block is made of."""
        carry, rows, rest = self._parts(arrays)
        stacks: list[list[Any]] = [[None] * self.count for _ in self.kinds[self.carries :]]
        for i in self.order:
            ys = apply_values(self.body, [*carry, *self._row(rows, i), *rest])
            ys = [_of_dtype(y, k[1]) for y, k in zip(ys, self.kinds, strict=True)]
            carry = ys[: self.carries]
            for stack, y in zip(stacks, ys[self.carries :], strict=True):
                stack[i] = y
        empty = [np.zeros((0, *shape), dtype) for shape, dtype in self.kinds[self.carries :]]
        return [*carry, *[np.stack(s) if s else e for s, e in zip(stacks, empty, strict=True)]]

    # Derivatives

    def _pull(self, variable: Mask) -> _Pull:
        if variable not in self._pulls:
            self._pulls[variable] = _pull_of(self, variable)
        return self._pulls[variable]

    def with_residuals(self, variable: Mask) -> Block:
        """The loop, with residuals for the pullback with respect to the ``variable`` inputs as further results."""
        return self._pull(variable).forward

    def pull_back(
        self, variable: Mask, gs: Sequence[Array], xs: Sequence[Array], ys: Sequence[Array]
    ) -> list[Array | None]:
        """The cotangents of the ``variable`` inputs, from those of the results; ``ys`` has residuals, too."""
        pull = self._pull(variable)
        found = [xs[i] if of_input else ys[i] for of_input, i in pull.sources]
        totals = [zeros(shape, dtype) for shape, dtype in pull.totals]
        cotangents = [gs[i] for i in pull.wanted]
        n = len([i for i in pull.wanted if i < self.carries])
        flag = [] if pull.backward.flag is None else [np.False_]
        rows, rest = found[: pull.stacked], found[pull.stacked :]
        made = apply_block(pull.backward, [*cotangents[:n], *totals, *flag, *rows, *cotangents[n:], *rest])
        return [
            None if at is None or not v else _of_dtype(made[at], x.dtype)
            for at, v, x in zip(pull.results, variable, xs, strict=True)
        ]

    def push_forward(self, ts: Sequence[Array | None], xs: Sequence[Array]) -> list[Array | None]:
        """The tangents of the results."""
        mask = tuple([t is not None for t in ts])
        if mask not in self._pushes:
            self._pushes[mask] = _push_of(self, mask)
        loop, varying = self._pushes[mask]
        carry, rows, rest = self._parts(xs)
        given = [zeros(np.shape(x), x.dtype) if t is None and v else t for x, t, v in zip(xs, ts, varying, strict=True)]
        t_carry, t_rows, t_rest = [[t for t in part if t is not None] for part in self._parts(given)]
        flag = [] if loop.flag is None else [np.False_]
        made = apply_block(loop, [*carry, *t_carry, *flag, *rows, *t_rows, *rest, *t_rest])
        tangents = iter([*made[self.carries : self.carries + len(t_carry)], *made[loop.carries :]])
        return [next(tangents) if d else None for d in _smooth_outputs(self, varying)]

    def on_batch(self, xs: Sequence[Array], mapped: Mask, count: int) -> list[Array]:
        """The results for a batch, with the batch axis in front."""
        key = mapped, count
        if key not in self._batches:
            full = closed_under(self.body, self.carries, mapped, smooth=False)
            same = (*[not m for m in full[: self.carries]], *[False] * (len(self.kinds) - self.carries))
            body = on_batch(self.body, full, same, count, self.weak)
            weak = tuple([None if m else w for m, w in zip(full, self.weak, strict=True)])
            loop = Loop(body, self.carries, self.rows, self.count, self.reverse, weak)
            self._batches[key] = loop, full
        loop, full = self._batches[key]
        arrays = [
            x if m or not f else np.broadcast_to(x, (count, *np.shape(x)))
            for x, m, f in zip(xs, mapped, full, strict=True)
        ]
        for i in range(self.carries, self.carries + self.rows):
            if mapped[i]:
                arrays[i] = np.moveaxis(arrays[i], 0, 1)
        made = apply_block(loop, arrays)
        carry = [
            y if f else np.broadcast_to(y, (count, *np.shape(y)))
            for y, f in zip(made[: self.carries], full, strict=False)
        ]
        return [*carry, *[np.moveaxis(y, 1, 0) for y in made[self.carries :]]]


class _Pull(NamedTuple):
    """How a loop is pulled back.

    ``forward`` has residuals as further results. ``backward`` carries the cotangents of the carries in ``wanted``,
    which are positions of results, then totals, then a flag. It goes through the first ``stacked`` of what ``sources``
    names, pairs of "is it an input?" and a position among inputs or results; then through the cotangents of the other
    ``wanted``. ``results`` says for each input which result of ``backward`` is its cotangent.
    """

    forward: Loop
    backward: Loop
    wanted: list[int]
    totals: list[tuple[Any, Any]]
    sources: list[tuple[bool, int]]
    stacked: int
    results: list[int | None]


def closed_under(body: Graph, carries: int, mask: Mask, smooth: bool = True) -> Mask:
    """``mask``, of inputs of the body, with the carries that come to depend on these in any round."""
    while True:
        after = dependent(body, mask, smooth)
        wider = tuple([m or (i < carries and after[i]) for i, m in enumerate(mask)])
        if wider == mask:
            return mask
        mask = wider


def _smooth_outputs(loop: Loop, varying: Mask) -> Mask:
    """Which results have a derivative; carries of no rounds are what they were."""
    after = dependent(loop.body, varying)
    return tuple([varying[i] if i < loop.carries else a for i, a in enumerate(after)])


def _pull_of(loop: Loop, variable: Mask) -> _Pull:
    n, end = loop.carries, loop.carries + loop.rows
    varying = closed_under(loop.body, n, variable)
    outputs = _smooth_outputs(loop, varying)
    summed = tuple([v and i >= end for i, v in enumerate(varying)])
    joint, flagged = pulled(loop.body, varying, outputs, loop.weak, summed)
    inputs = joint.inputs
    count, kept = len(loop.body.inputs), len(loop.body.outputs)
    wanted = [i for i, w in enumerate(outputs) if w]
    gs = inputs[count : count + len(wanted)]
    n_gs = len([i for i in wanted if i < n])
    totals = inputs[count + len(wanted) : len(inputs) - flagged]
    flag = inputs[len(inputs) - flagged :]

    residuals = residuals_of(joint, inputs[count:], joint.outputs[kept:], inputs[end:count])
    rest = [x for x in residuals if x.prim == "input" and x.attrs >= end]
    stacked = [x for x in residuals if x not in rest]
    results = {y.number: i for i, y in reversed(list(enumerate(joint.outputs[:kept]))) if i >= n}
    new: list[Value] = []
    sources: list[tuple[bool, int]] = []
    weak: list[type | None] = []
    for x in stacked:
        if x.prim == "input" and x.attrs >= n:
            sources.append((True, x.attrs))
            weak.append(loop.weak[x.attrs])
            continue
        if x.number not in results:
            results[x.number] = kept + len(new)
            new.append(x)
        sources.append((False, results[x.number]))
        weak.append(None)
    sources += [(True, x.attrs) for x in rest]
    forward = Loop(
        subgraph(joint, inputs[:count], [*joint.outputs[:kept], *new]),
        n,
        loop.rows,
        loop.count,
        loop.reverse,
        loop.weak,
        [*loop.kinds, *[(x.shape, x.dtype) for x in new]],
        loop.flag,
    )

    found = joint.outputs[kept : len(joint.outputs) - flagged]
    places = [i for i, v in enumerate(varying) if v]
    by_input = dict(zip(places, found, strict=True))
    carried = [by_input[i] for i in places if i < n] + [by_input[i] for i in places if i >= end]
    body = subgraph(
        joint,
        [*gs[:n_gs], *totals, *flag, *stacked, *gs[n_gs:], *rest],
        [*carried, *joint.outputs[len(joint.outputs) - flagged :], *[by_input[i] for i in places if n <= i < end]],
    )
    n_back = len(carried) + flagged
    weak = [*[None] * n_back, *weak, *[None] * (len(gs) - n_gs), *[loop.weak[x.attrs] for x in rest]]
    kinds = [(x.shape, x.dtype) for x in body.inputs[:n_back]] + [(y.shape, y.dtype) for y in body.outputs[n_back:]]
    backward = Loop(
        body,
        n_back,
        len(stacked) + len(gs) - n_gs,
        loop.count,
        not loop.reverse,
        tuple(weak),
        kinds,
        len(carried) if flagged else None,
    )
    order = [i for i in places if i < n] + [i for i in places if i >= end]
    at: list[int | None] = [order.index(i) if i in order else None for i in range(count)]
    for k, i in enumerate([i for i in places if n <= i < end]):
        at[i] = n_back + k
    return _Pull(forward, backward, wanted, [(x.shape, x.dtype) for x in totals], sources, len(stacked), at)


def _push_of(loop: Loop, mask: Mask) -> tuple[Loop, Mask]:
    """The loop that computes the tangents, and which inputs have one."""
    n, end = loop.carries, loop.carries + loop.rows
    varying = closed_under(loop.body, n, mask)
    joint, flagged = pushed(loop.body, varying, loop.weak)
    count, kept = len(loop.body.inputs), len(loop.body.outputs)
    inputs = joint.inputs
    places = [i for i, v in enumerate(varying) if v]
    ts = dict(zip(places, inputs[count:], strict=False))
    after = dependent(loop.body, varying)
    flag_in = inputs[len(inputs) - flagged :]
    flag_out = joint.outputs[len(joint.outputs) - flagged :]
    made = iter(joint.outputs[kept:])
    tangents = {i: next(made) for i, a in enumerate(after) if a}
    for i in places:  # a carry that has a tangent at first, and none after a round
        if i < n and i not in tangents:
            tangents[i] = _zeros_in(joint, inputs[i])
    parts = [
        [*inputs[:n], *[ts[i] for i in places if i < n], *flag_in],
        [*inputs[n:end], *[ts[i] for i in places if n <= i < end]],
        [*inputs[end:count], *[ts[i] for i in places if i >= end]],
    ]
    carried = [*joint.outputs[:n], *[tangents[i] for i in places if i < n], *flag_out]
    body = subgraph(
        joint, [x for part in parts for x in part], [*carried, *[tangents[i] for i in sorted(tangents) if i >= n]]
    )
    weak = tuple([loop.weak[x.attrs] if x.attrs < count else None for part in parts for x in part])
    made_loop = Loop(
        body, len(carried), len(parts[1]), loop.count, loop.reverse, weak, None, len(carried) - 1 if flagged else None
    )
    return made_loop, varying


def _zeros_in(graph: Graph, like: Value) -> Value:
    return graph.add(Value("constant", (), np.zeros(like.shape, like.dtype), like.shape, like.dtype))


def _of_dtype(y: Any, dtype: Any) -> Any:
    if not isinstance(y, Box | np.ndarray | np.generic):
        y = np.asarray(y)[()]
    return y if y.dtype == dtype else y.astype(dtype)
