"""Executables: a traced graph made ready to run. Native programs, and between them what only NumPy can compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wengert.compiler.fuse import Group, fuse, use_of
from wengert.compiler.graph import Graph, Value
from wengert.compiler.lower_loops import lower
from wengert.compiler.passes import improved
from wengert.compiler.plan import NOTHING, plan
from wengert.compiler.program import Alarm, Program
from wengert.compiler.rebuild import with_own_outputs
from wengert.compiler.replay import compute
from wengert.compiler.watch import with_alarm

__all__ = ["Executable", "Piece", "compiled"]

Array = np.ndarray[Any, Any]


class Piece:
    """A program, or an operation that NumPy computes (then ``program`` is ``None``); ``run`` does it.

    ``origins`` are, for each step of the program, the values that it computes.
    """

    __slots__ = ("inputs", "origins", "outputs", "program", "run")

    def __init__(
        self,
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        program: Program | None = None,
        origins: Sequence[tuple[Value, ...]] = (),
    ) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.program = program
        self.origins = tuple(origins)
        self.run: Callable[[Sequence[Array]], Sequence[Array]]


class Executable:
    """Computes the outputs of a graph. A NaN in its last ``watched``, which are kept back, is an ``Alarm``.

    ``donated`` are outputs that are left in the memory of inputs: dense arrays, which are overwritten.
    """

    def __init__(
        self, graph: Graph, pieces: Sequence[Piece], watched: int = 0, donated: Mapping[int, int] = NOTHING
    ) -> None:
        self.graph = graph
        self.pieces = tuple(pieces)
        self.watched = watched
        self.donated = donated
        self._last: list[list[int]] = _last_uses(self.pieces, graph)

    @property
    def whole(self) -> Piece | None:
        """The one piece, if its outputs are the graph's."""
        if len(self.pieces) != 1 or self.pieces[0].program is None or self.watched:
            return None
        return self.pieces[0]

    def __call__(self, arrays: Sequence[Any]) -> list[Any]:
        """The outputs, for one array an input."""
        known: dict[int, Any] = {x.number: a for x, a in zip(self.graph.inputs, arrays, strict=True)}
        for position, i in self.donated.items():
            known[self.graph.outputs[position].number] = arrays[i]
        for piece, done in zip(self.pieces, self._last, strict=True):
            made = piece.run([x.attrs if x.prim == "constant" else known[x.number] for x in piece.inputs])
            for value, array in zip(piece.outputs, made, strict=True):
                known[value.number] = array
            for number in done:
                del known[number]
        outputs = [known[y.number] if y.prim != "constant" else y.attrs for y in self.graph.outputs]
        if self.watched:
            if any([bool(np.isnan(x).any()) for x in outputs[-self.watched :]]):
                raise Alarm
            del outputs[-self.watched :]
        return outputs


def compiled(
    graph: Graph,
    link: Callable[[Program], Callable[[Sequence[Array]], Sequence[Array]]],
    watched: int = 0,
    donated: Mapping[int, int] = NOTHING,
) -> Executable:
    """A traced graph, lowered, fused and linked.

    Its last ``watched`` outputs are not given, but watched: a run raises ``Alarm`` if there is a NaN in them.
    ``donated`` are outputs that may be left in the memory of inputs. They are if one program computes everything, and
    nothing can go wrong in it once it has begun to write.
    """
    lowered, rest = with_alarm(with_own_outputs(improved(lower(graph)), watched), watched)
    lowered.outputs += rest
    lowered.validate()
    pieces = list(_pieces(lowered))
    lowered.outputs = [y for y in lowered.outputs if y.prim != "alarm"]
    if len(pieces) != 1 or pieces[0].program is None or pieces[0].program.status is not None:
        donated = NOTHING
    if donated:
        pieces = [_in_place(pieces[0], lowered, donated)]
    for piece in pieces:
        piece.run = _by_numpy(piece.outputs[0]) if piece.program is None else link(piece.program)
    return Executable(lowered, pieces, len(rest), donated)


def _in_place(piece: Piece, graph: Graph, donated: Mapping[int, int]) -> Piece:
    """The one piece, with outputs in the memory of inputs."""
    place = {y.number: k for k, y in enumerate(piece.outputs)}
    given = {place[graph.outputs[position].number]: i for position, i in donated.items()}
    rest = [y for k, y in enumerate(piece.outputs) if k not in given]
    return Piece(piece.inputs, rest, *plan(fuse(graph), piece.inputs, piece.outputs, given))


def _pieces(graph: Graph) -> list[Piece]:
    groups = fuse(graph)
    runs: list[list[Group]] = []
    for group in groups:
        native = group.nodes[0].prim != "apply"
        if native and runs and runs[-1][0].nodes[0].prim != "apply":
            runs[-1].append(group)
        else:
            runs.append([group])
    needed_by: dict[int, set[int]] = {}
    for i, run in enumerate(runs):
        for group in run:
            for value in group.nodes:
                for x in value.inputs:
                    needed_by.setdefault(use_of(x).root.number, set()).add(i)
    wanted = {y.number for y in graph.outputs if y.prim != "alarm"}
    pieces = []
    for i, run in enumerate(runs):
        own = {v.number: v for group in run for v in group.nodes}
        if run[0].nodes[0].prim == "apply":
            (value,) = own.values()
            pieces.append(Piece(value.inputs, [value]))
            continue
        read = {}
        for group in run:
            for value in group.nodes:
                for x in value.inputs:
                    root = use_of(x).root
                    if root.number not in own and root.prim != "constant":
                        read[root.number] = root
        outputs = [v for n, v in sorted(own.items()) if n in wanted or any([j > i for j in needed_by.get(n, ())])]
        inputs = [read[n] for n in sorted(read)] if len(runs) > 1 else graph.inputs
        pieces.append(Piece(inputs, outputs, *plan(run, inputs, outputs)))
    return pieces


def _by_numpy(value: Value) -> Callable[[Sequence[Array]], Sequence[Array]]:
    def run(arrays: Sequence[Array]) -> Sequence[Array]:
        with np.errstate(all="ignore"):
            return [np.asarray(compute(value, arrays), order="C")]

    return run


def _last_uses(pieces: Sequence[Piece], graph: Graph) -> list[list[int]]:
    """For each piece, the numbers of the values that nobody needs after it."""
    kept = {y.number for y in graph.outputs} | {x.number for x in graph.inputs}
    last: dict[int, int] = {}
    for i, piece in enumerate(pieces):
        for value in (*piece.inputs, *piece.outputs):
            if value.prim != "constant":
                last[value.number] = i
    return [[n for n, at in last.items() if at == i and n not in kept] for i in range(len(pieces))]
