"""Loops in programs: a body's steps, at places that move on from round to round.

The body is planned like a program of its own. Its inputs and outputs then become places of the program around it: a
carry is kept where its last value is wanted, rows are read and written where they are, and the body's workspace is a
part of the other one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from wengert.compiler.build import dense_strides
from wengert.compiler.fuse import Group, fuse, use_of
from wengert.compiler.graph import Graph, Rounds, Value, live_values
from wengert.compiler.program import Loop, Program, Ref, with_refs
from wengert.compiler.rebuild import with_own_outputs

__all__ = ["plan_loop"]

Planned = Callable[..., tuple[Program, list[tuple[Value, ...]]]]


class _Moving(NamedTuple):
    """A place in the first round, and how many bytes it moves on from round to round."""

    first: Ref
    step: int


def plan_loop(around: Any, group: Group, plan: Planned) -> None:
    """The steps of the loop in ``group``, appended to what ``around`` has planned; ``plan`` plans the body."""
    loop, *items = group.nodes
    rounds: Rounds = loop.attrs
    found = {item.attrs: item for item in items}
    kept = _kept(rounds, found)
    carries = {i: _carry(around, loop.inputs[i], found.get(i)) for i in kept if i < rounds.carries}
    if not rounds.count:
        return
    body = Graph()
    body.values, body.inputs = list(rounds.body.values), rounds.body.inputs
    changed = [i for i in kept if i >= rounds.carries or rounds.body.outputs[i] is not body.inputs[i]]
    body.outputs = [rounds.body.outputs[i] for i in changed]
    with_own_outputs(body)
    left = {k: i for k, i in enumerate(changed) if i < rounds.carries}
    groups = fuse(body)
    program, _ = plan(groups, body.inputs, body.outputs, left)
    inputs = {
        k: _input(around, rounds, k, x, carries)
        for k, x in enumerate(loop.inputs)
        if k in carries or k >= rounds.carries
    }
    outputs = [_row_of(around._ref(found[i]), found[i], rounds) for i in changed if i >= rounds.carries]
    change = _placing(around, program, inputs, outputs)
    around._current = (*group.nodes, *[v for g in groups for v in g.nodes])
    around._step(Loop(rounds.count, tuple([with_refs(step, change) for step in program.steps])))


def _kept(rounds: Rounds, wanted: Collection[int]) -> list[int]:
    """The outputs of the body that are ``wanted``, and the carries that these need."""
    graph = Graph()
    graph.values = rounds.body.values
    kept = set(wanted)
    while True:
        graph.outputs = [rounds.body.outputs[i] for i in sorted(kept)]
        live = live_values(graph)
        more = {i for i in range(rounds.carries) if rounds.body.inputs[i].number in live} - kept
        if not more:
            return sorted(kept)
        kept |= more


def _carry(around: Any, x: Value, item: Value | None) -> _Moving:
    """The memory of a carry, with what it is at first."""
    place = Ref("work", around._buffer(x.size * x.dtype.itemsize)) if item is None else around._ref(item)
    use = use_of(x)
    if x.size:
        source = around._at(around._ref(use.root), use.affine.offset, x.dtype)
        around._copy(x.shape, source, use.affine.strides, place, dense_strides(x.shape), x.dtype)
    return _Moving(place, 0)


def _input(around: Any, rounds: Rounds, k: int, x: Value, carries: Mapping[int, _Moving]) -> _Moving:
    """Where input ``k`` of the body is."""
    if k < rounds.carries:
        return carries[k]
    use = use_of(x)
    place = around._at(around._ref(use.root), use.affine.offset, x.dtype)
    if k >= rounds.carries + rounds.rows:
        return _Moving(place, 0)
    return _moving(place, use.affine.strides[0] * x.dtype.itemsize, rounds)


def _row_of(place: Ref, stacked: Value, rounds: Rounds) -> _Moving:
    return _moving(place, math.prod(stacked.shape[1:]) * stacked.dtype.itemsize, rounds)


def _moving(place: Ref, step: int, rounds: Rounds) -> _Moving:
    """From the first row on, or from the last one back."""
    if not rounds.reverse:
        return _Moving(place, step)
    return _Moving(place._replace(offset=place.offset + (rounds.count - 1) * step), -step)


def _placing(
    around: Any, program: Program, inputs: Mapping[int, _Moving], outputs: Sequence[_Moving]
) -> Callable[[Ref], Ref]:
    """What gives the places of the body's program in the one around it."""
    work = around._buffer(program.work) if program.work else -1
    first = len(around.constants)
    around.constants += program.constants

    def placed(ref: Ref) -> Ref:
        moving: Any
        if ref.slot == "input":
            moving = inputs[ref.index]
        elif ref.slot == "output":
            moving = outputs[ref.index]
        elif ref.slot == "constant":
            moving = _Moving(Ref("constant", first + ref.index), 0)
        elif ref.offset == program.status:
            return around._status_word()
        else:
            moving = _Moving(Ref("work", work), 0)
        strides = (moving.step, *ref.strides) if moving.step or ref.strides else ()
        return moving.first._replace(offset=moving.first.offset + ref.offset, strides=strides)

    return placed
